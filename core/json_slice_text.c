/* SPDX-License-Identifier: MIT */
/* Strings: how far they go, whether their escapes are sound, and what they say without them. */
#include "core/json_slice_text.h"

#include <string.h>

#include "core/arena.h"
#include "core/json_slice.h"
#include "core/plain_span.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

/* Four hexadecimal digits; -1: they are none. */
static int32_t read_unit(const char *at, const char *end)
{
	int32_t unit = 0;
	if (end - at < 4) {
		return -1;
	}
	for (int i = 0; i < 4; i++) {
		if (at[i] >= '0' && at[i] <= '9') {
			unit = unit * 16 + (at[i] - '0');
		} else if (at[i] >= 'a' && at[i] <= 'f') {
			unit = unit * 16 + (at[i] - 'a' + 10);
		} else if (at[i] >= 'A' && at[i] <= 'F') {
			unit = unit * 16 + (at[i] - 'A' + 10);
		} else {
			return -1;
		}
	}
	return unit;
}

/* At: behind "\u". The code point and the byte behind it; NULL: U+0000, a lone surrogate, or no
 * escape at all. */
static const char *read_code_point(const char *at, const char *end, uint32_t *ret_code_point)
{
	int32_t unit = read_unit(at, end);
	if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff)) {
		return NULL;
	}
	at += 4;
	*ret_code_point = (uint32_t)unit;
	if (unit < 0xd800 || unit > 0xdfff) {
		return at;
	}
	if (end - at < 6 || at[0] != '\\' || at[1] != 'u') {
		return NULL;
	}
	int32_t low = read_unit(at + 2, end);
	if (low < 0xdc00 || low > 0xdfff) {
		return NULL;
	}
	*ret_code_point = 0x10000 + (uint32_t)((unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
	return at + 6;
}

/* At: behind the backslash. */
static const char *check_escape(const char *at, const char *end)
{
	uint32_t code_point;
	if (at == end || *at == '\0') {
		return NULL;
	}
	if (*at == 'u') {
		return read_code_point(at + 1, end, &code_point);
	}
	return strchr("\"\\/bfnrt", *at) != NULL ? at + 1 : NULL;
}

/* Over all that stands for itself: to a quotation mark, a backslash or a control character. */
static const char *skip_plain(const char *at, const char *end)
{
	for (;;) {
		at += plain_span(at, (size_t)(end - at));
		if (at == end || (unsigned char)*at < 0x7f) {
			return at;
		}
		while (at < end && (unsigned char)*at >= 0x7f) {
			at++;
		}
	}
}

const char *json_slice_text_check(const char *at, const char *end)
{
	for (at = skip_plain(at + 1, end); at < end && *at != '"'; at = skip_plain(at, end)) {
		at = *at == '\\' ? check_escape(at + 1, end) : NULL;
		if (at == NULL) {
			return NULL;
		}
	}
	return at < end ? at + 1 : NULL;
}

const char *json_slice_text_end(const char *at, const char *end)
{
	at++;
	while (*(at += plain_unescaped_span(at, (size_t)(end - at))) != '"') {
		at += 2;
	}
	return at + 1;
}

static char *put_utf8(char *to, uint32_t code_point)
{
	if (code_point < 0x80) {
		*to++ = (char)code_point;
		return to;
	}
	if (code_point < 0x800) {
		*to++ = (char)(0xc0 | code_point >> 6);
	} else {
		if (code_point < 0x10000) {
			*to++ = (char)(0xe0 | code_point >> 12);
		} else {
			*to++ = (char)(0xf0 | code_point >> 18);
			*to++ = (char)(0x80 | (code_point >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (code_point >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (code_point & 0x3f));
	return to;
}

/* At: behind the backslash; to grows by what the escape stands for. */
static const char *unescape(const char *at, const char *end, char **to)
{
	static const char names[] = "bfnrt";
	static const char values[] = "\b\f\n\r\t";
	uint32_t code_point = 0;
	if (*at == 'u') {
		at = read_code_point(at + 1, end, &code_point);
		*to = put_utf8(*to, code_point);
		return at;
	}
	const char *name = strchr(names, *at);
	char meant = *at;
	if (name != NULL) {
		meant = values[name - names];
	}
	*(*to)++ = meant;
	return at + 1;
}

static bool is_string(struct json_slice value)
{
	return value.size >= 2 && value.text[0] == '"';
}

/* String: what stands between the quotation marks, terminated. Without its escapes it is never
 * longer. */
static char *remove_escapes(char *string, size_t size)
{
	const char *end = string + size;
	const char *at = memchr(string, '\\', size);
	char *to = string + (at != NULL ? at - string : (ptrdiff_t)size);
	while (at != NULL && at < end) {
		if (*at == '\\') {
			at = unescape(at + 1, end, &to);
		} else {
			*to++ = *at++;
		}
	}
	*to = '\0';
	return string;
}

char *json_slice_string(struct json_slice value)
{
	if (!is_string(value)) {
		return NULL;
	}
	return remove_escapes(must_copy(value.text + 1, value.size - 2), value.size - 2);
}

const char *json_slice_copy(struct json_slice value, struct arena *arena)
{
	if (!is_string(value)) {
		return NULL;
	}
	return remove_escapes(arena_copy(arena, value.text + 1, value.size - 2), value.size - 2);
}

bool json_slice_is_text(struct json_slice value, const char *text)
{
	size_t size = strlen(text);
	if (!is_string(value)) {
		return false;
	}
	if (value.size == size + 2 && memcmp(value.text + 1, text, size) == 0) {
		return memchr(text, '\\', size) == NULL;
	}
	if (value.size <= size + 2 || memchr(value.text, '\\', value.size) == NULL) {
		return false;
	}
	CLEANUP_FREE char *string = json_slice_string(value);
	return strcmp(string, text) == 0;
}
