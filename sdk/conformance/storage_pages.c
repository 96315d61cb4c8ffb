/* SPDX-License-Identifier: MIT */
/* Storage conformance: scan, list and events, page by page. */
#include "sdk/conformance/storage_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/conformance/storage_world.h"

#define N_SCANNED 60
#define N_PAGES_MAX 20000

/* The jobs of one test, and how often a scan or list has shown each. */
struct herd {
	struct draft drafts[N_SCANNED];
	unsigned n_seen[N_SCANNED];
};

static void make_herd(struct world *world, struct herd *herd, const char *tenant, size_t n)
{
	memset(herd->n_seen, 0, sizeof(herd->n_seen));
	for (size_t i = 0; i < n; i++) {
		draft_init(&herd->drafts[i], world, tenant);
		(void)create_ok(world, &herd->drafts[i]);
	}
}

/* Counts the job if it is of the herd; its place, or -1. */
static int see(struct herd *herd, size_t n, const struct lucius_job *job)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(herd->drafts[i].job_id, job->job_id.data) == 0) {
			herd->n_seen[i]++;
			return (int)i;
		}
	}
	return -1;
}

/* One page; NULL: it was the last one, else the cursor of the next. */
static const char *scan_page(
        struct world *world, struct herd *herd, const char *cursor, uint32_t limit)
{
	struct asked *asked = ask_scan(world, cursor, limit);
	CHECK_STATUS(asked, LUCIUS_OK);
	size_t n_jobs = 0;
	const char *next = NULL;
	for (size_t i = 0; i < asked_n_items(asked); i++) {
		const struct lucius_found *found = asked_item(asked, i);
		next = found->cursor.size != 0 ? found->cursor.data : NULL;
		if (found->job == NULL) {
			continue;
		}
		n_jobs++;
		if (see(herd, N_SCANNED, found->job) >= 0) {
			CHECK_INT(found->job->n_steps, DRAFT_N_STEPS);
			CHECK_TEXT(job_value(found->job, "job_id"), found->job->job_id.data);
			CHECK_TEXT(found->job->tenant_id.data, world->tenant);
			CHECK_TEXT(step_value(found->job, 1, "step_id"), "embedding");
		}
	}
	CHECK(n_jobs <= limit);
	return next;
}

static void scan_all(struct world *world, struct herd *herd, uint32_t limit)
{
	const char *cursor = "";
	memset(herd->n_seen, 0, sizeof(herd->n_seen));
	for (size_t n_pages = 0; cursor != NULL; n_pages++) {
		cursor = scan_page(world, herd, cursor, limit);
		if (n_pages == N_PAGES_MAX) {
			CHECK_FAILED("a scan does not end after %d pages", N_PAGES_MAX);
			return;
		}
	}
}

static void a_scan_shows_every_holder_once_whatever_the_page(void)
{
	static const uint32_t limits[] = { 1, 2, 7, N_SCANNED, 1000 };
	static struct herd herd;
	struct world world;
	world_open(&world);
	make_herd(&world, &herd, world.tenant, N_SCANNED);
	for (size_t k = 0; k < sizeof(limits) / sizeof(limits[0]); k++) {
		scan_all(&world, &herd, limits[k]);
		for (size_t i = 0; i < N_SCANNED; i++) {
			CHECK_INT(herd.n_seen[i], 1);
		}
	}
	world_close(&world);
}

static void a_scan_shows_ended_jobs_until_they_are_released(void)
{
	static struct herd herd;
	struct world world;
	world_open(&world);
	make_herd(&world, &herd, world.tenant, N_SCANNED);
	for (size_t i = 0; i < N_SCANNED; i++) {
		if (i % 3 != 0) {
			end_job(&world, herd.drafts[i].job_id, "SUCCEEDED");
		}
		if (i % 3 == 1) {
			release_job(&world, herd.drafts[i].job_id);
		}
	}
	scan_all(&world, &herd, 7);
	for (size_t i = 0; i < N_SCANNED; i++) {
		CHECK_INT(herd.n_seen[i], i % 3 == 1 ? 0 : 1);
	}
	world_close(&world);
}

