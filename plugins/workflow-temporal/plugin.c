/* SPDX-License-Identifier: MIT */
/*
 * workflow-temporal: runs workflows on a Temporal server. This file is the border to the daemon:
 * options, life, and one short function for each operation.
 */
#include <lucius/workflow.h>
#include <stddef.h>
#include <string.h>

#include "plugins/workflow-temporal/client.h"
#include "plugins/workflow-temporal/engine.h"
#include "plugins/workflow-temporal/payload.h"
#include "support/base/memory_host.h"

/* The input is an event of its own; a directive made from it has some names and a result beside. */
#define INPUT_MAX (PAYLOAD_MAX - (size_t)64 * 1024)

static const struct lucius_option option_rows[] = {
	{
	        .name = "temporal-address",
	        .summary = "The Temporal server, host:port; if set, workflows run there.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = LUCIUS_OPTION_REQUIRED,
	        LUCIUS_MEMBER(struct engine_options, address),
	},
	{
	        .name = "temporal-namespace",
	        .default_value = "default",
	        .summary = "The namespace on the server, which must exist.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct engine_options, namespace),
	},
	{
	        .name = "temporal-task-queue",
	        .default_value = "lucius",
	        .summary = "The task queue that workflows are started on and workers poll.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct engine_options, task_queue),
	},
	{
	        .name = "temporal-identity",
	        .summary = "How this process is called in histories; else process@host@queue.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct engine_options, identity),
	},
	{
	        .name = "temporal-tls",
	        .default_value = "false",
	        .summary = "Whether TLS is spoken; it is too where a file or name for it is set.",
	        .type = LUCIUS_OPTION_BOOLEAN,
	        .flags = 0,
	        LUCIUS_MEMBER(struct engine_options, is_tls),
	},
	{
	        .name = "temporal-tls-ca",
	        .summary = "PEM file that the server's certificate is checked against, instead of "
	                   "the system's.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct engine_options, tls_ca),
	},
	{
	        .name = "temporal-tls-cert",
	        .summary = "PEM file with the client's certificate and chain.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct engine_options, tls_cert),
	},
	{
	        .name = "temporal-tls-key",
	        .summary = "PEM file with its key; else the key is looked for beside it.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct engine_options, tls_key),
	},
	{
	        .name = "temporal-tls-server-name",
	        .summary = "The name that the server's certificate must have, instead of the host.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct engine_options, tls_server_name),
	},
	{
	        .name = "temporal-api-key",
	        .summary = "API key that goes with each call, as Temporal's cloud wants it.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = LUCIUS_OPTION_SECRET,
	        LUCIUS_MEMBER(struct engine_options, api_key),
	},
	{
	        .name = "temporal-poll-seconds",
	        .default_value = "10",
	        .unit = "seconds",
	        .summary = "How long a poll for tasks stays open; a stop takes that long too.",
	        .min = 4,
	        .max = 60,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = 0,
	        LUCIUS_MEMBER(struct engine_options, poll_seconds),
	},
	{
	        .name = "temporal-workflow-pollers",
	        .default_value = "5",
	        .unit = "polls",
	        .summary = "Polls for workflow tasks that a worker keeps open.",
	        .min = 1,
	        .max = 1000,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = 0,
	        LUCIUS_MEMBER(struct engine_options, workflow_pollers),
	},
	{
	        .name = "temporal-activity-pollers",
	        .default_value = "5",
	        .unit = "polls",
	        .summary = "Polls for activity tasks that a worker keeps open.",
	        .min = 1,
	        .max = 1000,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = 0,
	        LUCIUS_MEMBER(struct engine_options, activity_pollers),
	},
	{
	        .name = "temporal-max-workflow-tasks",
	        .default_value = "200",
	        .unit = "tasks",
	        .summary = "Workflow tasks that a worker has at once.",
	        .min = 1,
	        .max = 100000,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = 0,
	        LUCIUS_MEMBER(struct engine_options, max_workflow_tasks),
	},
	{
	        .name = "temporal-max-activities",
	        .default_value = "200",
	        .unit = "activities",
	        .summary = "Activities that a worker runs at once.",
	        .min = 1,
	        .max = 100000,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = 0,
	        LUCIUS_MEMBER(struct engine_options, max_activities),
	},
};

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	memory_use_host(host);
	return engine_init(self, host, error, error_size) ? LUCIUS_OK : LUCIUS_DENIED;
}

static void life_start(void *self, struct lucius_op op)
{
	engine_start(self, op);
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
	const struct server *server = &engine->server;
	if (server->is_ready) {
		lucius_finish(engine->host, op);
	} else {
		lucius_fail(engine->host, op, LUCIUS_UNAVAILABLE,
		        server->not_ready != NULL ? server->not_ready
		                                  : "The Temporal server does not answer.");
	}
}

static void info(void *self, struct lucius_workflow_info *info)
{
	(void)self;
	size_t end = offsetof(struct lucius_workflow_info, max_input_size);
	if (info->size >= end + sizeof(info->max_input_size)) {
		info->max_input_size = INPUT_MAX;
	}
}

static void start(void *self, const struct lucius_run *run, struct lucius_op op)
{
	client_start(self, run, op);
}

static void signal(void *self, const struct lucius_signal *signal, struct lucius_op op)
{
	client_signal(self, signal, op);
}

static void cancel(void *self, struct lucius_text workflow_id, struct lucius_text request_id,
        struct lucius_op op)
{
	client_cancel(self, workflow_id, request_id, op);
}

static void describe(void *self, struct lucius_text workflow_id, struct lucius_op op)
{
	client_describe(self, workflow_id, op);
}

static void work(void *self, const struct lucius_definition *definition, struct lucius_op op)
{
	struct engine *engine = self;
	if (engine->is_stopped || engine->definition != NULL) {
		lucius_fail(engine->host, op, LUCIUS_UNAVAILABLE,
		        engine->is_stopped ? "The engine has been stopped."
		                           : "The engine is at work already, for somebody else.");
		return;
	}
	engine_work(engine, definition, op);
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct engine),
	.create = create,
	.start = life_start,
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
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_WORKFLOW, "temporal"),
	.version = LUCIUS_VERSION,
	.summary = "Runs workflows on a Temporal server, as its client and worker.",
	.life = &life,
	.options = option_rows,
	.n_options = sizeof(option_rows) / sizeof(option_rows[0]),
	.option_size = sizeof(struct lucius_option),
	.options_size = sizeof(struct engine_options),
	.workflow = &workflow,
};
