/* SPDX-License-Identifier: MIT */
/*
 * Chooses the handler of a request by path and method from tables of routes, and answers what no
 * handler has to see, in this order: 404 path, 405 with Allow, what the route's `admit` refuses
 * (401), 413, 415; all before the body is read; then 400 for a query that cannot be decoded.
 */
#ifndef CORE_HTTP_ROUTER_H
#define CORE_HTTP_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/http/request.h"

typedef void (*http_handle_fn)(void *user, struct http_request *request);

/*
 * Called when the headers are there and the body is not. True: go on. False: it has replied (the
 * connection is then closed if a body was announced).
 */
typedef bool (*http_admit_fn)(void *user, struct http_request *request);

/*
 * A pattern is a path whose segments are text, `{name}`, or `{name}:text` ("/v1/jobs/{job_id}",
 * "/v1/jobs/{job_id}:cancel"). A parameter is one decoded segment, never empty. Of several patterns
 * that fit, the one with the most text wins, whatever its methods. A GET route answers HEAD too.
 */
struct http_route {
	const char *method;
	const char *pattern;
	http_handle_fn handle;
	http_admit_fn admit; /* NULL: everybody */
	const char
	        *body_type; /* media type that the body must have, "application/json"; NULL: any */
	size_t max_body; /* bytes; 0: what the server's settings say */
};

struct http_router;

struct http_router *http_router_create(void);
void http_router_destroy(struct http_router *router);

/*
 * Adds a table of routes (borrowed until the router is destroyed) whose handlers get `user`. A
 * pattern that is not well formed, or a method and pattern that are there already, abort: they are
 * bugs of the table.
 */
void http_router_add(
        struct http_router *router, const struct http_route *routes, size_t n_routes, void *user);

/* What it serves, in the order in which it was added. */
size_t http_router_n_routes(const struct http_router *router);
const struct http_route *http_router_route(const struct http_router *router, size_t index);

#endif
