/* SPDX-License-Identifier: MIT */
/*
 * The delivery count goes up when a receiver had its chance (abandon, lock expired) and not when it
 * gave the message back unseen (release). Locked messages do not expire.
 */
#include "plugins/bus-local/model/settle.h"

#include <stdio.h>

#include "plugins/bus-local/model/broker.h"
#include "plugins/bus-local/model/consumer.h"
#include "plugins/bus-local/model/overrides.h"
#include "support/base/container.h"

/* Reasons that come from outside are cut at this many bytes. */
#define MAX_REASON 4096

static void expire(struct entry *entry)
{
	struct store *store = entry->store;
	store->broker->counts.n_expired++;
	if (store->settings->keeps_expired && store->dead_letters != NULL) {
		entry_bury(entry, amqp_text("TTLExpiredException"),
		        amqp_text("The message expired and was dead lettered."));
	} else {
		entry_remove(entry);
	}
}

/* Ready or deferred again, unless its time is over. */
static void give_back(struct entry *entry)
{
	struct store *store = entry->store;
	if (entry->expires_ms <= store->broker->now_ms) {
		expire(entry);
		return;
	}
	entry_unlock(entry);
	store_dispatch(store);
}

static void give_back_counted(struct entry *entry)
{
	uint32_t most = entry->store->settings->max_delivery_count;
	bool has_end = most != 0 && entry->store->dead_letters != NULL;
	entry->delivery_count++;
	if (has_end && entry->delivery_count >= most) {
		char description[128];
		snprintf(description, sizeof(description),
		        "The message was not completed in %u deliveries, the most that its "
		        "subscription allows.",
		        entry->delivery_count);
		entry_bury(entry, amqp_text("MaxDeliveryCountExceeded"), amqp_text(description));
		return;
	}
	give_back(entry);
}

static void change_properties(struct entry *entry, const struct settlement *settlement)
{
	struct amqp_reader reader = amqp_reader(settlement->changes);
	struct amqp_value key;
	struct amqp_value value;
	if (settlement->n_changes != 0 && entry->overrides == NULL) {
		entry->overrides = overrides_create();
	}
	while (amqp_map_next(&reader, &key, &value)) {
		bool is_text = key.type == AMQP_STRING || key.type == AMQP_SYMBOL;
		if (is_text && !overrides_set(entry->overrides, key.bytes, &value)) {
			break;
		}
	}
}

static struct amqp_bytes cut(struct amqp_bytes text)
{
	size_t size = text.size;
	if (size <= MAX_REASON) {
		return text;
	}
	/* Not within a character. */
	for (size = MAX_REASON; size > 0 && (text.start[size] & 0xc0) == 0x80; size--) {
	}
	return amqp_bytes(text.start, size);
}

/* A dead letter that is buried again goes back to where it is. */
static void bury(struct entry *entry, const struct settlement *settlement)
{
	if (entry->store->dead_letters == NULL) {
		give_back(entry);
		return;
	}
	entry_bury(entry, cut(settlement->reason), cut(settlement->description));
}

void settle(struct entry *locked, const struct settlement *settlement)
{
	struct broker_counts *counts = &locked->store->broker->counts;
	change_properties(locked, settlement);
	switch (settlement->verb) {
	case SETTLE_COMPLETE:
		counts->n_completed++;
		entry_remove(locked);
		break;
	case SETTLE_ABANDON:
		counts->n_returned++;
		give_back_counted(locked);
		break;
	case SETTLE_RELEASE:
		counts->n_returned++;
		give_back(locked);
		break;
	case SETTLE_DEFER:
		locked->is_deferred = true;
		give_back(locked);
		break;
	case SETTLE_DEAD_LETTER:
		bury(locked, settlement);
		break;
	}
}

void renew(struct entry *locked)
{
	const struct store *store = locked->store;
	if (locked->locked_until_ms != INT64_MAX) {
		entry_extend(locked, store->broker->now_ms + store->settings->lock_ms);
	}
}

void on_entry_alarm(struct alarm *alarm)
{
	struct entry *entry = CONTAINER(alarm, struct entry, alarm);
	if (entry->state == ENTRY_LOCKED) {
		entry->store->broker->counts.n_locks_expired++;
		give_back_counted(entry);
	} else {
		expire(entry);
	}
}
