/* SPDX-License-Identifier: MIT */
/*
 * The map, in tables and in a ledger:
 *
 *   start ─► (index) ─► on_index ─► job's row ─► on_job ─► steps, by pages ─► on_steps ─► answer
 *                                                  └──► few steps, side by side ─► on_step ─┘
 *   start ─► job's row ─► on_job ─► answer                                         │
 *   start ─► the job's partition from "JOB" on, by pages ─► on_steps ─► answer     │
 *                     └──────────── a step is newer than the job: once more ───────┘
 */
#include "support/jobtables/reading.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "support/jobtables/delta.h"
#include "support/jobtables/step_rows.h"
#include "support/tables/table_key.h"

#define MAX_ROUNDS 5
#define MAX_GETS 4u /* steps that are asked for one by one */

/* A step's row that is asked for by its key. */
struct step_get {
	struct reading *reading;
	json_t *row; /* owned; NULL: it is not there */
	enum tables_status status;
};

struct step_read {
	uint32_t step_index;
	char *step_id; /* owned */
	struct bytes packed;
};

struct reading {
	struct chain chain;
	char *job_id; /* owned */
	char *bucket; /* owned; may be NULL */
	bool has_steps;
	bool is_kept;
	bool is_answering; /* its callback runs */
	unsigned n_rounds;
	enum tables_status status;
	char *sentence; /* owned; may be NULL */
	char *etag; /* owned */
	json_t *row; /* owned */
	json_t *steps; /* owned: an array of rows */
	char *next; /* owned: of the page before */
	bool is_by_rows; /* in a ledger too: the job's row first, then its steps' */
	struct step_get gets[MAX_GETS];
	unsigned n_open; /* of them */
	struct bytes packed;
	struct step_read *made; /* owned: for the view */
	size_t n_made;
	char revision[REVISION_MAX + 1];
	reading_fn on_read;
	void *user;
};

void revision_write(char revision[REVISION_MAX + 1], int64_t change, const char *etag)
{
	(void)snprintf(revision, REVISION_MAX + 1, "%" PRId64 ":%s", change, etag);
}

bool revision_read(struct lucius_text revision, int64_t *ret_change, const char **ret_etag)
{
	size_t n_digits = 0;
	int64_t change = 0;
	while (n_digits < revision.size && n_digits < 18 && revision.data[n_digits] >= '0' &&
	        revision.data[n_digits] <= '9') {
		change = change * 10 + (revision.data[n_digits++] - '0');
	}
	if (n_digits == 0 || n_digits + 1 >= revision.size || revision.data[n_digits] != ':') {
		return false;
	}
	/* It goes into a header. */
	for (size_t i = n_digits + 1; i < revision.size; i++) {
		if ((unsigned char)revision.data[i] < 0x20) {
			return false;
		}
	}
	*ret_change = change;
	*ret_etag = revision.data + n_digits + 1;
	return true;
}

struct lucius_job job_head(const json_t *row, const char *revision)
{
	struct lucius_text state = row_text(row, "state");
	return (struct lucius_job){
		.size = sizeof(struct lucius_job),
		.is_terminal = state_is_terminal(state),
		.job_id = row_text(row, "job_id"),
		.tenant_id = row_text(row, "tenant_id"),
		.tenant_bucket = row_text(row, "tenant_bucket"),
		.created_at = row_text(row, "created_at"),
		.state = state,
		.revision = text_view(revision),
	};
}

static void forget_rows(struct reading *reading)
{
	json_decref(reading->row);
	json_decref(reading->steps);
	free(reading->etag);
	free(reading->next);
	reading->row = NULL;
	reading->steps = json_array();
	reading->etag = NULL;
	reading->next = NULL;
}

static void destroy(struct chain *chain)
{
	struct reading *reading = (struct reading *)chain;
	forget_rows(reading);
	json_decref(reading->steps);
	for (size_t i = 0; i < MAX_GETS; i++) {
		json_decref(reading->gets[i].row);
	}
	for (size_t i = 0; i < reading->n_made; i++) {
		bytes_finish(&reading->made[i].packed);
		free(reading->made[i].step_id);
	}
	free(reading->made);
	bytes_finish(&reading->packed);
	free(reading->job_id);
	free(reading->bucket);
	free(reading->sentence);
	free(reading);
}

