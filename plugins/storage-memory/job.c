/* SPDX-License-Identifier: MIT */
/* Jobs in memory: building, changing and reading their rows. */
#include "plugins/storage-memory/job.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/storage-memory/claims.h"
#include "support/base/memory.h"

static struct lucius_text row_fields(const struct row *row)
{
	return (struct lucius_text){ row->bytes + row->heads_size, row->fields_size };
}

/* A row of those heads, with the changes laid over the fields of `old` (may be NULL). */
static struct row *row_create(const struct lucius_text *heads, size_t n_heads,
        const struct row *old, const struct lucius_field *changes, uint64_t n_changes,
        struct bytes *scratch)
{
	scratch->size = 0;
	for (size_t i = 0; i < n_heads; i++) {
		bytes_add(scratch, heads[i].data, heads[i].size);
		bytes_add(scratch, "", 1);
	}
	size_t heads_size = scratch->size;
	struct lucius_text before = old != NULL ? row_fields(old) : (struct lucius_text){ 0 };
	(void)fields_merge(before, changes, n_changes, scratch); /* our own run: cannot fail */
	struct row *row = must_calloc(1, sizeof(*row) + scratch->size);
	row->heads_size = (uint32_t)heads_size;
	row->fields_size = (uint32_t)(scratch->size - heads_size);
	memcpy(row->bytes, scratch->start, scratch->size);
	return row;
}

static const char *row_head(const struct row *row, unsigned n)
{
	const char *head = row->bytes;
	for (; n > 0; n--) {
		head += strlen(head) + 1;
	}
	return head;
}

static struct lucius_text head_text(const struct row *row, unsigned n)
{
	const char *head = row_head(row, n);
	return (struct lucius_text){ head, strlen(head) };
}

static void put_step(struct job *job, const struct lucius_step *given, struct bytes *scratch)
{
	uint32_t place = job->n_steps;
	while (place > 0 && job->steps[place - 1].step_index >= given->step_index) {
		place--;
	}
	bool is_there = place < job->n_steps && job->steps[place].step_index == given->step_index;
	if (!is_there) {
		job->steps = must_resize(job->steps, job->n_steps + 1, sizeof(job->steps[0]));
		memmove(&job->steps[place + 1], &job->steps[place],
		        (job->n_steps - place) * sizeof(job->steps[0]));
		job->steps[place] = (struct step){ .step_index = given->step_index };
		job->n_steps++;
	}
	struct row *old = job->steps[place].row;
	struct lucius_text step_id = old != NULL ? head_text(old, 0) : given->step_id;
	job->steps[place].row =
	        row_create(&step_id, 1, old, given->fields, given->n_fields, scratch);
	free(old);
}

static void put_steps(struct job *job, const struct lucius_job *given, struct bytes *scratch)
{
	for (uint64_t i = 0; i < given->n_steps; i++) {
		put_step(job, given->steps[i], scratch);
	}
}

struct job *job_create(const struct lucius_job *given, struct bytes *scratch)
{
	struct job *job = must_calloc(1, sizeof(*job));
	struct lucius_text heads[] = { given->job_id, given->tenant_bucket, given->created_at,
		given->state };
	job->row = row_create(heads, 4, NULL, given->fields, given->n_fields, scratch);
	job->is_terminal = given->is_terminal != 0;
	job->revision = 1;
	put_steps(job, given, scratch);
	return job;
}

static void drop_oldest_event(struct job *job)
{
	struct event *event = job->oldest_event;
	job->oldest_event = event->next;
	job->n_events--;
	if (job->oldest_event == NULL) {
		job->newest_event = NULL;
	}
	free(event);
}

void job_destroy(struct job *job)
{
	if (job == NULL) {
		return;
	}
	while (job->oldest_event != NULL) {
		drop_oldest_event(job);
	}
	for (uint32_t i = 0; i < job->n_steps; i++) {
		free(job->steps[i].row);
	}
	free(job->steps);
	free(job->row);
	claim_destroy(job->claim);
	free(job);
}

void job_change(struct job *job, const struct lucius_job *given, struct bytes *scratch)
{
	struct row *old = job->row;
	struct lucius_text heads[] = { head_text(old, 0), head_text(old, 1), head_text(old, 2),
		given->state };
	job->row = row_create(heads, 4, old, given->fields, given->n_fields, scratch);
	free(old);
	job->is_terminal = given->is_terminal != 0;
	job->revision++;
	put_steps(job, given, scratch);
}

static void add_event(struct job *job, const struct lucius_job_event *given, struct bytes *scratch)
{
	scratch->size = 0;
	(void)fields_merge((struct lucius_text){ 0 }, given->fields, given->n_fields, scratch);
	struct event *event = must_calloc(1, sizeof(*event) + scratch->size);
	event->seq = given->seq;
	event->fields_size = (uint32_t)scratch->size;
	if (scratch->size != 0) {
		memcpy(event->fields, scratch->start, scratch->size);
	}
	if (job->newest_event != NULL) {
		job->newest_event->next = event;
	} else {
		job->oldest_event = event;
	}
	job->newest_event = event;
	job->n_events++;
}

void job_add_events(
        struct job *job, const struct lucius_job *given, uint32_t max_events, struct bytes *scratch)
{
	for (uint64_t i = 0; i < given->n_events; i++) {
		add_event(job, given->events[i], scratch);
		if (job->n_events > max_events) {
			drop_oldest_event(job);
		}
	}
}

struct lucius_text job_id(const struct job *job)
{
	return head_text(job->row, 0);
}

struct lucius_text job_state(const struct job *job)
{
	return head_text(job->row, 3);
}

struct lucius_text job_fields(const struct job *job)
{
	return row_fields(job->row);
}

void job_head(const struct job *job, struct lucius_job *ret_head)
{
	ret_head->is_terminal = job->is_terminal;
	ret_head->job_id = head_text(job->row, 0);
	ret_head->tenant_bucket = head_text(job->row, 1);
	ret_head->created_at = head_text(job->row, 2);
	ret_head->state = head_text(job->row, 3);
}

void job_show_steps(const struct job *job, struct job_view *view)
{
	for (uint32_t i = 0; i < job->n_steps; i++) {
		const struct row *row = job->steps[i].row;
		(void)job_view_add_step(
		        view, job->steps[i].step_index, head_text(row, 0), row_fields(row));
	}
}
