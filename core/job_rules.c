/* SPDX-License-Identifier: MIT */
/* Attempts, outcomes and control. Replies have a file of their own (core/job_rules_reply.c). */
#include "core/job_rules.h"

#include <assert.h>
#include <string.h>

#include "core/job_closing.h"
#include "core/rfc3339.h"
#include "support/base/fault.h"

static bool is_other_tenant(const struct job *job, const char *tenant_id)
{
	return tenant_id != NULL && !value_is(&job->tenant_id, tenant_id);
}

static bool is_recorded(const struct step *step, const struct lease_request *request)
{
	return step->attempt_no == request->attempt_no &&
	        value_is(&step->lease_id, request->lease_id);
}

/* What lease and publish have in common, up to and without `superseded`. */
static enum rule check_attempt(
        const struct job *job, const struct lease_request *request, struct step **ret_step)
{
	if (is_other_tenant(job, request->tenant_id)) {
		return RULE_JOB_UNKNOWN;
	}
	struct step *step = job_find_step(job, request->step_id);
	if (step == NULL) {
		return RULE_STEP_UNKNOWN;
	}
	*ret_step = step;
	if (is_recorded(step, request)) {
		return RULE_UNCHANGED;
	}
	if (job_state_is_terminal(job->state)) {
		return RULE_JOB_CLOSED;
	}
	return step_state_is_terminal(step->state) ? RULE_STEP_TERMINAL : RULE_CHANGED;
}

/* All before it have succeeded, so none of them is under way. */
static bool is_its_turn(const struct job *job, const struct step *step)
{
	for (const struct step *before = job->steps; before < step; before++) {
		if (before->state != STEP_SUCCEEDED) {
			return false;
		}
	}
	return true;
}

/* A foreign lease may say no end. */
static bool is_over(const struct lease_request *request, const char *now)
{
	const char *end = request->lease_expires_at;
	int64_t end_us = 0;
	int64_t now_us = 0;
	return end != NULL && rfc3339_parse(end, strlen(end), &end_us) &&
	        rfc3339_parse(now, strlen(now), &now_us) && end_us <= now_us;
}

enum rule rule_lease(struct job *job, const struct lease_request *request, const char *now)
{
	struct step *step = NULL;
	enum rule rule = check_attempt(job, request, &step);
	if (rule != RULE_CHANGED) {
		return rule;
	}
	if (job->state == JOB_CANCELLING && !FAULT(lease_for_cancelling_job)) {
		return RULE_JOB_CANCELLING;
	}
	if (request->attempt_no <= step->attempt_no) {
		return RULE_SUPERSEDED;
	}
	if (!is_its_turn(job, step)) {
		return RULE_OUT_OF_ORDER;
	}
	if (is_over(request, now)) {
		return RULE_LEASE_OVER;
	}
	if (step->state == STEP_INITIATED || step->state == STEP_PROCESSING) {
		/* The attempt before was given up without an answer. */
		job_set(job, &step->last_error_code, "STEP_TIMEOUT");
		job_set(job, &step->last_error_message, "no result came in time");
	}
	step->attempt_no = request->attempt_no;
	job_set(job, &step->lease_id, request->lease_id);
	job_set(job, &step->lease_expires_at, request->lease_expires_at);
	step_become(job, step, STEP_INITIATED, now);
	job_set(job, &step->attempt_started_at, now);
	value_clear(&step->timer_started_at);
	job->current_step_id = step->step_id;
	job->current_step_index = step->step_index;
	job->attempts_total++;
	job_add_event(job, "step.initiated", step, NULL);
	return RULE_CHANGED;
}

enum rule rule_publish(const struct job *job, const struct lease_request *request)
{
	struct step *step = NULL;
	enum rule rule = check_attempt(job, request, &step);
	if (rule == RULE_UNCHANGED) {
		/* The bus drops what it holds already; a consumer answers a repeat alike. */
		bool is_open = step->state == STEP_INITIATED || step->state == STEP_PROCESSING;
		return is_open ? RULE_CHANGED : RULE_UNCHANGED;
	}
	return rule == RULE_CHANGED ? RULE_SUPERSEDED : rule;
}

enum rule rule_published(struct job *job, const struct lease_request *request, const char *now)
{
	struct step *step = job_find_step(job, request->step_id);
	if (step == NULL || !is_recorded(step, request) || step->state != STEP_INITIATED ||
	        step->timer_started_at.text != NULL) {
		return RULE_UNCHANGED;
	}
	job_set(job, &step->timer_started_at, now);
	step->updated_at = step->timer_started_at;
	job->updated_at = step->updated_at;
	return RULE_CHANGED;
}

enum rule rule_outcome(struct job *job, const struct outcome_request *request, const char *now)
{
	assert(job_state_is_terminal(request->state));
	if (is_other_tenant(job, request->tenant_id)) {
		return RULE_JOB_UNKNOWN;
	}
	if (job->state == request->state) {
		return RULE_UNCHANGED;
	}
	struct step *step = request->step_id != NULL ? job_find_step(job, request->step_id) : NULL;
	if (request->step_id != NULL && step == NULL) {
		return RULE_STEP_UNKNOWN;
	}
	if (job_state_is_terminal(job->state)) {
		return RULE_JOB_CLOSED;
	}
	if (request->state == JOB_FAILED_FINAL && step != NULL && step->state == STEP_SUCCEEDED) {
		return RULE_STEP_TERMINAL;
	}
	if (job->state == JOB_CANCELLING && request->state != JOB_CANCELLED) {
		return RULE_JOB_CANCELLING;
	}
	if (request->state == JOB_SUCCEEDED && !job_all_succeeded(job)) {
		return RULE_NOT_SUCCEEDED;
	}
	struct closing closing = { request->state, step, request->error_code,
		request->error_message };
	job_close(job, &closing, now);
	return RULE_CHANGED;
}

static enum rule control_to(
        struct job *job, enum job_state state, const char *event, const char *now)
{
	job_become(job, state, now);
	job->control_seq++;
	job_add_event(job, event, NULL, NULL);
	return RULE_CHANGED;
}

enum rule rule_control(struct job *job, enum control control, const char *now)
{
	if (job_state_is_terminal(job->state) && !FAULT(terminal_job_is_controlled)) {
		return RULE_UNCHANGED;
	}
	if (control == CONTROL_CANCEL) {
		return job->state == JOB_CANCELLING
		        ? RULE_UNCHANGED
		        : control_to(job, JOB_CANCELLING, "job.cancelling", now);
	}
	if (job->state == JOB_CANCELLING) {
		return RULE_JOB_CANCELLING;
	}
	if (control == CONTROL_PAUSE) {
		return job->state == JOB_PAUSED ? RULE_UNCHANGED
		                                : control_to(job, JOB_PAUSED, "job.paused", now);
	}
	if (job->state != JOB_PAUSED) {
		return RULE_UNCHANGED;
	}
	return control_to(
	        job, job->is_answered != 0 ? JOB_IN_PROGRESS : JOB_QUEUED, "job.resumed", now);
}

enum rule rule_close(struct job *job, enum job_state state, const char *error_code,
        const char *error_message, const char *now)
{
	if (job_state_is_terminal(job->state)) {
		return RULE_UNCHANGED;
	}
	struct closing closing = { state, job_step_under_way(job), error_code, error_message };
	if (job->state == JOB_CANCELLING) {
		closing.state = JOB_CANCELLED;
	}
	job_close(job, &closing, now);
	return RULE_CHANGED;
}
