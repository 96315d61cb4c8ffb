/* SPDX-License-Identifier: MIT */
/*
 * Subscriptions of the daemon itself. Their locks last until they are settled, so that nothing has
 * to be renewed; what is held when the bus stops goes back to its subscription.
 */
#include "plugins/bus-local/bus.h"

#include <stdio.h>
#include <stdlib.h>

#include "plugins/bus-local/local-message.h"
#include "plugins/bus-local/model/consumer.h"
#include "plugins/bus-local/model/settle.h"
#include "plugins/bus-local/model/topic.h"
#include "support/base/container.h"
#include "support/base/memory.h"

struct subscriber {
	struct consumer consumer; /* first */
	struct bus *bus;
	struct subscriber *next;
	struct subscription *subscription;
	struct lucius_op stream;
	struct lucius_op unsubscribe; /* id 0: not asked */
	uint32_t max_unsettled;
	uint32_t n_unsettled;
	bool is_ending; /* gets nothing more */
};

static struct amqp_bytes bytes_of(struct lucius_text text)
{
	return amqp_bytes(text.data, text.size);
}

static void deliver(struct consumer *consumer, struct entry *entry)
{
	struct subscriber *subscriber = CONTAINER(consumer, struct subscriber, consumer);
	struct bus *bus = subscriber->bus;
	struct lucius_message message;
	subscriber->n_unsettled++;
	local_message_read(bus, entry, &message);
	struct lucius_delivery delivery = {
		.size = sizeof(delivery),
		.token = entry_lock_number(entry),
		.message = &message,
		.delivery_count = entry->delivery_count,
		.lock_ms = UINT32_MAX,
	};
	bus->host->give(bus->host, subscriber->stream, &delivery);
}

static void finish(struct subscriber *subscriber)
{
	struct bus *bus = subscriber->bus;
	struct subscriber **at = &bus->subscribers;
	while (*at != subscriber) {
		at = &(*at)->next;
	}
	*at = subscriber->next;
	lucius_finish(bus->host, subscriber->stream);
	if (subscriber->unsubscribe.id != 0) {
		lucius_finish(bus->host, subscriber->unsubscribe);
	}
	free(subscriber);
}

/* No more is given; it is over once all that was given is settled. */
static void end(struct subscriber *subscriber)
{
	if (!subscriber->is_ending) {
		subscriber->is_ending = true;
		consumer_detach(&subscriber->consumer);
		subscription_touch(subscriber->subscription);
	}
	if (subscriber->n_unsettled == 0) {
		finish(subscriber);
	}
}

static struct subscriber *find(struct bus *bus, struct lucius_op stream)
{
	struct subscriber *subscriber = bus->subscribers;
	while (subscriber != NULL && subscriber->stream.id != stream.id) {
		subscriber = subscriber->next;
	}
	return subscriber;
}

static struct subscriber *add_subscriber(
        struct bus *bus, const struct lucius_subscription *asked, struct lucius_op op)
{
	struct subscriber *subscriber = must_calloc(1, sizeof(*subscriber));
	subscriber->consumer.deliver = deliver;
	subscriber->consumer.keeps_locks = true;
	subscriber->bus = bus;
	subscriber->stream = op;
	subscriber->max_unsettled = asked->credit != 0 ? asked->credit : 1;
	subscriber->next = bus->subscribers;
	bus->subscribers = subscriber;
	return subscriber;
}

static void attach(struct subscriber *subscriber, struct subscription *subscription, uint64_t flags)
{
	bool is_dead = (flags & LUCIUS_SUBSCRIPTION_DEAD_LETTERS) != 0;
	subscriber->subscription = subscription;
	consumer_attach(&subscriber->consumer,
	        is_dead ? &subscription->dead_letters : &subscription->active);
	subscription_touch(subscription);
	consumer_set_credit(&subscriber->consumer, subscriber->max_unsettled);
}

