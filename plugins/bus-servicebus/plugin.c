/* SPDX-License-Identifier: MIT */
/*
 * bus-servicebus: Azure Service Bus, or whatever speaks its dialect of AMQP 1.0. This file is the
 * border to the daemon: options, life, health, and the operations that are one call of the client.
 */
#include <lucius/bus.h>

#include <stdio.h>
#include <stdlib.h>

#include "plugins/bus-servicebus/bus.h"
#include "support/base/memory_host.h"
#include "support/http/fetch.h"

/* What deliveries under way get at a stop; the daemon's own bound is longer. */
#define STOP_MS 20000

static const struct lucius_option option_rows[] = {
	{
	        .name = "servicebus-connection",
	        .summary = "Connection string of the Service Bus namespace, or of an emulator.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = LUCIUS_OPTION_SECRET | LUCIUS_OPTION_REQUIRED,
	        LUCIUS_MEMBER(struct bus_options, connection),
	},
	{
	        .name = "servicebus-ca-file",
	        .summary = "Certificates (PEM) that are trusted besides the system's.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct bus_options, ca_file),
	},
	{
	        .name = "servicebus-management-url",
	        .summary = "Where the namespace is managed (--provision); derived from the "
	                   "connection, http://HOST:5300 for an emulator.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct bus_options, management_url),
	},
	{
	        .name = "servicebus-cbs",
	        .default_value = "true",
	        .summary = "Whether the broker takes tokens at $cbs and renews locks at "
	                   "$management; false for AMQP 1.0 brokers of other kinds.",
	        .type = LUCIUS_OPTION_BOOLEAN,
	        .flags = 0,
	        LUCIUS_MEMBER(struct bus_options, has_cbs),
	},
	{
	        .name = "servicebus-durable",
	        .default_value = "true",
	        .summary = "Whether messages ask to be kept on disk; false for brokers that keep "
	                   "none there and refuse such messages.",
	        .type = LUCIUS_OPTION_BOOLEAN,
	        .flags = 0,
	        LUCIUS_MEMBER(struct bus_options, is_durable),
	},
	{
	        .name = "servicebus-token-seconds",
	        .default_value = "3600",
	        .unit = "seconds",
	        .summary = "Life of the tokens that are signed with the key; renewed after three "
	                   "quarters of it.",
	        .min = 4,
	        .max = 86400,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = 0,
	        LUCIUS_MEMBER(struct bus_options, token_seconds),
	},
	{
	        .name = "servicebus-operation-seconds",
	        .default_value = "30",
	        .unit = "seconds",
	        .summary = "How long the broker may take to answer a send or a settlement.",
	        .min = 1,
	        .max = 300,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = 0,
	        LUCIUS_MEMBER(struct bus_options, operation_seconds),
	},
};

uint32_t bus_status(enum servicebus_outcome outcome)
{
	switch (outcome) {
	case SERVICEBUS_DONE:
		return LUCIUS_OK;
	case SERVICEBUS_TOO_LARGE:
		return LUCIUS_TOO_LARGE;
	case SERVICEBUS_NOT_FOUND:
		return LUCIUS_UNROUTABLE;
	case SERVICEBUS_REJECTED:
	case SERVICEBUS_DENIED:
		return LUCIUS_DENIED;
	case SERVICEBUS_LOCK_LOST:
		return LUCIUS_LOCK_LOST;
	case SERVICEBUS_UNAVAILABLE:
		return LUCIUS_UNAVAILABLE;
	case SERVICEBUS_UNKNOWN:
		return LUCIUS_UNKNOWN;
	}
	return LUCIUS_INTERNAL;
}

static void on_log(void *user, int level, const char *event, const char *sentence)
{
	struct bus *bus = user;
	/* The client's levels are numbered as the host's. */
	lucius_log(bus->host, (uint32_t)level, event, sentence);
}

static void finish_start(struct bus *bus, uint32_t status, const char *sentence)
{
	struct lucius_op op = bus->start;
	if (op.id != 0) {
		bus->start.id = 0;
		bus->host->finish(bus->host, op, status, sentence);
	}
}

static void on_state(void *user, const char *sentence)
{
	struct bus *bus = user;
	bus->host->ready(bus->host, sentence);
	finish_start(bus, sentence == NULL ? LUCIUS_OK : LUCIUS_UNAVAILABLE, sentence);
}

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct bus *bus = self;
	const struct bus_options *options = host->options;
	struct azure_servicebus connection;
	memory_use_host(host);
	bus->host = host;
	if (!azure_servicebus_parse(options->connection, &connection, error, error_size)) {
		return LUCIUS_DENIED;
	}
	struct servicebus_settings settings = {
		.connection = &connection,
		.ca_file = options->ca_file,
		.has_no_cbs = !options->has_cbs,
		.token_seconds = (uint32_t)options->token_seconds,
		.operation_timeout_ms = (uint32_t)options->operation_seconds * 1000,
		.on_log = on_log,
		.on_state = on_state,
		.user = bus,
	};
	bool is_made = servicebus_client_create(
	        host->event_base, &settings, &bus->client, error, error_size);
	bus->connection = connection;
	return is_made ? LUCIUS_OK : LUCIUS_DENIED;
}

