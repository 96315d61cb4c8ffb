/* SPDX-License-Identifier: MIT */
/*
 * Life of a connection: its events, its deadline, its end. Each callback is bracketed by enter()
 * and http_connection_settle(): whatever closes the connection only marks it, and that destroys it,
 * so that nothing goes on with a connection that is gone. Reading is in connection_read.c,
 * answering in connection_answer.c.
 */
#include "core/http/connection.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>

#include "core/http/exchange.h"
#include "core/http/problem.h"
#include "core/http/server_inside.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

enum {
	/* Thrown away before the connection is closed anyway: many clients read an answer only when
	 * they have sent their whole body. linger_ms bounds it as well. */
	LINGER_MAX = 8 << 20
};

static void enter(struct http_connection *connection)
{
	connection->is_busy = true;
}

/* Bytes of a next request are here already, so that the socket will not wake us for them. */
static bool has_leftover(const struct http_connection *connection)
{
	return connection->state == HTTP_READING && !connection->has_begun &&
	        (connection->end > connection->start ||
	                (!connection->is_ended && http_stream_has_pending(&connection->stream)));
}

void http_connection_settle(struct http_connection *connection)
{
	connection->is_busy = false;
	if (connection->state == HTTP_CLOSED) {
		http_connection_destroy(connection);
	} else if (has_leftover(connection)) {
		event_active(&connection->readable, EV_READ, 1);
	}
}

void http_connection_limit(struct http_connection *connection, uint64_t from_us, uint64_t after_ms)
{
	http_deadline_set(&connection->deadline, from_us, after_ms);
}

void http_connection_watch(struct http_connection *connection, bool is_reading)
{
	bool was_reading = event_pending(&connection->readable, EV_READ, NULL) != 0;
	if (is_reading && !was_reading) {
		(void)event_add(&connection->readable, NULL);
	} else if (!is_reading && was_reading) {
		(void)event_del(&connection->readable);
	}
}

static void shake_hands(struct http_connection *connection)
{
	int result = http_stream_handshake(&connection->stream);
	if (result == HTTP_STREAM_AGAIN) {
		if (connection->stream.wants == EV_WRITE) {
			(void)event_add(&connection->writable, NULL);
		}
		return;
	}
	if (result != 1) {
		connection->server->counters.refused[HTTP_REFUSED_TLS]++;
		connection->state = HTTP_CLOSED;
		return;
	}
	connection->state = HTTP_READING;
	http_connection_limit(connection, http_now_us(), connection->server->settings.idle_ms);
	http_connection_receive(connection);
}

static void throw_away(struct http_connection *connection)
{
	char bytes[4096];
	ssize_t n_bytes;
	do {
		n_bytes = http_stream_read(&connection->stream, bytes, sizeof(bytes));
		if (n_bytes > 0) {
			connection->n_lingered += (size_t)n_bytes;
		}
	} while (n_bytes > 0 && connection->n_lingered < LINGER_MAX);
	if (n_bytes != HTTP_STREAM_AGAIN) {
		connection->state = HTTP_CLOSED;
	}
}

/* While a handler works nothing is read: what the peer sends waits in the socket. */
static void hold_back(struct http_connection *connection)
{
	if (http_stream_is_broken(&connection->stream)) {
		connection->state = HTTP_CLOSED;
	} else {
		http_connection_watch(connection, false);
	}
}

static void on_readable(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct http_connection *connection = user;
	enter(connection);
	switch (connection->state) {
	case HTTP_HANDSHAKE:
		shake_hands(connection);
		break;
	case HTTP_READING:
		http_connection_receive(connection);
		break;
	case HTTP_HANDLING:
		hold_back(connection);
		break;
	case HTTP_WRITING:
		/* TLS may have waited for this; else what comes belongs to the next request. */
		if (!connection->is_held && connection->stream.wants == EV_READ) {
			http_connection_flush(connection);
		} else {
			hold_back(connection);
		}
		break;
	case HTTP_LINGERING:
		throw_away(connection);
		break;
	case HTTP_CLOSED:
		break;
	}
	http_connection_settle(connection);
}

static void on_writable(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct http_connection *connection = user;
	enter(connection);
	if (connection->state == HTTP_HANDSHAKE) {
		shake_hands(connection);
	} else if (connection->state == HTTP_WRITING && !connection->is_held) {
		http_connection_flush(connection);
	} else if (connection->state == HTTP_READING) {
		http_connection_receive(connection);
	}
	http_connection_settle(connection);
}

static void on_deadline(void *user)
{
	struct http_connection *connection = user;
	enter(connection);
	http_connection_expire(connection);
	http_connection_settle(connection);
}

void http_connection_send_held(struct http_connection *connection)
{
	enter(connection);
	connection->is_held = false;
	http_connection_flush(connection);
	http_connection_settle(connection);
}

