/* SPDX-License-Identifier: MIT */
/* Keywords about the elements of arrays. */
#include "core/schema_node.h"

#include <stdint.h>

#include "core/json_equal.h"
#include "core/json_kind.h"

/* Applies the node to the element of that index. */
static bool apply_to(struct schema_run *run, const struct schema_node *node,
        const struct schema_instance *instance, size_t index)
{
	const struct json_path here = { .parent = instance->path, .index = index };
	const struct schema_instance element = {
		.value = json_array_get(instance->value, index),
		.path = &here,
	};
	return schema_apply(run, node, &element);
}

static bool check_prefix_items(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	bool is_valid = true;
	size_t n_elements = json_array_size(instance->value);
	for (size_t i = 0; i < check->n_nodes && i < n_elements; i++) {
		is_valid = apply_to(run, check->nodes[i], instance, i) && is_valid;
	}
	return is_valid;
}

/* Looks at the elements after those that prefixItems beside it speaks of. */
static bool compile_items(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	check->count = json_array_size(json_object_get(place->parent, "prefixItems"));
	return schema_compile_one(compiler, place, check);
}

static bool check_items(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	bool is_valid = true;
	for (size_t i = check->count; i < json_array_size(instance->value); i++) {
		is_valid = apply_to(run, check->nodes[0], instance, i) && is_valid;
	}
	return is_valid;
}

static bool check_min_items(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	return !json_kind_is(instance->value, JSON_ARRAY) ||
	        json_array_size(instance->value) >= check->count ||
	        schema_report(run, instance->path, "must have at least %zu elements", check->count);
}

static bool check_max_items(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	return !json_kind_is(instance->value, JSON_ARRAY) ||
	        json_array_size(instance->value) <= check->count ||
	        schema_report(run, instance->path, "must have at most %zu elements", check->count);
}

static bool compile_unique(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	(void)check;
	if (!json_kind_is_boolean(place->value)) {
		return schema_refuse(compiler, place->path, "must be true or false");
	}
	return true;
}

static bool is_repeated(const json_t *array, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (json_values_are_equal(json_array_get(array, i), json_array_get(array, index))) {
			return true;
		}
	}
	return false;
}

static bool check_unique(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	if (!json_kind_is(check->value, JSON_TRUE)) {
		return true;
	}
	for (size_t i = 1; i < json_array_size(instance->value); i++) {
		/* Each comparison is a step, so that long arrays meet the limit instead of the
		 * clock. */
		if (!schema_spend(run, i)) {
			return false;
		}
		if (is_repeated(instance->value, i)) {
			const struct json_path here = { .parent = instance->path, .index = i };
			return schema_report(run, &here, "is there twice");
		}
	}
	return true;
}

/* check->count is the least number of matches, check->value then holds maxContains or NULL. */
static bool compile_contains(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	const json_t *least = json_object_get(place->parent, "minContains");
	check->count = 1;
	if (least != NULL) {
		(void)json_number_count(least, &check->count);
	}
	check->value = json_object_get(place->parent, "maxContains");
	return schema_compile_one(compiler, place, check);
}

static bool compile_contains_limit(struct schema_compiler *compiler,
        const struct schema_place *place, struct schema_check *check)
{
	if (json_object_get(place->parent, "contains") == NULL) {
		return schema_refuse(compiler, place->path, "has no effect without \"contains\"");
	}
	return schema_compile_count(compiler, place, check);
}

static size_t count_matches(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	size_t n_matches = 0;
	run->quiet++;
	for (size_t i = 0; i < json_array_size(instance->value); i++) {
		n_matches += apply_to(run, check->nodes[0], instance, i) ? 1 : 0;
	}
	run->quiet--;
	return n_matches;
}

static bool check_contains(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	if (!json_kind_is(instance->value, JSON_ARRAY)) {
		return true;
	}
	size_t n_matches = count_matches(run, check, instance);
	size_t most = SIZE_MAX;
	if (check->value != NULL) {
		(void)json_number_count(check->value, &most);
	}
	if (n_matches < check->count) {
		return schema_report(run, instance->path,
		        "must contain at least %zu elements of a certain kind", check->count);
	}
	return n_matches <= most ||
	        schema_report(run, instance->path,
	                "must contain at most %zu elements of a certain kind", most);
}

const struct schema_keyword schema_array_keywords[] = {
	{ "prefixItems", schema_compile_list, check_prefix_items, false },
	{ "items", compile_items, check_items, false },
	{ "minItems", schema_compile_count, check_min_items, false },
	{ "maxItems", schema_compile_count, check_max_items, false },
	{ "uniqueItems", compile_unique, check_unique, false },
	{ "contains", compile_contains, check_contains, false },
	{ "minContains", compile_contains_limit, NULL, false },
	{ "maxContains", compile_contains_limit, NULL, false },
	{ NULL, NULL, NULL, false },
};
