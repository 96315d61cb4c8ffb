/* SPDX-License-Identifier: MIT */
/*
 * The decoder. The high half of a constructor gives the width of what follows it, so that any value
 * can be measured without knowing its type; only then it is looked at.
 */
#include "support/amqp/decode.h"

/* Described values nest (their descriptors too); deeper than this nobody does in good faith. */
#define MAX_DESCRIBED 16

static uint64_t big_endian(const uint8_t *at, size_t width)
{
	uint64_t number = 0;
	for (size_t i = 0; i < width; i++) {
		number = number << 8 | at[i];
	}
	return number;
}

/* Bytes behind a constructor, its length field included; false: unknown or beyond `left`. */
static bool measure(uint8_t code, const uint8_t *at, size_t left, size_t *ret_size)
{
	static const uint8_t fixed[] = { 0, 1, 2, 4, 8, 16 };
	unsigned width = code >> 4;
	if (width >= 4 && width <= 9) {
		*ret_size = fixed[width - 4];
		return *ret_size <= left;
	}
	if (width < 10) {
		return false;
	}
	size_t length_width = (width & 1) != 0 ? 4 : 1;
	if (left < length_width) {
		return false;
	}
	uint64_t content = big_endian(at, length_width);
	*ret_size = length_width + (size_t)content;
	return content <= left - length_width;
}

static bool read_fixed(uint8_t code, const uint8_t *at, size_t size, struct amqp_value *value)
{
	switch (code) {
	case 0x40:
		value->type = AMQP_NULL;
		return true;
	case 0x41:
	case 0x42:
		value->type = AMQP_BOOLEAN;
		value->boolean = code == 0x41;
		return true;
	case 0x56:
		value->type = AMQP_BOOLEAN;
		value->boolean = at[0] != 0;
		return at[0] <= 1;
	case 0x43:
	case 0x44:
	case 0x50:
	case 0x52:
	case 0x53:
	case 0x60:
	case 0x70:
	case 0x73:
	case 0x80:
		value->type = AMQP_UNSIGNED;
		value->unsigned_ = big_endian(at, size);
		return true;
	case 0x51:
	case 0x54:
	case 0x55:
		value->type = AMQP_SIGNED;
		value->signed_ = at[0] < 0x80 ? at[0] : (int64_t)at[0] - 0x100;
		return true;
	case 0x61:
		value->type = AMQP_SIGNED;
		value->signed_ = (int16_t)big_endian(at, 2);
		return true;
	case 0x71:
		value->type = AMQP_SIGNED;
		value->signed_ = (int32_t)big_endian(at, 4);
		return true;
	case 0x81:
	case 0x83:
		value->type = AMQP_SIGNED;
		value->signed_ = (int64_t)big_endian(at, 8);
		return true;
	default:
		return false;
	}
}

static bool read_wide(uint8_t code, const uint8_t *at, struct amqp_value *value)
{
	uint64_t bits = 0;
	float narrow;
	switch (code) {
	case 0x72:
		bits = big_endian(at, 4);
		memcpy(&narrow, &(uint32_t){ (uint32_t)bits }, sizeof(narrow));
		value->type = AMQP_FLOATING;
		value->floating = (double)narrow;
		return true;
	case 0x82:
		bits = big_endian(at, 8);
		memcpy(&value->floating, &bits, sizeof(value->floating));
		value->type = AMQP_FLOATING;
		return true;
	case 0x74:
		value->type = AMQP_DECIMAL;
		value->bytes = amqp_bytes(at, 4);
		return true;
	case 0x84:
		value->type = AMQP_DECIMAL;
		value->bytes = amqp_bytes(at, 8);
		return true;
	case 0x94:
	case 0x98:
		value->type = code == 0x98 ? AMQP_UUID : AMQP_DECIMAL;
		value->bytes = amqp_bytes(at, 16);
		return true;
	default:
		return false;
	}
}

static bool read_variable(uint8_t code, const uint8_t *at, size_t size, struct amqp_value *value)
{
	size_t length_width = (code & 0x10) != 0 ? 4 : 1;
	value->bytes = amqp_bytes(at + length_width, size - length_width);
	switch (code) {
	case 0xa0:
	case 0xb0:
		value->type = AMQP_BINARY;
		return true;
	case 0xa1:
	case 0xb1:
		value->type = AMQP_STRING;
		return true;
	case 0xa3:
	case 0xb3:
		value->type = AMQP_SYMBOL;
		return true;
	default:
		return false;
	}
}

static bool read_array_head(struct amqp_value *value)
{
	value->type = AMQP_ARRAY;
	/* An array of described elements has a whole descriptor here; nobody sends one to us. */
	if (value->bytes.size == 0 || value->bytes.start[0] == 0) {
		return false;
	}
	value->element_code = value->bytes.start[0];
	value->bytes = amqp_bytes(value->bytes.start + 1, value->bytes.size - 1);
	return true;
}

static bool read_compound(uint8_t code, const uint8_t *at, size_t size, struct amqp_value *value)
{
	size_t width = (code & 0x10) != 0 ? 4 : 1;
	if (size < 2 * width) {
		return false;
	}
	value->count = (uint32_t)big_endian(at + width, width);
	value->bytes = amqp_bytes(at + 2 * width, size - 2 * width);
	switch (code) {
	case 0xc0:
	case 0xd0:
		value->type = AMQP_LIST;
		break;
	case 0xc1:
	case 0xd1:
		value->type = AMQP_MAP;
		break;
	case 0xe0:
	case 0xf0:
		return read_array_head(value);
	default:
		return false;
	}
	/* Each element takes a byte at least. */
	return value->count <= value->bytes.size &&
	        (value->type == AMQP_LIST || value->count % 2 == 0);
}

