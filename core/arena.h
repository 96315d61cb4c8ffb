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

struct arena_block;
struct arena {
	struct arena_block *blocks; /* owned; the newest first */
};

/* Memory of at least size bytes, aligned for anything, not zeroed; good until arena_finish. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_zalloc(struct arena *arena, size_t size);
/* A copy with a NUL behind it. Bytes may be NULL if size is 0. */
char *arena_copy(struct arena *arena, const void *bytes, size_t size);
struct lucius_text arena_text(struct arena *arena, struct lucius_text text);
__attribute__((format(printf, 2, 3))) char *arena_printf(
        struct arena *arena, const char *format, ...);
/* The texts one behind the other; the last argument is NULL. */
__attribute__((sentinel)) char *arena_join(struct arena *arena, ...);
/* Ends everything in it; the arena is empty and usable. */
void arena_finish(struct arena *arena);
/* Gives the pooled blocks back to the system. */
void arena_pool_drain(void);

#define CLEANUP_ARENA CLEANUP(arena_finish)

#endif
