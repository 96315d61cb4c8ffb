/* SPDX-License-Identifier: MIT */
/* Storage conformance: slots given back, old jobs removed, ownership, many jobs, and the end. */
#include "sdk/conformance/storage_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/conformance/storage_world.h"

#define N_MANY 10000
#define N_MANY_AT_ONCE 100
#define RETENTION_S INT64_C(2592000) /* 30 days */
#define N_REPAIRS_MAX 10000

static void a_release_frees_the_jobs_own_slot_once(void)
{
	struct world world;
	struct draft drafts[3];
	world_open(&world);
	for (size_t i = 0; i < 3; i++) {
		draft_init(&drafts[i], &world, world.tenant);
		drafts[i].max_inflight = 1;
	}
	(void)create_ok(&world, &drafts[0]);
	end_job(&world, drafts[0].job_id, "SUCCEEDED");
	const struct lucius_job *ended = load_ok(&world, drafts[0].job_id);
	CHECK_STATUS(ask_release(&world, ended), LUCIUS_OK);
	(void)create_ok(&world, &drafts[1]);
	/* The slot is the second one's now. */
	CHECK_STATUS(ask_release(&world, ended), LUCIUS_OK);
	CHECK_STATUS(ask_release(&world, load_ok(&world, drafts[0].job_id)), LUCIUS_OK);
	CHECK_STATUS(ask_create(&world, world.instance, &drafts[2]), LUCIUS_TENANT_FULL);
	end_job(&world, drafts[1].job_id, "FAILED_FINAL");
	release_job(&world, drafts[1].job_id);
	(void)create_ok(&world, &drafts[2]);
	world_close(&world);
}

static void a_release_of_a_live_job_frees_nothing(void)
{
	struct world world;
	struct draft first;
	struct draft second;
	world_open(&world);
	draft_init(&first, &world, world.tenant);
	draft_init(&second, &world, world.tenant);
	second.max_inflight = 1;
	(void)create_ok(&world, &first);
	(void)asked_wait(ask_release(&world, load_ok(&world, first.job_id)));
	CHECK_STATUS(ask_create(&world, world.instance, &second), LUCIUS_TENANT_FULL);
	world_close(&world);
}

/* Ends a job with that time of completion. */
static void end_at(struct world *world, const char *job_id, const char *completed_at)
{
	struct change change;
	change_init(&change, load_ok(world, job_id));
	change_state(&change, "SUCCEEDED", true);
	change_set(&change, "completed_at", completed_at);
	(void)save_ok(world, &change);
}

/* Repairs until that job is gone; how many jobs went, or -1 if it never goes. */
static int64_t repair_until_gone(
        struct world *world, const char *job_id, const struct lucius_repair *repair)
{
	int64_t n_purged = 0;
	for (int i = 0; i < N_REPAIRS_MAX; i++) {
		struct asked *asked = ask_repair(world, repair);
		CHECK_STATUS(asked, LUCIUS_OK);
		CHECK_INT(asked_n_items(asked), 1);
		const struct lucius_repair_report *report = asked_item(asked, 0);
		n_purged += report != NULL ? report->n_purged : 0;
		struct asked *load = ask_load(world, job_id);
		(void)asked_wait(load);
		if (asked_status(load) == LUCIUS_NOT_FOUND) {
			return n_purged;
		}
		asked_free(load);
		asked_free(asked);
	}
	return -1;
}

