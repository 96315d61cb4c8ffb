/* SPDX-License-Identifier: MIT */
/* One function a phase; each says whether the next can go on with what is there. */
#include "core/http/chunked.h"

#include <stdbool.h>
#include <string.h>

#include "core/http/syntax.h"

/* Of a line with a chunk's size and extensions. */
enum { SIZE_LINE_MAX = 4096 };

/* A phase's answer that the loop in http_chunked_decode() goes on from. */
#define GO_ON ((enum http_chunked_result) - 1)

static enum http_chunked_result refuse(struct http_chunked *chunked, const char *reason)
{
	chunked->reason = reason;
	return HTTP_CHUNKED_BAD;
}

/* GO_ON: a line of *ret_size bytes stands at text + at. */
static enum http_chunked_result find_line(
        struct http_chunked *chunked, size_t max, const char *text, size_t size, size_t *ret_size)
{
	switch (http_line_find(
	        text + chunked->at, size - chunked->at, max, &chunked->scanned, ret_size)) {
	case HTTP_LINE_MORE:
		return HTTP_CHUNKED_MORE;
	case HTTP_LINE_FOUND:
		return GO_ON;
	case HTTP_LINE_TOO_LONG:
		return refuse(chunked, "a line between chunks is too long");
	case HTTP_LINE_BAD_END:
		break;
	}
	return refuse(chunked, "a line between chunks does not end with CRLF");
}

static void take_line(struct http_chunked *chunked, size_t line_size)
{
	chunked->at += line_size + 2;
	chunked->scanned = 0;
}

static enum http_chunked_result read_size(struct http_chunked *chunked,
        const struct http_chunked_limits *limits, const char *text, size_t size)
{
	size_t line_size = 0;
	enum http_chunked_result found = find_line(chunked, SIZE_LINE_MAX, text, size, &line_size);
	if (found != GO_ON) {
		return found;
	}
	const char *line = text + chunked->at;
	size_t n_digits = http_hex_parse(line, line_size, &chunked->left);
	if (n_digits == 0 || (n_digits < line_size && line[n_digits] != ';') ||
	        !http_is_field_text(line, line_size)) {
		return refuse(chunked, "a chunk's size is not a hexadecimal number");
	}
	chunked->overhead += line_size - n_digits;
	if (chunked->overhead > limits->max_overhead) {
		return refuse(chunked, "the chunks have too many extensions");
	}
	if (chunked->left > limits->max_body - chunked->body_size) {
		return HTTP_CHUNKED_TOO_LARGE;
	}
	take_line(chunked, line_size);
	chunked->phase = chunked->left == 0 ? HTTP_CHUNK_TRAILERS : HTTP_CHUNK_BYTES;
	return GO_ON;
}

static enum http_chunked_result move_bytes(struct http_chunked *chunked, char *text, size_t size)
{
	size_t n_bytes = size - chunked->at;
	if (n_bytes > chunked->left) {
		n_bytes = (size_t)chunked->left;
	}
	memmove(text + chunked->body_size, text + chunked->at, n_bytes);
	chunked->body_size += n_bytes;
	chunked->at += n_bytes;
	chunked->left -= n_bytes;
	if (chunked->left != 0) {
		return HTTP_CHUNKED_MORE;
	}
	chunked->phase = HTTP_CHUNK_END;
	return GO_ON;
}

static enum http_chunked_result end_chunk(
        struct http_chunked *chunked, const char *text, size_t size)
{
	size_t n_bytes = size - chunked->at;
	if (memcmp(text + chunked->at, "\r\n", n_bytes < 2 ? n_bytes : 2) != 0) {
		return refuse(chunked, "a chunk is not followed by CRLF");
	}
	if (n_bytes < 2) {
		return HTTP_CHUNKED_MORE;
	}
	chunked->at += 2;
	chunked->phase = HTTP_CHUNK_SIZE;
	return GO_ON;
}

static enum http_chunked_result drop_trailer(struct http_chunked *chunked,
        const struct http_chunked_limits *limits, char *text, size_t size)
{
	size_t line_size = 0;
	enum http_chunked_result found =
	        find_line(chunked, limits->max_overhead, text, size, &line_size);
	if (found != GO_ON) {
		return found;
	}
	if (line_size == 0) {
		take_line(chunked, line_size);
		chunked->phase = HTTP_CHUNK_DONE;
		return HTTP_CHUNKED_DONE;
	}
	struct http_field field;
	const char *wrong = http_field_split(text + chunked->at, line_size, &field);
	if (wrong != NULL) {
		return refuse(chunked, wrong);
	}
	chunked->overhead += line_size;
	chunked->n_trailers++;
	if (chunked->overhead > limits->max_overhead ||
	        chunked->n_trailers > limits->max_trailers) {
		return refuse(chunked, "there are too many trailers");
	}
	take_line(chunked, line_size);
	return GO_ON;
}

static enum http_chunked_result decode_phase(struct http_chunked *chunked,
        const struct http_chunked_limits *limits, char *text, size_t size)
{
	switch (chunked->phase) {
	case HTTP_CHUNK_SIZE:
		return read_size(chunked, limits, text, size);
	case HTTP_CHUNK_BYTES:
		return move_bytes(chunked, text, size);
	case HTTP_CHUNK_END:
		return end_chunk(chunked, text, size);
	case HTTP_CHUNK_TRAILERS:
		return drop_trailer(chunked, limits, text, size);
	case HTTP_CHUNK_DONE:
		break;
	}
	return HTTP_CHUNKED_DONE;
}

enum http_chunked_result http_chunked_decode(struct http_chunked *chunked,
        const struct http_chunked_limits *limits, char *message, size_t body_at, size_t *size)
{
	char *body = message + body_at;
	size_t n_bytes = *size - body_at;
	enum http_chunked_result result;
	do {
		result = decode_phase(chunked, limits, body, n_bytes);
	} while (result == GO_ON);
	/* One move for all that was decoded in this call, so that the cost stays linear. */
	size_t n_rest = n_bytes - chunked->at;
	memmove(body + chunked->body_size, body + chunked->at, n_rest);
	chunked->at = chunked->body_size;
	*size = body_at + chunked->body_size + n_rest;
	return result;
}
