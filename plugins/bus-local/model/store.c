/* SPDX-License-Identifier: MIT */
/*
 * Entries stand in one list by sequence number. Those that were never taken are its end, found by
 * one pointer; those that came back wait in a heap and go first, as their numbers are lower.
 */
#include "plugins/bus-local/model/store.h"

#include <stdlib.h>

#include "plugins/bus-local/model/broker.h"
#include "plugins/bus-local/model/consumer.h"
#include "plugins/bus-local/model/ids.h"
#include "plugins/bus-local/model/overrides.h"
#include "plugins/bus-local/model/settle.h"
#include "support/base/container.h"
#include "support/base/memory.h"

void store_init(struct store *store, struct broker *broker, const struct store_settings *settings)
{
	*store = (struct store){ .broker = broker, .settings = settings };
}

void store_finish(struct store *store)
{
	while (store->first != NULL) {
		entry_remove(store->first);
	}
	heap_finish(&store->returned);
	hash_table_finish(&store->deferred);
}

bool store_has_room(const struct store *store, size_t n_messages, size_t n_bytes)
{
	const struct broker *broker = store->broker;
	size_t messages = store->n_messages + store->n_reserved_messages;
	size_t bytes = store->n_bytes + store->n_reserved_bytes;
	size_t total = broker->n_bytes + broker->n_reserved_bytes;
	return messages + n_messages <= store->settings->max_messages &&
	        bytes + n_bytes <= store->settings->max_bytes &&
	        total + n_bytes <= broker->limits.max_total_bytes;
}

static void link_last(struct store *store, struct entry *entry)
{
	size_t size = message_size(entry->message);
	entry->store = store;
	entry->sequence = ++store->last_sequence;
	entry->previous = store->last;
	entry->next = NULL;
	if (store->last != NULL) {
		store->last->next = entry;
	} else {
		store->first = entry;
	}
	store->last = entry;
	if (store->fresh == NULL) {
		store->fresh = entry;
	}
	store->n_messages++;
	store->n_bytes += size;
	store->broker->n_bytes += size;
}

/* The next entry behind that no one has taken; all behind the last such one are fresh. */
static void pass_fresh(struct store *store, const struct entry *entry)
{
	if (store->fresh == entry) {
		store->fresh = entry->next;
	}
}

static void unlink_entry(struct entry *entry)
{
	struct store *store = entry->store;
	size_t size = message_size(entry->message);
	if (entry->previous != NULL) {
		entry->previous->next = entry->next;
	} else {
		store->first = entry->next;
	}
	if (entry->next != NULL) {
		entry->next->previous = entry->previous;
	} else {
		store->last = entry->previous;
	}
	store->n_messages--;
	store->n_bytes -= size;
	store->broker->n_bytes -= size;
}

static int64_t expiry(const struct store *store, const struct message *message)
{
	int64_t own_ms = message->ttl_ms;
	int64_t most_ms = store->settings->ttl_ms;
	int64_t ttl_ms = own_ms == 0 || (most_ms != 0 && most_ms < own_ms) ? most_ms : own_ms;
	return ttl_ms == 0 ? INT64_MAX : store->broker->now_ms + ttl_ms;
}

static void set_alarm(struct entry *entry, int64_t due_ms)
{
	alarm_set(&entry->store->broker->alarms, &entry->alarm, due_ms);
}

struct entry *store_put(struct store *store, struct message *message)
{
	struct entry *entry = must_calloc(1, sizeof(*entry));
	message_hold(message);
	entry->message = message;
	entry->alarm.fire = on_entry_alarm;
	entry->enqueued_ms = store->broker->now_ms;
	entry->expires_ms = expiry(store, message);
	link_last(store, entry);
	entry->first_sequence = entry->sequence;
	set_alarm(entry, entry->expires_ms);
	return entry;
}

struct entry *store_next(const struct store *store)
{
	struct heap_node *node = heap_first(&store->returned);
	return node != NULL ? CONTAINER(node, struct entry, returned) : store->fresh;
}

