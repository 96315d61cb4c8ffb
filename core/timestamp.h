/* SPDX-License-Identifier: MIT */
/* Points in time as RFC 3339 text, as rows and messages carry them. */
#ifndef CORE_TIMESTAMP_H
#define CORE_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TIMESTAMP_SIZE = 28 /* "2026-11-24T03:19:10.123456Z" and a NUL */
};

/* UTC with microseconds and "Z". Unix time in microseconds, years 1 to 9999. */
void timestamp_format(int64_t unix_us, char ret_text[TIMESTAMP_SIZE]);

/* Takes any offset, with or without fraction (RFC 3339 §5.6); digits past microseconds are cut. */
bool timestamp_parse(const char *text, size_t size, int64_t *ret_unix_us);

#endif
