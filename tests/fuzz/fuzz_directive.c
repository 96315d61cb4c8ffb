/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a directive through the consumer's own reader, beside jansson: what jansson reads as an
 * object, ours must read too, and with the same texts. But for a NUL, which jansson passes over
 * behind a number.
 */
#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "consumers/runtime/directive.h"
#include "consumers/runtime/json_scan.h"
#include "tests/fuzz/fuzz.h"

static void check_text(const json_t *json, const char *name, const char *text)
{
	const char *wanted = json_string_value(json_object_get(json, name));
	if (text != NULL && wanted != NULL) {
		assert(strcmp(text, wanted) == 0);
	}
	/* The last of two members counts for both, but an empty one is none to us. */
	assert(text == NULL || wanted != NULL || json_object_get(json, name) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *reason = NULL;
	struct directive directive;
	json_t *json = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(json) && memchr(bytes, '\0', size) == NULL) {
		assert(json_scan_object((const char *)bytes, size, NULL, NULL));
	}
	if (directive_parse(amqp_bytes(bytes, size), &directive, &reason)) {
		if (json_is_object(json)) {
			check_text(json, "jobId", directive.job_id);
			check_text(json, "stepId", directive.step_id);
			check_text(json, "lease_id", directive.lease_id);
			check_text(json, "tenant_id", directive.tenant_id);
			assert(directive.attempt_no ==
			        json_integer_value(json_object_get(json, "attempt_no")));
		}
		directive_finish(&directive);
	} else {
		assert(reason != NULL);
	}
	json_decref(json);
	return 0;
}
