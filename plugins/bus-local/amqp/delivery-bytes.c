/* SPDX-License-Identifier: MIT */
/* The annotations that receivers know, in front of those that the sender has set. */
#include "plugins/bus-local/amqp/delivery-bytes.h"

#include "plugins/bus-local/model/broker.h"
#include "plugins/bus-local/model/overrides.h"
#include "support/amqp/guid.h"

/* x-opt-message-state */
#define STATE_ACTIVE 0
#define STATE_DEFERRED 1

static void put_key(struct amqp_buffer *buffer, const char *key)
{
	amqp_put_symbol(buffer, amqp_text(key));
}

static void put_header(const struct entry *entry, struct amqp_buffer *buffer)
{
	const struct message *message = entry->message;
	struct amqp_header header = {
		.is_durable = message->is_durable,
		.priority = message->priority,
		.has_ttl = message->ttl_ms != 0,
		.ttl_ms = (uint32_t)message->ttl_ms,
		.is_first_acquirer = entry->delivery_count == 0,
		.delivery_count = entry->delivery_count,
	};
	amqp_put_header(buffer, &header);
}

static void put_token(
        const struct broker *broker, const struct entry *entry, struct amqp_buffer *buffer)
{
	uint8_t tag[16];
	uint8_t uuid[16];
	broker_lock_token(broker, entry_lock_number(entry), tag);
	amqp_guid_swap(tag, uuid);
	amqp_put_descriptor(buffer, AMQP_SECTION_DELIVERY_ANNOTATIONS);
	size_t mark = amqp_begin_map(buffer);
	put_key(buffer, "x-opt-lock-token");
	amqp_put_uuid(buffer, uuid);
	amqp_end(buffer, mark, 2);
}

/* Returns the number of keys and values. */
static uint32_t put_lock_end(
        const struct broker *broker, const struct entry *entry, struct amqp_buffer *buffer)
{
	if (entry->state != ENTRY_LOCKED || entry->locked_until_ms == INT64_MAX) {
		return 0;
	}
	put_key(buffer, "x-opt-locked-until");
	amqp_put_timestamp(buffer, entry->locked_until_ms + broker->wall_offset_ms);
	return 2;
}

static uint32_t put_dead_letter_source(const struct entry *entry, struct amqp_buffer *buffer)
{
	if (entry->store->dead_letters != NULL) {
		return 0;
	}
	static const char ending[] = "/$DeadLetterQueue";
	struct amqp_bytes source = amqp_text(entry->store->name);
	put_key(buffer, "x-opt-deadletter-source");
	amqp_put_string(buffer, amqp_bytes(source.start, source.size - (sizeof(ending) - 1)));
	return 2;
}

static void put_annotations(
        const struct broker *broker, const struct entry *entry, struct amqp_buffer *buffer)
{
	const struct message *message = entry->message;
	struct amqp_bytes kept = message_annotations(message);
	amqp_put_descriptor(buffer, AMQP_SECTION_MESSAGE_ANNOTATIONS);
	size_t mark = amqp_begin_map(buffer);
	put_key(buffer, "x-opt-sequence-number");
	amqp_put_long(buffer, (int64_t)entry->sequence);
	put_key(buffer, "x-opt-enqueued-time");
	amqp_put_timestamp(buffer, entry->enqueued_ms + broker->wall_offset_ms);
	put_key(buffer, "x-opt-enqueue-sequence-number");
	amqp_put_long(buffer, (int64_t)entry->first_sequence);
	put_key(buffer, "x-opt-message-state");
	amqp_put_int(buffer, entry->is_deferred ? STATE_DEFERRED : STATE_ACTIVE);
	uint32_t n = 8;
	n += put_lock_end(broker, entry, buffer);
	n += put_dead_letter_source(entry, buffer);
	amqp_buffer_append(buffer, kept.start, kept.size);
	amqp_end(buffer, mark, n + message->n_annotations);
}

static const uint8_t *end_of(struct amqp_bytes bytes)
{
	return bytes.start + bytes.size;
}

/* Properties and the changed application properties; the rest is what comes behind them. */
static struct amqp_bytes put_changed(const struct entry *entry, struct amqp_buffer *buffer)
{
	const struct message *message = entry->message;
	struct amqp_bytes bare = message_bare(message);
	const uint8_t *rest =
	        end_of(message->application_properties.size != 0 ? message->application_properties
	                                                         : message->properties);
	amqp_buffer_append(buffer, message->properties.start, message->properties.size);
	overrides_put_section(entry->overrides, message->application_properties, buffer);
	return amqp_bytes(rest, (size_t)(end_of(bare) - rest));
}

struct amqp_bytes delivery_put_head(const struct broker *broker, const struct entry *entry,
        bool with_token, struct amqp_buffer *buffer)
{
	put_header(entry, buffer);
	if (with_token) {
		put_token(broker, entry, buffer);
	}
	put_annotations(broker, entry, buffer);
	return entry->overrides != NULL ? put_changed(entry, buffer) : message_bare(entry->message);
}
