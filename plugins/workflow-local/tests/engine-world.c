/* SPDX-License-Identifier: MIT */
/* The engine on its bench; see the header. */
#include "plugins/workflow-local/tests/engine-world.h"

#include <stdlib.h>

#include "core/backend.h"
#include "core/loop.h"
#include "tests/support/suite.h"

struct world world;

static struct lucius_text text(const char *string)
{
	return (struct lucius_text){ string, strlen(string) };
}

void begin_with(const struct engine_options *options)
{
	char error[256] = "";
	fake_reset();
	world = (struct world){
		.loop = loop_create_simulated(1, EPOCH_US),
		.work_status = NOT_YET,
		.stop_status = NOT_YET,
	};
	const struct backend_parts parts = {
		.loop = world.loop,
		.plugin = &lucius_plugin,
		.options = options,
	};
	world.engine = backend_create(&parts, error, sizeof(error));
	CHECK_TEXT(error, "");
	if (world.engine == NULL) {
		abort();
	}
}

void turn(void)
{
	loop_advance(world.loop, 0);
}

static void on_work_done(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	(void)sentence;
	world.work_status = status;
}

void work(void)
{
	const struct op_caller caller = { .on_done = on_work_done };
	world.work = workflow_work(world.engine, &fake.table, &caller);
	turn();
}

void begin(void)
{
	begin_with(NULL);
	work();
}

static void on_stop_done(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	(void)sentence;
	world.stop_status = status;
}

void stop(void)
{
	const struct op_caller caller = { .on_done = on_stop_done };
	(void)backend_stop(world.engine, &caller);
	turn();
}

void end(void)
{
	if (world.stop_status == NOT_YET) {
		stop();
	}
	fake_answer_all();
	turn();
	CHECK_INT(world.stop_status, LUCIUS_OK);
	CHECK_INT(fake.n_machines, 0);
	CHECK_INT(backend_n_open(world.engine), 0);
	CHECK_INT(backend_destroy(world.engine), 0);
	loop_destroy(world.loop);
}

static void on_done(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	(void)sentence;
	world.status = status;
}

static void on_state(void *user, const void *item)
{
	const struct lucius_run_state *state = item;
	(void)user;
	world.state = state->state;
}

const struct op_caller world_caller = { .on_item = on_state, .on_done = on_done };

uint32_t start_as(const char *id, const char *snapshot)
{
	const struct lucius_run run = {
		.size = sizeof(run),
		.is_restored = snapshot != NULL,
		.workflow_id = text(id),
		.input = text("{}"),
		.snapshot = snapshot != NULL ? text(snapshot) : (struct lucius_text){ 0 },
		.started_at_ms = EPOCH_US / 1000,
		.execution_timeout_ms = world.execution_timeout_ms,
	};
	world.status = NOT_YET;
	(void)workflow_start(world.engine, &run, &world_caller);
	turn();
	return world.status;
}

uint32_t start(const char *id)
{
	return start_as(id, NULL);
}

uint32_t signal_as(const char *id, const char *argument, const char *request_id)
{
	const struct lucius_signal signal = {
		.size = sizeof(signal),
		.workflow_id = text(id),
		.name = text("go"),
		.argument = text(argument),
		.request_id = text(request_id),
	};
	world.status = NOT_YET;
	(void)workflow_signal(world.engine, &signal, &world_caller);
	turn();
	return world.status;
}

uint32_t signal_run(const char *id, const char *argument)
{
	char request_id[32];
	(void)snprintf(request_id, sizeof(request_id), "request %u", ++world.n_requests);
	return signal_as(id, argument, request_id);
}

uint32_t cancel(const char *id)
{
	world.status = NOT_YET;
	(void)workflow_cancel(world.engine, text(id), text("c"), &world_caller);
	turn();
	return world.status;
}

uint32_t describe(const char *id)
{
	world.status = NOT_YET;
	world.state = 0;
	(void)workflow_describe(world.engine, text(id), &world_caller);
	turn();
	return world.state;
}

void answer(uint32_t status, const char *result)
{
	fake_answer(status, result);
	turn();
}
