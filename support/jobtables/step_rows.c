/* SPDX-License-Identifier: MIT */
/*
 * The map of a row that lags behind:
 *
 *   push_soon ─► in line ─► on_lag, or flush ─► push
 *   push ─► write by the ETag that was seen ─► on_written ─► settle ─► push, if it lags again
 *     └───► read (no ETag is known) ─► on_read ─┘   └─ 412 ─► read
 */
#include "support/jobtables/step_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/fault.h"
#include "support/base/memory.h"
#include "support/jobtables/delta.h"
#include "support/jobtables/job_entity.h"

#define MAX_TRIES 5
#define LAG_MS 500

/* In line, in the order in which they are due. */
struct lagging {
	struct lagging *next;
	uint64_t due_ms;
	char job_id[KNOWN_JOB_ID_MAX + 1];
};

struct step_write {
	struct chain chain;
	struct place place; /* owned */
	char job_id[KNOWN_JOB_ID_MAX + 1];
	uint32_t step_index;
	int64_t change;
	struct entity entity;
	unsigned n_tries;
};

static void destroy(struct chain *chain)
{
	struct step_write *write = (struct step_write *)chain;
	place_finish(&write->place);
	entity_finish(&write->entity);
	free(write);
}

/* What is known of that step now; NULL: nothing any more. */
static struct known_step *known_of(const struct step_write *write, struct known_job **ret_job)
{
	*ret_job = known_find(write->chain.backend->known, text_view(write->job_id));
	return *ret_job != NULL ? known_step_find(*ret_job, write->step_index) : NULL;
}

/* The row holds that change. Etag NULL: it could not be brought there, and helping ends here. */
static void settle(struct step_write *write, int64_t row_change, const char *etag)
{
	struct jobtables *backend = write->chain.backend;
	struct known_job *job = NULL;
	struct known_step *step = known_of(write, &job);
	if (step != NULL) {
		step->is_writing = false;
		known_set(&step->etag, etag);
		if (etag != NULL) {
			step->row_change = row_change;
			step_rows_push_soon(backend, job);
		}
	}
	chain_end(&write->chain);
}

static void read_row(struct step_write *write);

static void on_written(void *user, const struct tables_result *result)
{
	struct step_write *write = user;
	if (result->status == TABLES_OK && result->etag != NULL) {
		settle(write, write->change, result->etag);
	} else if (result->status == TABLES_CHANGED || result->status == TABLES_OK) {
		read_row(write);
	} else {
		settle(write, 0, NULL);
	}
}

static void send(struct step_write *write, const char *etag)
{
	groups_write(write->chain.backend->groups,
	        &(struct tables_write){
	                .verb = TABLES_MERGE,
	                .table = write->place.table,
	                .partition = write->place.partition,
	                .row = write->place.row,
	                .etag = etag,
	                .entity = text_of(&write->entity.json),
	                .entity_size = write->entity.json.size,
	        },
	        &(struct tables_care){ 0 }, on_written, write);
}

static void on_read(void *user, const struct tables_result *result)
{
	struct step_write *write = user;
	if (result->status != TABLES_OK || result->etag == NULL || ++write->n_tries > MAX_TRIES) {
		settle(write, 0, NULL);
		return;
	}
	int64_t row_change = row_integer(result->row, "meta_change");
	if (row_change >= write->change && !FAULT(step_row_set_back)) {
		settle(write, row_change, result->etag);
	} else {
		send(write, result->etag);
	}
}

static void read_row(struct step_write *write)
{
	tables_get(write->chain.backend->tables, write->place.table, write->place.partition,
	        write->place.row, on_read, write);
}

static void push_step(
        struct jobtables *backend, const struct known_job *job, struct known_step *step)
{
	struct delta delta;
	if (!delta_read(&delta, step->delta, strlen(step->delta))) {
		return;
	}
	struct step_write *write = must_calloc(1, sizeof(*write));
	chain_begin(backend, &write->chain, (struct lucius_op){ 0 }, destroy);
	(void)snprintf(write->job_id, sizeof(write->job_id), "%s", job->job_id);
	write->place = layout_job(&backend->layout, text_view(job->job_id), text_view(""));
	write->place.table = backend->layout.steps;
	known_set(&write->place.row, step->row);
	write->step_index = step->step_index;
	write->change = step->change;
	entity_begin(&write->entity, write->place.partition, write->place.row);
	job_entity_change(&write->entity, delta.fields, delta.n_fields);
	entity_add_integer(&write->entity, "meta_change", step->change);
	bool fits = entity_end(&write->entity);
	delta_finish(&delta);
	step->is_writing = fits;
	if (!fits) {
		chain_end(&write->chain);
	} else if (step->etag != NULL) {
		send(write, step->etag);
	} else {
		read_row(write);
	}
}

static bool is_behind(const struct known_step *step)
{
	return step->delta != NULL && step->change > step->row_change && !step->is_writing;
}

void step_rows_push(struct jobtables *backend, struct known_job *job)
{
	for (size_t i = 0; i < job->n_steps && !backend->is_stopping; i++) {
		if (is_behind(&job->steps[i])) {
			push_step(backend, job, &job->steps[i]);
		}
	}
}

