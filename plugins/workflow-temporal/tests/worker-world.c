/* SPDX-License-Identifier: MIT */
/* See the header. */
#include "plugins/workflow-temporal/tests/worker-world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/backend.h"
#include "core/loop.h"
#include "plugins/workflow-temporal/event-kinds.h"
#include "support/base/memory.h"
#include "tests/support/suite.h"

#define BOUND_MS 20000u

struct world world;

static struct lucius_text text(const char *string)
{
	return (struct lucius_text){ string, strlen(string) };
}

static void run(const struct lucius_definition *definition, struct lucius_text name,
        struct lucius_text payload, struct lucius_op op)
{
	(void)definition;
	(void)name;
	(void)payload;
	world.activity = op;
	world.n_activities++;
}

void world_init(void)
{
	static const struct step_options defaults = { 3, 900, 900, 1, 60 };
	world = (struct world){
		.loop = loop_create(),
		.start_status = NOT_YET,
		.work_status = NOT_YET,
		.stop_status = NOT_YET,
		.status = NOT_YET,
	};
	fake_server_start(&world.server, loop_base(world.loop));
	step_logic_init(&world.logic, &defaults);
	world.logic.table.run = run;
	char *address = pool_take(&world.pool, 32);
	(void)snprintf(address, 32, "127.0.0.1:%u", world.server.port);
	world.options = (struct engine_options){
		.address = address,
		.namespace = "default",
		.task_queue = "lucius",
		.poll_seconds = 10,
		.workflow_pollers = 1,
		.activity_pollers = 1,
		.max_workflow_tasks = 10,
		.max_activities = 10,
	};
}

static void on_started(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	world.start_status = status;
	(void)snprintf(
	        world.sentence, sizeof(world.sentence), "%s", sentence != NULL ? sentence : "");
}

static void on_worked(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	(void)sentence;
	world.work_status = status;
}

static void on_stopped(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	(void)sentence;
	world.stop_status = status;
}

static bool is_started(void)
{
	return world.start_status != NOT_YET;
}

static bool is_stopped(void)
{
	return world.stop_status != NOT_YET;
}

static bool is_done(void)
{
	return world.status != NOT_YET;
}

void world_begin(bool is_worker)
{
	char error[256] = "";
	const struct backend_parts parts = {
		.loop = world.loop,
		.plugin = &lucius_plugin,
		.options = &world.options,
	};
	world.engine = backend_create(&parts, error, sizeof(error));
	CHECK_TEXT(error, "");
	const struct op_caller started = { .on_done = on_started };
	const struct op_caller worked = { .on_done = on_worked, .timeout_ms = OP_NO_DEADLINE };
	(void)backend_start(world.engine, &started);
	CHECK(world_until(is_started));
	if (is_worker) {
		(void)workflow_work(world.engine, &world.logic.table, &worked);
	}
}

void world_stop(void)
{
	const struct op_caller stopped = { .on_done = on_stopped, .timeout_ms = OP_NO_DEADLINE };
	(void)backend_stop(world.engine, &stopped);
}

/* Polls end without a task, and everything else is answered, until the engine has stopped. */
void world_finish(void)
{
	if (world.stop_status == NOT_YET) {
		world_stop();
	}
	while (!TAILQ_EMPTY(&world.server.held)) {
		fake_fail(TAILQ_FIRST(&world.server.held), 5, "the end");
	}
	if (world.activity.id != 0) {
		op_finish(world.activity, LUCIUS_UNAVAILABLE, NULL);
		world.activity.id = 0;
	}
	for (unsigned i = 0; i < 400 && world.stop_status == NOT_YET; i++) {
		struct fake_request *request = TAILQ_FIRST(&world.server.held);
		if (request != NULL) {
			fake_fail(request, 5, "the end");
		}
		world_turn(10);
	}
	CHECK(is_stopped());
	CHECK_INT(backend_n_open(world.engine), 0);
	CHECK_INT(backend_destroy(world.engine), 0);
	fake_server_stop(&world.server);
	loop_turn(world.loop, 0);
	loop_destroy(world.loop);
	pool_finish(&world.pool);
}

static void on_tick(void *user)
{
	*(bool *)user = true;
}

void world_turn(uint64_t ms)
{
	uint64_t end_ms = loop_now_ms(world.loop) + ms;
	while (loop_now_ms(world.loop) < end_ms) {
		bool is_over = false;
		struct timer *timer = timer_start(world.loop, 5, on_tick, &is_over);
		loop_turn(world.loop, 1);
		if (!is_over) {
			timer_stop(timer);
		}
	}
}

bool world_until(bool (*is_true)(void))
{
	uint64_t end_ms = loop_now_ms(world.loop) + BOUND_MS;
	while (!is_true() && loop_now_ms(world.loop) < end_ms) {
		world_turn(1);
	}
	CHECK(is_true());
	return is_true();
}

static const char *awaited;

static bool has_come(void)
{
	return fake_find(&world.server, awaited) != NULL;
}

struct fake_request *world_await(const char *method)
{
	awaited = method;
	return world_until(has_come) ? fake_find(&world.server, method) : NULL;
}

static void on_done(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	world.status = status;
	(void)snprintf(
	        world.sentence, sizeof(world.sentence), "%s", sentence != NULL ? sentence : "");
}

