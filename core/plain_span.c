/* SPDX-License-Identifier: MIT */
/* The end of a text, eight bytes at a time and then one by one. Not inline: that would cost the
 * callers registers that they need for what stands before it. */
#include "core/plain_span.h"

/* The top bit of each byte that is not plain is set; above the lowest such bit there may be more.
 */
static uint64_t odd_bytes(uint64_t word)
{
	uint64_t quote = word ^ PLAIN_EACH('"');
	uint64_t backslash = word ^ PLAIN_EACH('\\');
	uint64_t odd = ((quote - PLAIN_EACH(1)) & ~quote) |
	        ((backslash - PLAIN_EACH(1)) & ~backslash) | ((word - PLAIN_EACH(0x20)) & ~word) |
	        (word + PLAIN_EACH(1)) | word;
	return odd & PLAIN_EACH(0x80);
}

size_t plain_span_of_rest(const char *text, size_t size)
{
	size_t at = 0;
	for (; size - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
		uint64_t odd = odd_bytes(plain_load(text + at));
		if (odd != 0) {
			return at + (size_t)__builtin_ctzll(odd) / 8;
		}
	}
	while (at < size && plain_is(text[at])) {
		at++;
	}
	return at;
}

/* Four to eight bytes, as two halves that may overlap. */
static size_t copy_halves(char *to, const char *text, size_t size)
{
	const size_t half = sizeof(uint32_t);
	char both[sizeof(uint64_t)];
	memcpy(both, text, half);
	memcpy(both + half, text + size - half, half);
	memcpy(to, both, half);
	memcpy(to + size - half, both + half, half);
	uint64_t odd = odd_bytes(plain_load(both));
	if (odd == 0) {
		return size;
	}
	size_t first = (size_t)__builtin_ctzll(odd) / 8;
	return first < half ? first : size - sizeof(both) + first;
}

size_t plain_copy_rest(char *to, const char *text, size_t size)
{
	size_t at = 0;
	for (; size - at > sizeof(uint64_t); at += sizeof(uint64_t)) {
		uint64_t odd = odd_bytes(plain_load(text + at));
		memcpy(to + at, text + at, sizeof(uint64_t));
		if (odd != 0) {
			return at + (size_t)__builtin_ctzll(odd) / 8;
		}
	}
	if (size - at >= sizeof(uint32_t)) {
		return at + copy_halves(to + at, text + at, size - at);
	}
	while (at < size && plain_is(text[at])) {
		to[at] = text[at];
		at++;
	}
	return at;
}
