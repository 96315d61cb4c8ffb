/* SPDX-License-Identifier: MIT */
/* Copies of what include/lucius/workflow.h names. */
#include "core/copy.h"

#include <lucius/workflow.h>

void *copy_run(struct arena *arena, const void *run)
{
	const struct lucius_run *given = run;
	struct lucius_run *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	copy->workflow_id = copy_text(arena, copy->workflow_id);
	copy->input = copy_text(arena, copy->input);
	copy->snapshot = copy_text(arena, copy->snapshot);
	copy->request_id = copy_text(arena, copy->request_id);
	copy->summary = copy_text(arena, copy->summary);
	copy->attributes = copy_fields(arena, copy->attributes, copy->n_attributes);
	copy->n_attributes = copy->attributes != NULL ? copy->n_attributes : 0;
	return copy;
}

void *copy_signal(struct arena *arena, const void *signal)
{
	const struct lucius_signal *given = signal;
	struct lucius_signal *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	copy->workflow_id = copy_text(arena, copy->workflow_id);
	copy->name = copy_text(arena, copy->name);
	copy->argument = copy_text(arena, copy->argument);
	copy->request_id = copy_text(arena, copy->request_id);
	return copy;
}

void *copy_run_state(struct arena *arena, const void *state)
{
	const struct lucius_run_state *given = state;
	struct lucius_run_state *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	return copy;
}
