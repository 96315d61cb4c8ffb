/* SPDX-License-Identifier: MIT */
/* Client and server connections against each other, and a server against raw bytes. */
#include "support/amqp/link.h"
#include "support/amqp/message.h"
#include "support/amqp/tests/pair.h"
#include "tests/support/suite.h"

#include <poll.h>
#include <proton/session.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_set(const void *user)
{
	return *(const bool *)user;
}

static void both_sides_open_and_close(void)
{
	struct pair pair;
	pair_start(&pair, &(struct pair_options){ .client.hostname = "bus.example" });
	CHECK(pair_open(&pair));
	pn_connection_t *server = amqp_connection_proton(pair.server.connection);
	CHECK_TEXT(pn_connection_remote_hostname(server), "bus.example");
	CHECK_TEXT(pn_connection_remote_container(server), "client");
	amqp_connection_close(pair.client.connection, "amqp:connection:forced", "enough");
	CHECK(!pair.client.is_closed);
	CHECK(pair_run_until(&pair, is_set, &pair.client.is_closed));
	CHECK(pair_run_until(&pair, is_set, &pair.server.is_closed));
	CHECK(pair.server.is_by_peer);
	CHECK(!pair.client.is_by_peer);
	CHECK_TEXT(pair.server.condition, "amqp:connection:forced");
	CHECK_TEXT(pair.server.sentence, "enough");
	pair_finish(&pair);
}

static void peer_that_vanishes_is_told(void)
{
	struct pair pair;
	pair_start(&pair, &(struct pair_options){ 0 });
	CHECK(pair_open(&pair));
	amqp_connection_destroy(pair.client.connection);
	pair.client.connection = NULL;
	CHECK(pair_run_until(&pair, is_set, &pair.server.is_closed));
	CHECK(pair.server.was_open);
	CHECK(!pair.server.is_by_peer);
	CHECK(strstr(pair.server.sentence, "without an AMQP close") != NULL);
	pair_finish(&pair);
}

static void connection_may_be_destroyed_in_its_own_event(void)
{
	struct pair pair;
	pair_start(&pair, &(struct pair_options){ 0 });
	pair.server.destroys_in_event = true;
	CHECK(pair_run_until(&pair, is_set, &pair.client.is_closed));
	CHECK(pair.server.connection == NULL);
	CHECK(!pair.server.is_closed);
	CHECK_INT(pair.server.n_events, 1);
	pair_finish(&pair);
}

static bool check_key(void *user, struct amqp_bytes name, struct amqp_bytes password)
{
	(void)user;
	return amqp_bytes_is(name, "name") && amqp_bytes_is(password, "key");
}

static void plain_client_is_authenticated(void)
{
	struct pair pair;
	pair_start(&pair,
	        &(struct pair_options){ .client = { .plain_name = "name", .plain_password = "key" },
	                .check_plain = check_key });
	CHECK(pair_open(&pair));
	CHECK(amqp_connection_is_authenticated(pair.server.connection));
	pair_finish(&pair);
}

static void wrong_key_ends_both_sides_with_a_reason(void)
{
	struct pair pair;
	pair_start(&pair,
	        &(struct pair_options){ .client = { .plain_name = "name", .plain_password = "no" },
	                .check_plain = check_key });
	CHECK(pair_run_until(&pair, is_set, &pair.client.is_closed));
	CHECK(pair_run_until(&pair, is_set, &pair.server.is_closed));
	CHECK_TEXT(pair.client.condition, "amqp:unauthorized-access");
	CHECK(!pair.client.was_open);
	pair_finish(&pair);
}

/* One message at a time from the client to the server. */
struct passage {
	struct pair pair;
	pn_link_t *sender;
	struct amqp_buffer got;
	bool is_got;
	bool is_accepted;
	bool is_batch;
	uint8_t tag[32];
	size_t tag_size;
};

