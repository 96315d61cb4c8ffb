/* SPDX-License-Identifier: MIT */
/*
 * Watches every row that the store commits, and says when one breaks what is promised of jobs and
 * steps. Its rules are written from the contract, not from the core's own tables.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"
#include "tests/sim/system/world.h"

#define BIT(state) (1u << (state))

/* From each state, what may follow (SPEC 3). */
static const unsigned job_may_become[JOB_N_STATES] = {
	[JOB_QUEUED] = BIT(JOB_IN_PROGRESS) | BIT(JOB_PAUSED) | BIT(JOB_CANCELLING) |
	        BIT(JOB_SUCCEEDED) | BIT(JOB_FAILED_FINAL) | BIT(JOB_CANCELLED),
	[JOB_IN_PROGRESS] = BIT(JOB_PAUSED) | BIT(JOB_CANCELLING) | BIT(JOB_SUCCEEDED) |
	        BIT(JOB_FAILED_FINAL) | BIT(JOB_CANCELLED),
	[JOB_PAUSED] = BIT(JOB_QUEUED) | BIT(JOB_IN_PROGRESS) | BIT(JOB_CANCELLING) |
	        BIT(JOB_SUCCEEDED) | BIT(JOB_FAILED_FINAL) | BIT(JOB_CANCELLED),
	[JOB_CANCELLING] = BIT(JOB_CANCELLED),
};
static const unsigned step_may_become[STEP_N_STATES] = {
	[STEP_PENDING] = BIT(STEP_INITIATED) | BIT(STEP_CANCELLED) | BIT(STEP_FAILED_FINAL),
	[STEP_INITIATED] = BIT(STEP_PROCESSING) | BIT(STEP_SUCCEEDED) | BIT(STEP_FAILED_RETRY) |
	        BIT(STEP_FAILED_FINAL) | BIT(STEP_CANCELLED),
	[STEP_PROCESSING] = BIT(STEP_INITIATED) | BIT(STEP_SUCCEEDED) | BIT(STEP_FAILED_RETRY) |
	        BIT(STEP_FAILED_FINAL) | BIT(STEP_CANCELLED),
	[STEP_FAILED_RETRY] = BIT(STEP_INITIATED) | BIT(STEP_FAILED_FINAL) | BIT(STEP_CANCELLED),
};

struct shadow *watch_find(struct world *world, const char *job_id)
{
	struct shadow *shadow = world->shadows;
	while (shadow != NULL && strcmp(shadow->job_id, job_id) != 0) {
		shadow = shadow->next;
	}
	return shadow;
}

static bool is_same(const struct value *one, const struct value *other)
{
	return one->size == other->size && strcmp(value_text(one), value_text(other)) == 0;
}

static bool is_out(const struct step *step)
{
	return step->state == STEP_INITIATED || step->state == STEP_PROCESSING;
}

static void check_job(struct world *world, const struct job *before, const struct job *now)
{
	const char *id = value_text(&now->job_id);
	if (job_state_is_terminal(before->state)) {
		world_violate(world, id, "a terminal job was written: %s, then %s",
		        job_state_text(before->state), job_state_text(now->state));
	}
	if (before->state != now->state && (job_may_become[before->state] & BIT(now->state)) == 0) {
		world_violate(world, id, "a job went from %s to %s", job_state_text(before->state),
		        job_state_text(now->state));
	}
	if (now->control_seq < before->control_seq) {
		world_violate(world, id, "control_seq went back");
	}
	if (now->attempts_total < before->attempts_total) {
		world_violate(world, id, "attempts_total went back");
	}
	bool is_resumed = before->state == JOB_PAUSED &&
	        (now->state == JOB_QUEUED || now->state == JOB_IN_PROGRESS);
	if (is_resumed && now->control_seq == before->control_seq) {
		world_violate(world, id, "a job left PAUSED without a resume");
	}
	if (before->state == JOB_QUEUED && now->state == JOB_IN_PROGRESS && now->is_answered == 0) {
		world_violate(world, id, "a job is IN_PROGRESS without a reply");
	}
	bool was_answered = before->state == JOB_PAUSED && before->is_answered != 0;
	if (was_answered && now->state == JOB_QUEUED) {
		world_violate(world, id, "a job that has had a reply was resumed to QUEUED");
	}
}

