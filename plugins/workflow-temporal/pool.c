/* SPDX-License-Identifier: MIT */
/* A chain of blocks; what is taken is never given back alone. */
#include "plugins/workflow-temporal/pool.h"

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

struct pool_block {
	struct pool_block *before;
	size_t size;
	alignas(max_align_t) unsigned char bytes[];
};

void pool_finish(struct pool *pool)
{
	while (pool->newest != NULL) {
		struct pool_block *block = pool->newest;
		pool->newest = block->before;
		free(block);
	}
	*pool = (struct pool){ 0 };
}

static size_t aligned(size_t size)
{
	return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

void *pool_take(struct pool *pool, size_t size)
{
	size_t taken = aligned(size != 0 ? size : 1);
	if (pool->newest == NULL || pool->newest->size - pool->used < taken) {
		size_t room = taken > BLOCK_SIZE ? taken : BLOCK_SIZE;
		struct pool_block *block = must_calloc(1, sizeof(*block) + room);
		block->before = pool->newest;
		block->size = room;
		pool->newest = block;
		pool->used = 0;
	}
	void *bytes = pool->newest->bytes + pool->used;
	pool->used += taken;
	return bytes;
}

char *pool_copy(struct pool *pool, const void *bytes, size_t size)
{
	char *copy = pool_take(pool, size + 1);
	if (size != 0) {
		memcpy(copy, bytes, size);
	}
	return copy;
}

static void *take_within_budget(void *user, size_t size)
{
	struct pool *pool = user;
	if (size > pool->left) {
		return NULL;
	}
	pool->left -= size;
	return pool_take(pool, size);
}

static void keep(void *user, void *bytes)
{
	(void)user;
	(void)bytes;
}

void *pool_unpack(struct pool *pool, const ProtobufCMessageDescriptor *descriptor,
        const void *bytes, size_t size)
{
	static const uint8_t nothing[1];
	ProtobufCAllocator allocator = { take_within_budget, keep, pool };
	size_t budget =
	        size < BUDGET_AT_MOST / BUDGET_FACTOR ? size * BUDGET_FACTOR : BUDGET_AT_MOST;
	pool->left = budget > BUDGET_AT_LEAST ? budget : BUDGET_AT_LEAST;
	return protobuf_c_message_unpack(
	        descriptor, &allocator, size, bytes != NULL ? bytes : nothing);
}