static void a_repair_removes_jobs_past_their_time_and_no_other(void)
{
	enum { OLD, OLD_BY_KEY, YOUNG, UNRELEASED, LIVE, N_JOBS };
	struct world world;
	struct draft drafts[N_JOBS];
	struct draft again;
	world_open(&world);
	for (size_t i = 0; i < N_JOBS; i++) {
		draft_init(&drafts[i], &world, world.tenant);
		drafts[i].key = i == OLD_BY_KEY ? "old" : NULL;
		(void)create_ok(&world, &drafts[i]);
	}
	end_at(&world, drafts[YOUNG].job_id, "2026-01-31T00:00:00.000000Z");
	end_at(&world, drafts[OLD].job_id, "2026-01-01T00:00:01.000000Z");
	end_at(&world, drafts[OLD_BY_KEY].job_id, "2026-01-01T00:00:01.000000Z");
	end_at(&world, drafts[UNRELEASED].job_id, "2026-01-01T00:00:01.000000Z");
	release_job(&world, drafts[YOUNG].job_id);
	release_job(&world, drafts[OLD].job_id);
	release_job(&world, drafts[OLD_BY_KEY].job_id);
	struct lucius_repair repair = { .size = sizeof(repair),
		.limit = 2,
		.now_us = 1767225600000000 + RETENTION_S * 1000000 + 3600000000,
		.retention_s = RETENTION_S };
	CHECK(repair_until_gone(&world, drafts[OLD].job_id, &repair) >= 1);
	CHECK(repair_until_gone(&world, drafts[OLD_BY_KEY].job_id, &repair) >= 0);
	for (size_t i = YOUNG; i < N_JOBS; i++) {
		(void)load_ok(&world, drafts[i].job_id);
	}
	/* Their claims went with them. */
	draft_init(&again, &world, world.tenant);
	memcpy(again.hash, drafts[OLD].hash, sizeof(again.hash));
	(void)create_ok(&world, &again);
	draft_init(&again, &world, world.tenant);
	again.key = "old";
	(void)create_ok(&world, &again);
	world_close(&world);
}

static void a_repair_without_retention_removes_nothing(void)
{
	struct world world;
	struct draft draft;
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	(void)create_ok(&world, &draft);
	end_at(&world, draft.job_id, "1990-01-01T00:00:00.000000Z");
	release_job(&world, draft.job_id);
	struct lucius_repair repair = {
		.size = sizeof(repair), .limit = 1000, .now_us = host_clock_us(world.host)
	};
	for (int i = 0; i < 5; i++) {
		struct asked *asked = ask_repair(&world, &repair);
		CHECK_STATUS(asked, LUCIUS_OK);
		const struct lucius_repair_report *report = asked_item(asked, 0);
		CHECK_INT(report != NULL ? report->n_purged : 1, 0);
	}
	(void)load_ok(&world, draft.job_id);
	world_close(&world);
}

static void a_job_that_lost_its_hash_goes_without_it(void)
{
	struct world world;
	struct draft first;
	struct draft second;
	struct draft again;
	world_open(&world);
	draft_init(&first, &world, world.tenant);
	draft_init(&second, &world, world.tenant);
	draft_init(&again, &world, world.tenant);
	memcpy(second.hash, first.hash, sizeof(first.hash));
	memcpy(again.hash, first.hash, sizeof(first.hash));
	(void)create_ok(&world, &first);
	end_at(&world, first.job_id, "2026-01-01T00:00:01.000000Z");
	struct change change;
	change_init(&change, load_ok(&world, first.job_id));
	change_state(&change, "FAILED_FINAL", true);
	(void)save_ok(&world, &change);
	release_job(&world, first.job_id);
	(void)create_ok(&world, &second);
	struct lucius_repair repair = { .size = sizeof(repair),
		.limit = 100,
		.now_us = 1767225600000000 + RETENTION_S * 1000000 + 3600000000,
		.retention_s = RETENTION_S };
	CHECK(repair_until_gone(&world, first.job_id, &repair) >= 1);
	struct asked *asked = ask_create(&world, world.instance, &again);
	CHECK_STATUS(asked, LUCIUS_DUPLICATE);
	CHECK_TEXT(job_of(asked)->job_id.data, second.job_id);
	world_close(&world);
}

static void the_second_owner_waits_until_the_first_lets_go(void)
{
	struct world world;
	world_open_twice(&world);
	struct asked *first = ask_own(&world, world.instance, world.tenant, "one");
	CHECK(asked_wait_items(first, 1));
	const struct lucius_text *name = asked_item(first, 0);
	CHECK_TEXT(name != NULL ? name->data : NULL, world.tenant);
	struct asked *second = ask_own(&world, world.second, world.tenant, "two");
	struct asked *third = ask_own(&world, world.second, world.tenant, "three");
	struct asked *elsewhere = ask_own(&world, world.second, "another name", "two");
	CHECK(asked_wait_items(elsewhere, 1));
	/* The first renews: two leases later it still has the name. */
	for (int i = 0; i < 30; i++) {
		host_advance(world.host, 1000);
		host_settle(world.host, 50);
	}
	CHECK_INT(asked_n_items(second), 0);
	CHECK_INT(asked_is_finished(first), 0);
	asked_cancel(third);
	CHECK_STATUS(third, LUCIUS_OK);
	asked_cancel(first);
	CHECK_STATUS(first, LUCIUS_OK);
	for (int i = 0; i < 60 && asked_n_items(second) == 0; i++) {
		host_advance(world.host, 1000);
		host_settle(world.host, 20);
	}
	CHECK_INT(asked_n_items(second), 1);
	CHECK_INT(asked_is_finished(second), 0);
	asked_cancel(second);
	asked_cancel(elsewhere);
	CHECK_STATUS(second, LUCIUS_OK);
	CHECK_STATUS(elsewhere, LUCIUS_OK);
	world_close(&world);
}

