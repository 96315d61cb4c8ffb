/* SPDX-License-Identifier: MIT */
/*
 * What a server may send over a connection with three calls on it. A first byte of `h` means
 * headers of an answer, a line each (`name: value`), led to a call as nghttp2 would; anything else
 * means frames. Each call ends exactly once, and one without a status of OK has no message.
 */
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "support/grpc/private.h"
#include "tests/fuzz/fuzz.h"

enum { N_CALLS = 3 };

struct world {
	struct event_base *base;
	struct grpc_client *client;
	struct grpc_connection *connection;
	unsigned n_answers;
};

/* An empty SETTINGS frame: with it a server begins. */
static const uint8_t settings[] = { 0, 0, 0, 4, 0, 0, 0, 0, 0 };

static void on_answer(void *user, const struct grpc_answer *answer)
{
	struct world *world = user;
	world->n_answers++;
	if ((answer->status != GRPC_OK && answer->size != 0) || answer->sentence == NULL) {
		abort();
	}
}

/* A connection without a socket: bytes are handed to nghttp2 here. */
static void make_connection(struct world *world)
{
	struct grpc_connection *connection = must_calloc(1, sizeof(*connection));
	connection->client = world->client;
	TAILQ_INIT(&connection->calls);
	TAILQ_INSERT_TAIL(&world->client->connections, connection, entry);
	connection->timer = must_have(event_new(world->base, -1, 0, NULL, NULL));
	connection->bufferevent = must_have(bufferevent_socket_new(world->base, -1, 0));
	world->connection = connection;
	if (session_create(connection) != 0) {
		abort();
	}
}

static bool receive(struct world *world, const uint8_t *bytes, size_t size)
{
	ssize_t taken = nghttp2_session_mem_recv(world->connection->session, bytes, size);
	connection_flush(world->connection);
	return taken == (ssize_t)size;
}

static void set_up(struct world *world)
{
	char error[200];
	world->base = must_have(event_base_new());
	const struct grpc_settings grpc = {
		.base = world->base,
		.host = "127.0.0.1",
		.port = 1,
		.max_answer = 1 << 16,
	};
	world->client = must_have(grpc_client_create(&grpc, error, sizeof(error)));
	make_connection(world);
	if (!receive(world, settings, sizeof(settings))) {
		abort();
	}
	for (size_t i = 0; i < N_CALLS; i++) {
		const struct grpc_request request = { .path = "/s/M", .message = "m", .size = 1 };
		struct grpc_call *call =
		        must_have(grpc_client_call(world->client, &request, on_answer, world));
		if (!connection_submit(world->connection, call)) {
			abort();
		}
	}
	connection_flush(world->connection);
}

static void play_headers(struct world *world, const char *at, const char *end)
{
	struct grpc_call *call = TAILQ_FIRST(&world->connection->calls);
	while (at < end) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		next = next != NULL ? next : end;
		const char *colon = memmem(at, (size_t)(next - at), ": ", 2);
		if (colon != NULL) {
			char *name CLEANUP_FREE = must_copy(at, (size_t)(colon - at));
			size_t size = (size_t)(next - colon) - 2;
			char *value CLEANUP_FREE = must_copy(colon + 2, size);
			call_on_header(call, name, (const uint8_t *)value, size);
		}
		at = next < end ? next + 1 : end;
	}
	call_on_closed(call, NGHTTP2_NO_ERROR);
}

/* The connection ends, and with it what is still open. */
static void tear_down(struct world *world)
{
	struct grpc_call *call;
	client_on_lost(world->connection, "the end");
	while (!TAILQ_EMPTY(&world->client->waiting)) {
		call_fail(TAILQ_FIRST(&world->client->waiting), GRPC_UNAVAILABLE, "the end");
	}
	while ((call = TAILQ_FIRST(&world->client->done)) != NULL) {
		call_deliver(call);
	}
	if (world->n_answers != N_CALLS) {
		abort();
	}
	grpc_client_destroy(world->client);
	event_base_free(world->base);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct world world = { 0 };
	set_up(&world);
	if (size != 0 && bytes[0] == 'h') {
		play_headers(&world, (const char *)bytes + 1, (const char *)bytes + size);
	} else {
		(void)receive(&world, bytes, size);
	}
	tear_down(&world);
	return 0;
}
