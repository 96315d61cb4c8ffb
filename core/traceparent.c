/* SPDX-License-Identifier: MIT */
/* Version, trace id, parent id and flags, in lower-case hexadecimal at fixed places. */
#include "core/traceparent.h"

#include <stddef.h>
#include <string.h>

enum {
	LENGTH = TRACEPARENT_SIZE - 1,
	VERSION_AT = 0,
	TRACE_AT = 3,
	TRACE_LENGTH = 32,
	PARENT_AT = 36,
	PARENT_LENGTH = 16,
	FLAGS_AT = 53
};

static bool is_hex(const char *text, size_t length)
{
	return strspn(text, "0123456789abcdef") >= length;
}

static bool is_all_zeros(const char *text, size_t length)
{
	return strspn(text, "0") >= length;
}

static bool has_form(const char *text)
{
	return is_hex(text + VERSION_AT, 2) && text[TRACE_AT - 1] == '-' &&
	        is_hex(text + TRACE_AT, TRACE_LENGTH) && text[PARENT_AT - 1] == '-' &&
	        is_hex(text + PARENT_AT, PARENT_LENGTH) && text[FLAGS_AT - 1] == '-' &&
	        is_hex(text + FLAGS_AT, 2);
}

bool traceparent_read(const char *text, char ret_text[TRACEPARENT_SIZE])
{
	size_t length = strnlen(text, LENGTH + 1);
	if (length < LENGTH || !has_form(text) || strncmp(text, "ff", 2) == 0 ||
	        is_all_zeros(text + TRACE_AT, TRACE_LENGTH) ||
	        is_all_zeros(text + PARENT_AT, PARENT_LENGTH)) {
		return false;
	}
	/* A later version may have more, behind another hyphen. */
	if (length > LENGTH && (strncmp(text, "00", 2) == 0 || text[LENGTH] != '-')) {
		return false;
	}
	memcpy(ret_text, "00", 2);
	memcpy(ret_text + 2, text + 2, LENGTH - 2);
	ret_text[LENGTH] = '\0';
	return true;
}

/* Writes the bytes as an id with a terminating zero; an id of zeros alone is none, so it is not
 * made. */
static void put_id(char *out, const uint8_t *bytes, size_t n_bytes)
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < n_bytes; i++) {
		out[2 * i] = hex[bytes[i] >> 4];
		out[2 * i + 1] = hex[bytes[i] & 15];
	}
	out[2 * n_bytes] = '\0';
	if (is_all_zeros(out, 2 * n_bytes)) {
		out[2 * n_bytes - 1] = '1';
	}
}

void traceparent_make(
        const uint8_t random[TRACEPARENT_RANDOM_SIZE], char ret_text[TRACEPARENT_SIZE])
{
	memcpy(ret_text, "00-", 3);
	put_id(ret_text + TRACE_AT, random, TRACE_LENGTH / 2);
	ret_text[TRACE_AT + TRACE_LENGTH] = '-';
	put_id(ret_text + PARENT_AT, random + TRACE_LENGTH / 2, PARENT_LENGTH / 2);
	memcpy(ret_text + PARENT_AT + PARENT_LENGTH, "-01", 4);
}
