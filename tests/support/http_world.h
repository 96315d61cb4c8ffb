/* SPDX-License-Identifier: MIT */
/*
 * A server with a few routes, and peers that speak to it in raw bytes, all on one event base:
 * waiting turns the loop until something is so, or a bound has passed.
 */
#ifndef TESTS_SUPPORT_HTTP_WORLD_H
#define TESTS_SUPPORT_HTTP_WORLD_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/http/problem.h"
#include "core/http/reply.h"
#include "core/http/request.h"
#include "core/http/router.h"
#include "core/http/server.h"

enum { WORLD_LATER_MAX = 64 };

/* What runs: GET /hello, POST /echo, POST /later (replied by the test), GET /big (1 MiB),
 * POST /small (8 bytes at most), POST /json, POST /secret (401 without a token), GET /items/{id},
 * POST /items/{id}:cancel, GET /query, GET /nothing (204), GET /unchanged (304), GET and POST
 * /both, GET /order/{id}:b and /order/{id}, GET /borrowed (16 MiB that are gone after the reply).
 */
struct world {
	struct loop *loop;
	struct event_base *base; /* the loop's */
	struct http_router *router;
	struct http_server *server;
	unsigned n_handled; /* requests that reached a handler */
	struct http_request *later[WORLD_LATER_MAX]; /* the test's to reply to */
	unsigned n_later;
	bool is_stopped;
	unsigned n_reports;
	unsigned last_status;
};

struct peer {
	struct world *world;
	int fd;
	struct event *readable;
	char *received; /* terminated by NUL */
	size_t size;
	size_t room; /* bytes allocated for received */
	bool is_closed; /* the server sends no more, or has reset the connection */
	bool is_reset;
};

/* Short deadlines would make tests flaky on a slow machine: these are long but for what is tested.
 */
struct http_settings world_settings(void);
void world_start(struct world *world, const struct http_settings *settings);
/* With a server that knows the event base only, not the loop. */
void world_start_alone(struct world *world);
void world_stop(struct world *world);

/* Turns the loop until is_so(subject), 10 s at most. Returns whether it came so. */
bool world_wait(struct world *world, bool (*is_so)(void *subject), void *subject);

/* Turns the loop until nothing happens any more. */
void world_settle(struct world *world);

struct peer *peer_create(struct world *world);
/* With a receive buffer of that size, so that it is soon full if nothing is read. */
struct peer *peer_create_slow(struct world *world, int buffer_size);
void peer_destroy(struct peer *peer);
void peer_send(struct peer *peer, const char *text);
void peer_send_bytes(struct peer *peer, const void *bytes, size_t size);
/* Sends no more. */
void peer_end(struct peer *peer);
/* Until the text (or the end of the connection) was received; whether it was. */
bool peer_wait_text(struct peer *peer, const char *text);
bool peer_wait_closed(struct peer *peer);
/* How often it was received. */
unsigned peer_count(const struct peer *peer, const char *text);
void peer_clear(struct peer *peer);
/* Checks that the text is answered with one problem of this status and the connection's end. */
void peer_expect_refusal(struct world *world, const char *text, const char *status);

/* Replies to the oldest request of /later. */
void world_reply_later(struct world *world, const char *text);

#endif
