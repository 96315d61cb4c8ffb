/* SPDX-License-Identifier: MIT */
/*
 * Each operation is one call, repeated with the same request id while the fault is one that
 * passes. A start that is refused because of its search attributes is made without them.
 */
#include "plugins/workflow-temporal/client.h"

#include <stdlib.h>
#include <string.h>

#include "messages.pb-c.h"
#include "plugins/workflow-temporal/call.h"
#include "plugins/workflow-temporal/engine.h"
#include "plugins/workflow-temporal/payload.h"
#include "plugins/workflow-temporal/pool.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define TIMEOUT_MS 10000u
#define GIVE_UP_AFTER_MS 10000u
#define SUMMARY_MAX 400u
#define REJECT_DUPLICATE 3
#define CONFLICT_FAIL 1
#define N_ATTRIBUTES 2u
#define MS_PER_SECOND 1000

struct asking {
	struct engine *engine; /* borrowed */
	struct lucius_op op;
	const struct lucius_run *run; /* of a start; the core's until it is finished */
	bool has_attributes; /* the start had search attributes */
};

static char *text(struct lucius_text text)
{
	return (char *)(uintptr_t)(text.size != 0 ? text.data : "");
}

static char *name(const char *text)
{
	return (char *)(uintptr_t)text;
}

static void finish(struct asking *asking, uint32_t status, const char *sentence)
{
	const struct lucius_host *host = asking->engine->host;
	struct lucius_op op = asking->op;
	free(asking);
	host->finish(host, op, status, sentence != NULL && sentence[0] != '\0' ? sentence : NULL);
}

/* True: nothing can be asked now, and the operation has been told. */
static bool is_refused(struct engine *engine, struct lucius_op op)
{
	const struct server *server = &engine->server;
	if (engine->is_stopped || !server->is_ready) {
		const char *sentence = engine->is_stopped ? "The engine has been stopped."
		        : server->not_ready != NULL       ? server->not_ready
		                                    : "The Temporal server has not answered yet.";
		lucius_fail(engine->host, op, LUCIUS_UNAVAILABLE, sentence);
		return true;
	}
	return false;
}

static struct asking *ask(struct engine *engine, struct lucius_op op)
{
	struct asking *asking = must_calloc(1, sizeof(*asking));
	asking->engine = engine;
	asking->op = op;
	return asking;
}

static void call(struct asking *asking, const char *method, const ProtobufCMessage *message,
        call_fn on_answer)
{
	const struct call_request request = {
		.method = method,
		.message = message,
		.timeout_ms = TIMEOUT_MS,
		.give_up_after_ms = GIVE_UP_AFTER_MS,
	};
	(void)call_start(asking->engine, &request, on_answer, asking);
}

static void start(struct asking *asking);

static void on_started(void *user, const struct grpc_answer *answer)
{
	struct asking *asking = user;
	struct server *server = &asking->engine->server;
	enum fault fault = fault_of(answer);
	if (fault == FAULT_REFUSED && asking->has_attributes) {
		bool is_unknown = strcasestr(answer->sentence, "search attribute") != NULL;
		server->has_tenant = server->has_tenant && !is_unknown;
		server->has_request_type = server->has_request_type && !is_unknown;
		asking->has_attributes = false;
		start(asking);
		return;
	}
	finish(asking, fault_status(fault, answer->is_sent), answer->sentence);
}

static void add_attribute(struct pool *pool, Wire__SearchAttributes *attributes,
        const char *attribute, const struct lucius_field *field)
{
	Wire__PayloadEntry *entry = pool_take(pool, sizeof(*entry));
	wire__payload_entry__init(entry);
	entry->key = name(attribute);
	entry->value =
	        payload_keyword(pool, (struct lucius_text){ field->value, field->value_size });
	attributes->indexed_fields[attributes->n_indexed_fields++] = entry;
}

