/* SPDX-License-Identifier: MIT */
/* The engine of the rig: runs nothing, and says of every run what the test has set. */
#include "tests/support/rig.h"

struct workflow {
	const struct lucius_host *host;
};

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct workflow *workflow = self;
	(void)error;
	(void)error_size;
	workflow->host = host;
	rig.workflow_host = host;
	return LUCIUS_OK;
}

static void stop(void *self, struct lucius_op op)
{
	struct workflow *workflow = self;
	rig_end_all(workflow->host);
	lucius_finish(workflow->host, op);
}

static void destroy(void *self)
{
	(void)self;
}

static void info(void *self, struct lucius_workflow_info *info)
{
	(void)self;
	info->traits = rig.traits.is_in_process ? LUCIUS_WORKFLOW_IN_PROCESS : 0;
	info->max_input_size = rig.traits.max_input_size;
}

static void start(void *self, const struct lucius_run *run, struct lucius_op op)
{
	struct workflow *workflow = self;
	if (!rig_ask(workflow->host, LUCIUS_OP_WORKFLOW_START, op, "start %s%s",
	            run->workflow_id.data, run->is_restored != 0 ? " restored" : "")) {
		rig_finish(workflow->host, op, rig_outcome(LUCIUS_OP_WORKFLOW_START, LUCIUS_OK));
	}
}

static void signal(void *self, const struct lucius_signal *signal, struct lucius_op op)
{
	struct workflow *workflow = self;
	if (!rig_ask(workflow->host, LUCIUS_OP_WORKFLOW_SIGNAL, op, "signal %s %s",
	            signal->name.data, signal->argument.data)) {
		rig_finish(workflow->host, op, LUCIUS_OK);
	}
}

static void cancel(void *self, struct lucius_text workflow_id, struct lucius_text request_id,
        struct lucius_op op)
{
	struct workflow *workflow = self;
	(void)request_id;
	if (!rig_ask(
	            workflow->host, LUCIUS_OP_WORKFLOW_CANCEL, op, "cancel %s", workflow_id.data)) {
		rig_finish(workflow->host, op, LUCIUS_OK);
	}
}

static void describe(void *self, struct lucius_text workflow_id, struct lucius_op op)
{
	struct workflow *workflow = self;
	if (rig_ask(workflow->host, LUCIUS_OP_WORKFLOW_DESCRIBE, op, "describe %s",
	            workflow_id.data)) {
		return;
	}
	if (rig.run_state == 0) {
		rig_finish(workflow->host, op, LUCIUS_NOT_FOUND);
		return;
	}
	const struct lucius_run_state state = { sizeof(state), rig.run_state };
	workflow->host->give(workflow->host, op, &state);
	rig_finish(workflow->host, op, LUCIUS_OK);
}

static void work(void *self, const struct lucius_definition *definition, struct lucius_op op)
{
	struct workflow *workflow = self;
	(void)definition;
	if (!rig_ask(workflow->host, LUCIUS_OP_WORKFLOW_WORK, op, "work")) {
		rig_stay_open(workflow->host, op);
	}
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct workflow),
	.create = create,
	.stop = stop,
	.destroy = destroy,
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

const struct lucius_plugin rig_workflow_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_WORKFLOW, "rig"),
	.version = "1",
	.summary = "For tests.",
	.life = &life,
	.workflow = &table,
};
