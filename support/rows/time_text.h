/* SPDX-License-Identifier: MIT */
/* The times of rows, RFC 3339 in UTC, as numbers to count with. */
#ifndef SUPPORT_ROWS_TIME_TEXT_H
#define SUPPORT_ROWS_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include <lucius/plugin.h>

/* Microseconds since 1970. Takes any number of fraction digits (beyond six they are dropped) and
 * `Z` or `+00:00`; false: the text is no such time. */
bool time_text_read(struct lucius_text text, int64_t *ret_us);

#endif
