/* SPDX-License-Identifier: MIT */
/*
 * From AMQP's form to what the plugin interface knows. Properties that are neither text nor whole
 * number come as text; those that have no text (arrays and the like) are left out.
 */
#include "plugins/bus-local/local-message.h"

#include <inttypes.h>
#include <stdio.h>

#include "plugins/bus-local/bus.h"
#include "plugins/bus-local/model/overrides.h"
#include "plugins/bus-local/model/view.h"
#include "support/base/memory.h"

/* Room for a number or a boolean as text. */
#define NUMBER_ROOM 32

static struct lucius_text text_of(struct amqp_bytes bytes)
{
	return (struct lucius_text){ .data = (const char *)bytes.start, .size = bytes.size };
}

static struct lucius_text property_text(struct view *view, enum amqp_property property)
{
	const struct amqp_value *value = view_property(view, property);
	bool is_text = value->type == AMQP_STRING || value->type == AMQP_SYMBOL;
	return text_of(is_text ? value->bytes : amqp_bytes(NULL, 0));
}

/* Copies bytes behind what the scratch holds and ends them with a NUL; there is room. */
static const char *keep(struct amqp_buffer *scratch, struct amqp_bytes bytes)
{
	char *start = (char *)scratch->start + scratch->size;
	if (bytes.size != 0) {
		memcpy(start, bytes.start, bytes.size);
	}
	start[bytes.size] = '\0';
	scratch->size += bytes.size + 1;
	return start;
}

/* A value's text; false: it has none. */
static bool value_text(
        const struct amqp_value *value, char number[NUMBER_ROOM], struct amqp_bytes *ret_text)
{
	int64_t integer = 0;
	if (value->type == AMQP_STRING || value->type == AMQP_SYMBOL) {
		*ret_text = value->bytes;
		return true;
	}
	if (value->type == AMQP_BOOLEAN) {
		*ret_text = amqp_text(value->boolean ? "true" : "false");
		return true;
	}
	if (amqp_value_to_int(value, &integer)) {
		snprintf(number, NUMBER_ROOM, "%" PRId64, integer);
	} else if (value->type == AMQP_UNSIGNED) {
		snprintf(number, NUMBER_ROOM, "%" PRIu64, value->unsigned_);
	} else if (value->type == AMQP_FLOATING) {
		snprintf(number, NUMBER_ROOM, "%.17g", value->floating);
	} else {
		return false;
	}
	*ret_text = amqp_text(number);
	return true;
}

static uint32_t field_type(const struct amqp_value *value)
{
	int64_t ignored = 0;
	return amqp_value_to_int(value, &ignored) ? LUCIUS_FIELD_INTEGER : LUCIUS_FIELD_STRING;
}

/* Makes room for all of the map at once, so that what is kept does not move. */
static void make_room(struct bus *bus, const struct amqp_value *map)
{
	size_t n = map->count / 2;
	(void)amqp_buffer_reserve(&bus->scratch, map->bytes.size + n * (NUMBER_ROOM + 2));
	if (n > bus->n_fields_allocated) {
		bus->fields = must_resize(bus->fields, n, sizeof(*bus->fields));
		bus->n_fields_allocated = n;
	}
}

static size_t read_map(struct bus *bus, const struct amqp_value *map)
{
	struct amqp_reader reader = amqp_reader(map->bytes);
	struct amqp_value key;
	struct amqp_value value;
	size_t n = 0;
	make_room(bus, map);
	while (n < bus->n_fields_allocated && amqp_map_next(&reader, &key, &value)) {
		char number[NUMBER_ROOM];
		struct amqp_bytes text;
		if (key.type != AMQP_STRING || !value_text(&value, number, &text)) {
			continue;
		}
		bus->fields[n] = (struct lucius_field){
			.name = keep(&bus->scratch, key.bytes),
			.value = keep(&bus->scratch, text),
			.value_size = (uint32_t)text.size,
			.type = field_type(&value),
		};
		n++;
	}
	return n;
}

void local_message_read(
        struct bus *bus, const struct entry *entry, struct lucius_message *ret_message)
{
	const struct message *message = entry->message;
	struct amqp_message parts = { .body = message->body };
	struct amqp_bytes body = amqp_bytes(NULL, 0);
	struct amqp_bytes section = message->application_properties;
	struct amqp_value map;
	struct view view;
	view_init(&view, message);
	*ret_message = (struct lucius_message){
		.size = sizeof(*ret_message),
		.message_id = text_of(message->id),
		.subject = property_text(&view, AMQP_SUBJECT),
		.content_type = property_text(&view, AMQP_CONTENT_TYPE),
		.correlation_id = property_text(&view, AMQP_CORRELATION_ID),
	};
	amqp_buffer_clear(&bus->joined);
	if (amqp_message_read_body(&parts, &bus->joined, &body)) {
		ret_message->body = text_of(body);
	}
	amqp_buffer_clear(&bus->changed);
	if (entry->overrides != NULL) {
		overrides_put_section(entry->overrides, section, &bus->changed);
		section = amqp_buffer_bytes(&bus->changed);
	}
	amqp_buffer_clear(&bus->scratch);
	if (section.size != 0 && amqp_section_map(section, &map)) {
		ret_message->n_properties = read_map(bus, &map);
		ret_message->properties = bus->fields;
	}
}
