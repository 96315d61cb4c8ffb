/* SPDX-License-Identifier: MIT */
/* What the files of bus-servicebus share: the instance, and its open subscriptions. */
#ifndef PLUGINS_BUS_SERVICEBUS_BUS_H
#define PLUGINS_BUS_SERVICEBUS_BUS_H

#include <lucius/bus.h>

#include "support/servicebus/client.h"

struct bus_options {
	const char *connection;
	const char *ca_file;
	const char *management_url;
	uint32_t has_cbs;
	uint32_t is_durable;
	int64_t token_seconds;
	int64_t operation_seconds;
};

struct bus_metrics {
	struct lucius_metric *sent;
	struct lucius_metric *received;
	struct lucius_metric *settled;
	struct lucius_metric *renewals;
	struct lucius_metric *locks_lost;
	struct lucius_metric *reconnects;
	struct lucius_metric *detaches[SERVICEBUS_MAX_CONDITIONS]; /* made when they come */
	uint64_t told_detaches[SERVICEBUS_MAX_CONDITIONS];
	struct lucius_metric *unsettled;
	struct lucius_metric *credits;
	struct lucius_metric *send_seconds;
	struct servicebus_counts told; /* what the counters have been given */
	struct lucius_timer *timer;
};

/* From subscribe until everything that was given is settled. */
struct subscription {
	struct subscription *next;
	struct bus *bus;
	struct servicebus_receiver *receiver;
	struct lucius_op op; /* id 0: finished, deliveries may be out still */
	struct lucius_op unsubscribe; /* id 0: none */
};

/* A subscription that was refused and has not come up since; for health. */
struct refused {
	struct refused *next;
	char *address;
	bool is_missing; /* else denied */
};

struct bus {
	const struct lucius_host *host; /* borrowed */
	struct servicebus_client *client;
	struct azure_servicebus connection;
	struct fetch_client *fetch; /* NULL until something is provisioned */
	char *management_url;
	struct lucius_op start; /* id 0: done */
	struct lucius_op stop; /* id 0: not stopping */
	bool is_stopped;
	struct subscription *subscriptions;
	struct refused *refused;
	struct bus_metrics metrics;
	struct amqp_buffer encoded; /* of the message being published */
	struct amqp_buffer texts; /* of the delivery being given */
	struct amqp_application_property *properties;
	struct lucius_field *fields;
	size_t n_properties_room;
	size_t n_fields_room;
};

uint32_t bus_status(enum servicebus_outcome outcome);

/* message.c */
/* The encoded message, good until the next call; false: a sentence in error (a property that is no
 * number though it says so). */
bool bus_encode(struct bus *bus, const struct lucius_message *message,
        struct amqp_bytes *ret_encoded, const char **ret_error);
/* Lends the delivery's message in the terms of the ABI, good until the next call. */
void bus_decode(struct bus *bus, const struct servicebus_delivery *delivery,
        struct lucius_message *ret_message);

/* subscription.c */
void bus_subscribe_op(
        struct bus *bus, const struct lucius_subscription *subscription, struct lucius_op op);
void bus_unsubscribe_op(struct bus *bus, struct lucius_op subscription, struct lucius_op op);
/* All are over, whatever they hold: for the end of stop. */
void bus_end_subscriptions(struct bus *bus);
void bus_forget_refused(struct bus *bus, const char *address);
void bus_free_subscriptions(struct bus *bus);

/* manage.c */
void bus_provision_op(struct bus *bus, const struct lucius_topology *topology, struct lucius_op op);

/* metrics.c */
void bus_metrics_start(struct bus *bus);
void bus_metrics_stop(struct bus *bus);

#endif
