/* SPDX-License-Identifier: MIT */
/* Character classes as one table, looked up a byte at a time; no locale is involved anywhere. */
#include "core/http/syntax.h"

#include <string.h>
#include <strings.h>

enum {
	IS_TOKEN = 1, /* tchar */
	IS_TEXT = 2, /* field-vchar, SP, HTAB */
	V = IS_TEXT,
	T = IS_TOKEN | IS_TEXT
};

/* Of ASCII; every byte beyond is text. */
/* clang-format off */
static const unsigned char classes[128] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, V, 0, 0, 0, 0, 0, 0, /* 0x00 */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x10 */
	V, T, V, T, T, T, T, T, V, V, T, T, V, T, T, V, /* 0x20 */
	T, T, T, T, T, T, T, T, T, T, V, V, V, V, V, V, /* 0x30 */
	V, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, /* 0x40 */
	T, T, T, T, T, T, T, T, T, T, T, V, V, V, T, T, /* 0x50 */
	T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, /* 0x60 */
	T, T, T, T, T, T, T, T, T, T, T, V, T, V, T, 0, /* 0x70 */
};
/* clang-format on */

static bool is_of(char byte, unsigned char class)
{
	unsigned char index = (unsigned char)byte;
	return ((index < sizeof(classes) ? classes[index] : IS_TEXT) & class) != 0;
}

static bool all_of(const char *text, size_t size, unsigned char class)
{
	for (size_t i = 0; i < size; i++) {
		if (!is_of(text[i], class)) {
			return false;
		}
	}
	return true;
}

bool http_is_token(const char *text, size_t size)
{
	return size != 0 && all_of(text, size, IS_TOKEN);
}

bool http_is_field_text(const char *text, size_t size)
{
	return all_of(text, size, IS_TEXT);
}

size_t http_word_span(const char *text, const char *others)
{
	size_t size = 0;
	while (http_is_alphanumeric(text[size]) ||
	        (text[size] != '\0' && strchr(others, text[size]) != NULL)) {
		size++;
	}
	return size;
}

enum http_line http_line_find(
        const char *text, size_t size, size_t max, size_t *scanned, size_t *ret_size)
{
	const char *end = memchr(text + *scanned, '\n', size - *scanned);
	if (end == NULL) {
		*scanned = size;
		return size > max + 1 ? HTTP_LINE_TOO_LONG : HTTP_LINE_MORE;
	}
	size_t line_size = (size_t)(end - text);
	/* The length first, as if the end had not come yet: pieces and the whole say the same. */
	if (line_size > max + 1) {
		return HTTP_LINE_TOO_LONG;
	}
	if (line_size == 0 || text[line_size - 1] != '\r') {
		return HTTP_LINE_BAD_END;
	}
	*ret_size = line_size - 1;
	return HTTP_LINE_FOUND;
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

const char *http_field_split(char *line, size_t size, struct http_field *ret_field)
{
	if (size != 0 && is_blank(line[0])) {
		return "a header line starts with white space (folded lines are not taken)";
	}
	size_t name_size = 0;
	while (name_size < size && is_of(line[name_size], IS_TOKEN)) {
		name_size++;
	}
	if (name_size == 0 || name_size == size || line[name_size] != ':') {
		return name_size < size && is_blank(line[name_size])
		        ? "a header has white space before its colon"
		        : "a header line has no valid name and colon";
	}
	size_t start = name_size + 1;
	size_t end = size;
	while (start < end && is_blank(line[start])) {
		start++;
	}
	while (end > start && is_blank(line[end - 1])) {
		end--;
	}
	if (!http_is_field_text(line + start, end - start)) {
		return "a header value has a control character";
	}
	line[name_size] = '\0';
	line[end] = '\0';
	*ret_field = (struct http_field){
		.name_size = (uint32_t)name_size,
		.value_at = (uint32_t)start,
		.value_size = (uint32_t)(end - start),
	};
	return NULL;
}

bool http_text_is(const char *text, size_t size, const char *expected)
{
	return size == strlen(expected) && strncasecmp(text, expected, size) == 0;
}

bool http_list_has(const char *list, const char *token)
{
	while (*list != '\0') {
		list += strspn(list, ", \t");
		size_t size = strcspn(list, ", \t");
		if (http_text_is(list, size, token)) {
			return true;
		}
		list += size;
	}
	return false;
}

bool http_digits_parse(const char *text, size_t size, uint64_t *ret_number)
{
	if (size == 0 || size > 18) {
		return false;
	}
	uint64_t number = 0;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return false;
		}
		number = number * 10 + (uint64_t)(text[i] - '0');
	}
	*ret_number = number;
	return true;
}

int http_hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9') {
		return digit - '0';
	}
	if (digit >= 'a' && digit <= 'f') {
		return digit - 'a' + 10;
	}
	if (digit >= 'A' && digit <= 'F') {
		return digit - 'A' + 10;
	}
	return -1;
}

size_t http_hex_parse(const char *text, size_t size, uint64_t *ret_number)
{
	uint64_t number = 0;
	size_t n_digits = 0;
	while (n_digits < size && http_hex_digit(text[n_digits]) >= 0) {
		if (n_digits == 15) {
			return 0;
		}
		number = number << 4 | (uint64_t)http_hex_digit(text[n_digits]);
		n_digits++;
	}
	*ret_number = number;
	return n_digits;
}
