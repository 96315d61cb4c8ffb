/* SPDX-License-Identifier: MIT */
/*
 * Series in a hash table by name and label value, grouped in families for printing. A family has
 * a bounded number of series, so that a label that users can choose does not fill the memory.
 */
#include "core/metrics.h"

#include <event2/buffer.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/log.h"
#include "support/base/memory.h"

enum { N_TABLE = 1024, N_SERIES_A_FAMILY = 1000 };

static const double bounds[] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
	2.5, 5, 10, 30, 60 };
enum { N_BOUNDS = sizeof(bounds) / sizeof(bounds[0]) };

struct metric {
	uint32_t type;
	char *label_value; /* owned; NULL: no label */
	double value; /* of a histogram: the sum */
	uint64_t n_observed;
	uint64_t *buckets; /* owned; histograms only: N_BOUNDS of them, not cumulated */
	const struct family *family;
	struct metric *next; /* of the family */
	struct metric *next_in_table;
};

struct family {
	uint32_t type;
	char *name; /* owned, as all texts here */
	char *help;
	char *label;
	struct metric *first;
	struct metric **last;
	size_t n_series;
	struct family *next;
};

static struct family *families;
static struct family **last_family = &families;
static struct metric *table[N_TABLE];

/* FNV-1a (RFC 9923), over both texts. */
static uint32_t hash(const char *name, const char *label_value)
{
	uint32_t h = 2166136261u;
	for (const char *p = name; *p != '\0'; p++) {
		h = (h ^ (unsigned char)*p) * 16777619u;
	}
	for (const char *p = label_value != NULL ? label_value : ""; *p != '\0'; p++) {
		h = (h ^ (unsigned char)*p) * 16777619u;
	}
	return h % N_TABLE;
}

static bool is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static struct metric *find(const char *name, const char *label_value)
{
	struct metric *metric = table[hash(name, label_value)];
	while (metric != NULL &&
	        (strcmp(metric->family->name, name) != 0 ||
	                !is_same(metric->label_value, label_value))) {
		metric = metric->next_in_table;
	}
	return metric;
}

static char *copy(const char *text)
{
	return text != NULL ? must_copy(text, strlen(text)) : NULL;
}

/* Letters, digits and `_` are what a name may have; the rest becomes `_`. */
static char *clean_name(const char *name)
{
	char *clean = copy(name);
	for (char *p = clean; *p != '\0'; p++) {
		bool is_letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_';
		bool is_digit = p != clean && *p >= '0' && *p <= '9';
		if (!is_letter && !is_digit) {
			*p = '_';
		}
	}
	return clean;
}

static struct family *family_of(
        uint32_t type, const char *name, const char *help, const char *label)
{
	for (struct family *family = families; family != NULL; family = family->next) {
		if (strcmp(family->name, name) == 0) {
			return family;
		}
	}
	struct family *family = must_calloc(1, sizeof(*family));
	family->type = type;
	family->name = copy(name);
	family->help = copy(help != NULL ? help : "");
	family->label = label != NULL ? clean_name(label) : NULL;
	family->last = &family->first;
	*last_family = family;
	last_family = &family->next;
	return family;
}

static struct metric *add(struct family *family, const char *label_value)
{
	struct metric *metric = must_calloc(1, sizeof(*metric));
	metric->type = family->type;
	metric->family = family;
	metric->label_value = copy(label_value);
	if (family->type == LUCIUS_METRIC_HISTOGRAM) {
		metric->buckets = must_calloc(N_BOUNDS, sizeof(*metric->buckets));
	}
	*family->last = metric;
	family->last = &metric->next;
	family->n_series++;
	uint32_t place = hash(family->name, label_value);
	metric->next_in_table = table[place];
	table[place] = metric;
	return metric;
}

static struct metric *series_of(struct family *family, const char *label_value)
{
	if (family->label == NULL) {
		label_value = NULL;
	} else if (label_value == NULL) {
		label_value = "";
	}
	struct metric *metric = find(family->name, label_value);
	if (metric == NULL && label_value != NULL && family->n_series >= N_SERIES_A_FAMILY) {
		label_value = "other";
		metric = find(family->name, label_value);
	}
	return metric != NULL ? metric : add(family, label_value);
}

/* What a caller gets who asks for a series of another type than it has: recorded, never shown. */
static struct metric *hidden_series(const struct family *family, uint32_t type)
{
	static struct family hidden;
	static struct metric counter;
	LOG(LUCIUS_LOG_WARNING, "metrics.type",
	        "a series is asked for with another type than it was made with; it is not recorded",
	        LOG_STRING("name", family->name), LOG_INTEGER("type", type));
	counter.type = LUCIUS_METRIC_GAUGE;
	counter.family = &hidden;
	return &counter;
}

