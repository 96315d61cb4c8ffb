/* SPDX-License-Identifier: MIT */
/*
 * One call of Temporal's service: packed, sent, repeated while the fault is one that passes, and
 * what its failure means. Each call is such that a repeat does no harm.
 */
#ifndef WORKFLOW_TEMPORAL_CALL_H
#define WORKFLOW_TEMPORAL_CALL_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "support/grpc/grpc.h"

struct call;
struct engine;

/* What a failed answer is to somebody who has asked. */
enum fault {
	FAULT_NONE,
	FAULT_PASSING, /* the server is away, restarts, is busy, …: it may help to wait */
	FAULT_ENDED, /* no such run, or it has ended; of a task: it is not ours any more */
	FAULT_EXISTS, /* a run of that id exists or has existed */
	FAULT_SETUP, /* an unknown namespace, a server that is none: a person must see to it */
	FAULT_DENIED, /* credentials */
	FAULT_TOO_LARGE,
	FAULT_REFUSED /* the request is wrong, whoever sends it */
};
enum fault fault_of(const struct grpc_answer *answer);
/* What that means to the core. Is_sent: the request may have had its effect. */
uint32_t fault_status(enum fault fault, bool is_sent);

struct call_request {
	const char *method; /* "StartWorkflowExecution", or a path */
	const ProtobufCMessage *message; /* borrowed for the call of call_start */
	uint32_t timeout_ms; /* of one try */
	uint64_t give_up_after_ms; /* no new try begins later */
	bool is_patient; /* waits for a connection; else it fails at once while there is none */
};

/* Answer: the last try's; borrowed for the call. */
typedef void (*call_fn)(void *user, const struct grpc_answer *answer);

/* On_answer comes exactly once, later, unless the call is cancelled. */
struct call *call_start(
        struct engine *engine, const struct call_request *request, call_fn on_answer, void *user);
/* No callback. */
void call_cancel(struct call *call);
/* All that are under way are answered as cancelled, now. */
void call_give_up_all(struct engine *engine);

/* The bytes of a message; owned by the caller. */
uint8_t *message_pack(const ProtobufCMessage *message, size_t *ret_size);
/* Of Temporal's workflow service, unless the method is a path already. */
#define METHOD_PATH_SIZE 160
void method_path(const char *method, char ret_path[METHOD_PATH_SIZE]);

#endif
