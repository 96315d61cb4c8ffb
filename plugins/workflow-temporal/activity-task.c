/* SPDX-License-Identifier: MIT */
/*
 * The life of an activity task:
 *
 *   take → definition.run → on_done → completed, failed, to be retried → destroy
 *             ^  heartbeats while it lasts
 *
 * A task that another worker has got meanwhile (NOT_FOUND) is run to its end all the same: nothing
 * that it does can be taken back, and all of it may be repeated.
 */
#include "plugins/workflow-temporal/activity-task.h"

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
#define DEFAULT_RUN_MS UINT64_C(30000)
/* So much of the time is left for the answer to reach the server. */
#define MARGIN_MS UINT64_C(500)
#define GIVE_UP_AFTER_MS UINT64_C(20000)

struct activity_task {
	TAILQ_ENTRY(activity_task) entry;
	struct engine *engine; /* borrowed */
	struct pool pool;
	const Wire__ActivityTask *message; /* in the pool */
	uint64_t taken_ms;
	struct lucius_op op; /* of the run; id 0: it is done */
	char *result; /* owned */
	size_t result_size;
	uint64_t heartbeat_ms; /* between two; 0: none are wanted */
	struct lucius_timer *heartbeat;
	struct call *beating; /* a heartbeat under way */
};

static void destroy(struct activity_task *task)
{
	struct engine *engine = task->engine;
	TAILQ_REMOVE(&engine->activity_tasks, task, entry);
	if (task->heartbeat != NULL) {
		engine->host->timer_stop(engine->host, task->heartbeat);
	}
	if (task->beating != NULL) {
		call_cancel(task->beating);
	}
	pool_finish(&task->pool);
	free(task->result);
	free(task);
	poller_set_release(&engine->activities);
}

void activity_task_give_up_all(struct engine *engine)
{
	struct activity_task *task;
	TAILQ_FOREACH(task, &engine->activity_tasks, entry)
	{
		if (task->op.id != 0) {
			engine->host->cancel(engine->host, task->op);
		}
	}
}

static void on_answered(void *user, const struct grpc_answer *answer)
{
	struct activity_task *task = user;
	if (answer->status != GRPC_OK) {
		const Wire__Execution *execution = task->message->workflow_execution;
		engine_log(task->engine,
		        fault_of(answer) == FAULT_ENDED ? LUCIUS_LOG_DEBUG : LUCIUS_LOG_WARNING,
		        "activity.answer_lost", answer->sentence,
		        execution != NULL ? execution->workflow_id : "");
		engine_count(task->engine, METRIC_ACTIVITIES_LOST);
	}
	destroy(task);
}

static void respond(struct activity_task *task, const char *method, const ProtobufCMessage *message)
{
	const struct call_request request = {
		.method = method,
		.message = message,
		.timeout_ms = TIMEOUT_MS,
		.give_up_after_ms = GIVE_UP_AFTER_MS,
		.is_patient = true,
	};
	(void)call_start(task->engine, &request, on_answered, task);
}

static void complete(struct activity_task *task)
{
	struct engine *engine = task->engine;
	Wire__ActivityCompletedRequest request = WIRE__ACTIVITY_COMPLETED_REQUEST__INIT;
	request.task_token = task->message->task_token;
	request.result =
	        payload_json(&task->pool, (struct lucius_text){ task->result, task->result_size });
	request.identity = engine->identity;
	request.namespace_ = (char *)(uintptr_t)engine->options->namespace;
	engine_count(engine, METRIC_ACTIVITIES_COMPLETED);
	respond(task, "RespondActivityTaskCompleted", &request.base);
}

static void fail(struct activity_task *task, bool is_final, const char *sentence)
{
	struct engine *engine = task->engine;
	Wire__ActivityFailedRequest request = WIRE__ACTIVITY_FAILED_REQUEST__INIT;
	Wire__Failure failure = WIRE__FAILURE__INIT;
	Wire__ApplicationFailureInfo info = WIRE__APPLICATION_FAILURE_INFO__INIT;
	info.type = (char *)(uintptr_t)(is_final ? "ActivityFailed" : "Unavailable");
	info.non_retryable = is_final;
	failure.message =
	        (char *)(uintptr_t)(sentence != NULL ? sentence : "The activity was not answered.");
	failure.source = (char *)(uintptr_t)SDK_NAME;
	failure.application_failure_info = &info;
	request.task_token = task->message->task_token;
	request.failure = &failure;
	request.identity = engine->identity;
	request.namespace_ = (char *)(uintptr_t)engine->options->namespace;
	engine_count(engine, is_final ? METRIC_ACTIVITIES_FAILED : METRIC_ACTIVITIES_RETRIED);
	respond(task, "RespondActivityTaskFailed", &request.base);
}

