/* SPDX-License-Identifier: MIT */
/*
 * Copies that live and die together: the arguments and the results of one operation. What is freed
 * is overwritten first, so that whoever keeps a pointer reads rubbish.
 */
#ifndef SDK_CONFORMANCE_ARENA_H
#define SDK_CONFORMANCE_ARENA_H

#include <stddef.h>

#include <lucius/plugin.h>

struct arena_block;

/* All zeros is an empty arena. Out of memory ends the process. */
struct arena {
	struct arena_block *blocks; /* owned */
};

void arena_finish(struct arena *arena);
/* Zeroed memory for n things of that size. */
void *arena_take(struct arena *arena, size_t n, size_t size);
/* A copy with a NUL behind; of NULL an empty one. */
void *arena_copy(struct arena *arena, const void *bytes, size_t size);
struct lucius_text arena_text(struct arena *arena, struct lucius_text text);
struct lucius_field *arena_fields(
        struct arena *arena, const struct lucius_field *fields, uint64_t n_fields);
/* A zeroed struct of full_size into which as much is copied as the given one says that it has. */
void *arena_struct(struct arena *arena, const void *given, size_t given_size, size_t full_size);

#endif
