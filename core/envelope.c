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
	const char *name;
	bool is_required;
	member_check_fn *check;
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

static void check_members(const struct member *object, const struct member_rule *rules)
{
	for (const struct member_rule *rule = rules; rule->name != NULL; rule++) {
		const struct json_path here = { .parent = object->path, .name = rule->name };
		const struct member member = {
			.value = json_object_get(object->value, rule->name),
			.path = &here,
			.violations = object->violations,
		};
		if (member.value != NULL && !json_kind_is(member.value, JSON_NULL)) {
			rule->check(&member);
		} else if (rule->is_required) {
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
		check_members(member, rules);
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
	{ "tenant_id", true, check_identifier },
	{ "request_type", true, check_filled_string },
	{ "input_ref", true, check_place },
	{ "output_ref", true, check_place },
	{ "payload", true, check_object },
	{ "schema_version", true, check_schema_version },
	{ "mode", false, check_mode },
	{ "doc_id", false, check_identifier },
	{ "idempotency_key", false, check_identifier },
	{ "workspace_ref", false, check_workspace },
	{ "correlation_id", false, check_string },
	{ "traceparent", false, check_string },
	{ NULL, false, NULL },
};

static bool is_envelope(const json_t *body, struct violations *violations)
{
	const struct member top = { .value = body, .violations = violations };
	check_object(&top);
	if (json_kind_is(body, JSON_OBJECT)) {
		check_members(&top, envelope_rules);
	}
	return violations->n_found == 0;
}

/* The member, or NULL if it is absent or null. */
static json_t *value_of(const json_t *envelope, const char *name)
{
	json_t *value = json_object_get(envelope, name);
	return value != NULL && !json_kind_is(value, JSON_NULL) ? value : NULL;
}

static const char *text_of(const json_t *envelope, const char *name)
{
	return json_string_value(json_object_get(envelope, name));
}

static void system_random(void *user, void *buffer, size_t size)
{
	(void)user;
	(void)must_have(RAND_bytes(buffer, (int)size) == 1 ? buffer : NULL);
}

static void fill_traceparent(struct command *command, const struct command_random *random)
{
	const char *given = text_of(command->envelope, "traceparent");
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

static struct command *make_command(json_t *envelope, const struct command_random *random)
{
	struct command *command = must_calloc(1, sizeof(*command));
	const char *mode = text_of(envelope, "mode");
	*command = (struct command){
		.envelope = envelope,
		.tenant_id = text_of(envelope, "tenant_id"),
		.request_type = registry_normalise_request_type(text_of(envelope, "request_type")),
		.doc_id = text_of(envelope, "doc_id"),
		.idempotency_key = text_of(envelope, "idempotency_key"),
		.correlation_id = text_of(envelope, "correlation_id"),
		.mode = mode != NULL ? routing_mode_from_text(mode) : ROUTING_UNSET,
		.input_ref = value_of(envelope, "input_ref"),
		.output_ref = value_of(envelope, "output_ref"),
		.workspace_ref = value_of(envelope, "workspace_ref"),
		.payload = value_of(envelope, "payload"),
	};
	fill_traceparent(command, random);
	return command;
}

enum command_fault command_read(const char *text, size_t size, const struct json_limits *limits,
        const struct command_random *random, struct command **ret_command,
        struct command_refusal *ret_refusal)
{
	struct json_fault fault;
	json_t *body CLEANUP(json_decrefp) = json_strict_parse(text, size, limits, &fault);
	if (body == NULL) {
		return command_refuse(ret_refusal, COMMAND_MALFORMED_JSON,
		        "The body is not JSON that can be taken: %s.", fault.sentence);
	}
	struct violations violations CLEANUP_VIOLATIONS = { 0 };
	if (!is_envelope(body, &violations)) {
		return command_refuse_list(ret_refusal, COMMAND_INVALID_ENVELOPE,
		        "The envelope is not valid", &violations);
	}
	*ret_command = make_command(steal(body), random);
	return COMMAND_OK;
}
