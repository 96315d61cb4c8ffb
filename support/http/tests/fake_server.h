/* SPDX-License-Identifier: MIT */
/*
 * A server for tests of the client, in the client's own loop: it does with each request what the
 * script says, in the order in which requests come, and keeps its last word for all further ones.
 */
#ifndef SUPPORT_HTTP_TESTS_FAKE_SERVER_H
#define SUPPORT_HTTP_TESTS_FAKE_SERVER_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

struct fake_server;

/* What is done with one request. A text is sent as it stands. */
#define FAKE_CLOSE NULL /* read it, then close without a word */
#define FAKE_STALL "" /* read it, and say nothing */

/* Script: n of the above. Borrowed, as the base. */
struct fake_server *fake_server_create(
        struct event_base *base, const char *const *script, size_t n);
void fake_server_destroy(struct fake_server *server);
uint16_t fake_server_port(const struct fake_server *server);
size_t fake_server_n_requests(const struct fake_server *server);
size_t fake_server_n_connections(const struct fake_server *server);
/* Milliseconds between the first request and the last one. */
int64_t fake_server_spread_ms(const struct fake_server *server);

#endif
