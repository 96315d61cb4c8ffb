/* SPDX-License-Identifier: MIT */
/* Times as texts: RFC 3339, UTC, with microseconds (SPEC 3). */
#ifndef CORE_RFC3339_H
#define CORE_RFC3339_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "2026-03-01T12:00:00.000000Z" with its NUL. */
#define RFC3339_SIZE 28

/* Unix time in microseconds, from year 0 to 9999; outside of it the nearest that fits. */
void rfc3339_print(int64_t time_us, char ret_text[RFC3339_SIZE]);
/*
 * Takes any RFC 3339 date-time: `T` or a space, no fraction or one of any length (cut to
 * microseconds), `Z` or an offset. A leap second is taken as the second before it. False: it is
 * none.
 */
bool rfc3339_parse(const char *text, size_t size, int64_t *ret_time_us);

#endif
