/* SPDX-License-Identifier: MIT */
/*
 * The delivery tag is the lock token, so that a settlement says itself which lock it means and
 * nothing has to be remembered for a delivery.
 */
#include "plugins/bus-local/amqp/outlet.h"

#include <proton/codec.h>
#include <proton/disposition.h>
#include <proton/session.h>
#include <stdlib.h>

#include "plugins/bus-local/amqp/conditions.h"
#include "plugins/bus-local/amqp/delivery-bytes.h"
#include "plugins/bus-local/amqp/link.h"
#include "plugins/bus-local/amqp/listener.h"
#include "plugins/bus-local/amqp/peer.h"
#include "plugins/bus-local/bus.h"
#include "plugins/bus-local/model/overrides.h"
#include "plugins/bus-local/model/settle.h"
#include "plugins/bus-local/model/topic.h"
#include "support/amqp/link.h"
#include "support/amqp/shim.h"
#include "support/base/container.h"

/* Bytes given to proton or waiting to be written, over which a connection gets nothing more. */
#define MAX_WAITING (1024 * 1024)

static bool is_behind(const struct link *link)
{
	size_t waiting = pn_session_outgoing_bytes(pn_link_session(link->proton)) +
	        amqp_connection_queued(link->peer->connection);
	return waiting > MAX_WAITING;
}

static void deliver(struct consumer *consumer, struct entry *entry)
{
	struct link *link = CONTAINER(consumer, struct link, consumer);
	struct bus *bus = link->peer->bus;
	uint8_t token[16];
	broker_lock_token(&bus->broker, entry_lock_number(entry), token);
	pn_delivery_t *delivery = amqp_delivery_start(
	        link->proton, amqp_bytes(token, sizeof(token)), AMQP_MARK_PLAIN);
	amqp_buffer_clear(&bus->outgoing);
	struct amqp_bytes rest = delivery_put_head(&bus->broker, entry, false, &bus->outgoing);
	(void)pn_link_send(link->proton, (const char *)bus->outgoing.start, bus->outgoing.size);
	(void)pn_link_send(link->proton, (const char *)rest.start, rest.size);
	if (consumer->is_destructive) {
		pn_delivery_settle(delivery);
	}
	(void)pn_link_advance(link->proton);
	if (is_behind(link)) {
		/* Within a hand-over the store looks at the flag by itself. */
		consumer_hold(consumer);
		link->peer->has_paused = true;
		amqp_connection_turn_again(link->peer->connection);
	}
	peer_wake(link->peer);
}

void outlet_open(struct link *link, struct store *store)
{
	struct consumer *consumer = &link->consumer;
	consumer->deliver = deliver;
	consumer->is_destructive = pn_link_remote_snd_settle_mode(link->proton) == PN_SND_SETTLED;
	consumer_attach(consumer, store);
	subscription_touch(link->subscription);
	if (listener_is_holding_back(link->peer->listener)) {
		consumer_pause(consumer, true);
	}
}

/* Once all that is ready is given, credit that is left goes back to a peer that drains. */
static void finish_drain(struct link *link)
{
	if (!pn_link_get_drain(link->proton) || link->consumer.is_paused) {
		return;
	}
	(void)pn_link_drained(link->proton);
	consumer_set_credit(&link->consumer, 0);
	peer_wake(link->peer);
}

void outlet_on_flow(struct link *link)
{
	int credit = pn_link_credit(link->proton);
	if (link->peer->has_paused) {
		/* What comes may be that messages of the session have gone out: there is room. */
		amqp_connection_turn_again(link->peer->connection);
	}
	consumer_set_credit(&link->consumer, credit > 0 ? (uint32_t)credit : 0);
	finish_drain(link);
}

void outlet_adjust(struct link *link)
{
	bool is_held = listener_is_holding_back(link->peer->listener) || is_behind(link);
	link->peer->has_paused = link->peer->has_paused || is_held;
	if (is_held == link->consumer.is_paused) {
		return;
	}
	consumer_pause(&link->consumer, is_held);
	finish_drain(link);
}

/* A proton value as the bytes it has on the wire; nothing if there is none or it is too large. */
static struct amqp_bytes encode(struct bus *bus, pn_data_t *value)
{
	amqp_buffer_clear(&bus->outgoing);
	pn_data_rewind(value);
	ssize_t size = pn_data_encoded_size(value);
	if (size <= 0 || size > OVERRIDES_MAX_SIZE) {
		return amqp_bytes(NULL, 0);
	}
	uint8_t *start = amqp_buffer_reserve(&bus->outgoing, (size_t)size);
	ssize_t n = pn_data_encode(value, (char *)start, (size_t)size);
	bus->outgoing.size = n > 0 ? (size_t)n : 0;
	return amqp_buffer_bytes(&bus->outgoing);
}

