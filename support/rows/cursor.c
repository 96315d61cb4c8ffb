/* SPDX-License-Identifier: MIT */
/* Cursors with a check. */
#include "support/rows/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "support/base/fault.h"

static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	for (size_t i = 0; i < size; i++) {
		hash = (hash ^ at[i]) * 0x100000001b3u;
	}
	return (hash ^ hash >> 29) * 0x9e3779b97f4a7c15u;
}

static uint64_t check_of(
        uint64_t salt, struct lucius_text scope, const char *position, size_t position_size)
{
	uint64_t hash = mix(0xcbf29ce484222325u, &salt, sizeof(salt));
	hash = mix(hash, scope.data, scope.size);
	hash = mix(hash, position, position_size);
	return hash ^ hash >> 32;
}

void cursor_write(
        char cursor[CURSOR_SIZE], uint64_t salt, struct lucius_text scope, const char *position)
{
	int size = (int)strnlen(position, CURSOR_POSITION_MAX);
	(void)snprintf(cursor, CURSOR_SIZE, "%.*s.%016" PRIx64, size, position,
	        check_of(salt, scope, position, (size_t)size));
}

bool cursor_read(struct lucius_text cursor, uint64_t salt, struct lucius_text scope,
        char ret_position[CURSOR_POSITION_MAX + 1])
{
	const char *dot = cursor.size != 0 ? memchr(cursor.data, '.', cursor.size) : NULL;
	if (dot == NULL || cursor.size >= CURSOR_SIZE || dot - cursor.data > CURSOR_POSITION_MAX) {
		return false;
	}
	char position[CURSOR_POSITION_MAX + 1] = { 0 };
	memcpy(position, cursor.data, (size_t)(dot - cursor.data));
	char expected[CURSOR_SIZE];
	cursor_write(expected, salt, scope, position);
	bool is_ours =
	        strlen(expected) == cursor.size && memcmp(expected, cursor.data, cursor.size) == 0;
	if (!is_ours && !FAULT(cursor_not_compared)) {
		return false;
	}
	memcpy(ret_position, position, sizeof(position));
	return true;
}