void reading_destroy(struct reading *reading)
{
	reading->is_kept = false;
	if (!reading->is_answering) {
		chain_end(&reading->chain);
	}
}

void reading_keep(struct reading *reading)
{
	reading->is_kept = true;
}

static void finish(struct reading *reading)
{
	if (reading->status == TABLES_OK && row_is_shown(reading->row)) {
		step_rows_learn(reading->chain.backend, reading->row, reading->etag,
		        reading->has_steps ? reading->steps : NULL);
	}
	reading->is_answering = true;
	reading->on_read(reading->user, reading);
	reading->is_answering = false;
	if (!reading->is_kept) {
		reading_destroy(reading);
	}
}

static void fail(struct reading *reading, const struct tables_result *result)
{
	forget_rows(reading);
	reading->status = result->status;
	known_set(&reading->sentence, result->sentence);
	finish(reading);
}

static void read_again(struct reading *reading);

/* A step that was written after the job's row was read: the row is an old one. */
static bool is_torn(const struct reading *reading)
{
	int64_t change = row_integer(reading->row, "meta_change");
	for (size_t i = 0; i < json_array_size(reading->steps); i++) {
		const json_t *step = json_array_get(reading->steps, i);
		if (row_integer(step, "meta_change") > change) {
			return true;
		}
	}
	return false;
}

static void take_row(struct reading *reading, const json_t *row, const char *etag)
{
	reading->row = json_incref((json_t *)(uintptr_t)row);
	known_set(&reading->etag, etag);
}

/* Sorts the rows of a page: the job's, its steps. */
static void take_rows(struct reading *reading, const json_t *rows)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		uint32_t step_index = 0;
		const char *step_id = NULL;
		if (reading->chain.backend->layout.is_ledger && row_is(row, "RowKey", "JOB")) {
			json_decref(reading->row);
			take_row(reading, row, entity_text(row, "odata.etag"));
		} else if (layout_step_parts(&reading->chain.backend->layout,
		                   row_text(row, "RowKey").data, &step_index, &step_id)) {
			(void)json_array_append(reading->steps, row);
		}
	}
}

static void query_steps(struct reading *reading);

/* All rows are there. */
static void judge(struct reading *reading)
{
	if (reading->row == NULL || reading->etag == NULL) {
		fail(reading, &(struct tables_result){ .status = TABLES_MISSING });
	} else if (is_torn(reading) && ++reading->n_rounds < MAX_ROUNDS) {
		read_again(reading);
	} else {
		reading->status = TABLES_OK;
		finish(reading);
	}
}

static void on_steps(void *user, const struct tables_result *result)
{
	struct reading *reading = user;
	if (result->status != TABLES_OK) {
		fail(reading, result);
		return;
	}
	take_rows(reading, result->rows);
	known_set(&reading->next, result->next);
	if (reading->next != NULL) {
		query_steps(reading);
	} else {
		judge(reading);
	}
}

static void query_steps(struct reading *reading)
{
	const struct layout *layout = &reading->chain.backend->layout;
	struct text filter = { 0 };
	CLEANUP_FREE char *partition = table_key_escape(reading->job_id, strlen(reading->job_id));
	text_add_string(&filter, "PartitionKey eq ");
	table_key_add_quoted(&filter, partition);
	if (layout->is_ledger) {
		/* Behind the events. */
		text_add_string(&filter, " and RowKey ge 'JOB'");
	}
	tables_query(reading->chain.backend->tables,
	        &(struct tables_query){
	                .table = layout->steps, .filter = text_of(&filter), .next = reading->next },
	        on_steps, reading);
	text_finish(&filter);
}

