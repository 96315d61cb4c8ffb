/* SPDX-License-Identifier: MIT */
/*
 * The map:
 *
 *   start ─► claim's row, rows of the job's partition (side by side) ─► on_claim, on_rows
 *         ─► delete claim, index, listing, rows (side by side) ─► on_part ─► last row ─► on_last
 */
#include "support/jobtables/removal.h"

#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "support/jobtables/job_entity.h"
#include "support/jobtables/rows.h"
#include "support/tables/table_key.h"

struct removal {
	struct chain chain;
	char *job_id; /* owned */
	struct place claim, index, listing, last; /* each may be none */
	char *last_etag; /* owned */
	char *claim_etag; /* owned; NULL: the claim is not this job's */
	json_t *rows; /* owned: keys of the job's steps and events */
	unsigned n_open;
	bool is_failed;
	removal_fn on_done;
	void *user;
};

static void destroy(struct chain *chain)
{
	struct removal *removal = (struct removal *)chain;
	place_finish(&removal->claim);
	place_finish(&removal->index);
	place_finish(&removal->listing);
	place_finish(&removal->last);
	json_decref(removal->rows);
	free(removal->job_id);
	free(removal->last_etag);
	free(removal->claim_etag);
	free(removal);
}

static void finish(struct removal *removal)
{
	removal->on_done(removal->user, !removal->is_failed);
	chain_end(&removal->chain);
}

static bool is_gone(enum tables_status status)
{
	return status == TABLES_OK || status == TABLES_MISSING;
}

static void on_last(void *user, const struct tables_result *result)
{
	struct removal *removal = user;
	removal->is_failed = !is_gone(result->status);
	finish(removal);
}

static void delete_row(struct removal *removal, const struct place *place, const char *etag,
        tables_done_fn on_done)
{
	groups_write(removal->chain.backend->groups,
	        &(struct tables_write){
	                .verb = TABLES_DELETE,
	                .table = place->table,
	                .partition = place->partition,
	                .row = place->row,
	                .etag = etag,
	        },
	        &(struct tables_care){ 0 }, on_done, removal);
}

static void delete_last(struct removal *removal)
{
	if (removal->last.row == NULL || removal->is_failed) {
		finish(removal);
	} else {
		delete_row(removal, &removal->last, removal->last_etag, on_last);
	}
}

static void on_part(void *user, const struct tables_result *result)
{
	struct removal *removal = user;
	/* A claim that has changed is another job's by now. */
	bool is_over = is_gone(result->status) || result->status == TABLES_CHANGED;
	removal->is_failed = removal->is_failed || !is_over;
	if (--removal->n_open == 0) {
		delete_last(removal);
	}
}

static void delete_part(struct removal *removal, const struct place *place, const char *etag)
{
	if (place->row != NULL && etag != NULL) {
		removal->n_open++;
		delete_row(removal, place, etag, on_part);
	}
}

static void delete_parts(struct removal *removal)
{
	if (removal->is_failed) {
		finish(removal);
		return;
	}
	/* One more, so that it is not over before all have begun. */
	removal->n_open = 1;
	delete_part(removal, &removal->claim, removal->claim_etag);
	delete_part(removal, &removal->index, "*");
	delete_part(removal, &removal->listing, "*");
	CLEANUP_FREE char *partition = table_key_escape(removal->job_id, strlen(removal->job_id));
	for (size_t i = 0; i < json_array_size(removal->rows); i++) {
		const json_t *row = json_array_get(removal->rows, i);
		struct place place = { removal->chain.backend->layout.steps, partition,
			(char *)(uintptr_t)row_text(row, "RowKey").data };
		delete_part(removal, &place, "*");
	}
	on_part(removal, &(struct tables_result){ .status = TABLES_OK });
}

static void on_claim(void *user, const struct tables_result *result)
{
	struct removal *removal = user;
	if (result->status == TABLES_OK && row_is(result->row, "job_id", removal->job_id)) {
		known_set(&removal->claim_etag, result->etag);
	}
	removal->is_failed = removal->is_failed || !is_gone(result->status);
	if (--removal->n_open == 0) {
		delete_parts(removal);
	}
}

static void query_rows(struct removal *removal, const char *next);

static void on_rows(void *user, const struct tables_result *result)
{
	struct removal *removal = user;
	if (result->status == TABLES_OK) {
		for (size_t i = 0; i < json_array_size(result->rows); i++) {
			json_t *row = json_array_get(result->rows, i);
			/* A ledger's JOB row goes last, if at all. */
			if (!row_is(row, "RowKey", "JOB")) {
				(void)json_array_append(removal->rows, row);
			}
		}
		if (result->next != NULL) {
			query_rows(removal, result->next);
			return;
		}
	}
	removal->is_failed = removal->is_failed || !is_gone(result->status);
	if (--removal->n_open == 0) {
		delete_parts(removal);
	}
}

static void query_rows(struct removal *removal, const char *next)
{
	struct text filter = { 0 };
	CLEANUP_FREE char *partition = table_key_escape(removal->job_id, strlen(removal->job_id));
	text_add_string(&filter, "PartitionKey eq ");
	table_key_add_quoted(&filter, partition);
	tables_query(removal->chain.backend->tables,
	        &(struct tables_query){
	                .table = removal->chain.backend->layout.steps,
	                .filter = text_of(&filter),
	                .select = "PartitionKey,RowKey",
	                .next = next,
	        },
	        on_rows, removal);
	text_finish(&filter);
}

static void find_places(struct removal *removal, const struct removal_wish *wish)
{
	const struct layout *layout = &removal->chain.backend->layout;
	struct lucius_text none = { "", 0 };
	if (wish->claim_row != NULL) {
		removal->claim = layout_claim(layout, wish->tenant_id, none, none);
		known_set(&removal->claim.row, wish->claim_row);
	}
	if (wish->listing_row != NULL) {
		removal->listing = layout_listing(layout, wish->tenant_id, none, wish->job_id);
		known_set(&removal->listing.row, wish->listing_row);
	}
	if (!layout->is_ledger) {
		removal->index = layout_index(layout, wish->job_id);
	}
	if (wish->last != NULL) {
		removal->last = place_copy(wish->last);
		known_set(&removal->last_etag, wish->last_etag);
	}
}

void removal_start(
        struct jobtables *backend, const struct removal_wish *wish, removal_fn on_done, void *user)
{
	struct removal *removal = must_calloc(1, sizeof(*removal));
	chain_begin(backend, &removal->chain, (struct lucius_op){ 0 }, destroy);
	removal->job_id = must_copy(wish->job_id.data, wish->job_id.size);
	removal->rows = json_array();
	removal->on_done = on_done;
	removal->user = user;
	find_places(removal, wish);
	removal->n_open = 1;
	query_rows(removal, NULL);
	if (removal->claim.row != NULL) {
		removal->n_open++;
		tables_get(backend->tables, removal->claim.table, removal->claim.partition,
		        removal->claim.row, on_claim, removal);
	}
}
