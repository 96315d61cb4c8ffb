/* SPDX-License-Identifier: MIT */
/* The tables of states and transitions are the only place that knows them. */
#include "core/job.h"

#include <assert.h>
#include <string.h>

#define BIT(state) (1u << (state))

static const struct {
	const char *text;
	unsigned may_become;
} job_states[JOB_N_STATES] = {
	[JOB_QUEUED] = { "QUEUED",
	        BIT(JOB_IN_PROGRESS) | BIT(JOB_PAUSED) | BIT(JOB_CANCELLING) | BIT(JOB_SUCCEEDED) |
	                BIT(JOB_FAILED_FINAL) | BIT(JOB_CANCELLED) },
	[JOB_IN_PROGRESS] = { "IN_PROGRESS",
	        BIT(JOB_PAUSED) | BIT(JOB_CANCELLING) | BIT(JOB_SUCCEEDED) | BIT(JOB_FAILED_FINAL) |
	                BIT(JOB_CANCELLED) },
	[JOB_PAUSED] = { "PAUSED",
	        BIT(JOB_QUEUED) | BIT(JOB_IN_PROGRESS) | BIT(JOB_CANCELLING) | BIT(JOB_SUCCEEDED) |
	                BIT(JOB_FAILED_FINAL) | BIT(JOB_CANCELLED) },
	[JOB_CANCELLING] = { "CANCELLING", BIT(JOB_CANCELLED) },
	[JOB_SUCCEEDED] = { "SUCCEEDED", 0 },
	[JOB_FAILED_FINAL] = { "FAILED_FINAL", 0 },
	[JOB_CANCELLED] = { "CANCELLED", 0 },
};

#define STEP_ENDS                                                                \
	(BIT(STEP_SUCCEEDED) | BIT(STEP_FAILED_RETRY) | BIT(STEP_FAILED_FINAL) | \
	        BIT(STEP_CANCELLED))

static const struct {
	const char *text;
	unsigned may_become;
} step_states[STEP_N_STATES] = {
	/* FAILED_FINAL: the outcome of an attempt that the ledger never saw. */
	[STEP_PENDING] = { "PENDING",
	        BIT(STEP_INITIATED) | BIT(STEP_FAILED_FINAL) | BIT(STEP_CANCELLED) },
	[STEP_INITIATED] = { "INITIATED", BIT(STEP_INITIATED) | BIT(STEP_PROCESSING) | STEP_ENDS },
	[STEP_PROCESSING] = { "PROCESSING", BIT(STEP_INITIATED) | STEP_ENDS },
	[STEP_SUCCEEDED] = { "SUCCEEDED", 0 },
	[STEP_FAILED_RETRY] = { "FAILED_RETRY",
	        BIT(STEP_INITIATED) | BIT(STEP_FAILED_FINAL) | BIT(STEP_CANCELLED) },
	[STEP_FAILED_FINAL] = { "FAILED_FINAL", 0 },
	[STEP_CANCELLED] = { "CANCELLED", 0 },
};

const char *job_state_text(enum job_state state)
{
	return job_states[state].text;
}

const char *step_state_text(enum step_state state)
{
	return step_states[state].text;
}

bool job_state_parse(const char *text, size_t size, enum job_state *ret_state)
{
	for (unsigned i = 0; i < JOB_N_STATES; i++) {
		if (strlen(job_states[i].text) == size &&
		        memcmp(job_states[i].text, text, size) == 0) {
			*ret_state = (enum job_state)i;
			return true;
		}
	}
	return false;
}

bool job_state_is_terminal(enum job_state state)
{
	return job_states[state].may_become == 0;
}

bool step_state_is_terminal(enum step_state state)
{
	return step_states[state].may_become == 0;
}

bool job_state_may_become(enum job_state from, enum job_state to)
{
	return (job_states[from].may_become & BIT(to)) != 0;
}

bool step_state_may_become(enum step_state from, enum step_state to)
{
	return (step_states[from].may_become & BIT(to)) != 0;
}

struct job *job_create(void)
{
	struct arena arena = { 0 };
	struct job *job = arena_zalloc(&arena, sizeof(*job));
	job->arena = arena;
	job->n_owners = 1;
	job->current_step_index = JOB_NO_INTEGER;
	return job;
}

struct job *job_share(struct job *job)
{
	job->n_owners++;
	return job;
}