static void on_server_event(struct side *side, pn_event_t *event)
{
	struct passage *passage = side->test;
	pn_delivery_t *delivery = pn_event_delivery(event);
	switch (pn_event_type(event)) {
	case PN_SESSION_REMOTE_OPEN:
		pn_session_open(pn_event_session(event));
		break;
	case PN_LINK_REMOTE_OPEN:
		amqp_link_accept(pn_event_link(event), 0);
		pn_link_flow(pn_event_link(event), 100);
		break;
	case PN_DELIVERY:
		if (amqp_delivery_read(delivery, SIZE_MAX, &passage->got) == AMQP_READ_WHOLE) {
			passage->is_got = true;
			passage->is_batch = amqp_delivery_is_batch(delivery);
			passage->tag_size = amqp_delivery_tag(delivery).size;
			memcpy(passage->tag, amqp_delivery_tag(delivery).start,
			        passage->tag_size < 32 ? passage->tag_size : 32);
			pn_delivery_update(delivery, PN_ACCEPTED);
			pn_delivery_settle(delivery);
			pn_link_flow(pn_event_link(event), 1);
		}
		break;
	default:
		break;
	}
}

static void on_client_event(struct side *side, pn_event_t *event)
{
	struct passage *passage = side->test;
	if (pn_event_type(event) == PN_DELIVERY) {
		passage->is_accepted =
		        pn_delivery_remote_state(pn_event_delivery(event)) == PN_ACCEPTED;
		pn_delivery_settle(pn_event_delivery(event));
	}
}

static bool has_credit(const void *user)
{
	const struct passage *passage = user;
	return pn_link_credit(passage->sender) > 0;
}

static void passage_start(struct passage *passage, uint32_t max_frame_size)
{
	*passage = (struct passage){ 0 };
	pair_start(&passage->pair,
	        &(struct pair_options){ .client.max_frame_size = max_frame_size,
	                .server.max_frame_size = max_frame_size });
	passage->pair.server.test = passage;
	passage->pair.client.test = passage;
	passage->pair.server.on_event = on_server_event;
	passage->pair.client.on_event = on_client_event;
	CHECK(pair_open(&passage->pair));
	struct amqp_connection *client = passage->pair.client.connection;
	pn_session_t *session = pn_session(amqp_connection_proton(client));
	pn_session_open(session);
	passage->sender = pn_sender(session, "link");
	pn_link_open(passage->sender);
	amqp_connection_wake(client);
	CHECK(pair_run_until(&passage->pair, has_credit, passage));
}

static void passage_send(struct passage *passage, size_t size, struct amqp_bytes tag, uint8_t mark)
{
	char *content = malloc(size);
	for (size_t i = 0; i < size; i++) {
		content[i] = (char)(i * 31);
	}
	passage->is_got = false;
	passage->is_accepted = false;
	(void)amqp_delivery_start(passage->sender, tag, mark);
	(void)pn_link_send(passage->sender, content, size);
	(void)pn_link_advance(passage->sender);
	amqp_connection_wake(passage->pair.client.connection);
	if (!pair_run_until(&passage->pair, is_set, &passage->is_got)) {
		fprintf(stderr, "%zu bytes: %s\n", size, passage->pair.server.sentence);
		abort();
	}
	CHECK(amqp_bytes_equal(amqp_buffer_bytes(&passage->got), amqp_bytes(content, size)));
	CHECK(pair_run_until(&passage->pair, is_set, &passage->is_accepted));
	free(content);
}

static void passage_finish(struct passage *passage)
{
	amqp_buffer_finish(&passage->got);
	pair_finish(&passage->pair);
}

static void messages_of_every_size_about_the_frame_limit_pass(void)
{
	static const uint32_t limits[] = { 640, 65536 };
	for (int i = 0; i < 2; i++) {
		struct passage passage;
		passage_start(&passage, limits[i]);
		for (uint32_t size = limits[i] - 200; size <= limits[i] + 20; size++) {
			passage_send(
			        &passage, size, amqp_text("0123456789abcdef"), AMQP_MARK_PLAIN);
		}
		passage_send(
		        &passage, 3 * limits[i], amqp_text("0123456789abcdef"), AMQP_MARK_PLAIN);
		passage_finish(&passage);
	}
}

static void batch_and_tag_pass_through_proton(void)
{
	struct passage passage;
	passage_start(&passage, 0);
	passage_send(&passage, 100, amqp_text("0123456789abcdef"), AMQP_MARK_BATCH);
	CHECK(passage.is_batch);
	CHECK_INT(passage.tag_size, 16);
	CHECK(memcmp(passage.tag, "0123456789abcdef", 16) == 0);
	passage_send(
	        &passage, 200000, amqp_text("0123456789abcdef0123456789abcdef"), AMQP_MARK_BATCH);
	CHECK(passage.is_batch);
	CHECK_INT(passage.tag_size, 32);
	passage_send(&passage, 100, amqp_text("x"), AMQP_MARK_PLAIN);
	CHECK(!passage.is_batch);
	passage_finish(&passage);
}

static bool is_written(const void *user)
{
	return ((const struct side *)user)->n_writable != 0;
}

static void flood_makes_congested_and_all_arrives(void)
{
	struct passage passage;
	passage_start(&passage, 0);
	char block[10000];
	memset(block, 'x', sizeof(block));
	(void)amqp_delivery_start(passage.sender, amqp_text("t"), AMQP_MARK_PLAIN);
	for (int i = 0; i < 2000; i++) {
		(void)pn_link_send(passage.sender, block, sizeof(block));
	}
	(void)pn_link_advance(passage.sender);
	amqp_connection_wake(passage.pair.client.connection);
	(void)event_base_loop(passage.pair.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	CHECK(amqp_connection_is_congested(passage.pair.client.connection));
	CHECK(pair_run_until(&passage.pair, is_written, &passage.pair.client));
	CHECK(pair_run_until(&passage.pair, is_set, &passage.is_got));
	CHECK_INT(passage.got.size, 2000 * sizeof(block));
	CHECK_INT(amqp_connection_queued(passage.pair.client.connection), 0);
	passage_finish(&passage);
}

/* Raw bytes. */

static void raw_start(struct pair *pair, const struct amqp_connection_settings *server)
{
	pair_start(pair, &(struct pair_options){ .is_raw = true, .server = *server });
}

static void raw_write(struct pair *pair, const void *bytes, size_t size)
{
	CHECK_INT(write(pair->raw, bytes, size), size);
	pair_settle(pair);
}

/* Whether the bytes come within the bound. */
static bool raw_expect(struct pair *pair, const void *bytes, size_t size)
{
	static uint8_t got[65536];
	size_t n_got = 0;
	for (int i = 0; i < 500; i++) {
		pair_settle(pair);
		struct pollfd poll_fd = { .fd = pair->raw, .events = POLLIN };
		if (poll(&poll_fd, 1, 10) == 1) {
			ssize_t n = read(pair->raw, got + n_got, sizeof(got) - n_got);
			if (n <= 0) {
				break;
			}
			n_got += (size_t)n;
		}
		if (memmem(got, n_got, bytes, size) != NULL) {
			return true;
		}
	}
	return false;
}

#define RAW(pair, text) raw_write(pair, text, sizeof(text) - 1)
/* open: container "c"; begin on channel 3; end; detach of handle 0; close */
#define RAW_HEADER "AMQP\0\1\0\0"
#define RAW_OPEN "\0\0\0\x11\2\0\0\0\0\x53\x10\xc0\4\1\xa1\1c"
#define RAW_BEGIN "\0\0\0\x16\2\0\0\3\0\x53\x11\xc0\x09\4\x40\x43\x70\0\0\0\xff\x43"
#define RAW_END "\0\0\0\xc\2\0\0\3\0\x53\x17\x45"
#define RAW_DETACH "\0\0\0\x10\2\0\0\3\0\x53\x16\xc0\3\2\x43\x41"
#define RAW_CLOSE "\0\0\0\xc\2\0\0\0\0\x53\x18\x45"

static void answer_sessions(struct side *side, pn_event_t *event)
{
	(void)side;
	pn_session_t *session = pn_event_session(event);
	if (pn_event_type(event) == PN_SESSION_REMOTE_OPEN) {
		pn_session_open(session);
	} else if (pn_event_type(event) == PN_SESSION_REMOTE_CLOSE) {
		pn_session_close(session);
		pn_session_free(session);
	}
}

static void late_detach_does_not_end_the_connection(void)
{
	struct pair pair;
	raw_start(&pair, &(struct amqp_connection_settings){ 0 });
	pair.server.on_event = answer_sessions;
	RAW(&pair, RAW_HEADER RAW_OPEN RAW_BEGIN RAW_END RAW_DETACH RAW_DETACH);
	RAW(&pair, RAW_BEGIN);
	CHECK(!pair.server.is_closed);
	RAW(&pair, RAW_CLOSE);
	CHECK(raw_expect(&pair, "\0\x53\x18\xc0\2\1\x40", 7)); /* a close without an error */
	CHECK(pair_run_until(&pair, is_set, &pair.server.is_closed));
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
	CHECK(pair_run_until(&pair, is_set, &pair.server.is_closed));
	CHECK_TEXT(pair.server.condition, "amqp:not-allowed");
	pair_finish(&pair);
}

static void frame_over_the_limit_is_refused_by_its_head(void)
{
	struct pair pair;
	raw_start(&pair, &(struct amqp_connection_settings){ .max_frame_size = 512 });
	RAW(&pair, RAW_HEADER RAW_OPEN "\0\0\x2\x1\2\0\0\0");
	CHECK(raw_expect(&pair, "amqp:connection:framing-error", 29));
	CHECK(pair_run_until(&pair, is_set, &pair.server.is_closed));
	CHECK_TEXT(pair.server.condition, "amqp:connection:framing-error");
	pair_finish(&pair);
}

static void other_protocol_is_answered_and_ended(void)
{
	struct pair pair;
	raw_start(&pair, &(struct amqp_connection_settings){ 0 });
	RAW(&pair, "AMQP\0\0\x09\1");
	CHECK(raw_expect(&pair, "AMQP\3\1\0\0", 8));
	CHECK(pair_run_until(&pair, is_set, &pair.server.is_closed));
	CHECK(!pair.server.was_open);
	pair_finish(&pair);
}

static void silent_peer_is_ended_at_the_handshake_s_deadline(void)
{
	struct pair pair;
	raw_start(&pair, &(struct amqp_connection_settings){ .handshake_timeout_ms = 30 });
	RAW(&pair, "AMQP");
	CHECK(!pair.server.is_closed);
	CHECK(pair_run_until(&pair, is_set, &pair.server.is_closed));
	CHECK(strstr(pair.server.sentence, "not open in time") != NULL);
	pair_finish(&pair);
}

static void peer_that_opens_and_falls_silent_is_ended(void)
{
	struct pair pair;
	raw_start(&pair, &(struct amqp_connection_settings){ .idle_timeout_ms = 40 });
	RAW(&pair, RAW_HEADER RAW_OPEN);
	CHECK(raw_expect(&pair, "amqp:resource-limit-exceeded", 28));
	CHECK(pair_run_until(&pair, is_set, &pair.server.is_closed));
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
	CHECK(pair_run_until(&pair, is_set, &pair.server.is_closed));
	CHECK(strstr(pair.server.sentence, "did not answer") != NULL);
	pair_finish(&pair);
}

static void peer_that_does_not_read_stops_being_read(void)
{
	struct pair pair;
	raw_start(&pair,
	        &(struct amqp_connection_settings){
	                .stops_reading = true, .congested_above = 1000 });
	pair.server.on_event = answer_sessions;
	RAW(&pair, RAW_HEADER RAW_OPEN);
	/* Sessions are begun and ended without end, and the answers never read. */
	size_t n_written = 0;
	for (int i = 0; i < 100000; i++) {
		ssize_t n = write(pair.raw, RAW_BEGIN RAW_END, sizeof(RAW_BEGIN RAW_END) - 1);
		if (n != sizeof(RAW_BEGIN RAW_END) - 1) {
			break; /* the socket is full: the server has stopped */
		}
		n_written += (size_t)n;
		(void)event_base_loop(pair.base, EVLOOP_NONBLOCK);
	}
	CHECK(n_written < 3000000);
	CHECK(amqp_connection_is_congested(pair.server.connection));
	CHECK(amqp_connection_queued(pair.server.connection) < 300000);
	CHECK(!pair.server.is_closed);
	pair_finish(&pair);
}

/* As much as there is now. */
static size_t read_raw(int fd)
{
	static char bytes[65536];
	size_t n_read = 0;
	for (;;) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n <= 0) {
			return n_read;
		}
		n_read += (size_t)n;
	}
}

static void reading_goes_on_when_other_output_has_taken_the_queue_along(void)
{
	struct pair pair;
	raw_start(&pair,
	        &(struct amqp_connection_settings){
	                .stops_reading = true, .congested_above = 1000 });
	pair.server.on_event = answer_sessions;
	RAW(&pair, RAW_HEADER RAW_OPEN);
	while (!amqp_connection_is_congested(pair.server.connection)) {
		(void)send(
		        pair.raw, RAW_BEGIN RAW_END, sizeof(RAW_BEGIN RAW_END) - 1, MSG_DONTWAIT);
		(void)event_base_loop(pair.base, EVLOOP_NONBLOCK);
	}
	/* The owner's own wake comes before the socket's event, and writes all that waits. */
	for (int i = 0; i < 10000 && pair.server.n_writable == 0; i++) {
		(void)read_raw(pair.raw);
		amqp_connection_wake(pair.server.connection);
		(void)event_base_loop(pair.base, EVLOOP_NONBLOCK);
	}
	CHECK(pair.server.n_writable != 0);
	(void)read_raw(pair.raw);
	(void)send(pair.raw, RAW_BEGIN RAW_END, sizeof(RAW_BEGIN RAW_END) - 1, MSG_DONTWAIT);
	size_t n_answered = 0;
	for (int i = 0; i < 10000 && n_answered == 0; i++) {
		(void)event_base_loop(pair.base, EVLOOP_NONBLOCK);
		n_answered += read_raw(pair.raw);
	}
	CHECK(n_answered != 0);
	pair_finish(&pair);
}

/* A message goes from the client, whose output brings an event (PN_LINK_FLOW) about in turn. */
struct outgoing {
	struct pair pair;
	pn_link_t *sender;
	bool is_ready;
	bool is_watching; /* what comes is of the message's own output */
	bool was_congested;
	bool wakes;
	unsigned n_flows;
	unsigned n_turns_at_flow;
};

static void on_outgoing_server(struct side *side, pn_event_t *event)
{
	(void)side;
	if (pn_event_type(event) == PN_SESSION_REMOTE_OPEN) {
		pn_session_open(pn_event_session(event));
	} else if (pn_event_type(event) == PN_LINK_REMOTE_OPEN) {
		amqp_link_accept(pn_event_link(event), 0);
		pn_link_flow(pn_event_link(event), 100);
	}
}

static void on_outgoing_client(struct side *side, pn_event_t *event)
{
	struct outgoing *outgoing = side->test;
	if (pn_event_type(event) != PN_LINK_FLOW) {
		return;
	}
	outgoing->is_ready = true;
	if (!outgoing->is_watching) {
		return;
	}
	outgoing->n_flows++;
	outgoing->n_turns_at_flow = side->n_turns;
	outgoing->was_congested =
	        outgoing->was_congested || amqp_connection_is_congested(side->connection);
	if (outgoing->wakes) {
		outgoing->wakes = false;
		amqp_connection_wake(side->connection);
	}
}

