/* SPDX-License-Identifier: MIT */
/* Pages of jobs, with cursors that say where the next one goes on. */
#include "plugins/storage-memory/pages.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/fault.h"

/* Jobs of other states that one page passes over at most: a page's work is bounded. */
#define N_PASSED_MAX 2000

struct page {
	struct store *store;
	found_fn on_found;
	void *user;
	struct lucius_text scope; /* of the cursors */
	unsigned what; /* STORE_SHOW_… */
};

/* Gives a job (NULL: none); the next page goes on at position (NULL: there is none). */
static void give(const struct page *page, const struct job *job, const char *position)
{
	char cursor[CURSOR_SIZE] = "";
	if (position != NULL) {
		cursor_write(cursor, page->store->salt, page->scope, position);
	}
	struct lucius_found found = {
		.size = sizeof(found),
		.job = job != NULL ? store_show(page->store, job, page->what) : NULL,
		.cursor = { cursor, strlen(cursor) },
	};
	page->on_found(page->user, &found);
}

/* The position that the cursor stands for, empty for none; false: it is not of this scope. */
static bool read_position(
        const struct page *page, struct lucius_text cursor, char position[CURSOR_POSITION_MAX + 1])
{
	position[0] = '\0';
	return cursor.size == 0 || cursor_read(cursor, page->store->salt, page->scope, position);
}

uint32_t pages_scan(struct store *store, struct lucius_text cursor, uint32_t limit,
        found_fn on_found, void *user)
{
	struct page page = { store, on_found, user, { "scan", 4 },
		STORE_SHOW_FIELDS | STORE_SHOW_STEPS };
	char position[CURSOR_POSITION_MAX + 1];
	if (!read_position(&page, cursor, position)) {
		(void)snprintf(store->sentence, sizeof(store->sentence),
		        "The cursor \"%.*s\" of a scan is none of this store's.", (int)cursor.size,
		        cursor.data);
		return LUCIUS_INTERNAL;
	}
	uint32_t after = (uint32_t)strtoul(position, NULL, 16);
	struct job *job = slots_next(&store->slots, after);
	for (uint32_t i = 0; i < limit && job != NULL; i++) {
		struct job *next = slots_next(&store->slots, job->slot);
		(void)snprintf(position, sizeof(position), "%" PRIx32, job->slot);
		give(&page, job, next != NULL ? position : NULL);
		job = next;
	}
	return LUCIUS_OK;
}

/* "<serial>-<job id>": the id finds the place at once while the job is there. */
static const struct job *list_from(
        struct store *store, struct lucius_text tenant_id, const char *position)
{
	struct tenant *tenant =
	        tenants_find(&store->tenants, tenant_id, tenants_hash(&store->tenants, tenant_id));
	if (tenant == NULL || position[0] == '\0') {
		return tenant != NULL ? tenant->newest : NULL;
	}
	char *id = NULL;
	uint64_t serial = strtoull(position, &id, 16);
	id += *id == '-' ? 1 : 0;
	struct lucius_text id_text = { id, strlen(id) };
	const struct job *job = store_find(store, id_text);
	if (job != NULL && job->serial == serial && job->tenant == tenant) {
		return FAULT(page_border_taken_twice) ? job : job->older;
	}
	for (job = tenant->newest; job != NULL && job->serial >= serial; job = job->older) {
	}
	return job;
}

static void write_position(char position[CURSOR_POSITION_MAX + 1], const struct job *job)
{
	(void)snprintf(
	        position, CURSOR_POSITION_MAX + 1, "%" PRIx64 "-%s", job->serial, job_id(job).data);
}

static bool is_listed(const struct lucius_listing *listing, const struct job *job)
{
	struct lucius_text state = job_state(job);
	return listing->state.size == 0 ||
	        (state.size == listing->state.size &&
	                memcmp(state.data, listing->state.data, state.size) == 0);
}

/* A job is given once it is known whether another one comes after it. */
static void list_page(
        const struct page *page, const struct lucius_listing *listing, const struct job *job)
{
	const struct job *held_back = NULL;
	const struct job *last_passed = NULL;
	char position[CURSOR_POSITION_MAX + 1] = "";
	uint32_t n_found = 0;
	uint32_t n_passed = 0;
	for (; job != NULL && n_passed < N_PASSED_MAX; job = job->older) {
		if (!is_listed(listing, job)) {
			last_passed = job;
			n_passed++;
			continue;
		}
		if (held_back != NULL) {
			write_position(position, held_back);
			give(page, held_back, position);
			held_back = NULL;
		}
		if (n_found == listing->limit) {
			return;
		}
		held_back = job;
		n_found++;
	}
	if (held_back != NULL) {
		write_position(position, held_back);
		give(page, held_back, job != NULL ? position : NULL);
	}
	if (job != NULL && n_found < listing->limit) {
		write_position(position, last_passed);
		give(page, NULL, position);
	}
}

uint32_t pages_list(
        struct store *store, const struct lucius_listing *listing, found_fn on_found, void *user)
{
	struct page page = { store, on_found, user, listing->tenant_id, STORE_SHOW_FIELDS };
	char position[CURSOR_POSITION_MAX + 1];
	if (!read_position(&page, listing->cursor, position)) {
		return LUCIUS_CONFLICT;
	}
	list_page(&page, listing, list_from(store, listing->tenant_id, position));
	return LUCIUS_OK;
}
