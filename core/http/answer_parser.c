/* SPDX-License-Identifier: MIT */
/* As strict as the request parser: an answer with unclear framing would be taken for the next one.
 */
#include "core/http/answer_parser.h"

#include <string.h>

#include "core/http/syntax.h"

enum phase { PHASE_STATUS_LINE, PHASE_HEADERS, PHASE_BODY, PHASE_DONE, PHASE_BAD };

enum { HEADERS_SIZE_MAX = 32768, HEADERS_MAX = 100, RETRY_AFTER_MAX = 86400 };

/* A step's answer that the loop in http_answer_parser_advance() goes on from. */
#define GO_ON ((enum http_answer_parse) - 1)

static enum http_answer_parse refuse(struct http_answer_parser *parser, const char *reason)
{
	parser->phase = PHASE_BAD;
	parser->reason = reason;
	return HTTP_ANSWER_BAD;
}

static enum http_answer_parse find_line(
        struct http_answer_parser *parser, const char *text, size_t size, size_t *ret_size)
{
	size_t max = HEADERS_SIZE_MAX - (parser->at - parser->headers_at);
	switch (http_line_find(
	        text + parser->at, size - parser->at, max, &parser->scanned, ret_size)) {
	case HTTP_LINE_MORE:
		return HTTP_ANSWER_MORE;
	case HTTP_LINE_FOUND:
		/* What is taken with its CRLF must leave room for the next computation of max. */
		return *ret_size + 2 <= max ? GO_ON : refuse(parser, "the headers are too large");
	case HTTP_LINE_TOO_LONG:
		return refuse(parser, "the headers are too large");
	case HTTP_LINE_BAD_END:
		break;
	}
	return refuse(parser, "a line does not end with CRLF");
}

static void take_line(struct http_answer_parser *parser, size_t line_size)
{
	parser->at += line_size + 2;
	parser->scanned = 0;
}

/* "HTTP/1.1 200 OK"; the phrase may be missing, with or without the space before it. */
static enum http_answer_parse step_status_line(
        struct http_answer_parser *parser, const char *text, size_t size)
{
	size_t line_size = 0;
	enum http_answer_parse found = find_line(parser, text, size, &line_size);
	if (found != GO_ON) {
		return found;
	}
	const char *line = text + parser->at;
	uint64_t status = 0;
	if (line_size < 12 || memcmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ' ||
	        (line[7] != '0' && line[7] != '1') || (line_size > 12 && line[12] != ' ') ||
	        !http_digits_parse(line + 9, 3, &status) || status < 100 || status > 599) {
		return refuse(parser, "the answer is not HTTP/1.1");
	}
	parser->status = (unsigned)status;
	parser->is_keep_alive = line[7] == '1';
	take_line(parser, line_size);
	parser->phase = PHASE_HEADERS;
	return GO_ON;
}

static enum http_answer_parse note_framing(
        struct http_answer_parser *parser, const char *name, const char *value, size_t value_size)
{
	if (http_text_is(name, strlen(name), "Content-Length")) {
		uint64_t before = parser->length;
		if (!http_digits_parse(value, value_size, &parser->length) ||
		        (parser->has_length && parser->length != before)) {
			return refuse(parser, "Content-Length is not one number");
		}
		parser->has_length = true;
	} else if (http_text_is(name, strlen(name), "Transfer-Encoding")) {
		if (parser->is_chunked || !http_text_is(value, value_size, "chunked")) {
			return refuse(parser, "Transfer-Encoding is something else than chunked");
		}
		parser->is_chunked = true;
	}
	return GO_ON;
}

static enum http_answer_parse read_header(
        struct http_answer_parser *parser, char *text, size_t line_size)
{
	struct http_field field;
	const char *wrong = http_field_split(text + parser->at, line_size, &field);
	if (wrong != NULL) {
		return refuse(parser, wrong);
	}
	if (++parser->n_headers > HEADERS_MAX) {
		return refuse(parser, "there are too many headers");
	}
	const char *name = text + parser->at;
	const char *value = name + field.value_at;
	uint64_t seconds = 0;
	if (http_text_is(name, field.name_size, "Content-Type")) {
		parser->type_at = parser->at + field.value_at;
	} else if (http_text_is(name, field.name_size, "Connection")) {
		parser->has_close = parser->has_close || http_list_has(value, "close");
	} else if (http_text_is(name, field.name_size, "Retry-After") &&
	        http_digits_parse(value, field.value_size, &seconds)) {
		parser->retry_after_seconds =
		        (uint32_t)(seconds < RETRY_AFTER_MAX ? seconds : RETRY_AFTER_MAX);
	}
	return note_framing(parser, name, value, field.value_size);
}

