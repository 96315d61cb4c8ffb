/* SPDX-License-Identifier: MIT */
/* Counters as things happen; what others count, every few seconds. */
#include "plugins/workflow-temporal/metrics.h"

#include <stddef.h>

#include "plugins/workflow-temporal/engine.h"

#define EVERY_MS 2000u
#define MS_PER_SECOND 1000.0

static const struct {
	uint32_t type;
	const char *name;
	const char *help;
	const char *label;
	const char *label_value;
} rows[N_METRICS] = {
	[METRIC_RETRIES] = { LUCIUS_METRIC_COUNTER, "request_retries_total",
	        "Requests tried once more.", NULL, NULL },
	[METRIC_POLL_FAILURES] = { LUCIUS_METRIC_COUNTER, "poll_failures_total",
	        "Polls that ended in an error.", NULL, NULL },
	[METRIC_TASKS_COMPLETED] = { LUCIUS_METRIC_COUNTER, "workflow_tasks_total",
	        "Workflow tasks, by what became of them.", "outcome", "completed" },
	[METRIC_TASKS_FAILED] = { LUCIUS_METRIC_COUNTER, "workflow_tasks_total",
	        "Workflow tasks, by what became of them.", "outcome", "failed" },
	[METRIC_TASKS_DIFFERED] = { LUCIUS_METRIC_COUNTER, "workflow_tasks_total",
	        "Workflow tasks, by what became of them.", "outcome", "non_deterministic" },
	[METRIC_TASKS_LOST] = { LUCIUS_METRIC_COUNTER, "workflow_tasks_total",
	        "Workflow tasks, by what became of them.", "outcome", "lost" },
	[METRIC_TASKS_OVERTAKEN] = { LUCIUS_METRIC_COUNTER, "workflow_tasks_total",
	        "Workflow tasks, by what became of them.", "outcome", "overtaken" },
	[METRIC_QUERIES] = { LUCIUS_METRIC_COUNTER, "queries_total", "Queries answered.", NULL,
	        NULL },
	[METRIC_ACTIVITIES_COMPLETED] = { LUCIUS_METRIC_COUNTER, "activity_tasks_total",
	        "Activity tasks, by what became of them.", "outcome", "completed" },
	[METRIC_ACTIVITIES_RETRIED] = { LUCIUS_METRIC_COUNTER, "activity_tasks_total",
	        "Activity tasks, by what became of them.", "outcome", "to_be_retried" },
	[METRIC_ACTIVITIES_FAILED] = { LUCIUS_METRIC_COUNTER, "activity_tasks_total",
	        "Activity tasks, by what became of them.", "outcome", "failed" },
	[METRIC_ACTIVITIES_LOST] = { LUCIUS_METRIC_COUNTER, "activity_tasks_total",
	        "Activity tasks, by what became of them.", "outcome", "lost" },
	[METRIC_ACTIVITIES_EAGER] = { LUCIUS_METRIC_COUNTER, "eager_activity_tasks_total",
	        "Activity tasks that came with the answer to a workflow task.", NULL, NULL },
	[METRIC_HEARTBEATS] = { LUCIUS_METRIC_COUNTER, "heartbeats_total", "Heartbeats sent.", NULL,
	        NULL },
	[METRIC_WORKFLOW_SLOTS] = { LUCIUS_METRIC_GAUGE, "worker_task_slots_available",
	        "Tasks that the worker could take besides those it has.", "worker_type",
	        "workflow" },
	[METRIC_ACTIVITY_SLOTS] = { LUCIUS_METRIC_GAUGE, "worker_task_slots_available",
	        "Tasks that the worker could take besides those it has.", "worker_type",
	        "activity" },
	[METRIC_CONNECTIONS] = { LUCIUS_METRIC_COUNTER, "connections_total",
	        "Connections made to the server.", NULL, NULL },
	[METRIC_GOAWAYS] = { LUCIUS_METRIC_COUNTER, "goaways_total",
	        "Connections that the server asked to leave.", NULL, NULL },
	[METRIC_LOST_TRAILERS] = { LUCIUS_METRIC_COUNTER, "lost_trailers_total",
	        "Whole answers that came without a status.", NULL, NULL },
	[METRIC_TASK_SECONDS] = { LUCIUS_METRIC_HISTOGRAM, "workflow_task_seconds",
	        "Time from a workflow task to its accepted answer.", NULL, NULL },
	[METRIC_ACTIVITY_SECONDS] = { LUCIUS_METRIC_HISTOGRAM, "activity_seconds",
	        "Time of one try of an activity.", NULL, NULL },
};

static void record(struct engine *engine, enum engine_metric metric, double value)
{
	if (engine->metrics.series[metric] != NULL) {
		engine->host->record(engine->host, engine->metrics.series[metric], value);
	}
}

void engine_count(struct engine *engine, enum engine_metric metric)
{
	record(engine, metric, 1);
}

void engine_observe(struct engine *engine, enum engine_metric metric, uint64_t ms)
{
	record(engine, metric, (double)ms / MS_PER_SECOND);
}

static void tell(struct engine *engine)
{
	struct engine_metrics *metrics = &engine->metrics;
	const struct grpc_counts *told = &metrics->told;
	struct grpc_counts now = *told;
	if (engine->grpc != NULL) {
		now = grpc_client_counts(engine->grpc);
	}
	record(engine, METRIC_CONNECTIONS, (double)(now.n_connections - told->n_connections));
	record(engine, METRIC_GOAWAYS, (double)(now.n_goaways - told->n_goaways));
	record(engine, METRIC_LOST_TRAILERS, (double)(now.n_lost_trailers - told->n_lost_trailers));
	record(engine, METRIC_WORKFLOW_SLOTS, (double)poller_set_free(&engine->workflows));
	record(engine, METRIC_ACTIVITY_SLOTS, (double)poller_set_free(&engine->activities));
	metrics->told = now;
}

static void on_time(void *user)
{
	struct engine *engine = user;
	tell(engine);
	engine->metrics.timer = engine->host->timer_start(engine->host, EVERY_MS, on_time, engine);
}

void engine_metrics_start(struct engine *engine)
{
	for (size_t i = 0; i < N_METRICS; i++) {
		const struct lucius_metric_spec spec = {
			.size = sizeof(spec),
			.type = rows[i].type,
			.name = rows[i].name,
			.help = rows[i].help,
			.label = rows[i].label,
			.label_value = rows[i].label_value,
		};
		engine->metrics.series[i] = engine->host->metric(engine->host, &spec);
	}
	engine->metrics.timer = engine->host->timer_start(engine->host, EVERY_MS, on_time, engine);
}

void engine_metrics_stop(struct engine *engine)
{
	if (engine->metrics.timer != NULL) {
		engine->host->timer_stop(engine->host, engine->metrics.timer);
		engine->metrics.timer = NULL;
		tell(engine);
	}
}
