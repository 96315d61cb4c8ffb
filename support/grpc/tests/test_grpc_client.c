/* SPDX-License-Identifier: MIT */
/* The gRPC client against a peer that answers, misbehaves, goes away and comes back. */
#include "support/grpc/grpc.h"

#include <stdlib.h>
#include <time.h>

#include "support/base/memory.h"
#include "support/grpc/tests/peer.h"
#include "tests/support/suite.h"

#define BOUND_S 20 /* that anything may take */
#define N_CALLS 32

/* One call of a test and its answer. */
struct made {
	struct grpc_call *call;
	bool is_answered;
	unsigned n_answers;
	enum grpc_status status;
	bool is_sent;
	char sentence[200];
	char message[16]; /* how it begins */
	size_t size;
	uint8_t details[16];
	size_t details_size;
};

struct world {
	struct event_base *base;
	struct peer peer;
	struct grpc_client *client;
	struct grpc_settings settings;
	struct made made[N_CALLS];
	size_t n_made;
	unsigned n_states; /* times that it has told */
	char state[200]; /* "" is connected */
	bool is_timed_out;
};

static void on_state(void *user, const char *sentence)
{
	struct world *world = user;
	world->n_states++;
	(void)snprintf(world->state, sizeof(world->state), "%s", sentence != NULL ? sentence : "");
}

static void world_init(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world->base = event_base_new();
	peer_init(&world->peer, world->base);
	world->settings = (struct grpc_settings){
		.base = world->base,
		.host = "127.0.0.1",
		.port = world->peer.port,
		.on_state = on_state,
		.user = world,
	};
}

/* The client; after the test has set what it wants. */
static void world_start(struct world *world)
{
	char error[200] = "";
	world->client = grpc_client_create(&world->settings, error, sizeof(error));
	CHECK_TEXT(error, "");
}

static void world_finish(struct world *world)
{
	grpc_client_destroy(world->client);
	peer_finish(&world->peer);
	/* Deferred frees of libevent. */
	(void)event_base_loop(world->base, EVLOOP_NONBLOCK);
	event_base_free(world->base);
}

static void on_answer(void *user, const struct grpc_answer *answer)
{
	struct made *made = user;
	made->is_answered = true;
	made->n_answers++;
	made->status = answer->status;
	made->is_sent = answer->is_sent;
	made->size = answer->size;
	(void)snprintf(made->sentence, sizeof(made->sentence), "%s", answer->sentence);
	(void)snprintf(made->message, sizeof(made->message), "%.*s",
	        answer->size < 15 ? (int)answer->size : 15,
	        answer->size != 0 ? (const char *)answer->message : "");
	made->details_size = answer->details_size;
	if (answer->details_size != 0 && answer->details_size <= sizeof(made->details)) {
		memcpy(made->details, answer->details, answer->details_size);
	}
}

static struct made *call_with(struct world *world, const char *path, uint32_t timeout_ms)
{
	struct made *made = &world->made[world->n_made++];
	const struct grpc_request request = {
		.path = path,
		.message = "hello",
		.size = 5,
		.timeout_ms = timeout_ms,
		.is_patient = timeout_ms != 0,
	};
	made->call = grpc_client_call(world->client, &request, on_answer, made);
	CHECK(!made->is_answered);
	return made;
}

static struct made *call(struct world *world, const char *path)
{
	return call_with(world, path, 0);
}

static void on_bound(evutil_socket_t fd, short what, void *user)
{
	struct world *world = user;
	(void)fd;
	(void)what;
	world->is_timed_out = true;
}

typedef bool (*condition_fn)(const struct world *world);

/* Runs the loop until the condition holds. */
static void wait_for(struct world *world, condition_fn holds, const char *what)
{
	const struct timeval bound = { BOUND_S, 0 };
	world->is_timed_out = false;
	struct event *timer = evtimer_new(world->base, on_bound, world);
	(void)event_add(timer, &bound);
	while (!holds(world) && !world->is_timed_out) {
		(void)event_base_loop(world->base, EVLOOP_ONCE);
	}
	event_free(timer);
	if (world->is_timed_out) {
		fprintf(stderr, "still not so: %s\n", what);
	}
	CHECK(!world->is_timed_out);
}
#define WAIT(world, condition) wait_for((world), (condition), #condition)

