/* SPDX-License-Identifier: MIT */
/*
 * workflow-mine: a workflow engine to start from, within one process. This file is the border to
 * the daemon; run.c drives the machines, task.c runs what they want done.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

static const struct lucius_text nothing = { "", 0 };

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct engine *engine = self;
	(void)error;
	(void)error_size;
	engine->host = host;
	return LUCIUS_OK;
}

void engine_check_stop(struct engine *engine)
{
	if (engine->stop.id != 0 && engine->n_trying == 0) {
		lucius_finish(engine->host, engine->stop);
		engine->stop.id = 0;
	}
}

static void end_work(struct engine *engine)
{
	if (engine->work.id != 0) {
		lucius_finish(engine->host, engine->work);
		engine->work.id = 0;
	}
}

static void destroy_runs(struct engine *engine)
{
	while (engine->runs != NULL) {
		struct run *run = engine->runs;
		engine->runs = run->next;
		run_destroy(run);
	}
}

/* Activities that the core still works on are given up, and waited for. */
static void stop(void *self, struct lucius_op op)
{
	struct engine *engine = self;
	engine->is_stopped = true;
	engine->stop = op;
	destroy_runs(engine);
	end_work(engine);
	engine_check_stop(engine);
}

static void destroy(void *self)
{
	destroy_runs(self);
}

static void health(void *self, struct lucius_op op)
{
	struct engine *engine = self;
	lucius_finish(engine->host, op);
}

/* The runs are gone with the process: after a start the core hands over each live job. */
static void info(void *self, struct lucius_workflow_info *info)
{
	(void)self;
	info->traits = LUCIUS_WORKFLOW_IN_PROCESS;
}

static bool accepts(struct engine *engine, struct lucius_op op)
{
	if (engine->is_stopped) {
		lucius_fail(engine->host, op, LUCIUS_UNAVAILABLE, "Workflow mine has stopped.");
	}
	return !engine->is_stopped;
}

static struct run *find(const struct engine *engine, struct lucius_text id)
{
	struct run *run = engine->runs;
	while (run != NULL && strcmp(run->id, id.data) != 0) {
		run = run->next;
	}
	return run;
}

/* NULL: the operation has been answered. */
static struct run *find_running(struct engine *engine, struct lucius_text id, struct lucius_op op)
{
	struct run *run = accepts(engine, op) ? find(engine, id) : NULL;
	bool is_running = run != NULL && run->state == LUCIUS_RUN_RUNNING;
	if (!is_running && !engine->is_stopped) {
		lucius_fail(engine->host, op, LUCIUS_NOT_FOUND, NULL);
	}
	return is_running ? run : NULL;
}

static void start_run(void *self, const struct lucius_run *given, struct lucius_op op)
{
	struct engine *engine = self;
	if (!accepts(engine, op)) {
		return;
	}
	if (find(engine, given->workflow_id) != NULL) {
		lucius_fail(engine->host, op, LUCIUS_DUPLICATE, NULL);
		return;
	}
	struct run *run = run_create(engine, given);
	run->next = engine->runs;
	engine->runs = run;
	lucius_finish(engine->host, op);
	if (engine->definition != NULL) {
		run_begin(run);
	}
}

static void signal_run(void *self, const struct lucius_signal *signal, struct lucius_op op)
{
	struct engine *engine = self;
	struct run *run = find_running(engine, signal->workflow_id, op);
	if (run != NULL) {
		if (!run_has_seen(run, signal->request_id)) {
			run_feed(run, LUCIUS_EVENT_SIGNAL, 0, signal->name, signal->argument);
		}
		/* Last: the signal is gone with it. */
		lucius_finish(engine->host, op);
	}
}

static void cancel_run(
        void *self, struct lucius_text id, struct lucius_text request_id, struct lucius_op op)
{
	struct engine *engine = self;
	struct run *run = find_running(engine, id, op);
	if (run != NULL) {
		if (!run_has_seen(run, request_id)) {
			run_feed(run, LUCIUS_EVENT_CANCEL_ASKED, 0, nothing, nothing);
		}
		lucius_finish(engine->host, op);
	}
}

static void describe(void *self, struct lucius_text id, struct lucius_op op)
{
	struct engine *engine = self;
	const struct run *run = accepts(engine, op) ? find(engine, id) : NULL;
	if (run != NULL) {
		const struct lucius_run_state state = { .size = sizeof(state),
			.state = run->state };
		engine->host->give(engine->host, op, &state);
		lucius_finish(engine->host, op);
	} else if (!engine->is_stopped) {
		lucius_fail(engine->host, op, LUCIUS_NOT_FOUND, NULL);
	}
}

/* Nothing is driven from now on: the rows of the jobs say where to go on. */
static void on_work_cancelled(void *user)
{
	struct engine *engine = user;
	destroy_runs(engine);
	engine->definition = NULL;
	end_work(engine);
}

/* From now on runs are driven: those that were started before, too. */
static void work(void *self, const struct lucius_definition *definition, struct lucius_op op)
{
	struct engine *engine = self;
	if (!accepts(engine, op)) {
		return;
	}
	if (engine->work.id != 0) {
		lucius_fail(engine->host, op, LUCIUS_UNAVAILABLE,
		        "Workflow mine is at work already, for somebody else.");
		return;
	}
	engine->definition = definition;
	engine->work = op;
	engine->host->on_cancel(engine->host, op, on_work_cancelled, engine);
	for (struct run *run = engine->runs; run != NULL; run = run->next) {
		if (run->machine == NULL && run->state == LUCIUS_RUN_RUNNING) {
			run_begin(run);
		}
	}
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct engine),
	.create = create,
	.stop = stop,
	.destroy = destroy,
	.health = health,
};

static const struct lucius_workflow workflow = {
	.size = sizeof(workflow),
	.info = info,
	.start = start_run,
	.signal = signal_run,
	.cancel = cancel_run,
	.describe = describe,
	.work = work,
};

const struct lucius_plugin lucius_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_WORKFLOW, "mine"),
	.version = "1",
	.summary = "Runs workflows in this process.",
	.life = &life,
	.option_size = sizeof(struct lucius_option),
	.workflow = &workflow,
};
