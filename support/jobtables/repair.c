/* SPDX-License-Identifier: MIT */
/*
 * The map:
 *
 *   start ─► a page of slots ─► on_rows ─► one after another: mend ─► on_mended ─► next ─► answer
 *   start ─► a page of jobs  ─► on_rows ─► judge: leave
 *                  │               ├─► PREPARING and old: fence ─► on_fenced ─► removal
 *                  │               └─► ABORTED for a day, or past its retention: its slot
 *                  │                       └─► on_slot ─► not released: leave, else removal ─► next
 *
 * Ages go by the times in the rows and the time that the caller names; they only keep mending from
 * disturbing, whatever is done is safe at any age.
 */
#include "support/jobtables/repair.h"

#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"
#include "support/jobtables/job_entity.h"
#include "support/jobtables/mend.h"
#include "support/jobtables/removal.h"
#include "support/jobtables/rows.h"
#include "support/rows/time_text.h"

#define PREPARING_S 600 /* after which nobody is at work on a command any more */
#define ABORTED_S 86400
#define MAX_ROWS 1000u

struct repairing {
	struct chain chain;
	struct lucius_repair wish;
	struct lucius_repair_report report;
	json_t *rows; /* owned */
	size_t at; /* the row under way */
	struct place place; /* owned: of that job's row */
	char *etag; /* owned: of it */
	struct rows drafts;
	bool is_at_jobs; /* the page has jobs, not slots */
	bool is_purge; /* what is removed is a job past its time */
};

static void destroy(struct chain *chain)
{
	struct repairing *repairing = (struct repairing *)chain;
	chain->backend->repair.is_under_way = false;
	json_decref(repairing->rows);
	place_finish(&repairing->place);
	free(repairing->etag);
	rows_finish(&repairing->drafts);
	free(repairing);
}

static void finish(struct repairing *repairing, uint32_t status, const char *sentence)
{
	if (status == LUCIUS_OK) {
		chain_give(&repairing->chain, &repairing->report);
	}
	chain_answer(&repairing->chain, status, sentence);
	chain_end(&repairing->chain);
}

static void look_at_row(struct repairing *repairing);

static void next_row(struct repairing *repairing)
{
	repairing->at++;
	look_at_row(repairing);
}

static const json_t *row_of(const struct repairing *repairing)
{
	return json_array_get(repairing->rows, repairing->at);
}

static void on_mended(void *user, enum mend_verdict verdict)
{
	struct repairing *repairing = user;
	repairing->report.n_slots += verdict == MEND_FREED ? 1 : 0;
	next_row(repairing);
}

static void on_removed(void *user, bool is_done)
{
	struct repairing *repairing = user;
	if (is_done && repairing->is_purge) {
		repairing->report.n_purged++;
	} else if (is_done) {
		repairing->report.n_orphans++;
	}
	next_row(repairing);
}

/* With_row: the job's own row goes too. */
static void remove_job(struct repairing *repairing, bool with_row)
{
	const json_t *row = row_of(repairing);
	struct removal_wish wish = {
		.job_id = row_text(row, "job_id"),
		.tenant_id = row_text(row, "tenant_id"),
		.claim_row = entity_text(row, "meta_claim"),
		.listing_row = entity_text(row, "meta_listing"),
		.last = with_row ? &repairing->place : NULL,
		.last_etag = repairing->etag,
	};
	known_drop(repairing->chain.backend->known, wish.job_id);
	removal_start(repairing->chain.backend, &wish, on_removed, repairing);
}

/* The row's slot, if it names one, decides whether the job has been released. */
static void on_slot(void *user, const struct tables_result *result)
{
	struct repairing *repairing = user;
	struct lucius_text job_id = row_text(row_of(repairing), "job_id");
	bool is_held =
	        result->status == TABLES_OK && text_is(row_text(result->row, "job_id"), job_id);
	bool is_free =
	        (result->status == TABLES_OK && !is_held) || result->status == TABLES_MISSING;
	if (is_free) {
		remove_job(repairing, true);
	} else {
		next_row(repairing);
	}
}

static void remove_unless_held(struct repairing *repairing)
{
	struct jobtables *backend = repairing->chain.backend;
	const json_t *row = row_of(repairing);
	uint32_t number = 0;
	const char *slot = entity_text(row, "meta_slot");
	if (slot == NULL || !layout_slot_number(slot, &number)) {
		remove_job(repairing, true);
		return;
	}
	struct place place = layout_slot(&backend->layout, row_text(row, "tenant_id"), number);
	tables_get(backend->tables, place.table, place.partition, place.row, on_slot, repairing);
	place_finish(&place);
}

static void on_fenced(void *user, const struct tables_result *result)
{
	struct repairing *repairing = user;
	if (result->status == TABLES_OK) {
		/* A slot that it may have is found among the slots. */
		remove_job(repairing, false);
	} else {
		next_row(repairing);
	}
}

static void fence(struct repairing *repairing)
{
	struct place place = place_copy(&repairing->place);
	rows_finish(&repairing->drafts);
	struct entity *entity =
	        rows_begin(&repairing->drafts, TABLES_MERGE, &place, repairing->etag);
	entity_add_string(entity, "state", STATE_ABORTED);
	(void)rows_end(&repairing->drafts);
	tables_write(repairing->chain.backend->tables, &repairing->drafts.writes[0],
	        &(struct tables_care){ 0 }, on_fenced, repairing);
}

