/* SPDX-License-Identifier: MIT */
/* The trace id is the second part of traceparent (W3C Trace Context: version-traceid-…). */
#include "core/job_log.h"

#include <string.h>

#include "core/log.h"
#include "core/metrics.h"

#define TRACE_ID_AT 3u
#define TRACE_ID_SIZE 32u

static struct log_field text_field(const char *name, const struct value *value)
{
	return LOG_TEXT(name, value->text, value->size);
}

static struct log_field trace_field(const struct value *traceparent)
{
	bool is_there = traceparent->size >= TRACE_ID_AT + TRACE_ID_SIZE;
	return LOG_TEXT("trace_id", is_there ? traceparent->text + TRACE_ID_AT : "",
	        is_there ? TRACE_ID_SIZE : 0);
}

void job_log_step(uint32_t level, const char *event, const struct job *job, const struct step *step,
        const char *sentence)
{
	static const struct value none = { 0 };
	if (!log_is_on(level)) {
		return;
	}
	struct log_field fields[10] = {
		text_field("job_id", &job->job_id),
		text_field("tenant_id", &job->tenant_id),
		text_field("correlation_id", &job->correlation_id),
		trace_field(&job->traceparent),
		text_field("step_id", step != NULL ? &step->step_id : &none),
	};
	size_t n_fields = 5;
	if (step != NULL) {
		fields[n_fields++] = text_field("lease_id", &step->lease_id);
		fields[n_fields++] = text_field("routing_key_used", &step->routing_key_used);
		fields[n_fields++] = LOG_INTEGER("attempt_no", step->attempt_no);
		fields[n_fields++] = LOG_INTEGER("lane", step->lane);
	} else {
		const char *state = job_state_text(job->state);
		fields[n_fields++] = LOG_TEXT("state", state, strlen(state));
		fields[n_fields++] = text_field("error_code", &job->error_code);
	}
	log_write(level, event, sentence, fields, n_fields);
}

void job_log_finished(const struct job *job)
{
	static struct metric *finished[JOB_N_STATES];
	if (finished[job->state] == NULL) {
		finished[job->state] = metrics_series(LUCIUS_METRIC_COUNTER,
		        "lucius_jobs_finished_total", "Jobs that have ended, by state.", "state",
		        job_state_text(job->state));
	}
	metric_record(finished[job->state], 1);
	job_log_step(LUCIUS_LOG_INFO, "job.finished", job, NULL, value_text(&job->error_message));
}
