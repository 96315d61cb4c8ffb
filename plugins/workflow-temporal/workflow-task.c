/* SPDX-License-Identifier: MIT */
/*
 * The life of a workflow task:
 *
 *   take → (next page …) → replay → completed, failed, or the answer to a query → destroy
 *
 * Nothing of a run is kept from one task to the next: each brings its history, and is gone through
 * from the first event on.
 */
#include "plugins/workflow-temporal/workflow-task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages.pb-c.h"
#include "plugins/workflow-temporal/call.h"
#include "plugins/workflow-temporal/commands.h"
#include "plugins/workflow-temporal/eager.h"
#include "plugins/workflow-temporal/engine.h"
#include "plugins/workflow-temporal/event-kinds.h"
#include "plugins/workflow-temporal/pool.h"
#include "plugins/workflow-temporal/query.h"
#include "plugins/workflow-temporal/replay.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define TIMEOUT_MS 10000u
#define TASK_MS UINT64_C(10000) /* the server gives the task to another then */
#define PAGES_MAX 2000u
#define EVENTS_MAX 100000u /* twice of what a server lets a run have */

struct workflow_task {
	TAILQ_ENTRY(workflow_task) entry;
	struct engine *engine; /* borrowed */
	struct pool pool;
	const Wire__WorkflowTask *message; /* in the pool, as the events */
	Wire__HistoryEvent **events; /* owned array */
	size_t n_events;
	size_t room;
	unsigned n_pages;
	ProtobufCBinaryData next_page;
	uint64_t taken_ms;
	struct replay replay;
	size_t n_eager; /* slots that are kept for activities */
};

static void destroy(struct workflow_task *task)
{
	struct engine *engine = task->engine;
	TAILQ_REMOVE(&engine->workflow_tasks, task, entry);
	if (engine->definition != NULL) {
		replay_finish(&task->replay, engine->definition);
	}
	pool_finish(&task->pool);
	free(task->events);
	eager_release(engine, task->n_eager);
	free(task);
	poller_set_release(&engine->workflows);
}

void workflow_task_give_up_all(struct engine *engine)
{
	while (!TAILQ_EMPTY(&engine->workflow_tasks)) {
		engine_count(engine, METRIC_TASKS_LOST);
		destroy(TAILQ_FIRST(&engine->workflow_tasks));
	}
}

static const char *workflow_id(const struct workflow_task *task)
{
	const Wire__Execution *execution = task->message->workflow_execution;
	return execution != NULL ? execution->workflow_id : "";
}

static const char *run_id(const struct workflow_task *task)
{
	const Wire__Execution *execution = task->message->workflow_execution;
	return execution != NULL ? execution->run_id : "";
}

static void call(struct workflow_task *task, const char *method, const ProtobufCMessage *message,
        call_fn on_answer)
{
	uint64_t gone_ms = task->engine->host->now_ms(task->engine->host) - task->taken_ms;
	const struct call_request request = {
		.method = method,
		.message = message,
		.timeout_ms = TIMEOUT_MS,
		.give_up_after_ms = gone_ms < TASK_MS ? TASK_MS - gone_ms : 0,
		.is_patient = true,
	};
	(void)call_start(task->engine, &request, on_answer, task);
}

static void on_failed(void *user, const struct grpc_answer *answer)
{
	(void)answer;
	destroy(user);
}

/*
 * The task has failed, not the workflow: it is kept until a program comes that can run it. Only a
 * first attempt is answered, and not of a run that has just failed: the server would give the task
 * out again at once. Later ones are left to their time-out, which grows.
 */
static void fail(struct workflow_task *task, enum task_failure cause, const char *sentence)
{
	struct engine *engine = task->engine;
	uint64_t now_ms = engine->host->now_ms(engine->host);
	bool is_different = cause == TASK_FAILURE_NON_DETERMINISTIC;
	Wire__WorkflowTaskFailedRequest request = WIRE__WORKFLOW_TASK_FAILED_REQUEST__INIT;
	Wire__Failure failure = WIRE__FAILURE__INIT;
	Wire__ApplicationFailureInfo info = WIRE__APPLICATION_FAILURE_INFO__INIT;
	engine_log(engine, LUCIUS_LOG_ERROR,
	        is_different ? "workflow.non_deterministic" : "workflow.stuck", sentence,
	        workflow_id(task));
	engine_count(engine, is_different ? METRIC_TASKS_DIFFERED : METRIC_TASKS_FAILED);
	bool has_failed = repeats_has(&engine->failed_runs, run_id(task), now_ms);
	if (has_failed || task->message->attempt > 1) {
		destroy(task);
		return;
	}
	info.type = (char *)(uintptr_t)(is_different ? "NonDeterminism" : "Stuck");
	failure.message = (char *)(uintptr_t)sentence;
	failure.source = (char *)(uintptr_t)SDK_NAME;
	failure.application_failure_info = &info;
	request.task_token = task->message->task_token;
	request.cause = cause;
	request.failure = &failure;
	request.identity = engine->identity;
	request.namespace_ = (char *)(uintptr_t)engine->options->namespace;
	call(task, "RespondWorkflowTaskFailed", &request.base, on_failed);
}

