/* SPDX-License-Identifier: MIT */
/* Messages from and to a peer: settlement, locks, drain, batches, those that are refused. */
#include "plugins/bus-local/tests/listener_world.h"

#include <event2/event.h>
#include <proton/disposition.h>

#include "core/log.h"
#include "support/base/cleanup.h"

/* Messages of half a megabyte, more by far than what sockets take. */
#define N_LARGE 200
#define OTHER_TOPIC "global-bus-replies-p1"
/* What a peer lets be under way: more than the broker puts in front of it at a time, not twice it.
 */
#define FRAME ((size_t)65536 + 128)
#define WINDOW_FRAMES 24

/* Receiving. */

static void delivery_carries_what_sdks_need(void)
{
	struct world world;
	struct amqp_message message;
	struct amqp_value value;
	int64_t number = 0;
	world_connect(&world);
	struct end *in = receiver(&world);
	send_message(&world, sender(&world), "m1");
	client_flow(in, 1);
	WAIT(&world, in->n_arrivals == 1);
	const struct arrival *arrival = in->arrivals;
	CHECK_INT(arrival->tag_size, 16);
	CHECK(!arrival->was_settled);
	CHECK(amqp_message_parse(amqp_buffer_bytes(&arrival->bytes), &message));
	/* The count must be written out although it is 0: header, list of five. */
	CHECK(memcmp(arrival->bytes.start, "\x00\x53\x70\xc0", 4) == 0);
	CHECK_INT(arrival->bytes.start[5], 5);
	CHECK(amqp_section_find(message.message_annotations, "x-opt-sequence-number", &value));
	CHECK(amqp_value_to_int(&value, &number));
	CHECK_INT(number, 1);
	CHECK(amqp_section_find(message.message_annotations, "x-opt-locked-until", &value));
	CHECK_INT(value.code, 0x83);
	int64_t locked_until_ms = value.signed_;
	CHECK(amqp_section_find(message.message_annotations, "x-opt-enqueued-time", &value));
	CHECK_INT(locked_until_ms - value.signed_, 60000);
	CHECK_INT(value.signed_ / 1000, START_S);
	world_finish(&world);
}

static void check_echo(struct world *world, uint64_t state)
{
	struct end *in = receiver(world);
	send_message(world, sender(world), "m1");
	client_flow(in, 1);
	WAIT(world, in->n_arrivals == 1);
	client_settle(in->arrivals, state, false);
	WAIT(world, in->n_settled == 1);
	CHECK_INT(in->echo, state);
	CHECK_TEXT(in->condition, "");
}

static void every_settlement_comes_back_in_kind_and_without_error(void)
{
	static const uint64_t states[] = { PN_ACCEPTED, PN_RELEASED, PN_MODIFIED, PN_REJECTED };
	for (size_t i = 0; i < 4; i++) {
		struct world world;
		world_connect(&world);
		check_echo(&world, states[i]);
		world_finish(&world);
	}
}

static void settling_a_lost_lock_is_told_so(void)
{
	struct world world;
	world_connect(&world);
	struct end *in = receiver(&world);
	send_message(&world, sender(&world), "m1");
	client_flow(in, 1);
	WAIT(&world, in->n_arrivals == 1);
	loop_advance(world.loop, 60000);
	client_settle(in->arrivals, PN_ACCEPTED, false);
	WAIT(&world, in->n_settled == 1);
	CHECK_INT(in->echo, PN_REJECTED);
	CHECK_TEXT(in->condition, "com.microsoft:message-lock-lost");
	client_flow(in, 1);
	WAIT(&world, in->n_arrivals == 2);
	CHECK_INT(count_of(in->arrivals->next), 1);
	world_finish(&world);
}

static void lock_that_expires_is_redelivered_to_a_live_client(void)
{
	struct world world;
	world_connect(&world);
	struct end *in = receiver(&world);
	send_message(&world, sender(&world), "m1");
	client_flow(in, 2);
	WAIT(&world, in->n_arrivals == 1);
	loop_advance(world.loop, 60000);
	WAIT(&world, in->n_arrivals == 2);
	CHECK_INT(count_of(in->arrivals->next), 1);
	CHECK(memcmp(in->arrivals->tag, in->arrivals->next->tag, 16) != 0);
	world_finish(&world);
}

