/* SPDX-License-Identifier: MIT */
/* A text that grows at its end. */
#ifndef SUPPORT_TABLES_TEXT_H
#define SUPPORT_TABLES_TEXT_H

#include <stddef.h>

/* All zeros is an empty one. Out of memory ends the process. */
struct text {
	char *start; /* owned; ends with a NUL; NULL while nothing was added */
	size_t size;
	size_t capacity;
};

void text_finish(struct text *text);
void text_add(struct text *text, const void *bytes, size_t size);
void text_add_string(struct text *text, const char *string);
__attribute__((format(printf, 2, 3))) void text_print(struct text *text, const char *format, ...);
/* Appends with everything but unreserved characters percent-encoded. */
void text_add_percent(struct text *text, const char *string);
/* The text, never NULL; borrowed until it changes. */
const char *text_of(const struct text *text);

#endif