/* What happens to the herd between two pages: one job is saved, one ends, one is new. */
static void disturb(struct world *world, struct herd *herd, size_t n)
{
	struct draft fresh;
	struct change change;
	const char *saved_id = herd->drafts[(n * 7 + 1) % N_SCANNED].job_id;
	const char *ended_id = herd->drafts[n * 2 % N_SCANNED].job_id;
	change_init(&change, load_ok(world, saved_id));
	change_set(&change, "doc_id", "disturbed");
	(void)save_ok(world, &change);
	if (!load_ok(world, ended_id)->is_terminal) {
		end_job(world, ended_id, "SUCCEEDED");
		release_job(world, ended_id);
	}
	draft_init(&fresh, world, world->tenant);
	(void)create_ok(world, &fresh);
}

static void a_scan_shows_every_holder_once_while_rows_change(void)
{
	static struct herd herd;
	struct world world;
	const char *cursor = "";
	world_open(&world);
	make_herd(&world, &herd, world.tenant, N_SCANNED);
	for (size_t n = 0; cursor != NULL && n < N_PAGES_MAX; n++) {
		cursor = scan_page(&world, &herd, cursor, 3);
		if (n < 25) {
			disturb(&world, &herd, n);
		}
	}
	/* Those with an odd place have held their slots all the time. */
	for (size_t i = 0; i < N_SCANNED; i++) {
		CHECK(herd.n_seen[i] == 1 || (i % 2 == 0 && herd.n_seen[i] == 0));
	}
	world_close(&world);
}

static void require_list(struct world *world)
{
	if (!LUCIUS_HAS(world->storage, list)) {
		world_close(world);
		conformance_skip("the backend has no list");
	}
}

/* What a list has shown so far. */
struct shown {
	struct herd *herd;
	size_t n_herd;
	size_t n_jobs;
	int last_place; /* of the herd; the next one has to be older */
};

/* Asks for the page of the listing and complains if its jobs do not come newest first; true: the
 * cursor of the listing has been moved on to the next page. */
static bool list_page(struct world *world, struct shown *shown, struct lucius_listing *listing)
{
	struct asked *asked = ask_list(world, listing);
	size_t n_before = shown->n_jobs;
	listing->cursor = text_of("");
	CHECK_STATUS(asked, LUCIUS_OK);
	for (size_t i = 0; i < asked_n_items(asked); i++) {
		const struct lucius_found *found = asked_item(asked, i);
		listing->cursor = found->cursor;
		if (found->job == NULL) {
			continue;
		}
		int place = see(shown->herd, shown->n_herd, found->job);
		CHECK(place >= 0 && place < shown->last_place);
		CHECK_TEXT(job_value(found->job, "job_id"), found->job->job_id.data);
		shown->last_place = place;
		shown->n_jobs++;
	}
	CHECK(shown->n_jobs - n_before <= listing->limit);
	return listing->cursor.size != 0;
}

/* Reads all pages; how many jobs there were. */
static size_t list_all(
        struct world *world, struct herd *herd, size_t n_herd, struct lucius_listing listing)
{
	struct shown shown = { .herd = herd, .n_herd = n_herd, .last_place = (int)n_herd };
	size_t n_pages = 0;
	while (list_page(world, &shown, &listing)) {
		if (++n_pages == N_PAGES_MAX) {
			CHECK_FAILED("a list does not end after %d pages", N_PAGES_MAX);
			break;
		}
	}
	return shown.n_jobs;
}

static struct lucius_listing listing_of(const char *tenant, uint32_t limit)
{
	return (struct lucius_listing){ .size = sizeof(struct lucius_listing),
		.limit = limit,
		.tenant_id = text_of(tenant),
		.state = text_of(""),
		.cursor = text_of("") };
}

static void a_list_has_a_tenants_jobs_newest_first(void)
{
	static const uint32_t limits[] = { 1, 7, 20, 200 };
	static struct herd mine;
	static struct herd others;
	struct world world;
	char other[80];
	world_open(&world);
	require_list(&world);
	(void)snprintf(other, sizeof(other), "%s!", world.tenant);
	for (size_t i = 0; i < 20; i++) {
		draft_init(&mine.drafts[i], &world, world.tenant);
		(void)create_ok(&world, &mine.drafts[i]);
		draft_init(&others.drafts[i], &world, other);
		(void)create_ok(&world, &others.drafts[i]);
	}
	end_job(&world, mine.drafts[3].job_id, "SUCCEEDED");
	release_job(&world, mine.drafts[3].job_id);
	for (size_t k = 0; k < sizeof(limits) / sizeof(limits[0]); k++) {
		CHECK_INT(list_all(&world, &mine, 20, listing_of(world.tenant, limits[k])), 20);
		CHECK_INT(list_all(&world, &others, 20, listing_of(other, limits[k])), 20);
	}
	CHECK_INT(list_all(&world, &mine, 20, listing_of("nobody at all", 5)), 0);
	world_close(&world);
}

