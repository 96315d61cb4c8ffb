/* SPDX-License-Identifier: MIT */
/* The checks of rows: sizes, counts and pointers that a careless plugin leaves at nothing. */
#include "core/item_check.h"

#include <stdbool.h>
#include <stddef.h>

#include <lucius/storage.h>

enum { FIELDS_MAX = 1 << 16, STEPS_MAX = 1 << 16 };

#define ENDS(structure, member) \
	(offsetof(struct structure, member) + sizeof(((struct structure *)0)->member))

static const char *fields_fault(const struct lucius_field *fields, uint64_t n_fields)
{
	if (n_fields > FIELDS_MAX || (n_fields != 0 && fields == NULL)) {
		return "its fields are none, or more than a row has";
	}
	for (uint64_t i = 0; i < n_fields; i++) {
		if (fields[i].name == NULL || fields[i].name[0] == '\0') {
			return "a field has no name";
		}
		if (fields[i].value == NULL && fields[i].value_size != 0) {
			return "a field has a size and no value";
		}
		if (fields[i].type > LUCIUS_FIELD_JSON) {
			return "a field has a type that is none";
		}
	}
	return NULL;
}

static const char *steps_fault(const struct lucius_job *job)
{
	if (job->n_steps > STEPS_MAX || (job->n_steps != 0 && job->steps == NULL)) {
		return "its steps are none, or more than a job has";
	}
	for (uint64_t i = 0; i < job->n_steps; i++) {
		const struct lucius_step *step = job->steps[i];
		if (step == NULL || step->size < ENDS(lucius_step, n_fields)) {
			return "a step is none";
		}
		const char *fault = fields_fault(step->fields, step->n_fields);
		if (fault != NULL) {
			return fault;
		}
	}
	return NULL;
}

static bool is_text(struct lucius_text text)
{
	return text.data != NULL || text.size == 0;
}

static const char *job_fault(const struct lucius_job *job)
{
	if (job->size < ENDS(lucius_job, n_steps)) {
		return "it says that it is smaller than any job is";
	}
	if (!is_text(job->job_id) || !is_text(job->tenant_id) || !is_text(job->state) ||
	        !is_text(job->revision)) {
		return "its id, tenant, state or revision has a size and no text";
	}
	const char *fault = fields_fault(job->fields, job->n_fields);
	return fault != NULL ? fault : steps_fault(job);
}

static const char *found_fault(const struct lucius_found *found)
{
	if (found->size < ENDS(lucius_found, cursor)) {
		return "it says that it is smaller than what a scan gives";
	}
	return found->job != NULL ? job_fault(found->job) : NULL;
}

static const char *event_fault(const struct lucius_job_event *event)
{
	if (event->size < ENDS(lucius_job_event, n_fields)) {
		return "it says that it is smaller than any event is";
	}
	return fields_fault(event->fields, event->n_fields);
}

const char *item_fault(copy_fn copy, const void *item)
{
	return copy == copy_job          ? job_fault(item)
	        : copy == copy_found     ? found_fault(item)
	        : copy == copy_job_event ? event_fault(item)
	                                 : NULL;
}
