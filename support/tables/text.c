/* SPDX-License-Identifier: MIT */
/* Growing texts. */
#include "support/tables/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"

void text_finish(struct text *text)
{
	free(text->start);
	*text = (struct text){ 0 };
}

void text_add(struct text *text, const void *bytes, size_t size)
{
	if (text->capacity - text->size < size + 1) {
		size_t capacity = text->capacity != 0 ? text->capacity : 256;
		while (capacity - text->size < size + 1) {
			capacity *= 2;
		}
		text->start = must_resize(text->start, capacity, 1);
		text->capacity = capacity;
	}
	if (size != 0) {
		memcpy(text->start + text->size, bytes, size);
	}
	text->size += size;
	text->start[text->size] = '\0';
}

void text_add_string(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_print(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	CLEANUP_FREE char *printed = must_vprint(format, arguments);
	va_end(arguments);
	text_add_string(text, printed);
}

void text_add_percent(struct text *text, const char *string)
{
	static const char digits[] = "0123456789ABCDEF";
	for (; *string != '\0'; string++) {
		unsigned char c = (unsigned char)*string;
		if (c < 0x80 && (isalnum(c) || strchr("-_.~", c) != NULL)) {
			text_add(text, &c, 1);
		} else {
			char escaped[3] = { '%', digits[c >> 4], digits[c & 15] };
			text_add(text, escaped, sizeof(escaped));
		}
	}
}

const char *text_of(const struct text *text)
{
	return text->start != NULL ? text->start : "";
}
