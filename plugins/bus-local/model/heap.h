/* SPDX-License-Identifier: MIT */
/* A heap of embedded nodes ordered by a number: the smallest is at hand, any can be taken out. */
#ifndef BUS_LOCAL_MODEL_HEAP_H
#define BUS_LOCAL_MODEL_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in what is ordered; zeroed when it is in no heap. */
struct heap_node {
	size_t place; /* index in the heap + 1 */
};

struct heap_slot {
	int64_t key;
	struct heap_node *node; /* borrowed while it is in the heap */
};

/* Zeroed: empty. */
struct heap {
	struct heap_slot *slots; /* owned */
	size_t n;
	size_t n_allocated;
};

void heap_finish(struct heap *heap);

/* The node must be in no heap. */
void heap_insert(struct heap *heap, struct heap_node *node, int64_t key);

/* Does nothing if the node is in no heap. */
void heap_remove(struct heap *heap, struct heap_node *node);

/* The node with the smallest key, or NULL. */
struct heap_node *heap_first(const struct heap *heap);

/* The smallest key; INT64_MAX if there is none. */
int64_t heap_first_key(const struct heap *heap);

static inline bool heap_holds(const struct heap_node *node)
{
	return node->place != 0;
}

#endif
