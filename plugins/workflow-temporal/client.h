/* SPDX-License-Identifier: MIT */
/* What the core asks of the engine, each as one call of the server. */
#ifndef WORKFLOW_TEMPORAL_CLIENT_H
#define WORKFLOW_TEMPORAL_CLIENT_H

#include <lucius/workflow.h>

struct engine;

void client_start(struct engine *engine, const struct lucius_run *run, struct lucius_op op);
void client_signal(struct engine *engine, const struct lucius_signal *signal, struct lucius_op op);
void client_cancel(struct engine *engine, struct lucius_text workflow_id,
        struct lucius_text request_id, struct lucius_op op);
void client_describe(struct engine *engine, struct lucius_text workflow_id, struct lucius_op op);

#endif
