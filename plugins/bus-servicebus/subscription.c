/* SPDX-License-Identifier: MIT */
/*
 * Subscriptions. One that the broker refuses finishes at once, but lives on until what it has given
 * is settled; so does one that the core no longer waits for.
 */
#include "plugins/bus-servicebus/bus.h"

#include <stdlib.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"

static void finish_op(struct subscription *subscription, uint32_t status, const char *sentence)
{
	struct lucius_op op = subscription->op;
	if (op.id != 0) {
		subscription->op.id = 0;
		subscription->bus->host->finish(subscription->bus->host, op, status, sentence);
	}
}

static void take_out(struct subscription *subscription)
{
	struct subscription **at = &subscription->bus->subscriptions;
	while (*at != subscription) {
		at = &(*at)->next;
	}
	*at = subscription->next;
}

static void end(struct subscription *subscription)
{
	const struct lucius_host *host = subscription->bus->host;
	finish_op(subscription, LUCIUS_OK, NULL);
	if (subscription->unsubscribe.id != 0) {
		lucius_finish(host, subscription->unsubscribe);
	}
	free(subscription);
}

static void on_stopped(void *user)
{
	struct subscription *subscription = user;
	take_out(subscription);
	end(subscription);
}

static void stop_receiving(struct subscription *subscription)
{
	if (subscription->receiver != NULL) {
		servicebus_receiver_stop(subscription->receiver, on_stopped, subscription);
		subscription->receiver = NULL;
	}
}

static void on_delivery(void *user, const struct servicebus_delivery *delivery)
{
	struct subscription *subscription = user;
	struct bus *bus = subscription->bus;
	struct lucius_message message;
	bus_decode(bus, delivery, &message);
	struct lucius_delivery given = {
		.size = sizeof(given),
		.token = delivery->token,
		.message = &message,
		.delivery_count = delivery->delivery_count,
		.lock_ms = delivery->lock_ms,
	};
	bus->host->give(bus->host, subscription->op, &given);
}

static void remember_refused(struct bus *bus, const char *address, bool is_missing)
{
	bus_forget_refused(bus, address);
	struct refused *refused = must_calloc(1, sizeof(*refused));
	refused->address = must_copy(address, strlen(address));
	refused->is_missing = is_missing;
	refused->next = bus->refused;
	bus->refused = refused;
}

void bus_forget_refused(struct bus *bus, const char *address)
{
	for (struct refused **at = &bus->refused; *at != NULL; at = &(*at)->next) {
		struct refused *found = *at;
		if (strcmp(found->address, address) == 0) {
			*at = found->next;
			free(found->address);
			free(found);
			return;
		}
	}
}

static void on_attached(void *user)
{
	struct subscription *subscription = user;
	if (subscription->receiver != NULL) {
		bus_forget_refused(
		        subscription->bus, servicebus_receiver_address(subscription->receiver));
	}
}

static void on_refused(void *user, enum servicebus_outcome outcome, const char *sentence)
{
	struct subscription *subscription = user;
	bool is_missing = outcome == SERVICEBUS_NOT_FOUND;
	uint32_t status = is_missing ? LUCIUS_NOT_FOUND : LUCIUS_DENIED;
	remember_refused(
	        subscription->bus, servicebus_receiver_address(subscription->receiver), is_missing);
	finish_op(subscription, status, sentence);
	stop_receiving(subscription);
}

/* The core gives the subscription up: it ends as if it had been unsubscribed. */
static void on_cancelled(void *user)
{
	stop_receiving(user);
}

static char *copy_text(struct lucius_text text)
{
	return must_copy(text.data, text.size);
}

void bus_subscribe_op(struct bus *bus, const struct lucius_subscription *what, struct lucius_op op)
{
	CLEANUP_FREE char *topic = copy_text(what->topic);
	CLEANUP_FREE char *name = copy_text(what->name);
	struct subscription *subscription = must_calloc(1, sizeof(*subscription));
	subscription->bus = bus;
	subscription->op = op;
	struct servicebus_receiver_settings settings = {
		.topic = topic,
		.subscription = name,
		.is_dead_letters = (what->flags & LUCIUS_SUBSCRIPTION_DEAD_LETTERS) != 0,
		.credit = what->credit != 0 ? what->credit : 1,
		.on_delivery = on_delivery,
		.on_attached = on_attached,
		.on_refused = on_refused,
		.user = subscription,
	};
	subscription->receiver = servicebus_receiver(bus->client, &settings);
	subscription->next = bus->subscriptions;
	bus->subscriptions = subscription;
	bus->host->on_cancel(bus->host, op, on_cancelled, subscription);
}

void bus_unsubscribe_op(struct bus *bus, struct lucius_op which, struct lucius_op op)
{
	for (struct subscription *at = bus->subscriptions; at != NULL; at = at->next) {
		if (at->op.id == which.id && at->unsubscribe.id == 0) {
			at->unsubscribe = op;
			stop_receiving(at);
			return;
		}
	}
	/* It has ended by itself meanwhile. */
	lucius_finish(bus->host, op);
}

void bus_end_subscriptions(struct bus *bus)
{
	while (bus->subscriptions != NULL) {
		struct subscription *subscription = bus->subscriptions;
		bus->subscriptions = subscription->next;
		end(subscription);
	}
}

void bus_free_subscriptions(struct bus *bus)
{
	while (bus->refused != NULL) {
		bus_forget_refused(bus, bus->refused->address);
	}
	while (bus->subscriptions != NULL) {
		struct subscription *subscription = bus->subscriptions;
		bus->subscriptions = subscription->next;
		free(subscription);
	}
}