static bool all_are_answered(const struct world *world)
{
	for (size_t i = 0; i < world->n_made; i++) {
		if (!world->made[i].is_answered) {
			return false;
		}
	}
	return true;
}

static bool last_is_answered(const struct world *world)
{
	return world->made[world->n_made - 1].is_answered;
}

static bool all_are_held(const struct world *world)
{
	return world->peer.n_open == world->n_made;
}

/* Some turns of the loop in which nothing is waited for. */
static void turn(struct world *world, unsigned ms)
{
	const struct timeval wait = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000 };
	world->is_timed_out = false;
	struct event *timer = evtimer_new(world->base, on_bound, world);
	(void)event_add(timer, &wait);
	while (!world->is_timed_out) {
		(void)event_base_loop(world->base, EVLOOP_ONCE);
	}
	event_free(timer);
}

static const struct made *answered(struct world *world, const char *path)
{
	struct made *made = call(world, path);
	WAIT(world, all_are_answered);
	CHECK_INT(made->n_answers, 1);
	return made;
}

static void answer_comes_with_its_message(void)
{
	struct world world;
	const struct grpc_header extra = { "x-extra", "yes" };
	world_init(&world);
	world.settings.headers = &extra;
	world.settings.n_headers = 1;
	world_start(&world);
	const struct made *made = call_with(&world, "/ok", 20000);
	WAIT(&world, all_are_answered);
	CHECK_INT(made->status, GRPC_OK);
	CHECK_TEXT(made->message, "hello");
	CHECK_TEXT(world.peer.timeout, "20000m");
	CHECK_TEXT(world.peer.extra, "yes");
	CHECK(strncmp(world.peer.authority, "127.0.0.1:", 10) == 0);
	CHECK_TEXT(answered(&world, "/split")->message, "hello");
	CHECK_INT(world.peer.n_accepted, 1);
	world_finish(&world);
}

static void status_without_a_message_is_read_from_headers_and_trailers(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	const struct made *made = answered(&world, "/trailers");
	CHECK_INT(made->status, GRPC_NOT_FOUND);
	CHECK_TEXT(made->sentence, "caf\xc3\xa9 100%");
	CHECK_INT(made->details_size, 6);
	CHECK(memcmp(made->details, "\x08\x05\x12\x02no", 6) == 0);
	CHECK_INT(answered(&world, "/no-body")->status, GRPC_RESOURCE_EXHAUSTED);
	CHECK_INT(answered(&world, "/unknown")->status, GRPC_UNIMPLEMENTED);
	CHECK_INT(answered(&world, "/http-502")->status, GRPC_UNAVAILABLE);
	CHECK_INT(world.peer.n_accepted, 1);
	world_finish(&world);
}

static void whole_message_without_a_status_is_taken_and_counted(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	const struct made *made = answered(&world, "/no-status");
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
	CHECK_INT(answered(&world, "/compressed")->status, GRPC_INTERNAL);
	CHECK_INT(answered(&world, "/two")->status, GRPC_INTERNAL);
	CHECK_INT(answered(&world, "/cut")->status, GRPC_UNAVAILABLE);
	CHECK_INT(answered(&world, "/ok")->status, GRPC_OK);
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
	const struct made *made = answered(&world, "/ok");
	CHECK_INT(made->status, GRPC_RESOURCE_EXHAUSTED);
	CHECK(!made->is_sent);
	world_finish(&world);
	world_init(&world);
	world.settings.max_answer = 50000;
	world_start(&world);
	CHECK_INT(answered(&world, "/large")->status, GRPC_RESOURCE_EXHAUSTED);
	CHECK_INT(answered(&world, "/ok")->status, GRPC_OK);
	world_finish(&world);
}

static void cancelled_stream_is_a_deadline_only_after_the_deadline(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	CHECK_INT(answered(&world, "/cancel")->status, GRPC_CANCELLED);
	/* Its deadline has passed when the request arrives. */
	struct made *made = call_with(&world, "/cancel", 1);
	turn(&world, 0);
	WAIT(&world, last_is_answered);
	CHECK(made->status == GRPC_DEADLINE_EXCEEDED || made->status == GRPC_CANCELLED);
	world_finish(&world);
}

static void refused_stream_is_sent_again_by_itself(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	CHECK_INT(answered(&world, "/refuse-once")->status, GRPC_OK);
	CHECK_INT(world.peer.n_requests, 2);
	world_finish(&world);
}

