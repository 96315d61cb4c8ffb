/* SPDX-License-Identifier: MIT */
/*
 * Turns a schema document into nodes. A keyword that stands in no table is refused: nobody shall
 * think that a rule is enforced which is not.
 */
#include "core/schema_node.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/json_equal.h"
#include "core/json_kind.h"
#include "core/json_schema.h"
#include "core/quote.h"
#include "support/base/memory.h"

enum { MOST_NODES = 4096 };

static const struct schema_keyword *const tables[] = {
	schema_value_keywords,
	schema_object_keywords,
	schema_array_keywords,
	schema_combining_keywords,
};

bool schema_refuse(
        struct schema_compiler *compiler, const struct json_path *path, const char *format, ...)
{
	if (compiler->sentence == NULL) {
		va_list arguments;
		va_start(arguments, format);
		compiler->sentence = must_vprint(format, arguments);
		va_end(arguments);
		compiler->pointer = json_path_print(path, "");
	}
	return false;
}

static const struct schema_keyword *find_keyword(const char *name)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct schema_keyword *row = tables[i]; row->name != NULL; row++) {
			if (strcmp(row->name, name) == 0) {
				return row;
			}
		}
	}
	return NULL;
}

static struct schema_node *find_node(const struct json_schema *schema, const json_t *source)
{
	for (size_t i = 0; i < schema->n_nodes; i++) {
		if (schema->nodes[i]->source == source) {
			return schema->nodes[i];
		}
	}
	return NULL;
}

static struct schema_node *add_node(struct json_schema *schema, const json_t *source)
{
	struct schema_node *node = must_calloc(1, sizeof(*node));
	schema->nodes =
	        must_resize(schema->nodes, schema->n_nodes + 1, sizeof(struct schema_node *));
	schema->nodes[schema->n_nodes++] = node;
	/* The two booleans are single objects of the JSON library, so they have no identity. */
	node->source = json_kind_is(source, JSON_OBJECT) ? source : NULL;
	node->is_false = json_kind_is(source, JSON_FALSE);
	return node;
}

static bool compile_keyword(struct schema_compiler *compiler, struct schema_node *node,
        const char *name, const struct json_path *path)
{
	const struct json_path here = { .parent = path, .name = name };
	const struct schema_keyword *keyword = find_keyword(name);
	if (keyword == NULL) {
		return schema_refuse(compiler, &here,
		        "the keyword \"%s\" is not enforced here, so it must not be used",
		        quote(name).text);
	}
	struct schema_check spare = { 0 };
	struct schema_check *check =
	        keyword->check != NULL ? &node->checks[node->n_checks++] : &spare;
	const struct schema_place place = {
		.parent = node->source,
		.value = json_object_get(node->source, name),
		.path = &here,
	};
	check->keyword = keyword;
	check->value = place.value;
	bool is_ok = keyword->compile == NULL || keyword->compile(compiler, &place, check);
	free(spare.nodes);
	free(spare.names);
	return is_ok;
}

struct schema_node *schema_compile_node(
        struct schema_compiler *compiler, const json_t *source, const struct json_path *path)
{
	if (!json_kind_is(source, JSON_OBJECT) && !json_kind_is_boolean(source)) {
		schema_refuse(compiler, path, "a schema is an object, true or false");
		return NULL;
	}
	struct schema_node *known = find_node(compiler->schema, source);
	if (known != NULL) {
		return known;
	}
	if (compiler->schema->n_nodes == MOST_NODES) {
		schema_refuse(compiler, path, "the schema has more than %d parts", MOST_NODES);
		return NULL;
	}
	struct schema_node *node = add_node(compiler->schema, source);
	node->checks = must_calloc(json_object_size(source), sizeof(*node->checks));
	for (void *at = json_object_iter((json_t *)source); at != NULL;
	        at = json_object_iter_next((json_t *)source, at)) {
		if (!compile_keyword(compiler, node, json_object_iter_key(at), path)) {
			return NULL;
		}
	}
	return node;
}

static void add_to_check(struct schema_check *check, struct schema_node *node, const char *name)
{
	check->nodes = must_resize(check->nodes, check->n_nodes + 1, sizeof(struct schema_node *));
	check->names = must_resize(check->names, check->n_nodes + 1, sizeof(const char *));
	check->nodes[check->n_nodes] = node;
	check->names[check->n_nodes] = name;
	check->n_nodes++;
}

