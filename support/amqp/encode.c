/* SPDX-License-Identifier: MIT */
/* The encoder. A compound begins in its wide form and is narrowed at its end if it is short. */
#include "support/amqp/encode.h"

static void put_big_endian(uint8_t *at, uint64_t value, size_t width)
{
	for (size_t i = width; i > 0; i--) {
		at[i - 1] = (uint8_t)value;
		value >>= 8;
	}
}

static void put_code(struct amqp_buffer *buffer, uint8_t code)
{
	*amqp_buffer_reserve(buffer, 1) = code;
	buffer->size++;
}

static void put_number(struct amqp_buffer *buffer, uint8_t code, uint64_t value, size_t width)
{
	uint8_t *at = amqp_buffer_reserve(buffer, 1 + width);
	at[0] = code;
	put_big_endian(at + 1, value, width);
	buffer->size += 1 + width;
}

static void put_variable(struct amqp_buffer *buffer, uint8_t short_code, struct amqp_bytes value)
{
	bool is_short = value.size <= UINT8_MAX;
	size_t width = is_short ? 1 : 4;
	uint8_t *at = amqp_buffer_reserve(buffer, 1 + width + value.size);
	at[0] = is_short ? short_code : short_code | 0x10;
	put_big_endian(at + 1, value.size, width);
	if (value.size != 0) {
		memcpy(at + 1 + width, value.start, value.size);
	}
	buffer->size += 1 + width + value.size;
}

void amqp_put_null(struct amqp_buffer *buffer)
{
	put_code(buffer, 0x40);
}

void amqp_put_boolean(struct amqp_buffer *buffer, bool value)
{
	put_code(buffer, value ? 0x41 : 0x42);
}

void amqp_put_ubyte(struct amqp_buffer *buffer, uint8_t value)
{
	put_number(buffer, 0x50, value, 1);
}

void amqp_put_uint(struct amqp_buffer *buffer, uint32_t value)
{
	if (value == 0) {
		put_code(buffer, 0x43);
	} else if (value <= UINT8_MAX) {
		put_number(buffer, 0x52, value, 1);
	} else {
		put_number(buffer, 0x70, value, 4);
	}
}

void amqp_put_ulong(struct amqp_buffer *buffer, uint64_t value)
{
	if (value == 0) {
		put_code(buffer, 0x44);
	} else if (value <= UINT8_MAX) {
		put_number(buffer, 0x53, value, 1);
	} else {
		put_number(buffer, 0x80, value, 8);
	}
}

void amqp_put_int(struct amqp_buffer *buffer, int32_t value)
{
	put_number(buffer, 0x71, (uint32_t)value, 4);
}

void amqp_put_long(struct amqp_buffer *buffer, int64_t value)
{
	if (value >= INT8_MIN && value <= INT8_MAX) {
		put_number(buffer, 0x55, (uint8_t)value, 1);
	} else {
		put_number(buffer, 0x81, (uint64_t)value, 8);
	}
}

void amqp_put_timestamp(struct amqp_buffer *buffer, int64_t value_ms)
{
	put_number(buffer, 0x83, (uint64_t)value_ms, 8);
}

void amqp_put_uuid(struct amqp_buffer *buffer, const uint8_t uuid[16])
{
	put_code(buffer, 0x98);
	amqp_buffer_append(buffer, uuid, 16);
}

void amqp_put_binary(struct amqp_buffer *buffer, struct amqp_bytes value)
{
	put_variable(buffer, 0xa0, value);
}

void amqp_put_string(struct amqp_buffer *buffer, struct amqp_bytes value)
{
	put_variable(buffer, 0xa1, value);
}

void amqp_put_symbol(struct amqp_buffer *buffer, struct amqp_bytes value)
{
	put_variable(buffer, 0xa3, value);
}

void amqp_put_descriptor(struct amqp_buffer *buffer, uint8_t code)
{
	uint8_t *at = amqp_buffer_reserve(buffer, 3);
	at[0] = 0x00;
	at[1] = 0x53;
	at[2] = code;
	buffer->size += 3;
}

static size_t begin_compound(struct amqp_buffer *buffer, uint8_t code)
{
	*amqp_buffer_reserve(buffer, 9) = code;
	size_t mark = buffer->size;
	buffer->size += 9;
	return mark;
}

size_t amqp_begin_list(struct amqp_buffer *buffer)
{
	return begin_compound(buffer, 0xd0);
}

size_t amqp_begin_map(struct amqp_buffer *buffer)
{
	return begin_compound(buffer, 0xd1);
}

void amqp_end(struct amqp_buffer *buffer, size_t mark, uint32_t count)
{
	uint8_t *at = buffer->start + mark;
	size_t content = buffer->size - mark - 9;
	if (content < UINT8_MAX && count <= UINT8_MAX) {
		at[0] -= 0x10;
		at[1] = (uint8_t)(content + 1);
		at[2] = (uint8_t)count;
		memmove(at + 3, at + 9, content);
		buffer->size -= 6;
		return;
	}
	/* The size counts what follows it: the count and the elements. */
	put_big_endian(at + 1, content + 4, 4);
	put_big_endian(at + 5, count, 4);
}

size_t amqp_begin_array(struct amqp_buffer *buffer, uint8_t element_code)
{
	size_t mark = begin_compound(buffer, 0xf0);
	put_code(buffer, element_code);
	return mark;
}

void amqp_end_array(struct amqp_buffer *buffer, size_t mark, uint32_t count)
{
	amqp_end(buffer, mark, count);
}

void amqp_put_uuid_array(struct amqp_buffer *buffer, const uint8_t (*uuids)[16], uint32_t count)
{
	size_t mark = amqp_begin_array(buffer, 0x98);
	amqp_buffer_append(buffer, uuids, (size_t)count * 16);
	amqp_end_array(buffer, mark, count);
}

void amqp_put_timestamp_array(struct amqp_buffer *buffer, const int64_t *times_ms, uint32_t count)
{
	size_t mark = amqp_begin_array(buffer, 0x83);
	uint8_t *at = amqp_buffer_reserve(buffer, (size_t)count * 8);
	for (uint32_t i = 0; i < count; i++) {
		put_big_endian(at + (size_t)i * 8, (uint64_t)times_ms[i], 8);
	}
	buffer->size += (size_t)count * 8;
	amqp_end_array(buffer, mark, count);
}