static void released_message_uses_up_credit_and_does_not_count(void)
{
	struct world world;
	world_connect(&world);
	struct end *in = receiver(&world);
	send_message(&world, sender(&world), "m1");
	client_flow(in, 5);
	for (size_t i = 1; i <= 5; i++) {
		WAIT(&world, in->n_arrivals == i);
		CHECK_INT(count_of(in->arrivals), 0);
		client_settle(in->arrivals, PN_RELEASED, true);
		client_drop_arrival(in);
	}
	for (int i = 0; i < 20; i++) {
		turn(&world);
	}
	CHECK_INT(in->n_arrivals, 5);
	/* It is held for nobody. */
	struct end *other = receiver(&world);
	client_flow(other, 1);
	WAIT(&world, other->n_arrivals == 1);
	CHECK_INT(count_of(other->arrivals), 0);
	world_finish(&world);
}

static void drain_gives_what_is_there_and_takes_the_credit_back(void)
{
	struct world world;
	world_connect(&world);
	struct end *in = receiver(&world);
	send_message(&world, sender(&world), "m1");
	client_drain(in, 10);
	WAIT(&world, !pn_link_draining(in->proton));
	CHECK_INT(in->n_arrivals, 1);
	CHECK_INT(pn_link_credit(in->proton), 0);
	send_message(&world, sender(&world), "m2");
	for (int i = 0; i < 20; i++) {
		turn(&world);
	}
	CHECK_INT(in->n_arrivals, 1);
	pn_link_set_drain(in->proton, false);
	client_flow(in, 1);
	WAIT(&world, in->n_arrivals == 2);
	world_finish(&world);
}

static void detach_settles_nothing(void)
{
	struct world world;
	world_connect(&world);
	struct end *in = receiver(&world);
	send_message(&world, sender(&world), "m1");
	client_flow(in, 1);
	WAIT(&world, in->n_arrivals == 1);
	pn_link_close(in->proton);
	client_wake(world.client);
	WAIT(&world, in->is_closed);
	CHECK_INT(in->n_settled, 0);
	struct end *again = receiver(&world);
	client_flow(again, 1);
	for (int i = 0; i < 20; i++) {
		turn(&world);
	}
	CHECK_INT(again->n_arrivals, 0);
	loop_advance(world.loop, 60000);
	WAIT(&world, again->n_arrivals == 1);
	CHECK_INT(count_of(again->arrivals), 1);
	world_finish(&world);
}

static void receive_and_delete_is_settled_when_it_comes(void)
{
	struct world world;
	world_connect(&world);
	struct end *in = client_receiver(
	        world.client, world.session, SUBSCRIPTION, PN_SND_SETTLED, PN_RCV_FIRST);
	WAIT(&world, in->is_attached);
	send_message(&world, sender(&world), "m1");
	client_flow(in, 2);
	WAIT(&world, in->n_arrivals == 1);
	CHECK(in->arrivals->was_settled);
	loop_advance(world.loop, 120000);
	turn(&world);
	CHECK_INT(in->n_arrivals, 1);
	world_finish(&world);
}

/* Sending. */

static void batch_with_annotated_envelope_is_unpacked(void)
{
	struct world world;
	CLEANUP(amqp_buffer_finish) struct amqp_buffer one = { 0 };
	CLEANUP(amqp_buffer_finish) struct amqp_buffer batch = { 0 };
	world_connect(&world);
	struct end *in = receiver(&world);
	struct end *out = sender(&world);
	write_message(&one, "in-batch", 10);
	amqp_buffer_append(&batch, "\x00\x53\x72\xd1\0\0\0\4\0\0\0\0", 12);
	amqp_buffer_append(&batch, "\x00\x53\x73\xc0\x0b\x01\xa1\x08in-batch", 16);
	for (int i = 0; i < 3; i++) {
		amqp_put_data(&batch, amqp_buffer_bytes(&one));
	}
	client_send(out, amqp_buffer_bytes(&batch), true, false);
	WAIT(&world, out->n_outcomes == 1);
	CHECK_INT(out->outcome, PN_ACCEPTED);
	client_flow(in, 10);
	WAIT(&world, in->n_arrivals == 3);
	world_finish(&world);
}