static void start(void *self, struct lucius_op op)
{
	struct bus *bus = self;
	bus->start = op;
	bus_metrics_start(bus);
	servicebus_client_start(bus->client);
}

static void on_client_stopped(void *user)
{
	struct bus *bus = user;
	bus_metrics_stop(bus);
	bus_end_subscriptions(bus);
	lucius_finish(bus->host, bus->stop);
}

static void stop(void *self, struct lucius_op op)
{
	struct bus *bus = self;
	bus->is_stopped = true;
	bus->stop = op;
	finish_start(bus, LUCIUS_UNAVAILABLE, "stopped before it was connected");
	servicebus_client_stop(bus->client, STOP_MS, on_client_stopped, bus);
}

static void destroy(void *self)
{
	struct bus *bus = self;
	servicebus_client_destroy(bus->client);
	bus_free_subscriptions(bus);
	fetch_client_destroy(bus->fetch);
	azure_servicebus_finish(&bus->connection);
	free(bus->management_url);
	amqp_buffer_finish(&bus->encoded);
	amqp_buffer_finish(&bus->texts);
	free(bus->properties);
	free(bus->fields);
}

struct health {
	struct bus *bus;
	struct lucius_op op;
	unsigned n_missing;
	unsigned n_denied;
};

static void give_refused(void *user, const char *address, bool is_missing)
{
	struct health *health = user;
	struct lucius_text text = { address, strlen(address) };
	health->n_missing += is_missing ? 1 : 0;
	health->n_denied += is_missing ? 0 : 1;
	health->bus->host->give(health->bus->host, health->op, &text);
}

static void describe_refused(const struct health *health, char *sentence, size_t size)
{
	if (health->n_denied == 0) {
		snprintf(sentence, size,
		        "the namespace lacks %u of the topics and subscriptions that are used",
		        health->n_missing);
	} else if (health->n_missing == 0) {
		snprintf(sentence, size,
		        "the namespace denies us %u of the topics and subscriptions that are used: "
		        "what it says of the key or token stands in the log",
		        health->n_denied);
	} else {
		snprintf(sentence, size,
		        "of the topics and subscriptions that are used the namespace lacks %u and "
		        "denies us %u",
		        health->n_missing, health->n_denied);
	}
}

static void health(void *self, struct lucius_op op)
{
	struct bus *bus = self;
	struct health health = { .bus = bus, .op = op };
	char sentence[320];
	if (!servicebus_client_is_ready(bus->client, sentence, sizeof(sentence))) {
		lucius_fail(bus->host, op, LUCIUS_UNAVAILABLE, sentence);
		return;
	}
	servicebus_client_each_refused(bus->client, give_refused, &health);
	for (const struct refused *at = bus->refused; at != NULL; at = at->next) {
		give_refused(&health, at->address, at->is_missing);
	}
	if (health.n_missing + health.n_denied == 0) {
		lucius_finish(bus->host, op);
		return;
	}
	describe_refused(&health, sentence, sizeof(sentence));
	lucius_fail(bus->host, op, LUCIUS_UNAVAILABLE, sentence);
}

/* True: the operation came after stop and was refused. */
static bool is_refused(struct bus *bus, struct lucius_op op)
{
	if (bus->is_stopped) {
		lucius_fail(bus->host, op, LUCIUS_UNAVAILABLE, "the bus has been stopped");
	}
	return bus->is_stopped;
}

static void info(void *self, struct lucius_bus_info *info)
{
	struct bus *bus = self;
	info->traits = LUCIUS_BUS_DURABLE | LUCIUS_BUS_SHARED;
	info->max_message_size = servicebus_client_max_message_size(bus->client);
}

struct publish {
	struct bus *bus;
	struct lucius_op op;
	uint64_t since_ms;
};

static void on_sent(void *user, enum servicebus_outcome outcome, const char *sentence)
{
	struct publish *publish = user;
	struct bus *bus = publish->bus;
	const struct lucius_host *host = bus->host;
	if (outcome == SERVICEBUS_DONE) {
		uint64_t ms = host->now_ms(host) - publish->since_ms;
		host->record(host, bus->metrics.send_seconds, (double)ms / 1000);
	}
	host->finish(host, publish->op, bus_status(outcome),
	        outcome == SERVICEBUS_DONE ? NULL : sentence);
	free(publish);
}