static bool read_map(struct amqp_bytes encoded, struct amqp_value *ret_map)
{
	struct amqp_reader reader = amqp_reader(encoded);
	return amqp_read(&reader, ret_map) && ret_map->type == AMQP_MAP;
}

static void read_changes(struct settlement *settlement, struct amqp_bytes encoded)
{
	struct amqp_value map;
	if (read_map(encoded, &map)) {
		settlement->changes = map.bytes;
		settlement->n_changes = map.count;
	}
}

static struct amqp_bytes text_member(const struct amqp_value *map, const char *name)
{
	struct amqp_value value;
	bool is_text = amqp_map_find(map, name, &value) &&
	        (value.type == AMQP_STRING || value.type == AMQP_SYMBOL);
	return is_text ? value.bytes : amqp_bytes(NULL, 0);
}

/* Reason and description stand in the info map; without one the error itself is all there is. */
static void read_rejection(
        struct bus *bus, struct settlement *settlement, pn_condition_t *condition)
{
	struct amqp_value map;
	settlement->verb = SETTLE_DEAD_LETTER;
	if (!read_map(encode(bus, pn_condition_info(condition)), &map)) {
		settlement->reason = amqp_text(pn_condition_get_name(condition));
		settlement->description = amqp_text(pn_condition_get_description(condition));
		return;
	}
	settlement->reason = text_member(&map, "DeadLetterReason");
	settlement->description = text_member(&map, "DeadLetterErrorDescription");
	settlement->changes = map.bytes;
	settlement->n_changes = map.count;
}

/* False: the state decides nothing. */
static bool read_settlement(struct bus *bus, pn_delivery_t *delivery, struct settlement *settlement)
{
	pn_disposition_t *remote = pn_delivery_remote(delivery);
	switch (pn_delivery_remote_state(delivery)) {
	case PN_ACCEPTED:
		settlement->verb = SETTLE_COMPLETE;
		return true;
	case PN_RELEASED:
		settlement->verb = SETTLE_RELEASE;
		return true;
	case PN_REJECTED:
		read_rejection(bus, settlement, pn_disposition_condition(remote));
		return true;
	case PN_MODIFIED:
		settlement->verb =
		        pn_disposition_is_undeliverable(remote) ? SETTLE_DEFER : SETTLE_ABANDON;
		read_changes(settlement, encode(bus, pn_disposition_annotations(remote)));
		return true;
	default:
		return false;
	}
}

/* The same outcome comes back, a rejection without its error: SDKs take anything else as failure.
 */
static void echo(pn_delivery_t *delivery)
{
	uint64_t state = pn_delivery_remote_state(delivery);
	if (state == PN_MODIFIED) {
		pn_disposition_t *remote = pn_delivery_remote(delivery);
		pn_disposition_t *local = pn_delivery_local(delivery);
		pn_disposition_set_failed(local, pn_disposition_is_failed(remote));
		pn_disposition_set_undeliverable(local, pn_disposition_is_undeliverable(remote));
	}
	pn_delivery_update(delivery, state);
}

static void tell_lock_lost(pn_delivery_t *delivery)
{
	amqp_condition_set(pn_disposition_condition(pn_delivery_local(delivery)),
	        CONDITION_LOCK_LOST, LOCK_LOST_TEXT);
	pn_delivery_update(delivery, PN_REJECTED);
}

static struct entry *find_entry(const struct bus *bus, pn_delivery_t *delivery)
{
	struct amqp_bytes tag = amqp_delivery_tag(delivery);
	uint64_t lock = tag.size == 16 ? broker_read_token(&bus->broker, tag.start) : 0;
	return lock != 0 ? broker_find_lock(&bus->broker, lock) : NULL;
}

void outlet_on_delivery(struct link *link, pn_delivery_t *delivery)
{
	struct bus *bus = link->peer->bus;
	struct settlement settlement = { 0 };
	if (!pn_delivery_updated(delivery)) {
		return;
	}
	if (!read_settlement(bus, delivery, &settlement)) {
		/* Settled without an outcome: the lock runs out by itself. */
		if (pn_delivery_settled(delivery)) {
			pn_delivery_settle(delivery);
		} else {
			pn_delivery_clear(delivery);
		}
		return;
	}
	struct entry *entry = find_entry(bus, delivery);
	if (entry != NULL) {
		settle(entry, &settlement);
		echo(delivery);
	} else {
		tell_lock_lost(delivery);
	}
	pn_delivery_settle(delivery);
}
