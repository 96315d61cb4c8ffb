/* SPDX-License-Identifier: MIT */
/* Builds log lines without the JSON library: a scan for what needs no escape, and one copy. */
#include "core/log_line.h"

#include <stdlib.h>
#include <string.h>

#include "core/plain_span.h"
#include "core/rfc3339.h"
#include "support/base/decimal.h"
#include "support/base/memory.h"

enum { LONGEST_VALUE = 8192 }; /* bytes of one value; more is cut */

void log_bytes_finish(struct log_bytes *bytes)
{
	free(bytes->bytes);
	*bytes = (struct log_bytes){ 0 };
}

static char *reserve(struct log_bytes *bytes, size_t size)
{
	if (bytes->n_room - bytes->size < size) {
		bytes->n_room = (bytes->size + size) * 2;
		bytes->bytes = must_resize(bytes->bytes, bytes->n_room, 1);
	}
	return bytes->bytes + bytes->size;
}

static void add(struct log_bytes *bytes, const char *text, size_t size)
{
	if (size != 0) {
		memcpy(reserve(bytes, size), text, size);
		bytes->size += size;
	}
}

static void add_string(struct log_bytes *bytes, const char *text)
{
	add(bytes, text, strlen(text));
}

static void add_integer(struct log_bytes *bytes, int64_t value)
{
	char digits[DECIMAL_SIZE];
	size_t size = decimal_print(digits, value);
	add(bytes, digits, size);
}

static void add_time(struct log_bytes *bytes, int64_t clock_us)
{
	rfc3339_print(clock_us, reserve(bytes, RFC3339_SIZE));
	bytes->size += RFC3339_SIZE - 1;
}

/* The length of the UTF-8 sequence at p (RFC 3629), 0 if there is none. */
static size_t sequence_size(const unsigned char *p, const unsigned char *end)
{
	if (*p < 0x80) {
		return 1;
	}
	size_t size = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
	if (*p < 0xc2 || *p > 0xf4 || (size_t)(end - p) < size) {
		return 0;
	}
	unsigned least = *p == 0xe0 ? 0xa0 : *p == 0xf0 ? 0x90 : 0x80;
	unsigned most = *p == 0xed ? 0x9f : *p == 0xf4 ? 0x8f : 0xbf;
	if (p[1] < least || p[1] > most) {
		return 0;
	}
	for (size_t i = 2; i < size; i++) {
		if (p[i] < 0x80 || p[i] > 0xbf) {
			return 0;
		}
	}
	return size;
}

