/* SPDX-License-Identifier: MIT */
/* Walks through lists of jobs: reader.c makes them, watch_lists.c holds them against the store. */
#ifndef TESTS_SIM_SYSTEM_LISTS_H
#define TESTS_SIM_SYSTEM_LISTS_H

#include "tests/sim/system/world.h"

enum { MAX_SEEN = 128, CURSOR_ROOM = 128 };

/* One walk from the newest job on. Nothing in it is owned, so that it goes with free. */
struct walk {
	unsigned number;
	unsigned tenant;
	const char *state; /* NULL: of any */
	bool is_at_rest; /* nothing changes any more: what is listed is known exactly */
	bool is_probe; /* its cursor is none of this list: one request, to be refused */
	bool is_over;
	unsigned life; /* of the process whose memory is read, when it began */
	uint64_t began_ms, asked_ms; /* the walk; the page that is asked for */
	unsigned limit; /* of that page */
	char cursor[CURSOR_ROOM];
	unsigned n_pages, n_seen;
	const struct shadow *seen[MAX_SEEN]; /* in the order of the list */
};

/* A page has come: what is on it is checked, and the cursor moved on. */
void lists_take_page(struct world *world, struct walk *walk, const char *body);
/* After the last page: what should have been on one of them. */
void lists_check_end(struct world *world, const struct walk *walk);

#endif