/* Puts the steps that came in the order of their keys. */
static void gather_gets(struct reading *reading, size_t n_gets)
{
	enum tables_status status = TABLES_OK;
	for (size_t i = 0; i < n_gets; i++) {
		struct step_get *get = &reading->gets[i];
		if (get->row != NULL) {
			(void)json_array_append_new(reading->steps, get->row);
			get->row = NULL;
		} else if (get->status != TABLES_MISSING) {
			status = get->status;
		}
	}
	if (status == TABLES_OK) {
		judge(reading);
	} else {
		fail(reading, &(struct tables_result){ .status = status });
	}
}

static void on_step(void *user, const struct tables_result *result)
{
	struct step_get *get = user;
	get->status = result->status;
	if (result->status == TABLES_OK) {
		get->row = json_incref((json_t *)(uintptr_t)result->row);
		/* As a row of a query has it. */
		(void)json_object_set_new(get->row, "odata.etag",
		        json_string(result->etag != NULL ? result->etag : ""));
	}
	if (--get->reading->n_open == 0) {
		gather_gets(get->reading, MAX_GETS);
	}
}

/* Asks for the rows that the job's row names, "0000:ocr,0001:sis"; false: they are many, or it
 * names none. */
static bool get_steps(struct reading *reading)
{
	struct jobtables *backend = reading->chain.backend;
	const char *keys = entity_text(reading->row, "meta_steps");
	char key[256];
	size_t n_keys = keys != NULL && keys[0] != '\0' ? 1 : 0;
	for (const char *at = keys; n_keys != 0 && *at != '\0'; at++) {
		n_keys += *at == ',' ? 1 : 0;
	}
	if (n_keys == 0 || n_keys > MAX_GETS) {
		return false;
	}
	struct place place = layout_job(
	        &backend->layout, text_view(reading->job_id), text_view(reading->job_id));
	for (size_t i = 0; i < MAX_GETS; i++) {
		reading->gets[i] =
		        (struct step_get){ .reading = reading, .status = TABLES_MISSING };
	}
	reading->n_open = (unsigned)n_keys;
	for (size_t i = 0; i < n_keys; i++) {
		size_t size = strcspn(keys, ",");
		(void)snprintf(key, sizeof(key), "%s%.*s", backend->layout.is_ledger ? "STEP:" : "",
		        (int)size, keys);
		keys += size + 1;
		tables_get(backend->tables, backend->layout.steps, place.partition, key, on_step,
		        &reading->gets[i]);
	}
	place_finish(&place);
	return true;
}

static void on_job(void *user, const struct tables_result *result)
{
	struct reading *reading = user;
	if (result->status != TABLES_OK) {
		fail(reading, result);
		return;
	}
	take_row(reading, result->row, result->etag);
	bool wants_steps = reading->has_steps && row_is_shown(reading->row);
	if (wants_steps && !get_steps(reading)) {
		query_steps(reading);
	} else if (!wants_steps) {
		reading->status = TABLES_OK;
		finish(reading);
	}
}

static void get_job(struct reading *reading)
{
	struct jobtables *backend = reading->chain.backend;
	struct place place = layout_job(
	        &backend->layout, text_view(reading->bucket), text_view(reading->job_id));
	tables_get(backend->tables, place.table, place.partition, place.row, on_job, reading);
	place_finish(&place);
}

static void on_index(void *user, const struct tables_result *result)
{
	struct reading *reading = user;
	const char *bucket =
	        result->status == TABLES_OK ? entity_text(result->row, "tenant_bucket") : NULL;
	if (result->status == TABLES_OK && bucket == NULL) {
		fail(reading, &(struct tables_result){ .status = TABLES_MISSING });
	} else if (result->status != TABLES_OK) {
		fail(reading, result);
	} else {
		known_set(&reading->bucket, bucket);
		get_job(reading);
	}
}

static void find_bucket(struct reading *reading)
{
	struct jobtables *backend = reading->chain.backend;
	struct place place = layout_index(&backend->layout, text_view(reading->job_id));
	tables_get(backend->tables, place.table, place.partition, place.row, on_index, reading);
	place_finish(&place);
}

