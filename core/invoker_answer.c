/* SPDX-License-Identifier: MIT */
/* Reads the requests of the internal API and writes its answers. */
#include <string.h>

#include "core/invoker_internal.h"
#include "core/job_json.h"
#include "core/json_composed.h"
#include "core/json_writer.h"

static void fail_request(struct invoker_chain *chain, const char *detail)
{
	chain->failure = 422;
	chain->failure_detail = detail;
}

enum attempt_member {
	JOB_ID,
	TENANT_ID,
	STEP_ID,
	ATTEMPT_NO,
	LEASE_ID,
	LEASE_EXPIRES_AT,
	N_ATTEMPT,
	STEP_TYPE = N_ATTEMPT,
	SERVICE,
	MODE,
	CORRELATION_ID,
	TRACEPARENT,
	N_DIRECTIVE
};
static const char *const member_names[N_DIRECTIVE] = { "jobId", "tenant_id", "stepId", "attempt_no",
	"lease_id", "lease_expires_at", "step_type", "service", "mode", "correlation_id",
	"traceparent" };

static void read_attempt(struct invoker_chain *chain, const struct json_slice *members)
{
	struct arena *arena = &chain->arena;
	int64_t attempt_no = 0;
	bool is_integer = json_slice_integer(members[ATTEMPT_NO], &attempt_no);
	chain->job_id = json_slice_copy(members[JOB_ID], arena);
	chain->lease = (struct lease_request){
		.tenant_id = json_slice_copy(members[TENANT_ID], arena),
		.step_id = json_slice_copy(members[STEP_ID], arena),
		.attempt_no = attempt_no,
		.lease_id = json_slice_copy(members[LEASE_ID], arena),
		.lease_expires_at = json_slice_copy(members[LEASE_EXPIRES_AT], arena),
	};
	size_t lease_size = chain->lease.lease_id != NULL ? strlen(chain->lease.lease_id) : 0;
	if (chain->job_id == NULL || chain->lease.step_id == NULL || !is_integer ||
	        attempt_no < 1 || lease_size == 0 || lease_size > 64) {
		fail_request(chain,
		        "jobId, stepId, attempt_no (from 1) and lease_id (1 to 64 bytes) are "
		        "required");
	}
}

/* The members of the request with these names; false: it is no object. */
static bool read_members(struct invoker_chain *chain, struct lucius_text request,
        const char *const *names, size_t n_names, struct json_slice *ret_members)
{
	struct json_slice object =
	        json_composed_read(request.data, request.size, names, n_names, ret_members);
	if (!json_slice_is_object(object)) {
		chain->failure = 400;
		chain->failure_detail = "the body is not a JSON object";
		return false;
	}
	return true;
}

static void read_lease(struct invoker_chain *chain, struct lucius_text request)
{
	struct json_slice members[N_ATTEMPT];
	if (read_members(chain, request, member_names, N_ATTEMPT, members)) {
		read_attempt(chain, members);
	}
}

static void read_directive(struct invoker_chain *chain)
{
	struct arena *arena = &chain->arena;
	struct invoker_directive *directive = &chain->directive;
	struct json_slice members[N_DIRECTIVE];
	json_slice_collect(directive->json, member_names, N_DIRECTIVE, members);
	read_attempt(chain, members);
	directive->step_type = json_slice_copy(members[STEP_TYPE], arena);
	directive->service = json_slice_copy(members[SERVICE], arena);
	directive->mode = json_slice_copy(members[MODE], arena);
	directive->correlation_id = json_slice_copy(members[CORRELATION_ID], arena);
	directive->traceparent = json_slice_copy(members[TRACEPARENT], arena);
}

static void read_publish(struct invoker_chain *chain, struct lucius_text request)
{
	static const char *const names[] = { "lane", "directive" };
	struct json_slice members[2];
	struct invoker_directive *directive = &chain->directive;
	if (!read_members(chain, request, names, 2, members)) {
		return;
	}
	bool is_integer = json_slice_integer(members[0], &directive->lane);
	directive->json = members[1];
	if (!json_slice_is_object(directive->json) || !is_integer) {
		fail_request(chain, "lane (an integer) and directive (an object) are required");
	} else if (directive->lane < 0 || directive->lane >= chain->invoker->parts.n_lanes) {
		fail_request(chain, "there is no such lane");
	} else {
		read_directive(chain);
	}
}