static void add_control(struct log_bytes *bytes, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	const char *named = c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;
	if (named != NULL) {
		add(bytes, named, 2);
		return;
	}
	char text[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
	add(bytes, text, sizeof(text));
}

/* True if the sequence goes out as it is. C1 controls do not in text: terminals obey them. */
static bool is_plain(const unsigned char *p, size_t size, bool is_quoted)
{
	if (size == 0 || *p < 0x20 || *p == 0x7f) {
		return false;
	}
	if (size == 2 && p[0] == 0xc2 && p[1] < 0xa0) {
		return false;
	}
	return !is_quoted || (*p != '"' && *p != '\\');
}

static void add_odd(struct log_bytes *bytes, const unsigned char *p, size_t size)
{
	if (size == 0) {
		add(bytes, "\xef\xbf\xbd", 3);
	} else if (size == 2) {
		add_control(bytes, p[1]);
	} else if (*p == '"' || *p == '\\') {
		char text[2] = { '\\', (char)*p };
		add(bytes, text, 2);
	} else {
		add_control(bytes, *p);
	}
}

/* A text from its first byte that does not stand for itself on. */
static void add_from_odd(
        struct log_bytes *bytes, const unsigned char *p, const unsigned char *end, bool is_quoted)
{
	const unsigned char *from = p;
	while (p < end) {
		size_t n = sequence_size(p, end);
		if (is_plain(p, n, is_quoted)) {
			p += n;
		} else {
			add(bytes, (const char *)from, (size_t)(p - from));
			add_odd(bytes, p, n);
			p += n != 0 ? n : 1;
			from = p;
		}
		p += plain_span((const char *)p, (size_t)(end - p));
	}
	add(bytes, (const char *)from, (size_t)(p - from));
}

static void add_escaped(struct log_bytes *bytes, const char *text, size_t size, bool is_quoted)
{
	size_t taken = size < LONGEST_VALUE ? size : LONGEST_VALUE;
	size_t plain = plain_copy(reserve(bytes, taken), text, taken);
	bytes->size += plain;
	if (plain < taken) {
		const unsigned char *odd = (const unsigned char *)text + plain;
		add_from_odd(bytes, odd, odd + taken - plain, is_quoted);
	}
	if (size > LONGEST_VALUE) {
		add_string(bytes, "\xe2\x80\xa6");
	}
}

static void add_name(struct log_bytes *bytes, const char *name)
{
	add(bytes, ",\"", 2);
	add_escaped(bytes, name, strlen(name), true);
	add(bytes, "\":", 2);
}

static void add_odd_member(struct log_bytes *bytes, const char *name, const char *text, size_t size)
{
	add_name(bytes, name);
	add(bytes, "\"", 1);
	add_escaped(bytes, text, size, true);
	add(bytes, "\"", 1);
}

/* Nearly all are written at one go; one of which something is odd begins again. */
static void add_member(struct log_bytes *bytes, const char *name, const char *text, size_t size)
{
	static const char between[] = { '"', ':', '"' };
	size_t name_size = strlen(name);
	char *start = reserve(bytes, name_size + size + 6);
	start[0] = ',';
	start[1] = '"';
	char *to = start + 2;
	if (size > LONGEST_VALUE || plain_copy(to, name, name_size) != name_size) {
		add_odd_member(bytes, name, text, size);
		return;
	}
	to += name_size;
	memcpy(to, between, sizeof(between));
	to += sizeof(between);
	if (plain_copy(to, text, size) != size) {
		add_odd_member(bytes, name, text, size);
		return;
	}
	to += size;
	*to++ = '"';
	bytes->size += (size_t)(to - start);
}

static const char *level_name(uint32_t level)
{
	static const char *const names[] = { "debug", "info", "warning", "error" };
	return level >= LUCIUS_LOG_DEBUG && level <= LUCIUS_LOG_ERROR ? names[level - 1] : "error";
}

static void add_json_field(struct log_bytes *bytes, const struct log_field *field)
{
	if (field->text != NULL) {
		if (field->size != 0) {
			add_member(bytes, field->name, field->text, field->size);
		}
		return;
	}
	add_name(bytes, field->name);
	add_integer(bytes, field->integer);
}

void log_line_json(struct log_bytes *bytes, const struct log_line *line)
{
	const char *level = level_name(line->level);
	add_string(bytes, "{\"ts\":\"");
	add_time(bytes, line->clock_us);
	add(bytes, "\"", 1);
	add_member(bytes, "level", level, strlen(level));
	add_member(bytes, "event", line->event, strlen(line->event));
	if (line->role != NULL) {
		add_member(bytes, "role", line->role, strlen(line->role));
	}
	if (line->sentence != NULL) {
		add_member(bytes, "message", line->sentence, strlen(line->sentence));
	}
	for (size_t i = 0; i < line->n_fields; i++) {
		add_json_field(bytes, &line->fields[i]);
	}
	add(bytes, "}\n", 2);
}

static void add_text_field(struct log_bytes *bytes, const struct log_field *field)
{
	if (field->text != NULL && field->size == 0) {
		return;
	}
	add(bytes, " ", 1);
	add_escaped(bytes, field->name, strlen(field->name), false);
	add(bytes, "=", 1);
	if (field->text == NULL) {
		add_integer(bytes, field->integer);
		return;
	}
	bool is_quoted = memchr(field->text, ' ', field->size) != NULL ||
	        memchr(field->text, '"', field->size) != NULL;
	add(bytes, "\"", is_quoted ? 1 : 0);
	add_escaped(bytes, field->text, field->size, is_quoted);
	add(bytes, "\"", is_quoted ? 1 : 0);
}

void log_line_text(struct log_bytes *bytes, const struct log_line *line)
{
	const char *level = level_name(line->level);
	add_time(bytes, line->clock_us);
	add(bytes, " ", 1);
	add_string(bytes, level);
	add(bytes, "         ", 8 - strlen(level));
	add_escaped(bytes, line->event, strlen(line->event), false);
	for (size_t i = 0; i < line->n_fields; i++) {
		add_text_field(bytes, &line->fields[i]);
	}
	if (line->sentence != NULL) {
		add(bytes, ": ", 2);
		add_escaped(bytes, line->sentence, strlen(line->sentence), false);
	}
	add(bytes, "\n", 1);
}
