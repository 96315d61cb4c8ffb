/* SPDX-License-Identifier: MIT */
/*
 * The map:
 *
 *   mend_slot ─► job's row ─► on_read ─► HELD, YOUNG
 *                               ├─► fence: ABORTED by its ETag ─► on_fenced ─┐
 *                               └─► never committed ─────────────────────────┴─► removal ─► FREED
 */
#include "support/jobtables/mend.h"

#include <stdlib.h>
#include <string.h>

#include "support/base/fault.h"
#include "support/base/memory.h"
#include "support/jobtables/job_entity.h"
#include "support/jobtables/reading.h"
#include "support/jobtables/removal.h"
#include "support/jobtables/rows.h"
#include "support/rows/time_text.h"

struct mending {
	struct chain chain;
	json_t *slot; /* owned */
	struct place place; /* of the slot; owned */
	struct rows rows;
	char *claim_row, *listing_row; /* owned; may be NULL */
	bool may_fence;
	int64_t older_us;
	mend_fn on_done;
	void *user;
};

static void destroy(struct chain *chain)
{
	struct mending *mending = (struct mending *)chain;
	json_decref(mending->slot);
	place_finish(&mending->place);
	rows_finish(&mending->rows);
	free(mending->claim_row);
	free(mending->listing_row);
	free(mending);
}

static void finish(struct mending *mending, enum mend_verdict verdict)
{
	mending->on_done(mending->user, verdict);
	chain_end(&mending->chain);
}

static void on_removed(void *user, bool is_done)
{
	finish(user, is_done ? MEND_FREED : MEND_FAILED);
}

static void remove_all(struct mending *mending)
{
	struct removal_wish wish = {
		.job_id = row_text(mending->slot, "job_id"),
		.tenant_id = row_text(mending->slot, "tenant_id"),
		.claim_row = mending->claim_row,
		.listing_row = mending->listing_row,
		.last = &mending->place,
		.last_etag = entity_text(mending->slot, "odata.etag"),
	};
	removal_start(mending->chain.backend, &wish, on_removed, mending);
}

static void on_fenced(void *user, const struct tables_result *result)
{
	struct mending *mending = user;
	if (result->status == TABLES_OK) {
		remove_all(mending);
	} else {
		/* Committed, or taken back, between reading and writing. */
		bool is_known =
		        result->status == TABLES_CHANGED || result->status == TABLES_MISSING;
		finish(mending, is_known ? MEND_YOUNG : MEND_FAILED);
	}
}

static void fence(struct mending *mending, const struct reading *reading)
{
	struct jobtables *backend = mending->chain.backend;
	struct place place = layout_job(&backend->layout, row_text(mending->slot, "tenant_bucket"),
	        row_text(mending->slot, "job_id"));
	struct entity *entity =
	        rows_begin(&mending->rows, TABLES_MERGE, &place, reading_etag(reading));
	entity_add_string(entity, "state", STATE_ABORTED);
	(void)rows_end(&mending->rows);
	tables_write(backend->tables, &mending->rows.writes[0], &(struct tables_care){ 0 },
	        on_fenced, mending);
}

static void on_slot_deleted(void *user, const struct tables_result *result)
{
	bool is_gone = result->status == TABLES_OK || result->status == TABLES_MISSING;
	finish(user, is_gone ? MEND_FREED : MEND_FAILED);
}

/* An insert that was sent twice may arrive once more when the slot has been released: a row that
 * its job has never had, since nobody changes a slot's row. */
static bool is_stray(const struct mending *mending, const json_t *row)
{
	const char *own = entity_text(row, "meta_slot_etag");
	const char *etag = entity_text(mending->slot, "odata.etag");
	return state_is_terminal(row_text(row, "state")) && own != NULL && etag != NULL &&
	        strcmp(own, etag) != 0;
}

/* The job is committed. It holds this slot unless it names another one. */
static void judge_committed(struct mending *mending, const json_t *row)
{
	const char *own = entity_text(row, "meta_slot");
	bool is_own = own == NULL || strcmp(own, mending->place.row) == 0;
	if (is_own && !is_stray(mending, row)) {
		finish(mending, MEND_HELD);
		return;
	}
	tables_write(mending->chain.backend->tables,
	        &(struct tables_write){
	                .verb = TABLES_DELETE,
	                .table = mending->place.table,
	                .partition = mending->place.partition,
	                .row = mending->place.row,
	                .etag = entity_text(mending->slot, "odata.etag"),
	        },
	        &(struct tables_care){ 0 }, on_slot_deleted, mending);
}

static bool is_young(const struct mending *mending, const json_t *row)
{
	int64_t created_us = 0;
	bool is_old = time_text_read(row_text(row, "created_at"), &created_us) &&
	        created_us < mending->older_us;
	return !mending->may_fence && !is_old;
}

static void on_read(void *user, struct reading *reading)
{
	struct mending *mending = user;
	const json_t *row = reading_row(reading);
	if (reading_status(reading) == TABLES_MISSING) {
		remove_all(mending);
	} else if (row == NULL) {
		finish(mending, MEND_FAILED);
	} else if (row_is_shown(row)) {
		judge_committed(mending, row);
	} else if (row_is(row, "state", STATE_ABORTED) || FAULT(mended_without_fence)) {
		remove_all(mending);
	} else if (is_young(mending, row)) {
		finish(mending, MEND_YOUNG);
	} else {
		fence(mending, reading);
	}
}

void mend_slot(struct jobtables *backend, const json_t *slot, bool may_fence, int64_t older_us,
        mend_fn on_done, void *user)
{
	struct mending *mending = must_calloc(1, sizeof(*mending));
	chain_begin(backend, &mending->chain, (struct lucius_op){ 0 }, destroy);
	mending->slot = json_incref((json_t *)(uintptr_t)slot);
	mending->place = (struct place){ .table = backend->layout.slots };
	known_set(&mending->place.partition, row_text(slot, "PartitionKey").data);
	known_set(&mending->place.row, row_text(slot, "RowKey").data);
	known_set(&mending->claim_row, entity_text(slot, "claim_key"));
	known_set(&mending->listing_row, entity_text(slot, "meta_listing"));
	mending->may_fence = may_fence;
	mending->older_us = older_us;
	mending->on_done = on_done;
	mending->user = user;
	struct reading_wish wish = { .job_id = row_text(slot, "job_id"),
		.bucket = row_text(slot, "tenant_bucket") };
	reading_start(backend, &wish, on_read, mending);
}
