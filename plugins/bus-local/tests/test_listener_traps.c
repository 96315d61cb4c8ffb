/* SPDX-License-Identifier: MIT */
/* What SDKs stumble over and no other test shows: docs/service-bus.md has the whole list. */
#include "plugins/bus-local/tests/listener_world.h"

#include <proton/terminus.h>

#include "core/log.h"
#include "support/base/cleanup.h"

static void send_one(struct end *end, const char *id)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer buffer = { 0 };
	write_message(&buffer, id, 10);
	client_send(end, amqp_buffer_bytes(&buffer), false, false);
}

static void credit_of_a_sender_is_renewed_without_end(void)
{
	struct world world;
	char id[20];
	world_connect(&world);
	struct end *out = sender(&world);
	for (size_t i = 0; i < 2000; i++) {
		WAIT(&world, pn_link_credit(out->proton) > 0);
		snprintf(id, sizeof(id), "m%zu", i);
		send_one(out, id);
	}
	WAIT(&world, out->n_outcomes == 2000);
	CHECK_INT(out->outcome, PN_ACCEPTED);
	world_finish(&world);
}

/* A busy broker says so of the message: Go would go on using a link that was detached for it. */
static void message_sent_while_stopping_is_rejected_and_its_link_lives(void)
{
	struct world world;
	bool is_stopped = false;
	struct op_caller caller = { .on_done = on_ok, .user = &is_stopped };
	world_connect(&world);
	struct end *in = receiver(&world);
	struct end *out = sender(&world);
	send_message(&world, out, "held");
	client_flow(in, 1);
	WAIT(&world, in->n_arrivals == 1);
	(void)backend_stop(world.bus, &caller);
	turn(&world);
	send_one(out, "late");
	WAIT(&world, out->n_outcomes == 2);
	CHECK_INT(out->outcome, PN_REJECTED);
	CHECK_TEXT(out->condition, "com.microsoft:server-busy");
	CHECK(!out->is_closed);
	client_settle(in->arrivals, PN_ACCEPTED, false);
	WAIT(&world, in->n_settled == 1);
	for (int i = 0; i < 1000 && !is_stopped; i++) {
		turn(&world);
		loop_advance(world.loop, 1);
	}
	CHECK(is_stopped);
	client_destroy(world.client);
	world_destroy(&world);
}

static struct end *replies_of(struct world *world, struct client *client, pn_session_t *session)
{
	struct end *replies = client_receiver(
	        client, session, SUBSCRIPTION "/$management", PN_SND_SETTLED, PN_RCV_FIRST);
	WAIT(world, replies->is_attached);
	client_flow(replies, 10);
	return replies;
}

static void request(struct world *world, struct client *client, pn_session_t *session)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer buffer = { 0 };
	struct end *requests = client_sender(client, session, SUBSCRIPTION "/$management");
	WAIT(world, requests->is_attached && pn_link_credit(requests->proton) > 0);
	client_write_request(
	        &buffer, "com.example:no-such", amqp_bytes("\x53\x07", 2), amqp_text("\x40"));
	client_send(requests, amqp_buffer_bytes(&buffer), false, false);
}

/* All connections of Java name their reply links alike. */
static void reply_goes_to_the_connection_that_has_asked(void)
{
	struct world world;
	world_connect(&world);
	struct client *other = connect_plain(&world, BUS_EMULATOR_KEY);
	WAIT(&world, other->is_open);
	pn_session_t *session = client_session(other);
	struct end *first = replies_of(&world, world.client, world.session);
	struct end *second = replies_of(&world, other, session);
	request(&world, other, session);
	WAIT(&world, second->n_arrivals == 1);
	CHECK_INT(first->n_arrivals, 0);
	request(&world, world.client, world.session);
	WAIT(&world, first->n_arrivals == 1);
	CHECK_INT(second->n_arrivals, 1);
	client_destroy(other);
	world_finish(&world);
}

/* Java attaches anew with the name of the link that it has lost. */
static void link_may_be_attached_again_by_the_same_name(void)
{
	struct world world;
	world_connect(&world);
	for (int i = 0; i < 3; i++) {
		pn_link_t *proton = pn_sender(world.session, "always the same");
		(void)pn_terminus_set_address(pn_link_target(proton), TOPIC);
		struct end *end = client_add(world.client, proton);
		pn_link_open(proton);
		client_wake(world.client);
		WAIT(&world, end->is_attached && pn_link_credit(proton) > 0);
		send_message(&world, end, i == 0 ? "m0" : i == 1 ? "m1" : "m2");
		pn_link_close(proton);
		client_wake(world.client);
		WAIT(&world, end->is_closed);
	}
	world_finish(&world);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(credit_of_a_sender_is_renewed_without_end),
		SUITE_TEST(message_sent_while_stopping_is_rejected_and_its_link_lives),
		SUITE_TEST(reply_goes_to_the_connection_that_has_asked),
		SUITE_TEST(link_may_be_attached_again_by_the_same_name),
	};
	log_set_level(LUCIUS_LOG_ERROR);
	return suite_run(
	        "bus-local listener: traps", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