static void publish(void *self, struct lucius_text topic, const struct lucius_message *message,
        struct lucius_op op)
{
	struct bus *bus = self;
	struct amqp_bytes encoded;
	const char *error;
	char name[300];
	if (is_refused(bus, op)) {
		return;
	}
	if (topic.size == 0 || topic.size >= sizeof(name)) {
		lucius_fail(bus->host, op, LUCIUS_UNROUTABLE,
		        "the name of the topic is empty or longer than 260 characters");
		return;
	}
	if (!bus_encode(bus, message, &encoded, &error)) {
		lucius_fail(bus->host, op, LUCIUS_INTERNAL, error);
		return;
	}
	memcpy(name, topic.data, topic.size);
	name[topic.size] = '\0';
	struct publish *publish = must_calloc(1, sizeof(*publish));
	publish->bus = bus;
	publish->op = op;
	publish->since_ms = bus->host->now_ms(bus->host);
	servicebus_send(servicebus_sender(bus->client, name), encoded, on_sent, publish);
}

/* A sender is attached from now on. */
static void expect(void *self, const struct lucius_topology *topology)
{
	struct bus *bus = self;
	for (uint64_t i = 0; i < topology->n_topics && !bus->is_stopped; i++) {
		char *name = must_copy(topology->topics[i].data, topology->topics[i].size);
		(void)servicebus_sender(bus->client, name);
		free(name);
	}
}

static void subscribe(
        void *self, const struct lucius_subscription *subscription, struct lucius_op op)
{
	struct bus *bus = self;
	if (!is_refused(bus, op)) {
		bus_subscribe_op(bus, subscription, op);
	}
}

static void unsubscribe(void *self, struct lucius_op subscription, struct lucius_op op)
{
	bus_unsubscribe_op(self, subscription, op);
}

struct settle {
	struct bus *bus;
	struct lucius_op op;
};

static void on_settled(void *user, enum servicebus_outcome outcome, const char *sentence)
{
	struct settle *settle = user;
	const struct lucius_host *host = settle->bus->host;
	host->finish(host, settle->op, bus_status(outcome),
	        outcome == SERVICEBUS_DONE ? NULL : sentence);
	free(settle);
}

static bool settlement_of(uint32_t how, enum servicebus_settlement *ret_how)
{
	switch (how) {
	case LUCIUS_SETTLE_COMPLETE:
		*ret_how = SERVICEBUS_COMPLETE;
		return true;
	case LUCIUS_SETTLE_ABANDON:
		*ret_how = SERVICEBUS_ABANDON;
		return true;
	case LUCIUS_SETTLE_DEAD_LETTER:
		*ret_how = SERVICEBUS_DEAD_LETTER;
		return true;
	case LUCIUS_SETTLE_RELEASE:
		*ret_how = SERVICEBUS_RELEASE;
		return true;
	default:
		return false;
	}
}

static void settle(void *self, const struct lucius_settlement *settlement, struct lucius_op op)
{
	struct bus *bus = self;
	struct servicebus_settle request = {
		.token = settlement->token,
		.reason = amqp_bytes(settlement->reason.data, settlement->reason.size),
		.description =
		        amqp_bytes(settlement->description.data, settlement->description.size),
		.done = on_settled,
	};
	if (!settlement_of(settlement->how, &request.how)) {
		lucius_fail(bus->host, op, LUCIUS_UNSUPPORTED, "there is no such settlement");
		return;
	}
	struct settle *settle = must_calloc(1, sizeof(*settle));
	settle->bus = bus;
	settle->op = op;
	request.user = settle;
	servicebus_settle(bus->client, &request);
}

static void provision(void *self, const struct lucius_topology *topology, struct lucius_op op)
{
	struct bus *bus = self;
	if (!is_refused(bus, op)) {
		bus_provision_op(bus, topology, op);
	}
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct bus),
	.create = create,
	.start = start,
	.stop = stop,
	.destroy = destroy,
	.health = health,
};

static const struct lucius_bus bus_table = {
	.size = sizeof(bus_table),
	.info = info,
	.publish = publish,
	.subscribe = subscribe,
	.settle = settle,
	.unsubscribe = unsubscribe,
	.provision = provision,
	.expect = expect,
};

const struct lucius_plugin lucius_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_BUS, "servicebus"),
	.version = LUCIUS_VERSION,
	.summary = "Azure Service Bus, and brokers that speak its dialect of AMQP 1.0.",
	.life = &life,
	.options = option_rows,
	.n_options = sizeof(option_rows) / sizeof(option_rows[0]),
	.option_size = sizeof(struct lucius_option),
	.options_size = sizeof(struct bus_options),
	.bus = &bus_table,
};