/* NULL: the namespace has none of them. */
static Wire__SearchAttributes *attributes_of(
        struct pool *pool, const struct server *server, const struct lucius_run *run)
{
	Wire__SearchAttributes *attributes = pool_take(pool, sizeof(*attributes));
	wire__search_attributes__init(attributes);
	attributes->indexed_fields = pool_take(pool, N_ATTRIBUTES * sizeof(Wire__PayloadEntry *));
	for (uint64_t i = 0; i < run->n_attributes; i++) {
		const struct lucius_field *field = &run->attributes[i];
		if (attributes->n_indexed_fields == N_ATTRIBUTES) {
			break;
		}
		if (server->has_tenant && strcmp(field->name, "tenant") == 0) {
			add_attribute(pool, attributes, ATTRIBUTE_TENANT, field);
		} else if (server->has_request_type && strcmp(field->name, "request_type") == 0) {
			add_attribute(pool, attributes, ATTRIBUTE_REQUEST_TYPE, field);
		}
	}
	return attributes->n_indexed_fields != 0 ? attributes : NULL;
}

/* What is left of it when the run is started later than its job was made, at least a second. */
static uint64_t timeout_ms(const struct engine *engine, const struct lucius_run *run)
{
	int64_t now_ms = engine->host->clock_us(engine->host) / 1000;
	uint64_t gone_ms = run->started_at_ms > 0 && now_ms > run->started_at_ms
	        ? (uint64_t)(now_ms - run->started_at_ms)
	        : 0;
	return run->execution_timeout_ms > gone_ms + MS_PER_SECOND
	        ? run->execution_timeout_ms - gone_ms
	        : MS_PER_SECOND;
}

static void start(struct asking *asking)
{
	struct engine *engine = asking->engine;
	const struct lucius_run *run = asking->run;
	CLEANUP(pool_finish) struct pool pool = { 0 };
	Wire__StartRequest request = WIRE__START_REQUEST__INIT;
	Wire__Type type = WIRE__TYPE__INIT;
	Wire__TaskQueue queue = WIRE__TASK_QUEUE__INIT;
	Wire__Duration timeout = WIRE__DURATION__INIT;
	Wire__UserMetadata metadata = WIRE__USER_METADATA__INIT;
	type.name = name(WORKFLOW_TYPE);
	queue.name = name(engine->options->task_queue);
	request.namespace_ = name(engine->options->namespace);
	request.workflow_id = text(run->workflow_id);
	request.workflow_type = &type;
	request.task_queue = &queue;
	request.input = payload_json(&pool, run->input);
	request.identity = engine->identity;
	request.request_id = text(run->request_id);
	request.workflow_id_reuse_policy = REJECT_DUPLICATE;
	request.workflow_id_conflict_policy = CONFLICT_FAIL;
	if (run->execution_timeout_ms != 0) {
		duration_set(&timeout, timeout_ms(engine, run));
		request.workflow_execution_timeout = &timeout;
	}
	if (run->summary.size != 0) {
		metadata.summary = payload_string(&pool, run->summary, SUMMARY_MAX);
		request.user_metadata = &metadata;
	}
	if (asking->has_attributes) {
		request.search_attributes = attributes_of(&pool, &engine->server, run);
		asking->has_attributes = request.search_attributes != NULL;
	}
	call(asking, "StartWorkflowExecution", &request.base, on_started);
}

void client_start(struct engine *engine, const struct lucius_run *run, struct lucius_op op)
{
	if (is_refused(engine, op)) {
		return;
	}
	struct asking *asking = ask(engine, op);
	asking->run = run;
	asking->has_attributes = true;
	start(asking);
}

static void on_told(void *user, const struct grpc_answer *answer)
{
	struct asking *asking = user;
	enum fault fault = fault_of(answer);
	uint32_t status = fault_status(fault, answer->is_sent);
	if (fault == FAULT_EXISTS) {
		status = LUCIUS_OK; /* of a cancel: somebody was first */
	} else if (fault == FAULT_TOO_LARGE) {
		status = LUCIUS_DENIED;
	}
	finish(asking, status, answer->sentence);
}

