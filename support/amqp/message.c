/* SPDX-License-Identifier: MIT */
/* Splitting encoded messages into sections, and reading what the sections hold. */
#include "support/amqp/message.h"

/* Sections come in this order, each once; the body is one value, or any number of data sections or
 * of sequences. */
static bool may_follow(uint64_t code, uint64_t last)
{
	if (code < AMQP_SECTION_HEADER || code > AMQP_SECTION_FOOTER) {
		return false;
	}
	if (code == last) {
		return code == AMQP_SECTION_DATA || code == AMQP_SECTION_SEQUENCE;
	}
	bool had_body = last >= AMQP_SECTION_DATA;
	return code > last && (!had_body || code == AMQP_SECTION_FOOTER);
}

static bool list_next(struct amqp_reader *reader, uint32_t *left, struct amqp_value *ret_value)
{
	if (*left == 0) {
		return false;
	}
	(*left)--;
	return amqp_read(reader, ret_value);
}

static bool read_header(const struct amqp_value *list, struct amqp_header *header)
{
	if (list->type != AMQP_LIST) {
		return false;
	}
	struct amqp_reader reader = amqp_reader(list->bytes);
	struct amqp_value field;
	for (uint32_t i = 0; i < list->count && i < 5; i++) {
		if (!amqp_read(&reader, &field)) {
			return false;
		}
		if (field.type == AMQP_BOOLEAN && i == 0) {
			header->is_durable = field.boolean;
		} else if (field.type == AMQP_UNSIGNED && i == 1) {
			header->priority = (uint8_t)field.unsigned_;
		} else if (field.type == AMQP_UNSIGNED && i == 2) {
			header->has_ttl = true;
			header->ttl_ms = (uint32_t)field.unsigned_;
		} else if (field.type == AMQP_BOOLEAN && i == 3) {
			header->is_first_acquirer = field.boolean;
		} else if (field.type == AMQP_UNSIGNED && i == 4) {
			header->delivery_count = (uint32_t)field.unsigned_;
		} else if (field.type != AMQP_NULL) {
			return false;
		}
	}
	return true;
}

static void extend(struct amqp_bytes *run, struct amqp_bytes section)
{
	if (run->size == 0) {
		*run = section;
	} else {
		run->size = (size_t)(section.start + section.size - run->start);
	}
}

static bool place_section(struct amqp_message *message, uint64_t code, struct amqp_bytes section,
        const struct amqp_value *value)
{
	if (code >= AMQP_SECTION_PROPERTIES) {
		extend(&message->bare, section);
	}
	switch (code) {
	case AMQP_SECTION_HEADER:
		return read_header(value, &message->header);
	case AMQP_SECTION_DELIVERY_ANNOTATIONS:
		message->delivery_annotations = section;
		return value->type == AMQP_MAP;
	case AMQP_SECTION_MESSAGE_ANNOTATIONS:
		message->message_annotations = section;
		return value->type == AMQP_MAP;
	case AMQP_SECTION_PROPERTIES:
		message->properties = section;
		return value->type == AMQP_LIST;
	case AMQP_SECTION_APPLICATION_PROPERTIES:
		message->application_properties = section;
		return value->type == AMQP_MAP;
	case AMQP_SECTION_DATA:
		extend(&message->body, section);
		return value->type == AMQP_BINARY;
	case AMQP_SECTION_SEQUENCE:
		extend(&message->body, section);
		return value->type == AMQP_LIST;
	case AMQP_SECTION_VALUE:
		extend(&message->body, section);
		return true;
	default:
		message->footer = section;
		return value->type == AMQP_MAP;
	}
}

bool amqp_message_parse(struct amqp_bytes encoded, struct amqp_message *ret_message)
{
	struct amqp_message message = { .whole = encoded, .header = { .priority = 4 } };
	struct amqp_reader reader = amqp_reader(encoded);
	uint64_t last = 0;
	if (encoded.size == 0) {
		return false;
	}
	while (!amqp_reader_is_empty(&reader)) {
		const uint8_t *start = reader.at;
		uint64_t code;
		struct amqp_value value;
		if (!amqp_read_described(&reader, &code, &value) || !may_follow(code, last)) {
			return false;
		}
		struct amqp_bytes section = amqp_bytes(start, (size_t)(reader.at - start));
		if (!place_section(&message, code, section, &value)) {
			return false;
		}
		last = code;
	}
	*ret_message = message;
	return true;
}

