/* SPDX-License-Identifier: MIT */
/* Client and server connections against each other. */
#include "support/amqp/link.h"
#include "support/amqp/message.h"
#include "support/amqp/tests/pair.h"
#include "tests/support/suite.h"

#include <proton/session.h>
#include <stdlib.h>

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
	CHECK(pair_run_until(&pair, pair_is_set, &pair.client.is_closed));
	CHECK(pair_run_until(&pair, pair_is_set, &pair.server.is_closed));
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
	CHECK(pair_run_until(&pair, pair_is_set, &pair.server.is_closed));
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
	CHECK(pair_run_until(&pair, pair_is_set, &pair.client.is_closed));
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
	CHECK(pair_run_until(&pair, pair_is_set, &pair.client.is_closed));
	CHECK(pair_run_until(&pair, pair_is_set, &pair.server.is_closed));
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
	if (!pair_run_until(&passage->pair, pair_is_set, &passage->is_got)) {
		fprintf(stderr, "%zu bytes: %s\n", size, passage->pair.server.sentence);
		abort();
	}
	CHECK(amqp_bytes_equal(amqp_buffer_bytes(&passage->got), amqp_bytes(content, size)));
	CHECK(pair_run_until(&passage->pair, pair_is_set, &passage->is_accepted));
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
	CHECK(pair_run_until(&passage.pair, pair_is_set, &passage.is_got));
	CHECK_INT(passage.got.size, 2000 * sizeof(block));
	CHECK_INT(amqp_connection_queued(passage.pair.client.connection), 0);
	passage_finish(&passage);
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
	};
	return suite_run("amqp connection", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
