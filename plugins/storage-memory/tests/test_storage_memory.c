/* SPDX-License-Identifier: MIT */
/* What the conformance suite does not see of storage-memory: eviction, limits, paging deep down. */
#include "plugins/storage-memory/pages.h"
#include "plugins/storage-memory/store.h"
#include "support/hash/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/rows/job_size.h"
#include "tests/support/suite.h"

static struct lucius_text text(const char *bytes)
{
	return (struct lucius_text){ bytes, strlen(bytes) };
}

static void open_store(struct store *store, size_t max_jobs)
{
	static const unsigned char random[24] = "twenty-three and a bit.";
	memset(store, 0, sizeof(*store));
	store_init(store, random);
	store->max_jobs = max_jobs;
	store->max_events = 3;
}

static void write_id(char id[33], unsigned number)
{
	(void)snprintf(id, 33, "%032x", number);
}

/* Creates job number n of a tenant; its hash is made of hash_number. */
static uint32_t create_job(
        struct store *store, const char *tenant, unsigned number, unsigned hash_number)
{
	char id[33];
	char hash[33];
	write_id(id, number);
	write_id(hash, hash_number);
	struct lucius_job job = {
		.size = sizeof(job),
		.job_id = text(id),
		.tenant_id = text(tenant),
		.tenant_bucket = text(tenant),
		.created_at = text("2026-01-01T00:00:00.000000Z"),
		.state = text("QUEUED"),
	};
	struct lucius_command command = {
		.size = sizeof(command),
		.max_inflight = UINT32_MAX,
		.idempotency_hash = text(hash),
		.job = &job,
	};
	struct job *made = NULL;
	return store_create(store, &command, &made);
}

static struct job *find(struct store *store, unsigned number)
{
	char id[33];
	write_id(id, number);
	return store_find(store, text(id));
}

static void end_job(struct store *store, unsigned number, const char *state)
{
	struct lucius_job change = *store_show(store, find(store, number), 0);
	struct job *saved = NULL;
	change.is_terminal = 1;
	change.state = text(state);
	CHECK_INT(store_save(store, &change, 1000000, &saved), LUCIUS_OK);
}

static void release(struct store *store, unsigned number)
{
	char id[33];
	write_id(id, number);
	store_release(store, text(id));
}

static void siphash_gives_the_published_value(void)
{
	/* The vector at the end of the paper: key 00..0f, message 00..0e. */
	struct hash_key key = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };
	unsigned char message[15];
	for (unsigned char i = 0; i < 15; i++) {
		message[i] = i;
	}
	CHECK(hash_bytes(&key, message, sizeof(message)) == 0xa129ca6149be45e5u);
}

static void a_full_store_evicts_the_job_that_was_released_first(void)
{
	struct store store;
	open_store(&store, 3);
	for (unsigned i = 1; i <= 3; i++) {
		CHECK_INT(create_job(&store, "t", i, i), LUCIUS_OK);
	}
	end_job(&store, 1, "SUCCEEDED");
	end_job(&store, 2, "SUCCEEDED");
	release(&store, 2);
	release(&store, 1);
	CHECK_INT(create_job(&store, "t", 4, 4), LUCIUS_OK);
	CHECK(find(&store, 2) == NULL);
	CHECK(find(&store, 1) != NULL);
	CHECK_INT(store.n_evicted, 1);
	/* The evicted job's claim is free again. */
	CHECK_INT(create_job(&store, "t", 5, 2), LUCIUS_OK);
	CHECK(find(&store, 1) == NULL);
	store_finish(&store);
}

static void a_full_store_of_live_jobs_takes_no_more(void)
{
	struct store store;
	open_store(&store, 2);
	CHECK_INT(create_job(&store, "t", 1, 1), LUCIUS_OK);
	CHECK_INT(create_job(&store, "t", 2, 2), LUCIUS_OK);
	CHECK_INT(create_job(&store, "t", 3, 3), LUCIUS_UNAVAILABLE);
	CHECK(strstr(store.sentence, "\"2\" jobs") != NULL);
	CHECK(strstr(store.sentence, "LUCIUS_MEMORY_MAX_JOBS") != NULL);
	/* Ended, but its workflow has not been told: it stays as well. */
	end_job(&store, 1, "SUCCEEDED");
	CHECK_INT(create_job(&store, "t", 3, 3), LUCIUS_UNAVAILABLE);
	release(&store, 1);
	CHECK_INT(create_job(&store, "t", 3, 3), LUCIUS_OK);
	store_finish(&store);
}

static void the_predecessor_may_be_the_one_that_is_evicted(void)
{
	struct store store;
	open_store(&store, 1);
	CHECK_INT(create_job(&store, "t", 1, 7), LUCIUS_OK);
	end_job(&store, 1, "CANCELLED");
	release(&store, 1);
	CHECK_INT(create_job(&store, "t", 2, 7), LUCIUS_OK);
	CHECK(find(&store, 1) == NULL);
	CHECK_INT(create_job(&store, "t", 3, 7), LUCIUS_DUPLICATE);
	store_finish(&store);
}

static void a_repair_goes_round_in_bounded_pieces(void)
{
	struct store store;
	open_store(&store, 100);
	for (unsigned i = 1; i <= 10; i++) {
		CHECK_INT(create_job(&store, "t", i, i), LUCIUS_OK);
		end_job(&store, i, "SUCCEEDED");
		release(&store, i);
	}
	/* The last one alone is past its time. */
	find(&store, 10)->ended_us = -100000000;
	struct lucius_repair repair = {
		.size = sizeof(repair), .limit = 3, .now_us = 2000000, .retention_s = 50
	};
	for (int i = 0; i < 3; i++) {
		CHECK_INT(store_purge(&store, &repair), 0);
	}
	CHECK_INT(store_purge(&store, &repair), 1);
	CHECK(find(&store, 10) == NULL);
	CHECK_INT(store_purge(&store, &repair), 0);
	store_finish(&store);
}

