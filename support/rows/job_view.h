/* SPDX-License-Identifier: MIT */
/*
 * A job put together from packed rows, as the ABI wants to see it: the arrays of fields and steps
 * are made here, the texts stay where they are. One view serves many jobs, one after another.
 */
#ifndef SUPPORT_ROWS_JOB_VIEW_H
#define SUPPORT_ROWS_JOB_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lucius/storage.h>

/* All zeros is an empty view. */
struct job_view {
	struct lucius_job job;
	struct lucius_field *fields; /* of the job, then of each step in turn */
	size_t n_fields;
	size_t fields_capacity;
	struct lucius_step *steps;
	const struct lucius_step **step_list;
	size_t n_steps;
	size_t steps_capacity;
};

void job_view_finish(struct job_view *view);
/* Begins with a job: its head (fields and steps of it are ignored) and its packed fields. False:
 * they are no packed run. All texts are borrowed while the view is used. */
bool job_view_begin(
        struct job_view *view, const struct lucius_job *head, struct lucius_text packed);
/* Adds the next step; false: the fields are no packed run. */
bool job_view_add_step(struct job_view *view, uint32_t step_index, struct lucius_text step_id,
        struct lucius_text packed);
/* The job with all that was added; borrowed until the next call that changes the view. */
const struct lucius_job *job_view_job(struct job_view *view);

#endif
