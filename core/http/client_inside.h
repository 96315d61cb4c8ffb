/* SPDX-License-Identifier: MIT */
/*
 * The inside of the client, for its own files alone. A call waits at its host, runs on a
 * connection, and is delivered: at once when an answer came in an event, else by an event of its
 * own, so that no callback runs inside a call of the caller.
 */
#ifndef CORE_HTTP_CLIENT_INSIDE_H
#define CORE_HTTP_CLIENT_INSIDE_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "core/http/address.h"
#include "core/http/answer_parser.h"
#include "core/http/client.h"
#include "core/http/deadline.h"
#include "core/http/output.h"
#include "core/http/stream.h"

struct addrinfo;
struct http_lookup;
struct http_host;
struct http_link;

enum http_call_state {
	HTTP_CALL_WAITING, /* at its host */
	HTTP_CALL_RUNNING, /* on a link */
	HTTP_CALL_FAILED /* to be delivered by its event */
};

struct http_call {
	TAILQ_ENTRY(http_call) links; /* of the host, or of the client once it has failed */
	struct http_client *client; /* borrowed */
	struct http_host *host; /* borrowed; NULL if the URL was of no use */
	struct http_link *link; /* borrowed, while it runs */
	enum http_call_state state;
	char *head; /* owned */
	size_t head_size;
	char *body; /* owned */
	size_t body_size;
	bool is_head_method;
	bool is_repeatable;
	bool is_unsent; /* of a failure */
	char *error; /* owned; of a failure */
	struct http_deadline deadline;
	struct event failed;
	http_response_fn on_response;
	void *user;
};
TAILQ_HEAD(http_call_list, http_call);

enum http_link_state {
	HTTP_LINK_RESOLVING,
	HTTP_LINK_CONNECTING,
	HTTP_LINK_HANDSHAKE,
	HTTP_LINK_IDLE,
	HTTP_LINK_BUSY
};

/* One connection to a host. */
struct http_link {
	LIST_ENTRY(http_link) links;
	struct http_host *host; /* borrowed */
	enum http_link_state state;
	struct http_stream stream;
	struct event readable;
	struct event writable;
	struct http_deadline deadline; /* connecting, or idle */
	struct http_lookup *lookup; /* while resolving */
	struct addrinfo *addresses; /* owned */
	const struct addrinfo *next_address; /* borrowed from addresses */
	struct http_call *call; /* borrowed, while busy */
	struct http_output output;
	uint64_t n_sent; /* of the call under way */
	uint64_t n_calls; /* answered so far */
	struct http_answer_parser parser;
	char *buffer; /* owned; always room for a NUL behind the end */
	size_t capacity;
	size_t size;
};
LIST_HEAD(http_link_list, http_link);

struct http_host {
	SLIST_ENTRY(http_host) links;
	struct http_client *client; /* borrowed */
	struct http_address address;
	bool is_tls;
	struct http_call_list waiting;
	size_t n_waiting;
	struct http_link_list open;
	size_t n_links;
	size_t n_opening; /* of the links: not connected yet */
	bool is_delivering; /* a link is about to be free again */
};
SLIST_HEAD(http_host_list, http_host);

struct http_client {
	struct event_base *base; /* borrowed */
	struct http_client_settings settings;
	struct http_host_list hosts;
	struct http_call_list failed;
	size_t n_waiting; /* of all hosts */
};

/* client.c */

/* Gives waiting calls to links that are free, and opens links for the rest. */
void http_host_serve(struct http_host *host);
/* A link could not be made. */
void http_host_unreachable(struct http_host *host, const char *error);
/* Ends a call without an answer, later (whatever state it is in). */
void http_call_fail(struct http_call *call, bool is_unsent, const char *error);
/* Puts a running call back in front of its host's queue. */
void http_call_again(struct http_call *call);
/* Calls back and frees the call. */
void http_call_deliver(struct http_call *call, const struct http_response *response);

/* client_link.c */

/* Opens one; what comes of it is told later. */
void http_link_open(struct http_host *host);
/* Sends the call; the link is idle. */
void http_link_run(struct http_link *link, struct http_call *call);
/* Closes it; its call, if it has one, is the caller's care. */
void http_link_destroy(struct http_link *link);

#endif
