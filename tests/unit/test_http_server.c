/* SPDX-License-Identifier: MIT */
/* The server over real sockets: keep-alive, pipelining, bodies, limits, stop. */
#include <sys/resource.h>

#include "support/base/memory.h"
#include "tests/support/http_world.h"
#include "tests/support/suite.h"

#define GET_HELLO "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"

static void keep_alive_serves_one_request_after_the_other(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	for (int i = 0; i < 3; i++) {
		peer_clear(peer);
		peer_send(peer, GET_HELLO);
		CHECK(peer_wait_text(peer, "\r\n\r\nhello"));
		CHECK(strncmp(peer->received, "HTTP/1.1 200 OK\r\n", 17) == 0);
		CHECK(strstr(peer->received, "\r\nContent-Length: 5\r\n") != NULL);
		CHECK(strstr(peer->received, "\r\nDate: ") != NULL);
		CHECK(strstr(peer->received, "Connection:") == NULL);
	}
	CHECK(!peer->is_closed);
	CHECK_INT(world.n_handled, 3);
	CHECK_INT(http_server_counters(world.server)->requests, 3);
	CHECK_INT(http_server_counters(world.server)->replies[2], 3);
	CHECK_INT(http_server_counters(world.server)->connections, 1);
	CHECK_INT(world.n_reports, 3);
	peer_destroy(peer);
	world_stop(&world);
}

static void connection_close_is_obeyed(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer, "GET /hello HTTP/1.1\r\nHost: h\r\nConnection: foo, Close\r\n\r\n");
	CHECK(peer_wait_closed(peer));
	CHECK_INT(peer_count(peer, "\r\n\r\nhello"), 1);
	CHECK_INT(peer_count(peer, "Connection: close\r\n"), 1);
	peer_destroy(peer);
	world_stop(&world);
}

static void http10_closes_unless_asked_to_stay(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	CHECK(peer_wait_text(peer, "\r\n\r\nhello"));
	CHECK_INT(peer_count(peer, "Connection: keep-alive\r\n"), 1);
	peer_clear(peer);
	peer_send(peer, "GET /hello HTTP/1.0\r\n\r\n");
	CHECK(peer_wait_closed(peer));
	CHECK_INT(peer_count(peer, "\r\n\r\nhello"), 1);
	peer_destroy(peer);
	world_stop(&world);
}

static void pipelined_requests_are_answered_in_order(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer,
	        "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1"
	        "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
	        "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n2"
	        "GET /items/7 HTTP/1.1\r\nHost: h\r\n\r\n");
	world_settle(&world);
	CHECK_INT(world.n_handled, 1);
	CHECK_INT(peer->size, 0);
	world_reply_later(&world, "first");
	CHECK(peer_wait_text(peer, "hello"));
	world_settle(&world);
	CHECK_INT(world.n_handled, 3);
	world_reply_later(&world, "third");
	CHECK(peer_wait_text(peer, "items"));
	const char *first = strstr(peer->received, "first");
	const char *second = strstr(peer->received, "hello");
	const char *third = strstr(peer->received, "third");
	const char *fourth = strstr(peer->received, "items");
	CHECK(first != NULL && first < second && second < third && third < fourth);
	peer_destroy(peer);
	world_stop(&world);
}

static void many_pipelined_requests_in_one_piece_are_all_answered(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	char many[sizeof(GET_HELLO) * 500];
	many[0] = '\0';
	for (size_t i = 0; i < 500; i++) {
		memcpy(many + i * (sizeof(GET_HELLO) - 1), GET_HELLO, sizeof(GET_HELLO));
	}
	peer_send(peer, many);
	peer_end(peer);
	CHECK(peer_wait_closed(peer));
	CHECK_INT(peer_count(peer, "\r\n\r\nhello"), 500);
	peer_destroy(peer);
	world_stop(&world);
}

