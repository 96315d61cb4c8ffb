/* SPDX-License-Identifier: MIT */
/*
 * Scanning text many bytes at a time: for readers and writers of JSON and of log lines, whose
 * strings nearly always hold nothing that needs a second look.
 */
#ifndef CORE_PLAIN_SPAN_H
#define CORE_PLAIN_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define PLAIN_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Eight bytes, the first one lowest. */
static inline uint64_t plain_load(const char *text)
{
	uint64_t word;
	memcpy(&word, text, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

static inline bool plain_is(char byte)
{
	unsigned char value = (unsigned char)byte;
	return value >= 0x20 && value < 0x7f && value != '"' && value != '\\';
}

#ifdef __SSE2__
/* A bit for each of sixteen bytes that is not plain. Compared with their sign, bytes beyond ASCII
 * are below the space too. */
static inline unsigned plain_odd_of(__m128i bytes)
{
	__m128i odd = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
	odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
	odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
	odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)));
	return (unsigned)_mm_movemask_epi8(odd);
}

static inline unsigned plain_odd_of_sixteen(const char *text)
{
	return plain_odd_of(_mm_loadu_si128((const __m128i *)(const void *)text));
}
#endif

/* The same as plain_span, for what is left of a text. */
size_t plain_span_of_rest(const char *text, size_t size);

/* How many bytes at the start are printable ASCII and neither quotation mark nor backslash. */
static inline size_t plain_span(const char *text, size_t size)
{
	size_t at = 0;
#ifdef __SSE2__
	for (; size - at >= sizeof(__m128i); at += sizeof(__m128i)) {
		unsigned odd = plain_odd_of_sixteen(text + at);
		if (odd != 0) {
			return at + (size_t)__builtin_ctz(odd);
		}
	}
#endif
	return at + plain_span_of_rest(text + at, size - at);
}

/* The same as plain_copy, for what is left of a text. */
size_t plain_copy_rest(char *to, const char *text, size_t size);

/* As plain_span, and those bytes are copied; behind them anything may be written up to `size`. */
static inline size_t plain_copy(char *to, const char *text, size_t size)
{
	size_t at = 0;
#ifdef __SSE2__
	for (; size - at >= sizeof(__m128i); at += sizeof(__m128i)) {
		unsigned odd = plain_odd_of_sixteen(text + at);
		memcpy(to + at, text + at, sizeof(__m128i));
		if (odd != 0) {
			return at + (size_t)__builtin_ctz(odd);
		}
	}
#endif
	return at + plain_copy_rest(to + at, text + at, size - at);
}

/* How many bytes at the start are neither quotation mark nor backslash. */
static inline size_t plain_unescaped_span(const char *text, size_t size)
{
	size_t at = 0;
#ifdef __SSE2__
	for (; size - at >= sizeof(__m128i); at += sizeof(__m128i)) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
		__m128i odd = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
		        _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
		unsigned mask = (unsigned)_mm_movemask_epi8(odd);
		if (mask != 0) {
			return at + (size_t)__builtin_ctz(mask);
		}
	}
#endif
	while (at < size && text[at] != '"' && text[at] != '\\') {
		at++;
	}
	return at;
}

/* How many bytes at the start are ASCII. */
static inline size_t plain_ascii_span(const char *text, size_t size)
{
	size_t at = 0;
	while (size - at >= sizeof(uint64_t) && (plain_load(text + at) & PLAIN_EACH(0x80)) == 0) {
		at += sizeof(uint64_t);
	}
	while (at < size && (unsigned char)text[at] < 0x80) {
		at++;
	}
	return at;
}

#endif
