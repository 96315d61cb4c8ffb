/* SPDX-License-Identifier: MIT */
/* What a machine wants, as commands of Temporal. */
#ifndef WORKFLOW_TEMPORAL_COMMANDS_H
#define WORKFLOW_TEMPORAL_COMMANDS_H

#include <stddef.h>

#include "messages.pb-c.h"
#include "plugins/workflow-temporal/replay.h"

struct command_list {
	Wire__Command **items; /* in the pool */
	size_t n_items;
	const char *fault; /* a sentence: why they cannot be sent; NULL: they can */
};

/* Pinned: what the first task records of what the input does not say; empty: nothing. */
struct command_list commands_build(struct pool *pool, const struct replay *replay,
        const char *task_queue, struct lucius_text pinned);

#endif
