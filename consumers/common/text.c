/* SPDX-License-Identifier: MIT */
/* UTF-8 checks and small copies; see text.h. */
#include "consumers/common/text.h"

#include "support/base/memory.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_abort_no_memory(void)
{
	fputs("out of memory\n", stderr);
	abort();
}

char *text_copy(const char *text)
{
	return must_copy(text, strlen(text));
}

char *text_format(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		text_abort_no_memory();
	}
	return text;
}

static size_t sequence_length(unsigned char first, uint32_t *ret_bits)
{
	if (first < 0x80) {
		*ret_bits = first;
		return 1;
	}
	if (first >= 0xc2 && first <= 0xdf) {
		*ret_bits = first & 0x1fU;
		return 2;
	}
	if (first >= 0xe0 && first <= 0xef) {
		*ret_bits = first & 0x0fU;
		return 3;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		*ret_bits = first & 0x07U;
		return 4;
	}
	return 0;
}

size_t text_utf8_length(const char *text, size_t size)
{
	uint32_t code_point = 0;
	size_t length = size > 0 ? sequence_length((unsigned char)text[0], &code_point) : 0;
	if (length == 0 || length > size) {
		return 0;
	}
	for (size_t i = 1; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];
		if ((byte & 0xc0U) != 0x80U) {
			return 0;
		}
		code_point = (code_point << 6U) | (byte & 0x3fU);
	}
	bool is_overlong =
	        (length == 3 && code_point < 0x800) || (length == 4 && code_point < 0x10000);
	bool is_surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
	return is_overlong || is_surrogate || code_point > 0x10ffff ? 0 : length;
}

void text_make_printable(char *text)
{
	size_t size = strlen(text);
	for (size_t at = 0; at < size;) {
		size_t length = text_utf8_length(text + at, size - at);
		if (length == 0) {
			text[at] = '?';
		} else if ((unsigned char)text[at] < 0x20 || text[at] == 0x7f) {
			text[at] = ' ';
		}
		at += length > 0 ? length : 1;
	}
}

static bool is_blank(char byte)
{
	return byte == '\n' || byte == '\r' || byte == ' ' || byte == '\t' || byte == '\0';
}

char *text_last_line(const char *text, size_t size)
{
	while (size > 0 && is_blank(text[size - 1])) {
		size--;
	}
	size_t begin = size;
	while (begin > 0 && text[begin - 1] != '\n') {
		begin--;
	}
	return must_copy(text + begin, size - begin);
}
