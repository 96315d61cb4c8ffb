/* SPDX-License-Identifier: MIT */
/* The engine over the daemon's runtime in real time, against a server that the test plays. */
#ifndef WORKFLOW_TEMPORAL_TESTS_WORKER_WORLD_H
#define WORKFLOW_TEMPORAL_TESTS_WORKER_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/step_logic.h"
#include "messages.pb-c.h"
#include "plugins/workflow-temporal/engine.h"
#include "plugins/workflow-temporal/payload.h"
#include "plugins/workflow-temporal/tests/fake-server.h"

#define NOT_YET 99u

struct backend;
struct loop;

struct world {
	struct loop *loop;
	struct backend *engine;
	struct engine_options options;
	struct fake_server server;
	struct step_logic logic; /* its `run` keeps the activity */
	struct lucius_op activity; /* of the newest; id 0: none */
	unsigned n_activities;
	uint32_t start_status; /* NOT_YET while it runs, as the others */
	uint32_t work_status;
	uint32_t stop_status;
	uint32_t status; /* of the last operation */
	char sentence[256]; /* with it */
	uint32_t state; /* that describe has given */
	struct pool pool; /* of what the test unpacks and makes */
};
extern struct world world;

/* Makes engine and server; options may be changed before world_begin. */
void world_init(void);
/* Starts it and, if asked to, the work. */
void world_begin(bool is_worker);
/* Ends what is left, and checks that nothing is open. */
void world_finish(void);
/* Turns the loop until it is true, or the test's bound is over: then false, and a failed check. */
bool world_until(bool (*is_true)(void));
/* Turns for so long; for what must not happen. */
void world_turn(uint64_t ms);
/* The next request of that method, awaited. NULL: none came in time. */
struct fake_request *world_await(const char *method);
/* Awaits that the last operation ends. */
uint32_t world_await_status(void);
void world_stop(void);
/* With tenant and request type. */
void world_start(const char *id);
void world_signal(const char *request_id);
void world_describe(void);

/* The request's message; in the pool. */
void *world_read(const struct fake_request *request, const ProtobufCMessageDescriptor *descriptor);
/* The first task of a run with one step, as an answer to a poll. */
Wire__WorkflowTask *world_task(int32_t attempt, const char *run_id);
/* An activity that publishes, as an answer to a poll. */
Wire__ActivityTask *world_activity(uint64_t heartbeat_ms);

#endif
