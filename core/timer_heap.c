/* SPDX-License-Identifier: MIT */
/* A heap with four children a node: flatter than a binary one, so that a start touches less. */
#include "core/timer_heap.h"

#include "support/base/memory.h"

#if defined(__SANITIZE_ADDRESS__)
enum { IS_POOLED = 0 }; /* so that a use after the end is seen */
#else
enum { IS_POOLED = 1 };
#endif

enum { N_CHILDREN = 4 };

static int is_before(const struct timer *a, const struct timer *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->serial < b->serial;
}

static void put(struct timer_heap *heap, struct timer *timer, size_t place)
{
	heap->timers[place] = timer;
	timer->place = place;
}

static void rise(struct timer_heap *heap, struct timer *timer, size_t place)
{
	while (place > 0) {
		size_t parent = (place - 1) / N_CHILDREN;
		if (!is_before(timer, heap->timers[parent])) {
			break;
		}
		put(heap, heap->timers[parent], place);
		place = parent;
	}
	put(heap, timer, place);
}

/* The child of a place that is due first; n_timers if it has none. */
static size_t first_child(const struct timer_heap *heap, size_t place)
{
	size_t child = place * N_CHILDREN + 1;
	if (child >= heap->n_timers) {
		return heap->n_timers;
	}
	size_t first = child;
	for (size_t i = child + 1; i < heap->n_timers && i < child + N_CHILDREN; i++) {
		if (is_before(heap->timers[i], heap->timers[first])) {
			first = i;
		}
	}
	return first;
}

static void sink(struct timer_heap *heap, struct timer *timer, size_t place)
{
	for (;;) {
		size_t child = first_child(heap, place);
		if (child == heap->n_timers || !is_before(heap->timers[child], timer)) {
			break;
		}
		put(heap, heap->timers[child], place);
		place = child;
	}
	put(heap, timer, place);
}

static struct timer *take_free(struct timer_heap *heap)
{
	struct timer *timer = heap->free;
	if (timer == NULL) {
		return must_calloc(1, sizeof(*timer));
	}
	heap->free = timer->next_free;
	return timer;
}

struct timer *timer_heap_add(struct timer_heap *heap, uint64_t due_us)
{
	if (heap->n_timers == heap->n_room) {
		heap->n_room = heap->n_room != 0 ? heap->n_room * 2 : 64;
		heap->timers = must_resize(heap->timers, heap->n_room, sizeof(*heap->timers));
	}
	struct timer *timer = take_free(heap);
	timer->due_us = due_us;
	timer->serial = heap->n_started++;
	heap->n_timers++;
	rise(heap, timer, heap->n_timers - 1);
	return timer;
}

void timer_heap_remove(struct timer_heap *heap, struct timer *timer)
{
	size_t place = timer->place;
	struct timer *last = heap->timers[--heap->n_timers];
	if (last != timer) {
		if (is_before(last, timer)) {
			rise(heap, last, place);
		} else {
			sink(heap, last, place);
		}
	}
	if (!IS_POOLED) {
		free(timer);
		return;
	}
	timer->next_free = heap->free;
	heap->free = timer;
}

struct timer *timer_heap_first(const struct timer_heap *heap)
{
	return heap->n_timers != 0 ? heap->timers[0] : NULL;
}

void timer_heap_finish(struct timer_heap *heap)
{
	for (size_t i = 0; i < heap->n_timers; i++) {
		free(heap->timers[i]);
	}
	free(heap->timers);
	for (struct timer *timer = heap->free, *next; timer != NULL; timer = next) {
		next = timer->next_free;
		free(timer);
	}
	*heap = (struct timer_heap){ 0 };
}
