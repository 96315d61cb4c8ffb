/* SPDX-License-Identifier: MIT */
/*
 * From an answer to bytes, and on to the next request. Answers come from inside the parse loop or
 * from a handler's later reply; only in the second case is the connection settled here.
 */
#include "core/http/connection.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "core/http/exchange.h"
#include "core/http/request.h"
#include "core/http/server_inside.h"
#include "core/http/status.h"
#include "support/base/cleanup.h"

enum {
	KEPT_BUFFER_MAX = 65536, /* a larger receive buffer is given back */
	WRITE_RATE = 16384 /* bytes a second that a peer must take beyond reply_ms */
};

/* 204 and 304 have no body, and 204 no Content-Length (RFC 9110 §8.6). */
static bool has_body(unsigned status)
{
	return status != 204 && status != 304;
}

static void print_connection(struct http_connection *connection)
{
	struct http_output *output = &connection->output;
	if (connection->is_last) {
		http_output_text(output, "Connection: close\r\n");
	} else if (connection->request->parser.is_http10) {
		http_output_text(output, "Connection: keep-alive\r\n");
	}
}

static void print_head(struct http_connection *connection, const struct http_answer *answer)
{
	struct http_output *output = &connection->output;
	http_output_text(output, "HTTP/1.1 ");
	http_output_number(output, answer->status);
	http_output_text(output, " ");
	http_output_text(output, http_status_phrase(answer->status));
	http_output_text(output, "\r\nDate: ");
	http_output_text(output, http_server_date(connection->server));
	http_output_text(output, "\r\n");
	if (answer->content_type != NULL) {
		http_output_text(output, "Content-Type: ");
		http_output_text(output, answer->content_type);
		http_output_text(output, "\r\n");
	}
	if (has_body(answer->status)) {
		http_output_text(output, "Content-Length: ");
		http_output_number(output, answer->body_size);
		http_output_text(output, "\r\n");
	}
	print_connection(connection);
	if (answer->extra_size != 0) {
		http_output_bytes(output, answer->extra, answer->extra_size);
	}
	http_output_text(output, "\r\n");
}

static void print_body(struct http_connection *connection, const struct http_answer *answer)
{
	bool is_left_out = connection->request->parser.is_head_method || !has_body(answer->status);
	if (is_left_out || answer->body_size == 0) {
		free(answer->owned_body);
	} else if (answer->owned_body != NULL) {
		http_output_owned_body(&connection->output, answer->owned_body, answer->body_size);
	} else {
		http_output_body(&connection->output, answer->body, answer->body_size);
	}
}

static void report(const struct http_connection *connection, unsigned status)
{
	const struct http_settings *settings = &connection->server->settings;
	if (settings->report == NULL) {
		return;
	}
	const struct http_request *request = connection->request;
	const struct http_report report = {
		.method = http_request_method(request),
		.path = http_request_path(request),
		.pattern = http_request_pattern(request),
		.peer = request->peer,
		.status = status,
		.duration_us = request->started_us != 0 ? http_now_us() - request->started_us : 0,
		.body_size = request->parser.body_size,
	};
	settings->report(settings->report_user, &report);
}

/* Whether the connection can go on: not if a body was announced that nobody will read. */
static void decide_last(struct http_connection *connection)
{
	const struct http_parser *parser = &connection->request->parser;
	if (connection->state == HTTP_READING && http_parser_has_body(parser)) {
		connection->is_last = true;
		connection->must_linger = true;
	}
	if (!parser->is_keep_alive || connection->server->is_stopping) {
		connection->is_last = true;
	}
}

/* A body that was not copied may be gone later; it is long, too, and better on its way. */
static bool may_hold(const struct http_connection *connection)
{
	return connection->server->settings.loop != NULL && connection->output.body == NULL;
}

void http_connection_answer(struct http_connection *connection, const struct http_answer *answer)
{
	struct http_counters *counters = &connection->server->counters;
	bool was_busy = connection->is_busy;
	connection->is_busy = true;
	decide_last(connection);
	if (connection->is_with_handler) {
		connection->is_with_handler = false;
		counters->requests_open--;
	} else {
		/* Refused by its headers: all that was read of it are they. */
		connection->request->parser.message_size = connection->request->parser.body_at;
	}
	counters->replies[answer->status / 100 % 6]++;
	print_head(connection, answer);
	print_body(connection, answer);
	report(connection, answer->status);
	connection->start += connection->request->parser.message_size;
	connection->state = HTTP_WRITING;
	http_connection_limit(connection, 0, 0);
	if (!was_busy && may_hold(connection)) {
		connection->is_held = true;
		http_server_hold(connection->server, connection);
	} else {
		http_connection_flush(connection);
	}
	if (!was_busy) {
		http_connection_settle(connection);
	}
}

void http_connection_flush(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	switch (http_output_send(
	        &connection->output, &connection->stream, &server->counters.bytes_sent)) {
	case HTTP_OUTPUT_DONE:
		http_connection_finish_answer(connection);
		return;
	case HTTP_OUTPUT_FAILED:
		connection->state = HTTP_CLOSED;
		return;
	case HTTP_OUTPUT_AGAIN:
		break;
	}
	if (connection->deadline.due_us == 0 && server->settings.reply_ms != 0) {
		uint64_t more_ms = http_output_left(&connection->output) / WRITE_RATE * 1000;
		http_connection_limit(
		        connection, http_now_us(), server->settings.reply_ms + more_ms);
	}
	if (connection->stream.wants == EV_READ) {
		http_connection_watch(connection, true);
	} else {
		(void)event_add(&connection->writable, NULL);
	}
}

/* Closing while the peer still sends would reset the connection and lose the answer with it. */
static void end_connection(struct http_connection *connection)
{
	uint32_t linger_ms = connection->server->settings.linger_ms;
	bool has_unread = connection->must_linger || http_stream_has_unread(&connection->stream);
	if (!has_unread || connection->is_ended || linger_ms == 0) {
		connection->state = HTTP_CLOSED;
		return;
	}
	http_stream_shutdown(&connection->stream);
	connection->state = HTTP_LINGERING;
	http_connection_limit(connection, http_now_us(), linger_ms);
	http_connection_watch(connection, true);
}

static void drop_large_buffer(struct http_connection *connection)
{
	if (connection->capacity > KEPT_BUFFER_MAX && connection->start == connection->end) {
		free(steal(connection->buffer));
		connection->capacity = 0;
		connection->start = 0;
		connection->end = 0;
	}
}

void http_connection_finish_answer(struct http_connection *connection)
{
	if (connection->start < connection->end) {
		connection->must_linger = true;
	}
	if (connection->is_last || connection->server->is_stopping) {
		end_connection(connection);
		return;
	}
	if (connection->is_ended && connection->start == connection->end) {
		connection->state = HTTP_CLOSED;
		return;
	}
	http_request_reset(connection->request);
	connection->has_begun = false;
	connection->has_continued = false;
	connection->state = HTTP_READING;
	drop_large_buffer(connection);
	http_connection_limit(connection, http_now_us(), connection->server->settings.idle_ms);
	http_connection_watch(connection, !connection->is_ended);
}