/* A new lease and its number come together, and the state says so. */
static void check_lease(
        struct world *world, const char *id, const struct step *before, const struct step *now)
{
	const char *step = value_text(&now->step_id);
	bool is_new = !is_same(&before->lease_id, &now->lease_id);
	if (is_new != (now->attempt_no > before->attempt_no)) {
		world_violate(world, id, "step %s: attempt %lld became %lld, its lease %s", step,
		        (long long)before->attempt_no, (long long)now->attempt_no,
		        is_new ? "changed" : "did not");
	}
	if (is_new && now->state != STEP_INITIATED) {
		world_violate(world, id, "step %s got a lease and became %s", step,
		        step_state_text(now->state));
	}
	if (!is_new && now->state == STEP_INITIATED && before->state != STEP_INITIATED) {
		world_violate(world, id, "step %s was initiated without a new lease", step);
	}
}

/* The first RESULT of a lease counts: what it said stays. */
static void check_answer(
        struct world *world, const char *id, const struct step *before, const struct step *now)
{
	const char *step = value_text(&now->step_id);
	bool is_same_lease = is_same(&before->lease_id, &now->lease_id);
	bool is_of_consumer = value_text(&now->last_error_code)[0] == 'E';
	if (strstr(value_text(&now->result_ref), "/lie") != NULL) {
		world_violate(world, id, "step %s has a result that should not count", step);
	}
	if (before->state == STEP_FAILED_RETRY && is_same_lease && is_of_consumer &&
	        !is_same(&before->last_error_code, &now->last_error_code)) {
		world_violate(world, id, "step %s: a second RESULT has counted (%s, then %s)", step,
		        value_text(&before->last_error_code), value_text(&now->last_error_code));
	}
	if (step_state_is_terminal(before->state) &&
	        (!is_same(&before->result_ref, &now->result_ref) ||
	                !is_same(&before->completed_at, &now->completed_at))) {
		world_violate(world, id, "terminal step %s was changed", step);
	}
	if (now->state == STEP_SUCCEEDED && !is_same(&before->result_ref, &now->result_ref) &&
	        strstr(value_text(&now->result_ref), value_text(&now->lease_id)) == NULL &&
	        strcmp(value_text(&now->result_ref), value_text(&now->output_ref)) != 0) {
		world_violate(world, id, "step %s has the result of another lease", step);
	}
}

static void check_step(
        struct world *world, const char *id, const struct step *before, const struct step *now)
{
	const char *step = value_text(&now->step_id);
	if (before->state != now->state &&
	        (step_may_become[before->state] & BIT(now->state)) == 0) {
		world_violate(world, id, "step %s went from %s to %s", step,
		        step_state_text(before->state), step_state_text(now->state));
	}
	check_lease(world, id, before, now);
	check_answer(world, id, before, now);
}

/* Pause and cancel stop new attempts; the one that was on its way when a pause came may start. */
static void check_control(struct world *world, struct shadow *shadow, const struct job *now)
{
	bool is_new = now->attempts_total > shadow->job->attempts_total;
	if (is_new && shadow->job->state == JOB_CANCELLING) {
		world_violate(world, shadow->job_id, "a CANCELLING job got a new attempt");
	}
	const struct step *retried = job_step_under_way(now);
	if (now->state == JOB_CANCELLING && shadow->job->state == JOB_CANCELLING &&
	        retried != NULL && retried->state == STEP_FAILED_RETRY &&
	        shadow->job->steps[retried->step_index].state != STEP_FAILED_RETRY) {
		world_violate(world, shadow->job_id, "a RESULT left a CANCELLING job open");
	}
	/* A resume and the next pause may share a save: the number tells. So may a lease and the
	 * pause behind it; one that finds a pause waits for the save that the pause is in. */
	bool is_in_pause = now->state == JOB_PAUSED && now->control_seq == shadow->job->control_seq;
	if (!is_in_pause) {
		shadow->n_in_pause = 0;
	}
	if (is_in_pause && is_new && ++shadow->n_in_pause > 1) {
		world_violate(world, shadow->job_id, "a second attempt was started in a pause");
	}
}