static void a_stop_finishes_what_is_open(void)
{
	struct world world;
	struct draft drafts[20];
	struct asked *asked[20];
	world_open(&world);
	struct asked *owner = ask_own(&world, world.instance, world.tenant, "one");
	struct asked *waiter = ask_own(&world, world.instance, world.tenant, "two");
	CHECK(asked_wait_items(owner, 1));
	for (size_t i = 0; i < 20; i++) {
		draft_init(&drafts[i], &world, world.tenant);
		asked[i] = ask_create(&world, world.instance, &drafts[i]);
	}
	struct asked *stop = instance_stop(world.instance);
	CHECK_STATUS(stop, LUCIUS_OK);
	CHECK(asked_is_finished(owner));
	CHECK(asked_is_finished(waiter));
	for (size_t i = 0; i < 20; i++) {
		CHECK(asked_is_finished(asked[i]));
		uint32_t status = asked_status(asked[i]);
		CHECK(status == LUCIUS_OK || status == LUCIUS_UNAVAILABLE ||
		        status == LUCIUS_UNKNOWN);
	}
	instance_destroy(world.instance);
	host_destroy(world.host);
}

static void what_is_asked_after_stop_is_refused(void)
{
	struct world world;
	struct draft draft;
	struct draft late;
	struct change change;
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	draft_init(&late, &world, world.tenant);
	change_init(&change, create_ok(&world, &draft));
	CHECK_STATUS(instance_stop(world.instance), LUCIUS_OK);
	struct lucius_repair repair = { .size = sizeof(repair), .limit = 1 };
	struct asked *asked[] = {
		ask_create(&world, world.instance, &late),
		ask_load(&world, draft.job_id),
		ask_save(&world, world.instance, &change.job),
		ask_release(&world, &change.job),
		ask_scan(&world, "", 10),
		ask_repair(&world, &repair),
		ask_own(&world, world.instance, "name", "one"),
	};
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		CHECK_STATUS(asked[i], LUCIUS_UNAVAILABLE);
		CHECK(asked_sentence(asked[i]) != NULL);
	}
	instance_destroy(world.instance);
	host_destroy(world.host);
}

static void what_was_committed_survives_a_restart(void)
{
	struct world world;
	struct world after;
	struct draft drafts[3];
	world_open(&world);
	if ((world.traits & LUCIUS_STORAGE_DURABLE) == 0) {
		world_close(&world);
		conformance_skip("the backend is not durable");
	}
	for (size_t i = 0; i < 3; i++) {
		draft_init(&drafts[i], &world, world.tenant);
		drafts[i].max_inflight = 2;
	}
	(void)create_ok(&world, &drafts[0]);
	(void)create_ok(&world, &drafts[1]);
	struct change change;
	change_init(&change, load_ok(&world, drafts[0].job_id));
	change_set(&change, "doc_id", "before the end");
	(void)save_ok(&world, &change);
	world_close(&world);
	world_open(&after);
	const struct lucius_job *job = load_ok(&after, drafts[0].job_id);
	CHECK_TEXT(job_value(job, "doc_id"), "before the end");
	CHECK_INT(job->n_steps, DRAFT_N_STEPS);
	CHECK_STATUS(ask_create(&after, after.instance, &drafts[2]), LUCIUS_TENANT_FULL);
	memcpy(drafts[2].hash, drafts[1].hash, sizeof(drafts[1].hash));
	struct asked *asked = ask_create(&after, after.instance, &drafts[2]);
	CHECK_STATUS(asked, LUCIUS_DUPLICATE);
	CHECK_TEXT(job_of(asked)->job_id.data, drafts[1].job_id);
	world_close(&after);
}

