/* SPDX-License-Identifier: MIT */
/* Durations as ISO 8601 writes them: P1DT2H3M4.5S. */
#ifndef BUS_LOCAL_DURATION_H
#define BUS_LOCAL_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* Days are 24 hours; years and months are not taken. What is longer than DURATION_MAX_MS (Service
 * Bus writes "for ever" as some 10 million days) is that. False: not a duration. */
#define DURATION_MAX_MS (INT64_C(1) << 52)
bool duration_parse(const char *text, int64_t *ret_ms);

#endif