static void silence_past_the_deadline_ends_the_call_and_resets_its_stream(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	struct made *held = call_with(&world, "/hold", 1);
	/* Five seconds of grace for the server's own status. */
	WAIT(&world, all_are_answered);
	CHECK_INT(held->status, GRPC_DEADLINE_EXCEEDED);
	CHECK(held->is_sent);
	CHECK_INT(answered(&world, "/ok")->status, GRPC_OK);
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
	struct made *held = call(&world, "/hold");
	WAIT(&world, all_are_held);
	grpc_call_cancel(held->call);
	WAIT(&world, reset_has_come);
	CHECK(!held->is_answered);
	world_finish(&world);
}

static bool goaway_has_come(const struct world *world)
{
	return grpc_client_counts(world->client).n_goaways != 0;
}

static void goaway_lets_streams_end_and_new_calls_go_elsewhere(void)
{
	struct world world;
	world_init(&world);
	world_start(&world);
	struct made *held = call(&world, "/hold");
	WAIT(&world, all_are_held);
	peer_warn(&world.peer);
	WAIT(&world, goaway_has_come);
	struct made *next = call(&world, "/ok");
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
	struct made *first = call(&world, "/hold");
	struct made *second = call(&world, "/hold");
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
	struct made *held = call(&world, "/hold");
	WAIT(&world, all_are_held);
	peer_hang_up(&world.peer);
	WAIT(&world, all_are_answered);
	CHECK_INT(held->status, GRPC_UNAVAILABLE);
	CHECK(held->is_sent);
	CHECK_INT(answered(&world, "/ok")->status, GRPC_OK);
	CHECK_INT(world.peer.n_accepted, 2);
	world_finish(&world);
}

static bool unreachable_is_told(const struct world *world)
{
	return world->state[0] != '\0';
}

static void unreachable_server_fails_the_impatient_and_keeps_the_patient(void)
{
	struct world world;
	world_init(&world);
	peer_refuse(&world.peer);
	world.settings.retry_max_ms = 50;
	world_start(&world);
	struct made *patient = call_with(&world, "/ok", 15000);
	WAIT(&world, unreachable_is_told);
	CHECK(strstr(world.state, "refused") != NULL);
	struct made *impatient = call(&world, "/ok");
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
	turn(world, ms);
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
	CHECK_INT(answered(&world, "/ok")->status, GRPC_UNAVAILABLE);
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
	CHECK_INT(answered(&world, "/ok")->status, GRPC_UNAVAILABLE);
	world.peer.goes_away = false;
	world.n_made = 0;
	memset(world.made, 0, sizeof(world.made));
	struct made *patient = call_with(&world, "/ok", 15000);
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
		CHECK_INT(answered(&world, "/ok")->status, GRPC_UNAVAILABLE);
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
	struct made *held = call(&world, "/hold");
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
	struct made *held = call(&world, "/hold");
	WAIT(&world, all_are_answered);
	CHECK_INT(held->status, GRPC_UNAVAILABLE);
	CHECK_TEXT(held->sentence, "the server does not answer a PING");
	world.peer.is_mute = false;
	CHECK_INT(answered(&world, "/ok")->status, GRPC_OK);
	world_finish(&world);
}

static void calls_beyond_the_limit_of_streams_get_another_connection(void)
{
	struct world world;
	world_init(&world);
	world.peer.max_streams = 2;
	world_start(&world);
	for (int i = 0; i < 7; i++) {
		(void)call(&world, "/hold");
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
		(void)call(&world, "/hold");
	}
	WAIT(&world, all_connections_are_full);
	turn(&world, 50);
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
	made->call = grpc_client_call(world.client, &request, on_answer, made);
	turn(&world, 200);
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
	made->call = grpc_client_call(world.client, &request, on_answer, made);
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
	struct made *held = call(&world, "/hold");
	WAIT(&world, all_are_held);
	struct made *waiting = call(&world, "/ok");
	grpc_client_destroy(world.client);
	world.client = NULL;
	turn(&world, 20);
	CHECK(!held->is_answered);
	CHECK(!waiting->is_answered);
	CHECK_INT(world.peer.n_goaways, 1);
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
	return suite_run("grpc client", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
