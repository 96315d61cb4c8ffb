/* SPDX-License-Identifier: MIT */
/* Counters, gauges and histograms of the process, and their Prometheus text form. */
#ifndef CORE_METRICS_H
#define CORE_METRICS_H

#include <lucius/plugin.h>

struct metric;
struct evbuffer;

/* The series of that name and label value; made at the first call. Name in full ("lucius_…"),
 * label may be NULL. Strings are copied. Never NULL; lives as long as the process. Type:
 * LUCIUS_METRIC_…. */
struct metric *metrics_series(uint32_t type, const char *name, const char *help, const char *label,
        const char *label_value);
/* Counter: adds. Gauge: sets. Histogram: observes. */
void metric_record(struct metric *metric, double value);
double metric_value(const struct metric *metric);
/* Prometheus text format 0.0.4. */
void metrics_print(struct evbuffer *output);

#endif
