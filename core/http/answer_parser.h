/* SPDX-License-Identifier: MIT */
/* Parses the answer to one request (RFC 9112 §4 and §6) as its bytes come, in place. */
#ifndef CORE_HTTP_ANSWER_PARSER_H
#define CORE_HTTP_ANSWER_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/http/chunked.h"

enum http_answer_parse {
	HTTP_ANSWER_MORE,
	HTTP_ANSWER_DONE,
	HTTP_ANSWER_BAD /* reason says why; the connection is of no use any more */
};

struct http_answer_parser {
	size_t max_body; /* set before the first call, as is_head */
	bool is_head; /* of a HEAD request: without body whatever its headers say */

	int phase;
	size_t at;
	size_t scanned;
	size_t headers_at;
	size_t n_headers;
	bool is_chunked;
	bool has_length;
	bool has_close;
	struct http_chunked chunked;

	/* Valid when done. Positions are relative to the first byte of the answer. */
	unsigned status;
	bool is_keep_alive; /* the connection can be used again */
	uint64_t length;
	size_t type_at; /* Content-Type, ended by NUL; 0: none */
	uint32_t retry_after_seconds;
	size_t body_at;
	size_t body_size;
	const char *reason; /* static sentence */
};

/* As http_parser_advance(). Interim answers (1xx) are passed over. */
enum http_answer_parse http_answer_parser_advance(
        struct http_answer_parser *parser, char *text, size_t *size);

/* The server sends no more: the end of a body without length, or of an answer cut short. */
enum http_answer_parse http_answer_parser_end(struct http_answer_parser *parser, size_t size);

#endif
