/* SPDX-License-Identifier: MIT */
/* Strings are copied in runs of bytes that need no escape; a comma waits until a value needs it. */
#include "core/json_writer.h"

#include <math.h>
#include <string.h>
#include <unistr.h>

#include "core/json_kind.h"
#include "core/json_number.h"
#include "core/plain_span.h"
#include "support/base/memory.h"

enum {
	FIRST_CAPACITY = 512,
	N_SPARE_PLACES = 8,
	LONGEST_SPARE = 64 << 10, /* bytes; larger buffers are freed */
};
/* Under the address sanitizer none is kept, so that it sees what is used too late. */
#ifdef __SANITIZE_ADDRESS__
enum { MOST_SPARE = 0 };
#else
enum { MOST_SPARE = N_SPARE_PLACES };
#endif

/* Buffers of writers that have finished, so that a steady state neither allocates nor grows. */
static struct {
	char *text;
	size_t capacity;
} spares[N_SPARE_PLACES];
static size_t n_spares;

static void take_spare(struct json_writer *writer)
{
	if (n_spares != 0) {
		n_spares--;
		writer->text = spares[n_spares].text;
		writer->capacity = spares[n_spares].capacity;
	}
}

static void give_back(char *text, size_t capacity)
{
	if (n_spares == MOST_SPARE || text == NULL || capacity > LONGEST_SPARE) {
		free(text);
		return;
	}
	spares[n_spares].text = text;
	spares[n_spares].capacity = capacity;
	n_spares++;
}

__attribute__((noinline)) static char *grow(struct json_writer *writer, size_t size)
{
	size_t needed = writer->size + size;
	if (writer->text == NULL) {
		take_spare(writer);
	}
	if (needed > writer->capacity) {
		size_t capacity = writer->capacity != 0 ? writer->capacity : FIRST_CAPACITY;
		while (capacity < needed) {
			capacity *= 2;
		}
		writer->text = must_resize(writer->text, capacity, 1);
		writer->capacity = capacity;
	}
	return writer->text + writer->size;
}

static char *reserve(struct json_writer *writer, size_t size)
{
	/* There is no text where the capacity is 0. */
	if (writer->capacity - writer->size < size || writer->capacity == 0) {
		return grow(writer, size);
	}
	return writer->text + writer->size;
}

void json_writer_append(struct json_writer *writer, const char *bytes, size_t size)
{
	if (size > 0) {
		memcpy(reserve(writer, size), bytes, size);
		writer->size += size;
	}
}

static void append_byte(struct json_writer *writer, char byte)
{
	*reserve(writer, 1) = byte;
	writer->size++;
}

/* Room for a value of so many bytes, with the comma before it; what follows will need one. */
static char *begin_value(struct json_writer *writer, size_t size)
{
	char *to = reserve(writer, size + 1);
	if (writer->needs_comma) {
		*to++ = ',';
		writer->size++;
	}
	writer->needs_comma = true;
	return to;
}

void json_writer_finish(struct json_writer *writer)
{
	give_back(steal(writer->text), writer->capacity);
	writer->capacity = 0;
	json_writer_reset(writer);
}

void json_writer_reset(struct json_writer *writer)
{
	writer->size = 0;
	writer->needs_comma = false;
}

const char *json_writer_text(struct json_writer *writer)
{
	*reserve(writer, 1) = '\0';
	return writer->text;
}

char *json_writer_steal(struct json_writer *writer, size_t *ret_size)
{
	char *text = must_copy(writer->text, writer->size);
	*ret_size = writer->size;
	json_writer_finish(writer);
	return text;
}

void json_writer_begin_object(struct json_writer *writer)
{
	*begin_value(writer, 1) = '{';
	writer->size++;
	writer->needs_comma = false;
}

void json_writer_end_object(struct json_writer *writer)
{
	append_byte(writer, '}');
	writer->needs_comma = true;
}

void json_writer_begin_array(struct json_writer *writer)
{
	*begin_value(writer, 1) = '[';
	writer->size++;
	writer->needs_comma = false;
}

void json_writer_end_array(struct json_writer *writer)
{
	append_byte(writer, ']');
	writer->needs_comma = true;
}

static void append_unit(struct json_writer *writer, unsigned unit)
{
	static const char hex[] = "0123456789abcdef";
	const char escape[6] = { '\\', 'u', hex[unit >> 12 & 15], hex[unit >> 8 & 15],
		hex[unit >> 4 & 15], hex[unit & 15] };
	json_writer_append(writer, escape, sizeof(escape));
}

static void append_ascii_escape(struct json_writer *writer, char byte)
{
	static const char bytes[] = "\"\\\b\f\n\r\t";
	static const char names[] = "\"\\bfnrt";
	const char *found = byte != '\0' ? strchr(bytes, byte) : NULL;
	if (found == NULL) {
		append_unit(writer, (unsigned char)byte);
		return;
	}
	const char escape[2] = { '\\', names[found - bytes] };
	json_writer_append(writer, escape, sizeof(escape));
}

