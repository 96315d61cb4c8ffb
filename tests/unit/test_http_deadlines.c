/* SPDX-License-Identifier: MIT */
/* The server over real sockets: what is slow, late, gone or too much. */
#include "support/base/memory.h"
#include "tests/support/http_world.h"
#include "tests/support/suite.h"

#define GET_HELLO "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"

static void slow_headers_and_bodies_are_cut_off(void)
{
	struct world world;
	struct http_settings settings = world_settings();
	settings.header_ms = 50;
	settings.request_ms = 100;
	world_start(&world, &settings);
	peer_expect_refusal(&world, "GET /hello HTTP/1.1\r\nHo", "408");
	peer_expect_refusal(
	        &world, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n12", "408");
	CHECK_INT(http_server_counters(world.server)->refused[HTTP_REFUSED_TIMEOUT], 2);
	world_stop(&world);
}

static void deadline_of_headers_ends_with_the_headers(void)
{
	struct world world;
	struct http_settings settings = world_settings();
	settings.header_ms = 50;
	world_start(&world, &settings);
	struct peer *peer = peer_create(&world);
	peer_send(peer, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo");
	world_settle(&world);
	/* When this later one has been cut off, the deadline of the first would have passed too. */
	peer_expect_refusal(&world, "GET /hello HTTP/1.1\r\nHo", "408");
	world_settle(&world);
	peer_send(peer, "dy");
	CHECK(peer_wait_text(peer, "\r\n\r\nbody"));
	CHECK(!peer->is_closed);
	peer_destroy(peer);
	world_stop(&world);
}

static void idle_connection_is_closed_without_a_word(void)
{
	struct world world;
	struct http_settings settings = world_settings();
	settings.idle_ms = 50;
	world_start(&world, &settings);
	struct peer *silent = peer_create(&world);
	struct peer *peer = peer_create(&world);
	peer_send(peer, GET_HELLO);
	CHECK(peer_wait_closed(peer));
	CHECK_INT(peer_count(peer, "HTTP/1.1 "), 1);
	CHECK(peer_wait_closed(silent));
	CHECK_INT(silent->size, 0);
	peer_destroy(peer);
	peer_destroy(silent);
	world_stop(&world);
}

static bool has_slow_reader(void *subject)
{
	const struct world *world = subject;
	return http_server_counters(world->server)->refused[HTTP_REFUSED_SLOW_READER] == 1;
}

static bool has_no_connection(void *subject)
{
	const struct world *world = subject;
	return http_server_counters(world->server)->connections_open == 0;
}

static void peer_that_does_not_read_is_cut_off(void)
{
	struct world world;
	struct http_settings settings = world_settings();
	settings.reply_ms = 50;
	world_start(&world, &settings);
	struct peer *peer = peer_create_slow(&world, 65536);
	event_del(peer->readable);
	/* Until the buffers of both sockets are full; peer_send() turns the loop when it must wait.
	 */
	for (int i = 0; i < 200000 && !has_slow_reader(&world); i++) {
		peer_send(peer, GET_HELLO);
		event_base_loop(world.base, EVLOOP_NONBLOCK);
		if (has_no_connection(&world)) {
			break;
		}
	}
	CHECK(has_slow_reader(&world));
	CHECK(has_no_connection(&world));
	peer_destroy(peer);
	world_stop(&world);
}

static void handler_that_is_late_is_answered_for(void)
{
	struct world world;
	struct http_settings settings = world_settings();
	settings.answer_ms = 50;
	world_start(&world, &settings);
	struct peer *peer = peer_create(&world);
	peer_send(peer, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
	CHECK(peer_wait_closed(peer));
	CHECK_INT(peer_count(peer, "HTTP/1.1 503 "), 1);
	CHECK_INT(peer_count(peer, "Retry-After: 1\r\n"), 1);
	CHECK_INT(world.n_later, 1);
	CHECK(http_request_is_gone(world.later[0]));
	size_t size;
	const char *body = http_request_body(world.later[0], &size);
	CHECK(size == 4 && memcmp(body, "body", 4) == 0);
	CHECK_INT(http_server_counters(world.server)->refused[HTTP_REFUSED_NO_ANSWER], 1);
	CHECK_INT(http_server_counters(world.server)->requests_open, 0);
	world_reply_later(&world, "too late");
	peer_destroy(peer);
	world_stop(&world);
}

static void peer_that_resets_leaves_the_request_valid(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer,
	        "POST /later?q=1 HTTP/1.1\r\nHost: h\r\nX-A: b\r\nContent-Length: 4\r\n\r\nbody");
	world_settle(&world);
	CHECK_INT(world.n_later, 1);
	const struct linger reset = { .l_onoff = 1 };
	CHECK_INT(setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	peer_destroy(peer);
	CHECK(world_wait(&world, has_no_connection, &world));
	CHECK_TEXT(http_request_header(world.later[0], "x-a"), "b");
	CHECK_TEXT(http_request_query(world.later[0], "q"), "1");
	CHECK(http_request_is_gone(world.later[0]));
	world_reply_later(&world, "nobody hears it");
	world_stop(&world);
}

static void request_outlives_the_server(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
	world_settle(&world);
	CHECK_INT(world.n_later, 1);
	peer_destroy(peer);
	world_stop(&world); /* replies after the server has gone */
}

static void half_closed_peer_gets_its_answer(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
	peer_end(peer);
	world_settle(&world);
	CHECK_INT(world.n_later, 1);
	CHECK(!peer->is_closed);
	world_reply_later(&world, "answer");
	CHECK(peer_wait_closed(peer));
	CHECK_INT(peer_count(peer, "answer"), 1);
	peer_destroy(peer);
	world_stop(&world);
}

static void connection_over_the_limit_is_told_so(void)
{
	struct world world;
	struct http_settings settings = world_settings();
	settings.max_connections = 2;
	world_start(&world, &settings);
	struct peer *first = peer_create(&world);
	struct peer *second = peer_create(&world);
	peer_send(first, GET_HELLO);
	peer_send(second, GET_HELLO);
	CHECK(peer_wait_text(first, "\r\n\r\nhello") && peer_wait_text(second, "\r\n\r\nhello"));
	peer_expect_refusal(&world, GET_HELLO, "503");
	CHECK_INT(http_server_counters(world.server)->refused[HTTP_REFUSED_CONNECTIONS], 1);
	CHECK_INT(world.n_handled, 2);
	peer_destroy(first);
	peer_destroy(second);
	CHECK(world_wait(&world, has_no_connection, &world));
	struct peer *third = peer_create(&world);
	peer_send(third, GET_HELLO);
	CHECK(peer_wait_text(third, "\r\n\r\nhello"));
	peer_destroy(third);
	world_stop(&world);
}

static const struct suite_test tests[] = {
	SUITE_TEST(slow_headers_and_bodies_are_cut_off),
	SUITE_TEST(deadline_of_headers_ends_with_the_headers),
	SUITE_TEST(idle_connection_is_closed_without_a_word),
	SUITE_TEST(peer_that_does_not_read_is_cut_off),
	SUITE_TEST(handler_that_is_late_is_answered_for),
	SUITE_TEST(peer_that_resets_leaves_the_request_valid),
	SUITE_TEST(request_outlives_the_server),
	SUITE_TEST(half_closed_peer_gets_its_answer),
	SUITE_TEST(connection_over_the_limit_is_told_so),
};

int main(int argc, char **argv)
{
	return suite_run("http_deadlines", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
