/* SPDX-License-Identifier: MIT */
/* Messages of the daemon itself: put into AMQP's form, as everybody may come to receive them. */
#include "plugins/bus-local/bus.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugins/bus-local/model/topic.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

CLEANUP_DEFINE(struct message *, message, message_drop)

static struct amqp_bytes bytes_of(struct lucius_text text)
{
	return amqp_bytes(text.data, text.size);
}

static void read_property(
        const struct lucius_field *field, struct amqp_application_property *ret_property)
{
	*ret_property = (struct amqp_application_property){
		.name = amqp_text(field->name),
		.text = amqp_bytes(field->value, field->value_size),
	};
	if (field->type == LUCIUS_FIELD_INTEGER) {
		ret_property->is_number = true;
		ret_property->number = strtoimax(field->value, NULL, 10);
	}
}

static void write_message(struct bus *bus, const struct lucius_message *message)
{
	size_t n = message->n_properties;
	if (n > bus->n_properties_allocated) {
		bus->properties = must_resize(bus->properties, n, sizeof(*bus->properties));
		bus->n_properties_allocated = n;
	}
	for (size_t i = 0; i < n; i++) {
		read_property(&message->properties[i], &bus->properties[i]);
	}
	struct amqp_draft draft = {
		.ttl_ms = message->ttl_ms < UINT32_MAX ? (uint32_t)message->ttl_ms : UINT32_MAX,
		.message_id = bytes_of(message->message_id),
		.subject = bytes_of(message->subject),
		.correlation_id = bytes_of(message->correlation_id),
		.content_type = bytes_of(message->content_type),
		.properties = bus->properties,
		.n_properties = n,
		.body = bytes_of(message->body),
	};
	amqp_buffer_clear(&bus->scratch);
	amqp_message_write(&bus->scratch, &draft);
}

static void fail(struct bus *bus, struct lucius_op op, uint32_t status, const char *sentence)
{
	bus->host->finish(bus->host, op, status, sentence);
}

static void answer(struct bus *bus, struct lucius_op op, enum publish_outcome outcome,
        const struct topic *topic, const char *full)
{
	char sentence[600];
	switch (outcome) {
	case PUBLISH_OK:
		lucius_finish(bus->host, op);
		break;
	case PUBLISH_DUPLICATE:
		fail(bus, op, LUCIUS_DUPLICATE, NULL);
		break;
	case PUBLISH_UNROUTABLE:
		snprintf(sentence, sizeof(sentence),
		        "no subscription of the topic '%s' would get the message; declare one, or "
		        "start "
		        "its consumer",
		        topic->name);
		fail(bus, op, LUCIUS_UNROUTABLE, sentence);
		break;
	case PUBLISH_FULL:
		snprintf(sentence, sizeof(sentence),
		        "'%s' holds as much as it may (bus-queue-messages, bus-queue-bytes, "
		        "bus-total-bytes); its consumer must catch up",
		        full);
		fail(bus, op, LUCIUS_UNAVAILABLE, sentence);
		break;
	}
}

static void publish_to(struct bus *bus, struct topic *topic, const struct lucius_message *message,
        struct lucius_op op)
{
	char spare_id[33];
	char sentence[200];
	const char *error = NULL;
	const char *full = NULL;
	write_message(bus, message);
	if (bus->scratch.size > (size_t)bus->options->max_message_bytes) {
		snprintf(sentence, sizeof(sentence),
		        "the message has %zu bytes and the bus takes %" PRId64
		        " (bus-max-message-bytes)",
		        bus->scratch.size, bus->options->max_message_bytes);
		fail(bus, op, LUCIUS_TOO_LARGE, sentence);
		return;
	}
	broker_spare_id(&bus->broker, spare_id);
	CLEANUP(cleanup_message)
	struct message *decoded =
	        message_decode_own(amqp_buffer_bytes(&bus->scratch), amqp_text(spare_id), &error);
	if (decoded == NULL) {
		fail(bus, op, LUCIUS_INTERNAL, error);
		return;
	}
	struct publishing publishing = { .messages = &decoded, .n_messages = 1, .is_strict = true };
	enum publish_outcome outcome = topic_publish(topic, &publishing, &full);
	answer(bus, op, outcome, topic, full);
}

void bus_publish(void *self, struct lucius_text topic_name, const struct lucius_message *message,
        struct lucius_op op)
{
	struct bus *bus = self;
	char sentence[400];
	struct topic *topic = topic_find(&bus->broker, bytes_of(topic_name));
	if (bus->is_stopping) {
		fail(bus, op, LUCIUS_UNAVAILABLE, "the bus is being stopped");
		return;
	}
	if (topic == NULL) {
		snprintf(sentence, sizeof(sentence),
		        "there is no topic '%.260s'; declare it in bus-config", topic_name.data);
		fail(bus, op, LUCIUS_UNROUTABLE, sentence);
		return;
	}
	bus_enter(bus);
	publish_to(bus, topic, message, op);
	bus_leave(bus);
}
