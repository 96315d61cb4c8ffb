/* SPDX-License-Identifier: MIT */
/*
 * A line at a time: request line, header lines, then the body. Each line is only looked at when it
 * is complete, so that a request cut at any byte is understood as if it had come in one piece.
 */
#include "core/http/parser.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "support/base/memory.h"

enum phase { PHASE_REQUEST_LINE, PHASE_HEADERS, PHASE_BODY, PHASE_DONE, PHASE_REFUSED };

enum { METHOD_MAX = 32 };

/* Bits of `seen`. */
enum once {
	ONCE_HOST = 1,
	ONCE_LENGTH = 2,
	ONCE_ENCODING = 4,
	ONCE_TYPE = 8,
	ONCE_AUTHORIZATION = 16,
	ONCE_EXPECT = 32
};

/* A step's answer that the loop in http_parser_advance() goes on from. */
#define GO_ON ((enum http_parse) - 1)

void http_parser_init(struct http_parser *parser, const struct http_parser_limits *limits)
{
	*parser = (struct http_parser){ .limits = *limits };
}

void http_parser_finish(struct http_parser *parser)
{
	free(parser->fields);
	parser->fields = NULL;
}

void http_parser_reset(struct http_parser *parser)
{
	*parser = (struct http_parser){
		.limits = parser->limits,
		.fields = parser->fields,
		.fields_capacity = parser->fields_capacity,
	};
}

static enum http_parse refuse(struct http_parser *parser, unsigned status, const char *reason)
{
	parser->phase = PHASE_REFUSED;
	parser->status = status;
	parser->reason = reason;
	return HTTP_PARSE_REFUSED;
}

