/* SPDX-License-Identifier: MIT */
/*
 * Jobs to and from rows. Backends mostly give fields back in the order in which they got them, so
 * the search for a field's column starts behind the last one found.
 */
#include "core/job.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/copy.h"
#include "core/field_names.h"
#include "core/job_columns.h"
#include "support/base/decimal.h"

/* A step in PENDING and a job in QUEUED have the number 0: what a row does not name. */
static int state_number(const char *text, size_t size, enum column_kind kind)
{
	int n = kind == COLUMN_JOB_STATE ? JOB_N_STATES : STEP_N_STATES;
	for (int i = 0; i < n; i++) {
		const char *name = kind == COLUMN_JOB_STATE ? job_state_text((enum job_state)i)
		                                            : step_state_text((enum step_state)i);
		if (strlen(name) == size && memcmp(name, text, size) == 0) {
			return i;
		}
	}
	return 0;
}

static void column_read(
        const struct column *column, void *owner, const struct lucius_field *field, struct arena *a)
{
	void *place = (char *)owner + column->offset;
	switch (column->kind) {
	case COLUMN_VALUE:
		*(struct value *)place = (struct value){
			.text = arena_copy(a, field->value, field->value_size),
			.size = field->value_size,
			.type = field->type,
		};
		break;
	case COLUMN_INTEGER:
		*(int64_t *)place = strtoll(field->value, NULL, 10);
		break;
	case COLUMN_JOB_STATE:
		*(enum job_state *)place =
		        (enum job_state)state_number(field->value, field->value_size, column->kind);
		break;
	case COLUMN_STEP_STATE:
		*(enum step_state *)place = (enum step_state)state_number(
		        field->value, field->value_size, column->kind);
		break;
	}
}

/* The column of a name, searched from a place on; NULL: it is none of ours. */
static const struct column *column_find(
        const struct columns *columns, size_t from, const char *name)
{
	for (size_t tried = 0; tried < columns->n; tried++) {
		const struct column *column = &columns->list[(from + tried) % columns->n];
		if (strcmp(column->name, name) == 0) {
			return column;
		}
	}
	return NULL;
}

static void foreign_add(struct job *job, const struct lucius_field *field, uint64_t n_room)
{
	if (job->foreign == NULL) {
		job->foreign = arena_alloc(&job->arena, n_room * sizeof(*field));
	}
	struct lucius_field *copy = (struct lucius_field *)&job->foreign[job->n_foreign++];
	*copy = *field;
	copy->name = arena_copy(&job->arena, field->name, strlen(field->name));
	copy->value = arena_copy(&job->arena, field->value, field->value_size);
}

/* Step NULL: the row is the job's. */
static void row_read(
        struct job *job, struct step *step, const struct lucius_field *fields, uint64_t n_fields)
{
	const struct columns *columns = step != NULL ? &step_columns : &job_columns;
	size_t next = 0;
	for (uint64_t i = 0; i < n_fields; i++) {
		if (fields[i].value_size == 0 || fields[i].value == NULL) {
			continue;
		}
		const struct column *column = column_find(columns, next, fields[i].name);
		if (column != NULL) {
			void *owner = step != NULL ? (void *)step : (void *)job;
			column_read(column, owner, &fields[i], &job->arena);
			next = (size_t)(column - columns->list) + 1;
		} else if (step == NULL) {
			foreign_add(job, &fields[i], n_fields - i);
		}
	}
}

static void step_prepare(struct step *step)
{
	step->attempt_no = 0;
	step->lane = JOB_NO_INTEGER;
}

struct job *job_decode(const struct lucius_job *row)
{
	struct job *job = job_create();
	row_read(job, NULL, row->fields, row->n_fields);
	job->n_steps = row->n_steps;
	job->steps = arena_zalloc(&job->arena, row->n_steps * sizeof(*job->steps));
	for (uint64_t i = 0; i < row->n_steps; i++) {
		const struct lucius_step *step = row->steps[i];
		step_prepare(&job->steps[i]);
		row_read(job, &job->steps[i], step->fields, step->n_fields);
	}
	job_mark_saved(job, row->revision);
	return job;
}

