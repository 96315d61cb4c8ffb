/* SPDX-License-Identifier: MIT */
/*
 * JSON that is taken, in its canonical form: pure ASCII, read again the same value, and canonical
 * already. That it is what Python prints is shown by tests/unit/vectors_idempotency.py.
 */
#include <assert.h>
#include <string.h>

#include "core/canonical.h"
#include "core/json_strict.h"
#include "core/json_writer.h"
#include "support/base/cleanup.h"
#include "tests/fuzz/fuzz.h"

static void destroy(json_t **value)
{
	json_decref(*value);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct json_fault fault = { .sentence = "" };
	json_t *value CLEANUP(destroy) = json_strict_parse((const char *)bytes, size, NULL, &fault);
	assert((value == NULL) == (fault.sentence[0] != '\0'));
	if (value == NULL) {
		return 0;
	}
	CLEANUP_JSON_WRITER struct json_writer first = { 0 };
	canonical_write(&first, value);
	const char *text = json_writer_text(&first);
	for (size_t i = 0; i < first.size; i++) {
		assert(text[i] >= ' ' && (unsigned char)text[i] < 0x7f);
	}
	json_t *again CLEANUP(destroy) = json_strict_parse(text, first.size, NULL, &fault);
	assert(again != NULL);
	CLEANUP_JSON_WRITER struct json_writer second = { 0 };
	canonical_write(&second, again);
	assert(first.size == second.size);
	assert(memcmp(text, json_writer_text(&second), first.size) == 0);
	return 0;
}
