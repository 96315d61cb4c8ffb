/* SPDX-License-Identifier: MIT */
/* Judges the ends of handlers; see result.h. */
#include "consumers/runtime/result.h"

#include "consumers/common/text.h"
#include "support/base/cleanup.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>

enum { MESSAGE_MAX_LENGTH = 2048, CODE_MAX_LENGTH = 64 };

CLEANUP_DEFINE(json_t *, json, json_decref)

const char *result_status_name(enum result_status status)
{
	static const char *const names[] = { "SUCCEEDED", "FAILED_RETRY", "FAILED_FINAL" };
	return names[status];
}

/* Cuts between two code points. */
static char *bounded(const char *text, size_t max_length)
{
	char *copy = text_format("%.*s", (int)max_length, text);
	text_make_printable(copy);
	return copy;
}

struct result result_failure(enum result_status status, const char *code, const char *message)
{
	return (struct result){
		.status = status,
		.code = bounded(code, CODE_MAX_LENGTH),
		.message = bounded(message, MESSAGE_MAX_LENGTH),
	};
}

/* A last line of `{"code": ..., "message": ...}` gives both, any other is the message. */
static struct result failure_of_line(
        enum result_status status, const char *line, const char *otherwise)
{
	CLEANUP(cleanup_json) json_t *json = json_loads(line, 0, NULL);
	const char *code = json_string_value(json_object_get(json, "code"));
	const char *message = json_string_value(json_object_get(json, "message"));
	if (code != NULL && code[0] != '\0' && message != NULL) {
		return result_failure(status, code, message);
	}
	return result_failure(status, "HANDLER_FAILED", line[0] != '\0' ? line : otherwise);
}

static struct result failure_of_process(enum result_status status, const struct process_end *end)
{
	CLEANUP_FREE char *line = text_last_line(end->errors, end->errors_size);
	CLEANUP_FREE char *otherwise = text_format("The handler %s %d and says nothing.",
	        end->outcome == PROCESS_SIGNALLED ? "died of signal" : "exited with status",
	        end->value);
	return failure_of_line(status, line, otherwise);
}

static struct result success(const struct process_end *end)
{
	struct result result = { .status = RESULT_SUCCEEDED };
	size_t size = end->output_size;
	while (size > 0 && strchr(" \t\r\n", end->output[size - 1]) != NULL) {
		size--;
	}
	if (size == 0) {
		return result;
	}
	CLEANUP(cleanup_json)
	json_t *json = json_loadb(end->output, size, JSON_DECODE_ANY, NULL);
	if (json == NULL) {
		return result_failure(RESULT_FAILED_FINAL, "HANDLER_FAILED",
		        "The handler's standard output is no JSON, which the reference to its "
		        "result has to be.");
	}
	if (json_is_null(json)) {
		return result;
	}
	result.output_ref = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	if (result.output_ref == NULL) {
		text_abort_no_memory();
	}
	return result;
}

static struct result not_started(const struct process_end *end)
{
	CLEANUP_FREE char *message =
	        text_format("The handler cannot be started: %s.", strerror(end->value));
	return result_failure(RESULT_FAILED_RETRY, "HANDLER_NOT_STARTED", message);
}

struct result result_of_process(const struct process_end *end)
{
	switch (end->outcome) {
	case PROCESS_EXITED:
		if (end->value == 0) {
			return success(end);
		}
		return failure_of_process(
		        end->value == EX_TEMPFAIL ? RESULT_FAILED_RETRY : RESULT_FAILED_FINAL, end);
	case PROCESS_SIGNALLED:
		return failure_of_process(RESULT_FAILED_RETRY, end);
	case PROCESS_TIMED_OUT:
		return result_failure(RESULT_FAILED_RETRY, "LEASE_EXPIRED",
		        "The handler was not done when the lease ended, and was stopped.");
	case PROCESS_NOT_STARTED:
		return not_started(end);
	case PROCESS_OUTPUT_TOO_LARGE:
		break;
	}
	return result_failure(RESULT_FAILED_FINAL, "RESULT_TOO_LARGE",
	        "The handler prints more than 64 KiB; it has to print a reference to its result.");
}

void result_finish(struct result *result)
{
	free(result->output_ref);
	free(result->code);
	free(result->message);
	*result = (struct result){ 0 };
}