void job_mark_saved(struct job *job, struct lucius_text revision)
{
	size_t steps_size = job->n_steps * sizeof(*job->steps);
	job->revision = arena_text(&job->arena, revision);
	job->n_new_events = 0;
	if (job->saved == NULL) {
		job->saved = arena_alloc(&job->arena, sizeof(*job));
		job->saved_steps = arena_alloc(&job->arena, steps_size);
	} else {
		job->n_changes++;
	}
	memcpy((void *)(uintptr_t)job->saved, job, sizeof(*job));
	memcpy((void *)(uintptr_t)job->saved_steps, job->steps, steps_size);
}

static bool column_write(const struct column *column, const void *owner, struct arena *arena,
        struct lucius_field *field)
{
	const void *place = (const char *)owner + column->offset;
	*field = (struct lucius_field){ .name = column->name, .value = "" };
	switch (column->kind) {
	case COLUMN_VALUE: {
		const struct value *value = place;
		if (value->text == NULL) {
			return false;
		}
		field->value = value->text;
		field->value_size = value->size;
		field->type = value->type;
		return true;
	}
	case COLUMN_INTEGER: {
		int64_t number = *(const int64_t *)place;
		if (number == JOB_NO_INTEGER) {
			return false;
		}
		char *text = arena_alloc(arena, DECIMAL_SIZE);
		field->value_size = (uint32_t)decimal_print(text, number);
		field->value = text;
		field->type = LUCIUS_FIELD_INTEGER;
		return true;
	}
	case COLUMN_JOB_STATE:
		field->value = job_state_text(*(const enum job_state *)place);
		break;
	case COLUMN_STEP_STATE:
		field->value = step_state_text(*(const enum step_state *)place);
		break;
	}
	field->value_size = (uint32_t)strlen(field->value);
	return true;
}

static bool is_same(const struct column *column, const void *owner, const void *saved)
{
	const char *is = (const char *)owner + column->offset;
	const char *was = (const char *)saved + column->offset;
	switch (column->kind) {
	case COLUMN_VALUE:
		return memcmp(is, was, sizeof(struct value)) == 0;
	case COLUMN_INTEGER:
		return memcmp(is, was, sizeof(int64_t)) == 0;
	case COLUMN_JOB_STATE:
		return memcmp(is, was, sizeof(enum job_state)) == 0;
	case COLUMN_STEP_STATE:
		return memcmp(is, was, sizeof(enum step_state)) == 0;
	}
	return false;
}

/* All that is there; or, with saved, what differs from it, missing values as empty fields. */
static struct lucius_field *row_write(const struct columns *columns, const void *owner,
        const void *saved, struct arena *arena, uint64_t *ret_n_fields)
{
	struct lucius_field *fields = arena_alloc(arena, columns->n * sizeof(*fields));
	uint64_t n_fields = 0;
	for (size_t i = 0; i < columns->n; i++) {
		const struct column *column = &columns->list[i];
		if (saved != NULL && is_same(column, owner, saved)) {
			continue;
		}
		if (column_write(column, owner, arena, &fields[n_fields]) || saved != NULL) {
			n_fields++;
		}
	}
	*ret_n_fields = n_fields;
	return fields;
}

/* The same, borrowing nothing. */
static const struct lucius_field *row_write_whole(const struct columns *columns, const void *owner,
        const void *saved, struct arena *arena, uint64_t *ret_n_fields)
{
	struct lucius_field *fields = row_write(columns, owner, saved, arena, ret_n_fields);
	copy_values(arena, fields, *ret_n_fields);
	return fields;
}

static void encode_steps(
        const struct job *job, bool is_save, struct arena *arena, struct lucius_job *row)
{
	const struct lucius_step **list = arena_alloc(arena, (job->n_steps + 1) * sizeof(*list));
	for (size_t i = 0; i < job->n_steps; i++) {
		const struct step *step = &job->steps[i];
		struct lucius_step *encoded = arena_zalloc(arena, sizeof(*encoded));
		encoded->size = sizeof(*encoded);
		encoded->step_index = (uint32_t)step->step_index;
		encoded->step_id = copy_text(arena, value_as_text(&step->step_id));
		encoded->fields = row_write_whole(&step_columns, step,
		        is_save ? &job->saved_steps[i] : NULL, arena, &encoded->n_fields);
		if (encoded->n_fields != 0) {
			list[row->n_steps++] = encoded;
		}
	}
	row->steps = list;
}

