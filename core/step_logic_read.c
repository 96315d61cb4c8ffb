/* SPDX-License-Identifier: MIT */
/*
 * What comes to the step logic from outside: signals and the answers of activities. Taken as
 * leniently as SPEC 10 asks: a member that is missing or of another type is one that is not there.
 */
#include <stdlib.h>
#include <string.h>

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

void fault_read(struct fault *fault, struct json_slice object, const char *code_name,
        const char *message_name)
{
	fault_finish(fault);
	fault->code = json_slice_string(json_slice_member(object, code_name));
	fault->message = json_slice_string(json_slice_member(object, message_name));
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

uint64_t time_ms_of(struct json_slice text)
{
	int64_t us;
	CLEANUP_FREE char *string = json_slice_string(text);
	if (string == NULL || !rfc3339_parse(string, strlen(string), &us) || us < 0) {
		return 0;
	}
	return (uint64_t)us / 1000;
}

enum job_end job_end_of(struct json_slice state)
{
	if (json_slice_is_text(state, "SUCCEEDED")) {
		return END_SUCCEEDED;
	}
	if (json_slice_is_text(state, "FAILED_FINAL")) {
		return END_FAILED;
	}
	return json_slice_is_text(state, "CANCELLED") ? END_CANCELLED : END_NONE;
}

static enum verdict_status status_of(struct json_slice status, struct json_slice failure_class)
{
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
	if (json_slice_is_text(status, "FAILED_RETRY")) {
		return VERDICT_FAILED_RETRY;
	}
	if (!json_slice_is_text(status, "FAILED")) {
		return VERDICT_NONE;
	}
	return json_slice_is_text(failure_class, "RETRYABLE") ? VERDICT_FAILED_RETRY
	                                                      : VERDICT_FAILED_FINAL;
}

void attempt_read(
        struct json_slice attempt_no, struct json_slice lease_id, struct attempt *ret_attempt)
{
	int64_t number = 0;
	CLEANUP_FREE char *text = json_slice_string(lease_id);
	if (!json_slice_integer(attempt_no, &number) || number < 1 || number > UINT32_MAX ||
	        text == NULL || strlen(text) > LEASE_ID_MAX) {
		return;
	}
	ret_attempt->number = (uint32_t)number;
	memcpy(ret_attempt->lease_id, text, strlen(text) + 1);
}

void verdict_read(struct json_slice object, const char *status_name, struct verdict *ret_verdict)
{
	enum { STATUS, CLASS, ATTEMPT_NO, LEASE_ID, EXPIRES_AT, RESULT_REF, OUTPUT_REF, ERROR, N };
	const char *const names[N] = { status_name, "failure_class", "attempt_no", "lease_id",
		"lease_expires_at", "result_ref", "output_ref", "error" };
	struct json_slice values[N];
	json_slice_collect(object, names, N, values);
	*ret_verdict = (struct verdict){
		.status = status_of(values[STATUS], values[CLASS]),
		.is_processing = json_slice_is_text(values[STATUS], "PROCESSING"),
		.lease_expires_ms = time_ms_of(values[EXPIRES_AT]),
	};
	attempt_read(values[ATTEMPT_NO], values[LEASE_ID], &ret_verdict->attempt);
	struct json_slice result_ref =
	        json_slice_is_null(values[RESULT_REF]) ? values[OUTPUT_REF] : values[RESULT_REF];
	if (!json_slice_is_null(result_ref)) {
		ret_verdict->result_ref = must_copy(result_ref.text, result_ref.size);
	}
	fault_read(&ret_verdict->error, values[ERROR], "code", "message");
}

/* A 409: which of the reasons it is, if it carries what that reason needs. */
static enum answer_kind read_conflict(
        struct json_slice body, struct json_slice reason, struct answer *answer)
{
	if (json_slice_is_text(reason, "job-closed")) {
		struct json_slice job = json_slice_member(body, "job");
		answer->end = job_end_of(json_slice_member(job, "state"));
		fault_read(&answer->error, job, "error_code", "error_message");
		return answer->end != END_NONE ? ANSWER_JOB_CLOSED : ANSWER_CONFLICT;
	}
	if (json_slice_is_text(reason, "job-cancelling")) {
		return ANSWER_JOB_CANCELLING;
	}
	verdict_read(json_slice_member(body, "step"), "state", &answer->verdict);
	if (json_slice_is_text(reason, "step-terminal")) {
		return answer->verdict.status != VERDICT_NONE &&
		                answer->verdict.status != VERDICT_FAILED_RETRY
		        ? ANSWER_STEP_TERMINAL
		        : ANSWER_CONFLICT;
	}
	return json_slice_is_text(reason, "superseded") && answer->verdict.attempt.number != 0
	        ? ANSWER_SUPERSEDED
	        : ANSWER_CONFLICT;
}

static enum answer_kind read_refusal(struct json_slice body, int64_t status, struct answer *answer)
{
	struct json_slice reason = json_slice_member(body, "reason");
	answer->error.message = json_slice_string(json_slice_member(body, "detail"));
	switch (status) {
	case 404:
		return json_slice_is_text(reason, "job-unknown") ? ANSWER_JOB_UNKNOWN
		                                                 : ANSWER_NOT_FOUND;
	case 409:
		return read_conflict(body, reason, answer);
	case 422:
		if (json_slice_is_text(reason, "unroutable")) {
			return ANSWER_UNROUTABLE;
		}
		return json_slice_is_text(reason, "too-large") ? ANSWER_TOO_LARGE : ANSWER_REFUSED;
	default:
		return ANSWER_REFUSED;
	}
}

void answer_read(struct lucius_text payload, struct answer *ret_answer)
{
	int64_t status;
	struct json_slice body = json_slice_of(payload.data, payload.size);
	*ret_answer = (struct answer){ .kind = ANSWER_OK };
	if (json_slice_integer(json_slice_member(body, "status"), &status)) {
		ret_answer->kind = read_refusal(body, status, ret_answer);
	}
}
