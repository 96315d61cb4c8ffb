/* SPDX-License-Identifier: MIT */
/* A delivery is one message, or a batch: data sections that hold one encoded message each. */
#include "plugins/bus-local/amqp/intake.h"

#include <proton/disposition.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugins/bus-local/amqp/conditions.h"
#include "plugins/bus-local/amqp/link.h"
#include "plugins/bus-local/amqp/peer.h"
#include "plugins/bus-local/bus.h"
#include "plugins/bus-local/model/topic.h"
#include "support/amqp/link.h"
#include "support/amqp/message.h"
#include "support/base/memory.h"

/* Messages that may come before we have answered the first. */
#define CREDIT 500
#define MAX_BATCH 10000

/* What was in one delivery. */
struct parcel {
	struct message **messages; /* owned, as each of them */
	size_t n;
	size_t n_allocated;
	const char *condition; /* NULL: nothing is wrong */
	char sentence[300];
};

void intake_open(struct link *link)
{
	pn_link_flow(link->proton, CREDIT);
}

static void top_up(struct link *link)
{
	int credit = pn_link_credit(link->proton);
	if (credit <= CREDIT / 2) {
		pn_link_flow(link->proton, CREDIT - credit);
	}
}

static void parcel_finish(struct parcel *parcel)
{
	for (size_t i = 0; i < parcel->n; i++) {
		message_drop(parcel->messages[i]);
	}
	free(parcel->messages);
}

static bool refuse(struct parcel *parcel, const char *condition, const char *sentence)
{
	parcel->condition = condition;
	snprintf(parcel->sentence, sizeof(parcel->sentence), "%s", sentence);
	return false;
}

static bool add_message(struct bus *bus, struct parcel *parcel, struct amqp_bytes encoded)
{
	char spare_id[33];
	const char *error = NULL;
	broker_spare_id(&bus->broker, spare_id);
	struct message *message = message_decode(encoded, amqp_text(spare_id), &error);
	if (message == NULL) {
		return refuse(parcel, CONDITION_ARGUMENT, error);
	}
	if (parcel->n == parcel->n_allocated) {
		parcel->n_allocated = parcel->n_allocated != 0 ? parcel->n_allocated * 4 : 1;
		parcel->messages = must_resize(
		        parcel->messages, parcel->n_allocated, sizeof(*parcel->messages));
	}
	parcel->messages[parcel->n++] = message;
	return true;
}

static bool unpack(struct bus *bus, struct parcel *parcel, struct amqp_bytes encoded)
{
	struct amqp_message envelope;
	struct amqp_bytes content;
	if (!amqp_message_parse(encoded, &envelope)) {
		return refuse(parcel, CONDITION_ARGUMENT,
		        "The batch is not a well-formed AMQP 1.0 message.");
	}
	struct amqp_reader reader = amqp_reader(envelope.body);
	while (amqp_body_next_data(&reader, &content)) {
		if (parcel->n == MAX_BATCH) {
			return refuse(parcel, CONDITION_ARGUMENT,
			        "The batch has more than 10000 messages: send smaller ones.");
		}
		if (!add_message(bus, parcel, content)) {
			return false;
		}
	}
	if (!amqp_reader_is_empty(&reader) || parcel->n == 0) {
		return refuse(parcel, CONDITION_ARGUMENT,
		        "The batch holds something else than messages, or none.");
	}
	return true;
}

static bool publish(struct bus *bus, struct topic *topic, struct parcel *parcel)
{
	const char *full = NULL;
	struct publishing publishing = { .messages = parcel->messages, .n_messages = parcel->n };
	if (bus->is_stopping) {
		return refuse(parcel, CONDITION_BUSY, "The broker is being stopped.");
	}
	if (topic_publish(topic, &publishing, &full) != PUBLISH_OK) {
		parcel->condition = CONDITION_LIMIT;
		snprintf(parcel->sentence, sizeof(parcel->sentence),
		        "The maximum entity size has been reached: '%.100s' holds as much as it "
		        "may.",
		        full);
		return false;
	}
	return true;
}

static void answer(pn_delivery_t *delivery, const struct parcel *parcel)
{
	if (pn_delivery_settled(delivery)) {
		pn_delivery_settle(delivery);
		return;
	}
	if (parcel->condition != NULL) {
		amqp_condition_set(pn_disposition_condition(pn_delivery_local(delivery)),
		        parcel->condition, parcel->sentence);
		pn_delivery_update(delivery, PN_REJECTED);
	} else {
		pn_delivery_update(delivery, PN_ACCEPTED);
	}
	pn_delivery_settle(delivery);
}

static void take(struct link *link, pn_delivery_t *delivery, struct amqp_bytes encoded)
{
	struct bus *bus = link->peer->bus;
	struct parcel parcel = { 0 };
	bool is_read = amqp_delivery_is_batch(delivery) ? unpack(bus, &parcel, encoded)
	                                                : add_message(bus, &parcel, encoded);
	if (is_read) {
		(void)publish(bus, link->topic, &parcel);
	}
	if (parcel.condition != NULL) {
		peer_log(link->peer, LUCIUS_LOG_INFO, "bus.message_refused", parcel.sentence);
	}
	answer(delivery, &parcel);
	parcel_finish(&parcel);
}

/* Takes what has come of a message that is too large and throws it away; once all of it has come,
 * the sender is told. Its link stays: SDKs make a typed error of a rejection, not of a detach. */
static void discard(struct link *link, pn_delivery_t *delivery)
{
	char bytes[4096];
	struct parcel parcel = { .condition = CONDITION_TOO_LARGE };
	pn_delivery_set_context(delivery, link);
	while (pn_link_recv(link->proton, bytes, sizeof(bytes)) > 0) {
	}
	if (pn_delivery_partial(delivery)) {
		return;
	}
	snprintf(parcel.sentence, sizeof(parcel.sentence),
	        "The received message exceeds the %lld bytes that this link allows.",
	        (long long)link->peer->bus->options->max_message_bytes);
	peer_log(link->peer, LUCIUS_LOG_INFO, "bus.message_refused", parcel.sentence);
	(void)pn_link_advance(link->proton);
	answer(delivery, &parcel);
	top_up(link);
}

static bool is_being_discarded(pn_delivery_t *delivery)
{
	return pn_delivery_get_context(delivery) != NULL && !pn_delivery_aborted(delivery);
}

void intake_on_delivery(struct link *link, pn_delivery_t *delivery)
{
	struct bus *bus = link->peer->bus;
	size_t most = (size_t)bus->options->max_message_bytes;
	if (!pn_delivery_readable(delivery)) {
		return;
	}
	if (is_being_discarded(delivery)) {
		discard(link, delivery);
		return;
	}
	switch (amqp_delivery_read(delivery, most, &bus->incoming)) {
	case AMQP_READ_PARTIAL:
		return;
	case AMQP_READ_ABORTED:
		pn_delivery_settle(delivery);
		break;
	case AMQP_READ_TOO_LARGE:
		discard(link, delivery);
		return;
	case AMQP_READ_WHOLE:
		take(link, delivery, amqp_buffer_bytes(&bus->incoming));
		break;
	}
	top_up(link);
}
