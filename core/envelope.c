/* SPDX-License-Identifier: MIT */
/*
 * Reads an envelope: one row a member says whether it is required and what checks it, so that all
 * violations are found in one pass. What the members then mean stands in command_resolve.c.
 */
#include "core/envelope.h"

#include <openssl/rand.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "core/command_refusal.h"
#include "core/json_arena.h"
#include "core/json_equal.h"
#include "core/json_kind.h"
#include "core/json_path.h"
#include "core/quote.h"
#include "core/strip_lower.h"
#include "support/base/memory.h"

enum {
	LONGEST_IDENTIFIER = 128 /* code points */
};

/* A member that is there and not null. */
struct member {
	const json_t *value;
	const struct json_path *path;
	struct violations *violations;
};

typedef void member_check_fn(const struct member *member);

struct member_rule {
	const char *name; /* NULL after the last one */
	bool is_required;
	member_check_fn *check;
};

/* In the order in which their violations are told. */
enum envelope_member {
	TENANT_ID,
	REQUEST_TYPE,
	INPUT_REF,
	OUTPUT_REF,
	PAYLOAD,
	SCHEMA_VERSION,
	MODE,
	DOC_ID,
	IDEMPOTENCY_KEY,
	WORKSPACE_REF,
	CORRELATION_ID,
	TRACEPARENT,
	N_MEMBERS
};

__attribute__((format(printf, 2, 3))) static void violate(
        const struct member *member, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *message CLEANUP_FREE = must_vprint(format, arguments);
	va_end(arguments);
	char *pointer CLEANUP_FREE = json_path_print(member->path, "");
	violations_add(member->violations, pointer, "%s", message);
}

static const char *type_text(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	case JSON_NULL:
		return "null";
	}
	return "nothing";
}

/* True for a string; anything else is a violation. */
static bool need_string(const struct member *member)
{
	if (!json_kind_is(member->value, JSON_STRING)) {
		violate(member, "must be a string, not %s", type_text(member->value));
		return false;
	}
	return true;
}

static void check_string(const struct member *member)
{
	(void)need_string(member);
}

static void check_filled_string(const struct member *member)
{
	if (need_string(member) && json_string_length(member->value) == 0) {
		violate(member, "must not be empty");
	}
}

static bool is_control(ucs4_t code_point)
{
	return code_point < 0x20 || (code_point >= 0x7f && code_point <= 0x9f);
}

struct text_facts {
	size_t n_code_points;
	ucs4_t control; /* the first control character; 0: none */
	bool is_blank;
};

static struct text_facts examine(const char *text)
{
	struct text_facts facts = { .is_blank = true };
	ucs4_t code_point;
	const uint8_t *at = (const uint8_t *)text;
	while ((at = u8_next(&code_point, at)) != NULL) {
		facts.n_code_points++;
		facts.is_blank = facts.is_blank && strip_lower_is_space(code_point);
		if (facts.control == 0 && is_control(code_point)) {
			facts.control = code_point;
		}
	}
	return facts;
}

static void check_identifier(const struct member *member)
{
	if (!need_string(member)) {
		return;
	}
	struct text_facts facts = examine(json_string_value(member->value));
	if (facts.is_blank) {
		violate(member, "must not be blank");
	}
	if (facts.n_code_points > LONGEST_IDENTIFIER) {
		violate(member, "must have at most %d characters, not %zu", LONGEST_IDENTIFIER,
		        facts.n_code_points);
	}
	if (facts.control != 0) {
		violate(member, "must not contain the control character U+%04X", facts.control);
	}
}

static void check_object(const struct member *member)
{
	if (!json_kind_is(member->value, JSON_OBJECT)) {
		violate(member, "must be an object, not %s", type_text(member->value));
	}
}

static void check_size(const struct member *member)
{
	if (!json_number_is_whole(member->value) || json_number_value(member->value) < 0) {
		violate(member, "must be a whole number of at least 0");
	}
}

static void check_schema_version(const struct member *member)
{
	if (need_string(member) && strcmp(json_string_value(member->value), "v1") != 0) {
		violate(member, "must be \"v1\", not \"%s\"",
		        quote(json_string_value(member->value)).text);
	}
}

static void check_mode(const struct member *member)
{
	if (need_string(member) &&
	        routing_mode_from_text(json_string_value(member->value)) == ROUTING_UNSET) {
		violate(member, "must be \"DEFAULT\" or \"BURST\", not \"%s\"",
		        quote(json_string_value(member->value)).text);
	}
}

/* The place of the rule for that name, or of the end of the rules. */
static size_t find_rule(const struct member_rule *rules, const char *name)
{
	size_t place = 0;
	while (rules[place].name != NULL &&
	        (rules[place].name[0] != name[0] || strcmp(rules[place].name, name) != 0)) {
		place++;
	}
	return place;
}

/* Fills `values`, all NULL before, with the members that have a rule and are not null: one walk
 * costs less than a look-up for each rule. */
static void collect(const json_t *object, const struct member_rule *rules, json_t **values)
{
	json_t *walked = (json_t *)object;
	for (void *at = json_object_iter(walked); at != NULL;
	        at = json_object_iter_next(walked, at)) {
		size_t place = find_rule(rules, json_object_iter_key(at));
		json_t *value = json_object_iter_value(at);
		if (rules[place].name != NULL && !json_kind_is(value, JSON_NULL)) {
			values[place] = value;
		}
	}
}