static void a_list_can_be_of_one_state(void)
{
	static struct herd herd;
	struct world world;
	world_open(&world);
	require_list(&world);
	make_herd(&world, &herd, world.tenant, 20);
	for (size_t i = 0; i < 20; i += 4) {
		end_job(&world, herd.drafts[i].job_id, "CANCELLED");
		release_job(&world, herd.drafts[i].job_id);
	}
	struct lucius_listing listing = listing_of(world.tenant, 2);
	listing.state = text_of("CANCELLED");
	CHECK_INT(list_all(&world, &herd, 20, listing), 5);
	for (size_t i = 0; i < 20; i++) {
		CHECK_INT(herd.n_seen[i], i % 4 == 0 ? 1 : 0);
	}
	listing.state = text_of("QUEUED");
	CHECK_INT(list_all(&world, &herd, 20, listing), 15);
	listing.state = text_of("PAUSED");
	CHECK_INT(list_all(&world, &herd, 20, listing), 0);
	listing.state = text_of("cancelled");
	CHECK_INT(list_all(&world, &herd, 20, listing), 0);
	world_close(&world);
}

static void a_cursor_that_is_none_is_a_conflict(void)
{
	static const char *const bad[] = { "x", "0", "1", "-1", "9999999999999999999999999999",
		"%00", "' OR 1=1 --", "../..", "AAAA", "{}", "1.0000000000000000" };
	struct world world;
	static struct herd herd;
	char spoilt[600];
	world_open(&world);
	require_list(&world);
	make_herd(&world, &herd, world.tenant, 5);
	struct lucius_listing listing = listing_of(world.tenant, 2);
	struct asked *asked = ask_list(&world, &listing);
	CHECK_STATUS(asked, LUCIUS_OK);
	const struct lucius_found *found = asked_item(asked, 1);
	CHECK(found != NULL && found->cursor.size != 0 && found->cursor.size < sizeof(spoilt));
	if (found != NULL && found->cursor.size != 0 && found->cursor.size < sizeof(spoilt)) {
		(void)snprintf(spoilt, sizeof(spoilt), "%s", found->cursor.data);
		spoilt[found->cursor.size - 1] = '\0';
		listing.cursor = text_of(spoilt);
		CHECK_STATUS(ask_list(&world, &listing), LUCIUS_CONFLICT);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		listing.cursor = text_of(bad[i]);
		CHECK_STATUS(ask_list(&world, &listing), LUCIUS_CONFLICT);
	}
	world_close(&world);
}

static void a_cursor_of_another_tenant_shows_nothing_of_his(void)
{
	static struct herd mine;
	static struct herd others;
	struct world world;
	char other[80];
	world_open(&world);
	require_list(&world);
	(void)snprintf(other, sizeof(other), "%s!", world.tenant);
	make_herd(&world, &mine, world.tenant, 5);
	make_herd(&world, &others, other, 5);
	struct lucius_listing listing = listing_of(other, 2);
	struct asked *asked = ask_list(&world, &listing);
	CHECK_STATUS(asked, LUCIUS_OK);
	const struct lucius_found *found = asked_item(asked, 0);
	CHECK(found != NULL);
	if (found != NULL) {
		listing.tenant_id = text_of(world.tenant);
		listing.cursor = found->cursor;
		asked = ask_list(&world, &listing);
		(void)asked_wait(asked);
		CHECK(asked_status(asked) == LUCIUS_CONFLICT || asked_status(asked) == LUCIUS_OK);
		for (size_t i = 0; i < asked_n_items(asked); i++) {
			found = asked_item(asked, i);
			CHECK_INT(found->job != NULL ? see(&others, 5, found->job) : -1, -1);
		}
	}
	world_close(&world);
}

