/* SPDX-License-Identifier: MIT */
/*
 * The workflow plugin of the processes where the engine is local: real workflow-local behind a
 * border that sometimes refuses, or does what was asked and loses the answer.
 */
#include <stdlib.h>
#include <string.h>

#include "core/op_contract.h"
#include "support/base/memory.h"
#include "tests/sim/system/engine.h"

/* One call that is passed on. */
struct passing {
	struct engine *engine;
	struct lucius_op op; /* the core's; id 0: answered already */
	uint32_t operation;
	const struct lucius_signal *signal; /* the core's arguments; NULL: another operation */
	bool is_answer_lost;
};

static void on_item(void *user, const void *item)
{
	struct passing *passing = user;
	if (passing->op.id != 0) {
		passing->engine->host->give(passing->engine->host, passing->op, item);
	}
}

static void on_done(void *user, uint32_t status, const char *sentence)
{
	struct passing *passing = user;
	struct engine *engine = passing->engine;
	if (passing->signal != NULL && status == LUCIUS_OK && !engine->process->is_zombie) {
		engine_told(engine->process->world, passing->signal);
	}
	engine->host->finish(engine->host, passing->op,
	        passing->is_answer_lost ? LUCIUS_UNKNOWN : status, sentence);
	free(passing);
}

/* Opens the operation on the wrapped engine; id 0: it was refused. */
static struct lucius_op pass(struct engine *engine, uint32_t operation,
        const struct lucius_signal *signal, struct lucius_op op)
{
	struct world *world = engine->process->world;
	bool may_fail = operation != LUCIUS_OP_WORKFLOW_WORK && !engine->process->is_zombie;
	if (may_fail && world_fails(world, world->climate.engine_refuses)) {
		lucius_fail(engine->host, op, LUCIUS_UNAVAILABLE, "refused");
		return (struct lucius_op){ 0 };
	}
	struct passing *passing = must_calloc(1, sizeof(*passing));
	*passing = (struct passing){ engine, op, operation, signal,
		may_fail && world_fails(world, world->climate.engine_loses_answer) };
	const struct lucius_question question = {
		.size = sizeof(question),
		.operation = operation,
		.asked = engine->local,
		.on_item = on_item,
		.on_done = on_done,
		.user = passing,
	};
	return engine->host->open(engine->host, &question);
}

static const struct lucius_workflow *real(const struct engine *engine)
{
	return engine->local->plugin->workflow;
}

static void info(void *self, struct lucius_workflow_info *info)
{
	struct engine *engine = self;
	real(engine)->info(engine->local->self, info);
}

static void start(void *self, const struct lucius_run *run, struct lucius_op op)
{
	struct engine *engine = self;
	struct lucius_op inner = pass(engine, LUCIUS_OP_WORKFLOW_START, NULL, op);
	if (inner.id != 0) {
		real(engine)->start(engine->local->self, run, inner);
	}
}

static void signal(void *self, const struct lucius_signal *signal, struct lucius_op op)
{
	struct engine *engine = self;
	struct lucius_op inner = pass(engine, LUCIUS_OP_WORKFLOW_SIGNAL, signal, op);
	if (inner.id != 0) {
		real(engine)->signal(engine->local->self, signal, inner);
	}
}

static void cancel(void *self, struct lucius_text workflow_id, struct lucius_text request_id,
        struct lucius_op op)
{
	struct engine *engine = self;
	struct lucius_op inner = pass(engine, LUCIUS_OP_WORKFLOW_CANCEL, NULL, op);
	if (inner.id != 0) {
		real(engine)->cancel(engine->local->self, workflow_id, request_id, inner);
	}
}

static void describe(void *self, struct lucius_text workflow_id, struct lucius_op op)
{
	struct engine *engine = self;
	struct lucius_op inner = pass(engine, LUCIUS_OP_WORKFLOW_DESCRIBE, NULL, op);
	if (inner.id != 0) {
		real(engine)->describe(engine->local->self, workflow_id, inner);
	}
}

static void on_work_cancelled(void *user)
{
	struct engine *engine = user;
	engine->host->cancel(engine->host, engine->work);
}

static void work(void *self, const struct lucius_definition *definition, struct lucius_op op)
{
	struct engine *engine = self;
	engine_watch(engine, definition);
	engine->work = pass(engine, LUCIUS_OP_WORKFLOW_WORK, NULL, op);
	engine->host->on_cancel(engine->host, op, on_work_cancelled, engine);
	real(engine)->work(engine->local->self, &engine->watched, engine->work);
}

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct engine *engine = self;
	engine->host = host;
	engine->process = (struct process *)(uintptr_t)host->options;
	engine->local = host->wrap(host, "local");
	if (engine->local == NULL) {
		(void)snprintf(error, error_size, "there is no workflow-local.so");
		return LUCIUS_INTERNAL;
	}
	return LUCIUS_OK;
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct engine),
	.create = create,
};

static const struct lucius_workflow table = {
	.size = sizeof(table),
	.info = info,
	.start = start,
	.signal = signal,
	.cancel = cancel,
	.describe = describe,
	.work = work,
};

const struct lucius_plugin sim_local_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_WORKFLOW, "sim"),
	.version = LUCIUS_VERSION,
	.summary = "The local engine in the simulated world.",
	.life = &life,
	.option_size = sizeof(struct lucius_option),
	.workflow = &table,
};