static void body_is_given_whole_whatever_its_framing(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello ");
	world_settle(&world);
	CHECK_INT(world.n_handled, 0);
	peer_send(peer, "world");
	CHECK(peer_wait_text(peer, "\r\n\r\nhello world"));
	peer_clear(peer);
	peer_send(peer,
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	        "6;a=b\r\nhello \r\n0005\r\nthere\r\n0\r\nX-Trailer: 1\r\n\r\n" GET_HELLO);
	CHECK(peer_wait_text(peer, "\r\n\r\nhello there"));
	world_settle(&world);
	CHECK_INT(world.n_handled, 3);
	peer_destroy(peer);
	world_stop(&world);
}

static void large_body_arrives_unchanged_and_returns(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	size_t size = 1000000;
	char *body = must_calloc(1, size);
	for (size_t i = 0; i < size; i++) {
		body[i] = (char)('a' + i * i % 26);
	}
	peer_send(peer, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
	peer_send_bytes(peer, body, size);
	peer_send(peer, GET_HELLO);
	CHECK(peer_wait_text(peer, "\r\n\r\nhello"));
	const char *echoed = strstr(peer->received, "\r\n\r\n");
	CHECK(echoed != NULL && memcmp(echoed + 4, body, size) == 0);
	free(body);
	peer_destroy(peer);
	world_stop(&world);
}

static void body_that_is_only_lent_is_copied_as_far_as_it_must_wait(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer, "GET /borrowed HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	CHECK(peer_wait_closed(peer));
	const char *body = strstr(peer->received, "\r\n\r\n");
	CHECK(body != NULL && strspn(body + 4, "z") == 16777216);
	peer_destroy(peer);
	world_stop(&world);
}

static void continue_is_sent_when_the_body_is_awaited(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer,
	        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: "
	        "100-continue\r\n\r\n");
	CHECK(peer_wait_text(peer, "HTTP/1.1 100 Continue\r\n\r\n"));
	peer_send(peer, "ok");
	CHECK(peer_wait_text(peer, "\r\n\r\nok"));
	CHECK_INT(peer_count(peer, "100 Continue"), 1);
	peer_clear(peer);
	peer_send(peer,
	        "POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nExpect: "
	        "100-continue\r\n\r\n");
	CHECK(peer_wait_closed(peer));
	CHECK_INT(peer_count(peer, "100 Continue"), 0);
	CHECK_INT(peer_count(peer, "HTTP/1.1 413 "), 1);
	peer_destroy(peer);
	world_stop(&world);
}

static void head_is_answered_without_body(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer,
	        "HEAD /big HTTP/1.1\r\nHost: h\r\n\r\nHEAD /none HTTP/1.1\r\nHost: h\r\n\r\n");
	peer_send(peer, GET_HELLO);
	CHECK(peer_wait_text(peer, "\r\n\r\nhello"));
	CHECK(strstr(peer->received, "\r\nContent-Length: 1048576\r\n") != NULL);
	CHECK_INT(peer_count(peer, "HTTP/1.1 404 "), 1);
	CHECK_INT(peer_count(peer, "urn:lucius"), 0);
	CHECK_INT(peer_count(peer, "xxxx"), 0);
	peer_destroy(peer);
	world_stop(&world);
}

