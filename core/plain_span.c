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

#ifdef __SSE2__
/* Eight to fifteen bytes, as two pieces that may overlap. */
static size_t copy_eights(char *to, const char *text, size_t size)
{
	const char *behind = text + size - 8;
	__m128i first = _mm_loadl_epi64((const __m128i *)(const void *)text);
	__m128i last = _mm_loadl_epi64((const __m128i *)(const void *)behind);
	_mm_storel_epi64((__m128i *)(void *)to, first);
	_mm_storel_epi64((__m128i *)(void *)(to + size - 8), last);
	unsigned odd = plain_odd_of(_mm_unpacklo_epi64(first, last));
	if (odd == 0) {
		return size;
	}
	size_t place = (size_t)__builtin_ctz(odd);
	return place < 8 ? place : size - 16 + place;
}

/* The same for four to seven. */
static size_t copy_fours(char *to, const char *text, size_t size)
{
	int32_t first;
	int32_t last;
	memcpy(&first, text, 4);
	memcpy(&last, text + size - 4, 4);
	memcpy(to, &first, 4);
	memcpy(to + size - 4, &last, 4);
	__m128i both = _mm_unpacklo_epi32(_mm_cvtsi32_si128(first), _mm_cvtsi32_si128(last));
	unsigned odd = plain_odd_of(both) & 0xff;
	if (odd == 0) {
		return size;
	}
	size_t place = (size_t)__builtin_ctz(odd);
	return place < 4 ? place : size - 8 + place;
}
#endif

size_t plain_copy_rest(char *to, const char *text, size_t size)
{
#ifdef __SSE2__
	if (size >= 8) {
		return copy_eights(to, text, size);
	}
	if (size >= 4) {
		return copy_fours(to, text, size);
	}
#endif
	size_t at = 0;
	while (at < size && plain_is(text[at])) {
		to[at] = text[at];
		at++;
	}
	return at;
}