static void add_field(
        struct lucius_field *fields, uint64_t *n_fields, const char *name, const char *text)
{
	if (text != NULL) {
		fields[(*n_fields)++] = (struct lucius_field){
			.name = name, .value = text, .value_size = (uint32_t)strlen(text)
		};
	}
}

static const struct lucius_job_event *encode_event(
        const struct job *job, const struct job_event *event, int64_t seq, struct arena *arena)
{
	struct lucius_field *fields = arena_alloc(arena, 6 * sizeof(*fields));
	struct lucius_job_event *encoded = arena_zalloc(arena, sizeof(*encoded));
	encoded->size = sizeof(*encoded);
	encoded->seq = (uint32_t)seq;
	add_field(fields, &encoded->n_fields, field_names.at, value_text(&job->updated_at));
	add_field(fields, &encoded->n_fields, field_names.event, event->event);
	if (event->step != NULL) {
		add_field(fields, &encoded->n_fields, field_names.step_id,
		        value_text(&event->step->step_id));
		char *attempt_no = arena_alloc(arena, DECIMAL_SIZE);
		(void)decimal_print(attempt_no, event->attempt_no);
		add_field(fields, &encoded->n_fields, field_names.attempt_no, attempt_no);
		fields[encoded->n_fields - 1].type = LUCIUS_FIELD_INTEGER;
	}
	add_field(fields, &encoded->n_fields, field_names.state, event->state);
	add_field(fields, &encoded->n_fields, field_names.detail, event->detail);
	copy_values(arena, fields, encoded->n_fields);
	encoded->fields = fields;
	return encoded;
}

static void encode_events(const struct job *job, struct arena *arena, struct lucius_job *row)
{
	const struct lucius_job_event **list =
	        arena_alloc(arena, (job->n_new_events + 1) * sizeof(*list));
	for (uint32_t i = 0; i < job->n_new_events; i++) {
		int64_t seq = job->event_seq - job->n_new_events + 1 + i;
		list[i] = encode_event(job, &job->new_events[i], seq, arena);
	}
	row->events = list;
	row->n_events = job->n_new_events;
}

static struct lucius_job *encode_head(const struct job *job, struct arena *arena)
{
	struct lucius_job *row = arena_zalloc(arena, sizeof(*row));
	*row = (struct lucius_job){
		.size = sizeof(*row),
		.is_terminal = job_state_is_terminal(job->state),
		.job_id = copy_text(arena, value_as_text(&job->job_id)),
		.tenant_id = copy_text(arena, value_as_text(&job->tenant_id)),
		.tenant_bucket = copy_text(arena, value_as_text(&job->tenant_bucket)),
		.created_at = copy_text(arena, value_as_text(&job->created_at)),
		.revision = copy_text(arena, job->revision),
	};
	const char *state = job_state_text(job->state);
	row->state = (struct lucius_text){ state, strlen(state) };
	return row;
}

static const struct lucius_job *encode(const struct job *job, bool is_save, struct arena *arena)
{
	struct lucius_job *row = encode_head(job, arena);
	row->fields = row_write_whole(
	        &job_columns, job, is_save ? job->saved : NULL, arena, &row->n_fields);
	encode_steps(job, is_save, arena, row);
	encode_events(job, arena, row);
	return row;
}

const struct lucius_job *job_encode_new(const struct job *job, struct arena *arena)
{
	return encode(job, false, arena);
}

const struct lucius_job *job_encode_change(const struct job *job, struct arena *arena)
{
	return encode(job, true, arena);
}

const struct lucius_job *job_encode_loaded(const struct job *job, struct arena *arena)
{
	struct lucius_job *row = encode_head(job, arena);
	uint64_t n_own = 0;
	const struct lucius_field *own = row_write(&job_columns, job, NULL, arena, &n_own);
	struct lucius_field *fields =
	        arena_alloc(arena, (n_own + job->n_foreign + 1) * sizeof(*fields));
	memcpy(fields, own, n_own * sizeof(*fields));
	if (job->n_foreign != 0) {
		memcpy(fields + n_own, job->foreign, job->n_foreign * sizeof(*fields));
	}
	row->fields = fields;
	row->n_fields = n_own + job->n_foreign;
	return row;
}