static bool section_value(struct amqp_bytes section, struct amqp_value *ret_value)
{
	struct amqp_reader reader = amqp_reader(section);
	uint64_t code;
	return amqp_read_described(&reader, &code, ret_value);
}

static bool is_map_whole(const struct amqp_value *map)
{
	struct amqp_reader reader = amqp_reader(map->bytes);
	struct amqp_value key;
	struct amqp_value value;
	for (uint32_t i = 0; i < map->count; i += 2) {
		if (!amqp_map_next(&reader, &key, &value)) {
			return false;
		}
	}
	return amqp_reader_is_empty(&reader);
}

bool amqp_section_map(struct amqp_bytes section, struct amqp_value *ret_map)
{
	return section_value(section, ret_map) && ret_map->type == AMQP_MAP &&
	        is_map_whole(ret_map);
}

bool amqp_section_map_again(struct amqp_bytes section, struct amqp_value *ret_map)
{
	return section_value(section, ret_map) && ret_map->type == AMQP_MAP;
}

bool amqp_section_find(struct amqp_bytes section, const char *key, struct amqp_value *ret_value)
{
	struct amqp_value map;
	return section_value(section, &map) && amqp_map_find(&map, key, ret_value);
}

bool amqp_properties_parse(struct amqp_bytes section, struct amqp_properties *ret_properties)
{
	struct amqp_value list;
	for (int i = 0; i < AMQP_N_PROPERTIES; i++) {
		ret_properties->at[i] = (struct amqp_value){ .type = AMQP_NULL, .code = 0x40 };
	}
	if (section.size == 0) {
		return true;
	}
	if (!section_value(section, &list) || list.type != AMQP_LIST) {
		return false;
	}
	struct amqp_reader reader = amqp_reader(list.bytes);
	uint32_t left = list.count < AMQP_N_PROPERTIES ? list.count : AMQP_N_PROPERTIES;
	for (int i = 0; left > 0; i++) {
		if (!list_next(&reader, &left, &ret_properties->at[i])) {
			return false;
		}
	}
	return true;
}

bool amqp_body_next_data(struct amqp_reader *reader, struct amqp_bytes *ret_content)
{
	struct amqp_reader ahead = *reader;
	uint64_t code;
	struct amqp_value value;
	if (!amqp_read_described(&ahead, &code, &value) || code != AMQP_SECTION_DATA ||
	        value.type != AMQP_BINARY) {
		return false;
	}
	*reader = ahead;
	*ret_content = value.bytes;
	return true;
}

static bool read_value_body(struct amqp_bytes body, struct amqp_bytes *ret_body)
{
	struct amqp_reader reader = amqp_reader(body);
	uint64_t code;
	struct amqp_value value;
	if (!amqp_read_described(&reader, &code, &value) || code != AMQP_SECTION_VALUE) {
		return false;
	}
	*ret_body = value.bytes;
	return value.type == AMQP_STRING || value.type == AMQP_BINARY;
}

bool amqp_message_read_body(const struct amqp_message *message, struct amqp_buffer *scratch,
        struct amqp_bytes *ret_body)
{
	struct amqp_reader reader = amqp_reader(message->body);
	struct amqp_bytes content;
	if (!amqp_body_next_data(&reader, &content)) {
		return read_value_body(message->body, ret_body);
	}
	if (amqp_reader_is_empty(&reader)) {
		*ret_body = content;
		return true;
	}
	amqp_buffer_clear(scratch);
	do {
		amqp_buffer_append(scratch, content.start, content.size);
	} while (amqp_body_next_data(&reader, &content));
	*ret_body = amqp_buffer_bytes(scratch);
	return true;
}
