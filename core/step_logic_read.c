/* SPDX-License-Identifier: MIT */
/*
 * What comes to the step logic from outside: signals and the answers of activities. Taken as
 * leniently as SPEC 10 asks: a member that is missing or of another type is one that is not there.
 */
#include <stdlib.h>
#include <string.h>

#include "core/json_writer.h"
#include "core/rfc3339.h"
#include "core/step_logic_state.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

static char *copy_or_null(const char *text)
{
	return text != NULL ? must_copy(text, strlen(text)) : NULL;
}

void fault_finish(struct fault *fault)
{
	free(fault->code);
	free(fault->message);
	*fault = (struct fault){ 0 };
}

void fault_set(struct fault *fault, const char *code, const char *message)
{
	struct fault copy = { .code = copy_or_null(code), .message = copy_or_null(message) };
	fault_finish(fault);
	*fault = copy;
}

void verdict_finish(struct verdict *verdict)
{
	free(verdict->result_ref);
	fault_finish(&verdict->error);
	*verdict = (struct verdict){ 0 };
}

void answer_finish(struct answer *answer)
{
	fault_finish(&answer->error);
	verdict_finish(&answer->verdict);
}

static bool is_text(const json_t *value, const char *expected)
{
	return json_is_string(value) && strcmp(json_string_value(value), expected) == 0;
}

uint64_t time_ms_of(const json_t *text)
{
	int64_t us;
	if (!json_is_string(text) ||
	        !rfc3339_parse(json_string_value(text), json_string_length(text), &us) || us < 0) {
		return 0;
	}
	return (uint64_t)us / 1000;
}

enum job_end job_end_of(const json_t *state)
{
	if (is_text(state, "SUCCEEDED")) {
		return END_SUCCEEDED;
	}
	if (is_text(state, "FAILED_FINAL")) {
		return END_FAILED;
	}
	return is_text(state, "CANCELLED") ? END_CANCELLED : END_NONE;
}

static enum verdict_status status_of(const json_t *object, const char *name)
{
	const json_t *status = json_object_get(object, name);
	switch (job_end_of(status)) {
	case END_SUCCEEDED:
		return VERDICT_SUCCEEDED;
	case END_FAILED:
		return VERDICT_FAILED_FINAL;
	case END_CANCELLED:
		return VERDICT_CANCELLED;
	case END_NONE:
		break;
	}
	if (is_text(status, "FAILED_RETRY")) {
		return VERDICT_FAILED_RETRY;
	}
	if (!is_text(status, "FAILED")) {
		return VERDICT_NONE;
	}
	return is_text(json_object_get(object, "failure_class"), "RETRYABLE")
	        ? VERDICT_FAILED_RETRY
	        : VERDICT_FAILED_FINAL;
}

static void read_attempt(const json_t *object, struct attempt *ret_attempt)
{
	const json_t *number = json_object_get(object, "attempt_no");
	const json_t *lease_id = json_object_get(object, "lease_id");
	json_int_t value = json_integer_value(number);
	if (value < 1 || value > UINT32_MAX || !json_is_string(lease_id) ||
	        json_string_length(lease_id) > LEASE_ID_MAX) {
		return;
	}
	ret_attempt->number = (uint32_t)value;
	memcpy(ret_attempt->lease_id, json_string_value(lease_id),
	        json_string_length(lease_id) + 1);
}

/* The reference as JSON text, owned; NULL for null and for what is not there. */
static char *read_result_ref(const json_t *object)
{
	const json_t *value = json_object_get(object, "result_ref");
	if (value == NULL || json_is_null(value)) {
		value = json_object_get(object, "output_ref");
	}
	if (value == NULL || json_is_null(value)) {
		return NULL;
	}
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	json_writer_json(&writer, value);
	size_t size;
	return json_writer_steal(&writer, &size);
}

void verdict_read(const json_t *object, const char *status_name, struct verdict *ret_verdict)
{
	const json_t *error = json_object_get(object, "error");
	*ret_verdict = (struct verdict){
		.status = status_of(object, status_name),
		.is_processing = is_text(json_object_get(object, status_name), "PROCESSING"),
		.lease_expires_ms = time_ms_of(json_object_get(object, "lease_expires_at")),
		.result_ref = read_result_ref(object),
	};
	read_attempt(object, &ret_verdict->attempt);
	fault_set(&ret_verdict->error, json_string_value(json_object_get(error, "code")),
	        json_string_value(json_object_get(error, "message")));
}

/* A 409: which of the reasons it is, if it carries what that reason needs. */
static enum answer_kind read_conflict(
        const json_t *body, const json_t *reason, struct answer *answer)
{
	const json_t *job = json_object_get(body, "job");
	const json_t *step = json_object_get(body, "step");
	if (is_text(reason, "job-closed")) {
		answer->end = job_end_of(json_object_get(job, "state"));
		fault_set(&answer->error, json_string_value(json_object_get(job, "error_code")),
		        json_string_value(json_object_get(job, "error_message")));
		return answer->end != END_NONE ? ANSWER_JOB_CLOSED : ANSWER_CONFLICT;
	}
	if (is_text(reason, "job-cancelling")) {
		return ANSWER_JOB_CANCELLING;
	}
	verdict_read(step, "state", &answer->verdict);
	if (is_text(reason, "step-terminal")) {
		return answer->verdict.status != VERDICT_NONE &&
		                answer->verdict.status != VERDICT_FAILED_RETRY
		        ? ANSWER_STEP_TERMINAL
		        : ANSWER_CONFLICT;
	}
	return is_text(reason, "superseded") && answer->verdict.attempt.number != 0
	        ? ANSWER_SUPERSEDED
	        : ANSWER_CONFLICT;
}

static enum answer_kind read_refusal(const json_t *body, json_int_t status, struct answer *answer)
{
	const json_t *reason = json_object_get(body, "reason");
	fault_set(&answer->error, NULL, json_string_value(json_object_get(body, "detail")));
	switch (status) {
	case 404:
		return is_text(reason, "job-unknown") ? ANSWER_JOB_UNKNOWN : ANSWER_NOT_FOUND;
	case 409:
		return read_conflict(body, reason, answer);
	case 422:
		if (is_text(reason, "unroutable")) {
			return ANSWER_UNROUTABLE;
		}
		return is_text(reason, "too-large") ? ANSWER_TOO_LARGE : ANSWER_REFUSED;
	default:
		return ANSWER_REFUSED;
	}
}

void answer_read(struct lucius_text payload, struct answer *ret_answer)
{
	static const char ok[] = "{\"status\":\"ok\"}";
	*ret_answer = (struct answer){ .kind = ANSWER_OK };
	if (payload.size == sizeof(ok) - 1 && memcmp(payload.data, ok, payload.size) == 0) {
		return;
	}
	json_t *body = json_loadb(payload.data, payload.size, 0, NULL);
	const json_t *status = json_object_get(body, "status");
	if (json_is_integer(status)) {
		ret_answer->kind = read_refusal(body, json_integer_value(status), ret_answer);
	}
	json_decref(body);
}