/* Takes it out of whatever makes it findable in its present state. */
static void leave_state(struct entry *entry)
{
	struct store *store = entry->store;
	switch (entry->state) {
	case ENTRY_READY:
		heap_remove(&store->returned, &entry->returned);
		pass_fresh(store, entry);
		break;
	case ENTRY_LOCKED:
		hash_table_remove(&store->broker->locks, &entry->by_lock);
		entry->holder = NULL;
		break;
	case ENTRY_DEFERRED:
		hash_table_remove(&store->deferred, &entry->by_place);
		break;
	}
}

void entry_lock(struct entry *entry, int64_t until_ms)
{
	struct broker *broker = entry->store->broker;
	leave_state(entry);
	entry->state = ENTRY_LOCKED;
	hash_table_add(&broker->locks, &entry->by_lock, ++broker->last_lock);
	entry_extend(entry, until_ms);
}

void entry_extend(struct entry *entry, int64_t until_ms)
{
	entry->locked_until_ms = until_ms;
	set_alarm(entry, until_ms);
}

void entry_unlock(struct entry *entry)
{
	struct store *store = entry->store;
	leave_state(entry);
	if (entry->is_deferred) {
		entry->state = ENTRY_DEFERRED;
		hash_table_add(&store->deferred, &entry->by_place, entry->sequence);
	} else {
		entry->state = ENTRY_READY;
		heap_insert(&store->returned, &entry->returned, (int64_t)entry->sequence);
	}
	set_alarm(entry, entry->expires_ms);
}

/* From the store and from everything else that could find it. */
static void take_out(struct entry *entry)
{
	set_alarm(entry, INT64_MAX);
	leave_state(entry);
	unlink_entry(entry);
	if (entry->id != NULL) {
		ids_release(entry->ids, entry->id);
		entry->id = NULL;
	}
}

void entry_remove(struct entry *entry)
{
	take_out(entry);
	overrides_destroy(entry->overrides);
	message_drop(entry->message);
	free(entry);
}

static void note(const struct store *store, enum broker_event event, uint64_t n)
{
	struct broker *broker = store->broker;
	if (broker->on_event != NULL) {
		broker->on_event(broker->user, event, store->name, n);
	}
}

/* Dead letters never refuse one: the oldest that nobody is reading makes room. */
static void make_room(struct store *dead_letters, size_t size)
{
	struct entry *entry = dead_letters->first;
	while (entry != NULL && !store_has_room(dead_letters, 1, size)) {
		struct entry *next = entry->next;
		if (entry->state != ENTRY_LOCKED) {
			entry_remove(entry);
			dead_letters->broker->counts.n_dead_letters_dropped++;
			note(dead_letters, BROKER_DEAD_LETTER_DROPPED, 1);
		}
		entry = next;
	}
}

static void write_text(struct entry *entry, const char *name, struct amqp_bytes text)
{
	if (text.size == 0) {
		return;
	}
	if (entry->overrides == NULL) {
		entry->overrides = overrides_create();
	}
	/* What does not fit beside other changes is left out. */
	(void)overrides_set_text(entry->overrides, amqp_text(name), text);
}

void entry_bury(struct entry *entry, struct amqp_bytes reason, struct amqp_bytes description)
{
	struct store *dead_letters = entry->store->dead_letters;
	struct broker *broker = entry->store->broker;
	write_text(entry, "DeadLetterReason", reason);
	write_text(entry, "DeadLetterErrorDescription", description);
	take_out(entry);
	make_room(dead_letters, message_size(entry->message));
	entry->state = ENTRY_READY;
	entry->is_deferred = false;
	entry->expires_ms = INT64_MAX;
	entry->enqueued_ms = broker->now_ms;
	link_last(dead_letters, entry);
	broker->counts.n_dead_letters++;
	store_dispatch(dead_letters);
}

struct entry *store_deferred(const struct store *store, uint64_t sequence)
{
	struct hash_link *node = hash_table_first(&store->deferred, sequence);
	return node != NULL ? CONTAINER(node, struct entry, by_place) : NULL;
}

struct entry *store_from(const struct store *store, uint64_t sequence)
{
	struct entry *entry = store->first;
	while (entry != NULL && entry->sequence < sequence) {
		entry = entry->next;
	}
	return entry;
}