static void check_rejected(struct world *world, struct amqp_bytes bytes, bool is_batch)
{
	struct end *out = sender(world);
	client_send(out, bytes, is_batch, false);
	WAIT(world, out->n_outcomes == 1);
	CHECK_INT(out->outcome, PN_REJECTED);
	CHECK_TEXT(out->condition, "com.microsoft:argument-error");
	CHECK(!out->is_closed);
	send_message(world, out, "good");
}

static void malformed_messages_are_rejected_and_the_link_lives(void)
{
	struct world world;
	CLEANUP(amqp_buffer_finish) struct amqp_buffer batch = { 0 };
	world_connect(&world);
	check_rejected(&world, amqp_text("no message"), false);
	check_rejected(&world, amqp_text("no message"), true);
	check_rejected(&world, amqp_bytes("\x00\x53\x75\xa0\xff", 5), false);
	amqp_put_data(&batch, amqp_text("no message"));
	check_rejected(&world, amqp_buffer_bytes(&batch), true);
	amqp_buffer_clear(&batch);
	amqp_buffer_append(&batch, "\x00\x53\x77\x40", 4);
	check_rejected(&world, amqp_buffer_bytes(&batch), true);
	world_finish(&world);
}

static void too_large_message_is_rejected_and_the_link_lives(void)
{
	struct world world;
	CLEANUP(amqp_buffer_finish) struct amqp_buffer large = { 0 };
	world_connect(&world);
	struct end *out = sender(&world);
	write_message(&large, "large", 3 * 1024 * 1024);
	client_send(out, amqp_buffer_bytes(&large), false, false);
	WAIT(&world, out->n_outcomes == 1);
	CHECK_INT(out->outcome, PN_REJECTED);
	CHECK_TEXT(out->condition, "amqp:link:message-size-exceeded");
	send_message(&world, out, "small");
	world_finish(&world);
}

static void full_subscription_is_told_to_the_sender(void)
{
	struct world world;
	CLEANUP(amqp_buffer_finish) struct amqp_buffer one = { 0 };
	world_connect(&world);
	struct end *out = sender(&world);
	/* Subscriptions that are made now get the limit; the shipped ones have the old. */
	write_message(&one, "one", 900000);
	bool is_full = false;
	for (int i = 0; i < 400 && !is_full; i++) {
		size_t n = out->n_outcomes;
		client_send(out, amqp_buffer_bytes(&one), false, false);
		WAIT(&world, out->n_outcomes == n + 1);
		is_full = out->outcome == PN_REJECTED;
	}
	CHECK(is_full);
	CHECK_TEXT(out->condition, "amqp:resource-limit-exceeded");
	CHECK(strstr(out->description, "lucius-invoker") != NULL);
	world_finish(&world);
}

static void slow_peer_gets_no_more_than_it_takes(void)
{
	struct world world;
	CLEANUP(amqp_buffer_finish) struct amqp_buffer one = { 0 };
	world_connect(&world);
	struct end *in = slow_receiver(&world);
	world.is_aside_still = true;
	struct end *out = sender(&world);
	write_message(&one, "one", 500000);
	for (int i = 0; i < N_LARGE; i++) {
		client_send(out, amqp_buffer_bytes(&one), false, false);
	}
	WAIT(&world, out->n_outcomes == N_LARGE);
	/* The socket's buffers take some; the broker keeps the rest, and has it for others. */
	struct end *other = receiver(&world);
	client_flow(other, N_LARGE);
	WAIT(&world, other->n_arrivals >= N_LARGE / 2);
	world.is_aside_still = false;
	WAIT(&world, in->n_arrivals + other->n_arrivals == N_LARGE);
	CHECK(in->n_arrivals >= 1);
	client_destroy(in->client);
	world_finish(&world);
}

