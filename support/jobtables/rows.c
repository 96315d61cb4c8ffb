/* SPDX-License-Identifier: MIT */
/* Drafts of rows. */
#include "support/jobtables/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "support/jobtables/delta.h"
#include "support/jobtables/job_entity.h"

#define PART_BYTES 700u /* of a transaction for one row, without its entity */

void rows_finish(struct rows *rows)
{
	for (size_t i = 0; i < rows->n_drafts; i++) {
		place_finish(&rows->drafts[i]->place);
		entity_finish(&rows->drafts[i]->entity);
		free(rows->drafts[i]->etag);
		free(rows->drafts[i]);
	}
	for (size_t i = 0; i < rows->n_deltas; i++) {
		free(rows->deltas[i].step_row);
		free(rows->deltas[i].text);
	}
	free(rows->drafts);
	free(rows->deltas);
	free(rows->writes);
	free(rows->list);
	*rows = (struct rows){ 0 };
}

struct entity *rows_begin(
        struct rows *rows, enum tables_verb verb, struct place *place, const char *etag)
{
	struct row_draft *draft = must_calloc(1, sizeof(*draft));
	rows->drafts = must_resize(rows->drafts, rows->n_drafts + 1, sizeof(draft));
	rows->drafts[rows->n_drafts++] = draft;
	draft->place = *place;
	*place = (struct place){ 0 };
	draft->verb = verb;
	known_set(&draft->etag, etag);
	if (verb != TABLES_DELETE) {
		entity_begin(&draft->entity, draft->place.partition, draft->place.row);
	}
	return &draft->entity;
}

size_t rows_n_bytes(const struct rows *rows)
{
	size_t n_bytes = 0;
	for (size_t i = 0; i < rows->n_drafts; i++) {
		n_bytes += PART_BYTES + rows->drafts[i]->entity.json.size;
	}
	return n_bytes;
}

static bool fits(struct rows *rows)
{
	for (size_t i = 0; i < rows->n_drafts; i++) {
		struct row_draft *draft = rows->drafts[i];
		if (draft->verb != TABLES_DELETE && !entity_end(&draft->entity)) {
			(void)snprintf(rows->fault, sizeof(rows->fault), "%s", draft->entity.fault);
			return false;
		}
	}
	if (rows->n_drafts > BATCH_MAX_WRITES) {
		(void)snprintf(rows->fault, sizeof(rows->fault),
		        "The job has %zu rows to be written together, the most is %d.",
		        rows->n_drafts, BATCH_MAX_WRITES);
		return false;
	}
	if (rows_n_bytes(rows) > BATCH_MAX_BYTES) {
		(void)snprintf(rows->fault, sizeof(rows->fault),
		        "The job's rows have %zu bytes as they are sent, the most is %u.",
		        rows_n_bytes(rows), BATCH_MAX_BYTES);
		return false;
	}
	return true;
}

bool rows_end(struct rows *rows)
{
	if (!fits(rows)) {
		return false;
	}
	rows->writes = must_calloc(rows->n_drafts, sizeof(*rows->writes));
	rows->list = must_calloc(rows->n_drafts, sizeof(*rows->list));
	rows->n_writes = rows->n_drafts;
	for (size_t i = 0; i < rows->n_drafts; i++) {
		const struct row_draft *draft = rows->drafts[i];
		rows->writes[i] = (struct tables_write){
			.verb = draft->verb,
			.table = draft->place.table,
			.partition = draft->place.partition,
			.row = draft->place.row,
			.etag = draft->etag,
			.entity = draft->entity.json.start,
			.entity_size = draft->entity.json.size,
		};
		rows->list[i] = &rows->writes[i];
	}
	return true;
}

void rows_add_events(struct rows *rows, const struct layout *layout, const struct lucius_job *job)
{
	for (uint64_t i = 0; i < job->n_events; i++) {
		const struct lucius_job_event *event = job->events[i];
		struct place place = layout_event(layout, job->job_id, event->seq);
		/* The job's ETag, in the same transaction, keeps it from being written twice. */
		struct entity *entity = rows_begin(rows, TABLES_UPSERT, &place, NULL);
		job_entity_add(entity, event->fields, event->n_fields, "seq");
		entity_add_integer(entity, "seq", event->seq);
	}
}

void delta_name(char name[DELTA_NAME_SIZE], uint32_t step_index)
{
	(void)snprintf(name, DELTA_NAME_SIZE, "step_%04" PRIu32, step_index);
}

static void add_draft(struct rows *rows, const struct delta_draft *draft)
{
	rows->deltas = must_resize(rows->deltas, rows->n_deltas + 1, sizeof(*rows->deltas));
	rows->deltas[rows->n_deltas++] = *draft;
}

void rows_add_delta(struct rows *rows, struct entity *job, const struct known_job *known,
        const struct lucius_step *step, int64_t change)
{
	char name[DELTA_NAME_SIZE];
	struct delta old = { 0 };
	struct text text = { 0 };
	const struct known_step *was =
	        known != NULL ? known_step_find(known, step->step_index) : NULL;
	bool is_carried = was != NULL && was->delta != NULL && was->change > was->row_change;
	bool has_old = is_carried && delta_read(&old, was->delta, strlen(was->delta));
	delta_write(&text, change, has_old ? &old : NULL, step->fields, step->n_fields);
	delta_finish(&old);
	delta_name(name, step->step_index);
	entity_add_text(job, name, text_of(&text), text.size);
	CLEANUP_FREE char *id = must_copy(step->step_id.data, step->step_id.size);
	add_draft(rows,
	        &(struct delta_draft){
	                .step_index = step->step_index,
	                .step_row = must_print("%04" PRIu32 ":%s", step->step_index, id),
	                .text = text.start,
	                .change = change,
	        });
}

void rows_drop_delta(struct rows *rows, struct entity *job, uint32_t step_index)
{
	char name[DELTA_NAME_SIZE];
	delta_name(name, step_index);
	entity_add_string(job, name, "");
	add_draft(rows, &(struct delta_draft){ .step_index = step_index });
}

bool rows_has_delta(const struct rows *rows, uint32_t step_index)
{
	for (size_t i = 0; i < rows->n_deltas; i++) {
		if (rows->deltas[i].step_index == step_index) {
			return true;
		}
	}
	return false;
}

void rows_learn_deltas(const struct rows *rows, struct known_job *known)
{
	for (size_t i = 0; i < rows->n_deltas; i++) {
		const struct delta_draft *draft = &rows->deltas[i];
		struct known_step *step = draft->text != NULL
		        ? known_step_put(known, draft->step_index, draft->step_row)
		        : known_step_find(known, draft->step_index);
		if (step != NULL) {
			step->change = draft->change;
			known_set(&step->delta, draft->text);
		}
	}
}
