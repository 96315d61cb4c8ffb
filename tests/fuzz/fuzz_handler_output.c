/* SPDX-License-Identifier: MIT */
/*
 * What a handler leaves behind: the first byte is how it ended, then standard output, and behind a
 * form feed standard error. The RESULT that comes of it is complete and can be written.
 */
#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "consumers/runtime/process.h"
#include "consumers/runtime/result.h"
#include "tests/fuzz/fuzz.h"

static void check_failure(const struct result *result)
{
	assert(result->code != NULL && result->code[0] != '\0');
	assert(result->message != NULL && strchr(result->message, '\n') == NULL);
	json_t *message = json_string(result->message); /* NULL: it is not UTF-8 */
	assert(message != NULL);
	json_decref(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size == 0) {
		return 0;
	}
	const char *output = (const char *)bytes + 1;
	const char *end = memchr(output, '\f', size - 1);
	size_t output_size = end != NULL ? (size_t)(end - output) : size - 1;
	const struct process_end process = {
		.outcome = (enum process_outcome)(bytes[0] % 5),
		.value = bytes[0] / 5,
		.output = output,
		.output_size = output_size,
		.errors = end != NULL ? end + 1 : output,
		.errors_size = end != NULL ? size - 2 - output_size : 0,
	};
	struct result result = result_of_process(&process);
	if (result.status == RESULT_SUCCEEDED) {
		json_error_t error;
		json_t *value = result.output_ref != NULL
		        ? json_loads(result.output_ref, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error)
		        : NULL;
		assert(result.output_ref == NULL || value != NULL);
		json_decref(value);
	} else {
		check_failure(&result);
	}
	result_finish(&result);
	return 0;
}
