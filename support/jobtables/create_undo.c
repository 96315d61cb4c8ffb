/* SPDX-License-Identifier: MIT */
/*
 * Taking a command back. Where nothing but the job's own rows was tried, they go at once, the job's
 * by its ETag. Else the job's row becomes ABORTED first, so that nobody can commit it any more;
 * then what it had; the row itself only if nothing is in doubt, else it stays for the mender.
 *
 *   undo_start ─► (plain) delete the rows ─► finish
 *        └─► ABORTED ─► on_aborted ─► parts, side by side ─► on_part ─► own row ─► finish
 */
#include <stdlib.h>
#include <string.h>

#include "support/base/fault.h"
#include "support/base/memory.h"
#include "support/jobtables/creation.h"

static void on_removed(void *user, const struct tables_result *result)
{
	(void)result;
	creation_finish(user);
}

/* Deletes of the rows that were written together, each by its ETag, the first one the job's. */
static void add_deletes(struct creation *creation, const struct rows *written, bool is_first)
{
	for (size_t i = 0; i < written->n_drafts; i++) {
		bool is_job = is_first && i == 0;
		size_t n = is_first ? i : i + 1;
		const char *etag = is_job ? creation->parts[PART_JOB].etag
		        : n < creation->n_row_etags && creation->row_etags[n] != NULL
		        ? creation->row_etags[n]
		        : "*";
		struct place place = place_copy(&written->drafts[i]->place);
		(void)rows_begin(&creation->last_rows, TABLES_DELETE, &place, etag);
	}
}

/* The job's row, in a ledger its steps and events too. */
static void delete_own(struct creation *creation)
{
	struct jobtables *backend = creation->chain.backend;
	rows_finish(&creation->last_rows);
	add_deletes(creation, &creation->job_rows, true);
	(void)rows_end(&creation->last_rows);
	const struct rows *rows = &creation->last_rows;
	if (rows->n_writes == 1) {
		groups_write(backend->groups, &rows->writes[0], &(struct tables_care){ 0 },
		        on_removed, creation);
	} else {
		tables_transact(backend->tables, rows->list, rows->n_writes,
		        &(struct tables_care){ 0 }, on_removed, creation);
	}
}

static bool is_certain(const struct creation *creation)
{
	bool is_certain = creation->steps_state == PART_ABSENT;
	for (size_t i = PART_CLAIM; i < N_PARTS; i++) {
		is_certain = is_certain && creation->parts[i].state == PART_ABSENT;
	}
	return is_certain;
}

static void close_part(struct creation *creation)
{
	if (--creation->n_open != 0) {
		return;
	}
	if (is_certain(creation) && creation->parts[PART_JOB].etag != NULL) {
		delete_own(creation);
	} else {
		creation_finish(creation);
	}
}

static void note(enum part_state *state, const struct tables_result *result)
{
	bool is_gone = result->status == TABLES_OK || result->status == TABLES_MISSING ||
	        result->status == TABLES_CHANGED;
	*state = is_gone ? PART_ABSENT : PART_IN_DOUBT;
}

static void on_part(void *user, const struct tables_result *result)
{
	struct undo_part *undo = user;
	struct creation *creation = undo->creation;
	note(undo->state, result);
	close_part(creation);
}

static struct undo_part *begin_part(
        struct creation *creation, enum part_kind kind, enum part_state *state)
{
	creation->undo_parts[kind] = (struct undo_part){ creation, state };
	creation->n_open++;
	return &creation->undo_parts[kind];
}

/* What is in doubt has no ETag to go by: it is left to the mender. */
static void delete_part(struct creation *creation, enum part_kind kind, bool is_guarded)
{
	struct part *part = &creation->parts[kind];
	if (part->state != PART_DONE || (is_guarded && part->etag == NULL)) {
		return;
	}
	groups_write(creation->chain.backend->groups,
	        &(struct tables_write){
	                .verb = TABLES_DELETE,
	                .table = part->place.table,
	                .partition = part->place.partition,
	                .row = part->place.row,
	                .etag = is_guarded && !FAULT(undo_by_any_etag) ? part->etag : "*",
	        },
	        &(struct tables_care){ 0 }, on_part, begin_part(creation, kind, &part->state));
}

static void delete_steps(struct creation *creation)
{
	if (creation->steps_state != PART_DONE || creation->step_rows.n_drafts == 0) {
		return;
	}
	rows_finish(&creation->last_rows);
	add_deletes(creation, &creation->step_rows, false);
	(void)rows_end(&creation->last_rows);
	tables_transact(creation->chain.backend->tables, creation->last_rows.list,
	        creation->last_rows.n_writes, &(struct tables_care){ 0 }, on_part,
	        begin_part(creation, PART_JOB, &creation->steps_state));
}

static void delete_parts(struct creation *creation)
{
	/* One more, so that it is not over before all have begun. */
	creation->n_open = 1;
	delete_part(creation, PART_CLAIM, true);
	delete_part(creation, PART_SLOT, true);
	delete_part(creation, PART_INDEX, false);
	delete_part(creation, PART_LISTING, false);
	delete_steps(creation);
	close_part(creation);
}

static void on_aborted(void *user, const struct tables_result *result)
{
	struct creation *creation = user;
	if (result->status == TABLES_OK) {
		known_set(&creation->parts[PART_JOB].etag, result->etag);
		delete_parts(creation);
	} else if (result->status == TABLES_CHANGED || result->status == TABLES_MISSING) {
		/* Somebody has fenced it: he removes what he finds, and so may we. */
		known_set(&creation->parts[PART_JOB].etag, NULL);
		delete_parts(creation);
	} else {
		creation_finish(creation);
	}
}

static void abort_row(struct creation *creation)
{
	struct part *job = &creation->parts[PART_JOB];
	struct place place = place_copy(&job->place);
	rows_finish(&creation->last_rows);
	struct entity *entity = rows_begin(&creation->last_rows, TABLES_MERGE, &place, job->etag);
	tables_token(creation->token);
	entity_add_string(entity, "state", STATE_ABORTED);
	entity_add_string(entity, "meta_write", creation->token);
	(void)rows_end(&creation->last_rows);
	struct tables_care care = { .token = creation->token };
	groups_write(creation->chain.backend->groups, &creation->last_rows.writes[0], &care,
	        on_aborted, creation);
}

void undo_start(struct creation *creation)
{
	/* Who sent a repeat need not wait for what it left behind. */
	if (creation->outcome == LUCIUS_DUPLICATE || creation->outcome == LUCIUS_KEY_CONFLICT) {
		chain_answer(&creation->chain, creation->outcome, NULL);
	}
	struct part *job = &creation->parts[PART_JOB];
	if (creation->is_undone) {
		delete_parts(creation);
	} else if (job->state != PART_DONE || job->etag == NULL) {
		/* Never written, or in doubt: a row that may come later stays PREPARING. */
		creation_finish(creation);
	} else if (creation->is_written) {
		abort_row(creation);
	} else {
		delete_own(creation);
	}
}
