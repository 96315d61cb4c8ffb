/* SPDX-License-Identifier: MIT */
/* A running local bus: the broker, the daemon that it serves, and the listener for the rest. */
#ifndef BUS_LOCAL_BUS_H
#define BUS_LOCAL_BUS_H

#include <lucius/bus.h>

#include "plugins/bus-local/metrics.h"
#include "plugins/bus-local/model/broker.h"
#include "plugins/bus-local/options.h"

struct atom_server;
struct listener;
struct subscriber;
struct topic;
struct subscription;

struct bus {
	const struct lucius_host *host; /* borrowed */
	const struct bus_options *options; /* borrowed */
	struct broker broker;
	bool has_broker;
	char *key; /* owned; NULL until start */
	struct listener *listener; /* owned; NULL: there is none */
	struct atom_server *management; /* owned; NULL: there is none */
	struct subscriber *subscribers; /* in-process ones */
	struct lucius_timer *timer;
	int64_t checked_offset_ms; /* of the wall clock, when tokens were looked at */
	int64_t timer_due_ms; /* when it goes off; INT64_MAX: it is not set */
	struct lucius_timer *drain_timer;
	int64_t drain_until_ms;
	int64_t close_until_ms; /* 0: not closing yet */
	struct metrics metrics;
	struct lucius_op stop; /* id 0: not asked */
	bool is_stopping;
	struct amqp_buffer scratch; /* a message being put together or taken apart */
	struct amqp_buffer joined; /* a body of several sections */
	struct amqp_buffer changed; /* properties with changes */
	struct amqp_buffer incoming; /* a message from a peer */
	struct amqp_buffer outgoing; /* one to a peer */
	struct lucius_field *fields; /* owned, scratch too */
	size_t n_fields_allocated;
	struct amqp_application_property *properties; /* owned, scratch too */
	size_t n_properties_allocated;
};

/* To be called before anything is asked of the broker, and after it: the first tells the broker the
 * time, the second sees to it that the bus is called again when something is due. */
void bus_enter(struct bus *bus);
void bus_leave(struct bus *bus);

/* A subscription for a receiver; made if the options allow it. NULL: there is none. */
struct subscription *bus_find_subscription(
        struct bus *bus, struct topic *topic, struct amqp_bytes name);

/* In-process operations (include/lucius/bus.h). */
void bus_info(void *self, struct lucius_bus_info *info);
void bus_publish(void *self, struct lucius_text topic, const struct lucius_message *message,
        struct lucius_op op);
void bus_subscribe(void *self, const struct lucius_subscription *subscription, struct lucius_op op);
void bus_settle(void *self, const struct lucius_settlement *settlement, struct lucius_op op);
void bus_unsubscribe(void *self, struct lucius_op subscription, struct lucius_op op);
void bus_provision(void *self, const struct lucius_topology *topology, struct lucius_op op);

/* The subscription that the i-th in-process subscriber receives from; NULL: there are no more. */
const struct subscription *bus_used_inside(const struct bus *bus, size_t i);

/* Gives everybody in-process notice: what they have and do not settle goes back. */
void bus_end_subscribers(struct bus *bus);

#endif
