/* SPDX-License-Identifier: MIT */
/*
 * Answers the vector script: each line of standard input is a word and a JSON value, each line of
 * standard output what the core makes of it. A text that is refused gives "refused" and why.
 */
#include <stdio.h>
#include <string.h>

#include "core/canonical.h"
#include "core/idempotency.h"
#include "core/json_schema.h"
#include "core/json_strict.h"
#include "core/json_writer.h"
#include "core/routing.h"
#include "core/strip_lower.h"
#include "support/base/cleanup.h"

static void answer_canonical(const json_t *value)
{
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	canonical_write(&writer, value);
	puts(json_writer_text(&writer));
}

static void answer_plain(const json_t *value)
{
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	json_writer_json(&writer, value);
	puts(json_writer_text(&writer));
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void answer_hash(const json_t *value)
{
	const struct idempotency_input input = {
		.tenant_id = text_of(value, "tenant_id"),
		.request_type = text_of(value, "request_type"),
		.doc_id = text_of(value, "doc_id"),
		.input_ref = json_object_get(value, "input_ref"),
		.output_ref = json_object_get(value, "output_ref"),
		.payload = json_object_get(value, "payload"),
		.schema_version = text_of(value, "schema_version"),
	};
	char hash[IDEMPOTENCY_HASH_SIZE];
	idempotency_hash(&input, hash);
	puts(hash);
}

static void answer_normalised(const json_t *value)
{
	char *text CLEANUP_FREE = strip_lower(json_string_value(value));
	json_t *string CLEANUP(json_decrefp) = json_string(text);
	answer_canonical(string);
}

static void answer_route(const json_t *value)
{
	const struct routing_config config = { 0 };
	struct routing routing;
	routing_decide(routing_mode_from_text(text_of(value, "mode")), text_of(value, "tenant_id"),
	        text_of(value, "doc_id"), &config, &routing);
	printf("%s %u\n", routing_mode_text(routing.mode), routing.lane);
	routing_finish(&routing);
}

static void answer_crc(const json_t *value)
{
	printf("%u\n", routing_crc32(json_string_value(value), json_string_length(value)));
}

/* Of a schema and a list of instances: a digit each, 1 if it is valid, or why it is refused. */
static void answer_schema(const json_t *value)
{
	char *pointer CLEANUP_FREE = NULL;
	char *sentence CLEANUP_FREE = NULL;
	struct json_schema *schema CLEANUP(cleanup_json_schema) =
	        json_schema_compile(json_object_get(value, "schema"), &pointer, &sentence);
	if (schema == NULL) {
		printf("refused %s: %s\n", pointer, sentence);
		return;
	}
	size_t index;
	json_t *instance;
	json_array_foreach(json_object_get(value, "instances"), index, instance)
	{
		struct violations violations CLEANUP_VIOLATIONS = { 0 };
		bool is_valid = json_schema_validate(schema, instance, "", &violations);
		/* An instance is valid if, and only if, nothing is reported. */
		putchar(is_valid != (violations.n_found == 0) ? 'x' : is_valid ? '1' : '0');
	}
	putchar('\n');
}

static const struct {
	const char *word;
	void (*answer)(const json_t *value);
} answers[] = {
	{ "canonical", answer_canonical },
	{ "plain", answer_plain },
	{ "hash", answer_hash },
	{ "normalise", answer_normalised },
	{ "route", answer_route },
	{ "crc", answer_crc },
	{ "schema", answer_schema },
};

static void answer(const char *line, size_t size)
{
	const char *space = memchr(line, ' ', size);
	if (space == NULL) {
		return;
	}
	const struct json_limits limits = { .max_depth = 64, .max_values = 1000000 };
	struct json_fault fault;
	size_t text_size = size - (size_t)(space + 1 - line);
	json_t *value CLEANUP(json_decrefp) =
	        json_strict_parse(space + 1, text_size, &limits, &fault);
	if (value == NULL) {
		printf("refused %s\n", fault.sentence);
		return;
	}
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (strncmp(answers[i].word, line, (size_t)(space - line)) == 0) {
			answers[i].answer(value);
			return;
		}
	}
}

int main(void)
{
	char *line CLEANUP_FREE = NULL;
	size_t capacity = 0;
	ssize_t size;
	while ((size = getline(&line, &capacity, stdin)) > 0) {
		answer(line, (size_t)size - (line[size - 1] == '\n' ? 1 : 0));
	}
	return 0;
}