void client_signal(struct engine *engine, const struct lucius_signal *signal, struct lucius_op op)
{
	CLEANUP(pool_finish) struct pool pool = { 0 };
	Wire__SignalRequest request = WIRE__SIGNAL_REQUEST__INIT;
	Wire__Execution execution = WIRE__EXECUTION__INIT;
	if (is_refused(engine, op)) {
		return;
	}
	execution.workflow_id = text(signal->workflow_id);
	request.namespace_ = name(engine->options->namespace);
	request.workflow_execution = &execution;
	request.signal_name = text(signal->name);
	request.input = payload_json(&pool, signal->argument);
	request.identity = engine->identity;
	request.request_id = text(signal->request_id);
	call(ask(engine, op), "SignalWorkflowExecution", &request.base, on_told);
}

void client_cancel(struct engine *engine, struct lucius_text workflow_id,
        struct lucius_text request_id, struct lucius_op op)
{
	Wire__RequestCancelRequest request = WIRE__REQUEST_CANCEL_REQUEST__INIT;
	Wire__Execution execution = WIRE__EXECUTION__INIT;
	if (is_refused(engine, op)) {
		return;
	}
	execution.workflow_id = text(workflow_id);
	request.namespace_ = name(engine->options->namespace);
	request.workflow_execution = &execution;
	request.identity = engine->identity;
	request.request_id = text(request_id);
	request.reason = name("the job was cancelled");
	call(ask(engine, op), "RequestCancelWorkflowExecution", &request.base, on_told);
}

/* temporal.api.enums.v1.WorkflowExecutionStatus; 0: not known here. */
static uint32_t state_of(int32_t status)
{
	static const uint32_t states[] = {
		[1] = LUCIUS_RUN_RUNNING,
		[2] = LUCIUS_RUN_COMPLETED,
		[3] = LUCIUS_RUN_FAILED,
		[4] = LUCIUS_RUN_CANCELLED,
		[5] = LUCIUS_RUN_TERMINATED,
		[6] = LUCIUS_RUN_RUNNING, /* continued as new: a newer run is about to be there */
		[7] = LUCIUS_RUN_TIMED_OUT,
		[8] = LUCIUS_RUN_RUNNING, /* paused */
	};
	return status > 0 && (size_t)status < sizeof(states) / sizeof(states[0]) ? states[status]
	                                                                         : 0;
}

static void on_described(void *user, const struct grpc_answer *answer)
{
	struct asking *asking = user;
	const struct lucius_host *host = asking->engine->host;
	CLEANUP(pool_finish) struct pool pool = { 0 };
	if (answer->status != GRPC_OK) {
		uint32_t status = fault_status(fault_of(answer), false);
		bool is_outcome = status == LUCIUS_UNAVAILABLE || status == LUCIUS_NOT_FOUND;
		finish(asking, is_outcome ? status : LUCIUS_DENIED, answer->sentence);
		return;
	}
	const Wire__DescribeResponse *response = pool_unpack(
	        &pool, &wire__describe_response__descriptor, answer->message, answer->size);
	const Wire__ExecutionInfo *info =
	        response != NULL ? response->workflow_execution_info : NULL;
	const struct lucius_run_state state = {
		.size = sizeof(state),
		.state = info != NULL ? state_of(info->status) : 0,
	};
	if (state.state == 0) {
		finish(asking, LUCIUS_UNAVAILABLE, "The server's description cannot be read.");
		return;
	}
	host->give(host, asking->op, &state);
	finish(asking, LUCIUS_OK, NULL);
}

void client_describe(struct engine *engine, struct lucius_text workflow_id, struct lucius_op op)
{
	Wire__DescribeRequest request = WIRE__DESCRIBE_REQUEST__INIT;
	Wire__Execution execution = WIRE__EXECUTION__INIT;
	if (is_refused(engine, op)) {
		return;
	}
	execution.workflow_id = text(workflow_id);
	request.namespace_ = name(engine->options->namespace);
	request.execution = &execution;
	call(ask(engine, op), "DescribeWorkflowExecution", &request.base, on_described);
}