static void check_members(
        const struct member *object, const struct member_rule *rules, json_t **values)
{
	collect(object->value, rules, values);
	for (size_t i = 0; rules[i].name != NULL; i++) {
		const struct json_path here = { .parent = object->path, .name = rules[i].name };
		const struct member member = {
			.value = values[i],
			.path = &here,
			.violations = object->violations,
		};
		if (member.value != NULL) {
			rules[i].check(&member);
		} else if (rules[i].is_required) {
			violate(&member, "is required");
		}
	}
}

/* The two sorts of reference differ in whether an object must name its place. */
static void check_reference(const struct member *member, bool is_uri_required)
{
	const struct member_rule rules[] = {
		{ "uri", is_uri_required, check_filled_string },
		{ "checksum", false, check_string },
		{ "size_bytes", false, check_size },
		{ "content_type", false, check_string },
		{ "metadata", false, check_object },
		{ NULL, false, NULL },
	};
	if (json_kind_is(member->value, JSON_OBJECT)) {
		json_t *values[N_MEMBERS] = { 0 }; /* more than its rules are */
		check_members(member, rules, values);
	} else if (json_kind_is(member->value, JSON_STRING)) {
		check_filled_string(member);
	} else {
		violate(member, "must be a string or an object, not %s", type_text(member->value));
	}
}

static void check_place(const struct member *member)
{
	check_reference(member, true);
}

static void check_workspace(const struct member *member)
{
	check_reference(member, false);
}

static const struct member_rule envelope_rules[] = {
	[TENANT_ID] = { "tenant_id", true, check_identifier },
	[REQUEST_TYPE] = { "request_type", true, check_filled_string },
	[INPUT_REF] = { "input_ref", true, check_place },
	[OUTPUT_REF] = { "output_ref", true, check_place },
	[PAYLOAD] = { "payload", true, check_object },
	[SCHEMA_VERSION] = { "schema_version", true, check_schema_version },
	[MODE] = { "mode", false, check_mode },
	[DOC_ID] = { "doc_id", false, check_identifier },
	[IDEMPOTENCY_KEY] = { "idempotency_key", false, check_identifier },
	[WORKSPACE_REF] = { "workspace_ref", false, check_workspace },
	[CORRELATION_ID] = { "correlation_id", false, check_string },
	[TRACEPARENT] = { "traceparent", false, check_string },
	[N_MEMBERS] = { NULL, false, NULL },
};

static bool is_envelope(const json_t *body, json_t **values, struct violations *violations)
{
	const struct member top = { .value = body, .violations = violations };
	check_object(&top);
	if (json_kind_is(body, JSON_OBJECT)) {
		check_members(&top, envelope_rules, values);
	}
	return violations->n_found == 0;
}

static void system_random(void *user, void *buffer, size_t size)
{
	(void)user;
	(void)must_have(RAND_bytes(buffer, (int)size) == 1 ? buffer : NULL);
}

static void fill_traceparent(
        struct command *command, const char *given, const struct command_random *random)
{
	if (given != NULL && traceparent_read(given, command->traceparent)) {
		return;
	}
	uint8_t bytes[TRACEPARENT_RANDOM_SIZE];
	if (random != NULL) {
		random->fill(random->user, bytes, sizeof(bytes));
	} else {
		system_random(NULL, bytes, sizeof(bytes));
	}
	traceparent_make(bytes, command->traceparent);
}

static struct command *make_command(
        json_t *envelope, json_t **values, const struct command_random *random)
{
	struct command *command = must_calloc(1, sizeof(*command));
	const char *mode = json_string_value(values[MODE]);
	*command = (struct command){
		.envelope = envelope,
		.tenant_id = json_string_value(values[TENANT_ID]),
		.request_type =
		        registry_normalise_request_type(json_string_value(values[REQUEST_TYPE])),
		.doc_id = json_string_value(values[DOC_ID]),
		.idempotency_key = json_string_value(values[IDEMPOTENCY_KEY]),
		.correlation_id = json_string_value(values[CORRELATION_ID]),
		.mode = mode != NULL ? routing_mode_from_text(mode) : ROUTING_UNSET,
		.input_ref = values[INPUT_REF],
		.output_ref = values[OUTPUT_REF],
		.workspace_ref = values[WORKSPACE_REF],
		.payload = values[PAYLOAD],
	};
	fill_traceparent(command, json_string_value(values[TRACEPARENT]), random);
	return command;
}

enum command_fault command_read(const char *text, size_t size, const struct json_limits *limits,
        const struct command_random *random, struct command **ret_command,
        struct command_refusal *ret_refusal)
{
	struct json_fault fault;
	json_t *body CLEANUP(cleanup_json_arena) = json_arena_parse(text, size, limits, &fault);
	if (body == NULL) {
		return command_refuse(ret_refusal, COMMAND_MALFORMED_JSON,
		        "The body is not JSON that can be taken: %s.", fault.sentence);
	}
	struct violations violations CLEANUP_VIOLATIONS = { 0 };
	json_t *values[N_MEMBERS] = { 0 };
	if (!is_envelope(body, values, &violations)) {
		return command_refuse_list(ret_refusal, COMMAND_INVALID_ENVELOPE,
		        "The envelope is not valid", &violations);
	}
	*ret_command = make_command(steal(body), values, random);
	return COMMAND_OK;
}
