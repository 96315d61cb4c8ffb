/* SPDX-License-Identifier: MIT */
/* The engine's metrics (shown as lucius_workflow_temporal_<name>). */
#ifndef WORKFLOW_TEMPORAL_METRICS_H
#define WORKFLOW_TEMPORAL_METRICS_H

#include <lucius/plugin.h>

#include "support/grpc/grpc.h"

struct engine;

enum engine_metric {
	METRIC_RETRIES,
	METRIC_POLL_FAILURES,
	METRIC_TASKS_COMPLETED, /* of workflows */
	METRIC_TASKS_FAILED,
	METRIC_TASKS_DIFFERED, /* non-determinism */
	METRIC_TASKS_LOST,
	METRIC_TASKS_OVERTAKEN, /* something came while they were answered */
	METRIC_QUERIES,
	METRIC_ACTIVITIES_COMPLETED,
	METRIC_ACTIVITIES_RETRIED,
	METRIC_ACTIVITIES_FAILED,
	METRIC_ACTIVITIES_LOST,
	METRIC_ACTIVITIES_EAGER, /* came with the answer to a workflow task */
	METRIC_HEARTBEATS,
	N_COUNTED,
	METRIC_WORKFLOW_SLOTS = N_COUNTED,
	METRIC_ACTIVITY_SLOTS,
	METRIC_CONNECTIONS,
	METRIC_GOAWAYS,
	METRIC_LOST_TRAILERS,
	METRIC_TASK_SECONDS,
	METRIC_ACTIVITY_SECONDS,
	N_METRICS
};

struct engine_metrics {
	struct lucius_metric *series[N_METRICS]; /* borrowed */
	struct grpc_counts told;
	struct lucius_timer *timer;
};

void engine_metrics_start(struct engine *engine);
void engine_metrics_stop(struct engine *engine);
/* One more. */
void engine_count(struct engine *engine, enum engine_metric metric);
void engine_observe(struct engine *engine, enum engine_metric metric, uint64_t ms);

#endif
