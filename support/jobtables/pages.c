/* SPDX-License-Identifier: MIT */
/*
 * Pages of jobs, scan by the keys of slots, list by the keys of the tenant's listing:
 *
 *   start ─► a page of keys ─► on_keys ─► the jobs, N_AT_ONCE side by side ─► on_read
 *               ▲                                                           └─► give, in order
 *               └── scan: the partition's end; the next ones begin behind it
 *
 * A cursor is the key of the row behind which to go on, so that rows which come and go do not
 * matter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/fault.h"
#include "support/base/memory.h"
#include "support/jobtables/job_entity.h"
#include "support/jobtables/load.h"
#include "support/jobtables/reading.h"
#include "support/rows/cursor.h"
#include "support/tables/table_key.h"

#define N_AT_ONCE 16u
#define MAX_KEYS 1000u
#define MAX_SKIPPED 4u /* times the limit: keys of a list looked at in a page */

struct page;

struct entry {
	struct page *page;
	struct reading *reading; /* owned; NULL while it is under way */
};

struct page {
	struct chain chain;
	char *partition, *row; /* owned: what the page goes on behind; partition empty: the start */
	bool is_rest; /* scan: the rest of that partition, else what comes behind it */
	char *tenant_id; /* owned; NULL: a scan */
	char *state; /* owned: a list of that state only; empty: any */
	uint32_t limit;
	uint32_t n_given;
	json_t *keys; /* owned: rows of slots or listings */
	bool is_last; /* nothing comes behind these keys */
	struct entry *entries; /* owned: one a key */
	size_t n_begun, n_read;
	enum tables_status status;
	char *sentence; /* owned */
};

static void destroy(struct chain *chain)
{
	struct page *page = (struct page *)chain;
	free(page->partition);
	free(page->row);
	free(page->tenant_id);
	free(page->state);
	json_decref(page->keys);
	free(page->entries);
	free(page->sentence);
	free(page);
}

static void finish(struct page *page, uint32_t status, const char *sentence)
{
	for (size_t i = 0; i < page->n_begun; i++) {
		if (page->entries[i].reading != NULL) {
			reading_destroy(page->entries[i].reading);
		}
	}
	chain_answer(&page->chain, status, sentence);
	chain_end(&page->chain);
}

static const json_t *key_at(const struct page *page, size_t n)
{
	return json_array_get(page->keys, n);
}

/* A scan's cursor is "<partition>/<row>": a slash is in no key. */
static char *scan_cursor(const json_t *key)
{
	return must_print(
	        "%s/%s", row_text(key, "PartitionKey").data, row_text(key, "RowKey").data);
}

/* A listing's row "<19 digits>:<job id>" without the colon, which is not safe in a URL. */
static char *list_cursor(const struct page *page, const json_t *key)
{
	char position[CURSOR_POSITION_MAX + 1];
	CLEANUP_FREE char *cursor = must_calloc(1, CURSOR_SIZE);
	(void)snprintf(position, sizeof(position), "%s", row_text(key, "RowKey").data);
	char *colon = strchr(position, ':');
	if (colon != NULL) {
		*colon = '-';
	}
	cursor_write(cursor, page->chain.backend->salt, text_view(page->tenant_id), position);
	return steal(cursor);
}

static void give(struct page *page, size_t n, const struct lucius_job *job)
{
	const json_t *key = key_at(page, n);
	bool is_end = page->is_last && n + 1 == json_array_size(page->keys);
	CLEANUP_FREE char *cursor = is_end ? must_copy("", 0)
	        : page->tenant_id != NULL  ? list_cursor(page, key)
	                                   : scan_cursor(key);
	struct lucius_found found = {
		.size = sizeof(found),
		.job = job,
		.cursor = text_view(cursor),
	};
	chain_give(&page->chain, &found);
}

