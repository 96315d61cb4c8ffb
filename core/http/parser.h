/* SPDX-License-Identifier: MIT */
/*
 * Parses HTTP/1.1 requests (RFC 9112) as their bytes come, in place and without sockets. Whatever
 * two readers could understand differently is refused.
 */
#ifndef CORE_HTTP_PARSER_H
#define CORE_HTTP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/http/chunked.h"
#include "core/http/syntax.h"

enum http_parse {
	HTTP_PARSE_MORE, /* more bytes are needed */
	HTTP_PARSE_HEAD, /* the headers are complete; once a request */
	HTTP_PARSE_DONE, /* so is the body */
	HTTP_PARSE_REFUSED /* `status` and `reason` say why; nothing after it can be read */
};

struct http_parser_limits {
	size_t max_request_line;
	size_t max_headers_size;
	size_t max_headers;
};

/* Positions are relative to the first byte of the request, since that may move. */
struct http_parser {
	struct http_parser_limits limits;
	int phase;
	size_t at; /* what is parsed */
	size_t scanned; /* of the line that starts there */

	/* Valid from HTTP_PARSE_HEAD on. All texts end with NUL. */
	size_t method_at;
	size_t method_size;
	size_t target_at;
	size_t target_size;
	struct http_field *fields; /* owned */
	size_t n_fields;
	size_t fields_capacity;
	bool is_http10;
	bool is_head_method;
	bool is_keep_alive; /* what the client wants, by version and Connection */
	bool is_chunked;
	bool has_length;
	bool expects_continue;
	uint64_t length; /* Content-Length */
	size_t headers_at;
	size_t body_at;

	size_t max_body; /* set it between HEAD and the next call */
	struct http_chunked chunked;

	/* Valid from HTTP_PARSE_DONE on. */
	size_t body_size;
	size_t message_size; /* where the next request starts */

	unsigned status; /* of a refusal: 400, 413, 414, 417, 431, 505 */
	const char *reason; /* a sentence, static */
	unsigned seen; /* which of the headers that may come once */
	bool has_skipped_line;
	bool has_close;
};

void http_parser_init(struct http_parser *parser, const struct http_parser_limits *limits);
void http_parser_finish(struct http_parser *parser);

/* For the next request on the same connection. */
void http_parser_reset(struct http_parser *parser);

/*
 * Goes on with the bytes of the request: text is its first byte, *size all bytes in memory from
 * there on (those of before included). A chunked body is decoded in place, which makes *size less.
 */
enum http_parse http_parser_advance(struct http_parser *parser, char *text, size_t *size);

/* A body is announced (Content-Length over 0, or chunks). */
bool http_parser_has_body(const struct http_parser *parser);

/* The first header of that name, NULL if there is none. */
const char *http_parser_header(
        const struct http_parser *parser, const char *text, const char *name);

#endif
