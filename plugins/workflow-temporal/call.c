/* SPDX-License-Identifier: MIT */
/*
 *   call_start → try → on_answer → done, or a wait and the next try
 */
#include "plugins/workflow-temporal/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/workflow-temporal/engine.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define RETRY_FIRST_MS 100u
#define RETRY_MAX_MS 5000u
#define BUSY_FIRST_MS 1000u

struct call {
	TAILQ_ENTRY(call) entry;
	struct engine *engine; /* borrowed */
	char path[METHOD_PATH_SIZE];
	uint8_t *message; /* owned */
	size_t size;
	uint32_t timeout_ms;
	uint64_t give_up_at_ms; /* by the host's clock */
	bool is_patient;
	bool was_sent; /* by any try */
	unsigned n_failures;
	struct grpc_call *try; /* under way; NULL: it waits */
	struct lucius_timer *wait;
	call_fn on_answer;
	void *user;
};

uint8_t *message_pack(const ProtobufCMessage *message, size_t *ret_size)
{
	*ret_size = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = must_calloc(1, *ret_size);
	(void)protobuf_c_message_pack(message, bytes);
	return bytes;
}

void method_path(const char *method, char ret_path[METHOD_PATH_SIZE])
{
	static const char service[] = "/temporal.api.workflowservice.v1.WorkflowService/";
	(void)snprintf(ret_path, METHOD_PATH_SIZE, "%s%s", method[0] == '/' ? "" : service, method);
}

static void destroy(struct call *call)
{
	TAILQ_REMOVE(&call->engine->calls, call, entry);
	if (call->try != NULL) {
		grpc_call_cancel(call->try);
	}
	if (call->wait != NULL) {
		call->engine->host->timer_stop(call->engine->host, call->wait);
	}
	free(call->message);
	free(call);
}

void call_cancel(struct call *call)
{
	destroy(call);
}

static void end(struct call *call, const struct grpc_answer *answer)
{
	struct grpc_answer last = *answer;
	call_fn on_answer = call->on_answer;
	void *user = call->user;
	last.is_sent = last.is_sent || call->was_sent;
	call->try = NULL;
	destroy(call);
	on_answer(user, &last);
}

static void try_now(struct call *call);

static void on_wait_over(void *user)
{
	struct call *call = user;
	call->wait = NULL;
	try_now(call);
}

static void on_answer(void *user, const struct grpc_answer *answer)
{
	struct call *call = user;
	const struct lucius_host *host = call->engine->host;
	bool is_busy = answer->status == GRPC_RESOURCE_EXHAUSTED;
	uint64_t wait_ms = engine_backoff_ms(call->engine, ++call->n_failures,
	        is_busy ? BUSY_FIRST_MS : RETRY_FIRST_MS, RETRY_MAX_MS);
	bool is_away = !answer->is_sent && !call->is_patient;
	call->was_sent = call->was_sent || answer->is_sent;
	if (answer->status == GRPC_DEADLINE_EXCEEDED && call != call->engine->server.check) {
		/* Perhaps nobody is there any more. */
		server_check(call->engine);
	}
	if (fault_of(answer) != FAULT_PASSING || is_away ||
	        host->now_ms(host) + wait_ms >= call->give_up_at_ms) {
		end(call, answer);
		return;
	}
	engine_count(call->engine, METRIC_RETRIES);
	call->try = NULL;
	call->wait = host->timer_start(host, wait_ms, on_wait_over, call);
}

static void try_now(struct call *call)
{
	const struct grpc_request request = {
		.path = call->path,
		.message = call->message,
		.size = call->size,
		.timeout_ms = call->timeout_ms,
		.is_patient = call->is_patient,
	};
	call->try = grpc_client_call(call->engine->grpc, &request, on_answer, call);
}

struct call *call_start(
        struct engine *engine, const struct call_request *request, call_fn on_answer_fn, void *user)
{
	struct call *call = must_calloc(1, sizeof(*call));
	call->engine = engine;
	call->message = message_pack(request->message, &call->size);
	call->timeout_ms = request->timeout_ms;
	call->give_up_at_ms = engine->host->now_ms(engine->host) + request->give_up_after_ms;
	call->is_patient = request->is_patient;
	call->on_answer = on_answer_fn;
	call->user = user;
	method_path(request->method, call->path);
	TAILQ_INSERT_TAIL(&engine->calls, call, entry);
	try_now(call);
	return call;
}

void call_give_up_all(struct engine *engine)
{
	static const struct grpc_answer cancelled = {
		.status = GRPC_CANCELLED,
		.is_sent = true,
		.sentence = "the engine stops",
	};
	while (!TAILQ_EMPTY(&engine->calls)) {
		struct call *call = TAILQ_FIRST(&engine->calls);
		if (call->try != NULL) {
			grpc_call_cancel(steal(call->try));
		}
		end(call, &cancelled);
	}
}
