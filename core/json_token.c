/* SPDX-License-Identifier: MIT */
/* Strings without escapes, the usual ones, are given as they stand in the text; others are copied.
 */
#include "core/json_token.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistr.h>

#include "core/plain_span.h"
#include "core/quote.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

void json_token_reader_finish(struct json_token_reader *reader)
{
	free(steal(reader->scratch));
}

void *json_token_refuse(
        struct json_token_reader *reader, const char *place, const char *format, ...)
{
	struct json_fault *fault = reader->fault;
	fault->line = 1;
	fault->column = 1;
	for (const char *at = reader->start; at < place; at++) {
		if (*at == '\n') {
			fault->line++;
			fault->column = 1;
		} else if (((unsigned char)*at & 0xc0) != 0x80) {
			fault->column++;
		}
	}
	int size = snprintf(fault->sentence, sizeof(fault->sentence),
	        "line %zu, column %zu: ", fault->line, fault->column);
	size_t prefix = size > 0 ? (size_t)size : 0;
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(
	        fault->sentence + prefix, sizeof(fault->sentence) - prefix, format, arguments);
	va_end(arguments);
	return NULL;
}

static bool is_digit(const struct json_token_reader *reader, const char *at)
{
	return at < reader->end && *at >= '0' && *at <= '9';
}

/* Four hexadecimal digits after "\u", or -1. */
static int read_hex(const struct json_token_reader *reader, const char *at)
{
	int unit = 0;
	if (reader->end - at < 4) {
		return -1;
	}
	for (int i = 0; i < 4; i++) {
		int digit = (unsigned char)at[i];
		if (digit >= '0' && digit <= '9') {
			digit -= '0';
		} else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f') {
			digit = (digit | 0x20) - 'a' + 10;
		} else {
			return -1;
		}
		unit = unit * 16 + digit;
	}
	return unit;
}

/* Reads "\uXXXX", or two of them that make one code point; 0 if refused. */
static ucs4_t read_code_point(struct json_token_reader *reader)
{
	const char *place = reader->at;
	int unit = read_hex(reader, place + 2);
	if (unit < 0) {
		json_token_refuse(
		        reader, place, "\"\\u\" is not followed by four hexadecimal digits");
		return 0;
	}
	if (unit == 0) {
		json_token_refuse(
		        reader, place, "the character U+0000 is not accepted in a string");
		return 0;
	}
	reader->at += 6;
	if (unit < 0xd800 || unit > 0xdfff) {
		return (ucs4_t)unit;
	}
	bool has_other = unit < 0xdc00 && reader->end - reader->at >= 6 && reader->at[0] == '\\' &&
	        reader->at[1] == 'u';
	int low = has_other ? read_hex(reader, reader->at + 2) : -1;
	if (low < 0xdc00 || low > 0xdfff) {
		json_token_refuse(
		        reader, place, "the surrogate \"\\u%04x\" has no other half", unit);
		return 0;
	}
	reader->at += 6;
	return 0x10000 + (((ucs4_t)unit - 0xd800) << 10) + ((ucs4_t)low - 0xdc00);
}

/* Reads the escape under `at` to `out`; the bytes written, 0 if refused. */
static size_t read_escape(struct json_token_reader *reader, char *out)
{
	static const char names[] = "\"\\/bfnrt";
	static const char bytes[] = "\"\\/\b\f\n\r\t";
	if (reader->end - reader->at >= 2 && reader->at[1] == 'u') {
		ucs4_t code_point = read_code_point(reader);
		return code_point != 0 ? (size_t)u8_uctomb((uint8_t *)out, code_point, 4) : 0;
	}
	char name = (char)(reader->end - reader->at >= 2 ? reader->at[1] : 0);
	const char *found = name != 0 ? strchr(names, name) : NULL;
	if (found == NULL) {
		json_token_refuse(reader, reader->at, "a backslash starts no escape that JSON has");
		return 0;
	}
	*out = bytes[found - names];
	reader->at += 2;
	return 1;
}

/* Moves over bytes that stand for themselves. */
static void skip_plain(struct json_token_reader *reader)
{
	const char *at = reader->at;
	for (;;) {
		at += plain_span(at, (size_t)(reader->end - at));
		if (at == reader->end || (unsigned char)*at < 0x7f) {
			break;
		}
		while (at < reader->end && (unsigned char)*at >= 0x7f) {
			at++;
		}
	}
	reader->at = at;
}

/* No escape gets longer by being read, so the rest of the string's own size is room enough. */
static void reserve(struct json_token_reader *reader, const char *start)
{
	const char *end = start;
	while (end < reader->end && *end != '"') {
		end += *end == '\\' && reader->end - end > 1 ? 2 : 1;
	}
	size_t size = (size_t)(end - start);
	if (size > reader->scratch_size) {
		reader->scratch = must_resize(reader->scratch, size, 1);
		reader->scratch_size = size;
	}
}

