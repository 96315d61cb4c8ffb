/* SPDX-License-Identifier: MIT */
/*
 * Memory that is given back at once, within a budget: messages are unpacked into it, so that one
 * from outside cannot take more than it may, whatever it says.
 */
#ifndef WORKFLOW_TEMPORAL_ARENA_H
#define WORKFLOW_TEMPORAL_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *newest; /* owned; each leads to the one before */
	size_t used; /* bytes of the newest block */
	size_t left; /* bytes that may still be taken for messages */
};

/* All zeros is an empty arena. */
void arena_finish(struct arena *arena);

/* Zeroed, aligned for anything; never NULL, and not counted against the budget. */
void *arena_take(struct arena *arena, size_t size);
/* A copy with a NUL behind. */
char *arena_copy(struct arena *arena, const void *bytes, size_t size);

/*
 * Unpacks a message of at most that many times its size, all copied. NULL: it is none, or takes
 * more than the budget.
 */
void *arena_unpack(struct arena *arena, const ProtobufCMessageDescriptor *descriptor,
        const void *bytes, size_t size);

#endif
