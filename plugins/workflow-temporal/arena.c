/* SPDX-License-Identifier: MIT */
/* A chain of blocks; what is taken is never given back alone. */
#include "plugins/workflow-temporal/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "support/base/memory.h"

#define BLOCK_SIZE ((size_t)16 * 1024)
/*
 * A message in memory beside its bytes: an event that says little has pointers for all that it
 * might say. Measured on histories it is about eight times; what is over this is made to hurt.
 */
#define BUDGET_FACTOR 40u
#define BUDGET_AT_LEAST ((size_t)64 * 1024)
#define BUDGET_AT_MOST ((size_t)512 * 1024 * 1024)

struct arena_block {
	struct arena_block *before;
	size_t size;
	alignas(max_align_t) unsigned char bytes[];
};

void arena_finish(struct arena *arena)
{
	while (arena->newest != NULL) {
		struct arena_block *block = arena->newest;
		arena->newest = block->before;
		free(block);
	}
	*arena = (struct arena){ 0 };
}

static size_t aligned(size_t size)
{
	return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

void *arena_take(struct arena *arena, size_t size)
{
	size_t taken = aligned(size != 0 ? size : 1);
	if (arena->newest == NULL || arena->newest->size - arena->used < taken) {
		size_t room = taken > BLOCK_SIZE ? taken : BLOCK_SIZE;
		struct arena_block *block = must_calloc(1, sizeof(*block) + room);
		block->before = arena->newest;
		block->size = room;
		arena->newest = block;
		arena->used = 0;
	}
	void *bytes = arena->newest->bytes + arena->used;
	arena->used += taken;
	return bytes;
}

char *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
	char *copy = arena_take(arena, size + 1);
	if (size != 0) {
		memcpy(copy, bytes, size);
	}
	return copy;
}

static void *take_within_budget(void *user, size_t size)
{
	struct arena *arena = user;
	if (size > arena->left) {
		return NULL;
	}
	arena->left -= size;
	return arena_take(arena, size);
}

static void keep(void *user, void *bytes)
{
	(void)user;
	(void)bytes;
}

void *arena_unpack(struct arena *arena, const ProtobufCMessageDescriptor *descriptor,
        const void *bytes, size_t size)
{
	static const uint8_t nothing[1];
	ProtobufCAllocator allocator = { take_within_budget, keep, arena };
	size_t budget =
	        size < BUDGET_AT_MOST / BUDGET_FACTOR ? size * BUDGET_FACTOR : BUDGET_AT_MOST;
	arena->left = budget > BUDGET_AT_LEAST ? budget : BUDGET_AT_LEAST;
	return protobuf_c_message_unpack(
	        descriptor, &allocator, size, bytes != NULL ? bytes : nothing);
}
