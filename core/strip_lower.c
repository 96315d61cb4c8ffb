/* SPDX-License-Identifier: MIT */
/*
 * The case tables are libunistring's; what depends on the neighbours is done here, since its
 * u8_tolower takes other characters for ignorable around a sigma than Unicode and Python do.
 */
#include "core/strip_lower.h"

#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"

enum {
	CAPITAL_SIGMA = 0x3a3,
	SMALL_SIGMA = 0x3c3,
	FINAL_SIGMA = 0x3c2,
	CAPITAL_I_WITH_DOT = 0x130,
	COMBINING_DOT_ABOVE = 0x307,
	LONGEST_LOWER = 6 /* bytes that one code point can become */
};

struct span {
	const uint8_t *start;
	const uint8_t *end;
};

/* The white space of Unicode and the separators U+001C to U+001F. */
bool strip_lower_is_space(uint32_t code_point)
{
	switch (code_point) {
	case 0x20:
	case 0x85:
	case 0xa0:
	case 0x1680:
	case 0x2028:
	case 0x2029:
	case 0x202f:
	case 0x205f:
	case 0x3000:
		return true;
	default:
		return (code_point >= 0x09 && code_point <= 0x0d) ||
		        (code_point >= 0x1c && code_point <= 0x1f) ||
		        (code_point >= 0x2000 && code_point <= 0x200a);
	}
}

static struct span strip(const char *text)
{
	struct span span = { .start = (const uint8_t *)text };
	span.end = span.start + strlen(text);
	ucs4_t code_point;
	const uint8_t *next;
	while ((next = u8_next(&code_point, span.start)) != NULL &&
	        strip_lower_is_space(code_point)) {
		span.start = next;
	}
	while ((next = u8_prev(&code_point, span.end, span.start)) != NULL &&
	        strip_lower_is_space(code_point)) {
		span.end = next;
	}
	return span;
}

static bool follows_cased(struct span span, const uint8_t *at)
{
	ucs4_t code_point;
	while ((at = u8_prev(&code_point, at, span.start)) != NULL) {
		if (!uc_is_property_case_ignorable(code_point)) {
			return uc_is_property_cased(code_point);
		}
	}
	return false;
}

static bool precedes_cased(struct span span, const uint8_t *at)
{
	while (at < span.end) {
		ucs4_t code_point;
		at += u8_mbtouc(&code_point, at, (size_t)(span.end - at));
		if (!uc_is_property_case_ignorable(code_point)) {
			return uc_is_property_cased(code_point);
		}
	}
	return false;
}

/* Writes the lower case of the code point between at and next; returns the bytes written. */
static size_t put_lower(
        uint8_t *out, struct span span, const uint8_t *at, const uint8_t *next, ucs4_t code_point)
{
	size_t size = 0;
	ucs4_t lower = uc_tolower(code_point);
	if (code_point == CAPITAL_I_WITH_DOT) {
		out[size++] = 'i';
		lower = COMBINING_DOT_ABOVE;
	} else if (code_point == CAPITAL_SIGMA) {
		bool is_final = follows_cased(span, at) && !precedes_cased(span, next);
		lower = is_final ? FINAL_SIGMA : SMALL_SIGMA;
	}
	return size + (size_t)u8_uctomb(out + size, lower, LONGEST_LOWER);
}

static char *lower_unicode(struct span span)
{
	uint8_t *lower CLEANUP_FREE = must_calloc((size_t)(span.end - span.start), LONGEST_LOWER);
	size_t size = 0;
	const uint8_t *at = span.start;
	while (at < span.end) {
		ucs4_t code_point;
		const uint8_t *next = at + u8_mbtouc(&code_point, at, (size_t)(span.end - at));
		size += put_lower(lower + size, span, at, next, code_point);
		at = next;
	}
	return must_copy(lower, size);
}

static bool is_ascii(struct span span)
{
	uint8_t all = 0;
	for (const uint8_t *at = span.start; at < span.end; at++) {
		all |= *at;
	}
	return all < 0x80;
}

static char *lower_ascii(struct span span)
{
	char *lower = must_copy(span.start, (size_t)(span.end - span.start));
	for (char *at = lower; *at != '\0'; at++) {
		*at = (char)(*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
	}
	return lower;
}

char *strip_lower(const char *text)
{
	struct span span = strip(text);
	return is_ascii(span) ? lower_ascii(span) : lower_unicode(span);
}
