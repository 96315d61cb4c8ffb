/* SPDX-License-Identifier: MIT */
/* Arguments are JSON objects, one a signal. */
#include "core/signals.h"

#include <string.h>

#include "core/backend.h"
#include "core/job_json.h"
#include "core/random_id.h"

static void send(const struct signals *signals, const struct job *job, const char *name,
        struct json_writer *argument, const struct op_caller *caller)
{
	char request_id[RANDOM_ID_SIZE];
	random_id(signals->loop, request_id);
	const char *text = json_writer_text(argument);
	struct lucius_signal signal = {
		.size = sizeof(signal),
		.workflow_id = value_as_text(&job->job_id),
		.name = { name, strlen(name) },
		.argument = { text, argument->size },
		.request_id = { request_id, RANDOM_ID_SIZE - 1 },
	};
	(void)workflow_signal(signals->workflow, &signal, caller);
}

static void value_member(struct json_writer *writer, const char *name, const struct value *value)
{
	json_writer_name(writer, name);
	job_json_value(writer, value);
}

static void begin_reply(struct json_writer *writer, const char *type, const struct job *job,
        const struct step *step)
{
	json_writer_begin_object(writer);
	json_writer_string_member(writer, "type", type);
	value_member(writer, "jobId", &job->job_id);
	value_member(writer, "stepId", &step->step_id);
	value_member(writer, "tenant_id", &job->tenant_id);
	json_writer_int_member(writer, "attempt_no", step->attempt_no);
	value_member(writer, "lease_id", &step->lease_id);
	value_member(writer, "timestamp", &step->updated_at);
}

void signals_ack(const struct signals *signals, const struct job *job, const struct step *step,
        const struct op_caller *caller)
{
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	begin_reply(&writer, "ACK", job, step);
	json_writer_end_object(&writer);
	send(signals, job, "step_ack", &writer, caller);
}

/* A step that never got an answer has none to tell: then only job_state counts. */
static const char *result_status(const struct step *step)
{
	switch (step->state) {
	case STEP_SUCCEEDED:
		return "SUCCEEDED";
	case STEP_FAILED_RETRY:
		return "FAILED_RETRY";
	case STEP_PENDING:
	case STEP_INITIATED:
	case STEP_PROCESSING:
	case STEP_FAILED_FINAL:
	case STEP_CANCELLED:
		break;
	}
	return "FAILED_FINAL";
}

static const struct step *current_step(const struct job *job)
{
	const struct step *step = job_find_step(job, value_text(&job->current_step_id));
	return step != NULL ? step : &job->steps[0];
}

void signals_result(const struct signals *signals, const struct job *job, const struct step *step,
        const struct op_caller *caller)
{
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	if (step == NULL) {
		step = current_step(job);
	}
	begin_reply(&writer, "RESULT", job, step);
	json_writer_string_member(&writer, "status", result_status(step));
	if (step->state != STEP_SUCCEEDED && step->last_error_code.text != NULL) {
		json_writer_name(&writer, "error");
		json_writer_begin_object(&writer);
		value_member(&writer, "code", &step->last_error_code);
		value_member(&writer, "message", &step->last_error_message);
		json_writer_end_object(&writer);
	}
	value_member(&writer, "output_ref", &step->result_ref);
	if (job_state_is_terminal(job->state)) {
		json_writer_string_member(&writer, "job_state", job_state_text(job->state));
	}
	json_writer_end_object(&writer);
	send(signals, job, "step_result", &writer, caller);
}

void signals_control(
        const struct signals *signals, const struct job *job, const struct op_caller *caller)
{
	if (job->state == JOB_CANCELLING) {
		char request_id[RANDOM_ID_SIZE];
		random_id(signals->loop, request_id);
		(void)workflow_cancel(signals->workflow, value_as_text(&job->job_id),
		        (struct lucius_text){ request_id, RANDOM_ID_SIZE - 1 }, caller);
		return;
	}
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	json_writer_begin_object(&writer);
	json_writer_int_member(&writer, "seq", job->control_seq);
	json_writer_end_object(&writer);
	send(signals, job, job->state == JOB_PAUSED ? "pause" : "resume", &writer, caller);
}
