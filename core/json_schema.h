/* SPDX-License-Identifier: MIT */
/*
 * JSON Schema 2020-12, a subset: what a schema says is either enforced or refused when it is
 * compiled. Local references only. A compiled schema never changes and may be shared.
 */
#ifndef CORE_JSON_SCHEMA_H
#define CORE_JSON_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

#include "core/violations.h"
#include "support/base/cleanup.h"

struct json_schema;

/*
 * Compiles a schema. Returns an owned object, or NULL with *ret_pointer and *ret_sentence (both
 * owned): where in the schema and what. The tree is not needed afterwards.
 */
struct json_schema *json_schema_compile(
        const json_t *document, char **ret_pointer, char **ret_sentence);
/* Takes NULL. */
void json_schema_destroy(struct json_schema *schema);

/*
 * True if the instance is valid. Otherwise each violation is added with its pointer, which starts
 * with `prefix` ("/payload/steps/ocr"; "" for none).
 */
bool json_schema_validate(const struct json_schema *schema, const json_t *instance,
        const char *prefix, struct violations *violations);

CLEANUP_DEFINE(struct json_schema *, json_schema, json_schema_destroy)

#endif
