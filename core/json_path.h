/* SPDX-License-Identifier: MIT */
/*
 * Where one is in a document, kept on the stack while walking down and turned into a JSON Pointer
 * (RFC 6901) only where something is wrong. Also finds what a pointer points at.
 */
#ifndef CORE_JSON_PATH_H
#define CORE_JSON_PATH_H

#include <jansson.h>
#include <stddef.h>

/* One step down: a member if `name` is not NULL, else an element. */
struct json_path {
	const struct json_path *parent; /* borrowed; NULL for a step from the top */
	const char *name; /* borrowed */
	size_t index;
};

/* The pointer of the path, `prefix` first; owned. NULL is the top. */
char *json_path_print(const struct json_path *path, const char *prefix);

/* What the pointer ("" or "/a/0") points at, borrowed from the document; NULL if nothing. */
json_t *json_path_find(const json_t *document, const char *pointer);

#endif
