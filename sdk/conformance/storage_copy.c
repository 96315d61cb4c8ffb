/* SPDX-License-Identifier: MIT */
/* Deep copies of commands, jobs and what is found. */
#include "sdk/conformance/storage_copy.h"

static const struct lucius_step *copy_step(struct arena *arena, const struct lucius_step *step)
{
	struct lucius_step *copy = arena_struct(arena, step, step->size, sizeof(*copy));
	copy->step_id = arena_text(arena, step->step_id);
	copy->fields = arena_fields(arena, step->fields, step->n_fields);
	return copy;
}

static struct lucius_job_event *copy_event(
        struct arena *arena, const struct lucius_job_event *event)
{
	struct lucius_job_event *copy = arena_struct(arena, event, event->size, sizeof(*copy));
	copy->fields = arena_fields(arena, event->fields, event->n_fields);
	return copy;
}

struct lucius_job *copy_job(struct arena *arena, const struct lucius_job *job)
{
	struct lucius_job *copy = arena_struct(arena, job, job->size, sizeof(*copy));
	const struct lucius_step **steps =
	        arena_take(arena, job->n_steps, sizeof(struct lucius_step *));
	const struct lucius_job_event **events =
	        arena_take(arena, job->n_events, sizeof(struct lucius_job_event *));
	copy->job_id = arena_text(arena, job->job_id);
	copy->tenant_id = arena_text(arena, job->tenant_id);
	copy->tenant_bucket = arena_text(arena, job->tenant_bucket);
	copy->created_at = arena_text(arena, job->created_at);
	copy->state = arena_text(arena, job->state);
	copy->revision = arena_text(arena, job->revision);
	copy->fields = arena_fields(arena, job->fields, job->n_fields);
	for (uint64_t i = 0; i < job->n_steps; i++) {
		steps[i] = copy_step(arena, job->steps[i]);
	}
	for (uint64_t i = 0; i < job->n_events; i++) {
		events[i] = copy_event(arena, job->events[i]);
	}
	copy->steps = steps;
	copy->events = events;
	return copy;
}

struct lucius_command *copy_command(struct arena *arena, const struct lucius_command *command)
{
	struct lucius_command *copy = arena_struct(arena, command, command->size, sizeof(*copy));
	copy->idempotency_key = arena_text(arena, command->idempotency_key);
	copy->idempotency_hash = arena_text(arena, command->idempotency_hash);
	copy->job = copy_job(arena, command->job);
	return copy;
}

struct lucius_listing *copy_listing(struct arena *arena, const struct lucius_listing *listing)
{
	struct lucius_listing *copy = arena_struct(arena, listing, listing->size, sizeof(*copy));
	copy->tenant_id = arena_text(arena, listing->tenant_id);
	copy->state = arena_text(arena, listing->state);
	copy->cursor = arena_text(arena, listing->cursor);
	return copy;
}

void *copy_job_item(struct arena *arena, const void *item)
{
	return copy_job(arena, item);
}

void *copy_found_item(struct arena *arena, const void *item)
{
	const struct lucius_found *found = item;
	struct lucius_found *copy = arena_struct(arena, found, found->size, sizeof(*copy));
	copy->job = found->job != NULL ? copy_job(arena, found->job) : NULL;
	copy->cursor = arena_text(arena, found->cursor);
	return copy;
}

void *copy_event_item(struct arena *arena, const void *item)
{
	return copy_event(arena, item);
}

void *copy_report_item(struct arena *arena, const void *item)
{
	const struct lucius_repair_report *report = item;
	return arena_struct(arena, report, report->size, sizeof(*report));
}