static void a_list_goes_on_while_jobs_come_and_end(void)
{
	static struct herd herd;
	struct world world;
	struct draft fresh;
	size_t n_pages = 0;
	world_open(&world);
	require_list(&world);
	make_herd(&world, &herd, world.tenant, 12);
	struct shown shown = { .herd = &herd, .n_herd = 12, .last_place = 12 };
	struct lucius_listing listing = listing_of(world.tenant, 2);
	while (list_page(&world, &shown, &listing) && n_pages < 12) {
		draft_init(&fresh, &world, world.tenant);
		(void)create_ok(&world, &fresh);
		end_job(&world, herd.drafts[n_pages].job_id, "SUCCEEDED");
		n_pages++;
	}
	for (size_t i = 0; i < 12; i++) {
		CHECK_INT(herd.n_seen[i], 1);
	}
	world_close(&world);
}

/* Events of a job in the making. */
struct history {
	struct lucius_job_event events[3];
	const struct lucius_job_event *list[3];
	struct lucius_field fields[3][2];
};

static void history_init(struct history *history, uint32_t first_seq, const char *name)
{
	for (uint32_t i = 0; i < 3; i++) {
		history->fields[i][0] = text_field("event", name);
		history->fields[i][1] = text_field("own_field", "kept");
		history->events[i] = (struct lucius_job_event){
			.size = sizeof(struct lucius_job_event),
			.seq = first_seq + i,
			.fields = history->fields[i],
			.n_fields = 2,
		};
		history->list[i] = &history->events[i];
	}
}

static void events_come_back_in_their_order(void)
{
	struct world world;
	struct draft draft;
	struct change change;
	struct history first;
	struct history later;
	struct history refused;
	world_open(&world);
	if (!LUCIUS_HAS(world.storage, events)) {
		world_close(&world);
		conformance_skip("the backend keeps no events");
	}
	history_init(&first, 1, "command.received");
	history_init(&later, 4, "step.initiated");
	history_init(&refused, 4, "refused");
	draft_init(&draft, &world, world.tenant);
	draft.events = first.list;
	draft.n_events = 3;
	change_init(&change, create_ok(&world, &draft));
	change.job.events = later.list;
	change.job.n_events = 3;
	(void)save_ok(&world, &change);
	/* The revision is an old one by now: no event of this save may be kept. */
	change.job.events = refused.list;
	CHECK_STATUS(ask_save(&world, world.instance, &change.job), LUCIUS_CONFLICT);
	struct asked *asked = ask_events(&world, draft.job_id);
	CHECK_STATUS(asked, LUCIUS_OK);
	CHECK_INT(asked_n_items(asked), 6);
	for (size_t i = 0; i < asked_n_items(asked); i++) {
		const struct lucius_job_event *event = asked_item(asked, i);
		CHECK_INT(event->seq, i + 1);
		CHECK_TEXT(value_of(event->fields, event->n_fields, "event"),
		        i < 3 ? "command.received" : "step.initiated");
		CHECK_TEXT(value_of(event->fields, event->n_fields, "own_field"), "kept");
	}
	CHECK_INT(load_ok(&world, draft.job_id)->n_events, 0);
	CHECK_STATUS(ask_events(&world, "00000000000000000000000000000000"), LUCIUS_NOT_FOUND);
	world_close(&world);
}

const struct conformance_test storage_page_tests[] = {
	CONFORMANCE_TEST(a_scan_shows_every_holder_once_whatever_the_page),
	CONFORMANCE_TEST(a_scan_shows_ended_jobs_until_they_are_released),
	CONFORMANCE_TEST(a_scan_shows_every_holder_once_while_rows_change),
	CONFORMANCE_TEST(a_list_has_a_tenants_jobs_newest_first),
	CONFORMANCE_TEST(a_list_can_be_of_one_state),
	CONFORMANCE_TEST(a_cursor_that_is_none_is_a_conflict),
	CONFORMANCE_TEST(a_cursor_of_another_tenant_shows_nothing_of_his),
	CONFORMANCE_TEST(a_list_goes_on_while_jobs_come_and_end),
	CONFORMANCE_TEST(events_come_back_in_their_order),
	{ NULL, NULL },
};
