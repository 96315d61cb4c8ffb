/* SPDX-License-Identifier: MIT */
/* The inside of a server, for the files of core/http alone. */
#ifndef CORE_HTTP_SERVER_INSIDE_H
#define CORE_HTTP_SERVER_INSIDE_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "core/http/deadline.h"
#include "core/http/server.h"
#include "core/http/status.h"

struct http_connection;
struct http_listener;

LIST_HEAD(http_connection_list, http_connection);
TAILQ_HEAD(http_held_list, http_connection);
SLIST_HEAD(http_listener_list, http_listener);

struct http_server {
	struct event_base *base; /* borrowed */
	struct http_settings settings;
	struct http_counters counters;
	struct http_connection_list connections;
	struct http_held_list held; /* with a reply that is to leave with others */
	struct http_listener_list listeners;
	struct event stopped; /* made active to call on_stopped off the caller's stack */
	struct http_deadline bound; /* of the stop */
	void (*on_stopped)(void *user);
	void *stopped_user;
	bool is_stopping;
	time_t date_time; /* what `date` says */
	char date[HTTP_DATE_SIZE];
};

/* The value of the Date header; printed once a second. */
const char *http_server_date(struct http_server *server);

/* A listener has accepted that socket (taken). */
struct sockaddr;
void http_server_accepted(struct http_server *server, int fd, const struct sockaddr *peer);

/* The reply of the connection leaves when what the loop has waiting has run. */
void http_server_hold(struct http_server *server, struct http_connection *connection);

/* A connection has gone. */
void http_server_closed(struct http_server *server);

#endif