void job_destroy(struct job *job)
{
	if (job != NULL && --job->n_owners == 0) {
		struct arena arena = job->arena;
		arena_finish(&arena);
	}
}

struct step *job_find_step(const struct job *job, const char *step_id)
{
	for (size_t i = 0; i < job->n_steps; i++) {
		if (value_is(&job->steps[i].step_id, step_id)) {
			return &job->steps[i];
		}
	}
	return NULL;
}

struct step *job_step_under_way(const struct job *job)
{
	for (size_t i = 0; i < job->n_steps; i++) {
		enum step_state state = job->steps[i].state;
		if (state == STEP_INITIATED || state == STEP_PROCESSING ||
		        state == STEP_FAILED_RETRY) {
			return &job->steps[i];
		}
	}
	return NULL;
}

bool job_all_succeeded(const struct job *job)
{
	for (size_t i = 0; i < job->n_steps; i++) {
		if (job->steps[i].state != STEP_SUCCEEDED) {
			return false;
		}
	}
	return job->n_steps > 0;
}

void job_set_sized(
        struct job *job, struct value *value, const char *text, size_t size, uint32_t type)
{
	*value = (struct value){
		.text = arena_copy(&job->arena, text, size),
		.size = (uint32_t)size,
		.type = type,
	};
}

void job_set(struct job *job, struct value *value, const char *text)
{
	if (text == NULL) {
		value_clear(value);
		return;
	}
	job_set_sized(job, value, text, strlen(text), LUCIUS_FIELD_STRING);
}

void value_clear(struct value *value)
{
	*value = (struct value){ 0 };
}

bool value_is(const struct value *value, const char *text)
{
	return value->text != NULL && text != NULL && strcmp(value->text, text) == 0;
}

const char *value_text(const struct value *value)
{
	return value->text != NULL ? value->text : "";
}

struct lucius_text value_as_text(const struct value *value)
{
	return (struct lucius_text){ value_text(value), value->size };
}

void job_become(struct job *job, enum job_state state, const char *now)
{
	assert(job_state_may_become(job->state, state));
	job->state = state;
	job_set(job, &job->updated_at, now);
}

void step_become(struct job *job, struct step *step, enum step_state state, const char *now)
{
	assert(step_state_may_become(step->state, state));
	step->state = state;
	job_set(job, &step->updated_at, now);
	if (step_state_is_terminal(state)) {
		step->completed_at = step->updated_at;
	}
	job->updated_at = step->updated_at;
}

void job_add_event(struct job *job, const char *event, const struct step *step, const char *detail)
{
	assert(job->n_new_events < JOB_MAX_NEW_EVENTS);
	job->event_seq++;
	job->new_events[job->n_new_events++] = (struct job_event){
		.event = event,
		.detail = detail != NULL ? arena_copy(&job->arena, detail, strlen(detail)) : NULL,
		.step = step,
		.attempt_no = step != NULL ? step->attempt_no : 0,
		.state = step != NULL ? step_state_text(step->state) : job_state_text(job->state),
	};
}

struct job *job_freeze(const struct job *job, struct arena *arena)
{
	struct job *frozen = arena_alloc(arena, sizeof(*frozen));
	*frozen = *job;
	frozen->arena = (struct arena){ 0 };
	frozen->steps = arena_alloc(arena, job->n_steps * sizeof(*job->steps));
	memcpy(frozen->steps, job->steps, job->n_steps * sizeof(*job->steps));
	return frozen;
}

void job_thaw(struct job *job, const struct job *frozen)
{
	struct arena arena = job->arena;
	struct step *steps = job->steps;
	memcpy(steps, frozen->steps, job->n_steps * sizeof(*steps));
	*job = *frozen;
	job->arena = arena;
	job->steps = steps;
}

static bool step_may_be_saved(enum step_state from, enum step_state to)
{
	return from == to || step_state_may_become(from, to);
}

bool job_may_be_saved(const struct job *job)
{
	const struct job *saved = job->saved;
	if (saved == NULL) {
		return true;
	}
	for (size_t i = 0; i < job->n_steps; i++) {
		if (!step_may_be_saved(job->saved_steps[i].state, job->steps[i].state)) {
			return false;
		}
	}
	return saved->state == job->state || job_state_may_become(saved->state, job->state);
}

bool job_has_room(const struct job *job)
{
	return job->n_new_events + JOB_MAX_EVENTS_OF_A_CHANGE <= JOB_MAX_NEW_EVENTS;
}