/* The rest of a string from its first escape on; `start` is the first byte of its text. */
static bool read_escaped(
        struct json_token_reader *reader, const char *start, struct json_token_text *ret_text)
{
	reserve(reader, start);
	size_t size = (size_t)(reader->at - start);
	memcpy(reader->scratch, start, size);
	while (reader->at < reader->end && *reader->at == '\\') {
		size_t written = read_escape(reader, reader->scratch + size);
		if (written == 0) {
			return false;
		}
		size += written;
		const char *plain = reader->at;
		skip_plain(reader);
		memcpy(reader->scratch + size, plain, (size_t)(reader->at - plain));
		size += (size_t)(reader->at - plain);
	}
	*ret_text = (struct json_token_text){ .text = reader->scratch, .size = size };
	return true;
}

bool json_token_string(struct json_token_reader *reader, struct json_token_text *ret_text)
{
	const char *quotation = reader->at;
	const char *start = ++reader->at;
	skip_plain(reader);
	struct json_token_text text = { .text = start, .size = (size_t)(reader->at - start) };
	if (reader->at < reader->end && *reader->at == '\\' &&
	        !read_escaped(reader, start, &text)) {
		return false;
	}
	if (reader->at == reader->end) {
		json_token_refuse(reader, quotation, "the string that starts here has no end");
		return false;
	}
	if (*reader->at != '"') {
		json_token_refuse(reader, reader->at,
		        "the control character U+%04X must be written as an escape",
		        (unsigned char)*reader->at);
		return false;
	}
	reader->at++;
	*ret_text = text;
	return true;
}

static const char *skip_digits(const struct json_token_reader *reader, const char *at)
{
	while (is_digit(reader, at)) {
		at++;
	}
	return at;
}

/* A number by the grammar: its parts, and where it ends. */
struct number {
	const char *start;
	const char *end;
	bool is_real;
};

/* False with ret_number->end at the byte where a digit should be. */
static bool scan_number(const struct json_token_reader *reader, struct number *ret_number)
{
	const char *at = reader->at;
	*ret_number = (struct number){ .start = at };
	at += *at == '-' ? 1 : 0;
	bool is_ok = is_digit(reader, at);
	at = is_ok && *at == '0' ? at + 1 : skip_digits(reader, at);
	if (is_ok && at < reader->end && *at == '.') {
		ret_number->is_real = true;
		at++;
		is_ok = is_digit(reader, at);
		at = skip_digits(reader, at);
	}
	if (is_ok && at < reader->end && (*at == 'e' || *at == 'E')) {
		ret_number->is_real = true;
		at++;
		at += at < reader->end && (*at == '+' || *at == '-') ? 1 : 0;
		is_ok = is_digit(reader, at);
		at = skip_digits(reader, at);
	}
	ret_number->end = at;
	return is_ok;
}

static json_t *make_integer(struct json_token_reader *reader, const struct number *number)
{
	bool is_negative = *number->start == '-';
	int64_t value = 0;
	bool is_over = false;
	for (const char *at = number->start + (is_negative ? 1 : 0); at < number->end; at++) {
		int digit = *at - '0';
		is_over = is_over || __builtin_mul_overflow(value, 10, &value) ||
		        __builtin_add_overflow(value, is_negative ? -digit : digit, &value);
	}
	if (is_over) {
		return json_token_refuse(reader, number->start,
		        "the integer \"%s\" does not fit into 64 bits",
		        quote_sized(number->start, (size_t)(number->end - number->start)).text);
	}
	return must_have(json_integer(value));
}

static json_t *make_real(struct json_token_reader *reader, const struct number *number)
{
	size_t size = (size_t)(number->end - number->start);
	char digits[64];
	char *copy CLEANUP_FREE = size >= sizeof(digits) ? must_copy(number->start, size) : NULL;
	if (copy == NULL) {
		memcpy(digits, number->start, size);
		digits[size] = '\0';
	}
	double value = strtod(copy != NULL ? copy : digits, NULL);
	if (isinf(value)) {
		return json_token_refuse(reader, number->start,
		        "the number \"%s\" is larger than a double can be",
		        quote_sized(number->start, size).text);
	}
	return must_have(json_real(value));
}

json_t *json_token_number(struct json_token_reader *reader)
{
	struct number number;
	if (!scan_number(reader, &number)) {
		return json_token_refuse(reader, number.end, "a digit is missing in a number");
	}
	json_t *value = number.is_real ? make_real(reader, &number) : make_integer(reader, &number);
	reader->at = number.end;
	return value;
}
