/* SPDX-License-Identifier: MIT */
/* load: start ─► reading ─► on_read. events: start ─► rows up to "JOB", by pages ─► on_rows. */
#include "support/jobtables/load.h"

#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "support/jobtables/job_entity.h"
#include "support/jobtables/reading.h"
#include "support/tables/table_key.h"

struct loading {
	struct chain chain;
	char *job_id; /* owned */
	json_t *rows; /* owned: of events */
	bool is_shown; /* the job's row was among them */
};

static void destroy(struct chain *chain)
{
	struct loading *loading = (struct loading *)chain;
	free(loading->job_id);
	json_decref(loading->rows);
	free(loading);
}

static void finish(struct loading *loading, uint32_t status, const char *sentence)
{
	chain_answer(&loading->chain, status, sentence);
	chain_end(&loading->chain);
}

static struct loading *begin(
        struct jobtables *backend, struct lucius_text job_id, struct lucius_op op)
{
	struct loading *loading = must_calloc(1, sizeof(*loading));
	chain_begin(backend, &loading->chain, op, destroy);
	loading->job_id = must_copy(job_id.data, job_id.size);
	return loading;
}

static void on_read(void *user, struct reading *reading)
{
	struct loading *loading = user;
	enum tables_status status = reading_status(reading);
	if (status != TABLES_OK) {
		finish(loading, status_of_tables(status), reading_sentence(reading));
	} else if (!row_is_shown(reading_row(reading))) {
		finish(loading, LUCIUS_NOT_FOUND, NULL);
	} else {
		chain_give(&loading->chain, reading_job(reading, &loading->chain.backend->view));
		finish(loading, LUCIUS_OK, NULL);
	}
}

void load_start(struct jobtables *backend, struct lucius_text job_id, struct lucius_op op)
{
	struct loading *loading = begin(backend, job_id, op);
	struct reading_wish wish = { .job_id = job_id, .has_steps = true };
	reading_start(backend, &wish, on_read, loading);
}

static void give_event(struct loading *loading, const json_t *row)
{
	uint32_t seq = 0;
	struct bytes packed = { 0 };
	struct job_view view = { 0 };
	struct lucius_job none = { .size = sizeof(none) };
	if (!layout_event_seq(row_text(row, "RowKey").data, &seq)) {
		return;
	}
	job_entity_pack(row, &packed);
	(void)job_view_begin(&view, &none, bytes_text(&packed));
	const struct lucius_job *fields = job_view_job(&view);
	struct lucius_job_event event = {
		.size = sizeof(event),
		.seq = seq,
		.fields = fields->fields,
		.n_fields = fields->n_fields,
	};
	chain_give(&loading->chain, &event);
	job_view_finish(&view);
	bytes_finish(&packed);
}

static void query_events(struct loading *loading, const char *next);

static void on_rows(void *user, const struct tables_result *result)
{
	struct loading *loading = user;
	if (result->status != TABLES_OK) {
		finish(loading, status_of_tables(result->status), result->sentence);
		return;
	}
	for (size_t i = 0; i < json_array_size(result->rows); i++) {
		json_t *row = json_array_get(result->rows, i);
		if (row_is(row, "RowKey", "JOB")) {
			loading->is_shown = row_is_shown(row);
		} else {
			(void)json_array_append(loading->rows, row);
		}
	}
	if (result->next != NULL) {
		query_events(loading, result->next);
		return;
	}
	for (size_t i = 0; loading->is_shown && i < json_array_size(loading->rows); i++) {
		give_event(loading, json_array_get(loading->rows, i));
	}
	finish(loading, loading->is_shown ? LUCIUS_OK : LUCIUS_NOT_FOUND, NULL);
}

static void query_events(struct loading *loading, const char *next)
{
	struct text filter = { 0 };
	CLEANUP_FREE char *partition = table_key_escape(loading->job_id, strlen(loading->job_id));
	text_add_string(&filter, "PartitionKey eq ");
	table_key_add_quoted(&filter, partition);
	/* The events' keys come before the job's. */
	text_add_string(&filter, " and RowKey le 'JOB'");
	tables_query(loading->chain.backend->tables,
	        &(struct tables_query){ .table = loading->chain.backend->layout.jobs,
	                .filter = text_of(&filter),
	                .next = next },
	        on_rows, loading);
	text_finish(&filter);
}

void events_start(struct jobtables *backend, struct lucius_text job_id, struct lucius_op op)
{
	struct loading *loading = begin(backend, job_id, op);
	loading->rows = json_array();
	query_events(loading, NULL);
}
