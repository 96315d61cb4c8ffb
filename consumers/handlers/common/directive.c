/* SPDX-License-Identifier: MIT */
/* Reads the directive; see directive.h. */
#include "consumers/handlers/common/directive.h"

#include "consumers/common/text.h"
#include "support/base/memory.h"

#include <string.h>

enum { DIRECTIVE_MAX_BYTES = 4 * 1024 * 1024 };

static const json_t *member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	return json_is_null(value) ? NULL : value;
}

static const char *text_member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text != NULL && text[0] != '\0' ? text : NULL;
}

static int fill(struct directive *directive, struct fault *fault)
{
	const json_t *json = directive->json;
	directive->job_id = text_member(json, "jobId");
	directive->step_id = text_member(json, "stepId");
	if (directive->job_id == NULL || directive->step_id == NULL) {
		return fault_final(
		        fault, "DIRECTIVE_INVALID", "The directive has no 'jobId' or no 'stepId'.");
	}
	directive->input_ref = member(json, "input_ref");
	directive->output_ref = member(json, "output_ref");
	directive->previous_result_ref = member(json, "previous_result_ref");
	directive->payload = member(json, "payload");
	if (directive->payload == NULL) {
		json_t *empty = json_object();
		/* Kept by the directive, so that it lives as long as the rest. */
		if (json_object_set_new(directive->json, "payload", empty) != 0) {
			text_abort_no_memory();
		}
		directive->payload = empty;
	}
	if (!json_is_object(directive->payload)) {
		return fault_final(fault, "PAYLOAD_INVALID", "The payload is not an object.");
	}
	return 0;
}

int directive_read(FILE *stream, struct fault *fault, struct directive *ret_directive)
{
	CLEANUP_FREE char *bytes = must_calloc(DIRECTIVE_MAX_BYTES + 1, 1);
	size_t size = fread(bytes, 1, DIRECTIVE_MAX_BYTES + 1, stream);
	if (ferror(stream) != 0 || size > DIRECTIVE_MAX_BYTES) {
		return fault_final(fault, "DIRECTIVE_INVALID",
		        "The directive on standard input cannot be read or is over %d bytes.",
		        DIRECTIVE_MAX_BYTES);
	}
	json_error_t error = { .position = (int)size };
	json_t *json = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(json)) {
		json_decref(json);
		return fault_final(fault, "DIRECTIVE_INVALID",
		        "Standard input is not one JSON object; reading ended at byte %d of %zu.",
		        error.position, size);
	}
	struct directive directive = { .json = json };
	int status = fill(&directive, fault);
	if (status != 0) {
		directive_finish(&directive);
		return status;
	}
	*ret_directive = directive;
	return 0;
}

void directive_finish(struct directive *directive)
{
	json_decref(directive->json);
	*directive = (struct directive){ 0 };
}

int directive_text(const struct directive *directive, const char *name, struct fault *fault,
        const char **ret_text)
{
	const json_t *value = member(directive->payload, name);
	if (value != NULL && (!json_is_string(value) || json_string_length(value) == 0)) {
		return fault_final(
		        fault, "PAYLOAD_INVALID", "The payload's '%s' is not a text.", name);
	}
	*ret_text = json_string_value(value);
	return 0;
}
