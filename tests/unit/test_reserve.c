/* SPDX-License-Identifier: MIT */
/* Memory that runs out: what is under way ends, what is new is refused, and afterwards all is well.
 */
#include <stdlib.h>

#include "core/api.h"
#include "core/arena.h"
#include "core/reserve.h"
#include "core/settings.h"
#include "support/base/memory.h"
#include "tests/support/http_world.h"
#include "tests/support/suite.h"

enum { LARGE = 100000, MEBIBYTE = 1 << 20 };

static size_t least_failing; /* allocations of so many bytes fail; 0: none */
static unsigned n_failures_left;

void *reallocarray(void *memory, size_t n, size_t size);

/* In the place of the C library's, for the core too. */
void *reallocarray(void *memory, size_t n, size_t size)
{
	if (least_failing != 0 && n * size >= least_failing && n_failures_left != 0) {
		n_failures_left--;
		return NULL;
	}
	return realloc(memory, n * size);
}

static void fail_from(size_t least, unsigned n_failures)
{
	least_failing = least;
	n_failures_left = n_failures;
}

static void allocation_that_fails_is_tried_again_with_the_reserve(void)
{
	struct arena arena CLEANUP_ARENA = { 0 };
	reserve_keep();
	fail_from(LARGE, 1);
	char *room = arena_alloc(&arena, LARGE);
	CHECK(room != NULL);
	memset(room, 1, LARGE);
	CHECK(!reserve_spend());
	CHECK(reserve_is_whole());
	CHECK(reserve_spend());
}

static void process_that_keeps_no_reserve_is_never_scarce(void)
{
	/* The first test that runs: nothing has been kept yet. */
	CHECK(!reserve_spend());
	CHECK(reserve_is_whole());
}

static void handle(void *user, struct http_request *request)
{
	(void)user;
	http_reply(request, 200, "text/plain", "taken", 5);
}

static unsigned ask(struct world *world)
{
	struct peer *peer = peer_create(world);
	peer_send(peer, "GET /admitted HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	CHECK(peer_wait_closed(peer));
	unsigned status = (unsigned)strtoul(peer->received + 9, NULL, 10);
	CHECK(status != 503 || peer_count(peer, "Retry-After: 5\r\n") == 1);
	CHECK(status != 503 || peer_count(peer, "too little memory") == 1);
	peer_destroy(peer);
	return status;
}

static void requests_are_refused_until_the_reserve_is_whole_again(void)
{
	static const struct settings settings = { 0 };
	struct api api = { .settings = &settings };
	const struct http_route routes[] = {
		{ .method = "GET", .pattern = "/admitted", .handle = handle, .admit = api_admit },
	};
	struct world world;
	world_start(&world, NULL);
	http_router_add(world.router, routes, 1, &api);
	reserve_keep();
	CHECK_INT(ask(&world), 200);
	fail_from(MEBIBYTE, 1000);
	CHECK(reserve_spend());
	CHECK_INT(ask(&world), 503);
	CHECK_INT(ask(&world), 503);
	fail_from(0, 0);
	CHECK_INT(ask(&world), 200);
	world_stop(&world);
}

static void body_that_there_is_no_memory_for_is_refused(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	char *body CLEANUP_FREE = must_calloc(LARGE, 1);
	memset(body, 'x', LARGE);
	reserve_keep();
	fail_from(LARGE / 2, 1000);
	peer_send(peer, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
	peer_send_bytes(peer, body, LARGE);
	CHECK(peer_wait_text(peer, "no memory for the request"));
	CHECK(strncmp(peer->received, "HTTP/1.1 503 ", 13) == 0);
	CHECK(peer_wait_closed(peer));
	/* Strangers' bytes are not worth the reserve. */
	CHECK(reserve_spend());
	fail_from(0, 0);
	peer_destroy(peer);
	peer = peer_create(&world);
	peer_send(peer, "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
	CHECK(peer_wait_text(peer, "\r\n\r\nhello"));
	CHECK_INT(world.n_handled, 1);
	peer_destroy(peer);
	world_stop(&world);
}

static void connection_that_there_is_no_memory_for_is_closed(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	world_settle(&world);
	fail_from(1, 1);
	peer_send(peer, "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
	CHECK(peer_wait_closed(peer));
	CHECK_INT(peer->size, 0);
	fail_from(0, 0);
	peer_destroy(peer);
	world_stop(&world);
}

static const struct suite_test tests[] = {
	SUITE_TEST(process_that_keeps_no_reserve_is_never_scarce),
	SUITE_TEST(allocation_that_fails_is_tried_again_with_the_reserve),
	SUITE_TEST(requests_are_refused_until_the_reserve_is_whole_again),
	SUITE_TEST(body_that_there_is_no_memory_for_is_refused),
	SUITE_TEST(connection_that_there_is_no_memory_for_is_closed),
};

int main(int argc, char **argv)
{
	return suite_run("reserve", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
