/* SPDX-License-Identifier: MIT */
/* Connections at the edges of their limits: buffers, lingering, pipelines, the end of the server.
 */
#include <errno.h>
#include <stdlib.h>

#include "support/base/memory.h"
#include "tests/support/http_world.h"
#include "tests/support/suite.h"

static const char hello[] = "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n";

/* The second request does not fit behind the first in the buffer that was read into. */
static void a_request_behind_another_makes_the_buffer_move(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	char *filler = must_calloc(1, 4200);
	memset(filler, 'x', 4150);
	char *text = must_print(
	        "%sGET /hello HTTP/1.1\r\nHost: h\r\nX: %s\r\n\r\n%s", hello, filler, hello);
	peer_send(peer, text);
	while (peer_count(peer, "hello") < 3 && !peer->is_closed) {
		event_base_loop(world.base, EVLOOP_ONCE);
	}
	CHECK_INT(world.n_handled, 3);
	free(text);
	free(filler);
	peer_destroy(peer);
	world_stop(&world);
}

static void a_request_that_ends_in_the_middle_closes_the_connection(void)
{
	static const char *const halves[] = { "GET /hel", "GET /hello HTTP/1.1\r\nHost: h\r\n",
		"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab", "" };
	struct world world;
	world_start(&world, NULL);
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		struct peer *peer = peer_create(&world);
		peer_send(peer, halves[i]);
		peer_end(peer);
		CHECK(peer_wait_closed(peer));
		CHECK_INT(peer->size, 0);
		peer_destroy(peer);
	}
	/* What is whole is answered before the end is seen. */
	struct peer *peer = peer_create(&world);
	peer_send(peer, hello);
	peer_end(peer);
	CHECK(peer_wait_closed(peer));
	CHECK_INT(peer_count(peer, "HTTP/1.1 200"), 1);
	peer_destroy(peer);
	world_stop(&world);
}

static void an_answer_may_have_no_body_and_no_type(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer, "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n");
	peer_send(peer, "GET /unchanged HTTP/1.1\r\nHost: h\r\n\r\n");
	peer_send(peer, hello);
	CHECK(peer_wait_text(peer, "hello"));
	CHECK_INT(peer_count(peer, "HTTP/1.1 204 "), 1);
	CHECK_INT(peer_count(peer, "HTTP/1.1 304 "), 1);
	CHECK_INT(peer_count(peer, "Content-Length: "), 1);
	CHECK_INT(peer_count(peer, "left out"), 0);
	peer_destroy(peer);
	world_stop(&world);
}

static bool has_no_connection(void *subject)
{
	const struct world *of = subject;
	return http_server_counters(of->server)->connections_open == 0;
}

/* Bodies that nobody reads are thrown away, but not without end. */
static void a_refused_body_is_thrown_away_up_to_a_bound(void)
{
	enum { PIECE = 65536, N = 160 };
	struct world world;
	struct http_settings settings = world_settings();
	settings.linger_ms = 30000;
	world_start(&world, &settings);
	struct peer *peer = peer_create(&world);
	char *piece = must_calloc(1, PIECE);
	memset(piece, 'b', PIECE);
	peer_send(peer, "POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n");
	/* The server ends its own side at once, and reads on. */
	for (int i = 0; i < N; i++) {
		peer_send_bytes(peer, piece, PIECE);
		event_base_loop(world.base, EVLOOP_NONBLOCK);
	}
	CHECK(world_wait(&world, has_no_connection, &world));
	CHECK_INT(peer_count(peer, "HTTP/1.1 413 "), 1);
	CHECK_INT(http_server_counters(world.server)->refused[HTTP_REFUSED_TOO_LARGE], 1);
	free(piece);
	peer_destroy(peer);
	world_stop(&world);
}

static void without_lingering_a_refusal_closes_at_once(void)
{
	struct world world;
	struct http_settings settings = world_settings();
	settings.linger_ms = 0;
	world_start(&world, &settings);
	struct peer *peer = peer_create(&world);
	peer_send(peer, "POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nabc");
	CHECK(peer_wait_closed(peer));
	CHECK_INT(http_server_counters(world.server)->connections_open, 0);
	peer_destroy(peer);
	world_stop(&world);
}

static void on_stopped(void *user)
{
	*(bool *)user = true;
}

static bool is_set(void *subject)
{
	return *(bool *)subject;
}

