/* SPDX-License-Identifier: MIT */
/* One connection of a server, from accept to close: it owns itself. */
#ifndef CORE_HTTP_CONNECTION_H
#define CORE_HTTP_CONNECTION_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "core/http/deadline.h"
#include "core/http/output.h"
#include "core/http/stream.h"

struct http_request;
struct http_server;
struct sockaddr;

enum http_connection_state {
	HTTP_HANDSHAKE,
	HTTP_READING, /* waiting for a request, or for the rest of one */
	HTTP_HANDLING, /* a handler has the request */
	HTTP_WRITING,
	HTTP_LINGERING, /* all is sent; what comes is thrown away until the peer closes */
	HTTP_CLOSED /* to be destroyed when the running callback is left */
};

struct http_connection {
	LIST_ENTRY(http_connection) links;
	TAILQ_ENTRY(http_connection) held_links;
	struct http_server *server; /* borrowed */
	struct http_stream stream;
	struct event readable;
	struct event writable;
	struct http_deadline deadline;
	enum http_connection_state state;
	struct http_request *request; /* owned */
	char *buffer; /* owned */
	size_t capacity;
	size_t start; /* of the request under way */
	size_t end; /* of what was received */
	struct http_output output;
	size_t n_lingered;
	bool has_begun; /* the first byte of the request under way was looked at */
	bool has_continued; /* 100 Continue was sent for it */
	bool is_last; /* the connection ends with this reply */
	bool must_linger; /* the peer may still be sending */
	bool is_ended; /* the peer sends no more */
	bool is_held; /* in the server's list of held replies */
	bool is_with_handler; /* the request is, whatever the state */
	bool is_busy; /* one of its callbacks runs */
};

/* Takes the socket and puts the connection into the server's list. */
void http_connection_open(struct http_server *server, int fd, const struct sockaddr *peer);

/* As above, but only to say 503 and close. */
void http_connection_open_refused(struct http_server *server, int fd, const struct sockaddr *peer);

/* A request that is still with a handler stays valid. */
void http_connection_destroy(struct http_connection *connection);

/* The server stops: ends the connection now if no request is under way, else after it. */
void http_connection_stop(struct http_connection *connection);

/* Between the files of the connection: answer sent in full; socket ready to read in HTTP_READING;
 * deadline passed. */
void http_connection_finish_answer(struct http_connection *connection);
void http_connection_receive(struct http_connection *connection);
void http_connection_expire(struct http_connection *connection);
/* Sends what there is of the output and goes on. */
void http_connection_flush(struct http_connection *connection);
/* The same, as a callback of its own, for a connection that has left the list of held ones. */
void http_connection_send_held(struct http_connection *connection);
/* Sets the deadline of the state, from `from_us` on. */
void http_connection_limit(struct http_connection *connection, uint64_t from_us, uint64_t after_ms);
/* Ends a callback: destroys the connection if it was closed, or goes on with what is there. */
void http_connection_settle(struct http_connection *connection);
/* Waits for the peer to send, or no longer. */
void http_connection_watch(struct http_connection *connection, bool is_reading);

#endif