/* Some ends are only for workflows that somebody else has ended, or that took too long. */
static void check_end(struct world *world, const struct process *process,
        const struct shadow *shadow, const struct job *now)
{
	bool is_swept = strncmp(value_text(&now->error_code), "WORKFLOW_", 9) == 0;
	if (is_swept && shadow->changed_ms > process->scanned_ms) {
		world_violate(world, shadow->job_id,
		        "the sweeper has closed a job that had changed since it looked");
	}
	static const char *const odd[] = { "WORKFLOW_LOST", "WORKFLOW_FAILED",
		"WORKFLOW_TERMINATED", "WORKFLOW_INCOMPLETE", "WORKFLOW_START_REFUSED",
		"JOB_UNKNOWN" };
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		if (value_is(&now->error_code, odd[i]) && !shadow->is_disturbed) {
			world_violate(world, shadow->job_id,
			        "a job ended with %s and nobody had touched its workflow", odd[i]);
		}
	}
}

static void check_steps_together(struct world *world, const struct job *job)
{
	const char *id = value_text(&job->job_id);
	unsigned n_out = 0;
	bool are_before_done = true;
	bool is_over = job_state_is_terminal(job->state);
	for (size_t i = 0; i < job->n_steps; i++) {
		const struct step *step = &job->steps[i];
		bool is_begun = is_out(step) || step->state == STEP_FAILED_RETRY;
		n_out += is_begun ? 1 : 0;
		if (is_begun && !are_before_done) {
			world_violate(
			        world, id, "step %zu began before those before it were done", i);
		}
		if (is_over && !step_state_is_terminal(step->state)) {
			world_violate(world, id, "a closed job has a step that is %s",
			        step_state_text(step->state));
		}
		are_before_done = are_before_done && step->state == STEP_SUCCEEDED;
	}
	if (n_out > 1) {
		world_violate(world, id, "%u steps are under way", n_out);
	}
	if (job->state == JOB_SUCCEEDED && !are_before_done) {
		world_violate(world, id, "a job succeeded and a step has not");
	}
	if (!is_over && are_before_done) {
		world_violate(world, id, "all steps have succeeded and the job is open");
	}
}

static void note_transitions(struct world *world, const struct job *before, const struct job *now)
{
	const char *id = value_text(&now->job_id);
	for (size_t i = 0; i < now->n_steps; i++) {
		const struct step *step = &now->steps[i];
		const struct step *old = before != NULL ? &before->steps[i] : NULL;
		if (old != NULL && old->state == step->state &&
		        old->attempt_no == step->attempt_no) {
			continue;
		}
		world_say(world, id, "row: step %s %s, attempt %lld (%s)",
		        value_text(&step->step_id), step_state_text(step->state),
		        (long long)step->attempt_no, value_text(&step->lease_id));
		world_note_transition(world, now, "%s %s %lld", value_text(&step->step_id),
		        step_state_text(step->state), (long long)step->attempt_no);
	}
	if (before == NULL || before->state != now->state) {
		world_say(world, id, "row: job %s %s", job_state_text(now->state),
		        value_text(&now->error_code));
		world_note_transition(world, now, "job %s %s", job_state_text(now->state),
		        value_text(&now->error_code));
	}
}

static bool counts_against(const struct shadow *shadow, const struct job *job)
{
	return !shadow->is_gone && shadow->job != job &&
	        is_same(&shadow->job->tenant_id, &job->tenant_id);
}

