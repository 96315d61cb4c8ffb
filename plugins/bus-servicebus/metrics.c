/* SPDX-License-Identifier: MIT */
/* The client's counts as metrics, every few seconds. */
#include "plugins/bus-servicebus/bus.h"

#define EVERY_MS 2000

static struct lucius_metric *metric(
        struct bus *bus, uint32_t type, const char *name, const char *help)
{
	struct lucius_metric_spec spec = {
		.size = sizeof(spec),
		.type = type,
		.name = name,
		.help = help,
	};
	return bus->host->metric(bus->host, &spec);
}

static void add(struct bus *bus, struct lucius_metric *counter, uint64_t now, uint64_t told)
{
	if (now != told) {
		bus->host->record(bus->host, counter, (double)(now - told));
	}
}

static struct lucius_metric *detach_metric(struct bus *bus, const char *condition)
{
	struct lucius_metric_spec spec = {
		.size = sizeof(spec),
		.type = LUCIUS_METRIC_COUNTER,
		.name = "detaches",
		.help = "Links that were lost, by the condition that the broker gave.",
		.label = "condition",
		.label_value = condition,
	};
	return bus->host->metric(bus->host, &spec);
}

static void tell_detaches(struct bus *bus)
{
	struct bus_metrics *metrics = &bus->metrics;
	const struct servicebus_detaches *now = NULL;
	for (size_t i = 0; (now = servicebus_client_detaches(bus->client, i)) != NULL; i++) {
		if (metrics->detaches[i] == NULL) {
			metrics->detaches[i] = detach_metric(bus, now->condition);
		}
		add(bus, metrics->detaches[i], now->n, metrics->told_detaches[i]);
		metrics->told_detaches[i] = now->n;
	}
}

static void tell(struct bus *bus)
{
	struct bus_metrics *metrics = &bus->metrics;
	struct servicebus_counts now = servicebus_client_counts(bus->client);
	const struct servicebus_counts *told = &metrics->told;
	add(bus, metrics->sent, now.n_sent, told->n_sent);
	add(bus, metrics->received, now.n_received, told->n_received);
	add(bus, metrics->settled, now.n_settled, told->n_settled);
	add(bus, metrics->renewals, now.n_renewals, told->n_renewals);
	add(bus, metrics->locks_lost, now.n_locks_lost, told->n_locks_lost);
	add(bus, metrics->reconnects, now.n_reconnects, told->n_reconnects);
	tell_detaches(bus);
	bus->host->record(bus->host, metrics->unsettled, (double)now.n_unsettled);
	bus->host->record(bus->host, metrics->credits, (double)now.n_credits);
	metrics->told = now;
}

static void on_time(void *user)
{
	struct bus *bus = user;
	tell(bus);
	bus->metrics.timer = bus->host->timer_start(bus->host, EVERY_MS, on_time, bus);
}

void bus_metrics_start(struct bus *bus)
{
	struct bus_metrics *m = &bus->metrics;
	m->sent = metric(bus, LUCIUS_METRIC_COUNTER, "sent", "Messages sent.");
	m->received = metric(bus, LUCIUS_METRIC_COUNTER, "received", "Messages received.");
	m->settled = metric(bus, LUCIUS_METRIC_COUNTER, "settled", "Deliveries settled.");
	m->renewals = metric(bus, LUCIUS_METRIC_COUNTER, "renewals", "Locks renewed.");
	m->locks_lost = metric(bus, LUCIUS_METRIC_COUNTER, "locks_lost",
	        "Deliveries whose lock was lost before they were settled.");
	m->reconnects =
	        metric(bus, LUCIUS_METRIC_COUNTER, "reconnects", "Connections lost, or not made.");
	m->unsettled = metric(bus, LUCIUS_METRIC_GAUGE, "unsettled", "Deliveries being worked on.");
	m->credits = metric(
	        bus, LUCIUS_METRIC_GAUGE, "credits", "Deliveries that the broker may still send.");
	m->send_seconds = metric(bus, LUCIUS_METRIC_HISTOGRAM, "send_seconds",
	        "Time from publishing to the broker's answer.");
	m->timer = bus->host->timer_start(bus->host, EVERY_MS, on_time, bus);
}

void bus_metrics_stop(struct bus *bus)
{
	if (bus->metrics.timer != NULL) {
		bus->host->timer_stop(bus->host, bus->metrics.timer);
		bus->metrics.timer = NULL;
		tell(bus);
	}
}
