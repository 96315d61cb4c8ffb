/* SPDX-License-Identifier: MIT */
/* Keywords that apply other schemas to the same instance, and references. */
#include "core/schema_node.h"

#include <stdlib.h>
#include <string.h>

#include "core/quote.h"
#include "support/base/memory.h"

static bool check_all_of(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	bool is_valid = true;
	for (size_t i = 0; i < check->n_nodes; i++) {
		is_valid = schema_apply(run, check->nodes[i], instance) && is_valid;
	}
	return is_valid;
}

static bool check_any_of(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	for (size_t i = 0; i < check->n_nodes; i++) {
		if (schema_matches(run, check->nodes[i], instance)) {
			return true;
		}
	}
	/* What each of them misses tells more than that all of them miss something. */
	return run->quiet == 0 && check_all_of(run, check, instance);
}

static bool check_one_of(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	size_t n_matches = 0;
	for (size_t i = 0; i < check->n_nodes && n_matches < 2; i++) {
		n_matches += schema_matches(run, check->nodes[i], instance) ? 1 : 0;
	}
	if (n_matches == 0) {
		return run->quiet == 0 && check_any_of(run, check, instance);
	}
	return n_matches == 1 ||
	        schema_report(run, instance->path, "matches more than one of the forms, not one");
}

static bool check_not(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	return !schema_matches(run, check->nodes[0], instance) ||
	        schema_report(run, instance->path, "has a form that is not allowed");
}

enum { PART_IF, PART_THEN, PART_ELSE, N_PARTS };

static bool compile_if(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	static const char *const parts[N_PARTS] = { "if", "then", "else" };
	check->nodes = must_calloc(N_PARTS, sizeof(struct schema_node *));
	check->n_nodes = N_PARTS;
	for (size_t i = 0; i < N_PARTS; i++) {
		const struct json_path here = { .parent = place->path->parent, .name = parts[i] };
		const json_t *part = json_object_get(place->parent, parts[i]);
		if (part == NULL) {
			continue;
		}
		check->nodes[i] = schema_compile_node(compiler, part, &here);
		if (check->nodes[i] == NULL) {
			return false;
		}
	}
	return true;
}

static bool compile_branch(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	(void)check;
	if (json_object_get(place->parent, "if") == NULL) {
		return schema_refuse(compiler, place->path, "has no effect without \"if\"");
	}
	return true;
}

static bool check_if(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	bool is_then = schema_matches(run, check->nodes[PART_IF], instance);
	const struct schema_node *branch = check->nodes[is_then ? PART_THEN : PART_ELSE];
	return branch == NULL || schema_apply(run, branch, instance);
}

/* Undoes %XX in place; false for a "%" that starts none. */
static bool decode_percent(char *text)
{
	char *out = text;
	for (const char *at = text; *at != '\0'; at++) {
		if (*at != '%') {
			*out++ = *at;
			continue;
		}
		if (strspn(at + 1, "0123456789abcdefABCDEF") < 2) {
			return false;
		}
		const char digits[3] = { at[1], at[2], '\0' };
		*out++ = (char)strtol(digits, NULL, 16);
		at += 2;
	}
	*out = '\0';
	return true;
}

static bool compile_ref(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	const char *reference = json_string_value(place->value);
	if (reference == NULL || *reference != '#') {
		return schema_refuse(compiler, place->path,
		        "must be a reference within this file, such as \"#/$defs/name\"");
	}
	char *pointer CLEANUP_FREE = must_copy(reference + 1, strlen(reference + 1));
	const json_t *target = decode_percent(pointer)
	        ? json_path_find(compiler->schema->document, pointer)
	        : NULL;
	if (target == NULL) {
		return schema_refuse(compiler, place->path, "\"%s\" leads nowhere in this file",
		        quote(reference).text);
	}
	const struct schema_place there = { .value = target, .path = place->path };
	return schema_compile_one(compiler, &there, check);
}

const struct schema_keyword schema_combining_keywords[] = {
	{ "$ref", compile_ref, check_all_of, true },
	{ "$defs", schema_compile_named, NULL, false },
	{ "allOf", schema_compile_list, check_all_of, true },
	{ "anyOf", schema_compile_list, check_any_of, true },
	{ "oneOf", schema_compile_list, check_one_of, true },
	{ "not", schema_compile_one, check_not, true },
	{ "if", compile_if, check_if, true },
	{ "then", compile_branch, NULL, false },
	{ "else", compile_branch, NULL, false },
	{ NULL, NULL, NULL, false },
};
