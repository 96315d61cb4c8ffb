/* SPDX-License-Identifier: MIT */
/* Freeing the slot of a job that has ended, by the ETag that only its own slot has:
 *   start ─► (what the slot is, is not known: job's row) ─► on_read ─► delete ─► on_deleted */
#include "support/jobtables/release.h"

#include <stdlib.h>
#include <string.h>

#include "support/base/fault.h"
#include "support/base/memory.h"
#include "support/jobtables/job_entity.h"
#include "support/jobtables/reading.h"

struct releasing {
	struct chain chain;
	char *tenant_id; /* owned */
	uint32_t number;
};

static void destroy(struct chain *chain)
{
	free(((struct releasing *)chain)->tenant_id);
	free(chain);
}

static void finish(struct releasing *releasing, uint32_t status, const char *sentence)
{
	chain_answer(&releasing->chain, status, sentence);
	chain_end(&releasing->chain);
}

static void on_deleted(void *user, const struct tables_result *result)
{
	struct releasing *releasing = user;
	struct jobtables *backend = releasing->chain.backend;
	struct tenant_slots *tenant = slots_find(backend->slots, text_view(releasing->tenant_id));
	bool is_gone = result->status == TABLES_OK || result->status == TABLES_MISSING;
	if (is_gone && tenant != NULL) {
		slots_freed(tenant, releasing->number);
	}
	/* Changed: the slot is another job's by now. */
	bool is_over = is_gone || result->status == TABLES_CHANGED;
	finish(releasing, is_over ? LUCIUS_OK : status_of_tables(result->status),
	        is_over ? NULL : result->sentence);
}

static void delete_slot(struct releasing *releasing, const char *row, const char *etag)
{
	struct jobtables *backend = releasing->chain.backend;
	if (row == NULL || etag == NULL || !layout_slot_number(row, &releasing->number)) {
		finish(releasing, LUCIUS_OK, NULL);
		return;
	}
	struct place place =
	        layout_slot(&backend->layout, text_view(releasing->tenant_id), releasing->number);
	groups_write(backend->groups,
	        &(struct tables_write){
	                .verb = TABLES_DELETE,
	                .table = place.table,
	                .partition = place.partition,
	                .row = place.row,
	                .etag = FAULT(slot_freed_by_any_etag) ? "*" : etag,
	        },
	        &(struct tables_care){ 0 }, on_deleted, releasing);
	place_finish(&place);
}

static void on_read(void *user, struct reading *reading)
{
	struct releasing *releasing = user;
	const json_t *row = reading_row(reading);
	bool has_ended = row != NULL && state_is_terminal(row_text(row, "state"));
	if (row == NULL && reading_status(reading) != TABLES_MISSING) {
		finish(releasing, status_of_tables(reading_status(reading)),
		        reading_sentence(reading));
	} else if (!has_ended) {
		finish(releasing, LUCIUS_OK, NULL);
	} else {
		delete_slot(releasing, entity_text(row, "meta_slot"),
		        entity_text(row, "meta_slot_etag"));
	}
}

void release_start(struct jobtables *backend, const struct lucius_job *job, struct lucius_op op)
{
	if (job->is_terminal == 0) {
		lucius_finish(backend->host, op);
		return;
	}
	struct releasing *releasing = must_calloc(1, sizeof(*releasing));
	chain_begin(backend, &releasing->chain, op, destroy);
	releasing->tenant_id = must_copy(job->tenant_id.data, job->tenant_id.size);
	const struct known_job *known = known_find(backend->known, job->job_id);
	if (known != NULL && known->slot_row != NULL && known->slot_etag != NULL) {
		delete_slot(releasing, known->slot_row, known->slot_etag);
		return;
	}
	struct reading_wish wish = { .job_id = job->job_id, .bucket = job->tenant_bucket };
	reading_start(backend, &wish, on_read, releasing);
}