/* "HTTP/1.1" or "HTTP/1.0"; anything else of that form is a version that we do not speak. */
static enum http_parse read_version(struct http_parser *parser, const char *version, size_t size)
{
	if (size != 8 || memcmp(version, "HTTP/", 5) != 0 || version[6] != '.' ||
	        http_hex_digit(version[5]) < 0 || http_hex_digit(version[7]) < 0) {
		return refuse(parser, 400, "the request line does not end with an HTTP version");
	}
	if (version[5] != '1' || (version[7] != '0' && version[7] != '1')) {
		return refuse(parser, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
	}
	parser->is_http10 = version[7] == '0';
	parser->is_keep_alive = !parser->is_http10;
	return GO_ON;
}

static enum http_parse read_request_line(struct http_parser *parser, char *text, size_t size)
{
	char *line = text + parser->at;
	const char *method_end = memchr(line, ' ', size);
	size_t method_size = method_end != NULL ? (size_t)(method_end - line) : 0;
	if (method_size > METHOD_MAX || !http_is_token(line, method_size)) {
		return refuse(parser, 400, "the request line does not start with a method");
	}
	size_t target_at = method_size + 1;
	const char *target_end = memchr(line + target_at, ' ', size - target_at);
	if (target_end == NULL || target_end == line + target_at) {
		return refuse(parser, 400, "the request line has no target or no HTTP version");
	}
	size_t target_size = (size_t)(target_end - line) - target_at;
	size_t version_at = target_at + target_size + 1;
	enum http_parse version = read_version(parser, line + version_at, size - version_at);
	if (version != GO_ON) {
		return version;
	}
	line[method_size] = '\0';
	line[version_at - 1] = '\0';
	parser->method_at = parser->at;
	parser->method_size = method_size;
	parser->target_at = parser->at + target_at;
	parser->target_size = target_size;
	parser->is_head_method = strcmp(line, "HEAD") == 0;
	return GO_ON;
}

/* The error of a line that cannot be used, by what kind of line it is. */
static enum http_parse refuse_line(struct http_parser *parser, enum http_line found)
{
	if (found == HTTP_LINE_BAD_END) {
		return refuse(parser, 400, "a line does not end with CRLF");
	}
	return parser->phase == PHASE_REQUEST_LINE
	        ? refuse(parser, 414, "the request line is longer than this server takes")
	        : refuse(parser, 431, "the headers are larger than this server takes");
}

static enum http_parse step_request_line(struct http_parser *parser, char *text, size_t size)
{
	/* Says so at once if what comes is not HTTP at all, like a TLS handshake. */
	if (size > parser->at && text[parser->at] != '\r' && !http_is_token(text + parser->at, 1)) {
		return refuse(parser, 400, "the request line does not start with a method");
	}
	size_t line_size = 0;
	enum http_line found = http_line_find(text + parser->at, size - parser->at,
	        parser->limits.max_request_line, &parser->scanned, &line_size);
	if (found != HTTP_LINE_FOUND) {
		return found == HTTP_LINE_MORE ? HTTP_PARSE_MORE : refuse_line(parser, found);
	}
	if (line_size == 0 && !parser->has_skipped_line) {
		/* RFC 9112 §2.2: one empty line before a request is ignored. */
		parser->has_skipped_line = true;
	} else {
		enum http_parse line = read_request_line(parser, text, line_size);
		if (line != GO_ON) {
			return line;
		}
		parser->phase = PHASE_HEADERS;
		parser->headers_at = parser->at + line_size + 2;
	}
	parser->at += line_size + 2;
	parser->scanned = 0;
	return GO_ON;
}

/* Characters of RFC 3986 authorities; a Host that has others is invalid (RFC 9112 §3.2). */
static bool is_host(const char *value)
{
	return value[http_word_span(value, "-._~%!$&'()*+,;=:[]")] == '\0';
}

static enum http_parse note_host(struct http_parser *parser, const char *value, size_t size)
{
	(void)size;
	return is_host(value) ? GO_ON : refuse(parser, 400, "Host is not a valid name");
}

static enum http_parse note_length(struct http_parser *parser, const char *value, size_t size)
{
	parser->has_length = true;
	return http_digits_parse(value, size, &parser->length)
	        ? GO_ON
	        : refuse(parser, 400, "Content-Length is not a number");
}

static enum http_parse note_encoding(struct http_parser *parser, const char *value, size_t size)
{
	parser->is_chunked = true;
	return http_text_is(value, size, "chunked")
	        ? GO_ON
	        : refuse(parser, 400, "Transfer-Encoding is something else than chunked");
}

static enum http_parse note_expect(struct http_parser *parser, const char *value, size_t size)
{
	parser->expects_continue = !parser->is_http10;
	return http_text_is(value, size, "100-continue")
	        ? GO_ON
	        : refuse(parser, 417, "Expect is something else than 100-continue");
}

static enum http_parse note_connection(struct http_parser *parser, const char *value, size_t size)
{
	(void)size;
	if (http_list_has(value, "close")) {
		parser->has_close = true;
		parser->is_keep_alive = false;
	} else if (!parser->has_close && http_list_has(value, "keep-alive")) {
		parser->is_keep_alive = true;
	}
	return GO_ON;
}

/*
 * The headers that mean something to the connection, or whose repetition would make the request
 * ambiguous: those with a bit in `once` may come once.
 */
static const struct {
	const char *name;
	size_t size;
	unsigned once;
	enum http_parse (*note)(struct http_parser *parser, const char *value, size_t size);
} known_headers[] = {
	{ "Host", 4, ONCE_HOST, note_host },
	{ "Expect", 6, ONCE_EXPECT, note_expect },
	{ "Connection", 10, 0, note_connection },
	{ "Content-Type", 12, ONCE_TYPE, NULL },
	{ "Authorization", 13, ONCE_AUTHORIZATION, NULL },
	{ "Content-Length", 14, ONCE_LENGTH, note_length },
	{ "Transfer-Encoding", 17, ONCE_ENCODING, note_encoding },
};

static enum http_parse note_header(
        struct http_parser *parser, const char *text, const struct http_field *field)
{
	for (size_t i = 0; i < sizeof(known_headers) / sizeof(known_headers[0]); i++) {
		if (known_headers[i].size != field->name_size ||
		        strcasecmp(known_headers[i].name, text + field->name_at) != 0) {
			continue;
		}
		if ((parser->seen & known_headers[i].once) != 0) {
			return refuse(parser, 400, "a header that may come once came twice");
		}
		parser->seen |= known_headers[i].once;
		return known_headers[i].note == NULL
		        ? GO_ON
		        : known_headers[i].note(parser, text + field->value_at, field->value_size);
	}
	return GO_ON;
}

static struct http_field *next_field(struct http_parser *parser)
{
	if (parser->n_fields == parser->fields_capacity) {
		parser->fields_capacity =
		        parser->fields_capacity != 0 ? parser->fields_capacity * 2 : 16;
		parser->fields = must_resize(
		        parser->fields, parser->fields_capacity, sizeof(*parser->fields));
	}
	return &parser->fields[parser->n_fields++];
}

static enum http_parse read_header(struct http_parser *parser, char *text, size_t line_size)
{
	struct http_field field;
	const char *wrong = http_field_split(text + parser->at, line_size, &field);
	if (wrong != NULL) {
		return refuse(parser, 400, wrong);
	}
	if (parser->n_fields == parser->limits.max_headers) {
		return refuse(parser, 431, "there are more headers than this server takes");
	}
	field.name_at += (uint32_t)parser->at;
	field.value_at += (uint32_t)parser->at;
	*next_field(parser) = field;
	return note_header(parser, text, &field);
}

/* The rules that need all headers (RFC 9112 §3.2 and §6.3). */
static enum http_parse end_headers(struct http_parser *parser)
{
	if ((parser->seen & ONCE_HOST) == 0 && !parser->is_http10) {
		return refuse(parser, 400, "there is no Host header");
	}
	if (parser->is_chunked && parser->has_length) {
		return refuse(parser, 400, "there are both Content-Length and Transfer-Encoding");
	}
	if (parser->is_chunked && parser->is_http10) {
		return refuse(parser, 400, "HTTP/1.0 has no Transfer-Encoding");
	}
	if (parser->is_head_method && http_parser_has_body(parser)) {
		return refuse(parser, 400, "a HEAD request has no body");
	}
	parser->body_at = parser->at;
	parser->phase = PHASE_BODY;
	return HTTP_PARSE_HEAD;
}

static enum http_parse step_headers(struct http_parser *parser, char *text, size_t size)
{
	size_t line_size = 0;
	size_t max = parser->limits.max_headers_size - (parser->at - parser->headers_at);
	enum http_line found = http_line_find(
	        text + parser->at, size - parser->at, max, &parser->scanned, &line_size);
	if (found != HTTP_LINE_FOUND) {
		return found == HTTP_LINE_MORE ? HTTP_PARSE_MORE : refuse_line(parser, found);
	}
	if (line_size != 0) {
		if (line_size + 2 > max) {
			return refuse_line(parser, HTTP_LINE_TOO_LONG);
		}
		enum http_parse header = read_header(parser, text, line_size);
		if (header != GO_ON) {
			return header;
		}
	}
	parser->at += line_size + 2;
	parser->scanned = 0;
	return line_size != 0 ? GO_ON : end_headers(parser);
}

static enum http_parse end_body(struct http_parser *parser, size_t body_size)
{
	parser->body_size = body_size;
	parser->message_size = parser->body_at + body_size;
	parser->phase = PHASE_DONE;
	return HTTP_PARSE_DONE;
}

static enum http_parse step_chunks(struct http_parser *parser, char *text, size_t *size)
{
	const struct http_chunked_limits limits = {
		.max_body = parser->max_body,
		.max_overhead = parser->limits.max_headers_size,
		.max_trailers = parser->limits.max_headers,
	};
	switch (http_chunked_decode(&parser->chunked, &limits, text, parser->body_at, size)) {
	case HTTP_CHUNKED_MORE:
		return HTTP_PARSE_MORE;
	case HTTP_CHUNKED_DONE:
		return end_body(parser, parser->chunked.body_size);
	case HTTP_CHUNKED_TOO_LARGE:
		return refuse(parser, 413, "the body is larger than this server takes");
	case HTTP_CHUNKED_BAD:
		break;
	}
	return refuse(parser, 400, parser->chunked.reason);
}

static enum http_parse step_body(struct http_parser *parser, char *text, size_t *size)
{
	if (parser->is_chunked) {
		return step_chunks(parser, text, size);
	}
	if (parser->length > parser->max_body) {
		return refuse(parser, 413, "the body is larger than this server takes");
	}
	size_t length = (size_t)parser->length;
	return *size - parser->body_at >= length ? end_body(parser, length) : HTTP_PARSE_MORE;
}

enum http_parse http_parser_advance(struct http_parser *parser, char *text, size_t *size)
{
	enum http_parse result = GO_ON;
	while (result == GO_ON) {
		switch ((enum phase)parser->phase) {
		case PHASE_REQUEST_LINE:
			result = step_request_line(parser, text, *size);
			break;
		case PHASE_HEADERS:
			result = step_headers(parser, text, *size);
			break;
		case PHASE_BODY:
			return step_body(parser, text, size);
		case PHASE_DONE:
			return HTTP_PARSE_DONE;
		case PHASE_REFUSED:
			return HTTP_PARSE_REFUSED;
		}
	}
	return result;
}

bool http_parser_has_body(const struct http_parser *parser)
{
	return parser->is_chunked || parser->length != 0;
}

const char *http_parser_header(const struct http_parser *parser, const char *text, const char *name)
{
	size_t name_size = strlen(name);
	for (size_t i = 0; i < parser->n_fields; i++) {
		const struct http_field *field = &parser->fields[i];
		if (field->name_size == name_size && strcasecmp(name, text + field->name_at) == 0) {
			return text + field->value_at;
		}
	}
	return NULL;
}
