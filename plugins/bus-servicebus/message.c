/* SPDX-License-Identifier: MIT */
/* Messages between the terms of the ABI and those of AMQP. */
#include "plugins/bus-servicebus/bus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/base/memory.h"

static struct amqp_bytes from_text(struct lucius_text text)
{
	return amqp_bytes(text.data, text.size);
}

static struct lucius_text to_text(struct amqp_bytes bytes)
{
	return (struct lucius_text){ (const char *)bytes.start, bytes.size };
}

static bool read_number(const char *text, int64_t *ret_number)
{
	char *end;
	errno = 0;
	intmax_t number = strtoimax(text, &end, 10);
	*ret_number = (int64_t)number;
	return errno == 0 && end != text && *end == '\0';
}

static bool convert_properties(struct bus *bus, const struct lucius_message *message)
{
	if (message->n_properties > bus->n_properties_room) {
		bus->n_properties_room = message->n_properties;
		bus->properties = must_resize(
		        bus->properties, bus->n_properties_room, sizeof(*bus->properties));
	}
	for (uint64_t i = 0; i < message->n_properties; i++) {
		const struct lucius_field *field = &message->properties[i];
		struct amqp_application_property *property = &bus->properties[i];
		*property = (struct amqp_application_property){
			.name = amqp_text(field->name),
			.text = amqp_bytes(field->value, field->value_size),
			.is_number = field->type == LUCIUS_FIELD_INTEGER,
		};
		if (property->is_number && !read_number(field->value, &property->number)) {
			return false;
		}
	}
	return true;
}

bool bus_encode(struct bus *bus, const struct lucius_message *message,
        struct amqp_bytes *ret_encoded, const char **ret_error)
{
	if (!convert_properties(bus, message)) {
		*ret_error = "an application property says that it is an integer and is none";
		return false;
	}
	struct amqp_draft draft = {
		.is_durable = ((const struct bus_options *)bus->host->options)->is_durable != 0,
		.ttl_ms = message->ttl_ms < UINT32_MAX ? (uint32_t)message->ttl_ms : UINT32_MAX,
		.message_id = from_text(message->message_id),
		.subject = from_text(message->subject),
		.content_type = from_text(message->content_type),
		.correlation_id = from_text(message->correlation_id),
		.properties = bus->properties,
		.n_properties = message->n_properties,
		.body = from_text(message->body),
	};
	amqp_buffer_clear(&bus->encoded);
	amqp_message_write(&bus->encoded, &draft);
	*ret_encoded = amqp_buffer_bytes(&bus->encoded);
	return true;
}

/* A text of its own with a NUL, by its place: the buffer may move while it grows. */
static size_t keep_text(struct bus *bus, struct amqp_bytes text)
{
	size_t at = bus->texts.size;
	amqp_buffer_append(&bus->texts, text.start, text.size);
	amqp_buffer_append(&bus->texts, "", 1);
	return at;
}

/* False: a value that has no place in the ABI (a map, a date, a fraction). */
static bool keep_value(
        struct bus *bus, const struct amqp_value *value, struct lucius_field *field, size_t *ret_at)
{
	char number[24];
	int64_t integer;
	if (value->type == AMQP_STRING || value->type == AMQP_SYMBOL) {
		*ret_at = keep_text(bus, value->bytes);
		field->value_size = (uint32_t)value->bytes.size;
		field->type = LUCIUS_FIELD_STRING;
		return true;
	}
	if (value->type == AMQP_BOOLEAN) {
		struct amqp_bytes text = amqp_text(value->boolean ? "true" : "false");
		*ret_at = keep_text(bus, text);
		field->value_size = (uint32_t)text.size;
		field->type = LUCIUS_FIELD_STRING;
		return true;
	}
	if (!amqp_value_to_int(value, &integer)) {
		return false;
	}
	int size = snprintf(number, sizeof(number), "%" PRId64, integer);
	*ret_at = keep_text(bus, amqp_bytes(number, (size_t)size));
	field->value_size = (uint32_t)size;
	field->type = LUCIUS_FIELD_INTEGER;
	return true;
}

static struct lucius_field *next_field(struct bus *bus, size_t n)
{
	if (n == bus->n_fields_room) {
		bus->n_fields_room = n != 0 ? 2 * n : 16;
		bus->fields = must_resize(bus->fields, bus->n_fields_room, sizeof(*bus->fields));
	}
	return &bus->fields[n];
}

/* The texts' places stand in the pointers until all are there. */
static size_t read_fields(struct bus *bus, struct amqp_bytes section)
{
	struct amqp_value map;
	struct amqp_value key;
	struct amqp_value value;
	size_t n = 0;
	if (section.size == 0 || !amqp_section_map(section, &map)) {
		return 0;
	}
	struct amqp_reader reader = amqp_reader(map.bytes);
	while (amqp_map_next(&reader, &key, &value)) {
		struct lucius_field *field = next_field(bus, n);
		size_t value_at;
		if ((key.type != AMQP_STRING && key.type != AMQP_SYMBOL) ||
		        !keep_value(bus, &value, field, &value_at)) {
			continue;
		}
		field->value = (const char *)(uintptr_t)value_at;
		field->name = (const char *)(uintptr_t)keep_text(bus, key.bytes);
		n++;
	}
	const char *texts = (const char *)bus->texts.start;
	for (size_t i = 0; i < n; i++) {
		bus->fields[i].name = texts + (uintptr_t)bus->fields[i].name;
		bus->fields[i].value = texts + (uintptr_t)bus->fields[i].value;
	}
	return n;
}

static struct lucius_text text_of(const struct amqp_value *value)
{
	bool is_text = value->type == AMQP_STRING || value->type == AMQP_SYMBOL;
	return is_text ? to_text(value->bytes) : (struct lucius_text){ NULL, 0 };
}

void bus_decode(struct bus *bus, const struct servicebus_delivery *delivery,
        struct lucius_message *ret_message)
{
	const struct amqp_message *message = delivery->message;
	const struct amqp_properties *properties = delivery->properties;
	amqp_buffer_clear(&bus->texts);
	*ret_message = (struct lucius_message){
		.size = sizeof(*ret_message),
		.body = to_text(delivery->body),
		.message_id = text_of(&properties->at[AMQP_MESSAGE_ID]),
		.subject = text_of(&properties->at[AMQP_SUBJECT]),
		.content_type = text_of(&properties->at[AMQP_CONTENT_TYPE]),
		.correlation_id = text_of(&properties->at[AMQP_CORRELATION_ID]),
		.n_properties = read_fields(bus, message->application_properties),
		.ttl_ms = message->header.has_ttl ? message->header.ttl_ms : 0,
	};
	ret_message->properties = bus->fields;
	if (!delivery->has_body) {
		ret_message->body = (struct lucius_text){ NULL, 0 };
	}
}
