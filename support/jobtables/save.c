/* SPDX-License-Identifier: MIT */
/*
 * In a ledger job, steps and events are one transaction with the job's row by its ETag first:
 *
 *   start ─► transact ─► on_saved
 *
 * In tables the job's row carries what changes in steps, laid over what it carries already and
 * which the step's row has not been seen to hold; the steps' own rows follow (step_rows.c):
 *
 *   start ─► (what the row carries is not known: read) ─► on_read ─► merge ─► on_saved ─► push
 */
#include "support/jobtables/save.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/fault.h"
#include "support/base/memory.h"
#include "support/jobtables/delta.h"
#include "support/jobtables/job_entity.h"
#include "support/jobtables/reading.h"
#include "support/jobtables/rows.h"
#include "support/jobtables/step_rows.h"

#define MAX_WAITS 40
#define WAIT_MS 50

struct saving {
	struct chain chain;
	const struct lucius_job *job; /* borrowed until it is answered */
	int64_t change; /* of the revision that it replaces */
	const char *etag; /* borrowed from the job */
	char token[TABLES_TOKEN_SIZE];
	struct rows rows; /* to be written, the job's first */
	bool is_known; /* what the job's row carries for steps */
	struct lucius_timer *wait; /* NULL: not running */
	unsigned n_waits;
};

static void destroy(struct chain *chain)
{
	struct saving *saving = (struct saving *)chain;
	if (saving->wait != NULL) {
		chain->backend->host->timer_stop(chain->backend->host, saving->wait);
	}
	rows_finish(&saving->rows);
	free(saving);
}

static void finish(struct saving *saving, uint32_t status, const char *sentence)
{
	chain_answer(&saving->chain, status, sentence);
	chain_end(&saving->chain);
}

static void give_head(struct saving *saving, const char *etag)
{
	char revision[REVISION_MAX + 1];
	struct lucius_job head = *saving->job;
	revision_write(revision, saving->change + 1, etag);
	head.size = (uint32_t)sizeof(head);
	head.revision = text_view(revision);
	head.fields = NULL;
	head.n_fields = 0;
	head.steps = NULL;
	head.n_steps = 0;
	head.events = NULL;
	head.n_events = 0;
	chain_give(&saving->chain, &head);
}

static bool is_known_as(const struct known_job *known, const char *etag)
{
	return known != NULL && known->etag != NULL && strcmp(known->etag, etag) == 0;
}

/* What was known when the save was built is known still, or what is there now has been read; else
 * it had been forgotten meanwhile, and of what the row carries only a part would be known. */
static bool knows_all(const struct saving *saving, const struct known_job *known, const char *etag)
{
	return saving->chain.backend->layout.is_ledger || FAULT(carried_steps_forgotten) ||
	        is_known_as(known, saving->etag) || is_known_as(known, etag);
}

/* What the job's row carries now becomes known, and the steps' rows follow. */
static void learn(struct saving *saving, const char *etag)
{
	struct jobtables *backend = saving->chain.backend;
	struct known_job *known = known_find(backend->known, saving->job->job_id);
	bool is_old = known == NULL || known->change > saving->change + 1;
	if (is_old) {
		return;
	}
	bool is_known = saving->is_known && knows_all(saving, known, etag);
	known->change = saving->change + 1;
	known_set(&known->etag, is_known ? etag : NULL);
	if (!backend->layout.is_ledger && is_known) {
		rows_learn_deltas(&saving->rows, known);
		if (saving->job->is_terminal != 0) {
			step_rows_push(backend, known);
		} else {
			step_rows_push_soon(backend, known);
		}
	}
}

static void on_saved(void *user, const struct tables_result *result)
{
	struct saving *saving = user;
	uint32_t status = status_of_tables(result->status);
	if (result->status == TABLES_OK && result->etag == NULL) {
		status = LUCIUS_UNKNOWN;
	}
	if (status == LUCIUS_OK) {
		learn(saving, result->etag);
		give_head(saving, result->etag);
	} else if (status != LUCIUS_TOO_LARGE) {
		known_drop(saving->chain.backend->known, saving->job->job_id);
	}
	finish(saving, status, result->sentence);
}

static void send(struct saving *saving)
{
	struct jobtables *backend = saving->chain.backend;
	struct tables_care care = { .token = saving->token };
	if (saving->rows.n_writes == 1) {
		groups_write(backend->groups, &saving->rows.writes[0], &care, on_saved, saving);
	} else {
		tables_transact(backend->tables, saving->rows.list, saving->rows.n_writes, &care,
		        on_saved, saving);
	}
}

static struct entity *begin_job(struct saving *saving)
{
	const struct lucius_job *job = saving->job;
	struct place place =
	        layout_job(&saving->chain.backend->layout, job->tenant_bucket, job->job_id);
	const char *etag = FAULT(save_by_any_etag) ? "*" : saving->etag;
	struct entity *entity = rows_begin(&saving->rows, TABLES_MERGE, &place, etag);
	job_entity_change(entity, job->fields, job->n_fields);
	entity_add_integer(entity, "meta_change", saving->change + 1);
	entity_add_string(entity, "meta_write", saving->token);
	return entity;
}

