/* SPDX-License-Identifier: MIT */
/*
 * Inside of json_schema: the compiled tree and the table of keywords. A node is a schema, a check
 * is one keyword of it; each keyword brings its compile function and its check function.
 */
#ifndef CORE_SCHEMA_NODE_H
#define CORE_SCHEMA_NODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/json_path.h"
#include "core/json_pattern.h"
#include "core/violations.h"

struct schema_keyword;

/* What a keyword holds; each uses the members that it needs. */
struct schema_check {
	const struct schema_keyword *keyword;
	const json_t *value; /* borrowed from the schema's document */
	size_t count;
	struct schema_node **nodes; /* the array is owned, the nodes are the schema's */
	const char **names; /* of the nodes or of members; array owned, texts borrowed */
	size_t n_nodes;
	size_t n_names;
	struct json_pattern **patterns; /* array and patterns owned */
	size_t n_patterns;
};

struct schema_node {
	const json_t *source; /* borrowed from the schema's document; its address is its identity */
	bool is_false;
	struct schema_check *checks; /* owned */
	size_t n_checks;
	bool is_entered; /* while looking for circles: on the way down */
	bool is_left; /* while looking for circles: done */
};

struct json_schema {
	json_t *document; /* owned copy */
	struct schema_node *root;
	struct schema_node **nodes; /* owned, all of them */
	size_t n_nodes;
};

struct schema_compiler {
	struct json_schema *schema;
	char *pointer; /* owned; where the first fault is */
	char *sentence; /* owned; what it is */
};

/* A keyword where it stands. */
struct schema_place {
	const json_t *parent; /* the schema object around it */
	const json_t *value;
	const struct json_path *path;
};

/* One validation. */
struct schema_run {
	const char *prefix;
	struct violations *violations;
	size_t depth;
	size_t n_steps;
	unsigned quiet; /* above 0: nothing is reported */
	bool is_exhausted; /* a limit was met; the instance counts as invalid whatever else is found
	                    */
};

/* An instance where it stands. */
struct schema_instance {
	const json_t *value;
	const struct json_path *path;
};

typedef bool schema_compile_fn(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check);
typedef bool schema_check_fn(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance);

struct schema_keyword {
	const char *name;
	schema_compile_fn *compile; /* NULL: takes any value */
	schema_check_fn *check; /* NULL: says nothing about an instance */
	bool is_in_place; /* applies its nodes to the instance itself */
};

/* The tables, one a file, each ended by a row without name. */
extern const struct schema_keyword schema_value_keywords[];
extern const struct schema_keyword schema_object_keywords[];
extern const struct schema_keyword schema_array_keywords[];
extern const struct schema_keyword schema_combining_keywords[];

/* For compile functions. The sentence is that of the place; returns false, always. */
bool schema_refuse(struct schema_compiler *compiler, const struct json_path *path,
        const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Compiles the schema, or gives the node made for it before; NULL if refused. */
struct schema_node *schema_compile_node(
        struct schema_compiler *compiler, const json_t *source, const struct json_path *path);
/* Compiles into the check: one schema, a list of schemas, an object of them. */
bool schema_compile_one(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check);
bool schema_compile_list(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check);
bool schema_compile_named(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check);
/* A whole number of at least 0 into check->count. */
bool schema_compile_count(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check);
/* One more pattern of the check. */
bool schema_add_pattern(struct schema_compiler *compiler, const struct json_path *path,
        struct schema_check *check, const char *source);
/* An array of texts, each once, into check->names. */
bool schema_compile_names(struct schema_compiler *compiler, const struct json_path *path,
        const json_t *value, struct schema_check *check);

/* For check functions: applies a node to an instance. */
bool schema_apply(struct schema_run *run, const struct schema_node *node,
        const struct schema_instance *instance);
/* Counts work that grows with the instance; false once a limit was met. */
bool schema_spend(struct schema_run *run, size_t n_steps);
/* As schema_apply, without reporting anything. */
bool schema_matches(struct schema_run *run, const struct schema_node *node,
        const struct schema_instance *instance);
/* Whether the pattern is found in the text; false and exhausted if it cannot be told in bounds. */
bool schema_is_match(
        struct schema_run *run, const struct json_pattern *pattern, const char *text, size_t size);
/* Reports unless quiet; returns false, always. */
bool schema_report(struct schema_run *run, const struct json_path *path, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif
