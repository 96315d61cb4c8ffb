/* SPDX-License-Identifier: MIT */
/* A server against raw bytes: what comes late, what is no AMQP, and silence. */
#include "support/amqp/tests/raw.h"
#include "tests/support/suite.h"

static void late_detach_does_not_end_the_connection(void)
{
	struct pair pair;
	raw_start(&pair, &(struct amqp_connection_settings){ 0 });
	pair.server.on_event = raw_answer_sessions;
	RAW(&pair, RAW_HEADER RAW_OPEN RAW_BEGIN RAW_END RAW_DETACH RAW_DETACH);
	RAW(&pair, RAW_BEGIN);
	CHECK(!pair.server.is_closed);
	RAW(&pair, RAW_CLOSE);
	CHECK(raw_expect(&pair, "\0\x53\x18\xc0\2\1\x40", 7)); /* a close without an error */
	CHECK(pair_run_until(&pair, pair_is_set, &pair.server.is_closed));
	CHECK(pair.server.is_by_peer);
	CHECK_TEXT(pair.server.condition, "");
	pair_finish(&pair);
}

static void detach_without_a_session_ends_it_with_an_error(void)
{
	struct pair pair;
	raw_start(&pair, &(struct amqp_connection_settings){ 0 });
	RAW(&pair, RAW_HEADER RAW_OPEN RAW_DETACH);
	CHECK(raw_expect(&pair, "amqp:not-allowed", 16));
	CHECK(pair_run_until(&pair, pair_is_set, &pair.server.is_closed));
	CHECK_TEXT(pair.server.condition, "amqp:not-allowed");
	pair_finish(&pair);
}

static void frame_over_the_limit_is_refused_by_its_head(void)
{
	struct pair pair;
	raw_start(&pair, &(struct amqp_connection_settings){ .max_frame_size = 512 });
	RAW(&pair, RAW_HEADER RAW_OPEN "\0\0\x2\x1\2\0\0\0");
	CHECK(raw_expect(&pair, "amqp:connection:framing-error", 29));
	CHECK(pair_run_until(&pair, pair_is_set, &pair.server.is_closed));
	CHECK_TEXT(pair.server.condition, "amqp:connection:framing-error");
	pair_finish(&pair);
}

static void other_protocol_is_answered_and_ended(void)
{
	struct pair pair;
	raw_start(&pair, &(struct amqp_connection_settings){ 0 });
	RAW(&pair, "AMQP\0\0\x09\1");
	CHECK(raw_expect(&pair, "AMQP\3\1\0\0", 8));
	CHECK(pair_run_until(&pair, pair_is_set, &pair.server.is_closed));
	CHECK(!pair.server.was_open);
	pair_finish(&pair);
}

static void silent_peer_is_ended_at_the_handshake_s_deadline(void)
{
	struct pair pair;
	raw_start(&pair, &(struct amqp_connection_settings){ .handshake_timeout_ms = 30 });
	RAW(&pair, "AMQP");
	CHECK(!pair.server.is_closed);
	CHECK(pair_run_until(&pair, pair_is_set, &pair.server.is_closed));
	CHECK(strstr(pair.server.sentence, "not open in time") != NULL);
	pair_finish(&pair);
}

static void peer_that_opens_and_falls_silent_is_ended(void)
{
	struct pair pair;
	raw_start(&pair, &(struct amqp_connection_settings){ .idle_timeout_ms = 40 });
	RAW(&pair, RAW_HEADER RAW_OPEN);
	CHECK(raw_expect(&pair, "amqp:resource-limit-exceeded", 28));
	CHECK(pair_run_until(&pair, pair_is_set, &pair.server.is_closed));
	CHECK_TEXT(pair.server.condition, "amqp:resource-limit-exceeded");
	pair_finish(&pair);
}

static void idle_peer_gets_empty_frames(void)
{
	struct pair pair;
	raw_start(&pair, &(struct amqp_connection_settings){ 0 });
	/* open with idle-time-out 60 ms */
	RAW(&pair, RAW_HEADER "\0\0\0\x16\2\0\0\0\0\x53\x10\xc0\x09\5\xa1\1c\x40\x40\x40\x52\x3c");
	CHECK(raw_expect(&pair, "\0\0\0\x8\2\0\0\0", 8));
	CHECK(!pair.server.is_closed);
	pair_finish(&pair);
}

static void connections_survive_each_other_s_silence(void)
{
	struct pair pair;
	pair_start(&pair,
	        &(struct pair_options){
	                .client.idle_timeout_ms = 50, .server.idle_timeout_ms = 50 });
	CHECK(pair_open(&pair));
	struct timeval some = { .tv_usec = 400 * 1000 };
	(void)event_base_loopexit(pair.base, &some);
	(void)event_base_dispatch(pair.base);
	CHECK(!pair.client.is_closed);
	CHECK(!pair.server.is_closed);
	pair_finish(&pair);
}

static void close_without_an_answer_ends_in_time(void)
{
	struct pair pair;
	raw_start(&pair, &(struct amqp_connection_settings){ .close_timeout_ms = 30 });
	RAW(&pair, RAW_HEADER RAW_OPEN);
	amqp_connection_close(pair.server.connection, NULL, NULL);
	CHECK(pair_run_until(&pair, pair_is_set, &pair.server.is_closed));
	CHECK(strstr(pair.server.sentence, "did not answer") != NULL);
	pair_finish(&pair);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(late_detach_does_not_end_the_connection),
		SUITE_TEST(detach_without_a_session_ends_it_with_an_error),
		SUITE_TEST(frame_over_the_limit_is_refused_by_its_head),
		SUITE_TEST(other_protocol_is_answered_and_ended),
		SUITE_TEST(silent_peer_is_ended_at_the_handshake_s_deadline),
		SUITE_TEST(peer_that_opens_and_falls_silent_is_ended),
		SUITE_TEST(idle_peer_gets_empty_frames),
		SUITE_TEST(connections_survive_each_other_s_silence),
		SUITE_TEST(close_without_an_answer_ends_in_time),
	};
	return suite_run(
	        "amqp connection: raw bytes", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