static void build_ledger(struct saving *saving)
{
	const struct layout *layout = &saving->chain.backend->layout;
	const struct lucius_job *job = saving->job;
	(void)begin_job(saving);
	for (uint64_t i = 0; i < job->n_steps; i++) {
		const struct lucius_step *step = job->steps[i];
		struct place place =
		        layout_step(layout, job->job_id, step->step_index, step->step_id);
		struct entity *entity = rows_begin(&saving->rows, TABLES_UPSERT, &place, NULL);
		job_entity_change(entity, step->fields, step->n_fields);
		entity_add_integer(entity, "meta_change", saving->change + 1);
	}
	rows_add_events(&saving->rows, layout, job);
}

/* A property of the job's row for each step that changes; what the steps' rows hold by now goes. */
static void build_tables(struct saving *saving, const struct known_job *known)
{
	const struct lucius_job *job = saving->job;
	struct entity *entity = begin_job(saving);
	for (uint64_t i = 0; i < job->n_steps; i++) {
		rows_add_delta(&saving->rows, entity, known, job->steps[i], saving->change + 1);
	}
	for (size_t i = 0; known != NULL && i < known->n_steps; i++) {
		const struct known_step *step = &known->steps[i];
		bool is_held = step->delta != NULL && step->row_change >= step->change;
		if (is_held && !rows_has_delta(&saving->rows, step->step_index)) {
			rows_drop_delta(&saving->rows, entity, step->step_index);
		}
	}
}

/* Goes on if what the job's row carries is known for the revision; else reads it first. */
static void look(struct saving *saving);

static void on_waited(void *user)
{
	struct saving *saving = user;
	saving->wait = NULL;
	look(saving);
}

/* The step's row may come to hold what makes the property too large. */
static bool waits(struct saving *saving, struct known_job *known)
{
	struct jobtables *backend = saving->chain.backend;
	bool is_behind = false;
	for (size_t i = 0; known != NULL && i < known->n_steps; i++) {
		is_behind = is_behind ||
		        (known->steps[i].delta != NULL &&
		                known->steps[i].change > known->steps[i].row_change);
	}
	if (!is_behind || ++saving->n_waits > MAX_WAITS) {
		return false;
	}
	step_rows_push(backend, known);
	saving->wait = backend->host->timer_start(backend->host, WAIT_MS, on_waited, saving);
	return true;
}

static void build(struct saving *saving, struct known_job *known)
{
	bool is_ledger = saving->chain.backend->layout.is_ledger;
	saving->is_known = is_ledger || is_known_as(known, saving->etag);
	rows_finish(&saving->rows);
	if (is_ledger) {
		build_ledger(saving);
	} else {
		build_tables(saving, saving->is_known ? known : NULL);
	}
	if (rows_end(&saving->rows)) {
		send(saving);
	} else if (is_ledger || !waits(saving, known)) {
		finish(saving, LUCIUS_TOO_LARGE, saving->rows.fault);
	}
}

static void on_read(void *user, struct reading *reading)
{
	struct saving *saving = user;
	struct jobtables *backend = saving->chain.backend;
	enum tables_status status = reading_status(reading);
	if (status == TABLES_OK && !row_is_shown(reading_row(reading))) {
		status = TABLES_MISSING;
	}
	if (status != TABLES_OK) {
		finish(saving, status_of_tables(status), reading_sentence(reading));
	} else if (strcmp(reading_etag(reading), saving->etag) != 0) {
		finish(saving, LUCIUS_CONFLICT, NULL);
	} else {
		/* It has been learned before this was called, unless a newer one was known. */
		struct known_job *known = known_find(backend->known, saving->job->job_id);
		if (is_known_as(known, saving->etag)) {
			build(saving, known);
		} else {
			finish(saving, LUCIUS_CONFLICT, NULL);
		}
	}
}

static void look(struct saving *saving)
{
	struct jobtables *backend = saving->chain.backend;
	const struct lucius_job *job = saving->job;
	struct known_job *known = known_find(backend->known, job->job_id);
	if (backend->layout.is_ledger || is_known_as(known, saving->etag) || job->n_steps == 0) {
		build(saving, known);
		return;
	}
	/* With the steps: what the row carries for them may be in it alone, and has to stay. */
	struct reading_wish wish = { .job_id = job->job_id,
		.bucket = job->tenant_bucket,
		.has_steps = !FAULT(carried_steps_forgotten) };
	reading_start(backend, &wish, on_read, saving);
}

void save_start(struct jobtables *backend, const struct lucius_job *job, struct lucius_op op)
{
	int64_t change = 0;
	const char *etag = NULL;
	if (!revision_read(job->revision, &change, &etag)) {
		lucius_fail(backend->host, op, LUCIUS_CONFLICT, NULL);
		return;
	}
	struct saving *saving = must_calloc(1, sizeof(*saving));
	chain_begin(backend, &saving->chain, op, destroy);
	saving->job = job;
	saving->change = change;
	saving->etag = etag;
	tables_token(saving->token);
	look(saving);
}