static void read_outcome(struct invoker_chain *chain, struct lucius_text request)
{
	enum { OF_JOB, OF_TENANT, OF_STEP, STATUS, ERROR, N_OUTCOME };
	static const char *const names[N_OUTCOME] = { "jobId", "tenant_id", "stepId", "status",
		"error" };
	struct arena *arena = &chain->arena;
	struct json_slice members[N_OUTCOME];
	if (!read_members(chain, request, names, N_OUTCOME, members)) {
		return;
	}
	const char *status = json_slice_copy(members[STATUS], arena);
	chain->job_id = json_slice_copy(members[OF_JOB], arena);
	chain->outcome = (struct outcome_request){
		.tenant_id = json_slice_copy(members[OF_TENANT], arena),
		.step_id = json_slice_copy(members[OF_STEP], arena),
		.error_code = json_slice_copy(json_slice_member(members[ERROR], "code"), arena),
		.error_message =
		        json_slice_copy(json_slice_member(members[ERROR], "message"), arena),
	};
	if (chain->job_id == NULL || status == NULL ||
	        !job_state_parse(status, strlen(status), &chain->outcome.state) ||
	        !job_state_is_terminal(chain->outcome.state)) {
		fail_request(chain,
		        "jobId and status (SUCCEEDED, FAILED_FINAL or CANCELLED) are required");
	}
}

void invoker_read(struct invoker_chain *chain, const char *body, size_t size)
{
	/* What a directive says is published as it came: it has to outlive the caller's text. */
	struct lucius_text request = { arena_copy(&chain->arena, body, size), size };
	switch (chain->call) {
	case INVOKER_ATTEMPT:
		read_lease(chain, request);
		break;
	case INVOKER_PUBLISH:
		read_publish(chain, request);
		break;
	case INVOKER_OUTCOME:
		read_outcome(chain, request);
		break;
	}
}

static void answer(struct invoker_chain *chain, unsigned status, const char *body, size_t size)
{
	const struct invoker_answer answer = { status, body, size };
	chain->invoker->n_open--;
	chain->done(chain->user, &answer);
	struct arena arena = chain->arena;
	arena_finish(&arena);
}

void invoker_finish_ok(struct invoker_chain *chain)
{
	static const char body[] = "{\"status\": \"ok\"}";
	answer(chain, 200, body, sizeof(body) - 1);
}

static void begin_problem(struct json_writer *writer, const char *name, const char *title,
        unsigned status, const char *detail)
{
	json_writer_begin_object(writer);
	json_writer_name(writer, "type");
	CLEANUP_JSON_WRITER struct json_writer type = { 0 };
	json_writer_append(&type, "urn:lucius:problem:", 19);
	json_writer_append(&type, name, strlen(name));
	json_writer_string(writer, json_writer_text(&type));
	json_writer_string_member(writer, "title", title);
	json_writer_int_member(writer, "status", status);
	json_writer_string_member(writer, "detail", detail != NULL ? detail : title);
}

static void end_problem(struct invoker_chain *chain, struct json_writer *writer, unsigned status)
{
	json_writer_end_object(writer);
	const char *body = json_writer_text(writer);
	answer(chain, status, body, writer->size);
}

static void job_member(struct json_writer *writer, const struct job *job)
{
	json_writer_name(writer, "job");
	json_writer_begin_object(writer);
	json_writer_string_member(writer, "state", job_state_text(job->state));
	json_writer_name(writer, "error_code");
	job_json_value(writer, &job->error_code);
	json_writer_name(writer, "error_message");
	job_json_value(writer, &job->error_message);
	json_writer_end_object(writer);
}

