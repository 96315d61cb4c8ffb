/* SPDX-License-Identifier: MIT */
/*
 * The engine's life. Work ends in a drain: no new polls, those that are open are awaited, as what
 * they bring would be lost, and so are the tasks that are worked on; then nothing is left.
 */
#include "plugins/workflow-temporal/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "messages.pb-c.h"
#include "plugins/workflow-temporal/activity-task.h"
#include "plugins/workflow-temporal/call.h"
#include "plugins/workflow-temporal/connect.h"
#include "plugins/workflow-temporal/workflow-task.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define START_BOUND_MS 5000u
#define DRAIN_EVERY_MS 50u
#define DRAIN_GRACE_MS 5000u
#define MS_PER_SECOND 1000u
#define GOODBYE_TIMEOUT_MS 2000u

uint64_t engine_backoff_ms(
        const struct engine *engine, unsigned n_failures, uint64_t first_ms, uint64_t max_ms)
{
	unsigned doublings = n_failures > 0 ? n_failures - 1 : 0;
	uint64_t bound = first_ms << (doublings < 16 ? doublings : 16);
	uint64_t random = 0;
	bound = bound < max_ms ? bound : max_ms;
	engine->host->random(engine->host, &random, sizeof(random));
	return random % (bound + 1);
}

void engine_random_id(const struct engine *engine, char ret_id[RANDOM_ID_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char random[(RANDOM_ID_SIZE - 1) / 2];
	engine->host->random(engine->host, random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++) {
		ret_id[2 * i] = digits[random[i] >> 4];
		ret_id[2 * i + 1] = digits[random[i] & 15];
	}
	ret_id[RANDOM_ID_SIZE - 1] = '\0';
}

void engine_log(const struct engine *engine, uint32_t level, const char *event,
        const char *sentence, const char *workflow_id)
{
	const struct lucius_field id = {
		.name = "job_id",
		.value = workflow_id,
		.value_size = (uint32_t)strlen(workflow_id),
		.type = LUCIUS_FIELD_STRING,
	};
	engine->host->log(engine->host, level, event, sentence, &id, 1);
}

static char *make_identity(const struct engine_options *options)
{
	char host[64] = "";
	if (options->identity != NULL) {
		return must_copy(options->identity, strlen(options->identity));
	}
	(void)gethostname(host, sizeof(host) - 1);
	return must_print("%ld@%s@%.200s", (long)getpid(), host, options->task_queue);
}

static void set_up_pollers(struct engine *engine)
{
	engine->workflows = (struct poller_set){
		.engine = engine,
		.method = "PollWorkflowTaskQueue",
		.take = workflow_task_take,
	};
	engine->activities = (struct poller_set){
		.engine = engine,
		.method = "PollActivityTaskQueue",
		.take = activity_task_take,
	};
}

bool engine_init(
        struct engine *engine, const struct lucius_host *host, char *error, size_t error_size)
{
	engine->host = host;
	engine->options = host->options;
	engine->identity = make_identity(engine->options);
	TAILQ_INIT(&engine->calls);
	TAILQ_INIT(&engine->workflow_tasks);
	TAILQ_INIT(&engine->activity_tasks);
	host->random(host, &engine->failed_runs.key, sizeof(engine->failed_runs.key));
	set_up_pollers(engine);
	return connect_check(engine->options, error, error_size);
}

void engine_finish(struct engine *engine)
{
	if (engine->host == NULL) {
		return;
	}
	engine_metrics_stop(engine);
	poller_set_finish(&engine->workflows);
	poller_set_finish(&engine->activities);
	server_stop(engine);
	grpc_client_destroy(engine->grpc);
	free(engine->identity);
}

static void end_start(struct engine *engine)
{
	struct server *server = &engine->server;
	struct lucius_op op = engine->start;
	if (op.id == 0) {
		return;
	}
	engine->start.id = 0;
	if (engine->start_bound != NULL) {
		engine->host->timer_stop(engine->host, steal(engine->start_bound));
	}
	if (server->is_ready) {
		lucius_finish(engine->host, op);
	} else {
		lucius_fail(engine->host, op, LUCIUS_UNAVAILABLE,
		        server->not_ready != NULL ? server->not_ready
		                                  : "The Temporal server does not answer.");
	}
}

void engine_on_first_state(struct engine *engine)
{
	end_start(engine);
}

static void on_start_bound(void *user)
{
	struct engine *engine = user;
	engine->start_bound = NULL;
	engine->host->ready(engine->host, "The Temporal server does not answer.");
	end_start(engine);
}

void engine_start(struct engine *engine, struct lucius_op op)
{
	char error[512];
	engine->grpc = connect_create(engine, error, sizeof(error));
	if (engine->grpc == NULL) {
		lucius_fail(engine->host, op, LUCIUS_INTERNAL, error);
		return;
	}
	engine->start = op;
	engine->start_bound =
	        engine->host->timer_start(engine->host, START_BOUND_MS, on_start_bound, engine);
	server_start(engine);
	engine_metrics_start(engine);
}

static void on_goodbye(void *user, const struct grpc_answer *answer)
{
	/* A courtesy; older servers do not know it. */
	(void)user;
	(void)answer;
}

static void say_goodbye(struct engine *engine)
{
	int32_t types[] = { 1, 2 };
	Wire__ShutdownWorkerRequest request = WIRE__SHUTDOWN_WORKER_REQUEST__INIT;
	if (engine->grpc == NULL || engine->definition == NULL || !engine->server.is_ready) {
		return;
	}
	request.namespace_ = (char *)(uintptr_t)engine->options->namespace;
	request.identity = engine->identity;
	request.reason = (char *)(uintptr_t) "graceful shutdown";
	request.task_queue = (char *)(uintptr_t)engine->options->task_queue;
	request.task_queue_types = types;
	request.n_task_queue_types = sizeof(types) / sizeof(types[0]);
	const struct call_request call = {
		.method = "ShutdownWorker",
		.message = &request.base,
		.timeout_ms = GOODBYE_TIMEOUT_MS,
	};
	(void)call_start(engine, &call, on_goodbye, NULL);
}

static bool is_drained(const struct engine *engine)
{
	bool has_polls = engine->workflows.n_open != 0 || engine->activities.n_open != 0;
	bool has_tasks =
	        !TAILQ_EMPTY(&engine->workflow_tasks) || !TAILQ_EMPTY(&engine->activity_tasks);
	return !has_polls && !has_tasks && TAILQ_EMPTY(&engine->calls);
}

static void end_work(struct engine *engine)
{
	struct lucius_op work = engine->work;
	poller_set_finish(&engine->workflows);
	poller_set_finish(&engine->activities);
	engine->work.id = 0;
	engine->definition = NULL;
	engine->is_draining = engine->is_stopped;
	if (work.id != 0) {
		lucius_finish(engine->host, work);
	}
}

static void end_stop(struct engine *engine)
{
	struct lucius_op stop = engine->stop;
	engine_metrics_stop(engine);
	grpc_client_destroy(steal(engine->grpc));
	engine->stop.id = 0;
	lucius_finish(engine->host, stop);
}

/* What is still there at the end of the bound, or cannot reach the server, is given up: the server
 * gives it to others. */
static void give_up(struct engine *engine)
{
	poller_set_cancel(&engine->workflows, true);
	poller_set_cancel(&engine->activities, true);
	activity_task_give_up_all(engine);
	call_give_up_all(engine);
	workflow_task_give_up_all(engine);
}

static void on_drain(void *user)
{
	struct engine *engine = user;
	const struct lucius_host *host = engine->host;
	engine->drain = NULL;
	poller_set_cancel(&engine->workflows, false);
	poller_set_cancel(&engine->activities, false);
	if (!engine->server.is_connected || host->now_ms(host) >= engine->drain_until_ms) {
		give_up(engine);
	}
	if (!is_drained(engine)) {
		engine->drain = host->timer_start(host, DRAIN_EVERY_MS, on_drain, engine);
		return;
	}
	end_work(engine);
	if (engine->stop.id != 0) {
		end_stop(engine);
	}
}

static void drain(struct engine *engine)
{
	const struct lucius_host *host = engine->host;
	if (engine->drain != NULL) {
		return;
	}
	say_goodbye(engine);
	engine->is_draining = true;
	engine->drain_until_ms = host->now_ms(host) +
	        (uint64_t)engine->options->poll_seconds * MS_PER_SECOND + DRAIN_GRACE_MS;
	engine->drain = host->timer_start(host, 0, on_drain, engine);
}

void engine_stop(struct engine *engine, struct lucius_op op)
{
	engine->stop = op;
	drain(engine);
	engine->is_stopped = true;
	server_stop(engine);
	end_start(engine);
}

static void on_work_cancelled(void *user)
{
	struct engine *engine = user;
	if (engine->work.id != 0) {
		drain(engine);
	}
}

void engine_work(
        struct engine *engine, const struct lucius_definition *definition, struct lucius_op op)
{
	const struct engine_options *options = engine->options;
	engine->definition = definition;
	engine->work = op;
	engine->host->on_cancel(engine->host, op, on_work_cancelled, engine);
	poller_set_start(&engine->workflows, (size_t)options->workflow_pollers,
	        (size_t)options->max_workflow_tasks);
	poller_set_start(&engine->activities, (size_t)options->activity_pollers,
	        (size_t)options->max_activities);
}
