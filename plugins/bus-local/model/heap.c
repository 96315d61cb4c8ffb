/* SPDX-License-Identifier: MIT */
/*
 * Four children a node and the keys beside the pointers: most of what is put in is due last and
 * most of what is taken out is due soon, so nearly all moves stay within a cache line or two.
 */
#include "plugins/bus-local/model/heap.h"

#include <stdlib.h>

#include "support/base/memory.h"

#define N_CHILDREN 4

void heap_finish(struct heap *heap)
{
	free(heap->slots);
	*heap = (struct heap){ 0 };
}

static void put(struct heap *heap, size_t at, struct heap_slot slot)
{
	heap->slots[at] = slot;
	slot.node->place = at + 1;
}

static void sift_up(struct heap *heap, size_t at, struct heap_slot slot)
{
	while (at > 0) {
		size_t parent = (at - 1) / N_CHILDREN;
		if (heap->slots[parent].key <= slot.key) {
			break;
		}
		put(heap, at, heap->slots[parent]);
		at = parent;
	}
	put(heap, at, slot);
}

static size_t smallest_child(const struct heap *heap, size_t at)
{
	size_t first = at * N_CHILDREN + 1;
	size_t end = first + N_CHILDREN < heap->n ? first + N_CHILDREN : heap->n;
	size_t smallest = first;
	for (size_t i = first + 1; i < end; i++) {
		if (heap->slots[i].key < heap->slots[smallest].key) {
			smallest = i;
		}
	}
	return smallest;
}

static void sift_down(struct heap *heap, size_t at, struct heap_slot slot)
{
	while (at * N_CHILDREN + 1 < heap->n) {
		size_t child = smallest_child(heap, at);
		if (slot.key <= heap->slots[child].key) {
			break;
		}
		put(heap, at, heap->slots[child]);
		at = child;
	}
	put(heap, at, slot);
}

void heap_insert(struct heap *heap, struct heap_node *node, int64_t key)
{
	if (heap->n == heap->n_allocated) {
		heap->n_allocated = heap->n_allocated != 0 ? heap->n_allocated * 2 : 16;
		heap->slots = must_resize(heap->slots, heap->n_allocated, sizeof(*heap->slots));
	}
	heap->n++;
	sift_up(heap, heap->n - 1, (struct heap_slot){ .key = key, .node = node });
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
	if (node->place == 0) {
		return;
	}
	size_t at = node->place - 1;
	node->place = 0;
	heap->n--;
	if (at == heap->n) {
		return;
	}
	struct heap_slot last = heap->slots[heap->n];
	if (at > 0 && last.key < heap->slots[(at - 1) / N_CHILDREN].key) {
		sift_up(heap, at, last);
	} else {
		sift_down(heap, at, last);
	}
}

struct heap_node *heap_first(const struct heap *heap)
{
	return heap->n != 0 ? heap->slots[0].node : NULL;
}

int64_t heap_first_key(const struct heap *heap)
{
	return heap->n != 0 ? heap->slots[0].key : INT64_MAX;
}
