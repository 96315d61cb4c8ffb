/* SPDX-License-Identifier: MIT */
/*
 * A schema and an instance, divided by a line feed: a schema is refused with pointer and sentence
 * or taken, and then says of the instance either that it is good or what is not.
 */
#include <assert.h>
#include <string.h>

#include "core/json_schema.h"
#include "core/json_strict.h"
#include "core/violations.h"
#include "support/base/cleanup.h"
#include "tests/fuzz/fuzz.h"

static void destroy(json_t **value)
{
	json_decref(*value);
}

static void validate(const struct json_schema *schema, const char *text, size_t size)
{
	struct json_fault fault;
	struct violations violations CLEANUP_VIOLATIONS = { 0 };
	json_t *instance CLEANUP(destroy) = json_strict_parse(text, size, NULL, &fault);
	if (instance == NULL) {
		return;
	}
	bool is_valid = json_schema_validate(schema, instance, "", &violations);
	assert(is_valid == (violations.n_found == 0));
	for (size_t i = 0; i < violations.n_items; i++) {
		assert(violations.items[i].pointer != NULL && violations.items[i].message != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct json_fault fault;
	const char *text = (const char *)bytes;
	const char *end = size != 0 ? memchr(text, '\n', size) : NULL;
	size_t schema_size = end != NULL ? (size_t)(end - text) : size;
	json_t *document CLEANUP(destroy) = json_strict_parse(text, schema_size, NULL, &fault);
	if (document == NULL) {
		return 0;
	}
	char *pointer CLEANUP_FREE = NULL;
	char *sentence CLEANUP_FREE = NULL;
	struct json_schema *schema = json_schema_compile(document, &pointer, &sentence);
	assert((schema == NULL) == (sentence != NULL));
	if (schema != NULL && end != NULL) {
		validate(schema, end + 1, size - schema_size - 1);
	}
	json_schema_destroy(schema);
	return 0;
}
