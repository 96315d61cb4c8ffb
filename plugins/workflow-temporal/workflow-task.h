/* SPDX-License-Identifier: MIT */
/* One workflow task: its history, the replay, the answer. */
#ifndef WORKFLOW_TEMPORAL_WORKFLOW_TASK_H
#define WORKFLOW_TEMPORAL_WORKFLOW_TASK_H

#include <stdbool.h>

#include "support/grpc/grpc.h"

struct engine;

/* From the answer to a poll. False: it brought no task. */
bool workflow_task_take(struct engine *engine, const struct grpc_answer *answer);
/* Forgets those that are under way; their calls must have been given up. */
void workflow_task_give_up_all(struct engine *engine);

#endif
