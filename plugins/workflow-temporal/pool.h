/* SPDX-License-Identifier: MIT */
/*
 * Memory that is given back at once, within a budget: messages are unpacked into it, so that one
 * from outside cannot take more than it may, whatever it says.
 */
#ifndef WORKFLOW_TEMPORAL_POOL_H
#define WORKFLOW_TEMPORAL_POOL_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

struct pool_block;

struct pool {
	struct pool_block *newest; /* owned; each leads to the one before */
	size_t used; /* bytes of the newest block */
	size_t left; /* bytes that may still be taken for messages */
};

/* All zeros is an empty pool. */
void pool_finish(struct pool *pool);

/* Zeroed, aligned for anything; never NULL, and not counted against the budget. */
void *pool_take(struct pool *pool, size_t size);
/* A copy with a NUL behind. */
char *pool_copy(struct pool *pool, const void *bytes, size_t size);

/*
 * Unpacks a message of at most that many times its size, all copied. NULL: it is none, or takes
 * more than the budget.
 */
void *pool_unpack(struct pool *pool, const ProtobufCMessageDescriptor *descriptor,
        const void *bytes, size_t size);

#endif