/* The time in the row lies so many seconds back. */
static bool is_older(const struct repairing *repairing, const char *name, uint64_t age_s)
{
	int64_t at_us = 0;
	return time_text_read(row_text(row_of(repairing), name), &at_us) &&
	        age_s < INT64_MAX / 1000000 &&
	        at_us < repairing->wish.now_us - (int64_t)age_s * 1000000;
}

static void judge_job(struct repairing *repairing)
{
	const json_t *row = row_of(repairing);
	const struct layout *layout = &repairing->chain.backend->layout;
	uint64_t retention_s = repairing->wish.retention_s;
	place_finish(&repairing->place);
	repairing->place = (struct place){ .table = layout->jobs };
	known_set(&repairing->place.partition, row_text(row, "PartitionKey").data);
	known_set(&repairing->place.row, row_text(row, "RowKey").data);
	known_set(&repairing->etag, entity_text(row, "odata.etag"));
	repairing->is_purge = false;
	if (repairing->etag == NULL || row_text(row, "job_id").size == 0) {
		next_row(repairing);
	} else if (row_is(row, "state", STATE_PREPARING)) {
		if (is_older(repairing, "created_at", PREPARING_S)) {
			fence(repairing);
		} else {
			next_row(repairing);
		}
	} else if (row_is(row, "state", STATE_ABORTED)) {
		if (is_older(repairing, "created_at", ABORTED_S)) {
			remove_unless_held(repairing);
		} else {
			next_row(repairing);
		}
	} else if (retention_s != 0 && state_is_terminal(row_text(row, "state")) &&
	        is_older(repairing, "completed_at", retention_s)) {
		repairing->is_purge = true;
		remove_unless_held(repairing);
	} else {
		next_row(repairing);
	}
}

static void look_at_row(struct repairing *repairing)
{
	struct jobtables *backend = repairing->chain.backend;
	bool is_over = repairing->at >= json_array_size(repairing->rows) || backend->is_stopping;
	if (is_over) {
		finish(repairing, LUCIUS_OK, NULL);
	} else if (repairing->is_at_jobs) {
		judge_job(repairing);
	} else {
		mend_slot(backend, row_of(repairing), false,
		        repairing->wish.now_us - INT64_C(1000000) * PREPARING_S, on_mended,
		        repairing);
	}
}

/* The place moves on when the page is read: what fails on the way is met again the next time. */
static void move_on(struct jobtables *backend, const char *next)
{
	known_set(&backend->repair.next, next);
}

static void on_rows(void *user, const struct tables_result *result)
{
	struct repairing *repairing = user;
	struct jobtables *backend = repairing->chain.backend;
	if (result->status != TABLES_OK) {
		move_on(backend, NULL);
		finish(repairing, status_of_tables(result->status), result->sentence);
		return;
	}
	repairing->rows = json_incref((json_t *)(uintptr_t)result->rows);
	for (size_t i = 0; i < json_array_size(result->rows) && !repairing->is_at_jobs; i++) {
		uint32_t number = 0;
		const json_t *row = json_array_get(result->rows, i);
		if (layout_slot_number(row_text(row, "RowKey").data, &number)) {
			slots_met(backend->slots, number);
		}
	}
	move_on(backend, result->next);
	look_at_row(repairing);
}

static void query_slots(struct repairing *repairing)
{
	struct jobtables *backend = repairing->chain.backend;
	bool is_ledger = backend->layout.is_ledger;
	tables_query(backend->tables,
	        &(struct tables_query){
	                .table = backend->layout.slots,
	                .filter =
	                        is_ledger ? "PartitionKey gt 'S:' and PartitionKey lt 'S;'" : NULL,
	                .top = repairing->wish.limit < MAX_ROWS ? repairing->wish.limit : MAX_ROWS,
	                .next = backend->repair.next,
	        },
	        on_rows, repairing);
}

static void query_jobs(struct repairing *repairing)
{
	struct jobtables *backend = repairing->chain.backend;
	tables_query(backend->tables,
	        &(struct tables_query){
	                .table = backend->layout.jobs,
	                .filter = backend->layout.is_ledger ? "RowKey eq 'JOB'" : NULL,
	                .select = "PartitionKey,RowKey,job_id,tenant_id,state,created_at,"
	                          "completed_at,meta_claim,meta_listing,meta_slot",
	                .top = repairing->wish.limit < MAX_ROWS ? repairing->wish.limit : MAX_ROWS,
	                .next = backend->repair.next,
	        },
	        on_rows, repairing);
}

/* A piece whose caller has given it up may still be under way: another one beside it would take its
 * page for the wrong kind of rows. */
void repair_start(
        struct jobtables *backend, const struct lucius_repair *repair, struct lucius_op op)
{
	if (backend->repair.is_under_way) {
		lucius_fail(backend->host, op, LUCIUS_UNAVAILABLE,
		        "the last piece of mending is still under way");
		return;
	}
	backend->repair.is_under_way = true;
	struct repairing *repairing = must_calloc(1, sizeof(*repairing));
	chain_begin(backend, &repairing->chain, op, destroy);
	repairing->wish = *repair;
	repairing->report.size = (uint32_t)sizeof(repairing->report);
	if (repair->limit == 0) {
		finish(repairing, LUCIUS_OK, NULL);
		return;
	}
	/* At the end of one kind of rows the other one begins. */
	if (backend->repair.next == NULL) {
		backend->repair.is_at_jobs = !backend->repair.is_at_jobs;
	}
	repairing->is_at_jobs = backend->repair.is_at_jobs;
	if (repairing->is_at_jobs) {
		query_jobs(repairing);
	} else {
		query_slots(repairing);
	}
}
