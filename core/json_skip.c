/* SPDX-License-Identifier: MIT */
/*
 * Sixteen bytes at a time: quotation marks tell which of them are inside of strings, and only the
 * brackets outside count. A piece with a backslash, and the last bytes of a text, go one by one.
 */
#include "core/json_skip.h"

#include <stdbool.h>
#include <stddef.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { PIECE = 16 }; /* bytes */

struct skip {
	size_t depth;
	bool is_in_text;
};

/* Over one byte, of an escape both; the byte behind it. */
static const char *skip_one(struct skip *skip, const char *at)
{
	if (*at == '"') {
		skip->is_in_text = !skip->is_in_text;
	} else if (skip->is_in_text) {
		at += *at == '\\' ? 1 : 0;
	} else if (*at == '{' || *at == '[') {
		skip->depth++;
	} else if (*at == '}' || *at == ']') {
		skip->depth--;
	}
	return at + 1;
}

#ifdef __SSE2__
#define ALL 0xffffu /* bytes of a piece */

/* A bit for each byte of a piece. */
struct marks {
	unsigned quotes;
	unsigned opening;
	unsigned closing;
	unsigned backslashes;
};

static unsigned equal_bytes(__m128i bytes, char byte)
{
	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte)));
}

static inline struct marks marks_of(const char *at)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
	/* One bit tells square brackets from curly ones. */
	__m128i curly = _mm_or_si128(bytes, _mm_set1_epi8('[' ^ '{'));
	return (struct marks){
		.quotes = equal_bytes(bytes, '"'),
		.opening = equal_bytes(curly, '{'),
		.closing = equal_bytes(curly, '}'),
		.backslashes = equal_bytes(bytes, '\\'),
	};
}

/* From each quotation mark to the byte before the next one. */
static inline unsigned texts_of(unsigned quotes)
{
	quotes ^= quotes << 1;
	quotes ^= quotes << 2;
	quotes ^= quotes << 4;
	quotes ^= quotes << 8;
	return quotes;
}

/* Over a piece without backslashes. True: what was opened ends in it, *ret_size bytes on. */
static inline bool skip_piece(struct skip *skip, const struct marks *marks, size_t *ret_size)
{
	unsigned texts = texts_of(marks->quotes) ^ (skip->is_in_text ? ALL : 0);
	unsigned opening = marks->opening & ~texts;
	for (unsigned left = opening | (marks->closing & ~texts); left != 0; left &= left - 1) {
		skip->depth += (opening & left & -left) != 0 ? 1 : -(size_t)1;
		if (skip->depth == 0) {
			*ret_size = (size_t)__builtin_ctz(left) + 1;
			return true;
		}
	}
	skip->is_in_text = (texts >> (PIECE - 1) & 1) != 0;
	return false;
}

/* Over all pieces up to one with a backslash, or the rest of the text. True: what was opened has
 * ended. */
static inline bool skip_pieces(struct skip *skip, const char **at, const char *end)
{
	while (end - *at >= PIECE) {
		size_t size = PIECE;
		struct marks marks = marks_of(*at);
		if (marks.backslashes != 0) {
			return false;
		}
		bool is_over = skip_piece(skip, &marks, &size);
		*at += size;
		if (is_over) {
			return true;
		}
	}
	return false;
}
#endif

const char *json_skip_nested(const char *at, const char *end)
{
	struct skip skip = { 0 };
	for (;;) {
#ifdef __SSE2__
		if (skip_pieces(&skip, &at, end)) {
			return at;
		}
#endif
		const char *until = end - at > PIECE ? at + PIECE : end;
		do {
			at = skip_one(&skip, at);
		} while (skip.depth != 0 && at < until);
		if (skip.depth == 0) {
			return at;
		}
	}
}