/* Sends the text on a connection of its own, which must end with that status and nothing else. */
static void limits_are_kept(void)
{
	struct world world;
	struct http_settings settings = world_settings();
	settings.max_request_line = 100;
	settings.max_headers_size = 200;
	settings.max_headers = 5;
	settings.max_body = 10;
	world_start(&world, &settings);
	char line[512];
	snprintf(line, sizeof(line), "GET /%0200d HTTP/1.1\r\nHost: h\r\n\r\n", 1);
	peer_expect_refusal(&world, line, "414");
	snprintf(line, sizeof(line), "GET /%0200d", 1);
	peer_expect_refusal(&world, line, "414");
	snprintf(line, sizeof(line), "GET / HTTP/1.1\r\nHost: h\r\nA: %0200d\r\n\r\n", 1);
	peer_expect_refusal(&world, line, "431");
	snprintf(line, sizeof(line), "GET / HTTP/1.1\r\nHost: h\r\nA: %0200d", 1);
	peer_expect_refusal(&world, line, "431");
	peer_expect_refusal(&world,
	        "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nA: 2\r\nA: 3\r\nA: 4\r\nA: 5\r\n\r\n", "431");
	peer_expect_refusal(
	        &world, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n", "413");
	peer_expect_refusal(&world,
	        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999999999\r\n\r\n", "413");
	peer_expect_refusal(&world,
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	        "6\r\n123456\r\n6\r\n",
	        "413");
	CHECK_INT(world.n_handled, 0);
	CHECK_INT(http_server_counters(world.server)->refused[HTTP_REFUSED_TOO_LARGE], 8);
	world_stop(&world);
}

static void statuses_are_decided_in_their_order(void)
{
	struct world world;
	world_start(&world, NULL);
	peer_expect_refusal(
	        &world, "POST /none HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n", "404");
	peer_expect_refusal(
	        &world, "PUT /secret HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n", "405");
	peer_expect_refusal(
	        &world, "POST /secret HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n", "401");
#define WITH_TOKEN "POST /secret?q=%zz HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer letmein\r\n"
	peer_expect_refusal(&world, WITH_TOKEN "Content-Length: 9\r\n\r\n", "413");
	peer_expect_refusal(&world, WITH_TOKEN "Content-Length: 8\r\n\r\n", "415");
	struct peer *peer = peer_create(&world);
	peer_send(peer,
	        WITH_TOKEN "Content-Type: application/json; charset=UTF-8\r\n"
	                   "Content-Length: 8\r\n\r\n12345678");
	CHECK(peer_wait_text(peer, "HTTP/1.1 400 "));
	CHECK_INT(world.n_handled, 0);
	CHECK(!peer->is_closed);
	peer_destroy(peer);
	world_stop(&world);
}

static void refusal_without_body_keeps_the_connection(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer, "GET /none HTTP/1.1\r\nHost: h\r\n\r\n" GET_HELLO);
	CHECK(peer_wait_text(peer, "\r\n\r\nhello"));
	CHECK_INT(peer_count(peer, "HTTP/1.1 404 Not Found\r\n"), 1);
	CHECK_INT(peer_count(peer, "\"type\":\"urn:lucius:problem:not-found\""), 1);
	CHECK_INT(peer_count(peer, "HTTP/1.1 200 "), 1);
	peer_destroy(peer);
	world_stop(&world);
}

static void on_stopped(void *user)
{
	struct world *world = user;
	world->is_stopped = true;
}

static bool is_stopped(void *subject)
{
	return ((const struct world *)subject)->is_stopped;
}

static void stop_answers_what_is_under_way(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *idle = peer_create(&world);
	struct peer *handled = peer_create(&world);
	struct peer *halfway = peer_create(&world);
	peer_send(idle, GET_HELLO);
	CHECK(peer_wait_text(idle, "\r\n\r\nhello"));
	peer_send(handled,
	        "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody" GET_HELLO);
	peer_send(halfway, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo");
	world_settle(&world);
	http_server_stop(world.server, 5000, on_stopped, &world);
	CHECK(!world.is_stopped);
	CHECK(peer_wait_closed(idle));
	CHECK_INT(http_server_counters(world.server)->connections_open, 2);
	peer_send(halfway, "dy");
	CHECK(peer_wait_text(halfway, "\r\n\r\nbody"));
	CHECK_INT(peer_count(halfway, "Connection: close\r\n"), 1);
	CHECK(!world.is_stopped);
	world_reply_later(&world, "done");
	CHECK(peer_wait_closed(handled));
	CHECK_INT(peer_count(handled, "\r\n\r\ndone"), 1);
	CHECK_INT(peer_count(handled, "hello"), 0);
	CHECK(world_wait(&world, is_stopped, &world));
	peer_destroy(idle);
	peer_destroy(handled);
	peer_destroy(halfway);
	world_stop(&world);
}

static void stop_cuts_what_is_left_after_its_bound(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
	world_settle(&world);
	http_server_stop(world.server, 50, on_stopped, &world);
	CHECK(world_wait(&world, is_stopped, &world));
	CHECK(peer_wait_closed(peer));
	CHECK_INT(peer->size, 0);
	CHECK_INT(world.n_later, 1);
	peer_destroy(peer);
	world_stop(&world);
}

static void stop_under_load_loses_no_answer(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peers[20];
	for (int i = 0; i < 20; i++) {
		peers[i] = peer_create(&world);
		peer_send(peers[i],
		        "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
	}
	world_settle(&world);
	CHECK_INT(world.n_later, 20);
	http_server_stop(world.server, 5000, on_stopped, &world);
	for (int i = 0; i < 20; i++) {
		world_reply_later(&world, "done");
	}
	CHECK(world_wait(&world, is_stopped, &world));
	for (int i = 0; i < 20; i++) {
		CHECK(peer_wait_closed(peers[i]));
		CHECK_INT(peer_count(peers[i], "\r\n\r\ndone"), 1);
		peer_destroy(peers[i]);
	}
	world_stop(&world);
}

static void accepting_rests_while_descriptors_run_out(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	struct rlimit before;
	CHECK_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
	const struct rlimit none = { .rlim_cur = (rlim_t)peer->fd + 1,
		.rlim_max = before.rlim_max };
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
	world_settle(&world);
	CHECK_INT(http_server_counters(world.server)->connections, 0);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &before), 0);
	peer_send(peer, GET_HELLO);
	CHECK(peer_wait_text(peer, "\r\n\r\nhello"));
	peer_destroy(peer);
	world_stop(&world);
}

static void bytes_behind_the_last_request_do_not_cost_its_answer(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer,
	        "POST /later HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: "
	        "4\r\n\r\nbody");
	world_settle(&world);
	peer_send(peer, "\r\nrubbish");
	world_settle(&world);
	world_reply_later(&world, "answer");
	CHECK(peer_wait_closed(peer));
	CHECK(!peer->is_reset);
	CHECK_INT(peer_count(peer, "answer"), 1);
	peer_destroy(peer);
	world_stop(&world);
}

