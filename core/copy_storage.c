/* SPDX-License-Identifier: MIT */
/* Copies of what include/lucius/storage.h names. */
#include "core/copy.h"

#include <lucius/storage.h>

static const struct lucius_step *copy_step(struct arena *arena, const struct lucius_step *given)
{
	struct lucius_step *step = copy_struct(arena, given, given->size, sizeof(*step));
	step->size = sizeof(*step);
	step->step_id = copy_text(arena, step->step_id);
	step->fields = copy_fields(arena, step->fields, step->n_fields);
	step->n_fields = step->fields != NULL ? step->n_fields : 0;
	return step;
}

void *copy_job_event(struct arena *arena, const void *event)
{
	const struct lucius_job_event *given = event;
	struct lucius_job_event *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	copy->fields = copy_fields(arena, copy->fields, copy->n_fields);
	copy->n_fields = copy->fields != NULL ? copy->n_fields : 0;
	return copy;
}

static void copy_steps(struct arena *arena, struct lucius_job *job)
{
	if (job->steps == NULL || job->n_steps == 0) {
		job->steps = NULL;
		job->n_steps = 0;
		return;
	}
	const struct lucius_step **steps = arena_alloc(arena, job->n_steps * sizeof(*steps));
	for (uint64_t i = 0; i < job->n_steps; i++) {
		steps[i] = copy_step(arena, job->steps[i]);
	}
	job->steps = steps;
}

static void copy_events(struct arena *arena, struct lucius_job *job)
{
	if (job->events == NULL || job->n_events == 0) {
		job->events = NULL;
		job->n_events = 0;
		return;
	}
	const struct lucius_job_event **events =
	        arena_alloc(arena, job->n_events * sizeof(*events));
	for (uint64_t i = 0; i < job->n_events; i++) {
		events[i] = copy_job_event(arena, job->events[i]);
	}
	job->events = events;
}

void *copy_job(struct arena *arena, const void *job)
{
	const struct lucius_job *given = job;
	struct lucius_job *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	copy->job_id = copy_text(arena, copy->job_id);
	copy->tenant_id = copy_text(arena, copy->tenant_id);
	copy->tenant_bucket = copy_text(arena, copy->tenant_bucket);
	copy->created_at = copy_text(arena, copy->created_at);
	copy->state = copy_text(arena, copy->state);
	copy->revision = copy_text(arena, copy->revision);
	copy->fields = copy_fields(arena, copy->fields, copy->n_fields);
	copy->n_fields = copy->fields != NULL ? copy->n_fields : 0;
	copy_steps(arena, copy);
	copy_events(arena, copy);
	return copy;
}

void *copy_found(struct arena *arena, const void *found)
{
	const struct lucius_found *given = found;
	struct lucius_found *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	copy->job = copy->job != NULL ? copy_job(arena, copy->job) : NULL;
	copy->cursor = copy_text(arena, copy->cursor);
	return copy;
}

void *copy_listing(struct arena *arena, const void *listing)
{
	const struct lucius_listing *given = listing;
	struct lucius_listing *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	copy->tenant_id = copy_text(arena, copy->tenant_id);
	copy->state = copy_text(arena, copy->state);
	copy->cursor = copy_text(arena, copy->cursor);
	return copy;
}

void *copy_repair(struct arena *arena, const void *repair)
{
	const struct lucius_repair *given = repair;
	struct lucius_repair *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	return copy;
}

void *copy_repair_report(struct arena *arena, const void *report)
{
	const struct lucius_repair_report *given = report;
	struct lucius_repair_report *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	return copy;
}

void *copy_ownership(struct arena *arena, const void *ownership)
{
	const struct lucius_ownership *given = ownership;
	struct lucius_ownership *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	copy->name = copy_text(arena, copy->name);
	copy->owner = copy_text(arena, copy->owner);
	return copy;
}
