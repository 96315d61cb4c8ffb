/* SPDX-License-Identifier: MIT */
/*
 * bus-local: topics and subscriptions in this process, with the semantics of Azure Service Bus, for
 * the daemon itself and, through its AMQP listener, for anybody with a Service Bus SDK.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugins/bus-local/amqp/listener.h"
#include "plugins/bus-local/atom/server.h"
#include "plugins/bus-local/bus.h"
#include "plugins/bus-local/key.h"
#include "plugins/bus-local/topology.h"
#include "support/base/memory_host.h"

/* Two topics that are told apart by their case only are one; more lanes than this nobody has. */
#define MAX_SUBSCRIPTIONS 2000
#define MAX_REMEMBERED_IDS 200000
/* How often the bus looks whether all that was given out is settled, once it is to stop. */
#define DRAIN_STEP_MS 20
/* How long peers may take to answer that their connection is closed. */
#define CLOSE_MS 2000

static void on_broker_event(void *user, enum broker_event event, const char *address, uint64_t n)
{
	struct bus *bus = user;
	char sentence[400];
	switch (event) {
	case BROKER_DEAD_LETTER_DROPPED:
		snprintf(sentence, sizeof(sentence),
		        "the oldest dead letter of '%s' was dropped to make room for a newer one",
		        address);
		lucius_log(bus->host, LUCIUS_LOG_WARNING, "bus.dead_letter_dropped", sentence);
		break;
	case BROKER_SUBSCRIPTION_REMOVED:
		snprintf(sentence, sizeof(sentence),
		        "'%s' had no receiver for bus-idle-seconds and was removed with %" PRIu64
		        " messages",
		        address, n);
		lucius_log(bus->host, n != 0 ? LUCIUS_LOG_WARNING : LUCIUS_LOG_INFO,
		        "bus.subscription_removed", sentence);
		break;
	}
}

static void on_topology_note(void *user, const char *sentence)
{
	struct bus *bus = user;
	lucius_log(bus->host, LUCIUS_LOG_WARNING, "bus.config", sentence);
}

static void init_broker(struct bus *bus)
{
	const struct bus_options *options = bus->options;
	struct broker_limits limits = {
		.max_messages = (size_t)options->queue_messages,
		.max_bytes = (size_t)options->queue_bytes,
		.max_total_bytes = (size_t)options->total_bytes,
		.max_subscriptions = MAX_SUBSCRIPTIONS,
		.max_remembered_ids = MAX_REMEMBERED_IDS,
	};
	uint8_t random[BROKER_RANDOM_SIZE];
	bus->host->random(bus->host, random, sizeof(random));
	broker_init(&bus->broker, &limits, random);
	bus->broker.on_event = on_broker_event;
	bus->broker.user = bus;
	bus->has_broker = true;
}

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct bus *bus = self;
	memory_use_host(host);
	bus->host = host;
	bus->options = host->options;
	bus->timer_due_ms = INT64_MAX;
	if (!bus_options_check(bus->options, error, error_size)) {
		return LUCIUS_DENIED;
	}
	init_broker(bus);
	struct topology_source source = {
		.options = bus->options, .note = on_topology_note, .user = bus
	};
	if (bus->options->config != NULL && bus->options->config[0] != '\0' &&
	        !topology_load(&bus->broker, &source, error, error_size)) {
		return LUCIUS_DENIED;
	}
	topology_add_shipped(&bus->broker, bus->options);
	return LUCIUS_OK;
}

static void start(void *self, struct lucius_op op)
{
	struct bus *bus = self;
	char error[400];
	bus->key = key_find(bus, error, sizeof(error));
	if (bus->key == NULL) {
		lucius_fail(bus->host, op, LUCIUS_INTERNAL, error);
		return;
	}
	metrics_start(bus);
	lucius_finish(bus->host, op);
}

static bool open_listener(struct bus *bus, char *error, size_t error_size)
{
	struct bus_address address;
	if (!bus_address_parse("bus-listen", bus->options->listen, &address, error, error_size)) {
		return false;
	}
	if (!address.is_off) {
		bus->listener = listener_create(bus, &address, error, error_size);
	}
	return address.is_off || bus->listener != NULL;
}