static bool is_wanted(const struct page *page, size_t n, const json_t *row)
{
	if (!row_is_shown(row) && !FAULT(prepared_job_listed)) {
		return false;
	}
	bool is_any = page->state == NULL || page->state[0] == '\0';
	return is_any ||
	        row_is(FAULT(state_kept_in_listing) ? key_at(page, n) : row, "state", page->state);
}

/* All jobs of the keys have been read. A page without a job only moves the cursor on. */
static void give_all(struct page *page)
{
	size_t n_keys = json_array_size(page->keys);
	size_t last = n_keys;
	for (size_t i = 0; i < n_keys && page->n_given < page->limit; i++) {
		struct reading *reading = page->entries[i].reading;
		if (reading_status(reading) == TABLES_OK &&
		        is_wanted(page, i, reading_row(reading))) {
			give(page, i, reading_job(reading, &page->chain.backend->view));
			page->n_given++;
			last = i;
		}
	}
	bool is_all_seen = page->n_given < page->limit;
	if (is_all_seen && n_keys != 0 && last != n_keys - 1) {
		give(page, n_keys - 1, NULL);
	}
	finish(page, LUCIUS_OK, NULL);
}

static void begin_more(struct page *page);

static void on_read(void *user, struct reading *reading)
{
	struct entry *entry = user;
	struct page *page = entry->page;
	enum tables_status status = reading_status(reading);
	entry->reading = reading;
	reading_keep(reading);
	page->n_read++;
	bool is_failure = status != TABLES_OK && status != TABLES_MISSING;
	if (is_failure && page->status == TABLES_OK && !FAULT(unread_job_left_out)) {
		page->status = status;
		known_set(&page->sentence, reading_sentence(reading));
	}
	if (page->n_read < page->n_begun) {
		begin_more(page);
	} else if (page->status != TABLES_OK) {
		finish(page, status_of_tables(page->status), page->sentence);
	} else if (page->n_read == json_array_size(page->keys)) {
		give_all(page);
	} else {
		begin_more(page);
	}
}

static void begin_more(struct page *page)
{
	while (page->status == TABLES_OK && page->n_begun < json_array_size(page->keys) &&
	        page->n_begun - page->n_read < N_AT_ONCE) {
		struct entry *entry = &page->entries[page->n_begun];
		const json_t *key = key_at(page, page->n_begun++);
		struct reading_wish wish = { .job_id = row_text(key, "job_id"),
			.bucket = row_text(key, "tenant_bucket"),
			.has_steps = page->tenant_id == NULL,
			.is_one_of_many = true };
		entry->page = page;
		reading_start(page->chain.backend, &wish, on_read, entry);
	}
}

static void read_jobs(struct page *page)
{
	size_t n_keys = json_array_size(page->keys);
	if (n_keys == 0) {
		finish(page, LUCIUS_OK, NULL);
		return;
	}
	page->entries = must_calloc(n_keys, sizeof(*page->entries));
	begin_more(page);
}

static void query_keys(struct page *page, const char *next);

/* Keys that may be looked at in one page. */
static uint32_t most_keys(const struct page *page)
{
	bool is_any = page->state == NULL || page->state[0] == '\0';
	uint64_t most = (uint64_t)page->limit * (is_any ? 1 : MAX_SKIPPED);
	return most < MAX_KEYS ? (uint32_t)most : MAX_KEYS;
}

static void on_keys(void *user, const struct tables_result *result)
{
	struct page *page = user;
	if (result->status != TABLES_OK) {
		finish(page, status_of_tables(result->status), result->sentence);
		return;
	}
	size_t most = most_keys(page);
	for (size_t i = 0; i < json_array_size(result->rows); i++) {
		if (json_array_size(page->keys) == most) {
			read_jobs(page);
			return;
		}
		(void)json_array_append(page->keys, json_array_get(result->rows, i));
	}
	if (result->next != NULL && json_array_size(page->keys) < most) {
		query_keys(page, result->next);
	} else if (result->next != NULL) {
		read_jobs(page);
	} else if (page->is_rest && json_array_size(page->keys) < most) {
		page->is_rest = false;
		query_keys(page, NULL);
	} else {
		/* Behind a partition's rest others may come, which the next page will tell. */
		page->is_last = !page->is_rest;
		read_jobs(page);
	}
}

