/* SPDX-License-Identifier: MIT */
/*
 * workflow-local: runs workflows in the memory of the process, without a server. This file is the
 * border to the daemon: options, life, and one short function for each operation.
 */
#include <lucius/workflow.h>
#include <string.h>

#include "plugins/workflow-local/engine.h"
#include "plugins/workflow-local/run.h"
#include "support/base/memory_host.h"

static const char no_work[] = "The engine has not taken up its workflows yet.";
static const char stopped[] = "The engine has been stopped.";

static const struct lucius_option option_rows[] = {
	{
	        .name = "workflow-max-runs",
	        .default_value = "100000",
	        .unit = "workflows",
	        .summary = "Workflows that engine local runs at once; over it none are started.",
	        .min = 1,
	        .max = 10000000,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = 0,
	        LUCIUS_MEMBER(struct engine_options, max_runs),
	},
	{
	        .name = "workflow-max-activities",
	        .default_value = "1000",
	        .unit = "activities",
	        .summary = "Activities that engine local runs at once; others wait their turn.",
	        .min = 1,
	        .max = 1000000,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = 0,
	        LUCIUS_MEMBER(struct engine_options, max_activities),
	},
	{
	        .name = "workflow-max-ended",
	        .default_value = "100000",
	        .unit = "workflows",
	        .summary = "Workflows whose end engine local remembers, for an hour at most.",
	        .min = 0,
	        .max = 10000000,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = 0,
	        LUCIUS_MEMBER(struct engine_options, max_ended),
	},
};

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	(void)error;
	(void)error_size;
	memory_use_host(host);
	engine_init(self, host);
	return LUCIUS_OK;
}

static void stop(void *self, struct lucius_op op)
{
	engine_stop(self, op);
}

static void destroy(void *self)
{
	engine_finish(self);
}

static void health(void *self, struct lucius_op op)
{
	struct engine *engine = self;
	if (engine->definition == NULL) {
		lucius_fail(engine->host, op, LUCIUS_UNAVAILABLE, no_work);
	} else {
		lucius_finish(engine->host, op);
	}
}

/* True: the operation came after stop and was refused. */
static bool is_refused(struct engine *engine, struct lucius_op op)
{
	if (engine->is_stopped) {
		lucius_fail(engine->host, op, LUCIUS_UNAVAILABLE, stopped);
	}
	return engine->is_stopped;
}

/* Before the work has begun, a run that is not known may only not have been taken up yet. */
static void finish_unknown(struct engine *engine, struct lucius_op op)
{
	if (engine->definition == NULL) {
		lucius_fail(engine->host, op, LUCIUS_UNAVAILABLE, no_work);
	} else {
		lucius_fail(engine->host, op, LUCIUS_NOT_FOUND, NULL);
	}
}

static void info(void *self, struct lucius_workflow_info *info)
{
	(void)self;
	if (info->size >= offsetof(struct lucius_workflow_info, traits) + sizeof(info->traits)) {
		info->traits = LUCIUS_WORKFLOW_IN_PROCESS;
	}
}

static void start(void *self, const struct lucius_run *given, struct lucius_op op)
{
	struct engine *engine = self;
	struct lucius_run run = { 0 };
	const char *sentence = NULL;
	if (is_refused(engine, op)) {
		return;
	}
	memcpy(&run, given, given->size < sizeof(run) ? given->size : sizeof(run));
	run.size = sizeof(run);
	uint32_t status = engine_start(engine, &run, &sentence);
	engine->host->finish(engine->host, op, status, sentence);
}

static void signal(void *self, const struct lucius_signal *given, struct lucius_op op)
{
	struct engine *engine = self;
	struct lucius_signal signal = { 0 };
	if (is_refused(engine, op)) {
		return;
	}
	memcpy(&signal, given, given->size < sizeof(signal) ? given->size : sizeof(signal));
	struct run *run = engine_find(engine, signal.workflow_id);
	if (run == NULL) {
		finish_unknown(engine, op);
	} else if (run_signal(run, &signal)) {
		lucius_finish(engine->host, op);
	} else {
		lucius_fail(engine->host, op, LUCIUS_UNAVAILABLE,
		        "Too many signals wait for the workflow.");
	}
}

static void cancel(void *self, struct lucius_text workflow_id, struct lucius_text request_id,
        struct lucius_op op)
{
	struct engine *engine = self;
	(void)request_id;
	if (is_refused(engine, op)) {
		return;
	}
	struct run *run = engine_find(engine, workflow_id);
	if (run == NULL) {
		finish_unknown(engine, op);
		return;
	}
	run_cancel(run);
	lucius_finish(engine->host, op);
}

static void describe(void *self, struct lucius_text workflow_id, struct lucius_op op)
{
	struct engine *engine = self;
	if (is_refused(engine, op)) {
		return;
	}
	const struct lucius_run_state state = {
		.size = sizeof(state),
		.state = engine_describe(engine, workflow_id),
	};
	if (state.state == 0) {
		finish_unknown(engine, op);
		return;
	}
	engine->host->give(engine->host, op, &state);
	lucius_finish(engine->host, op);
}

static void work(void *self, const struct lucius_definition *definition, struct lucius_op op)
{
	struct engine *engine = self;
	if (is_refused(engine, op)) {
		return;
	}
	if (engine->definition != NULL) {
		lucius_fail(engine->host, op, LUCIUS_UNAVAILABLE,
		        "The engine is at work already, for somebody else.");
		return;
	}
	engine_work(engine, definition, op);
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
	.start = start,
	.signal = signal,
	.cancel = cancel,
	.describe = describe,
	.work = work,
};

const struct lucius_plugin lucius_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_WORKFLOW, "local"),
	.version = LUCIUS_VERSION,
	.summary = "Runs workflows in the process, and takes them up again from the rows.",
	.life = &life,
	.options = option_rows,
	.n_options = sizeof(option_rows) / sizeof(option_rows[0]),
	.option_size = sizeof(struct lucius_option),
	.options_size = sizeof(struct engine_options),
	.workflow = &workflow,
};
