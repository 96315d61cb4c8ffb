/* SPDX-License-Identifier: MIT */
/*
 * The timers of a loop, ordered by when they are due and, where that is the same, by when they
 * were started. Starting and stopping cost a few comparisons and no allocation once warm.
 */
#ifndef CORE_TIMER_HEAP_H
#define CORE_TIMER_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include <lucius/plugin.h>

struct loop;

struct timer {
	struct loop *loop; /* borrowed */
	uint64_t due_us;
	uint64_t serial;
	size_t place; /* in the heap */
	lucius_fn fn;
	void *user;
	struct timer *next_free;
};

struct timer_heap {
	struct timer **timers; /* owned, as all they point to */
	size_t n_timers;
	size_t n_room;
	uint64_t n_started;
	struct timer *free; /* owned; kept for the next start */
};

void timer_heap_finish(struct timer_heap *heap);
/* A timer in the heap; the caller fills in loop, fn and user. */
struct timer *timer_heap_add(struct timer_heap *heap, uint64_t due_us);
/* Takes it out and makes the handle void. */
void timer_heap_remove(struct timer_heap *heap, struct timer *timer);
/* The one that is due first; NULL: none. */
struct timer *timer_heap_first(const struct timer_heap *heap);

#endif
