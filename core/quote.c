/* SPDX-License-Identifier: MIT */
/* Cuts before the byte that would not fit, then back to the start of the code point it belongs to.
 */
#include "core/quote.h"

#include <stdbool.h>
#include <string.h>

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

static bool is_control(char byte)
{
	return (unsigned char)byte < 0x20 || byte == 0x7f;
}

struct quote quote_sized(const char *value, size_t size)
{
	static const char dots[] = "...";
	struct quote quoted = { "" };
	size_t kept = size;
	if (size >= sizeof(quoted.text)) {
		kept = sizeof(quoted.text) - sizeof(dots);
		while (kept > 0 && is_continuation(value[kept])) {
			kept--;
		}
	}
	for (size_t i = 0; i < kept; i++) {
		quoted.text[i] = (char)(is_control(value[i]) ? '?' : value[i]);
	}
	memcpy(quoted.text + kept, dots, kept < size ? sizeof(dots) : 0);
	return quoted;
}

struct quote quote(const char *value)
{
	return quote_sized(value, strlen(value));
}
