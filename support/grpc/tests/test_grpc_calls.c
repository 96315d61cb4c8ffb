/* SPDX-License-Identifier: MIT */
/* What an answer comes to: the gRPC client against a peer that answers well and badly. */
#include "support/grpc/tests/world.h"
#include "tests/support/suite.h"

static void answer_comes_with_its_message(void)
{
	struct world world;
	const struct grpc_header extra = { "x-extra", "yes" };
	world_init(&world);
	world.settings.headers = &extra;
	world.settings.n_headers = 1;
	world_start(&world);
	const struct made *made = world_call_with(&world, "/ok", 20000);
	WAIT(&world, all_are_answered);
	CHECK_INT(made->status, GRPC_OK);
	CHECK_TEXT(made->message, "hello");
	CHECK_TEXT(world.peer.timeout, "20000m");
	CHECK_TEXT(world.peer.extra, "yes");
	CHECK(strncmp(world.peer.authority, "127.0.0.1:", 10) == 0);
	CHECK_TEXT(world_answered(&world, "/split")->message, "hello");
	CHECK_INT(world.peer.n_accepted, 1);
	world_finish(&world);
}

static void status_without_a_message_is_read_from_headers_and_trailers(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	const struct made *made = world_answered(&world, "/trailers");
	CHECK_INT(made->status, GRPC_NOT_FOUND);
	CHECK_TEXT(made->sentence, "caf\xc3\xa9 100%");
	CHECK_INT(made->details_size, 6);
	CHECK(memcmp(made->details, "\x08\x05\x12\x02no", 6) == 0);
	CHECK_INT(world_answered(&world, "/no-body")->status, GRPC_RESOURCE_EXHAUSTED);
	CHECK_INT(world_answered(&world, "/unknown")->status, GRPC_UNIMPLEMENTED);
	CHECK_INT(world_answered(&world, "/http-502")->status, GRPC_UNAVAILABLE);
	CHECK_INT(world.peer.n_accepted, 1);
	world_finish(&world);
}

static void whole_message_without_a_status_is_taken_and_counted(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	const struct made *made = world_answered(&world, "/no-status");
	CHECK_INT(made->status, GRPC_OK);
	CHECK_TEXT(made->message, "hello");
	CHECK_INT(grpc_client_counts(world.client).n_lost_trailers, 1);
	world_finish(&world);
}

static void answer_that_is_no_single_message_is_an_error(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	CHECK_INT(world_answered(&world, "/compressed")->status, GRPC_INTERNAL);
	CHECK_INT(world_answered(&world, "/two")->status, GRPC_INTERNAL);
	CHECK_INT(world_answered(&world, "/cut")->status, GRPC_UNAVAILABLE);
	CHECK_INT(world_answered(&world, "/ok")->status, GRPC_OK);
	CHECK_INT(world.peer.n_accepted, 1);
	world_finish(&world);
}

static void message_over_the_bound_is_refused_in_both_directions(void)
{
	struct world world;
	world_init(&world);
	world.settings.max_answer = 50000;
	world.settings.max_request = 4;
	world_start(&world);
	const struct made *made = world_answered(&world, "/ok");
	CHECK_INT(made->status, GRPC_RESOURCE_EXHAUSTED);
	CHECK(!made->is_sent);
	world_finish(&world);
	world_init(&world);
	world.settings.max_answer = 50000;
	world_start(&world);
	CHECK_INT(world_answered(&world, "/large")->status, GRPC_RESOURCE_EXHAUSTED);
	CHECK_INT(world_answered(&world, "/ok")->status, GRPC_OK);
	world_finish(&world);
}

static void cancelled_stream_is_a_deadline_only_after_the_deadline(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	CHECK_INT(world_answered(&world, "/cancel")->status, GRPC_CANCELLED);
	/* Its deadline has passed when the request arrives. */
	struct made *made = world_call_with(&world, "/cancel", 1);
	world_turn(&world, 0);
	WAIT(&world, last_is_answered);
	CHECK(made->status == GRPC_DEADLINE_EXCEEDED || made->status == GRPC_CANCELLED);
	world_finish(&world);
}

static void refused_stream_is_sent_again_by_itself(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	CHECK_INT(world_answered(&world, "/refuse-once")->status, GRPC_OK);
	CHECK_INT(world.peer.n_requests, 2);
	world_finish(&world);
}

static void silence_past_the_deadline_ends_the_call_and_resets_its_stream(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	struct made *held = world_call_with(&world, "/hold", 1);
	/* Five seconds of grace for the server's own status. */
	WAIT(&world, all_are_answered);
	CHECK_INT(held->status, GRPC_DEADLINE_EXCEEDED);
	CHECK(held->is_sent);
	CHECK_INT(world_answered(&world, "/ok")->status, GRPC_OK);
	CHECK_INT(world.peer.n_resets, 1);
	CHECK_INT(world.peer.n_open, 0);
	world_finish(&world);
}

static bool reset_has_come(const struct world *world)
{
	return world->peer.n_resets == 1;
}

static void cancelled_call_gets_no_answer_and_resets_its_stream(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	struct made *held = world_call(&world, "/hold");
	WAIT(&world, all_are_held);
	grpc_call_cancel(held->call);
	WAIT(&world, reset_has_come);
	CHECK(!held->is_answered);
	world_finish(&world);
}

static const struct suite_test tests[] = {
	SUITE_TEST(answer_comes_with_its_message),
	SUITE_TEST(status_without_a_message_is_read_from_headers_and_trailers),
	SUITE_TEST(whole_message_without_a_status_is_taken_and_counted),
	SUITE_TEST(answer_that_is_no_single_message_is_an_error),
	SUITE_TEST(message_over_the_bound_is_refused_in_both_directions),
	SUITE_TEST(cancelled_stream_is_a_deadline_only_after_the_deadline),
	SUITE_TEST(refused_stream_is_sent_again_by_itself),
	SUITE_TEST(silence_past_the_deadline_ends_the_call_and_resets_its_stream),
	SUITE_TEST(cancelled_call_gets_no_answer_and_resets_its_stream),
};

int main(int argc, char **argv)
{
	return suite_run("grpc calls", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
