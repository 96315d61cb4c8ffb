/* SPDX-License-Identifier: MIT */
/* Numbers as JSON text: integers, and doubles as Python's repr prints them. */
#ifndef CORE_JSON_NUMBER_H
#define CORE_JSON_NUMBER_H

#include <stddef.h>
#include <stdint.h>

enum {
	JSON_NUMBER_SIZE = 32 /* holds every number and its terminating zero */
};

/* Writes the digits of an integer; returns their count. */
size_t json_number_int(char ret_text[JSON_NUMBER_SIZE], int64_t value);

/*
 * Writes the shortest decimal that reads back as the same double, in the form of Python's repr
 * (1.0, 1e+16, 1e-07, -0.0); returns its length. The value is finite.
 */
size_t json_number_real(char ret_text[JSON_NUMBER_SIZE], double value);

#endif
