/* SPDX-License-Identifier: MIT */
/*
 * Activities that the server hands over with its answer to a workflow task, where its namespace
 * allows that: without a queue, a poll and a write between.
 */
#ifndef WORKFLOW_TEMPORAL_EAGER_H
#define WORKFLOW_TEMPORAL_EAGER_H

#include <stddef.h>

#include "plugins/workflow-temporal/commands.h"
#include "support/grpc/grpc.h"

struct engine;

/* Asks for those that slots are free for, in the commands; how many slots it keeps for them. */
size_t eager_ask(struct engine *engine, const struct command_list *commands);
/* Begins those that came, at most that many; how many of the slots they have. */
size_t eager_take(struct engine *engine, size_t n_slots, const struct grpc_answer *answer);
/* So many slots are not needed. */
void eager_release(struct engine *engine, size_t n_slots);

#endif
