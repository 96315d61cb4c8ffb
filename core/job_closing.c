/* SPDX-License-Identifier: MIT */
/* Leaves no step in a state that could still move. */
#include "core/job_closing.h"

#include <jansson.h>
#include <string.h>

static enum step_state end_of(const struct step *step, const struct closing *closing)
{
	bool is_concerned = step == closing->step || step->state == STEP_INITIATED ||
	        step->state == STEP_PROCESSING || step->state == STEP_FAILED_RETRY;
	return closing->state == JOB_FAILED_FINAL && is_concerned ? STEP_FAILED_FINAL
	                                                          : STEP_CANCELLED;
}

/* `output_ref` of the last step as a text: the string, an object's `uri`, else its JSON. */
static void set_final_output(struct job *job)
{
	const struct value *output = &job->steps[job->n_steps - 1].result_ref;
	job->final_output = *output;
	if (output->type == LUCIUS_FIELD_STRING) { /* a missing one, too */
		return;
	}
	job->final_output.type = LUCIUS_FIELD_STRING;
	json_t *object = json_loadb(output->text, output->size, 0, NULL);
	const char *uri = json_string_value(json_object_get(object, "uri"));
	if (uri != NULL) {
		job_set(job, &job->final_output, uri);
	}
	json_decref(object);
}

void job_close(struct job *job, const struct closing *closing, const char *now)
{
	for (size_t i = 0; i < job->n_steps; i++) {
		struct step *step = &job->steps[i];
		if (step_state_is_terminal(step->state)) {
			continue;
		}
		if (step == closing->step && closing->error_code != NULL) {
			job_set(job, &step->last_error_code, closing->error_code);
			job_set(job, &step->last_error_message, closing->error_message);
		}
		step_become(job, step, end_of(step, closing), now);
	}
	job_become(job, closing->state, now);
	job_set(job, &job->completed_at, now);
	if (closing->state == JOB_FAILED_FINAL) {
		job_set(job, &job->error_code, closing->error_code);
		job_set(job, &job->error_message, closing->error_message);
	}
	if (job_all_succeeded(job)) {
		set_final_output(job);
	}
	job_add_event(job, "job.finished", NULL, closing->error_code);
}
