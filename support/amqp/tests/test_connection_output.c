/* SPDX-License-Identifier: MIT */
/* What goes out: to a peer that does not read, and in which order with the owner's turns. */
#include "support/amqp/link.h"
#include "support/amqp/tests/raw.h"
#include "tests/support/suite.h"

#include <proton/session.h>
#include <sys/socket.h>
#include <unistd.h>

static void peer_that_does_not_read_stops_being_read(void)
{
	struct pair pair;
	raw_start(&pair,
	        &(struct amqp_connection_settings){
	                .stops_reading = true, .congested_above = 1000 });
	pair.server.on_event = raw_answer_sessions;
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
	pair.server.on_event = raw_answer_sessions;
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
	CHECK(pair_run_until(&outgoing->pair, pair_is_set, &outgoing->is_ready));
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
		SUITE_TEST(peer_that_does_not_read_stops_being_read),
		SUITE_TEST(reading_goes_on_when_other_output_has_taken_the_queue_along),
		SUITE_TEST(output_that_the_socket_takes_at_once_is_no_congestion),
		SUITE_TEST(wake_in_an_event_of_the_output_gives_another_turn),
	};
	return suite_run(
	        "amqp connection: output", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
