/* SPDX-License-Identifier: MIT */
/* The operations of a workflow engine: opened, arguments copied, handed to the plugin. */
#include "core/copy.h"
#include "core/instance.h"

static const struct lucius_workflow *table_of(const struct backend *backend)
{
	return backend->plugin->workflow;
}

struct lucius_workflow_info workflow_info(struct backend *workflow)
{
	struct lucius_workflow_info info = { .size = sizeof(info) };
	if (LUCIUS_HAS(table_of(workflow), info)) {
		table_of(workflow)->info(workflow->self, &info);
	}
	return info;
}

struct lucius_op workflow_start(
        struct backend *workflow, const struct lucius_run *run, const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(workflow, LUCIUS_OP_WORKFLOW_START, true, caller, &handle);
	if (op != NULL) {
		table_of(workflow)->start(workflow->self, copy_run(&op->arguments, run), handle);
		backend_left(workflow, LUCIUS_OP_WORKFLOW_START);
	}
	return handle;
}

struct lucius_op workflow_signal(struct backend *workflow, const struct lucius_signal *signal,
        const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(workflow, LUCIUS_OP_WORKFLOW_SIGNAL, true, caller, &handle);
	if (op != NULL) {
		table_of(workflow)->signal(
		        workflow->self, copy_signal(&op->arguments, signal), handle);
		backend_left(workflow, LUCIUS_OP_WORKFLOW_SIGNAL);
	}
	return handle;
}

struct lucius_op workflow_cancel(struct backend *workflow, struct lucius_text workflow_id,
        struct lucius_text request_id, const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(workflow, LUCIUS_OP_WORKFLOW_CANCEL, true, caller, &handle);
	if (op != NULL) {
		table_of(workflow)->cancel(workflow->self, copy_text(&op->arguments, workflow_id),
		        copy_text(&op->arguments, request_id), handle);
		backend_left(workflow, LUCIUS_OP_WORKFLOW_CANCEL);
	}
	return handle;
}

struct lucius_op workflow_describe(
        struct backend *workflow, struct lucius_text workflow_id, const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(workflow, LUCIUS_OP_WORKFLOW_DESCRIBE, true, caller, &handle);
	if (op != NULL) {
		table_of(workflow)->describe(
		        workflow->self, copy_text(&op->arguments, workflow_id), handle);
		backend_left(workflow, LUCIUS_OP_WORKFLOW_DESCRIBE);
	}
	return handle;
}

/* The definition is not copied: it stays good until destroy. */
struct lucius_op workflow_work(struct backend *workflow, const struct lucius_definition *definition,
        const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(workflow, LUCIUS_OP_WORKFLOW_WORK, true, caller, &handle);
	if (op != NULL) {
		table_of(workflow)->work(workflow->self, definition, handle);
		backend_left(workflow, LUCIUS_OP_WORKFLOW_WORK);
	}
	return handle;
}
