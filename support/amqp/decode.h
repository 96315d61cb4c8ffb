/* SPDX-License-Identifier: MIT */
/*
 * Reads AMQP 1.0 values (part 1 of the standard, "Types") out of bytes from outside, without
 * copying and without recursion: a compound value gives its elements as bytes of its own, and one
 * reader after another walks down as deep as its caller wants to know. Nothing is read beyond the
 * bytes given, whatever they say.
 */
#ifndef SUPPORT_AMQP_DECODE_H
#define SUPPORT_AMQP_DECODE_H

#include "support/amqp/buffer.h"

enum amqp_type {
	AMQP_NULL,
	AMQP_BOOLEAN,
	AMQP_UNSIGNED, /* ubyte, ushort, uint, ulong, char */
	AMQP_SIGNED, /* byte, short, int, long, timestamp */
	AMQP_FLOATING, /* float, double */
	AMQP_DECIMAL, /* not decoded: bytes only */
	AMQP_UUID,
	AMQP_BINARY,
	AMQP_STRING,
	AMQP_SYMBOL,
	AMQP_LIST,
	AMQP_MAP, /* count is of keys and values together */
	AMQP_ARRAY,
	AMQP_DESCRIBED,
};

/* One decoded value; all bytes are borrowed from what was read. */
struct amqp_value {
	enum amqp_type type;
	uint8_t code; /* the constructor: tells int from long; for arrays that of the array */
	union {
		bool boolean;
		uint64_t unsigned_;
		int64_t signed_;
		double floating;
		uint32_t count; /* elements of a list, map or array */
	};
	/* UUID, binary, string, symbol: the content. List, map: the elements. Array: the elements
	 * after their constructor. Described: descriptor and value, one behind the other. */
	struct amqp_bytes bytes;
	uint8_t element_code; /* arrays */
	struct amqp_bytes raw; /* the whole encoding, constructor included, to copy it verbatim */
};

struct amqp_reader {
	const uint8_t *at;
	const uint8_t *end;
};

static inline struct amqp_reader amqp_reader(struct amqp_bytes bytes)
{
	/* An empty run may have no address at all. */
	static const uint8_t nothing[1];
	const uint8_t *start = bytes.size != 0 ? bytes.start : nothing;
	return (struct amqp_reader){ .at = start, .end = start + bytes.size };
}

static inline bool amqp_reader_is_empty(const struct amqp_reader *reader)
{
	return reader->at == reader->end;
}

/* False: malformed or at the end; the reader is then where it was. */
bool amqp_read(struct amqp_reader *reader, struct amqp_value *ret_value);

/* Goes past the next value without looking at it; false as above. */
bool amqp_skip(struct amqp_reader *reader);

/* The next element of an array, whose reader starts at value.bytes. */
bool amqp_read_element(
        struct amqp_reader *reader, uint8_t element_code, struct amqp_value *ret_value);

/* A described value whose descriptor is a number below 2^64 (or a symbol: ret_code is then 0): its
 * code and what it describes. */
bool amqp_read_described(
        struct amqp_reader *reader, uint64_t *ret_code, struct amqp_value *ret_value);

/* The entry of a map whose key is this string or symbol; false if there is none. */
bool amqp_map_find(const struct amqp_value *map, const char *key, struct amqp_value *ret_value);

/* The next entry; for walking, start with amqp_reader(map.bytes). */
bool amqp_map_next(
        struct amqp_reader *reader, struct amqp_value *ret_key, struct amqp_value *ret_value);

/* The number as an int64_t; false for other types and for what does not fit. */
bool amqp_value_to_int(const struct amqp_value *value, int64_t *ret_number);

/* True for a string or symbol with this text. */
bool amqp_value_is_text(const struct amqp_value *value, const char *text);

#endif
