/* SPDX-License-Identifier: MIT */
/* Runs a compiled schema over an instance; what the keywords demand stands in schema_*_keywords.c.
 */
#include "core/json_schema.h"

#include <stdarg.h>
#include <stdlib.h>

#include "core/schema_node.h"
#include "support/base/memory.h"

enum {
	DEEPEST = 256, /* nodes inside each other: the stack stays within some 100 KiB */
	MOST_STEPS = 2000000, /* a fraction of a second */
};

bool schema_report(struct schema_run *run, const struct json_path *path, const char *format, ...)
{
	if (run->quiet > 0) {
		return false;
	}
	va_list arguments;
	va_start(arguments, format);
	char *message CLEANUP_FREE = must_vprint(format, arguments);
	va_end(arguments);
	char *pointer CLEANUP_FREE = json_path_print(path, run->prefix);
	violations_add(run->violations, pointer, "%s", message);
	return false;
}

static bool run_checks(struct schema_run *run, const struct schema_node *node,
        const struct schema_instance *instance)
{
	bool is_valid = true;
	for (size_t i = 0; i < node->n_checks && (is_valid || run->quiet == 0); i++) {
		const struct schema_check *check = &node->checks[i];
		is_valid = check->keyword->check(run, check, instance) && is_valid;
	}
	return is_valid;
}

bool schema_spend(struct schema_run *run, size_t n_steps)
{
	run->n_steps += n_steps;
	if (run->depth >= DEEPEST || run->n_steps > MOST_STEPS) {
		run->is_exhausted = true;
	}
	return !run->is_exhausted;
}

bool schema_apply(struct schema_run *run, const struct schema_node *node,
        const struct schema_instance *instance)
{
	if (!schema_spend(run, 1)) {
		return false;
	}
	if (node->is_false) {
		return schema_report(run, instance->path, "is not allowed here");
	}
	run->depth++;
	bool is_valid = run_checks(run, node, instance);
	run->depth--;
	return is_valid;
}

bool schema_matches(struct schema_run *run, const struct schema_node *node,
        const struct schema_instance *instance)
{
	run->quiet++;
	bool is_valid = schema_apply(run, node, instance);
	run->quiet--;
	return is_valid;
}

bool schema_is_match(
        struct schema_run *run, const struct json_pattern *pattern, const char *text, size_t size)
{
	enum json_match match = json_pattern_match(pattern, text, size);
	if (match == JSON_MATCH_TOO_COSTLY) {
		run->is_exhausted = true;
	}
	return match == JSON_MATCH_YES;
}

bool json_schema_validate(const struct json_schema *schema, const json_t *instance,
        const char *prefix, struct violations *violations)
{
	struct schema_run run = { .prefix = prefix, .violations = violations };
	const struct schema_instance top = { .value = instance };
	bool is_valid = schema_apply(&run, schema->root, &top);
	if (run.is_exhausted) {
		violations_add(violations, prefix, "is too deep or too costly to check");
	}
	return is_valid && !run.is_exhausted;
}

static void check_finish(struct schema_check *check)
{
	for (size_t i = 0; i < check->n_patterns; i++) {
		json_pattern_destroy(check->patterns[i]);
	}
	free(check->patterns);
	free(check->nodes);
	free(check->names);
}

static void node_destroy(struct schema_node *node)
{
	for (size_t i = 0; i < node->n_checks; i++) {
		check_finish(&node->checks[i]);
	}
	free(node->checks);
	free(node);
}

void json_schema_destroy(struct json_schema *schema)
{
	if (schema == NULL) {
		return;
	}
	for (size_t i = 0; i < schema->n_nodes; i++) {
		node_destroy(schema->nodes[i]);
	}
	free(schema->nodes);
	json_decref(schema->document);
	free(schema);
}
