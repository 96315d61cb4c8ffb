/* SPDX-License-Identifier: MIT */
/* Views of jobs over packed rows. */
#include "support/rows/job_view.h"

#include <stdlib.h>

#include "support/base/memory.h"
#include "support/rows/fields.h"

void job_view_finish(struct job_view *view)
{
	free(view->fields);
	free(view->steps);
	free(view->step_list);
	*view = (struct job_view){ 0 };
}

/* Unpacks behind the fields that are there. */
static bool add_fields(struct job_view *view, struct lucius_text packed, uint64_t *ret_n_fields)
{
	size_t n_before = view->n_fields;
	for (;;) {
		if (view->n_fields == view->fields_capacity) {
			view->fields_capacity =
			        view->fields_capacity != 0 ? view->fields_capacity * 2 : 128;
			view->fields = must_resize(
			        view->fields, view->fields_capacity, sizeof(view->fields[0]));
		}
		int is_field = fields_next(&packed, &view->fields[view->n_fields]);
		if (is_field != 1) {
			*ret_n_fields = view->n_fields - n_before;
			return is_field == 0;
		}
		view->n_fields++;
	}
}

bool job_view_begin(struct job_view *view, const struct lucius_job *head, struct lucius_text packed)
{
	view->job = *head;
	view->job.size = (uint32_t)sizeof(view->job);
	view->job.steps = NULL;
	view->job.n_steps = 0;
	view->job.events = NULL;
	view->job.n_events = 0;
	view->n_fields = 0;
	view->n_steps = 0;
	return add_fields(view, packed, &view->job.n_fields);
}

bool job_view_add_step(struct job_view *view, uint32_t step_index, struct lucius_text step_id,
        struct lucius_text packed)
{
	if (view->n_steps == view->steps_capacity) {
		view->steps_capacity = view->steps_capacity != 0 ? view->steps_capacity * 2 : 8;
		view->steps =
		        must_resize(view->steps, view->steps_capacity, sizeof(view->steps[0]));
		view->step_list = must_resize(
		        view->step_list, view->steps_capacity, sizeof(struct lucius_step *));
	}
	struct lucius_step *step = &view->steps[view->n_steps++];
	*step = (struct lucius_step){
		.size = (uint32_t)sizeof(*step),
		.step_index = step_index,
		.step_id = step_id,
	};
	return add_fields(view, packed, &step->n_fields);
}

const struct lucius_job *job_view_job(struct job_view *view)
{
	/* The arrays have moved while they grew: pointers into them are set only now. */
	size_t n_fields = view->job.n_fields;
	view->job.fields = view->fields;
	for (size_t i = 0; i < view->n_steps; i++) {
		view->steps[i].fields = view->fields + n_fields;
		n_fields += view->steps[i].n_fields;
		view->step_list[i] = &view->steps[i];
	}
	view->job.steps = view->step_list;
	view->job.n_steps = view->n_steps;
	return &view->job;
}
