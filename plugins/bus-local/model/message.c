/* SPDX-License-Identifier: MIT */
/*
 * Annotations that the broker itself writes are taken out when a message comes in, so that each
 * delivery only puts its own in front of the entries that are left.
 */
#include "plugins/bus-local/model/message.h"

#include <stdlib.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"

/* What a receiver gets from the broker alone, whatever the sender has written. */
static const char *const own_annotations[] = {
	"x-opt-sequence-number",
	"x-opt-enqueued-time",
	"x-opt-locked-until",
	"x-opt-enqueue-sequence-number",
	"x-opt-message-state",
	"x-opt-deadletter-source",
	"x-opt-lock-token",
};

static bool is_own_annotation(const struct amqp_value *key)
{
	for (size_t i = 0; i < sizeof(own_annotations) / sizeof(own_annotations[0]); i++) {
		if (amqp_value_is_text(key, own_annotations[i])) {
			return true;
		}
	}
	return false;
}

static void keep_annotations(struct message *message, const struct amqp_value *map)
{
	struct amqp_reader reader = amqp_reader(map->bytes);
	struct amqp_value key;
	struct amqp_value value;
	while (amqp_map_next(&reader, &key, &value)) {
		if (is_own_annotation(&key)) {
			continue;
		}
		uint8_t *at = message->bytes + message->annotations_size;
		memcpy(at, key.raw.start, key.raw.size);
		memcpy(at + key.raw.size, value.raw.start, value.raw.size);
		message->annotations_size += (uint32_t)(key.raw.size + value.raw.size);
		message->n_annotations += 2;
	}
	struct amqp_value time;
	int64_t time_ms = 0;
	if (amqp_map_find(map, "x-opt-scheduled-enqueue-time", &time) &&
	        amqp_value_to_int(&time, &time_ms) && time_ms > 0) {
		message->scheduled_ms = time_ms;
	}
}

/* The properties section anew, with the message id that it does not have. */
static void put_properties(struct amqp_buffer *buffer, const struct amqp_properties *properties,
        struct amqp_bytes message_id)
{
	amqp_put_descriptor(buffer, AMQP_SECTION_PROPERTIES);
	size_t mark = amqp_begin_list(buffer);
	amqp_put_string(buffer, message_id);
	for (size_t i = AMQP_MESSAGE_ID + 1; i < AMQP_N_PROPERTIES; i++) {
		struct amqp_bytes raw = properties->at[i].raw;
		if (properties->at[i].type == AMQP_NULL) {
			amqp_put_null(buffer);
		} else {
			amqp_buffer_append(buffer, raw.start, raw.size);
		}
	}
	amqp_end(buffer, mark, AMQP_N_PROPERTIES);
}

static struct message *copy(const struct amqp_message *parsed, const struct amqp_value *annotations,
        struct amqp_bytes bare)
{
	size_t size = parsed->message_annotations.size + bare.size;
	struct message *message = must_calloc(1, sizeof(*message) + size);
	message->n_references = 1;
	if (annotations != NULL) {
		keep_annotations(message, annotations);
	}
	message->bare_size = (uint32_t)bare.size;
	memcpy(message->bytes + message->annotations_size, bare.start, bare.size);
	message->ttl_ms = parsed->header.has_ttl ? parsed->header.ttl_ms : 0;
	message->is_durable = parsed->header.is_durable;
	message->priority = parsed->header.priority;
	return message;
}

/* The same run of bytes in the copy of the bare message. */
static struct amqp_bytes moved(
        struct amqp_bytes run, struct amqp_bytes bare, const struct message *message)
{
	if (run.size == 0) {
		return amqp_bytes(NULL, 0);
	}
	return amqp_bytes(message_bare(message).start + (run.start - bare.start), run.size);
}

/* Where sections and id lie in the message's own bytes; all were found in `bare`. */
static void index_sections(struct message *message, const struct amqp_message *parsed,
        const struct amqp_value *id, struct amqp_bytes bare)
{
	message->properties = moved(parsed->properties, bare, message);
	message->application_properties = moved(parsed->application_properties, bare, message);
	message->body = moved(parsed->body, bare, message);
	bool is_text = id->type == AMQP_STRING || id->type == AMQP_SYMBOL;
	message->id = moved(is_text ? id->bytes : id->raw, bare, message);
}

/* Is_own: the map of application properties is not looked through. */
static const char *check_sections(const struct amqp_message *parsed, bool is_own,
        struct amqp_properties *ret_properties, struct amqp_value *ret_annotations)
{
	struct amqp_value ignored;
	if (!amqp_properties_parse(parsed->properties, ret_properties)) {
		return "The properties of the message are not a well-formed list.";
	}
	if (parsed->message_annotations.size != 0 &&
	        !amqp_section_map(parsed->message_annotations, ret_annotations)) {
		return "The annotations of the message are not a well-formed map.";
	}
	if (!is_own && parsed->application_properties.size != 0 &&
	        !amqp_section_map(parsed->application_properties, &ignored)) {
		return "The application properties of the message are not a well-formed map.";
	}
	return NULL;
}

static struct message *decode(
        struct amqp_bytes encoded, struct amqp_bytes spare_id, bool is_own, const char **ret_error)
{
	struct amqp_message parsed;
	struct amqp_properties properties;
	struct amqp_value annotations = { .type = AMQP_NULL };
	*ret_error = "The message is not well-formed AMQP 1.0.";
	if (encoded.size > MESSAGE_MAX_SIZE || !amqp_message_parse(encoded, &parsed)) {
		return NULL;
	}
	const char *error = check_sections(&parsed, is_own, &properties, &annotations);
	if (error != NULL) {
		*ret_error = error;
		return NULL;
	}
	CLEANUP(amqp_buffer_finish) struct amqp_buffer rewritten = { 0 };
	struct amqp_bytes bare = parsed.bare;
	struct amqp_message inner = parsed;
	if (properties.at[AMQP_MESSAGE_ID].type == AMQP_NULL) {
		size_t skip = parsed.properties.size;
		put_properties(&rewritten, &properties, spare_id);
		amqp_buffer_append(&rewritten, bare.start + skip, bare.size - skip);
		bare = amqp_buffer_bytes(&rewritten);
		if (!amqp_message_parse(bare, &inner) ||
		        !amqp_properties_parse(inner.properties, &properties)) {
			return NULL;
		}
	}
	struct message *message =
	        copy(&parsed, annotations.type == AMQP_MAP ? &annotations : NULL, bare);
	index_sections(message, &inner, &properties.at[AMQP_MESSAGE_ID], bare);
	return message;
}

struct message *message_decode(
        struct amqp_bytes encoded, struct amqp_bytes spare_id, const char **ret_error)
{
	return decode(encoded, spare_id, false, ret_error);
}

struct message *message_decode_own(
        struct amqp_bytes encoded, struct amqp_bytes spare_id, const char **ret_error)
{
	return decode(encoded, spare_id, true, ret_error);
}

void message_hold(struct message *message)
{
	message->n_references++;
}

void message_drop(struct message *message)
{
	if (message != NULL && --message->n_references == 0) {
		free(message);
	}
}