static void read_again(struct reading *reading)
{
	bool is_ledger = reading->chain.backend->layout.is_ledger;
	forget_rows(reading);
	if (is_ledger && reading->has_steps && !reading->is_by_rows) {
		query_steps(reading);
	} else if (is_ledger || reading->bucket != NULL) {
		get_job(reading);
	} else {
		find_bucket(reading);
	}
}

void reading_start(
        struct jobtables *backend, const struct reading_wish *wish, reading_fn on_read, void *user)
{
	struct reading *reading = must_calloc(1, sizeof(*reading));
	chain_begin(backend, &reading->chain, (struct lucius_op){ 0 }, destroy);
	reading->job_id = must_copy(wish->job_id.data, wish->job_id.size);
	reading->has_steps = wish->has_steps;
	reading->is_by_rows = wish->is_one_of_many;
	reading->on_read = on_read;
	reading->user = user;
	if (wish->bucket.size != 0) {
		reading->bucket = must_copy(wish->bucket.data, wish->bucket.size);
	} else {
		const struct known_job *known = known_find(backend->known, wish->job_id);
		known_set(&reading->bucket, known != NULL ? known->bucket : NULL);
	}
	read_again(reading);
}

enum tables_status reading_status(const struct reading *reading)
{
	return reading->status;
}

const char *reading_sentence(const struct reading *reading)
{
	return reading->sentence;
}

const json_t *reading_row(const struct reading *reading)
{
	return reading->row;
}

const char *reading_etag(const struct reading *reading)
{
	return reading->etag;
}

/* What the job's row carries for the step, laid over its fields where it is newer. */
static void lay_over(
        const json_t *job, const json_t *step, uint32_t step_index, struct bytes *packed)
{
	char name[16];
	struct delta delta;
	(void)snprintf(name, sizeof(name), "step_%04" PRIu32, step_index);
	struct lucius_text text = row_text(job, name);
	if (text.size == 0 || !delta_read(&delta, text.data, text.size)) {
		return;
	}
	if (delta.change > row_integer(step, "meta_change")) {
		struct bytes merged = { 0 };
		if (fields_merge(bytes_text(packed), delta.fields, delta.n_fields, &merged)) {
			bytes_finish(packed);
			*packed = merged;
		} else {
			bytes_finish(&merged);
		}
	}
	delta_finish(&delta);
}

static void make_steps(struct reading *reading)
{
	const struct layout *layout = &reading->chain.backend->layout;
	size_t n_steps = json_array_size(reading->steps);
	reading->made = must_calloc(n_steps, sizeof(*reading->made));
	for (size_t i = 0; i < n_steps; i++) {
		const json_t *row = json_array_get(reading->steps, i);
		struct step_read *step = &reading->made[reading->n_made++];
		const char *escaped = NULL;
		(void)layout_step_parts(
		        layout, row_text(row, "RowKey").data, &step->step_index, &escaped);
		struct lucius_text id = row_text(row, "step_id");
		step->step_id = id.size != 0 ? must_copy(id.data, id.size)
		                             : must_copy(escaped, strlen(escaped));
		job_entity_pack(row, &step->packed);
		if (!layout->is_ledger) {
			lay_over(reading->row, row, step->step_index, &step->packed);
		}
	}
}

const struct lucius_job *reading_job(struct reading *reading, struct job_view *view)
{
	if (reading->made == NULL) {
		job_entity_pack(reading->row, &reading->packed);
		make_steps(reading);
	}
	revision_write(reading->revision, row_integer(reading->row, "meta_change"), reading->etag);
	struct lucius_job head = job_head(reading->row, reading->revision);
	(void)job_view_begin(view, &head, bytes_text(&reading->packed));
	for (size_t i = 0; i < reading->n_made; i++) {
		const struct step_read *step = &reading->made[i];
		(void)job_view_add_step(view, step->step_index, text_view(step->step_id),
		        bytes_text(&step->packed));
	}
	return job_view_job(view);
}