/* Same command, one job; and never more live jobs than the tenant may have. */
static void check_created(struct world *world, const struct job *job, bool has_key)
{
	unsigned n_live = job_state_is_terminal(job->state) ? 0 : 1;
	for (const struct shadow *at = world->shadows; at != NULL; at = at->next) {
		if (!counts_against(at, job)) {
			continue;
		}
		bool is_live = !job_state_is_terminal(at->job->state);
		bool other_has_key = at->job->idempotency_key.text != NULL;
		bool holds_hash = !has_key && !other_has_key &&
		        (is_live || at->job->state == JOB_SUCCEEDED) &&
		        is_same(&at->job->idempotency_hash, &job->idempotency_hash);
		bool holds_key = has_key && other_has_key &&
		        is_same(&at->job->idempotency_key, &job->idempotency_key);
		n_live += is_live ? 1 : 0;
		if (holds_hash || holds_key) {
			world_violate(world, value_text(&job->job_id),
			        "one command has made two jobs, the other is %s", at->job_id);
		}
	}
	if (n_live > world->max_inflight) {
		world_violate(world, value_text(&job->job_id),
		        "a tenant has %u live jobs, %u are allowed", n_live, world->max_inflight);
	}
}

void watch_created(struct world *world, struct process *process, const char *job_id, bool has_key)
{
	struct job *job = storage_peek(process, job_id);
	struct shadow *shadow = must_calloc(1, sizeof(*shadow));
	world->outcome->n_jobs++;
	if (job == NULL) {
		free(shadow);
		world_violate(world, job_id, "a job was created and is not there");
		return;
	}
	(void)snprintf(shadow->job_id, sizeof(shadow->job_id), "%s", job_id);
	shadow->job = job;
	shadow->home = process->memory != NULL ? process : NULL;
	shadow->next = world->shadows;
	world->shadows = shadow;
	lists_note(world, shadow);
	note_transitions(world, NULL, job);
	check_steps_together(world, job);
	check_created(world, job, has_key);
	if (job->state != JOB_QUEUED) {
		world_violate(world, job_id, "a new job is %s", job_state_text(job->state));
	}
}

static void note_answers(struct world *world, struct shadow *shadow, const struct job *now)
{
	for (size_t i = 0; i < now->n_steps; i++) {
		const struct step *old = &shadow->job->steps[i];
		const struct step *step = &now->steps[i];
		world->outcome->n_attempts += step->attempt_no != old->attempt_no ? 1 : 0;
		if (step->state != old->state) {
			shadow->answered_ms = world->now_ms;
		}
	}
}

void watch_saved(struct world *world, struct process *process, const char *job_id)
{
	struct shadow *shadow = watch_find(world, job_id);
	struct job *now = storage_peek(process, job_id);
	if (shadow == NULL || now == NULL) {
		job_destroy(now);
		world_violate(world, job_id, "a job was saved that is not there");
		return;
	}
	check_job(world, shadow->job, now);
	for (size_t i = 0; i < now->n_steps; i++) {
		check_step(world, job_id, &shadow->job->steps[i], &now->steps[i]);
		if (now->steps[i].attempt_no > world->processes[0].settings.max_attempts) {
			world_violate(world, job_id, "more attempts than allowed");
		}
	}
	check_steps_together(world, now);
	check_control(world, shadow, now);
	check_end(world, process, shadow, now);
	note_transitions(world, shadow->job, now);
	note_answers(world, shadow, now);
	shadow->changed_ms = world->now_ms;
	if (job_state_is_terminal(now->state) && !job_state_is_terminal(shadow->job->state)) {
		shadow->closed_ms = world->now_ms;
		world->outcome->n_ended[now->state - JOB_SUCCEEDED]++;
	}
	job_destroy(shadow->job);
	shadow->job = now;
	lists_note(world, shadow);
}

/* Tables may be mended without a change to the job. */
static bool is_as_before(const struct job *before, const struct job *now)
{
	bool is_same_job = before->state == now->state && before->control_seq == now->control_seq &&
	        before->event_seq == now->event_seq &&
	        is_same(&before->updated_at, &now->updated_at);
	for (size_t i = 0; i < now->n_steps && is_same_job; i++) {
		is_same_job = before->steps[i].state == now->steps[i].state &&
		        before->steps[i].attempt_no == now->steps[i].attempt_no &&
		        is_same(&before->steps[i].updated_at, &now->steps[i].updated_at);
	}
	return is_same_job;
}

