/* SPDX-License-Identifier: MIT */
/* Connections of the gRPC client: GOAWAY, loss, keep-alive, limits of streams, flow control. */
#include <stdlib.h>

#include "support/base/memory.h"
#include "support/grpc/tests/world.h"
#include "tests/support/suite.h"

static bool goaway_has_come(const struct world *world)
{
	return grpc_client_counts(world->client).n_goaways != 0;
}

static void goaway_lets_streams_end_and_new_calls_go_elsewhere(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	struct made *held = world_call(&world, "/hold");
	WAIT(&world, all_are_held);
	peer_warn(&world.peer);
	WAIT(&world, goaway_has_come);
	struct made *next = world_call(&world, "/ok");
	WAIT(&world, last_is_answered);
	CHECK_INT(next->status, GRPC_OK);
	CHECK_INT(world.peer.n_accepted, 2);
	CHECK(!held->is_answered);
	peer_release(&world.peer);
	WAIT(&world, all_are_answered);
	CHECK_INT(held->status, GRPC_OK);
	CHECK_TEXT(held->message, "hello");
	CHECK_INT(grpc_client_counts(world.client).n_lost_trailers, 0);
	world_finish(&world);
}

static bool second_has_come_again(const struct world *world)
{
	return world->peer.n_requests == 3 && world->peer.n_open >= 2;
}

static void streams_beyond_the_last_of_a_goaway_are_sent_again(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	struct made *first = world_call(&world, "/hold");
	struct made *second = world_call(&world, "/hold");
	WAIT(&world, all_are_held);
	peer_go_away(&world.peer, 1);
	WAIT(&world, second_has_come_again);
	peer_release(&world.peer);
	WAIT(&world, all_are_answered);
	CHECK_INT(first->status, GRPC_OK);
	CHECK_INT(second->status, GRPC_OK);
	CHECK_INT(first->n_answers, 1);
	CHECK_INT(second->n_answers, 1);
	CHECK_INT(world.peer.n_requests, 3);
	world_finish(&world);
}

static void lost_connection_fails_what_was_sent_and_is_made_again(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	struct made *held = world_call(&world, "/hold");
	WAIT(&world, all_are_held);
	peer_hang_up(&world.peer);
	WAIT(&world, all_are_answered);
	CHECK_INT(held->status, GRPC_UNAVAILABLE);
	CHECK(held->is_sent);
	CHECK_INT(world_answered(&world, "/ok")->status, GRPC_OK);
	CHECK_INT(world.peer.n_accepted, 2);
	world_finish(&world);
}

static void unreachable_server_fails_the_impatient_and_keeps_the_patient(void)
{
	struct world world;
	world_init(&world);
	peer_refuse(&world.peer);
	world.settings.retry_max_ms = 50;
	world_start(&world);
	struct made *patient = world_call_with(&world, "/ok", 15000);
	WAIT(&world, unreachable_is_told);
	CHECK(strstr(world.state, "refused") != NULL);
	struct made *impatient = world_call(&world, "/ok");
	WAIT(&world, last_is_answered);
	CHECK_INT(impatient->status, GRPC_UNAVAILABLE);
	CHECK(!impatient->is_sent);
	CHECK(!patient->is_answered);
	peer_listen(&world.peer);
	WAIT(&world, all_are_answered);
	CHECK_INT(patient->status, GRPC_OK);
	CHECK_TEXT(world.state, "");
	world_finish(&world);
}

/* Attempts to connect within so much time. */
static unsigned attempts_within(struct world *world, unsigned ms)
{
	unsigned before = world->peer.n_accepted;
	world_turn(world, ms);
	return world->peer.n_accepted - before;
}

static void server_that_hangs_up_is_asked_ever_more_seldom(void)
{
	struct world world;
	world_init(&world);
	world.peer.hangs_up = true;
	world_start(&world);
	unsigned n_attempts = attempts_within(&world, 1500);
	CHECK(n_attempts >= 2);
	CHECK(n_attempts <= 40);
	CHECK_INT(world_answered(&world, "/ok")->status, GRPC_UNAVAILABLE);
	world_finish(&world);
}