static void outgoing_start(struct outgoing *outgoing)
{
	*outgoing = (struct outgoing){ 0 };
	pair_start(&outgoing->pair, &(struct pair_options){ .client.congested_above = 1000 });
	outgoing->pair.client.test = outgoing;
	outgoing->pair.client.on_event = on_outgoing_client;
	outgoing->pair.server.on_event = on_outgoing_server;
	CHECK(pair_open(&outgoing->pair));
	pn_session_t *session =
	        pn_session(amqp_connection_proton(outgoing->pair.client.connection));
	outgoing->sender = pn_sender(session, "link");
	pn_session_open(session);
	pn_link_open(outgoing->sender);
	amqp_connection_wake(outgoing->pair.client.connection);
	CHECK(pair_run_until(&outgoing->pair, is_set, &outgoing->is_ready));
	pair_settle(&outgoing->pair);
	outgoing->is_watching = true;
}

static void outgoing_send(struct outgoing *outgoing)
{
	static const char content[5000];
	(void)amqp_delivery_start(outgoing->sender, amqp_text("1"), AMQP_MARK_PLAIN);
	(void)pn_link_send(outgoing->sender, content, sizeof(content));
	(void)pn_link_advance(outgoing->sender);
	amqp_connection_wake(outgoing->pair.client.connection);
	pair_settle(&outgoing->pair);
	CHECK_INT(outgoing->n_flows, 1);
}

/* Who keeps something back because of it waits to be told of its end. */
static void output_that_the_socket_takes_at_once_is_no_congestion(void)
{
	struct outgoing outgoing;
	outgoing_start(&outgoing);
	outgoing_send(&outgoing);
	CHECK(!outgoing.was_congested);
	CHECK_INT(outgoing.pair.client.n_writable, 0);
	pair_finish(&outgoing.pair);
}

static void wake_in_an_event_of_the_output_gives_another_turn(void)
{
	struct outgoing outgoing;
	outgoing_start(&outgoing);
	outgoing.wakes = true;
	outgoing_send(&outgoing);
	CHECK_INT(outgoing.pair.client.n_turns, outgoing.n_turns_at_flow + 1);
	pair_finish(&outgoing.pair);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(both_sides_open_and_close),
		SUITE_TEST(peer_that_vanishes_is_told),
		SUITE_TEST(connection_may_be_destroyed_in_its_own_event),
		SUITE_TEST(plain_client_is_authenticated),
		SUITE_TEST(wrong_key_ends_both_sides_with_a_reason),
		SUITE_TEST(messages_of_every_size_about_the_frame_limit_pass),
		SUITE_TEST(batch_and_tag_pass_through_proton),
		SUITE_TEST(flood_makes_congested_and_all_arrives),
		SUITE_TEST(late_detach_does_not_end_the_connection),
		SUITE_TEST(detach_without_a_session_ends_it_with_an_error),
		SUITE_TEST(frame_over_the_limit_is_refused_by_its_head),
		SUITE_TEST(other_protocol_is_answered_and_ended),
		SUITE_TEST(silent_peer_is_ended_at_the_handshake_s_deadline),
		SUITE_TEST(peer_that_opens_and_falls_silent_is_ended),
		SUITE_TEST(idle_peer_gets_empty_frames),
		SUITE_TEST(connections_survive_each_other_s_silence),
		SUITE_TEST(close_without_an_answer_ends_in_time),
		SUITE_TEST(peer_that_does_not_read_stops_being_read),
		SUITE_TEST(reading_goes_on_when_other_output_has_taken_the_queue_along),
		SUITE_TEST(output_that_the_socket_takes_at_once_is_no_congestion),
		SUITE_TEST(wake_in_an_event_of_the_output_gives_another_turn),
	};
	return suite_run("amqp connection", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