void watch_written(struct world *world, struct process *process, const char *job_id)
{
	const struct shadow *shadow = watch_find(world, job_id);
	struct job *job = storage_peek(process, job_id);
	bool is_shown = job != NULL;
	bool has_key = is_shown && job->idempotency_key.text != NULL;
	bool is_same_as_before = is_shown && shadow != NULL && is_as_before(shadow->job, job);
	job_destroy(job);
	if (shadow == NULL && is_shown) {
		watch_created(world, process, job_id, has_key);
	} else if (shadow != NULL && !is_shown) {
		world_violate(world, job_id, "a job is not there any more");
	} else if (shadow != NULL && !is_same_as_before) {
		watch_saved(world, process, job_id);
	}
}

void watch_released(struct world *world, const struct process *process, const char *job_id)
{
	struct shadow *shadow = watch_find(world, job_id);
	if (shadow == NULL || !job_state_is_terminal(shadow->job->state)) {
		world_violate(world, job_id, "the slot of a live job was freed");
		return;
	}
	world_say(world, job_id, "slot freed");
	if (!shadow->is_released && engine_is_untold(world, process, shadow)) {
		world_violate(world, job_id, "the slot was freed before the workflow was told");
	}
	shadow->is_released = true;
}

/* A reply is settled for good: what it says must be in the ledger, and the workflow must know. */
void watch_settled(
        struct world *world, const struct process *process, const struct reply_note *note)
{
	struct shadow *shadow = watch_find(world, note->job_id);
	const struct step *step = shadow != NULL && !shadow->is_gone && note->is_honest
	        ? job_find_step(shadow->job, note->step_id)
	        : NULL;
	if (step == NULL || step->attempt_no != note->attempt_no ||
	        !value_is(&step->lease_id, note->lease_id)) {
		return;
	}
	bool is_missing = note->is_result ? is_out(step) : step->state == STEP_INITIATED;
	if (is_missing) {
		world_violate(world, note->job_id, "a reply was settled and is not in the ledger");
	}
	bool is_current = note->is_result || step->state == STEP_PROCESSING;
	if (is_current && !engine_knows_answer(world, process, note, shadow->answered_ms)) {
		world_violate(world, note->job_id,
		        "a reply was settled and the workflow does not know of it");
	}
}

void watch_memory_gone(struct world *world, const struct process *process)
{
	for (struct shadow *at = world->shadows; at != NULL; at = at->next) {
		at->is_gone = at->is_gone || at->home == process;
	}
}

void watch_accepted(struct world *world, const char *job_id)
{
	struct shadow *shadow = watch_find(world, job_id);
	if (shadow == NULL) {
		world_violate(world, job_id, "a job was accepted and is not in the store");
		return;
	}
	shadow->accepted_ms = shadow->is_accepted ? shadow->accepted_ms : world->now_ms;
	shadow->is_accepted = true;
}

bool watch_all_terminal(const struct world *world)
{
	for (const struct shadow *at = world->shadows; at != NULL; at = at->next) {
		if (!at->is_gone && !job_state_is_terminal(at->job->state)) {
			return false;
		}
	}
	return true;
}

/* Each accepted job is still there as it was seen last. */
void watch_check_rest(struct world *world)
{
	for (struct shadow *at = world->shadows; at != NULL; at = at->next) {
		if (at->is_gone) {
			continue;
		}
		struct process *process = &world->processes[0];
		struct job *job = process->is_up ? storage_peek(process, at->job_id) : NULL;
		if (process->is_up && (job == NULL || job->state != at->job->state)) {
			world_violate(world, at->job_id, "a job is lost");
		}
		if (!job_state_is_terminal(at->job->state)) {
			world_violate(world, at->job_id,
			        "a job has not ended in the time it may take: it is %s",
			        job_state_text(at->job->state));
		}
		job_destroy(job);
	}
}

void watch_finish(struct world *world)
{
	while (world->shadows != NULL) {
		struct shadow *shadow = world->shadows;
		world->shadows = shadow->next;
		job_destroy(shadow->job);
		lists_forget(shadow);
		free(shadow);
	}
}
