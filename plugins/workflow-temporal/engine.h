/* SPDX-License-Identifier: MIT */
/*
 * The engine: a client of one Temporal server and, once there is work, a worker on one task queue.
 * This is what its files share.
 */
#ifndef WORKFLOW_TEMPORAL_ENGINE_H
#define WORKFLOW_TEMPORAL_ENGINE_H

#include <lucius/workflow.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "plugins/workflow-temporal/metrics.h"
#include "plugins/workflow-temporal/poller.h"
#include "plugins/workflow-temporal/repeats.h"
#include "support/grpc/grpc.h"

#define WORKFLOW_TYPE "LuciusWorkflow"
#define SDK_NAME "lucius"
/* Search attributes of type Keyword, used if the namespace has them. */
#define ATTRIBUTE_TENANT "LuciusTenant"
#define ATTRIBUTE_REQUEST_TYPE "LuciusRequestType"

/* The option struct of the plugin. */
struct engine_options {
	const char *address;
	const char *namespace;
	const char *task_queue;
	const char *identity;
	uint32_t is_tls;
	const char *tls_ca;
	const char *tls_cert;
	const char *tls_key;
	const char *tls_server_name;
	const char *api_key;
	int64_t poll_seconds;
	int64_t workflow_pollers;
	int64_t activity_pollers;
	int64_t max_workflow_tasks;
	int64_t max_activities;
};

struct activity_task;
struct call;
struct workflow_task;
TAILQ_HEAD(activity_list, activity_task);
TAILQ_HEAD(workflow_task_list, workflow_task);
TAILQ_HEAD(call_list, call);

/* What is known of the server; see server.h. */
struct server {
	bool is_connected;
	bool is_ready; /* and has the namespace */
	bool polls_end_at_shutdown; /* it ends open polls by itself when a worker says goodbye */
	bool has_tenant; /* search attributes of the namespace */
	bool has_request_type;
	char *not_ready; /* owned; why; NULL: ready, or nothing is known yet */
	struct call *check; /* under way; NULL: none */
	struct lucius_timer *recheck; /* until the next */
	unsigned n_failures; /* of checks in a row */
};

struct engine {
	const struct lucius_host *host; /* borrowed */
	const struct engine_options *options; /* borrowed */
	char *identity; /* owned */
	struct grpc_client *grpc; /* owned; NULL before start */
	struct server server;
	struct engine_metrics metrics;
	struct call_list calls; /* all under way but polls */
	const struct lucius_definition *definition; /* borrowed; NULL: nobody works */
	struct poller_set workflows;
	struct poller_set activities;
	struct workflow_task_list workflow_tasks;
	struct activity_list activity_tasks;
	struct repeats failed_runs; /* whose tasks have failed lately */
	struct lucius_op start; /* id 0: none, as for the others */
	struct lucius_op work;
	struct lucius_op stop;
	struct lucius_timer *start_bound;
	struct lucius_timer *drain; /* looks whether the work is over */
	uint64_t drain_until_ms; /* then what is left is given up */
	bool is_draining; /* no new tasks are taken */
	bool is_stopped;
};

/* Fills the settings from the options; false: a sentence. No I/O. */
bool engine_init(
        struct engine *engine, const struct lucius_host *host, char *error, size_t error_size);
/* Takes one that was never initialised. */
void engine_finish(struct engine *engine);
void engine_start(struct engine *engine, struct lucius_op op);
void engine_stop(struct engine *engine, struct lucius_op op);
/* Begins to poll; ends the operation when the work is over. */
void engine_work(
        struct engine *engine, const struct lucius_definition *definition, struct lucius_op op);

/* server.c: whether the server can be worked with. */
void server_start(struct engine *engine);
void server_stop(struct engine *engine);
/* Asks the server for the namespace, unless that is under way. */
void server_check(struct engine *engine);
/* For on_state of the client. */
void server_on_state(struct engine *engine, const char *sentence);
/* For engine.c: the first that is known of the server. */
void engine_on_first_state(struct engine *engine);

/* Full jitter: anything from nothing to the bound, which doubles with each failure. */
uint64_t engine_backoff_ms(
        const struct engine *engine, unsigned n_failures, uint64_t first_ms, uint64_t max_ms);
/* 32 random hexadecimal digits and a NUL. */
#define RANDOM_ID_SIZE 33
void engine_random_id(const struct engine *engine, char ret_id[RANDOM_ID_SIZE]);
/* A log line about one run. */
void engine_log(const struct engine *engine, uint32_t level, const char *event,
        const char *sentence, const char *workflow_id);

#endif