static void server_that_only_says_goaway_is_asked_ever_more_seldom(void)
{
	struct world world;
	world_init(&world);
	world.peer.goes_away = true;
	world_start(&world);
	unsigned n_attempts = attempts_within(&world, 1500);
	CHECK(n_attempts >= 2);
	CHECK(n_attempts <= 40);
	if (n_attempts > 40) {
		fprintf(stderr, "%u attempts in 1.5 s\n", n_attempts);
	}
	CHECK_INT(world_answered(&world, "/ok")->status, GRPC_UNAVAILABLE);
	world.peer.goes_away = false;
	world.n_made = 0;
	memset(world.made, 0, sizeof(world.made));
	struct made *patient = world_call_with(&world, "/ok", 15000);
	WAIT(&world, all_are_answered);
	CHECK_INT(patient->status, GRPC_OK);
	world_finish(&world);
}

static void server_that_speaks_something_else_is_named(void)
{
	static const char *const texts[] = { "HTTP/1.1 400 Bad Request\r\n\r\n",
		"SSH-2.0-OpenSSH_9.2\r\n", "\0\0\6\4\0\0\0\0" };
	static const size_t sizes[] = { 28, 21, 8 };
	for (size_t i = 0; i < 3; i++) {
		struct world world;
		world_init(&world);
		world.peer.raw = texts[i];
		world.peer.raw_size = sizes[i];
		world.settings.retry_max_ms = 50;
		world_start(&world);
		WAIT(&world, unreachable_is_told);
		CHECK_INT(world_answered(&world, "/ok")->status, GRPC_UNAVAILABLE);
		world_finish(&world);
	}
}

static bool pings_have_come(const struct world *world)
{
	return world->peer.n_pings >= 2;
}

static void silent_connection_is_pinged_and_lives_if_it_answers(void)
{
	struct world world;
	world_init(&world);
	world.settings.ping_after_ms = 20;
	world.settings.ping_timeout_ms = 5000;
	world_start(&world);
	struct made *held = world_call(&world, "/hold");
	WAIT(&world, pings_have_come);
	CHECK(!held->is_answered);
	peer_release(&world.peer);
	WAIT(&world, all_are_answered);
	CHECK_INT(held->status, GRPC_OK);
	CHECK_INT(world.peer.n_accepted, 1);
	world_finish(&world);
}

static void connection_that_answers_no_ping_is_given_up(void)
{
	struct world world;
	world_init(&world);
	world.peer.is_mute = true;
	world.settings.ping_after_ms = 20;
	world.settings.ping_timeout_ms = 20;
	world_start(&world);
	struct made *held = world_call(&world, "/hold");
	WAIT(&world, all_are_answered);
	CHECK_INT(held->status, GRPC_UNAVAILABLE);
	CHECK_TEXT(held->sentence, "the server does not answer a PING");
	world.peer.is_mute = false;
	CHECK_INT(world_answered(&world, "/ok")->status, GRPC_OK);
	world_finish(&world);
}

static void calls_beyond_the_limit_of_streams_get_another_connection(void)
{
	struct world world;
	world_init(&world);
	world.peer.max_streams = 2;
	world_start(&world);
	for (int i = 0; i < 7; i++) {
		(void)world_call(&world, "/hold");
	}
	WAIT(&world, all_are_held);
	CHECK_INT(world.peer.most_open, 2);
	CHECK_INT(world.peer.n_accepted, 4);
	peer_release(&world.peer);
	WAIT(&world, all_are_answered);
	for (int i = 0; i < 7; i++) {
		CHECK_INT(world.made[i].status, GRPC_OK);
	}
	world_finish(&world);
}

static bool all_connections_are_full(const struct world *world)
{
	return world->peer.n_open == 8;
}

static bool the_rest_is_held(const struct world *world)
{
	return world->peer.n_requests == 12 && world->peer.n_open == 4;
}

