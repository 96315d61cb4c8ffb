/* SPDX-License-Identifier: MIT */
/*
 * Turns outside bytes into a jansson tree, or into one sentence that says what is wrong and where.
 * Stricter than JSON readers usually are: a body has one meaning or none.
 */
#ifndef CORE_JSON_STRICT_H
#define CORE_JSON_STRICT_H

#include <jansson.h>
#include <stddef.h>

struct json_limits {
	size_t max_depth; /* arrays and objects inside each other; 0 means 64, never over 1024 */
	size_t max_values; /* values in the whole text (a value costs far more than a byte); 0:
	                      65536 */
};

struct json_fault {
	size_t line; /* from 1 */
	size_t column; /* from 1, in code points */
	char sentence[320];
};

/*
 * Parses exactly one JSON value (RFC 8259, UTF-8 without byte order mark) and nothing after it.
 * Refused beside what the grammar refuses: invalid UTF-8, a member name twice in one object,
 * U+0000, surrogates without their other half, integers outside of 64 bits with sign, numbers that
 * no double holds, and what exceeds the limits (`limits` may be NULL). Recursion is bounded by
 * max_depth. Returns an owned reference, or NULL with *ret_fault filled.
 */
json_t *json_strict_parse(const char *text, size_t size, const struct json_limits *limits,
        struct json_fault *ret_fault);

#endif
