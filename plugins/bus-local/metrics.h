/* SPDX-License-Identifier: MIT */
/* The broker's counts as the daemon's metrics. */
#ifndef BUS_LOCAL_METRICS_H
#define BUS_LOCAL_METRICS_H

#include <lucius/plugin.h>

#include "plugins/bus-local/model/broker.h"

struct bus;

#define METRICS_N_COUNTERS 11
#define METRICS_N_GAUGES 3

struct metrics {
	struct lucius_metric *counters[METRICS_N_COUNTERS]; /* borrowed, as the next */
	struct lucius_metric *gauges[METRICS_N_GAUGES];
	struct broker_counts told; /* what is in the counters already */
	struct lucius_timer *timer;
};

/* Begins to record, every second. */
void metrics_start(struct bus *bus);

/* Records what is new, for the last time; harmless if it has not been started. */
void metrics_stop(struct bus *bus);

#endif
