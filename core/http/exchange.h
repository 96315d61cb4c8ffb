/* SPDX-License-Identifier: MIT */
/*
 * The inside of a request, and of the answer to it, for the files of core/http alone. A request
 * belongs to its connection until that goes; if it is then still with a handler, it becomes its own
 * owner (it takes the received bytes along) and is freed by the reply.
 */
#ifndef CORE_HTTP_EXCHANGE_H
#define CORE_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/http/address.h"
#include "core/http/parser.h"
#include "core/http/server.h"
#include "core/http/target.h"

struct http_connection;
struct http_route;

enum { HTTP_PARAMETERS_MAX = 4, HTTP_EXTRA_HEADERS_MAX = 2048 };

struct http_request {
	struct http_connection *connection; /* NULL: detached */
	char *text; /* first byte of the request, in the connection's buffer or `bytes` */
	char *bytes; /* owned, once detached */
	struct http_parser parser;
	struct http_target target;
	char *scratch; /* owned: what target points into */
	size_t scratch_capacity;
	bool has_target;
	const struct http_route *route;
	void *route_user;
	size_t n_parameters;
	struct http_pair parameters[HTTP_PARAMETERS_MAX];
	char *extra; /* owned: header lines for the reply */
	size_t extra_size;
	uint64_t started_us;
	bool is_replied;
	char peer[HTTP_PEER_MAX];
};

/* A reply on its way to the connection. */
struct http_answer {
	unsigned status;
	const char *content_type; /* may be NULL */
	const char *body; /* borrowed, unless owned_body is the same */
	size_t body_size;
	char *owned_body; /* owned; may be NULL */
	const char *extra; /* header lines; borrowed */
	size_t extra_size;
};

struct http_request *http_request_create(
        const struct http_settings *settings, struct http_connection *connection);
/* Takes NULL. */
void http_request_destroy(struct http_request *request);

/* Makes it ready for the next request of the same connection. */
void http_request_reset(struct http_request *request);

/* Decodes the target once the headers are there. NULL, or a sentence (static). */
const char *http_request_decode(struct http_request *request);

/* Counts a refusal, if the server is still there. */
void http_request_refused(struct http_request *request, enum http_refusal refusal);

/* Chooses the route and answers what needs no body; false: it has replied. */
bool http_router_admit(const struct http_router *router, struct http_request *request);

/* Calls the handler; the request may be gone afterwards. */
void http_router_handle(struct http_request *request);

/* Sends the answer to the request (owned_body is taken over). */
void http_connection_answer(struct http_connection *connection, const struct http_answer *answer);

/* The server's counters, for the router. */
struct http_counters *http_connection_counters(const struct http_connection *connection);

#endif