static bool open_management(struct bus *bus, char *error, size_t error_size)
{
	struct bus_address address;
	if (!bus_address_parse("bus-management-listen", bus->options->management_listen, &address,
	            error, error_size)) {
		return false;
	}
	if (!address.is_off) {
		bus->management = atom_server_create(bus, &address, error, error_size);
	}
	return address.is_off || bus->management != NULL;
}

static void listen_outside(void *self, struct lucius_op op)
{
	struct bus *bus = self;
	char error[400] = "";
	if (open_listener(bus, error, sizeof(error)) &&
	        open_management(bus, error, sizeof(error))) {
		lucius_finish(bus->host, op);
	} else {
		lucius_fail(bus->host, op, LUCIUS_DENIED, error);
	}
}

/* What is asked for from now on would be for a bus that is going away. */
static void close_management(struct bus *bus)
{
	atom_server_destroy(bus->management);
	bus->management = NULL;
}

static void on_drain_step(void *user);

/* Nothing that was given out is left to settle, or the time for it is over. */
static bool is_drained(const struct bus *bus)
{
	return bus->broker.locks.n_links == 0 || bus->listener == NULL ||
	        bus->broker.now_ms >= bus->drain_until_ms;
}

/* Peers are given some time to answer a close; those that do not are cut off. */
static bool is_closed(struct bus *bus)
{
	if (bus->listener == NULL || listener_close(bus->listener)) {
		return true;
	}
	if (bus->close_until_ms == 0) {
		bus->close_until_ms = bus->broker.now_ms + CLOSE_MS;
	}
	if (bus->broker.now_ms < bus->close_until_ms) {
		return false;
	}
	listener_cut_off(bus->listener);
	return true;
}

static void drain(struct bus *bus)
{
	const struct lucius_host *host = bus->host;
	if (is_drained(bus)) {
		bus_end_subscribers(bus);
		if (is_closed(bus)) {
			metrics_stop(bus);
			lucius_finish(host, bus->stop);
			return;
		}
	}
	bus->drain_timer = host->timer_start(host, DRAIN_STEP_MS, on_drain_step, bus);
}

static void on_drain_step(void *user)
{
	struct bus *bus = user;
	bus->drain_timer = NULL;
	bus_enter(bus);
	drain(bus);
	bus_leave(bus);
}

static void stop(void *self, struct lucius_op op)
{
	struct bus *bus = self;
	bus->is_stopping = true;
	bus->stop = op;
	close_management(bus);
	bus_enter(bus);
	bus->drain_until_ms = bus->broker.now_ms + bus->options->drain_seconds * 1000;
	if (bus->listener != NULL) {
		listener_hold_back(bus->listener);
	}
	drain(bus);
	bus_leave(bus);
}

static void destroy(void *self)
{
	struct bus *bus = self;
	const struct lucius_host *host = bus->host;
	metrics_stop(bus);
	if (bus->timer != NULL) {
		host->timer_stop(host, bus->timer);
	}
	if (bus->drain_timer != NULL) {
		host->timer_stop(host, bus->drain_timer);
	}
	close_management(bus);
	if (bus->has_broker) {
		listener_destroy(bus->listener);
		broker_finish(&bus->broker);
	}
	free(bus->key);
	amqp_buffer_finish(&bus->scratch);
	amqp_buffer_finish(&bus->joined);
	amqp_buffer_finish(&bus->changed);
	amqp_buffer_finish(&bus->incoming);
	amqp_buffer_finish(&bus->outgoing);
	free(bus->fields);
	free(bus->properties);
}

static void health(void *self, struct lucius_op op)
{
	struct bus *bus = self;
	lucius_finish(bus->host, op);
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct bus),
	.create = create,
	.start = start,
	.listen = listen_outside,
	.stop = stop,
	.destroy = destroy,
	.health = health,
};
static const struct lucius_bus operations = {
	.size = sizeof(operations),
	.info = bus_info,
	.publish = bus_publish,
	.subscribe = bus_subscribe,
	.settle = bus_settle,
	.unsubscribe = bus_unsubscribe,
	.provision = bus_provision,
};

const struct lucius_plugin lucius_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_BUS, "local"),
	.version = LUCIUS_VERSION,
	.summary = "Topics and subscriptions in this process, with an AMQP listener for others",
	.life = &life,
	.options = bus_option_rows,
	.n_options = BUS_N_OPTION_ROWS,
	.option_size = sizeof(struct lucius_option),
	.options_size = sizeof(struct bus_options),
	.bus = &operations,
};