static void calls_beyond_all_connections_wait_for_room(void)
{
	struct world world;
	world_init(&world);
	world.peer.max_streams = 1;
	world_start(&world);
	for (int i = 0; i < 12; i++) {
		(void)world_call(&world, "/hold");
	}
	WAIT(&world, all_connections_are_full);
	world_turn(&world, 50);
	CHECK_INT(world.peer.n_open, 8);
	CHECK_INT(world.peer.n_accepted, 8);
	peer_release(&world.peer);
	WAIT(&world, the_rest_is_held);
	peer_release(&world.peer);
	WAIT(&world, all_are_answered);
	CHECK_INT(world.peer.n_accepted, 8);
	world_finish(&world);
}

static void large_request_waits_for_the_peers_window(void)
{
	struct world world;
	const size_t size = 3u << 20;
	uint8_t *bytes = must_calloc(1, size);
	world_init(&world);
	world.peer.is_slow_to_read = true;
	world_start(&world);
	struct made *made = &world.made[world.n_made++];
	const struct grpc_request request = { .path = "/ok", .message = bytes, .size = size };
	memset(bytes, 'x', size);
	made->call = grpc_client_call(world.client, &request, world_on_answer, made);
	world_turn(&world, 200);
	CHECK(!made->is_answered);
	peer_release(&world.peer);
	WAIT(&world, all_are_answered);
	CHECK_INT(made->status, GRPC_OK);
	CHECK_INT(made->size, size);
	CHECK_INT(world.peer.last_size, size + 5);
	free(bytes);
	world_finish(&world);
}

static void answer_before_the_request_has_left_is_taken(void)
{
	struct world world;
	const size_t size = 3u << 20;
	uint8_t *bytes = must_calloc(1, size);
	world_init(&world);
	world.peer.is_slow_to_read = true;
	world_start(&world);
	struct made *made = &world.made[world.n_made++];
	const struct grpc_request request = { .path = "/early", .message = bytes, .size = size };
	made->call = grpc_client_call(world.client, &request, world_on_answer, made);
	WAIT(&world, all_are_answered);
	CHECK_INT(made->status, GRPC_RESOURCE_EXHAUSTED);
	CHECK_TEXT(made->sentence, "grpc: received message larger than max (9 vs. 4)");
	free(bytes);
	world_finish(&world);
}

static void client_goes_with_calls_under_way_and_answers_none(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	struct made *held = world_call(&world, "/hold");
	WAIT(&world, all_are_held);
	struct made *waiting = world_call(&world, "/ok");
	grpc_client_destroy(world.client);
	world.client = NULL;
	world_turn(&world, 20);
	CHECK(!held->is_answered);
	CHECK(!waiting->is_answered);
	CHECK_INT(world.peer.n_goaways, 1);
	world_finish(&world);
}

static const struct suite_test tests[] = {
	SUITE_TEST(goaway_lets_streams_end_and_new_calls_go_elsewhere),
	SUITE_TEST(streams_beyond_the_last_of_a_goaway_are_sent_again),
	SUITE_TEST(lost_connection_fails_what_was_sent_and_is_made_again),
	SUITE_TEST(unreachable_server_fails_the_impatient_and_keeps_the_patient),
	SUITE_TEST(server_that_hangs_up_is_asked_ever_more_seldom),
	SUITE_TEST(server_that_only_says_goaway_is_asked_ever_more_seldom),
	SUITE_TEST(server_that_speaks_something_else_is_named),
	SUITE_TEST(silent_connection_is_pinged_and_lives_if_it_answers),
	SUITE_TEST(connection_that_answers_no_ping_is_given_up),
	SUITE_TEST(calls_beyond_the_limit_of_streams_get_another_connection),
	SUITE_TEST(calls_beyond_all_connections_wait_for_room),
	SUITE_TEST(large_request_waits_for_the_peers_window),
	SUITE_TEST(answer_before_the_request_has_left_is_taken),
	SUITE_TEST(client_goes_with_calls_under_way_and_answers_none),
};

int main(int argc, char **argv)
{
	return suite_run("grpc connections", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