/* It is on its way when the server is told to stop: it arrives whole, and is the last. */
static void an_answer_under_way_is_finished_by_a_server_that_stops(void)
{
	struct world world;
	bool is_stopped = false;
	struct http_settings settings = world_settings();
	settings.reply_ms = 0;
	world_start(&world, &settings);
	struct peer *peer = peer_create_slow(&world, 4096);
	event_del(peer->readable);
	peer_send(peer, "GET /borrowed HTTP/1.1\r\nHost: h\r\n\r\n");
	while (world.n_handled == 0) {
		event_base_loop(world.base, EVLOOP_ONCE);
	}
	http_server_stop(world.server, 0, on_stopped, &is_stopped);
	http_server_destroy(world.server);
	CHECK(!is_stopped);
	world.server = NULL;
	peer_destroy(peer);
	world_stop(&world);

	world_start(&world, &settings);
	peer = peer_create(&world);
	peer_send(peer, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
	event_del(peer->readable);
	while (world.n_handled == 0) {
		event_base_loop(world.base, EVLOOP_ONCE);
	}
	http_server_stop(world.server, 30000, on_stopped, &is_stopped);
	event_add(peer->readable, NULL);
	CHECK(peer_wait_closed(peer));
	CHECK(peer->size > 1048576);
	CHECK(world_wait(&world, is_set, &is_stopped));
	peer_destroy(peer);
	world_stop(&world);
}

static void a_server_without_connections_stops_at_once(void)
{
	struct world world;
	bool is_stopped = false;
	world_start(&world, NULL);
	http_server_stop(world.server, 0, on_stopped, &is_stopped);
	CHECK(!is_stopped);
	CHECK(world_wait(&world, is_set, &is_stopped));
	world_stop(&world);
}

static void many_that_come_at_once_are_taken_in_turns(void)
{
	enum { N = 70 };
	struct world world;
	struct peer *peers[N];
	world_start(&world, NULL);
	for (int i = 0; i < N; i++) {
		peers[i] = peer_create(&world);
		peer_send(peers[i], hello);
	}
	for (int i = 0; i < N; i++) {
		CHECK(peer_wait_text(peers[i], "hello"));
		peer_destroy(peers[i]);
	}
	CHECK_INT(world.n_handled, N);
	world_stop(&world);
}

static void a_server_may_listen_at_several_places_and_the_first_is_its_port(void)
{
	struct world world;
	char *error = NULL;
	world_start(&world, NULL);
	uint16_t first = http_server_port(world.server);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(http_server_listen(world.server, "127.0.0.1:0", &error), 0);
	}
	CHECK_TEXT(error, NULL);
	CHECK_INT(http_server_port(world.server), first);
	world_stop(&world);
}

/* Two methods at one path, and two patterns of which the heavier is meant in either order. */
static void a_path_says_all_its_methods_and_the_longer_pattern_is_meant(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer, "PUT /both HTTP/1.1\r\nHost: h\r\n\r\n");
	CHECK(peer_wait_text(peer, "\r\nAllow: GET, HEAD, POST\r\n"));
	peer_clear(peer);
	peer_send(peer, "GET /order/1:b HTTP/1.1\r\nHost: h\r\n\r\n");
	CHECK(peer_wait_text(peer, "/order/{id}:b"));
	peer_clear(peer);
	peer_send(peer, "GET /order/1 HTTP/1.1\r\nHost: h\r\n\r\n");
	CHECK(peer_wait_text(peer, "/order/{id}\""));
	peer_clear(peer);
	peer_send(peer, "HEAD /order/1 HTTP/1.1\r\nHost: h\r\n\r\n");
	CHECK(peer_wait_text(peer, "200"));
	peer_destroy(peer);
	world_stop(&world);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(a_request_behind_another_makes_the_buffer_move),
		SUITE_TEST(a_request_that_ends_in_the_middle_closes_the_connection),
		SUITE_TEST(an_answer_may_have_no_body_and_no_type),
		SUITE_TEST(a_refused_body_is_thrown_away_up_to_a_bound),
		SUITE_TEST(without_lingering_a_refusal_closes_at_once),
		SUITE_TEST(an_answer_under_way_is_finished_by_a_server_that_stops),
		SUITE_TEST(a_server_without_connections_stops_at_once),
		SUITE_TEST(many_that_come_at_once_are_taken_in_turns),
		SUITE_TEST(a_server_may_listen_at_several_places_and_the_first_is_its_port),
		SUITE_TEST(a_path_says_all_its_methods_and_the_longer_pattern_is_meant),
	};
	return suite_run("http_edges", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