/* Writes the code point at the start of the text; returns the bytes that it took. */
static size_t append_code_point(struct json_writer *writer, const char *text, size_t size)
{
	ucs4_t code_point = 0xfffd;
	int taken = u8_mbtoucr(&code_point, (const uint8_t *)text, size);
	if (taken < 1) {
		code_point = 0xfffd;
		taken = 1;
	}
	if (!writer->is_ascii) {
		uint8_t encoded[4];
		int encoded_size = u8_uctomb(encoded, code_point, sizeof(encoded));
		json_writer_append(writer, (const char *)encoded, (size_t)encoded_size);
	} else if (code_point < 0x10000) {
		append_unit(writer, code_point);
	} else {
		append_unit(writer, 0xd800 + ((code_point - 0x10000) >> 10));
		append_unit(writer, 0xdc00 + ((code_point - 0x10000) & 0x3ff));
	}
	return (size_t)taken;
}

/* A string from its first byte that does not stand for itself on. */
static void append_odd(struct json_writer *writer, const char *text, size_t size)
{
	size_t at = 0;
	while (at < size) {
		if ((unsigned char)text[at] < 0x80) {
			append_ascii_escape(writer, text[at]);
			at++;
		} else {
			at += append_code_point(writer, text + at, size - at);
		}
		size_t plain = plain_span(text + at, size - at);
		json_writer_append(writer, text + at, plain);
		at += plain;
	}
}

static void append_string(struct json_writer *writer, const char *text, size_t size)
{
	char *to = begin_value(writer, size + 2);
	*to++ = '"';
	size_t plain = plain_copy(to, text, size);
	writer->size += 1 + plain;
	if (plain != size) {
		append_odd(writer, text + plain, size - plain);
		append_byte(writer, '"');
		return;
	}
	to[plain] = '"';
	writer->size++;
}

void json_writer_name_sized(struct json_writer *writer, const char *name, size_t size)
{
	append_string(writer, name, size);
	append_byte(writer, ':');
	writer->needs_comma = false;
}

void json_writer_plain_name(struct json_writer *writer, const char *name, size_t size)
{
	char *to = begin_value(writer, size + 3);
	*to++ = '"';
	memcpy(to, name, size);
	memcpy(to + size, "\":", 2);
	writer->size += size + 3;
	writer->needs_comma = false;
}

void json_writer_string_sized(struct json_writer *writer, const char *text, size_t size)
{
	append_string(writer, text, size);
}

void json_writer_string(struct json_writer *writer, const char *text)
{
	if (text == NULL) {
		json_writer_null(writer);
		return;
	}
	json_writer_string_sized(writer, text, strlen(text));
}

void json_writer_raw(struct json_writer *writer, const char *json, size_t size)
{
	char *to = begin_value(writer, size);
	if (size != 0) {
		memcpy(to, json, size);
		writer->size += size;
	}
}

void json_writer_int(struct json_writer *writer, int64_t value)
{
	char text[JSON_NUMBER_SIZE];
	json_writer_raw(writer, text, json_number_int(text, value));
}

void json_writer_real(struct json_writer *writer, double value)
{
	if (!isfinite(value)) {
		json_writer_null(writer);
		return;
	}
	char text[JSON_NUMBER_SIZE];
	json_writer_raw(writer, text, json_number_real(text, value));
}

void json_writer_bool(struct json_writer *writer, bool value)
{
	json_writer_raw(writer, value ? "true" : "false", value ? 4 : 5);
}

void json_writer_null(struct json_writer *writer)
{
	json_writer_raw(writer, "null", 4);
}

static void write_members(struct json_writer *writer, const json_t *object)
{
	json_t *borrowed = (json_t *)object; /* the iterator's functions take no const */
	const char *name;
	size_t name_size;
	json_t *value;
	json_writer_begin_object(writer);
	json_object_keylen_foreach(borrowed, name, name_size, value)
	{
		json_writer_name_sized(writer, name, name_size);
		json_writer_json(writer, value);
	}
	json_writer_end_object(writer);
}

static void write_elements(struct json_writer *writer, const json_t *array)
{
	json_writer_begin_array(writer);
	for (size_t i = 0; i < json_array_size(array); i++) {
		json_writer_json(writer, json_array_get(array, i));
	}
	json_writer_end_array(writer);
}

void json_writer_json(struct json_writer *writer, const json_t *value)
{
	if (value == NULL) {
		json_writer_null(writer);
		return;
	}
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		write_members(writer, value);
		break;
	case JSON_ARRAY:
		write_elements(writer, value);
		break;
	case JSON_STRING:
		json_writer_string_sized(
		        writer, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		json_writer_int(writer, json_integer_value(value));
		break;
	case JSON_REAL:
		json_writer_real(writer, json_real_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		json_writer_bool(writer, json_kind_is(value, JSON_TRUE));
		break;
	case JSON_NULL:
		json_writer_null(writer);
		break;
	}
}

void json_writer_string_member(struct json_writer *writer, const char *name, const char *text)
{
	json_writer_name(writer, name);
	json_writer_string(writer, text);
}

void json_writer_int_member(struct json_writer *writer, const char *name, int64_t value)
{
	json_writer_name(writer, name);
	json_writer_int(writer, value);
}

void json_writer_bool_member(struct json_writer *writer, const char *name, bool value)
{
	json_writer_name(writer, name);
	json_writer_bool(writer, value);
}

void json_writer_json_member(struct json_writer *writer, const char *name, const json_t *value)
{
	json_writer_name(writer, name);
	json_writer_json(writer, value);
}
