/* SPDX-License-Identifier: MIT */
/* Writes AMQP 1.0 values into a buffer, in the shortest encoding that is cheap to find. */
#ifndef SUPPORT_AMQP_ENCODE_H
#define SUPPORT_AMQP_ENCODE_H

#include "support/amqp/buffer.h"

void amqp_put_null(struct amqp_buffer *buffer);
void amqp_put_boolean(struct amqp_buffer *buffer, bool value);
void amqp_put_ubyte(struct amqp_buffer *buffer, uint8_t value);
void amqp_put_uint(struct amqp_buffer *buffer, uint32_t value);
void amqp_put_ulong(struct amqp_buffer *buffer, uint64_t value);
/* Always four bytes wide: readers exist that take no other form of a status code. */
void amqp_put_int(struct amqp_buffer *buffer, int32_t value);
void amqp_put_long(struct amqp_buffer *buffer, int64_t value);
/* Milliseconds since 1970 UTC. */
void amqp_put_timestamp(struct amqp_buffer *buffer, int64_t value_ms);
/* Sixteen bytes in RFC 4122 order. */
void amqp_put_uuid(struct amqp_buffer *buffer, const uint8_t uuid[16]);
void amqp_put_binary(struct amqp_buffer *buffer, struct amqp_bytes value);
void amqp_put_string(struct amqp_buffer *buffer, struct amqp_bytes value);
void amqp_put_symbol(struct amqp_buffer *buffer, struct amqp_bytes value);
/* The descriptor of a described value (`00 53 code`), whose value is to follow. */
void amqp_put_descriptor(struct amqp_buffer *buffer, uint8_t code);

/* Open a list or map; the mark goes to amqp_end with the number of elements written since (for maps
 * keys and values together). */
size_t amqp_begin_list(struct amqp_buffer *buffer);
size_t amqp_begin_map(struct amqp_buffer *buffer);
void amqp_end(struct amqp_buffer *buffer, size_t mark, uint32_t count);

/* An array of elements of one constructor, whose bytes follow without constructors. */
size_t amqp_begin_array(struct amqp_buffer *buffer, uint8_t element_code);
void amqp_end_array(struct amqp_buffer *buffer, size_t mark, uint32_t count);

/* Arrays as Service Bus's management wants them: sixteen bytes each in RFC 4122 order; ms UTC. */
void amqp_put_uuid_array(struct amqp_buffer *buffer, const uint8_t (*uuids)[16], uint32_t count);
void amqp_put_timestamp_array(struct amqp_buffer *buffer, const int64_t *times_ms, uint32_t count);

#endif
