/* SPDX-License-Identifier: MIT */
/* The local engine over the daemon's own runtime, in simulated time. One world at a time. */
#ifndef WORKFLOW_LOCAL_ENGINE_WORLD_H
#define WORKFLOW_LOCAL_ENGINE_WORLD_H

#include <stdint.h>

#include "core/op.h"
#include "plugins/workflow-local/engine.h"
#include "plugins/workflow-local/tests/fake-definition.h"

#define EPOCH_US INT64_C(1772366400000000)
#define NOT_YET 99u

struct backend;
struct loop;

struct world {
	struct loop *loop;
	struct backend *engine;
	struct lucius_op work;
	uint32_t work_status; /* NOT_YET while it runs */
	uint32_t stop_status;
	uint32_t status; /* of the last operation */
	uint32_t state; /* that describe has given */
	uint64_t execution_timeout_ms; /* of the next start */
	unsigned n_requests;
};

extern struct world world;
/* Keeps status and state in the world. */
extern const struct op_caller world_caller;

/* An engine that is at work, or one (with options, or NULL) that is not. */
void begin(void);
void begin_with(const struct engine_options *options);
/* Stops it if that has not been done, and checks that nothing is left. */
void end(void);
void turn(void);
void work(void);
void stop(void);

/* Each gives the status of its operation. Snapshot: NULL for a new run. */
uint32_t start(const char *id);
uint32_t start_as(const char *id, const char *snapshot);
uint32_t signal_run(const char *id, const char *argument);
uint32_t signal_as(const char *id, const char *argument, const char *request_id);
uint32_t cancel(const char *id);
/* The state, or 0 and the status in world.status. */
uint32_t describe(const char *id);
/* Answers the newest try. */
void answer(uint32_t status, const char *result);

#endif