/* "BadStartTimerAttributes: …": the server has recorded the failure and made a new task. */
static bool is_recorded(const char *sentence)
{
	size_t size = strcspn(sentence, ":");
	size_t letters =
	        strspn(sentence, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
	return size != 0 && letters == size;
}

static void on_completion_refused(struct workflow_task *task, const struct grpc_answer *answer)
{
	char sentence[512];
	if (is_recorded(answer->sentence)) {
		/* Something came while the task was answered is the usual one. */
		bool is_usual = strcmp(answer->sentence, "UnhandledCommand") == 0;
		engine_log(task->engine, is_usual ? LUCIUS_LOG_DEBUG : LUCIUS_LOG_ERROR,
		        "workflow.task_refused", answer->sentence, workflow_id(task));
		engine_count(task->engine, is_usual ? METRIC_TASKS_OVERTAKEN : METRIC_TASKS_FAILED);
		destroy(task);
		return;
	}
	(void)snprintf(sentence, sizeof(sentence), "The server refuses the task's answer: %.400s",
	        answer->sentence);
	fail(task,
	        fault_of(answer) == FAULT_TOO_LARGE ? TASK_FAILURE_MESSAGE_TOO_LARGE
	                                            : TASK_FAILURE_UNHANDLED,
	        sentence);
}

static void on_completed(void *user, const struct grpc_answer *answer)
{
	struct workflow_task *task = user;
	struct engine *engine = task->engine;
	switch (fault_of(answer)) {
	case FAULT_NONE:
		engine_count(engine, METRIC_TASKS_COMPLETED);
		engine_observe(engine, METRIC_TASK_SECONDS,
		        engine->host->now_ms(engine->host) - task->taken_ms);
		task->n_eager -= eager_take(engine, task->n_eager, answer);
		break;
	case FAULT_REFUSED:
	case FAULT_TOO_LARGE:
		on_completion_refused(task, answer);
		return;
	case FAULT_ENDED:
	case FAULT_PASSING:
	case FAULT_EXISTS:
	case FAULT_SETUP:
	case FAULT_DENIED:
		/* Somebody has it, or will get it. */
		engine_count(engine, METRIC_TASKS_LOST);
		break;
	}
	destroy(task);
}

static void add_queries(struct workflow_task *task, Wire__WorkflowTaskCompletedRequest *request)
{
	const Wire__WorkflowTask *message = task->message;
	request->query_results = pool_take(&task->pool, message->n_queries * sizeof(void *));
	for (size_t i = 0; i < message->n_queries; i++) {
		Wire__QueryResultEntry *entry = pool_take(&task->pool, sizeof(*entry));
		if (message->queries[i]->value == NULL) {
			continue;
		}
		wire__query_result_entry__init(entry);
		entry->key = message->queries[i]->key;
		entry->value = query_answer(&task->pool, &task->replay, task->engine->definition,
		        message->queries[i]->value);
		request->query_results[request->n_query_results++] = entry;
		engine_count(task->engine, METRIC_QUERIES);
	}
}

static void complete(struct workflow_task *task)
{
	struct engine *engine = task->engine;
	bool is_first = task->replay.n_tasks == 0;
	Wire__WorkflowTaskCompletedRequest request = WIRE__WORKFLOW_TASK_COMPLETED_REQUEST__INIT;
	Wire__SdkMetadata metadata = WIRE__SDK_METADATA__INIT;
	struct lucius_text pinned = is_first
	        ? query_pinned(&task->pool, &task->replay, engine->definition)
	        : (struct lucius_text){ "", 0 };
	struct command_list commands =
	        commands_build(&task->pool, &task->replay, engine->options->task_queue, pinned);
	if (commands.fault != NULL) {
		fail(task, TASK_FAILURE_UNHANDLED, commands.fault);
		return;
	}
	task->n_eager = eager_ask(engine, &commands);
	request.task_token = task->message->task_token;
	request.commands = commands.items;
	request.n_commands = commands.n_items;
	request.identity = engine->identity;
	request.namespace_ = (char *)(uintptr_t)engine->options->namespace;
	if (is_first) {
		metadata.sdk_name = (char *)(uintptr_t)SDK_NAME;
		metadata.sdk_version = (char *)(uintptr_t)LUCIUS_VERSION;
		request.sdk_metadata = &metadata;
	}
	add_queries(task, &request);
	call(task, "RespondWorkflowTaskCompleted", &request.base, on_completed);
}

static void on_query_answered(void *user, const struct grpc_answer *answer)
{
	(void)answer;
	destroy(user);
}

static void answer_query(struct workflow_task *task)
{
	struct engine *engine = task->engine;
	Wire__QueryTaskCompletedRequest request = WIRE__QUERY_TASK_COMPLETED_REQUEST__INIT;
	const Wire__QueryResult *result =
	        query_answer(&task->pool, &task->replay, engine->definition, task->message->query);
	engine_count(engine, METRIC_QUERIES);
	request.task_token = task->message->task_token;
	request.completed_type = result->result_type;
	request.query_result = result->answer;
	request.error_message = result->error_message;
	request.namespace_ = (char *)(uintptr_t)engine->options->namespace;
	call(task, "RespondQueryTaskCompleted", &request.base, on_query_answered);
}

static void replay(struct workflow_task *task)
{
	const Wire__WorkflowTask *message = task->message;
	const struct replay_input input = {
		.definition = task->engine->definition,
		.workflow_id = workflow_id(task),
		.events = task->events,
		.n_events = task->n_events,
		.started_event_id = message->query == NULL ? message->started_event_id : 0,
	};
	replay_run(&task->replay, &task->pool, &input);
	if (message->query != NULL) {
		answer_query(task);
	} else if (task->replay.outcome == REPLAY_DONE) {
		complete(task);
	} else {
		fail(task,
		        task->replay.outcome == REPLAY_DIFFERS ? TASK_FAILURE_NON_DETERMINISTIC
		                                               : TASK_FAILURE_UNHANDLED,
		        task->replay.sentence);
	}
}

/* A page may repeat what has been seen, and may be empty. */
static void add_events(struct workflow_task *task, const Wire__History *history)
{
	size_t n_new = history != NULL ? history->n_events : 0;
	if (task->n_events + n_new > task->room) {
		task->room = task->n_events + n_new;
		task->events = must_resize(task->events, task->room, sizeof(void *));
	}
	for (size_t i = 0; i < n_new; i++) {
		if (history->events[i]->event_id > (int64_t)task->n_events) {
			task->events[task->n_events++] = history->events[i];
		}
	}
}

static void go_on(struct workflow_task *task);

static void on_page(void *user, const struct grpc_answer *answer)
{
	struct workflow_task *task = user;
	const Wire__GetHistoryResponse *page = answer->status == GRPC_OK
	        ? pool_unpack(&task->pool, &wire__get_history_response__descriptor, answer->message,
	                  answer->size)
	        : NULL;
	if (page == NULL) {
		engine_log(task->engine, LUCIUS_LOG_WARNING, "workflow.history_not_read",
		        answer->sentence, workflow_id(task));
		engine_count(task->engine, METRIC_TASKS_LOST);
		destroy(task);
		return;
	}
	add_events(task, page->history);
	task->next_page = page->next_page_token;
	go_on(task);
}

static void next_page(struct workflow_task *task)
{
	Wire__GetHistoryRequest request = WIRE__GET_HISTORY_REQUEST__INIT;
	request.namespace_ = (char *)(uintptr_t)task->engine->options->namespace;
	request.execution = task->message->workflow_execution;
	request.next_page_token = task->next_page;
	call(task, "GetWorkflowExecutionHistory", &request.base, on_page);
}

static void go_on(struct workflow_task *task)
{
	const Wire__Type *type = task->message->workflow_type;
	if (type == NULL || strcmp(type->name, WORKFLOW_TYPE) != 0) {
		fail(task, TASK_FAILURE_UNHANDLED,
		        "This task queue has a workflow of an unknown workflow type; this worker "
		        "knows '" WORKFLOW_TYPE "'.");
	} else if (task->next_page.len == 0) {
		replay(task);
	} else if (task->n_pages++ < PAGES_MAX && task->n_events < EVENTS_MAX) {
		next_page(task);
	} else {
		fail(task, TASK_FAILURE_UNHANDLED, "The history is longer than a history can be.");
	}
}

bool workflow_task_take(struct engine *engine, const struct grpc_answer *answer)
{
	struct pool pool = { 0 };
	const Wire__WorkflowTask *message =
	        pool_unpack(&pool, &wire__workflow_task__descriptor, answer->message, answer->size);
	if (message == NULL || message->task_token.len == 0) {
		if (message == NULL) {
			lucius_log(engine->host, LUCIUS_LOG_ERROR, "workflow.task_unreadable",
			        "A workflow task cannot be read.");
		}
		pool_finish(&pool);
		return false;
	}
	struct workflow_task *task = must_calloc(1, sizeof(*task));
	task->engine = engine;
	task->pool = pool;
	task->message = message;
	task->next_page = message->next_page_token;
	task->taken_ms = engine->host->now_ms(engine->host);
	TAILQ_INSERT_TAIL(&engine->workflow_tasks, task, entry);
	add_events(task, message->history);
	go_on(task);
	return true;
}