static void on_state(void *user, const void *item)
{
	(void)user;
	world.state = ((const struct lucius_run_state *)item)->state;
}

uint32_t world_await_status(void)
{
	(void)world_until(is_done);
	uint32_t status = world.status;
	world.status = NOT_YET;
	return status;
}

void world_start(const char *id)
{
	const struct op_caller caller = { .on_done = on_done };
	const struct lucius_field attributes[] = {
		{ .name = "tenant", .value = "t1", .value_size = 2 },
		{ .name = "request_type", .value = "OCR", .value_size = 3 },
	};
	const struct lucius_run run = {
		.size = sizeof(run),
		.workflow_id = text(id),
		.request_id = text(id),
		.input = text("{}"),
		.summary = text("OCR for t1"),
		.started_at_ms = loop_clock_us(world.loop) / 1000,
		.execution_timeout_ms = 3600000,
		.attributes = attributes,
		.n_attributes = 2,
	};
	(void)workflow_start(world.engine, &run, &caller);
}

void world_signal(const char *request_id)
{
	const struct op_caller caller = { .on_done = on_done };
	const struct lucius_signal signal = {
		.size = sizeof(signal),
		.workflow_id = text("job"),
		.name = text("step_ack"),
		.argument = text("{}"),
		.request_id = text(request_id),
	};
	(void)workflow_signal(world.engine, &signal, &caller);
}

void world_describe(void)
{
	const struct op_caller caller = { .on_item = on_state, .on_done = on_done };
	(void)workflow_describe(world.engine, text("job"), &caller);
}

void *world_read(const struct fake_request *request, const ProtobufCMessageDescriptor *descriptor)
{
	void *message = pool_unpack(&world.pool, descriptor, request->body, request->size);
	CHECK(message != NULL);
	if (message == NULL) {
		abort();
	}
	return message;
}

static ProtobufCBinaryData token(void)
{
	static uint8_t bytes[] = { 't', 'o', 'k', 'e', 'n' };
	return (ProtobufCBinaryData){ sizeof(bytes), bytes };
}

static Wire__HistoryEvent *event(int64_t id, enum event_type type)
{
	Wire__HistoryEvent *event = pool_take(&world.pool, sizeof(*event));
	wire__history_event__init(event);
	event->event_time = pool_take(&world.pool, sizeof(*event->event_time));
	wire__timestamp__init(event->event_time);
	event->event_time->seconds = 1772366400;
	event->event_id = id;
	event->event_type = type;
	return event;
}

static Wire__Type *type_named(const char *name)
{
	Wire__Type *type = pool_take(&world.pool, sizeof(*type));
	wire__type__init(type);
	type->name = (char *)(uintptr_t)name;
	return type;
}

static Wire__History *first_history(void)
{
	static const char input[] = "{\"job_id\":\"job\",\"tenant_id\":\"t\",\"options\":{},"
	                            "\"steps\":[{\"step_id\":\"ocr\"}]}";
	Wire__History *history = pool_take(&world.pool, sizeof(*history));
	wire__history__init(history);
	history->events = pool_take(&world.pool, 3 * sizeof(Wire__HistoryEvent *));
	history->n_events = 3;
	history->events[0] = event(1, EVENT_RUN_STARTED);
	history->events[1] = event(2, EVENT_TASK_SCHEDULED);
	history->events[2] = event(3, EVENT_TASK_STARTED);
	Wire__StartedAttributes *started = pool_take(&world.pool, sizeof(*started));
	wire__started_attributes__init(started);
	started->input = payload_json(&world.pool, text(input));
	started->original_execution_run_id = (char *)(uintptr_t) "run";
	history->events[0]->started = started;
	return history;
}

static Wire__Execution *execution(const char *run_id)
{
	Wire__Execution *made = pool_take(&world.pool, sizeof(*made));
	wire__execution__init(made);
	made->workflow_id = (char *)(uintptr_t) "job";
	made->run_id = (char *)(uintptr_t)run_id;
	return made;
}

Wire__WorkflowTask *world_task(int32_t attempt, const char *run_id)
{
	Wire__WorkflowTask *task = pool_take(&world.pool, sizeof(*task));
	wire__workflow_task__init(task);
	task->task_token = token();
	task->workflow_execution = execution(run_id);
	task->workflow_type = type_named("LuciusWorkflow");
	task->history = first_history();
	task->started_event_id = 3;
	task->attempt = attempt;
	return task;
}

Wire__ActivityTask *world_activity(uint64_t heartbeat_ms)
{
	Wire__ActivityTask *task = pool_take(&world.pool, sizeof(*task));
	Wire__Duration *limits = pool_take(&world.pool, 2 * sizeof(*limits));
	wire__activity_task__init(task);
	wire__duration__init(&limits[0]);
	wire__duration__init(&limits[1]);
	duration_set(&limits[0], 30000);
	duration_set(&limits[1], heartbeat_ms);
	task->task_token = token();
	task->workflow_execution = execution("run");
	task->activity_type = type_named("publish_to_bus");
	task->input = payload_json(&world.pool, text("{}"));
	task->attempt = 1;
	task->start_to_close_timeout = &limits[0];
	task->heartbeat_timeout = &limits[1];
	return task;
}
