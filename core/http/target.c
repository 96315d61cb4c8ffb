/* SPDX-License-Identifier: MIT */
/*
 * Decoding happens after the split, so that an encoded separator never separates. What is decoded
 * must be UTF-8 without NUL: handlers get C strings, and what they see is what was sent.
 */
#include "core/http/target.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "core/http/syntax.h"

/* Beside letters and digits (RFC 3986 §2.3). */
#define UNRESERVED "-._~"
/* What may stand in path and query beside letters and digits (RFC 3986 §3.3 and §3.4). */
#define ALLOWED UNRESERVED "!$&'()*+,;=:@/?%"

size_t http_target_scratch(size_t target_size)
{
	/* The path as sent, and the whole once more to be cut up and decoded. */
	return 2 * (target_size + 2);
}

/* The bytes that follow a first byte of UTF-8, with the range of the second (Unicode 15, 3-7). */
static size_t utf8_rest(unsigned char first, unsigned char *ret_low, unsigned char *ret_high)
{
	*ret_low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	*ret_high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	if (first >= 0xc2 && first <= 0xdf) {
		return 1;
	}
	if (first >= 0xe0 && first <= 0xef) {
		return 2;
	}
	return first >= 0xf0 && first <= 0xf4 ? 3 : 0;
}

static bool is_utf8(const char *text, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)text;
	for (size_t i = 0; i < size;) {
		if (bytes[i] < 0x80) {
			i++;
			continue;
		}
		unsigned char low;
		unsigned char high;
		size_t n_rest = utf8_rest(bytes[i], &low, &high);
		if (n_rest == 0 || n_rest > size - i - 1) {
			return false;
		}
		for (size_t k = 1; k <= n_rest; k++) {
			if (bytes[i + k] < low || bytes[i + k] > high) {
				return false;
			}
			low = 0x80;
			high = 0xbf;
		}
		i += n_rest + 1;
	}
	return true;
}

/* Decodes in place and ends the text with NUL (which may take the place of its separator). */
static const char *decode(char *text, size_t size, bool has_plus)
{
	size_t n_out = 0;
	for (size_t i = 0; i < size; i++) {
		char byte = text[i];
		if (byte == '%') {
			int high = size - i > 2 ? http_hex_digit(text[i + 1]) : -1;
			int low = size - i > 2 ? http_hex_digit(text[i + 2]) : -1;
			if (high < 0 || low < 0) {
				return "a '%' is not followed by two hexadecimal digits";
			}
			if (high == 0 && low == 0) {
				return "there is an encoded NUL (%00)";
			}
			byte = (char)(high << 4 | low);
			i += 2;
		} else if (byte == '+' && has_plus) {
			byte = ' ';
		}
		text[n_out++] = byte;
	}
	text[n_out] = '\0';
	return is_utf8(text, n_out) ? NULL : "what is percent-encoded is not UTF-8";
}

/* Cuts "/a/b" in pieces; "*" has none. */
static const char *split_path(char *path, size_t size, struct http_target *target)
{
	size_t start = 1;
	while (start <= size && path[0] == '/') {
		const char *slash = memchr(path + start, '/', size - start);
		size_t end = slash != NULL ? (size_t)(slash - path) : size;
		if (target->n_segments == HTTP_SEGMENTS_MAX) {
			target->n_segments = 0; /* longer than any route */
			return NULL;
		}
		const char *wrong = decode(path + start, end - start, false);
		if (wrong != NULL) {
			return wrong;
		}
		target->segments[target->n_segments++] = path + start;
		start = end + 1;
	}
	return NULL;
}

static const char *add_pair(char *text, size_t size, struct http_target *target)
{
	if (size == 0) {
		return NULL;
	}
	if (target->n_query == HTTP_QUERY_MAX) {
		return "the query has more parameters than this server takes";
	}
	char *equals = memchr(text, '=', size);
	size_t name_size = equals != NULL ? (size_t)(equals - text) : size;
	const char *wrong = NULL;
	char *value = text + size;
	if (equals != NULL) {
		value = equals + 1;
		wrong = decode(value, size - name_size - 1, true);
	} else {
		*value = '\0';
	}
	if (wrong == NULL) {
		wrong = decode(text, name_size, true);
	}
	for (size_t i = 0; wrong == NULL && i < target->n_query; i++) {
		if (strcmp(target->query[i].name, text) == 0) {
			wrong = "the query has the same parameter twice";
		}
	}
	target->query[target->n_query++] = (struct http_pair){ .name = text, .value = value };
	return wrong;
}

static const char *split_query(char *query, size_t size, struct http_target *target)
{
	const char *wrong = NULL;
	size_t start = 0;
	while (wrong == NULL && start < size) {
		const char *ampersand = memchr(query + start, '&', size - start);
		size_t end = ampersand != NULL ? (size_t)(ampersand - query) : size;
		wrong = add_pair(query + start, end - start, target);
		start = end + 1;
	}
	return wrong;
}

/* The absolute form (RFC 9112 §3.2.2): how much to drop to come to the path; 0 if it is none. */
static size_t authority_size(const char *text, size_t size)
{
	size_t start = 0;
	if (size > 7 && strncasecmp(text, "http://", 7) == 0) {
		start = 7;
	} else if (size > 8 && strncasecmp(text, "https://", 8) == 0) {
		start = 8;
	}
	size_t end = start;
	while (start != 0 && end < size && text[end] != '/' && text[end] != '?') {
		end++;
	}
	return end > start ? end : 0;
}

const char *http_target_parse(
        const char *text, size_t size, char *scratch, struct http_target *ret_target)
{
	ret_target->n_segments = 0;
	ret_target->n_query = 0;
	ret_target->query_error = NULL;
	size_t n_dropped = authority_size(text, size);
	text += n_dropped;
	size -= n_dropped;
	/* Without a path after the authority the path is "/" (RFC 9110 §4.2.3). */
	size_t n_added = n_dropped != 0 && (size == 0 || text[0] == '?') ? 1 : 0;
	scratch[0] = '/';
	memcpy(scratch + n_added, text, size);
	size += n_added;
	scratch[size] = '\0';
	ret_target->path = scratch;
	if (scratch[0] != '/' && strcmp(scratch, "*") != 0) {
		return "the target is not a path";
	}
	if (http_word_span(scratch, ALLOWED) != size) {
		return "the target has a character that must be percent-encoded";
	}
	char *copy = scratch + size + 1;
	memcpy(copy, scratch, size + 1);
	size_t path_size = strcspn(scratch, "?");
	scratch[path_size] = '\0';
	if (path_size < size) {
		ret_target->query_error =
		        split_query(copy + path_size + 1, size - path_size - 1, ret_target);
	}
	return split_path(copy, path_size, ret_target);
}

size_t http_escape(const char *text, char *ret_text, size_t size)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n_out = 0;
	for (; *text != '\0'; text++) {
		unsigned char byte = (unsigned char)*text;
		char encoded[3] = { '%', digits[byte >> 4], digits[byte & 15] };
		bool is_plain = http_is_alphanumeric(*text) || strchr(UNRESERVED, *text) != NULL;
		const char *piece = is_plain ? text : encoded;
		size_t piece_size = is_plain ? 1 : sizeof(encoded);
		if (n_out + piece_size < size) {
			memcpy(ret_text + n_out, piece, piece_size);
			ret_text[n_out + piece_size] = '\0';
		}
		n_out += piece_size;
	}
	if (n_out == 0 && size != 0) {
		ret_text[0] = '\0';
	}
	return n_out + 1;
}