/* The first in line is due: its rows follow, unless they have been written or forgotten since. */
static void push_first(struct jobtables *backend)
{
	struct lagging *first = backend->lagging;
	struct known_job *job = known_find(backend->known, text_view(first->job_id));
	backend->lagging = first->next;
	free(first);
	if (job != NULL) {
		job->is_lagging = false;
		step_rows_push(backend, job);
	}
}

static void on_lag(void *user);

static void start_lag(struct jobtables *backend)
{
	if (backend->lagging != NULL && backend->lag == NULL) {
		uint64_t now_ms = backend->host->now_ms(backend->host);
		uint64_t due_ms = backend->lagging->due_ms;
		backend->lag = backend->host->timer_start(
		        backend->host, due_ms > now_ms ? due_ms - now_ms : 0, on_lag, backend);
	}
}

static void on_lag(void *user)
{
	struct jobtables *backend = user;
	uint64_t now_ms = backend->host->now_ms(backend->host);
	backend->lag = NULL;
	while (backend->lagging != NULL && backend->lagging->due_ms <= now_ms) {
		push_first(backend);
	}
	start_lag(backend);
}

void step_rows_push_soon(struct jobtables *backend, struct known_job *job)
{
	bool is_any = false;
	for (size_t i = 0; i < job->n_steps; i++) {
		is_any = is_any || is_behind(&job->steps[i]);
	}
	if (!is_any || job->is_lagging || backend->is_stopping) {
		return;
	}
	struct lagging *lagging = must_calloc(1, sizeof(*lagging));
	lagging->due_ms = backend->host->now_ms(backend->host) + LAG_MS;
	memcpy(lagging->job_id, job->job_id, sizeof(lagging->job_id));
	*(backend->lagging != NULL ? &backend->lagging_last->next : &backend->lagging) = lagging;
	backend->lagging_last = lagging;
	job->is_lagging = true;
	start_lag(backend);
}

void step_rows_flush(struct jobtables *backend)
{
	while (backend->lagging != NULL) {
		push_first(backend);
	}
	step_rows_drop(backend);
}

void step_rows_drop(struct jobtables *backend)
{
	while (backend->lagging != NULL) {
		struct lagging *first = backend->lagging;
		backend->lagging = first->next;
		free(first);
	}
	if (backend->lag != NULL) {
		backend->host->timer_stop(backend->host, backend->lag);
		backend->lag = NULL;
	}
}

/* The changes that the job's row carries. */
static void learn_deltas(struct known_job *known, const json_t *job)
{
	for (size_t i = 0; i < known->n_steps; i++) {
		char name[16];
		struct known_step *step = &known->steps[i];
		(void)snprintf(name, sizeof(name), "step_%04" PRIu32, step->step_index);
		struct lucius_text text = row_text(job, name);
		step->change = text.size != 0 ? strtoll(text.data, NULL, 10) : 0;
		known_set(&step->delta, text.size != 0 ? text.data : NULL);
	}
}

static void learn_rows(struct jobtables *backend, struct known_job *known, const json_t *steps)
{
	for (size_t i = 0; i < json_array_size(steps); i++) {
		const json_t *row = json_array_get(steps, i);
		const char *key = row_text(row, "RowKey").data;
		const char *step_id = NULL;
		uint32_t step_index = 0;
		if (!layout_step_parts(&backend->layout, key, &step_index, &step_id)) {
			continue;
		}
		struct known_step *step = known_step_put(known, step_index, key);
		int64_t change = row_integer(row, "meta_change");
		if (change >= step->row_change) {
			step->row_change = change;
			known_set(&step->etag, entity_text(row, "odata.etag"));
		}
	}
}

/* The row carries nothing for a step of which nothing is known. */
static bool is_covered(const struct known_job *known, const json_t *job)
{
	void *at = json_object_iter((json_t *)(uintptr_t)job);
	for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)job, at)) {
		const char *name = json_object_iter_key(at);
		bool is_carried = strncmp(name, "step_", 5) == 0 && row_text(job, name).size != 0;
		if (is_carried &&
		        known_step_find(known, (uint32_t)strtoul(name + 5, NULL, 10)) == NULL) {
			return false;
		}
	}
	return true;
}

void step_rows_learn(
        struct jobtables *backend, const json_t *job, const char *etag, const json_t *steps)
{
	struct known_job *known = known_put(backend->known, row_text(job, "job_id"));
	int64_t change = row_integer(job, "meta_change");
	if (known == NULL || (known->etag != NULL && change < known->change)) {
		return;
	}
	known_set(&known->bucket, row_text(job, "tenant_bucket").data);
	known_set(&known->etag, etag);
	known_set(&known->slot_row, entity_text(job, "meta_slot"));
	known_set(&known->slot_etag, entity_text(job, "meta_slot_etag"));
	known->change = change;
	if (backend->layout.is_ledger) {
		return;
	}
	learn_rows(backend, known, steps);
	learn_deltas(known, job);
	if (!is_covered(known, job) && !FAULT(carried_steps_forgotten)) {
		known_set(&known->etag, NULL);
	}
	if (steps != NULL) {
		step_rows_push_soon(backend, known);
	}
}