static void a_started_backend_is_healthy(void)
{
	struct world world;
	world_open(&world);
	struct asked *health = instance_health(world.instance);
	CHECK_STATUS(health, LUCIUS_OK);
	CHECK_INT(asked_n_items(health), 0);
	CHECK_TEXT(instance_not_ready(world.instance), NULL);
	world_close(&world);
}

/* Creates the jobs from `first` on together, a hundred to a tenant. */
static void make_many(struct world *world, char (*job_ids)[33], size_t first)
{
	static struct draft draft;
	static struct asked *asked[N_MANY_AT_ONCE];
	char tenant[128];
	(void)snprintf(tenant, sizeof(tenant), "%s-%zu", world->tenant, first / 100);
	for (size_t i = 0; i < N_MANY_AT_ONCE; i++) {
		draft_init(&draft, world, tenant);
		memcpy(job_ids[first + i], draft.job_id, sizeof(draft.job_id));
		asked[i] = ask_create(world, world->instance, &draft);
	}
	for (size_t i = 0; i < N_MANY_AT_ONCE; i++) {
		CHECK_STATUS(asked[i], LUCIUS_OK);
		asked_free(asked[i]);
	}
}

static int compare_ids(const void *one, const void *other)
{
	return memcmp(one, other, 32);
}

/* Takes out of the sorted ids those that the scan shows; how many there were. */
static size_t scan_many(struct world *world, char (*job_ids)[33], bool *is_seen)
{
	size_t n_seen = 0;
	char cursor[600] = "";
	do {
		struct asked *asked = ask_scan(world, cursor, 500);
		CHECK_STATUS(asked, LUCIUS_OK);
		cursor[0] = '\0';
		for (size_t i = 0; i < asked_n_items(asked); i++) {
			const struct lucius_found *found = asked_item(asked, i);
			(void)snprintf(cursor, sizeof(cursor), "%s", found->cursor.data);
			char(*id)[33] = found->job == NULL
			        ? NULL
			        : bsearch(found->job->job_id.data, job_ids, N_MANY,
			                  sizeof(job_ids[0]), compare_ids);
			if (id != NULL) {
				CHECK_INT(is_seen[id - job_ids], false);
				is_seen[id - job_ids] = true;
				n_seen++;
			}
		}
		asked_free(asked);
	} while (cursor[0] != '\0');
	return n_seen;
}

static void ten_thousand_jobs_are_all_there(void)
{
	static char job_ids[N_MANY][33];
	static bool is_seen[N_MANY];
	struct world world;
	world_open(&world);
	for (size_t i = 0; i < N_MANY; i += N_MANY_AT_ONCE) {
		make_many(&world, job_ids, i);
	}
	for (size_t i = 0; i < N_MANY; i += 97) {
		(void)load_ok(&world, job_ids[i]);
	}
	qsort(job_ids, N_MANY, sizeof(job_ids[0]), compare_ids);
	CHECK_INT(scan_many(&world, job_ids, is_seen), N_MANY);
	world_close(&world);
}

const struct conformance_test storage_life_tests[] = {
	CONFORMANCE_TEST(a_release_frees_the_jobs_own_slot_once),
	CONFORMANCE_TEST(a_release_of_a_live_job_frees_nothing),
	CONFORMANCE_TEST(a_repair_removes_jobs_past_their_time_and_no_other),
	CONFORMANCE_TEST(a_repair_without_retention_removes_nothing),
	CONFORMANCE_TEST(a_job_that_lost_its_hash_goes_without_it),
	CONFORMANCE_TEST(the_second_owner_waits_until_the_first_lets_go),
	CONFORMANCE_TEST(a_stop_finishes_what_is_open),
	CONFORMANCE_TEST(what_is_asked_after_stop_is_refused),
	CONFORMANCE_TEST(what_was_committed_survives_a_restart),
	CONFORMANCE_TEST(a_started_backend_is_healthy),
	CONFORMANCE_TEST(ten_thousand_jobs_are_all_there),
	{ NULL, NULL },
};