static void port_in_use_and_bad_addresses_are_explained(void)
{
	struct world world;
	world_start(&world, NULL);
	char address[32];
	snprintf(address, sizeof(address), "127.0.0.1:%u", http_server_port(world.server));
	char *error = NULL;
	CHECK_INT(http_server_listen(world.server, address, &error), -1);
	CHECK(error != NULL && strstr(error, "another process listens there") != NULL);
	CHECK(error != NULL && strstr(error, address) != NULL);
	free(error);
	static const char *const bad[] = { "8000", "localhost", "1.2.3.4:99999", "[::1:80", ":80",
		"127.0.0.1:", "127.0.0.1:8o", "203.0.113.77:0", "no such host.invalid:80" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error = NULL;
		CHECK_INT(http_server_listen(world.server, bad[i], &error), -1);
		CHECK(error != NULL && strstr(error, bad[i]) != NULL);
		free(error);
	}
	world_stop(&world);
}

static const struct suite_test tests[] = {
	SUITE_TEST(keep_alive_serves_one_request_after_the_other),
	SUITE_TEST(connection_close_is_obeyed),
	SUITE_TEST(http10_closes_unless_asked_to_stay),
	SUITE_TEST(pipelined_requests_are_answered_in_order),
	SUITE_TEST(many_pipelined_requests_in_one_piece_are_all_answered),
	SUITE_TEST(body_is_given_whole_whatever_its_framing),
	SUITE_TEST(large_body_arrives_unchanged_and_returns),
	SUITE_TEST(body_that_is_only_lent_is_copied_as_far_as_it_must_wait),
	SUITE_TEST(continue_is_sent_when_the_body_is_awaited),
	SUITE_TEST(head_is_answered_without_body),
	SUITE_TEST(limits_are_kept),
	SUITE_TEST(statuses_are_decided_in_their_order),
	SUITE_TEST(refusal_without_body_keeps_the_connection),
	SUITE_TEST(stop_answers_what_is_under_way),
	SUITE_TEST(stop_cuts_what_is_left_after_its_bound),
	SUITE_TEST(stop_under_load_loses_no_answer),
	SUITE_TEST(accepting_rests_while_descriptors_run_out),
	SUITE_TEST(bytes_behind_the_last_request_do_not_cost_its_answer),
	SUITE_TEST(port_in_use_and_bad_addresses_are_explained),
};

int main(int argc, char **argv)
{
	return suite_run("http_server", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
