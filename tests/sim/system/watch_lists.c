/* SPDX-License-Identifier: MIT */
/*
 * Holds each page of a list, and each walk as a whole, against the jobs as they were committed. Of
 * a job that comes or changes while the walk goes on nothing is promised but what the page shows.
 */
#include <stdlib.h>
#include <string.h>

#include "core/job_json.h"
#include "support/base/memory.h"
#include "tests/sim/system/lists.h"

enum { MAX_PAGES = 400 };

/* What a job looked like from since_ms on. */
struct version {
	struct version *older;
	uint64_t since_ms;
	enum job_state state;
	json_t *shown; /* owned; as the API shows it */
};

static json_t *show(const struct job *job)
{
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	job_json_job(&writer, job);
	json_t *shown = json_loads(json_writer_text(&writer), 0, NULL);
	if (shown == NULL) {
		abort();
	}
	return shown;
}

void lists_note(const struct world *world, struct shadow *shadow)
{
	if (!world->request.wants_lists) {
		return;
	}
	struct version *version = must_calloc(1, sizeof(*version));
	*version = (struct version){ shadow->versions, world->now_ms, shadow->job->state,
		show(shadow->job) };
	shadow->versions = version;
}

void lists_forget(struct shadow *shadow)
{
	while (shadow->versions != NULL) {
		struct version *version = shadow->versions;
		shadow->versions = version->older;
		json_decref(version->shown);
		free(version);
	}
}

/* It was shown like that at some moment since then. */
static bool has_been(const struct shadow *shadow, const json_t *shown, uint64_t since_ms)
{
	for (const struct version *at = shadow->versions; at != NULL; at = at->older) {
		if (json_equal(at->shown, shown)) {
			return true;
		}
		if (at->since_ms < since_ms) {
			break; /* older ones were over by then */
		}
	}
	return false;
}

/* State NULL: whatever it was. */
static bool was_all_along(const struct shadow *shadow, const char *state, uint64_t since_ms)
{
	for (const struct version *at = shadow->versions; at != NULL; at = at->older) {
		if (state != NULL && strcmp(job_state_text(at->state), state) != 0) {
			return false;
		}
		if (at->since_ms < since_ms) {
			return true;
		}
	}
	return false; /* it was not there when the walk began */
}

static bool is_of(const struct walk *walk, const struct shadow *shadow)
{
	char tenant[8];
	(void)snprintf(tenant, sizeof(tenant), "t%u", walk->tenant);
	return value_is(&shadow->job->tenant_id, tenant);
}

static bool is_seen(const struct walk *walk, const struct shadow *shadow)
{
	for (unsigned i = 0; i < walk->n_seen; i++) {
		if (walk->seen[i] == shadow) {
			return true;
		}
	}
	return false;
}

/* By the time of creation in tables, by the order of commits in memory: shadows stand in that. */
static bool is_in_order(
        const struct world *world, const struct shadow *one, const struct shadow *next)
{
	if (world->tables_kind != NULL) {
		return strcmp(value_text(&one->job->created_at),
		               value_text(&next->job->created_at)) >= 0;
	}
	const struct shadow *at = one->next;
	while (at != NULL && at != next) {
		at = at->next;
	}
	return at != NULL;
}