/* What a listing has given. */
struct shown {
	unsigned n_jobs;
	unsigned n_items;
	char cursor[CURSOR_SIZE];
	char last_id[33];
};

static void on_found(void *user, const struct lucius_found *found)
{
	struct shown *shown = user;
	shown->n_items++;
	shown->n_jobs += found->job != NULL ? 1 : 0;
	(void)snprintf(shown->cursor, sizeof(shown->cursor), "%s", found->cursor.data);
	if (found->job != NULL) {
		(void)snprintf(
		        shown->last_id, sizeof(shown->last_id), "%s", found->job->job_id.data);
	}
}

static void a_list_that_finds_nothing_for_long_gives_a_cursor_to_go_on(void)
{
	struct store store;
	struct shown shown = { 0 };
	open_store(&store, 10000);
	for (unsigned i = 1; i <= 5000; i++) {
		CHECK_INT(create_job(&store, "t", i, i), LUCIUS_OK);
	}
	end_job(&store, 1, "SUCCEEDED");
	struct lucius_listing listing = { .size = sizeof(listing),
		.limit = 10,
		.tenant_id = text("t"),
		.state = text("SUCCEEDED") };
	unsigned n_pages = 0;
	do {

		char cursor[CURSOR_SIZE];
		(void)snprintf(cursor, sizeof(cursor), "%s", shown.cursor);
		listing.cursor = text(cursor);
		CHECK_INT(pages_list(&store, &listing, on_found, &shown), LUCIUS_OK);
		n_pages++;
	} while (shown.cursor[0] != '\0' && n_pages < 100);
	CHECK_INT(n_pages, 3);
	CHECK_INT(shown.n_jobs, 1);
	CHECK_INT(shown.n_items, 3);
	store_finish(&store);
}

static void a_list_goes_on_when_the_job_of_its_cursor_is_gone(void)
{
	struct store store;
	struct shown shown = { 0 };
	char id[33];
	open_store(&store, 3);
	for (unsigned i = 1; i <= 3; i++) {
		CHECK_INT(create_job(&store, "t", i, i), LUCIUS_OK);
	}
	struct lucius_listing listing = {
		.size = sizeof(listing), .limit = 2, .tenant_id = text("t")
	};
	CHECK_INT(pages_list(&store, &listing, on_found, &shown), LUCIUS_OK);
	write_id(id, 2);
	CHECK_TEXT(shown.last_id, id);
	end_job(&store, 2, "SUCCEEDED");
	release(&store, 2);
	CHECK_INT(create_job(&store, "t", 4, 4), LUCIUS_OK);
	CHECK(find(&store, 2) == NULL);
	char cursor[CURSOR_SIZE];
	memcpy(cursor, shown.cursor, sizeof(cursor));
	listing.cursor = text(cursor);
	CHECK_INT(pages_list(&store, &listing, on_found, &shown), LUCIUS_OK);
	write_id(id, 1);
	CHECK_TEXT(shown.last_id, id);
	CHECK_INT(shown.n_jobs, 3);
	store_finish(&store);
}

static void of_many_events_the_newest_are_kept(void)
{
	struct store store;
	open_store(&store, 10);
	CHECK_INT(create_job(&store, "t", 1, 1), LUCIUS_OK);
	for (uint32_t seq = 1; seq <= 5; seq++) {
		struct lucius_job_event event = { .size = sizeof(event), .seq = seq };
		const struct lucius_job_event *const list[] = { &event };
		struct lucius_job change = *store_show(&store, find(&store, 1), 0);
		struct job *saved = NULL;
		change.events = list;
		change.n_events = 1;
		CHECK_INT(store_save(&store, &change, 0, &saved), LUCIUS_OK);
	}
	struct job *job = find(&store, 1);
	CHECK_INT(job->n_events, 3);
	CHECK_INT(job->oldest_event->seq, 3);
	CHECK_INT(job->newest_event->seq, 5);
	store_finish(&store);
}

static void a_row_beyond_the_limit_is_too_large_and_both_sizes_are_named(void)
{
	struct store store;
	struct job *saved = NULL;
	open_store(&store, 10);
	CHECK_INT(create_job(&store, "t", 1, 1), LUCIUS_OK);
	struct lucius_field field = { "final_output", "", JOB_SIZE_ROW_MAX, LUCIUS_FIELD_STRING };
	struct lucius_job change = *store_show(&store, find(&store, 1), 0);
	change.fields = &field;
	change.n_fields = 1;
	CHECK_INT(store_save(&store, &change, 0, &saved), LUCIUS_TOO_LARGE);
	CHECK(strstr(store.sentence, "16777241 bytes") != NULL);
	CHECK(strstr(store.sentence, "16777216") != NULL);
	store_finish(&store);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(siphash_gives_the_published_value),
		SUITE_TEST(a_full_store_evicts_the_job_that_was_released_first),
		SUITE_TEST(a_full_store_of_live_jobs_takes_no_more),
		SUITE_TEST(the_predecessor_may_be_the_one_that_is_evicted),
		SUITE_TEST(a_repair_goes_round_in_bounded_pieces),
		SUITE_TEST(a_list_that_finds_nothing_for_long_gives_a_cursor_to_go_on),
		SUITE_TEST(a_list_goes_on_when_the_job_of_its_cursor_is_gone),
		SUITE_TEST(of_many_events_the_newest_are_kept),
		SUITE_TEST(a_row_beyond_the_limit_is_too_large_and_both_sizes_are_named),
	};
	return suite_run("storage-memory", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
