/* SPDX-License-Identifier: MIT */
/* Every second and not with each message: counting costs the broker nothing that way. */
#include "plugins/bus-local/metrics.h"

#include "plugins/bus-local/amqp/listener.h"
#include "plugins/bus-local/bus.h"

#define INTERVAL_MS 1000

#define COUNTER(metric_name, member, text)                        \
	{                                                         \
		.name = (metric_name), .help = (text),            \
		.offset = offsetof(struct broker_counts, member), \
	}

static const struct {
	const char *name;
	const char *help;
	size_t offset;
} counters[METRICS_N_COUNTERS] = {
	COUNTER("published", n_published, "Messages that topics have taken."),
	COUNTER("duplicates", n_duplicates, "Messages refused or dropped for a known message id."),
	COUNTER("unroutable", n_unroutable, "Messages that no subscription got."),
	COUNTER("refused", n_refused, "Publishings refused because a subscription was full."),
	COUNTER("delivered", n_delivered, "Deliveries to receivers."),
	COUNTER("completed", n_completed, "Messages that receivers have completed."),
	COUNTER("returned", n_returned, "Deliveries that receivers have abandoned or released."),
	COUNTER("locks_expired", n_locks_expired, "Deliveries whose lock ended unsettled."),
	COUNTER("expired", n_expired, "Messages whose time to live ended."),
	COUNTER("dead_letters", n_dead_letters, "Messages that became dead letters."),
	COUNTER("dead_letters_dropped", n_dead_letters_dropped,
	        "Dead letters dropped to make room for newer ones."),
};

static const struct {
	const char *name;
	const char *help;
} gauges[METRICS_N_GAUGES] = {
	{ "bytes", "Bytes of messages held, counted wherever they are held." },
	{ "locked", "Messages locked by receivers." },
	{ "connections", "AMQP connections." },
};

static struct lucius_metric *make(
        const struct lucius_host *host, uint32_t type, const char *name, const char *help)
{
	struct lucius_metric_spec spec = {
		.size = sizeof(spec),
		.type = type,
		.name = name,
		.help = help,
	};
	return host->metric(host, &spec);
}

static uint64_t count_at(const struct broker_counts *counts, size_t i)
{
	uint64_t count = 0;
	memcpy(&count, (const char *)counts + counters[i].offset, sizeof(count));
	return count;
}

static void record(struct bus *bus)
{
	const struct lucius_host *host = bus->host;
	struct metrics *metrics = &bus->metrics;
	const struct broker_counts *now = &bus->broker.counts;
	for (size_t i = 0; i < METRICS_N_COUNTERS; i++) {
		uint64_t added = count_at(now, i) - count_at(&metrics->told, i);
		if (added != 0) {
			host->record(host, metrics->counters[i], (double)added);
		}
	}
	metrics->told = *now;
	host->record(host, metrics->gauges[0], (double)bus->broker.n_bytes);
	host->record(host, metrics->gauges[1], (double)bus->broker.locks.n_links);
	host->record(host, metrics->gauges[2],
	        bus->listener != NULL ? (double)listener_n_peers(bus->listener) : 0);
}

static void on_timer(void *user)
{
	struct bus *bus = user;
	record(bus);
	bus->metrics.timer = bus->host->timer_start(bus->host, INTERVAL_MS, on_timer, bus);
}

void metrics_start(struct bus *bus)
{
	const struct lucius_host *host = bus->host;
	for (size_t i = 0; i < METRICS_N_COUNTERS; i++) {
		bus->metrics.counters[i] =
		        make(host, LUCIUS_METRIC_COUNTER, counters[i].name, counters[i].help);
	}
	for (size_t i = 0; i < METRICS_N_GAUGES; i++) {
		bus->metrics.gauges[i] =
		        make(host, LUCIUS_METRIC_GAUGE, gauges[i].name, gauges[i].help);
	}
	on_timer(bus);
}

void metrics_stop(struct bus *bus)
{
	if (bus->metrics.timer == NULL) {
		return;
	}
	bus->host->timer_stop(bus->host, bus->metrics.timer);
	bus->metrics.timer = NULL;
	record(bus);
}
