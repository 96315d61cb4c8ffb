/* SPDX-License-Identifier: MIT */
/*
 * What an ACK or a RESULT does (SPEC 4): matched on step, attempt and lease; of two RESULTs for one
 * lease the first counts; a reply never takes a job out of PAUSED unless it ends the job.
 */
#include "core/job_rules.h"

#include <stdio.h>
#include <string.h>

#include "core/job_closing.h"
#include "support/base/fault.h"

/* Which answer the ledger holds for the step's lease. */
static bool is_answered(const struct step *step)
{
	if (FAULT(second_result_counts) && step->state == STEP_FAILED_RETRY) {
		return false;
	}
	return step->state != STEP_INITIATED && step->state != STEP_PROCESSING;
}

static void leave_queue(struct job *job, const char *now)
{
	job->is_answered = 1;
	if (job->state == JOB_QUEUED || (FAULT(reply_ends_pause) && job->state == JOB_PAUSED)) {
		job_become(job, JOB_IN_PROGRESS, now);
	}
}

static enum rule apply_ack(struct job *job, struct step *step, const char *now)
{
	if (step->state != STEP_INITIATED) {
		return RULE_DUPLICATE;
	}
	step_become(job, step, STEP_PROCESSING, now);
	job_set(job, &step->timer_started_at, now);
	leave_queue(job, now);
	job_add_event(job, "reply.ack", step, NULL);
	return RULE_CHANGED;
}

static void close_after(struct job *job, enum job_state state, struct step *step, const char *now)
{
	struct closing closing = { .state = job->state == JOB_CANCELLING ? JOB_CANCELLED : state };
	if (closing.state == JOB_FAILED_FINAL) {
		closing.step = step;
		closing.error_code = value_text(&step->last_error_code);
		closing.error_message = value_text(&step->last_error_message);
	}
	job_close(job, &closing, now);
}

static enum rule fail_for_good(struct job *job, struct step *step, const char *now)
{
	step_become(job, step, STEP_FAILED_FINAL, now);
	job_add_event(job, "reply.result", step, value_text(&step->last_error_code));
	close_after(job, JOB_FAILED_FINAL, step, now);
	return RULE_CHANGED;
}

static enum rule apply_too_large(
        struct job *job, struct step *step, const struct reply_facts *reply, const char *now)
{
	char sentence[128];
	(void)snprintf(sentence, sizeof(sentence),
	        "the result's output_ref has %u bytes, %u are kept at most", reply->output_ref.size,
	        RULE_RESULT_REF_MAX);
	job_set(job, &step->last_error_code, "RESULT_TOO_LARGE");
	job_set(job, &step->last_error_message, sentence);
	return fail_for_good(job, step, now);
}

static enum rule apply_success(
        struct job *job, struct step *step, const struct reply_facts *reply, const char *now)
{
	if (reply->output_ref.size > RULE_RESULT_REF_MAX) {
		return apply_too_large(job, step, reply, now);
	}
	if (reply->output_ref.text != NULL) {
		job_set_sized(job, &step->result_ref, reply->output_ref.text,
		        reply->output_ref.size, reply->output_ref.type);
	} else {
		step->result_ref = step->output_ref;
	}
	step_become(job, step, STEP_SUCCEEDED, now);
	job_add_event(job, "reply.result", step, NULL);
	bool is_last = job_all_succeeded(job) && !FAULT(last_result_leaves_job_open);
	if (job->state == JOB_CANCELLING || is_last) {
		close_after(job, JOB_SUCCEEDED, step, now);
	} else {
		leave_queue(job, now);
	}
	return RULE_CHANGED;
}

static void keep_error(struct job *job, struct step *step, const struct reply_facts *reply)
{
	const char *code = reply->error_code != NULL ? reply->error_code : "STEP_FAILED";
	job_set(job, &step->last_error_code, code);
	job_set(job, &step->last_error_message, reply->error_message);
}

static enum rule apply_retry(
        struct job *job, struct step *step, const struct reply_facts *reply, const char *now)
{
	keep_error(job, step, reply);
	if (job->state == JOB_CANCELLING && !FAULT(retry_keeps_cancelling_job_open)) {
		step_become(job, step, STEP_CANCELLED, now);
		job_add_event(job, "reply.result", step, value_text(&step->last_error_code));
		close_after(job, JOB_CANCELLED, step, now);
		return RULE_CHANGED;
	}
	step_become(job, step, STEP_FAILED_RETRY, now);
	job_set(job, &step->timer_started_at, now);
	leave_queue(job, now);
	job_add_event(job, "reply.result", step, value_text(&step->last_error_code));
	return RULE_CHANGED;
}

enum rule rule_reply(struct job *job, const struct reply_facts *reply, const char *now)
{
	if (reply->tenant_id != NULL && !value_is(&job->tenant_id, reply->tenant_id) &&
	        !FAULT(tenant_not_compared)) {
		return RULE_INVALID;
	}
	struct step *step = job_find_step(job, reply->step_id);
	if (step == NULL) {
		return RULE_INVALID;
	}
	bool is_same_lease =
	        value_is(&step->lease_id, reply->lease_id) || FAULT(lease_not_compared);
	if (step->attempt_no != reply->attempt_no || !is_same_lease) {
		return RULE_STALE;
	}
	if (is_answered(step)) {
		return reply->kind == REPLY_ACK ? RULE_STALE : RULE_DUPLICATE;
	}
	switch (reply->kind) {
	case REPLY_ACK:
		return apply_ack(job, step, now);
	case REPLY_SUCCEEDED:
		return apply_success(job, step, reply, now);
	case REPLY_FAILED_RETRY:
		return apply_retry(job, step, reply, now);
	case REPLY_FAILED_FINAL:
		keep_error(job, step, reply);
		return fail_for_good(job, step, now);
	}
	return RULE_INVALID;
}
