/* SPDX-License-Identifier: MIT */
/*
 * The world of one test of an engine: a host, the plugin, and the definition of workflow_script.h.
 * Ids are new in each world. Activities wait until the test answers them.
 */
#ifndef SDK_CONFORMANCE_WORKFLOW_WORLD_H
#define SDK_CONFORMANCE_WORKFLOW_WORLD_H

#include <lucius/workflow.h>

#include "sdk/conformance/check.h"
#include "sdk/conformance/host.h"

#define WORKFLOW_N_TRIES 64

struct workflow_try {
	struct lucius_op op;
	char name[64];
	char payload[1024];
	bool is_answered;
};

struct workflow_world {
	struct lucius_definition definition; /* first: the engine's pointer is ours */
	struct host *host;
	struct instance *instance;
	const struct lucius_workflow *workflow;
	struct asked *work; /* NULL: not asked */
	char tag[16]; /* all ids begin with it */
	uint64_t execution_timeout_ms; /* of the next start */
	struct workflow_try tries[WORKFLOW_N_TRIES];
	size_t n_tries;
};

/* Starts the plugin, without work, or with. */
void workflow_world_open(struct workflow_world *world);
void workflow_world_open_at_work(struct workflow_world *world);
void workflow_world_work(struct workflow_world *world);
/* Answers what is open, stops and destroys; no machine may be left. */
void workflow_world_close(struct workflow_world *world);

/* Begin an operation; the answer belongs to the host. */
struct asked *workflow_ask_start(struct workflow_world *world, const char *id, const char *script);
struct asked *workflow_ask_signal(struct workflow_world *world, const char *id, const char *name,
        const char *argument, const char *request_id);
struct asked *workflow_ask_cancel(struct workflow_world *world, const char *id);
struct asked *workflow_ask_describe(struct workflow_world *world, const char *id);

/* Starts it and checks that it was. */
void workflow_started(struct workflow_world *world, const char *id, const char *script);
/* Waits until activities have been tried so often in all; the newest. NULL after a failed check. */
const struct workflow_try *workflow_wait_tries(struct workflow_world *world, size_t n);
/* Answers the newest try. Text: the result, or the sentence. */
void workflow_answer(struct workflow_world *world, uint32_t status, const char *text);
/* Waits until the run is in that state (LUCIUS_RUN_…). */
void workflow_wait_state(struct workflow_world *world, const char *id, uint32_t state);
/* The state now; 0: no such run. */
uint32_t workflow_state(struct workflow_world *world, const char *id);

#endif