static enum http_answer_parse end_answer(struct http_answer_parser *parser, size_t body_size)
{
	parser->body_size = body_size;
	parser->phase = PHASE_DONE;
	return HTTP_ANSWER_DONE;
}

/* An interim answer is followed by the one that counts, on the same connection. */
static enum http_answer_parse skip_interim(struct http_answer_parser *parser)
{
	if (parser->status == 101) {
		return refuse(parser, "the server wants to change the protocol");
	}
	parser->phase = PHASE_STATUS_LINE;
	parser->type_at = 0;
	parser->has_length = false;
	parser->is_chunked = false;
	return GO_ON;
}

static enum http_answer_parse end_headers(struct http_answer_parser *parser)
{
	if (parser->status < 200) {
		return skip_interim(parser);
	}
	if (parser->is_chunked && parser->has_length) {
		return refuse(parser, "there are both Content-Length and Transfer-Encoding");
	}
	parser->is_keep_alive = parser->is_keep_alive && !parser->has_close;
	parser->body_at = parser->at;
	parser->phase = PHASE_BODY;
	if (parser->is_head || parser->status == 204 || parser->status == 304) {
		return end_answer(parser, 0);
	}
	if (parser->has_length && parser->length > parser->max_body) {
		return refuse(parser, "the body is larger than this client takes");
	}
	return GO_ON;
}

static enum http_answer_parse step_headers(
        struct http_answer_parser *parser, char *text, size_t size)
{
	size_t line_size = 0;
	enum http_answer_parse found = find_line(parser, text, size, &line_size);
	if (found != GO_ON) {
		return found;
	}
	if (line_size != 0) {
		enum http_answer_parse header = read_header(parser, text, line_size);
		if (header != GO_ON) {
			return header;
		}
	}
	take_line(parser, line_size);
	return line_size != 0 ? GO_ON : end_headers(parser);
}

static enum http_answer_parse step_chunks(
        struct http_answer_parser *parser, char *text, size_t *size)
{
	const struct http_chunked_limits limits = {
		.max_body = parser->max_body,
		.max_overhead = HEADERS_SIZE_MAX,
		.max_trailers = HEADERS_MAX,
	};
	switch (http_chunked_decode(&parser->chunked, &limits, text, parser->body_at, size)) {
	case HTTP_CHUNKED_MORE:
		return HTTP_ANSWER_MORE;
	case HTTP_CHUNKED_DONE:
		return end_answer(parser, parser->chunked.body_size);
	case HTTP_CHUNKED_TOO_LARGE:
		return refuse(parser, "the body is larger than this client takes");
	case HTTP_CHUNKED_BAD:
		break;
	}
	return refuse(parser, parser->chunked.reason);
}

static enum http_answer_parse step_body(struct http_answer_parser *parser, char *text, size_t *size)
{
	if (parser->is_chunked) {
		return step_chunks(parser, text, size);
	}
	size_t n_bytes = *size - parser->body_at;
	if (!parser->has_length) {
		return n_bytes > parser->max_body
		        ? refuse(parser, "the body is larger than this client takes")
		        : HTTP_ANSWER_MORE;
	}
	return n_bytes >= parser->length ? end_answer(parser, (size_t)parser->length)
	                                 : HTTP_ANSWER_MORE;
}

enum http_answer_parse http_answer_parser_advance(
        struct http_answer_parser *parser, char *text, size_t *size)
{
	enum http_answer_parse result = GO_ON;
	while (result == GO_ON) {
		switch ((enum phase)parser->phase) {
		case PHASE_STATUS_LINE:
			result = step_status_line(parser, text, *size);
			break;
		case PHASE_HEADERS:
			result = step_headers(parser, text, *size);
			break;
		case PHASE_BODY:
			return step_body(parser, text, size);
		case PHASE_DONE:
			return HTTP_ANSWER_DONE;
		case PHASE_BAD:
			return HTTP_ANSWER_BAD;
		}
	}
	return result;
}

enum http_answer_parse http_answer_parser_end(struct http_answer_parser *parser, size_t size)
{
	if (parser->phase == PHASE_BODY && !parser->has_length && !parser->is_chunked) {
		parser->is_keep_alive = false;
		return end_answer(parser, size - parser->body_at);
	}
	return parser->phase == PHASE_DONE
	        ? HTTP_ANSWER_DONE
	        : refuse(parser, "the connection was closed before the answer was complete");
}
