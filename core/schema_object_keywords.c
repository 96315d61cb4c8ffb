/* SPDX-License-Identifier: MIT */
/* Keywords about the members of objects. */
#include "core/schema_node.h"

#include <string.h>

#include "core/json_kind.h"
#include "support/base/memory.h"

static bool check_properties(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	bool is_valid = true;
	for (size_t i = 0; i < check->n_nodes && json_kind_is(instance->value, JSON_OBJECT); i++) {
		const struct json_path here = { .parent = instance->path, .name = check->names[i] };
		const struct schema_instance member = {
			.value = json_object_get(instance->value, check->names[i]),
			.path = &here,
		};
		if (member.value != NULL) {
			is_valid = schema_apply(run, check->nodes[i], &member) && is_valid;
		}
	}
	return is_valid;
}

static bool compile_pattern_properties(struct schema_compiler *compiler,
        const struct schema_place *place, struct schema_check *check)
{
	if (!schema_compile_named(compiler, place, check)) {
		return false;
	}
	for (size_t i = 0; i < check->n_nodes; i++) {
		const struct json_path here = { .parent = place->path, .name = check->names[i] };
		if (!schema_add_pattern(compiler, &here, check, check->names[i])) {
			return false;
		}
	}
	return true;
}

static bool check_member_patterns(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *member)
{
	bool is_valid = true;
	const char *name = member->path->name;
	for (size_t i = 0; i < check->n_patterns; i++) {
		if (schema_is_match(run, check->patterns[i], name, strlen(name))) {
			is_valid = schema_apply(run, check->nodes[i], member) && is_valid;
		}
	}
	return is_valid;
}

typedef bool member_fn(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *member);

/* True if the function is true for each member; it is called for all of them. */
static bool each_member(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance, member_fn *is_member_valid)
{
	bool is_valid = true;
	const char *name;
	json_t *value;
	if (!json_kind_is(instance->value, JSON_OBJECT)) {
		return true;
	}
	json_object_foreach((json_t *)instance->value, name, value)
	{
		const struct json_path here = { .parent = instance->path, .name = name };
		const struct schema_instance member = { .value = value, .path = &here };
		is_valid = is_member_valid(run, check, &member) && is_valid;
	}
	return is_valid;
}

static bool check_pattern_properties(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	return each_member(run, check, instance, check_member_patterns);
}

/* Knows the names and patterns beside it: "additional" is what they leave. */
static bool compile_additional(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	if (!schema_compile_one(compiler, place, check)) {
		return false;
	}
	json_t *named = json_object_get(place->parent, "properties");
	const char *name;
	json_t *value;
	check->names = must_resize(check->names, json_object_size(named), sizeof(const char *));
	json_object_foreach(named, name, value)
	{
		check->names[check->n_names++] = name;
	}
	json_object_foreach(json_object_get(place->parent, "patternProperties"), name, value)
	{
		if (!schema_add_pattern(compiler, place->path, check, name)) {
			return false;
		}
	}
	return true;
}

static bool is_covered(struct schema_run *run, const struct schema_check *check, const char *name)
{
	for (size_t i = 0; i < check->n_names; i++) {
		if (strcmp(check->names[i], name) == 0) {
			return true;
		}
	}
	for (size_t i = 0; i < check->n_patterns; i++) {
		if (schema_is_match(run, check->patterns[i], name, strlen(name))) {
			return true;
		}
	}
	return false;
}

static bool check_member_additional(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *member)
{
	if (is_covered(run, check, member->path->name)) {
		return true;
	}
	if (check->nodes[0]->is_false) {
		return schema_report(run, member->path, "is not a member that is known here");
	}
	return schema_apply(run, check->nodes[0], member);
}

static bool check_additional(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	return each_member(run, check, instance, check_member_additional);
}

static bool check_member_name(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *member)
{
	json_t *name CLEANUP(json_decrefp) = must_have(json_string_nocheck(member->path->name));
	const struct schema_instance instance = { .value = name, .path = member->path };
	return schema_matches(run, check->nodes[0], &instance) ||
	        schema_report(run, member->path, "has a name that is not allowed");
}

static bool check_property_names(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	return each_member(run, check, instance, check_member_name);
}

static bool compile_required(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	return schema_compile_names(compiler, place->path, place->value, check);
}

static bool check_required(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	bool is_valid = true;
	for (size_t i = 0; i < check->n_names && json_kind_is(instance->value, JSON_OBJECT); i++) {
		if (json_object_get(instance->value, check->names[i]) == NULL) {
			const struct json_path here = {
				.parent = instance->path,
				.name = check->names[i],
			};
			is_valid = schema_report(run, &here, "is required");
		}
	}
	return is_valid;
}

static bool check_min_properties(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	return !json_kind_is(instance->value, JSON_OBJECT) ||
	        json_object_size(instance->value) >= check->count ||
	        schema_report(run, instance->path, "must have at least %zu members", check->count);
}

static bool check_max_properties(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	return !json_kind_is(instance->value, JSON_OBJECT) ||
	        json_object_size(instance->value) <= check->count ||
	        schema_report(run, instance->path, "must have at most %zu members", check->count);
}

static bool compile_dependent_required(struct schema_compiler *compiler,
        const struct schema_place *place, struct schema_check *check)
{
	(void)check;
	if (!json_kind_is(place->value, JSON_OBJECT)) {
		return schema_refuse(compiler, place->path, "must be an object of arrays of names");
	}
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)place->value, name, value)
	{
		const struct json_path here = { .parent = place->path, .name = name };
		struct schema_check names = { 0 };
		bool is_ok = schema_compile_names(compiler, &here, value, &names);
		free(names.names);
		if (!is_ok) {
			return false;
		}
	}
	return true;
}

static bool has_all(struct schema_run *run, const json_t *names, const char *given,
        const struct schema_instance *instance)
{
	bool is_valid = true;
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		if (json_object_get(instance->value, name) == NULL) {
			const struct json_path here = { .parent = instance->path, .name = name };
			is_valid = schema_report(run, &here, "is required beside \"%s\"", given);
		}
	}
	return is_valid;
}

static bool check_dependent_required(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	bool is_valid = true;
	const char *name;
	json_t *names;
	json_object_foreach((json_t *)check->value, name, names)
	{
		if (json_object_get(instance->value, name) != NULL) {
			is_valid = has_all(run, names, name, instance) && is_valid;
		}
	}
	return is_valid;
}

static bool check_dependent_schemas(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	bool is_valid = true;
	for (size_t i = 0; i < check->n_nodes; i++) {
		if (json_object_get(instance->value, check->names[i]) != NULL) {
			is_valid = schema_apply(run, check->nodes[i], instance) && is_valid;
		}
	}
	return is_valid;
}

const struct schema_keyword schema_object_keywords[] = {
	{ "required", compile_required, check_required, false },
	{ "properties", schema_compile_named, check_properties, false },
	{ "patternProperties", compile_pattern_properties, check_pattern_properties, false },
	{ "additionalProperties", compile_additional, check_additional, false },
	{ "propertyNames", schema_compile_one, check_property_names, false },
	{ "minProperties", schema_compile_count, check_min_properties, false },
	{ "maxProperties", schema_compile_count, check_max_properties, false },
	{ "dependentRequired", compile_dependent_required, check_dependent_required, false },
	{ "dependentSchemas", schema_compile_named, check_dependent_schemas, true },
	{ NULL, NULL, NULL, false },
};
