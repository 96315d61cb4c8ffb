/* SPDX-License-Identifier: MIT */
/* Commands that are handed on: the core itself makes each in the arena that the operation takes. */
#ifndef TESTS_SUPPORT_COPY_COMMAND_H
#define TESTS_SUPPORT_COPY_COMMAND_H

#include <lucius/storage.h>

#include "core/copy.h"

/* A copy in the arena of the command and all it points to. */
static inline struct lucius_command *copy_command(
        struct arena *arena, const struct lucius_command *given)
{
	struct lucius_command *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	copy->idempotency_key = copy_text(arena, copy->idempotency_key);
	copy->idempotency_hash = copy_text(arena, copy->idempotency_hash);
	copy->job = copy->job != NULL ? copy_job(arena, copy->job) : NULL;
	return copy;
}

#endif
