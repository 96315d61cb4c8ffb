/* SPDX-License-Identifier: MIT */
/*
 * Long polls for tasks of one sort. A poll is only open while a slot is free for what it may bring;
 * whoever takes a task holds the slot until it is answered.
 */
#ifndef WORKFLOW_TEMPORAL_POLLER_H
#define WORKFLOW_TEMPORAL_POLLER_H

#include <stdbool.h>
#include <stddef.h>

#include "support/grpc/grpc.h"

struct engine;
struct lucius_timer;
struct poller;

struct poller_set {
	struct engine *engine; /* borrowed */
	const char *method;
	/* A task has come, its slot is taken. Borrowed for the call. False: it is none. */
	bool (*take)(struct engine *engine, const struct grpc_answer *answer);
	struct poller *pollers; /* owned; NULL: not started */
	size_t n_pollers;
	size_t n_slots;
	size_t n_used; /* by tasks that are worked on, or kept for one */
	size_t n_open; /* polls */
};

void poller_set_start(struct poller_set *set, size_t n_pollers, size_t n_slots);
/* Slots that neither a task nor a poll has. */
size_t poller_set_free(const struct poller_set *set);
/* A slot for a task that comes on another way than a poll; false: none is free. */
bool poller_set_reserve(struct poller_set *set);
/* A task has been answered, or what a slot was kept for has not come. */
void poller_set_release(struct poller_set *set);
/* Polls that never reached the server are given up; with is_all, the others too. */
void poller_set_cancel(struct poller_set *set, bool is_all);
/* Frees the pollers; none may be open. */
void poller_set_finish(struct poller_set *set);

#endif