static bool read_content(uint8_t code, const uint8_t *at, size_t size, struct amqp_value *value)
{
	value->code = code;
	if (code == 0x45) {
		value->type = AMQP_LIST;
		value->count = 0;
		value->bytes = amqp_bytes(at, 0);
		return true;
	}
	if (code >= 0xc0) {
		return read_compound(code, at, size, value);
	}
	if (code >= 0xa0) {
		return read_variable(code, at, size, value);
	}
	return read_fixed(code, at, size, value) || read_wide(code, at, value);
}

/* Walks over one value whatever it is; a described one is a descriptor and one value more. */
static bool skip(const uint8_t **at, const uint8_t *end)
{
	unsigned n_due = 1;
	unsigned n_described = 0;
	while (n_due > 0) {
		if (*at == end) {
			return false;
		}
		uint8_t code = *(*at)++;
		if (code == 0) {
			n_due++;
			if (++n_described > MAX_DESCRIBED) {
				return false;
			}
			continue;
		}
		size_t size;
		if (!measure(code, *at, (size_t)(end - *at), &size)) {
			return false;
		}
		*at += size;
		n_due--;
	}
	return true;
}

bool amqp_skip(struct amqp_reader *reader)
{
	const uint8_t *at = reader->at;
	if (!skip(&at, reader->end)) {
		return false;
	}
	reader->at = at;
	return true;
}

bool amqp_read(struct amqp_reader *reader, struct amqp_value *ret_value)
{
	const uint8_t *at = reader->at;
	if (at == reader->end) {
		return false;
	}
	uint8_t code = *at++;
	struct amqp_value value = { .code = code };
	if (code == 0) {
		const uint8_t *content = at;
		at = reader->at;
		if (!skip(&at, reader->end)) {
			return false;
		}
		value.type = AMQP_DESCRIBED;
		value.bytes = amqp_bytes(content, (size_t)(at - content));
	} else {
		size_t size;
		if (!measure(code, at, (size_t)(reader->end - at), &size) ||
		        !read_content(code, at, size, &value)) {
			return false;
		}
		at += size;
	}
	value.raw = amqp_bytes(reader->at, (size_t)(at - reader->at));
	reader->at = at;
	*ret_value = value;
	return true;
}

bool amqp_read_element(
        struct amqp_reader *reader, uint8_t element_code, struct amqp_value *ret_value)
{
	size_t size;
	size_t left = (size_t)(reader->end - reader->at);
	struct amqp_value value = { 0 };
	/* Elements of no width would let a few bytes claim to be four thousand million values. */
	if (left == 0 || !measure(element_code, reader->at, left, &size) || size == 0 ||
	        !read_content(element_code, reader->at, size, &value)) {
		return false;
	}
	value.raw = amqp_bytes(reader->at, size);
	reader->at += size;
	*ret_value = value;
	return true;
}

bool amqp_read_described(
        struct amqp_reader *reader, uint64_t *ret_code, struct amqp_value *ret_value)
{
	struct amqp_reader outer = *reader;
	struct amqp_value described;
	struct amqp_value descriptor;
	if (!amqp_read(&outer, &described) || described.type != AMQP_DESCRIBED) {
		return false;
	}
	struct amqp_reader inner = amqp_reader(described.bytes);
	if (!amqp_read(&inner, &descriptor) || !amqp_read(&inner, ret_value)) {
		return false;
	}
	*ret_code = descriptor.type == AMQP_UNSIGNED ? descriptor.unsigned_ : 0;
	*reader = outer;
	return true;
}

bool amqp_map_next(
        struct amqp_reader *reader, struct amqp_value *ret_key, struct amqp_value *ret_value)
{
	struct amqp_reader ahead = *reader;
	if (!amqp_read(&ahead, ret_key) || !amqp_read(&ahead, ret_value)) {
		return false;
	}
	*reader = ahead;
	return true;
}

bool amqp_map_find(const struct amqp_value *map, const char *key, struct amqp_value *ret_value)
{
	if (map->type != AMQP_MAP) {
		return false;
	}
	struct amqp_reader reader = amqp_reader(map->bytes);
	struct amqp_value found;
	struct amqp_value value;
	struct amqp_bytes wanted = amqp_text(key);
	while (amqp_map_next(&reader, &found, &value)) {
		bool is_text = found.type == AMQP_STRING || found.type == AMQP_SYMBOL;
		if (is_text && amqp_bytes_equal(found.bytes, wanted)) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

bool amqp_value_to_int(const struct amqp_value *value, int64_t *ret_number)
{
	if (value->type == AMQP_SIGNED) {
		*ret_number = value->signed_;
		return true;
	}
	if (value->type == AMQP_UNSIGNED && value->unsigned_ <= INT64_MAX) {
		*ret_number = (int64_t)value->unsigned_;
		return true;
	}
	return false;
}

bool amqp_value_is_text(const struct amqp_value *value, const char *text)
{
	return (value->type == AMQP_STRING || value->type == AMQP_SYMBOL) &&
	        amqp_bytes_is(value->bytes, text);
}