struct metric *metrics_series(uint32_t type, const char *name, const char *help, const char *label,
        const char *label_value)
{
	struct metric *known = find(name, label != NULL ? label_value : NULL);
	if (known != NULL && known->type == type) {
		return known;
	}
	if (type < LUCIUS_METRIC_COUNTER || type > LUCIUS_METRIC_HISTOGRAM) {
		type = LUCIUS_METRIC_GAUGE;
	}
	char *clean = clean_name(name);
	struct family *family = family_of(type, clean, help, label);
	free(clean);
	if (family->type != type) {
		return hidden_series(family, type);
	}
	return series_of(family, label_value);
}

static void observe(struct metric *metric, double value)
{
	metric->value += value;
	metric->n_observed++;
	for (size_t i = 0; i < N_BOUNDS; i++) {
		if (value <= bounds[i]) {
			metric->buckets[i]++;
			return;
		}
	}
}

void metric_record(struct metric *metric, double value)
{
	if (metric->type == LUCIUS_METRIC_GAUGE) {
		metric->value = value;
	} else if (isnan(value)) {
		return; /* one would spoil the sum for good */
	} else if (metric->type == LUCIUS_METRIC_HISTOGRAM) {
		observe(metric, value);
	} else if (value > 0) {
		metric->value += value;
	}
}

double metric_value(const struct metric *metric)
{
	return metric->value;
}

/* Escapes as the text format wants it: `\` and line feed, in a label value `"` too. */
static void print_escaped(struct evbuffer *output, const char *text, bool is_label)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\n') {
			evbuffer_add(output, "\\n", 2);
			continue;
		}
		if (*p == '\\' || (is_label && *p == '"')) {
			evbuffer_add(output, "\\", 1);
		}
		evbuffer_add(output, p, 1);
	}
}

static void print_number(struct evbuffer *output, double value)
{
	if (isnan(value)) {
		evbuffer_add_printf(output, " NaN\n");
	} else if (isinf(value)) {
		evbuffer_add_printf(output, value > 0 ? " +Inf\n" : " -Inf\n");
	} else {
		evbuffer_add_printf(output, " %.15g\n", value);
	}
}

/* Name, suffix and labels; `le` is NULL but for the buckets of a histogram. */
static void print_name(
        struct evbuffer *output, const struct metric *metric, const char *suffix, const char *le)
{
	evbuffer_add_printf(output, "%s%s", metric->family->name, suffix);
	if (metric->label_value == NULL && le == NULL) {
		return;
	}
	evbuffer_add(output, "{", 1);
	if (metric->label_value != NULL) {
		evbuffer_add_printf(output, "%s=\"", metric->family->label);
		print_escaped(output, metric->label_value, true);
		evbuffer_add_printf(output, le != NULL ? "\"," : "\"");
	}
	if (le != NULL) {
		evbuffer_add_printf(output, "le=\"%s\"", le);
	}
	evbuffer_add(output, "}", 1);
}

static void print_histogram(struct evbuffer *output, const struct metric *metric)
{
	uint64_t n = 0;
	for (size_t i = 0; i < N_BOUNDS; i++) {
		char le[32];
		snprintf(le, sizeof(le), "%g", bounds[i]);
		n += metric->buckets[i];
		print_name(output, metric, "_bucket", le);
		evbuffer_add_printf(output, " %llu\n", (unsigned long long)n);
	}
	print_name(output, metric, "_bucket", "+Inf");
	evbuffer_add_printf(output, " %llu\n", (unsigned long long)metric->n_observed);
	print_name(output, metric, "_sum", NULL);
	print_number(output, metric->value);
	print_name(output, metric, "_count", NULL);
	evbuffer_add_printf(output, " %llu\n", (unsigned long long)metric->n_observed);
}

static const char *type_name(uint32_t type)
{
	switch (type) {
	case LUCIUS_METRIC_COUNTER:
		return "counter";
	case LUCIUS_METRIC_HISTOGRAM:
		return "histogram";
	default:
		return "gauge";
	}
}

void metrics_print(struct evbuffer *output)
{
	for (const struct family *family = families; family != NULL; family = family->next) {
		evbuffer_add_printf(output, "# HELP %s ", family->name);
		print_escaped(output, family->help, false);
		evbuffer_add_printf(
		        output, "\n# TYPE %s %s\n", family->name, type_name(family->type));
		for (const struct metric *m = family->first; m != NULL; m = m->next) {
			if (m->type == LUCIUS_METRIC_HISTOGRAM) {
				print_histogram(output, m);
				continue;
			}
			print_name(output, m, "", NULL);
			print_number(output, m->value);
		}
	}
}