static void take_job(struct world *world, struct walk *walk, const json_t *shown)
{
	const char *id = json_string_value(json_object_get(shown, "job_id"));
	const char *state = json_string_value(json_object_get(shown, "state"));
	const struct shadow *shadow = id != NULL ? watch_find(world, id) : NULL;
	if (shadow == NULL || state == NULL || walk->n_seen == MAX_SEEN) {
		world_violate(world, id, "walk %u: a list has what was never committed: %s",
		        walk->number, id != NULL ? id : "no id");
		return;
	}
	if (!is_of(walk, shadow)) {
		world_violate(world, id, "walk %u: a list has another tenant's job", walk->number);
	}
	if (is_seen(walk, shadow)) {
		world_violate(world, id, "walk %u: a job is listed twice", walk->number);
	} else if (walk->n_seen != 0 && !is_in_order(world, walk->seen[walk->n_seen - 1], shadow)) {
		world_violate(
		        world, id, "walk %u: a newer job is behind an older one", walk->number);
	}
	if (walk->state != NULL && strcmp(walk->state, state) != 0) {
		world_violate(world, id, "walk %u: a list of %s has a job that is %s", walk->number,
		        walk->state, state);
	}
	if (!has_been(shadow, shown, walk->asked_ms)) {
		world_violate(world, id, "walk %u: a job is listed as it was not (%s)",
		        walk->number, state);
	}
	walk->seen[walk->n_seen++] = shadow;
}

static void take_next(struct world *world, struct walk *walk, const json_t *next)
{
	const char *cursor = json_string_value(next);
	if (cursor == NULL) {
		walk->is_over = true;
		if (!json_is_null(next)) {
			world_violate(world, NULL, "walk %u: next is neither cursor nor null",
			        walk->number);
		}
		return;
	}
	bool is_moved = cursor[0] != '\0' && strcmp(cursor, walk->cursor) != 0;
	if (!is_moved || strlen(cursor) >= CURSOR_ROOM || walk->n_pages > MAX_PAGES) {
		world_violate(world, NULL, "walk %u does not end", walk->number);
		return;
	}
	(void)snprintf(walk->cursor, sizeof(walk->cursor), "%s", cursor);
}

void lists_take_page(struct world *world, struct walk *walk, const char *body)
{
	json_t *page = json_loads(body, 0, NULL);
	const json_t *jobs = json_object_get(page, "jobs");
	walk->n_pages++;
	world->outcome->n_pages++;
	world->outcome->n_listed += json_array_size(jobs);
	world_say(world, NULL, "walk %u: page %u has %zu jobs", walk->number, walk->n_pages,
	        json_array_size(jobs));
	if (!json_is_array(jobs) || json_array_size(jobs) > walk->limit) {
		world_violate(world, NULL, "walk %u: a page is longer than %u", walk->number,
		        walk->limit);
	}
	for (size_t i = 0; i < json_array_size(jobs); i++) {
		take_job(world, walk, json_array_get(jobs, i));
	}
	take_next(world, walk, json_object_get(page, "next"));
	json_decref(page);
}

/* It was there, in the state that is asked for; and a client has its 202 from before. */
static bool is_promised(const struct walk *walk, const struct shadow *shadow)
{
	bool is_known = shadow->is_accepted && shadow->accepted_ms < walk->began_ms;
	return (is_known || walk->is_at_rest) && was_all_along(shadow, walk->state, walk->began_ms);
}

/* Without those that a late command has made, or changed, since all came to rest. */
static unsigned count_unchanged(const struct walk *walk)
{
	unsigned n = 0;
	for (unsigned i = 0; i < walk->n_seen; i++) {
		n += walk->seen[i]->versions->since_ms < walk->began_ms ? 1 : 0;
	}
	return n;
}

void lists_check_end(struct world *world, const struct walk *walk)
{
	unsigned n_promised = 0;
	for (const struct shadow *at = world->shadows; at != NULL; at = at->next) {
		if (at->is_gone || !is_of(walk, at) || !is_promised(walk, at)) {
			continue;
		}
		n_promised++;
		if (!is_seen(walk, at)) {
			world_violate(world, at->job_id, "walk %u: a job is missing in a list%s%s",
			        walk->number, walk->state != NULL ? " of " : "",
			        walk->state != NULL ? walk->state : "");
		}
	}
	if (walk->is_at_rest && count_unchanged(walk) > n_promised) {
		world_violate(world, NULL, "walk %u: at rest more jobs are listed than there are",
		        walk->number);
	}
}