static void add_quoted(struct text *filter, const char *what, const char *key)
{
	text_add_string(filter, what);
	table_key_add_quoted(filter, key);
}

static void add_scan_filter(const struct page *page, struct text *filter)
{
	const char *prefix = layout_slot_prefix(&page->chain.backend->layout);
	if (page->is_rest) {
		add_quoted(filter, "PartitionKey eq ", page->partition);
		add_quoted(filter, " and RowKey gt ", page->row);
		return;
	}
	bool is_start = page->partition[0] == '\0';
	add_quoted(filter, "PartitionKey gt ", is_start ? prefix : page->partition);
	if (prefix[0] != '\0') {
		/* Up to the sign behind the colon. */
		text_add_string(filter, " and PartitionKey lt 'S;'");
	}
}

static void query_keys(struct page *page, const char *next)
{
	const struct layout *layout = &page->chain.backend->layout;
	struct text filter = { 0 };
	if (page->tenant_id == NULL) {
		add_scan_filter(page, &filter);
	} else {
		add_quoted(&filter, "PartitionKey eq ", page->partition);
		add_quoted(&filter,
		        FAULT(page_border_taken_twice) ? " and RowKey ge " : " and RowKey gt ",
		        page->row);
	}
	tables_query(page->chain.backend->tables,
	        &(struct tables_query){
	                .table = page->tenant_id == NULL ? layout->slots : layout->index,
	                .filter = text_of(&filter),
	                /* One more shows whether there is more. */
	                .top = most_keys(page) < MAX_KEYS ? most_keys(page) + 1 : MAX_KEYS,
	                .next = next,
	        },
	        on_keys, page);
	text_finish(&filter);
}

static struct page *begin(struct jobtables *backend, uint32_t limit, struct lucius_op op)
{
	struct page *page = must_calloc(1, sizeof(*page));
	chain_begin(backend, &page->chain, op, destroy);
	page->limit = limit;
	page->keys = json_array();
	page->status = TABLES_OK;
	return page;
}

void scan_start(
        struct jobtables *backend, struct lucius_text cursor, uint32_t limit, struct lucius_op op)
{
	const char *slash = cursor.size != 0 ? memchr(cursor.data, '/', cursor.size) : NULL;
	struct page *page = begin(backend, limit, op);
	page->is_rest = slash != NULL;
	page->partition = must_copy(cursor.data, slash != NULL ? (size_t)(slash - cursor.data) : 0);
	known_set(&page->row, slash != NULL ? slash + 1 : "");
	if (cursor.size != 0 && slash == NULL) {
		finish(page, LUCIUS_INTERNAL, "The cursor of a scan is none of these tables'.");
	} else if (limit == 0) {
		finish(page, LUCIUS_OK, NULL);
	} else {
		query_keys(page, NULL);
	}
}

void list_start(
        struct jobtables *backend, const struct lucius_listing *listing, struct lucius_op op)
{
	char position[CURSOR_POSITION_MAX + 1] = "";
	struct page *page = begin(backend, listing->limit, op);
	page->tenant_id = must_copy(listing->tenant_id.data, listing->tenant_id.size);
	page->state = must_copy(listing->state.data, listing->state.size);
	page->partition = layout_listing_partition(listing->tenant_id);
	bool is_good = listing->cursor.size == 0 ||
	        cursor_read(listing->cursor, backend->salt, listing->tenant_id, position);
	char *dash = strchr(position, '-');
	if (dash != NULL) {
		*dash = FAULT(twin_skipped) ? ';' : ':';
	}
	known_set(&page->row, position);
	if (!is_good) {
		finish(page, LUCIUS_CONFLICT, NULL);
	} else if (listing->limit == 0) {
		finish(page, LUCIUS_OK, NULL);
	} else {
		query_keys(page, NULL);
	}
}
