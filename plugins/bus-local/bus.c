/* SPDX-License-Identifier: MIT */
/* What everybody needs who touches the broker: time before, the timer after, subscriptions. */
#include "plugins/bus-local/bus.h"

#include "plugins/bus-local/amqp/listener.h"
#include "plugins/bus-local/model/topic.h"
#include "plugins/bus-local/topology.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

/* Tokens end by whole seconds. */
#define CLOCK_DRIFT_MS 1000

static void on_timer(void *user)
{
	struct bus *bus = user;
	bus->timer = NULL;
	bus->timer_due_ms = INT64_MAX;
	bus_enter(bus);
	bus_leave(bus);
}

/* Alarms go by a clock that never jumps, tokens by the one on the wall. */
static void check_clock(struct bus *bus)
{
	int64_t drift_ms = bus->broker.wall_offset_ms - bus->checked_offset_ms;
	if (drift_ms < CLOCK_DRIFT_MS && drift_ms > -CLOCK_DRIFT_MS) {
		return;
	}
	bus->checked_offset_ms = bus->broker.wall_offset_ms;
	if (bus->listener != NULL) {
		listener_check_grants(bus->listener);
	}
}

void bus_enter(struct bus *bus)
{
	const struct lucius_host *host = bus->host;
	broker_advance(&bus->broker, (int64_t)host->now_ms(host), host->clock_us(host) / 1000);
	check_clock(bus);
}

void bus_leave(struct bus *bus)
{
	const struct lucius_host *host = bus->host;
	int64_t due_ms = broker_next_due(&bus->broker);
	/* One that goes off early does no harm, and is then set again. */
	if (due_ms >= bus->timer_due_ms) {
		return;
	}
	if (bus->timer != NULL) {
		host->timer_stop(host, bus->timer);
	}
	int64_t after_ms = due_ms - bus->broker.now_ms;
	bus->timer_due_ms = due_ms;
	bus->timer = host->timer_start(host, after_ms > 0 ? (uint64_t)after_ms : 0, on_timer, bus);
}

struct subscription *bus_find_subscription(
        struct bus *bus, struct topic *topic, struct amqp_bytes name)
{
	struct subscription *found = subscription_find(topic, name);
	if (found != NULL || topic->is_queue || bus->options->auto_subscriptions == 0) {
		return found;
	}
	/* What Service Bus takes as a name of a subscription. */
	if (name.size == 0 || name.size > 50 || memchr(name.start, '/', name.size) != NULL) {
		return NULL;
	}
	CLEANUP_FREE char *text = must_copy(name.start, name.size);
	struct subscription_settings settings = topology_defaults(bus->options);
	settings.name = text;
	settings.idle_ms = bus->options->idle_seconds * 1000;
	return subscription_create(topic, &settings);
}

void bus_info(void *self, struct lucius_bus_info *info)
{
	const struct bus *bus = self;
	info->traits = strcmp(bus->options->listen, "off") != 0 ? LUCIUS_BUS_SHARED : 0;
	info->max_message_size = (uint64_t)bus->options->max_message_bytes;
}

static struct topic *get_topic(struct bus *bus, struct lucius_text name)
{
	struct topic *topic = topic_find(&bus->broker, amqp_bytes(name.data, name.size));
	if (topic != NULL || name.size == 0 || name.size > TOPIC_NAME_MAX) {
		return topic;
	}
	CLEANUP_FREE char *text = must_copy(name.data, name.size);
	return topic_create(&bus->broker, &(struct topic_settings){ .name = text });
}

static bool add_subscription(struct bus *bus, const struct lucius_subscription *wanted)
{
	struct topic *topic = get_topic(bus, wanted->topic);
	struct amqp_bytes name = amqp_bytes(wanted->name.data, wanted->name.size);
	if (topic == NULL || name.size == 0 || name.size > 50) {
		return false;
	}
	if (subscription_find(topic, name) != NULL) {
		return true;
	}
	CLEANUP_FREE char *text = must_copy(name.start, name.size);
	struct subscription_settings settings = topology_defaults(bus->options);
	settings.name = text;
	return subscription_create(topic, &settings) != NULL;
}

void bus_provision(void *self, const struct lucius_topology *topology, struct lucius_op op)
{
	struct bus *bus = self;
	bool is_made = true;
	bus_enter(bus);
	for (uint64_t i = 0; i < topology->n_topics; i++) {
		is_made = get_topic(bus, topology->topics[i]) != NULL && is_made;
	}
	for (uint64_t i = 0; i < topology->n_subscriptions; i++) {
		is_made = add_subscription(bus, topology->subscriptions[i]) && is_made;
	}
	bus_leave(bus);
	if (is_made) {
		lucius_finish(bus->host, op);
	} else {
		lucius_fail(bus->host, op, LUCIUS_DENIED,
		        "a topic or subscription could not be made: names have 1 to 260 and 1 to "
		        "50 "
		        "characters, a topic has at most 2000 subscriptions");
	}
}