static void stop_heartbeats(struct activity_task *task)
{
	if (task->heartbeat != NULL) {
		task->engine->host->timer_stop(task->engine->host, steal(task->heartbeat));
	}
	if (task->beating != NULL) {
		call_cancel(steal(task->beating));
	}
}

static void on_done(void *user, uint32_t status, const char *sentence)
{
	struct activity_task *task = user;
	const struct lucius_host *host = task->engine->host;
	bool is_passing = status == LUCIUS_UNAVAILABLE || status == LUCIUS_UNKNOWN;
	task->op.id = 0;
	stop_heartbeats(task);
	engine_observe(task->engine, METRIC_ACTIVITY_SECONDS, host->now_ms(host) - task->taken_ms);
	if (status != LUCIUS_OK) {
		fail(task, !is_passing, sentence);
	} else if (task->result_size > PAYLOAD_MAX) {
		fail(task, true, "The activity's result is larger than a server takes.");
	} else {
		complete(task);
	}
}

static void on_item(void *user, const void *item)
{
	struct activity_task *task = user;
	const struct lucius_text *result = item;
	free(task->result);
	task->result = must_copy(result->data, result->size);
	task->result_size = result->size;
}

static void wait_to_beat(struct activity_task *task);

static void on_beaten(void *user, const struct grpc_answer *answer)
{
	struct activity_task *task = user;
	task->beating = NULL;
	if (fault_of(answer) != FAULT_ENDED) {
		wait_to_beat(task);
	}
}

static void beat(void *user)
{
	struct activity_task *task = user;
	struct engine *engine = task->engine;
	Wire__HeartbeatRequest request = WIRE__HEARTBEAT_REQUEST__INIT;
	task->heartbeat = NULL;
	request.task_token = task->message->task_token;
	request.identity = engine->identity;
	request.namespace_ = (char *)(uintptr_t)engine->options->namespace;
	const struct call_request call = {
		.method = "RecordActivityTaskHeartbeat",
		.message = &request.base,
		.timeout_ms = (uint32_t)(task->heartbeat_ms < TIMEOUT_MS ? task->heartbeat_ms
		                                                         : TIMEOUT_MS),
		.give_up_after_ms = task->heartbeat_ms,
	};
	engine_count(engine, METRIC_HEARTBEATS);
	task->beating = call_start(engine, &call, on_beaten, task);
}

static void wait_to_beat(struct activity_task *task)
{
	const struct lucius_host *host = task->engine->host;
	task->heartbeat = host->timer_start(host, task->heartbeat_ms, beat, task);
}

static void run(struct activity_task *task)
{
	struct engine *engine = task->engine;
	const Wire__ActivityTask *message = task->message;
	uint64_t bound_ms = duration_ms(message->start_to_close_timeout);
	struct lucius_text input;
	if (message->activity_type == NULL || !payload_read(message->input, &input)) {
		fail(task, true, "The input of the activity is not JSON.");
		return;
	}
	const struct lucius_question question = {
		.size = sizeof(question),
		.operation = LUCIUS_OP_DEFINITION_RUN,
		.timeout_ms = bound_ms > 2 * MARGIN_MS ? bound_ms - MARGIN_MS : DEFAULT_RUN_MS,
		.on_item = on_item,
		.on_done = on_done,
		.user = task,
	};
	task->heartbeat_ms = duration_ms(message->heartbeat_timeout) / 2;
	if (task->heartbeat_ms != 0) {
		wait_to_beat(task);
	}
	task->op = engine->host->open(engine->host, &question);
	engine->definition->run(
	        engine->definition, text_of(message->activity_type->name), input, task->op);
}

bool activity_task_take(struct engine *engine, const struct grpc_answer *answer)
{
	struct pool pool = { 0 };
	const Wire__ActivityTask *message =
	        pool_unpack(&pool, &wire__activity_task__descriptor, answer->message, answer->size);
	if (message == NULL || message->task_token.len == 0) {
		if (message == NULL) {
			lucius_log(engine->host, LUCIUS_LOG_ERROR, "activity.task_unreadable",
			        "An activity task cannot be read.");
		}
		pool_finish(&pool);
		return false;
	}
	struct activity_task *task = must_calloc(1, sizeof(*task));
	task->engine = engine;
	task->pool = pool;
	task->message = message;
	task->taken_ms = engine->host->now_ms(engine->host);
	TAILQ_INSERT_TAIL(&engine->activity_tasks, task, entry);
	run(task);
	return true;
}
