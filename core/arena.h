/* SPDX-License-Identifier: MIT */
/*
 * A bump allocator: many small things that end together. Blocks go back to a pool of the process,
 * so that a steady state allocates nothing. All zeros is an empty arena. Out of memory aborts.
 */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <stddef.h>

#include <lucius/plugin.h>

#include "support/base/cleanup.h"

#define ARENA_ALIGNMENT ((size_t)16)

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t capacity;
	size_t padding; /* keeps bytes aligned */
	unsigned char bytes[];
};

struct arena {
	struct arena_block *blocks; /* owned; the newest first */
};

/* Where the newest block has too little room. */
void *arena_alloc_block(struct arena *arena, size_t size);

/* Memory of at least size bytes, aligned for anything, not zeroed; good until arena_finish. */
static inline void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->blocks;
	size_t rounded = (size + ARENA_ALIGNMENT - 1) & ~(ARENA_ALIGNMENT - 1);
	if (block == NULL || rounded < size || block->capacity - block->used < rounded) {
		return arena_alloc_block(arena, size);
	}
	void *memory = block->bytes + block->used;
	block->used += rounded;
	return memory;
}

void *arena_zalloc(struct arena *arena, size_t size);
/* A copy with a NUL behind it. Bytes may be NULL if size is 0. */
char *arena_copy(struct arena *arena, const void *bytes, size_t size);
struct lucius_text arena_text(struct arena *arena, struct lucius_text text);
__attribute__((format(printf, 2, 3))) char *arena_printf(
        struct arena *arena, const char *format, ...);
/* The texts one behind the other; the last argument is NULL. */
__attribute__((sentinel)) char *arena_join(struct arena *arena, ...);
/* What is in `from` moves into the arena and ends with it; `from` is empty and usable. */
void arena_take_over(struct arena *arena, struct arena *from);
/* Ends everything in it; the arena is empty and usable. */
void arena_finish(struct arena *arena);
/* Gives the pooled blocks back to the system. */
void arena_pool_drain(void);

#define CLEANUP_ARENA CLEANUP(arena_finish)

#endif