bool schema_compile_one(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	struct schema_node *node = schema_compile_node(compiler, place->value, place->path);
	if (node == NULL) {
		return false;
	}
	add_to_check(check, node, NULL);
	return true;
}

bool schema_compile_list(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	size_t n_elements = json_array_size(place->value);
	if (n_elements == 0) {
		return schema_refuse(
		        compiler, place->path, "must be an array of schemas, not empty");
	}
	for (size_t i = 0; i < n_elements; i++) {
		const struct json_path here = { .parent = place->path, .index = i };
		struct schema_node *node =
		        schema_compile_node(compiler, json_array_get(place->value, i), &here);
		if (node == NULL) {
			return false;
		}
		add_to_check(check, node, NULL);
	}
	return true;
}

bool schema_compile_named(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	if (!json_kind_is(place->value, JSON_OBJECT)) {
		return schema_refuse(compiler, place->path, "must be an object of schemas");
	}
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)place->value, name, value)
	{
		const struct json_path here = { .parent = place->path, .name = name };
		struct schema_node *node = schema_compile_node(compiler, value, &here);
		if (node == NULL) {
			return false;
		}
		add_to_check(check, node, name);
	}
	return true;
}

bool schema_compile_count(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	if (!json_number_count(place->value, &check->count)) {
		return schema_refuse(compiler, place->path, "must be a whole number of at least 0");
	}
	return true;
}

bool schema_add_pattern(struct schema_compiler *compiler, const struct json_path *path,
        struct schema_check *check, const char *source)
{
	char *sentence CLEANUP_FREE = NULL;
	struct json_pattern *pattern = json_pattern_compile(source, &sentence);
	if (pattern == NULL) {
		return schema_refuse(compiler, path, "%s", sentence);
	}
	check->patterns =
	        must_resize(check->patterns, check->n_patterns + 1, sizeof(struct json_pattern *));
	check->patterns[check->n_patterns++] = pattern;
	return true;
}

static bool has_name(const struct schema_check *check, const char *name)
{
	for (size_t i = 0; i < check->n_names; i++) {
		if (strcmp(check->names[i], name) == 0) {
			return true;
		}
	}
	return false;
}

bool schema_compile_names(struct schema_compiler *compiler, const struct json_path *path,
        const json_t *value, struct schema_check *check)
{
	if (!json_kind_is(value, JSON_ARRAY)) {
		return schema_refuse(compiler, path, "must be an array of names");
	}
	check->names = must_calloc(json_array_size(value), sizeof(const char *));
	for (size_t i = 0; i < json_array_size(value); i++) {
		const struct json_path here = { .parent = path, .index = i };
		const char *name = json_string_value(json_array_get(value, i));
		if (name == NULL || has_name(check, name)) {
			return schema_refuse(
			        compiler, &here, "must be a name that is not listed before");
		}
		check->names[check->n_names++] = name;
	}
	return true;
}

/* True if the node is reached from itself without going down in the instance. */
static bool is_in_circle(struct schema_node *node)
{
	if (node->is_left || node->is_entered) {
		return !node->is_left;
	}
	node->is_entered = true;
	for (size_t i = 0; i < node->n_checks; i++) {
		const struct schema_check *check = &node->checks[i];
		for (size_t k = 0; check->keyword->is_in_place && k < check->n_nodes; k++) {
			if (check->nodes[k] != NULL && is_in_circle(check->nodes[k])) {
				return true;
			}
		}
	}
	node->is_left = true;
	return false;
}

static bool has_no_circles(struct schema_compiler *compiler)
{
	for (size_t i = 0; i < compiler->schema->n_nodes; i++) {
		if (is_in_circle(compiler->schema->nodes[i])) {
			return schema_refuse(compiler, NULL,
			        "references lead back to where they started, so nothing would end");
		}
	}
	return true;
}

struct json_schema *json_schema_compile(
        const json_t *document, char **ret_pointer, char **ret_sentence)
{
	struct json_schema *schema CLEANUP(cleanup_json_schema) = must_calloc(1, sizeof(*schema));
	schema->document = must_have(json_deep_copy(document));
	struct schema_compiler compiler = { .schema = schema };
	schema->root = schema_compile_node(&compiler, schema->document, NULL);
	if (schema->root == NULL || !has_no_circles(&compiler)) {
		*ret_pointer = compiler.pointer;
		*ret_sentence = compiler.sentence;
		return NULL;
	}
	return steal(schema);
}
