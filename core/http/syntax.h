/* SPDX-License-Identifier: MIT */
/*
 * The grammar that requests and answers share (RFC 9110 §5.5 and §5.6, RFC 9112 §2.2 and §5): lines
 * that end with CRLF and nothing else, tokens, header fields, numbers. Works in place on received
 * bytes and knows nothing of sockets.
 */
#ifndef CORE_HTTP_SYNTAX_H
#define CORE_HTTP_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_line {
	HTTP_LINE_MORE, /* its end is not there yet */
	HTTP_LINE_FOUND,
	HTTP_LINE_TOO_LONG,
	HTTP_LINE_BAD_END /* a LF without CR before it */
};

/*
 * Looks for the end of the line that starts at text[0]. *scanned is what was looked through before
 * (start with 0, set back to 0 for the next line). ret_size is the line's size without CRLF; a line
 * may have max bytes without CRLF.
 */
enum http_line http_line_find(
        const char *text, size_t size, size_t max, size_t *scanned, size_t *ret_size);

/* RFC 9110 §5.6.2: what names and methods are made of. */
bool http_is_token(const char *text, size_t size);

/* Only HTAB, visible ASCII, space and bytes from 0x80: nothing else may stand in a value. */
bool http_is_field_text(const char *text, size_t size);

/* A letter or a digit of ASCII. */
static inline bool http_is_alphanumeric(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	        (byte >= '0' && byte <= '9');
}

/* How many bytes at the start are letters, digits, or among the others. */
size_t http_word_span(const char *text, const char *others);

/* Positions of one header field, relative to a text that may move. Both parts end with NUL there.
 */
struct http_field {
	uint32_t name_at;
	uint32_t name_size;
	uint32_t value_at;
	uint32_t value_size;
};

/*
 * Takes one header line apart and puts a NUL behind name and value (the line is followed by CRLF).
 * Positions are relative to the line. Returns NULL, or a sentence (static) on what is wrong.
 */
const char *http_field_split(char *line, size_t size, struct http_field *ret_field);

/* Compared without regard to case. */
bool http_text_is(const char *text, size_t size, const char *expected);

/* Whether a comma list has that token, like `close` in a Connection header. */
bool http_list_has(const char *list, const char *token);

/* 1*18DIGIT and nothing else. */
bool http_digits_parse(const char *text, size_t size, uint64_t *ret_number);

/* 1*15HEXDIG at the start; returns how many there are, 0 if none or too many. */
size_t http_hex_parse(const char *text, size_t size, uint64_t *ret_number);

/* The value of one hexadecimal digit, -1 if it is none. */
int http_hex_digit(char digit);

#endif