void bus_subscribe(void *self, const struct lucius_subscription *asked, struct lucius_op op)
{
	struct bus *bus = self;
	char sentence[400];
	if (bus->is_stopping) {
		lucius_fail(bus->host, op, LUCIUS_UNAVAILABLE, "the bus is being stopped");
		return;
	}
	bus_enter(bus);
	struct topic *topic = topic_find(&bus->broker, bytes_of(asked->topic));
	struct subscription *subscription =
	        topic != NULL ? bus_find_subscription(bus, topic, bytes_of(asked->name)) : NULL;
	if (subscription == NULL || subscription->needs_session) {
		snprintf(sentence, sizeof(sentence),
		        "there is no subscription '%.50s' of a topic '%.260s' to receive from; "
		        "declare it "
		        "in bus-config",
		        asked->name.data, asked->topic.data);
		lucius_fail(bus->host, op, LUCIUS_NOT_FOUND, sentence);
	} else {
		attach(add_subscriber(bus, asked, op), subscription, asked->flags);
	}
	bus_leave(bus);
}

static enum settle_verb verb_of(uint32_t how)
{
	switch (how) {
	case LUCIUS_SETTLE_COMPLETE:
		return SETTLE_COMPLETE;
	case LUCIUS_SETTLE_DEAD_LETTER:
		return SETTLE_DEAD_LETTER;
	case LUCIUS_SETTLE_RELEASE:
		return SETTLE_RELEASE;
	default:
		return SETTLE_ABANDON;
	}
}

/* One of its deliveries is settled: room for another, or the end. */
static void on_settled(struct subscriber *subscriber)
{
	subscriber->n_unsettled--;
	if (subscriber->is_ending) {
		end(subscriber);
		return;
	}
	consumer_set_credit(
	        &subscriber->consumer, subscriber->max_unsettled - subscriber->n_unsettled);
}

void bus_settle(void *self, const struct lucius_settlement *asked, struct lucius_op op)
{
	struct bus *bus = self;
	struct settlement settlement = {
		.verb = verb_of(asked->how),
		.reason = bytes_of(asked->reason),
		.description = bytes_of(asked->description),
	};
	struct entry *entry = broker_find_lock(&bus->broker, asked->token);
	/* Locks without holder belong to peers of the listener. */
	if (entry == NULL || entry->holder == NULL) {
		lucius_fail(bus->host, op, LUCIUS_LOCK_LOST, NULL);
		return;
	}
	struct subscriber *subscriber = CONTAINER(entry->holder, struct subscriber, consumer);
	bus_enter(bus);
	settle(entry, &settlement);
	lucius_finish(bus->host, op);
	on_settled(subscriber);
	bus_leave(bus);
}

void bus_unsubscribe(void *self, struct lucius_op stream, struct lucius_op op)
{
	struct bus *bus = self;
	struct subscriber *subscriber = find(bus, stream);
	if (subscriber == NULL || subscriber->unsubscribe.id != 0) {
		lucius_finish(bus->host, op);
		return;
	}
	subscriber->unsubscribe = op;
	bus_enter(bus);
	end(subscriber);
	bus_leave(bus);
}

static struct entry *find_held(const struct store *store, const struct consumer *holder)
{
	struct entry *entry = store->first;
	while (entry != NULL && entry->holder != holder) {
		entry = entry->next;
	}
	return entry;
}

/* Each search starts anew: what is given back may go on to others and be gone. */
static void release_held(struct store *store, const struct subscriber *subscriber)
{
	static const struct settlement release = { .verb = SETTLE_RELEASE };
	struct entry *entry = NULL;
	while ((entry = find_held(store, &subscriber->consumer)) != NULL) {
		settle(entry, &release);
	}
}

void bus_end_subscribers(struct bus *bus)
{
	while (bus->subscribers != NULL) {
		struct subscriber *subscriber = bus->subscribers;
		consumer_detach(&subscriber->consumer);
		release_held(&subscriber->subscription->active, subscriber);
		release_held(&subscriber->subscription->dead_letters, subscriber);
		subscriber->n_unsettled = 0;
		subscriber->is_ending = true;
		finish(subscriber);
	}
}

const struct subscription *bus_used_inside(const struct bus *bus, size_t i)
{
	const struct subscriber *subscriber = bus->subscribers;
	while (subscriber != NULL && i > 0) {
		subscriber = subscriber->next;
		i--;
	}
	return subscriber != NULL ? subscriber->subscription : NULL;
}
