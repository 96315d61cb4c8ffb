/* SPDX-License-Identifier: MIT */
/* One activity task: run once by the definition, its heartbeats, the answer. */
#ifndef WORKFLOW_TEMPORAL_ACTIVITY_TASK_H
#define WORKFLOW_TEMPORAL_ACTIVITY_TASK_H

#include <stdbool.h>

#include "support/grpc/grpc.h"

struct engine;

/* From the answer to a poll. False: it brought no task. */
bool activity_task_take(struct engine *engine, const struct grpc_answer *answer);
/* Cancels those that are being run: they are answered as to be tried again. */
void activity_task_give_up_all(struct engine *engine);

#endif
