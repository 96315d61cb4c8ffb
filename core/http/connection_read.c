/* SPDX-License-Identifier: MIT */
/*
 * From bytes to requests: the receive buffer and the loop that parses it. A request is handed on
 * when it is complete; the next one is looked at when its answer has been sent.
 */
#include "core/http/connection.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "core/http/exchange.h"
#include "core/http/problem.h"
#include "core/http/reply.h"
#include "core/http/server_inside.h"

enum { BUFFER_START = 4096, RETRY_SECONDS = 5 };

/* Space for at least one byte more. What arrives is what makes it grow, not what is announced.
 * False: there is no memory for it. */
static bool make_room(struct http_connection *connection)
{
	if (connection->start == connection->end) {
		connection->start = 0;
		connection->end = 0;
	}
	if (connection->end < connection->capacity) {
		return true;
	}
	if (connection->start != 0) {
		memmove(connection->buffer, connection->buffer + connection->start,
		        connection->end - connection->start);
		connection->end -= connection->start;
		connection->start = 0;
		return true;
	}
	size_t capacity = connection->capacity != 0 ? connection->capacity * 2 : BUFFER_START;
	char *buffer = reallocarray(connection->buffer, capacity, 1);
	if (buffer == NULL) {
		return false;
	}
	connection->buffer = buffer;
	connection->capacity = capacity;
	return true;
}

static const struct http_problem_kind *kind_of_status(unsigned status)
{
	for (size_t i = 0; i < http_problem_n_kinds; i++) {
		if (http_problem_kinds[i]->status == status) {
			return http_problem_kinds[i];
		}
	}
	return &http_problem_bad_request;
}

/* What follows such a request cannot be told apart from it, so it is the last one. */
static void refuse(struct http_connection *connection, unsigned status, const char *reason)
{
	bool is_too_large = status == 413 || status == 414 || status == 431;
	http_request_refused(connection->request,
	        is_too_large ? HTTP_REFUSED_TOO_LARGE : HTTP_REFUSED_MALFORMED);
	connection->is_last = true;
	connection->must_linger = true;
	http_reply_problemf(
	        connection->request, kind_of_status(status), "The request is refused: %s.", reason);
}

/* What a stranger sends is not worth the reserve, nor the process. */
static void refuse_without_memory(struct http_connection *connection)
{
	if (!connection->has_begun) {
		connection->state = HTTP_CLOSED;
		return;
	}
	connection->is_last = true;
	connection->must_linger = true;
	const struct http_problem problem = {
		.kind = &http_problem_unavailable,
		.detail = "there is no memory for the request",
		.retry_after_seconds = RETRY_SECONDS,
	};
	http_reply_problem(connection->request, &problem);
}

static void begin(struct http_connection *connection)
{
	const struct http_settings *settings = &connection->server->settings;
	connection->has_begun = true;
	connection->request->started_us = http_now_us();
	http_connection_limit(connection, connection->request->started_us, settings->header_ms);
}

/* Headers are there: route and admission are decided before any of the body is waited for. */
static void take_head(struct http_connection *connection)
{
	struct http_request *request = connection->request;
	const struct http_settings *settings = &connection->server->settings;
	connection->server->counters.requests++;
	request->parser.max_body = settings->max_body;
	const char *wrong = http_request_decode(request);
	if (wrong != NULL) {
		refuse(connection, 400, wrong);
		return;
	}
	if (http_router_admit(settings->router, request)) {
		http_connection_limit(connection, request->started_us, settings->request_ms);
		return;
	}
	/* Refused without a reply the request would go on to its handler. */
	assert(!connection->has_begun || connection->state != HTTP_READING);
}

static void take_request(struct http_connection *connection)
{
	connection->state = HTTP_HANDLING;
	connection->is_with_handler = true;
	connection->server->counters.requests_open++;
	http_connection_limit(connection, http_now_us(), connection->server->settings.answer_ms);
	http_router_handle(connection->request);
}

/* More bytes are needed; the peer may be waiting to hear that it shall send them. */
static void await_more(struct http_connection *connection, size_t size)
{
	const struct http_parser *parser = &connection->request->parser;
	if (connection->is_ended) {
		connection->state = HTTP_CLOSED;
		return;
	}
	if (parser->expects_continue && !connection->has_continued && parser->body_at != 0 &&
	        size == parser->body_at) {
		connection->has_continued = true;
		http_output_text(&connection->output, "HTTP/1.1 100 Continue\r\n\r\n");
		/* What the socket does not take now goes out in front of the reply. */
		if (http_output_send(&connection->output, &connection->stream,
		            &connection->server->counters.bytes_sent) == HTTP_OUTPUT_FAILED) {
			connection->state = HTTP_CLOSED;
		}
	}
}

/* One step of the parser. False: nothing more can be done with what is in the buffer. */
static bool parse(struct http_connection *connection)
{
	struct http_request *request = connection->request;
	size_t size = connection->end - connection->start;
	if (!connection->has_begun) {
		begin(connection);
	}
	request->text = connection->buffer + connection->start;
	enum http_parse result = http_parser_advance(&request->parser, request->text, &size);
	connection->end = connection->start + size;
	switch (result) {
	case HTTP_PARSE_MORE:
		await_more(connection, size);
		return false;
	case HTTP_PARSE_HEAD:
		take_head(connection);
		break;
	case HTTP_PARSE_DONE:
		take_request(connection);
		break;
	case HTTP_PARSE_REFUSED:
		refuse(connection, request->parser.status, request->parser.reason);
		break;
	}
	return true;
}

static void parse_all(struct http_connection *connection)
{
	while (connection->state == HTTP_READING && connection->start < connection->end) {
		if (!parse(connection)) {
			return;
		}
	}
	if (connection->state == HTTP_READING && connection->is_ended) {
		connection->state = HTTP_CLOSED;
	}
}

/* Returns whether there is more to read at once. */
static bool read_some(struct http_connection *connection)
{
	if (!make_room(connection)) {
		refuse_without_memory(connection);
		return false;
	}
	ssize_t n_bytes = http_stream_read(&connection->stream,
	        connection->buffer + connection->end, connection->capacity - connection->end);
	if (n_bytes == HTTP_STREAM_AGAIN) {
		if (connection->stream.wants == EV_WRITE) {
			(void)event_add(&connection->writable, NULL);
		}
		return false;
	}
	if (n_bytes == HTTP_STREAM_FAILED) {
		connection->state = HTTP_CLOSED;
		return false;
	}
	if (n_bytes == HTTP_STREAM_END) {
		connection->is_ended = true;
		http_connection_watch(connection, false);
	} else {
		connection->end += (size_t)n_bytes;
		connection->server->counters.bytes_received += (uint64_t)n_bytes;
	}
	parse_all(connection);
	return http_stream_has_pending(&connection->stream);
}

void http_connection_receive(struct http_connection *connection)
{
	if (!connection->has_begun && connection->end > connection->start) {
		parse_all(connection);
	}
	while (connection->state == HTTP_READING && !connection->is_ended) {
		if (!read_some(connection)) {
			return;
		}
	}
}