static struct http_connection *open_connection(
        struct http_server *server, int fd, const struct sockaddr *peer)
{
	struct http_connection *connection = must_calloc(1, sizeof(*connection));
	if (http_stream_init(&connection->stream, fd, server->settings.tls, NULL) != 0) {
		free(connection);
		return NULL;
	}
	connection->server = server;
	connection->request = http_request_create(&server->settings, connection);
	http_address_print(peer, connection->request->peer, sizeof(connection->request->peer));
	http_deadline_init(&connection->deadline, server->base, on_deadline, connection);
	int assigned = event_assign(&connection->readable, server->base, fd, EV_READ | EV_PERSIST,
	        on_readable, connection);
	assigned |= event_assign(
	        &connection->writable, server->base, fd, EV_WRITE, on_writable, connection);
	assert(assigned == 0);
	LIST_INSERT_HEAD(&server->connections, connection, links);
	server->counters.connections++;
	server->counters.connections_open++;
	return connection;
}

void http_connection_open(struct http_server *server, int fd, const struct sockaddr *peer)
{
	struct http_connection *connection = open_connection(server, fd, peer);
	if (connection == NULL) {
		return;
	}
	const struct http_settings *settings = &server->settings;
	connection->state = settings->tls != NULL ? HTTP_HANDSHAKE : HTTP_READING;
	http_connection_limit(connection, http_now_us(),
	        settings->tls != NULL ? settings->header_ms : settings->idle_ms);
	http_connection_watch(connection, true);
}

void http_connection_open_refused(struct http_server *server, int fd, const struct sockaddr *peer)
{
	struct http_connection *connection = open_connection(server, fd, peer);
	if (connection == NULL) {
		return;
	}
	enter(connection);
	connection->state = HTTP_READING;
	connection->is_last = true;
	connection->must_linger = true;
	const struct http_problem problem = {
		.kind = &http_problem_unavailable,
		.detail = "There are too many connections, try again later.",
		.retry_after_seconds = 1,
	};
	http_reply_problem(connection->request, &problem);
	http_connection_settle(connection);
}

/* The handler's request takes along all that its pointers point into. */
static void detach_request(struct http_connection *connection)
{
	struct http_request *request = steal(connection->request);
	request->bytes = steal(connection->buffer);
	request->connection = NULL;
	connection->capacity = 0;
	connection->start = 0;
	connection->end = 0;
}

void http_connection_destroy(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	if (connection->is_with_handler) {
		server->counters.requests_open--;
		detach_request(connection);
	}
	if (connection->is_held) {
		TAILQ_REMOVE(&server->held, connection, held_links);
	}
	LIST_REMOVE(connection, links);
	(void)event_del(&connection->readable);
	(void)event_del(&connection->writable);
	http_deadline_finish(&connection->deadline);
	http_stream_finish(&connection->stream);
	http_output_finish(&connection->output);
	http_request_destroy(connection->request);
	free(connection->buffer);
	free(connection);
	http_server_closed(server);
}

void http_connection_stop(struct http_connection *connection)
{
	bool is_idle = connection->state == HTTP_READING && !connection->has_begun &&
	        connection->end == connection->start;
	if (connection->is_busy || !(is_idle || connection->state == HTTP_HANDSHAKE)) {
		return;
	}
	http_connection_destroy(connection);
}

static void refuse_slow_request(struct http_connection *connection)
{
	connection->is_last = true;
	connection->must_linger = true;
	connection->server->counters.refused[HTTP_REFUSED_TIMEOUT]++;
	http_reply_problemf(connection->request, &http_problem_request_timeout,
	        "The request was not complete in time.");
}

/* The peer gets an answer, the handler keeps a request that nobody waits for any more. */
static void answer_for_handler(struct http_connection *connection)
{
	const struct http_problem problem = {
		.kind = &http_problem_unavailable,
		.detail = "The answer takes too long; the request may still be carried out.",
		.retry_after_seconds = 1,
	};
	size_t size = 0;
	char *text = http_problem_print(&problem, &size);
	static const char retry_after[] = "Retry-After: 1\r\n";
	const struct http_answer answer = {
		.status = problem.kind->status,
		.content_type = "application/problem+json",
		.body = text,
		.body_size = size,
		.owned_body = text,
		.extra = retry_after,
		.extra_size = sizeof(retry_after) - 1,
	};
	connection->is_last = true;
	connection->must_linger = true;
	connection->server->counters.refused[HTTP_REFUSED_NO_ANSWER]++;
	http_connection_answer(connection, &answer);
	detach_request(connection);
}

void http_connection_expire(struct http_connection *connection)
{
	switch (connection->state) {
	case HTTP_READING:
		if (connection->has_begun) {
			refuse_slow_request(connection);
		} else {
			connection->state = HTTP_CLOSED;
		}
		return;
	case HTTP_HANDLING:
		answer_for_handler(connection);
		return;
	case HTTP_HANDSHAKE:
		connection->server->counters.refused[HTTP_REFUSED_TIMEOUT]++;
		break;
	case HTTP_WRITING:
		connection->server->counters.refused[HTTP_REFUSED_SLOW_READER]++;
		break;
	case HTTP_LINGERING:
	case HTTP_CLOSED:
		break;
	}
	connection->state = HTTP_CLOSED;
}

struct http_counters *http_connection_counters(const struct http_connection *connection)
{
	return &connection->server->counters;
}