/* The other link has said long before what it takes, and the peer says nothing more. */
static void peer_whose_one_receiver_has_drained_is_still_sent_to(void)
{
	struct world world;
	world_connect(&world);
	struct end *out = sender(&world);
	struct end *other_out = client_sender(world.client, world.session, OTHER_TOPIC);
	WAIT(&world, other_out->is_attached && pn_link_credit(other_out->proton) > 0);
	struct client *peer = connect_plain(&world, BUS_EMULATOR_KEY);
	WAIT(&world, peer->is_open);
	struct end *in = client_receiver(
	        peer, client_session(peer), SUBSCRIPTION, PN_SND_UNSETTLED, PN_RCV_SECOND);
	struct end *other = client_receiver(peer, client_session(peer),
	        OTHER_TOPIC "/Subscriptions/lucius-invoker", PN_SND_UNSETTLED, PN_RCV_SECOND);
	WAIT(&world, in->is_attached && other->is_attached);
	client_flow(other, 2);
	send_message(&world, out, "m1");
	client_drain(in, 5);
	WAIT(&world, in->n_arrivals == 1 && pn_link_credit(in->proton) == 0);
	for (size_t i = 1; i <= 2; i++) {
		send_message(&world, other_out, "m2");
		WAIT(&world, other->n_arrivals == i);
	}
	client_destroy(peer);
	world_finish(&world);
}

/* Its window is used up in the midst of what waits, and what is left of it needs no word more. */
static void receiver_with_a_small_window_gets_everything(void)
{
	struct world world;
	CLEANUP(amqp_buffer_finish) struct amqp_buffer one = { 0 };
	world_connect(&world);
	struct end *out = sender(&world);
	write_message(&one, "one", 60000);
	for (int i = 0; i < N_LARGE; i++) {
		client_send(out, amqp_buffer_bytes(&one), false, false);
	}
	WAIT(&world, out->n_outcomes == N_LARGE);
	struct client *peer = connect_plain(&world, BUS_EMULATOR_KEY);
	WAIT(&world, peer->is_open);
	pn_session_t *session = client_session(peer);
	pn_session_set_incoming_capacity(session, WINDOW_FRAMES * FRAME);
	struct end *in = client_receiver(peer, session, SUBSCRIPTION, PN_SND_SETTLED, PN_RCV_FIRST);
	WAIT(&world, in->is_attached);
	client_flow(in, 10 * N_LARGE);
	WAIT(&world, in->n_arrivals == N_LARGE);
	client_destroy(peer);
	world_finish(&world);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(delivery_carries_what_sdks_need),
		SUITE_TEST(every_settlement_comes_back_in_kind_and_without_error),
		SUITE_TEST(settling_a_lost_lock_is_told_so),
		SUITE_TEST(lock_that_expires_is_redelivered_to_a_live_client),
		SUITE_TEST(released_message_uses_up_credit_and_does_not_count),
		SUITE_TEST(drain_gives_what_is_there_and_takes_the_credit_back),
		SUITE_TEST(detach_settles_nothing),
		SUITE_TEST(receive_and_delete_is_settled_when_it_comes),
		SUITE_TEST(batch_with_annotated_envelope_is_unpacked),
		SUITE_TEST(malformed_messages_are_rejected_and_the_link_lives),
		SUITE_TEST(too_large_message_is_rejected_and_the_link_lives),
		SUITE_TEST(full_subscription_is_told_to_the_sender),
		SUITE_TEST(slow_peer_gets_no_more_than_it_takes),
		SUITE_TEST(peer_whose_one_receiver_has_drained_is_still_sent_to),
		SUITE_TEST(receiver_with_a_small_window_gets_everything),
	};
	log_set_level(LUCIUS_LOG_ERROR);
	return suite_run("bus-local listener: messages", tests, sizeof(tests) / sizeof(tests[0]),
	        argc, argv);
}
