/* SPDX-License-Identifier: MIT */
/* Settings, counters, the list of connections, and the graceful end of all of them. */
#include "core/http/server.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/http/connection.h"
#include "core/http/listener.h"
#include "core/http/server_inside.h"
#include "core/loop.h"
#include "support/base/memory.h"

enum {
	REFUSED_MAX = 64 /* connections beyond the limit that are told so, instead of being cut */
};

struct http_settings http_settings_default(void)
{
	return (struct http_settings){
		.max_connections = 1024,
		.max_request_line = 8192,
		.max_headers_size = 32768,
		.max_headers = 100,
		.max_body = 1048576,
		.header_ms = 10000,
		.request_ms = 30000,
		.answer_ms = 60000,
		.reply_ms = 30000,
		.idle_ms = 60000,
		.linger_ms = 2000,
	};
}

const char *http_refusal_name(enum http_refusal refusal)
{
	static const char *const names[HTTP_N_REFUSALS] = {
		[HTTP_REFUSED_CONNECTIONS] = "connections",
		[HTTP_REFUSED_TLS] = "tls",
		[HTTP_REFUSED_MALFORMED] = "malformed",
		[HTTP_REFUSED_TOO_LARGE] = "too_large",
		[HTTP_REFUSED_TIMEOUT] = "timeout",
		[HTTP_REFUSED_NO_ROUTE] = "no_route",
		[HTTP_REFUSED_MEDIA_TYPE] = "media_type",
		[HTTP_REFUSED_NO_ANSWER] = "no_answer",
		[HTTP_REFUSED_SLOW_READER] = "slow_reader",
	};
	return names[refusal];
}

static void on_stopped(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct http_server *server = user;
	http_deadline_finish(&server->bound);
	server->on_stopped(server->stopped_user);
}

static void cut_connections(struct http_server *server)
{
	while (!LIST_EMPTY(&server->connections)) {
		http_connection_destroy(LIST_FIRST(&server->connections));
	}
}

static void on_bound(void *user)
{
	cut_connections(user);
}

static void on_release(void *user)
{
	struct http_server *server = user;
	struct http_connection *connection;
	while ((connection = TAILQ_FIRST(&server->held)) != NULL) {
		TAILQ_REMOVE(&server->held, connection, held_links);
		http_connection_send_held(connection);
	}
}

struct http_server *http_server_create(
        struct event_base *base, const struct http_settings *settings)
{
	assert(settings->router != NULL);
	struct http_server *server = must_calloc(1, sizeof(*server));
	server->base = base;
	server->settings = *settings;
	LIST_INIT(&server->connections);
	TAILQ_INIT(&server->held);
	SLIST_INIT(&server->listeners);
	http_deadline_init(&server->bound, base, on_bound, server);
	int assigned = event_assign(&server->stopped, base, -1, 0, on_stopped, server);
	assert(assigned == 0);
	(void)assigned;
	return server;
}

void http_server_destroy(struct http_server *server)
{
	if (server == NULL) {
		return;
	}
	http_listeners_close(server);
	cut_connections(server);
	if (server->settings.loop != NULL) {
		loop_cancel(server->settings.loop, on_release, server);
	}
	(void)event_del(&server->stopped);
	http_deadline_finish(&server->bound);
	free(server);
}

int http_server_listen(struct http_server *server, const char *address, char **ret_error)
{
	return http_listeners_open(server, address, ret_error);
}

uint16_t http_server_port(const struct http_server *server)
{
	return http_listeners_port(server);
}

void http_server_accepted(struct http_server *server, int fd, const struct sockaddr *peer)
{
	size_t n_open = server->counters.connections_open;
	size_t max = server->settings.max_connections;
	if (n_open < max) {
		http_connection_open(server, fd, peer);
		return;
	}
	server->counters.refused[HTTP_REFUSED_CONNECTIONS]++;
	if (n_open < max + REFUSED_MAX && server->settings.tls == NULL) {
		http_connection_open_refused(server, fd, peer);
	} else {
		close(fd);
	}
}

void http_server_hold(struct http_server *server, struct http_connection *connection)
{
	if (TAILQ_EMPTY(&server->held)) {
		loop_defer(server->settings.loop, on_release, server);
	}
	TAILQ_INSERT_TAIL(&server->held, connection, held_links);
}

void http_server_closed(struct http_server *server)
{
	server->counters.connections_open--;
	if (server->is_stopping && server->counters.connections_open == 0) {
		event_active(&server->stopped, 0, 0);
	}
}

void http_server_stop(
        struct http_server *server, uint32_t bound_ms, void (*on_done)(void *user), void *user)
{
	assert(!server->is_stopping);
	server->is_stopping = true;
	server->on_stopped = on_done;
	server->stopped_user = user;
	http_listeners_close(server);
	if (server->counters.connections_open == 0) {
		event_active(&server->stopped, 0, 0);
		return;
	}
	http_deadline_set(&server->bound, http_now_us(), bound_ms != 0 ? bound_ms : 1);
	struct http_connection *connection = LIST_FIRST(&server->connections);
	while (connection != NULL) {
		struct http_connection *next = LIST_NEXT(connection, links);
		http_connection_stop(connection);
		connection = next;
	}
}

const struct http_counters *http_server_counters(const struct http_server *server)
{
	return &server->counters;
}

const char *http_server_date(struct http_server *server)
{
	time_t now = time(NULL);
	if (now != server->date_time) {
		server->date_time = now;
		http_date_print(now, server->date);
	}
	return server->date;
}