static void step_error(struct json_writer *writer, const struct step *step)
{
	json_writer_name(writer, "error");
	if (step->last_error_code.text == NULL) {
		json_writer_null(writer);
		return;
	}
	json_writer_begin_object(writer);
	json_writer_name(writer, "code");
	job_json_value(writer, &step->last_error_code);
	json_writer_name(writer, "message");
	job_json_value(writer, &step->last_error_message);
	json_writer_end_object(writer);
}

static void step_member(struct json_writer *writer, const struct step *step)
{
	json_writer_name(writer, "step");
	json_writer_begin_object(writer);
	json_writer_string_member(writer, "state", step_state_text(step->state));
	json_writer_int_member(writer, "attempt_no", step->attempt_no);
	json_writer_name(writer, "lease_id");
	job_json_value(writer, &step->lease_id);
	json_writer_name(writer, "lease_expires_at");
	job_json_value(writer, &step->lease_expires_at);
	json_writer_name(writer, "result_ref");
	job_json_value(writer, &step->result_ref);
	step_error(writer, step);
	json_writer_end_object(writer);
}

static void refuse_conflict(
        struct invoker_chain *chain, const char *reason, const char *detail, const struct job *job)
{
	const char *step_id =
	        chain->call == INVOKER_OUTCOME ? chain->outcome.step_id : chain->lease.step_id;
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	begin_problem(&writer, "conflict", "Conflict", 409, detail);
	json_writer_string_member(&writer, "reason", reason);
	job_member(&writer, job);
	if (step_id != NULL && job_find_step(job, step_id) != NULL) {
		step_member(&writer, job_find_step(job, step_id));
	}
	end_problem(chain, &writer, 409);
}

void invoker_refuse_reason(struct invoker_chain *chain, const char *reason, const char *detail)
{
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	begin_problem(&writer, "unprocessable", "Unprocessable", 422, detail);
	json_writer_string_member(&writer, "reason", reason);
	end_problem(chain, &writer, 422);
}

static void refuse_unknown(struct invoker_chain *chain)
{
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	begin_problem(&writer, "not-found", "Not found", 404, "there is no such job");
	json_writer_string_member(&writer, "reason", "job-unknown");
	end_problem(chain, &writer, 404);
}

void invoker_refuse(struct invoker_chain *chain, enum rule rule, const struct job *job)
{
	switch (rule) {
	case RULE_JOB_CLOSED:
		refuse_conflict(chain, "job-closed", "the job has ended", job);
		return;
	case RULE_STEP_TERMINAL:
		refuse_conflict(chain, "step-terminal", "the step has ended", job);
		return;
	case RULE_JOB_CANCELLING:
		refuse_conflict(chain, "job-cancelling", "the job is being cancelled", job);
		return;
	case RULE_SUPERSEDED:
		refuse_conflict(chain, "superseded", "the ledger holds another attempt", job);
		return;
	case RULE_STEP_UNKNOWN:
		invoker_refuse_reason(chain, "step-unknown", "the job has no such step");
		return;
	case RULE_OUT_OF_ORDER:
		invoker_refuse_reason(
		        chain, "out-of-order", "an earlier step of the job has not succeeded");
		return;
	case RULE_LEASE_OVER:
		invoker_refuse_reason(
		        chain, "lease-over", "the lease has ended before it was recorded");
		return;
	case RULE_NOT_SUCCEEDED:
		invoker_refuse_reason(
		        chain, "not-succeeded", "not all steps of the job have succeeded");
		return;
	case RULE_JOB_UNKNOWN:
	case RULE_CHANGED:
	case RULE_UNCHANGED:
	case RULE_STALE:
	case RULE_DUPLICATE:
	case RULE_INVALID:
		break;
	}
	refuse_unknown(chain);
}

void invoker_fail(struct invoker_chain *chain, uint32_t status, const char *sentence)
{
	if (status == LUCIUS_NOT_FOUND) {
		refuse_unknown(chain);
		return;
	}
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	unsigned code = chain->failure != 0 ? chain->failure : 503;
	begin_problem(&writer, code == 503 ? "unavailable" : "bad-request",
	        code == 503 ? "Unavailable" : "Bad request", code, sentence);
	end_problem(chain, &writer, code);
}
