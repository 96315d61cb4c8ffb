/* SPDX-License-Identifier: MIT */
/* Deliveries: credit, settlement in each way, locks, loss of links, stopping. */
#include "support/servicebus/tests/world.h"
#include "tests/support/suite.h"

#include <proton/disposition.h>

#define EMULATOR "UseDevelopmentEmulator=true"

static void start(struct world *w, unsigned n_messages, uint32_t credit)
{
	world_start(w);
	for (unsigned i = 0; i < n_messages; i++) {
		char body[20];
		snprintf(body, sizeof(body), "body %u", i);
		fake_broker_put(&w->broker, body);
	}
	world_client(w, EMULATOR);
	(void)world_receive(w, credit);
}

static void message_is_given_and_completed(void)
{
	struct world w;
	start(&w, 1, 10);
	CHECK(world_wait(&w, &w.n_given, 1));
	CHECK_TEXT(w.body, "body 0");
	CHECK_TEXT(w.message_id, "m0");
	CHECK_INT(w.counts[0], 0);
	CHECK(w.lock_ms > 55000 && w.lock_ms <= 60000);
	CHECK(w.tokens[0] != 0);
	world_settle(&w, 0, SERVICEBUS_COMPLETE);
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_DONE);
	CHECK_INT(w.broker.last_outcome, PN_ACCEPTED);
	CHECK(!w.broker.last_was_settled); /* confirmed by the broker, not by us */
	CHECK(w.broker.messages[0].is_settled);
	world_finish(&w);
}

static void credit_bounds_what_is_not_settled(void)
{
	struct world w;
	start(&w, 20, 4);
	CHECK(world_wait(&w, &w.n_given, 4));
	world_pass(&w, 50);
	CHECK_INT(w.n_given, 4);
	world_settle(&w, 1, SERVICEBUS_COMPLETE);
	CHECK(world_wait(&w, &w.n_given, 5));
	world_pass(&w, 50);
	CHECK_INT(w.n_given, 5);
	world_finish(&w);
}

static void credit_goes_on_for_ever(void)
{
	struct world w;
	world_start(&w);
	w.completes_at_once = true;
	world_client(&w, EMULATOR);
	(void)world_receive(&w, 7);
	for (unsigned i = 0; i < 500; i++) {
		fake_broker_put(&w.broker, "x");
	}
	CHECK(world_wait(&w, &w.n_done, 500));
	CHECK_INT(w.n_given, 500);
	CHECK_INT(servicebus_client_counts(w.client).n_unsettled, 0);
	world_finish(&w);
}

static void paused_receiver_gets_nothing_until_it_resumes(void)
{
	struct world w;
	world_start(&w);
	world_client(&w, EMULATOR);
	struct servicebus_receiver *receiver = world_receive(&w, 5);
	CHECK(world_wait(&w, &w.broker.n_attached, 1));
	world_pass(&w, 20);
	servicebus_receiver_set_credit(receiver, 0);
	CHECK(world_wait(&w, &w.broker.n_drains, 1));
	fake_broker_put(&w.broker, "x");
	world_pass(&w, 50);
	CHECK_INT(w.n_given, 0);
	servicebus_receiver_set_credit(receiver, 5);
	CHECK(world_wait(&w, &w.n_given, 1));
	world_finish(&w);
}

static void abandoned_message_counts_and_released_one_does_not(void)
{
	struct world w;
	start(&w, 1, 1);
	CHECK(world_wait(&w, &w.n_given, 1));
	world_settle(&w, 0, SERVICEBUS_RELEASE);
	CHECK(world_wait(&w, &w.n_given, 2));
	CHECK_INT(w.counts[1], 0);
	CHECK_INT(w.broker.last_outcome, PN_RELEASED);
	world_settle(&w, 1, SERVICEBUS_ABANDON);
	CHECK(world_wait(&w, &w.n_given, 3));
	CHECK_INT(w.counts[2], 1);
	CHECK_INT(w.broker.last_outcome, PN_MODIFIED);
	CHECK(w.tokens[0] != w.tokens[1] && w.tokens[1] != w.tokens[2]);
	world_finish(&w);
}

static void dead_letter_carries_its_reason(void)
{
	struct world w;
	start(&w, 1, 1);
	CHECK(world_wait(&w, &w.n_given, 1));
	world_settle(&w, 0, SERVICEBUS_DEAD_LETTER);
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_DONE);
	CHECK_INT(w.broker.last_outcome, PN_REJECTED);
	CHECK_TEXT(w.broker.last_reason, "NotAReply");
	CHECK_TEXT(w.broker.last_description, "It is no reply.");
	world_finish(&w);
}

static void lost_lock_is_told(void)
{
	struct world w;
	start(&w, 1, 1);
	w.broker.loses_locks = true;
	CHECK(world_wait(&w, &w.n_given, 1));
	world_settle(&w, 0, SERVICEBUS_COMPLETE);
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_LOCK_LOST);
	world_finish(&w);
}

static void second_settlement_of_a_delivery_is_refused(void)
{
	struct world w;
	start(&w, 1, 1);
	CHECK(world_wait(&w, &w.n_given, 1));
	world_settle(&w, 0, SERVICEBUS_COMPLETE);
	world_settle(&w, 0, SERVICEBUS_COMPLETE);
	CHECK(world_wait(&w, &w.n_done, 2));
	CHECK_INT(w.broker.n_settled, 1);
	CHECK_INT((int)w.outcomes[0] + (int)w.outcomes[1], SERVICEBUS_LOCK_LOST + SERVICEBUS_DONE);
	w.tokens[0] = 12345678;
	world_settle(&w, 0, SERVICEBUS_COMPLETE);
	CHECK(world_wait(&w, &w.n_done, 3));
	CHECK_INT(w.outcomes[2], SERVICEBUS_LOCK_LOST);
	world_finish(&w);
}

static void peer_that_settles_first_confirms_nothing(void)
{
	struct world w;
	world_start(&w);
	w.broker.settles_first = true;
	w.broker.ignores_settling = true;
	fake_broker_put(&w.broker, "x");
	world_client(&w, EMULATOR);
	(void)world_receive(&w, 1);
	CHECK(world_wait(&w, &w.n_given, 1));
	world_settle(&w, 0, SERVICEBUS_COMPLETE);
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_DONE);
	CHECK(world_wait(&w, &w.broker.n_settled, 1));
	CHECK(w.broker.last_was_settled);
	world_finish(&w);
}

static void unconfirmed_settlement_is_settled_by_management(void)
{
	struct world w;
	world_start(&w);
	w.broker.ignores_settling = true;
	w.settings.operation_timeout_ms = 300;
	fake_broker_put(&w.broker, "x");
	world_client(&w, EMULATOR);
	(void)world_receive(&w, 1);
	CHECK(world_wait(&w, &w.n_given, 1));
	world_settle(&w, 0, SERVICEBUS_COMPLETE);
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_DONE);
	CHECK_INT(w.broker.n_updates, 1);
	CHECK_TEXT(w.broker.last_update, "completed");
	CHECK(w.broker.messages[0].is_settled);
	world_finish(&w);
}

static void delivery_is_settled_across_a_reconnect(void)
{
	static const struct {
		enum servicebus_settlement how;
		const char *status;
	} cases[] = {
		{ SERVICEBUS_COMPLETE, "completed" },
		{ SERVICEBUS_ABANDON, "abandoned" },
		{ SERVICEBUS_DEAD_LETTER, "suspended" },
	};
	struct world w;
	start(&w, 3, 3);
	CHECK(world_wait(&w, &w.n_given, 3));
	fake_broker_kill(&w.broker);
	for (unsigned i = 0; i < 3; i++) {
		world_settle(&w, i, cases[i].how);
		CHECK(world_wait(&w, &w.n_done, i + 1));
		CHECK_INT(w.outcomes[i], SERVICEBUS_DONE);
		CHECK_TEXT(w.broker.last_update, cases[i].status);
	}
	CHECK_INT(w.broker.n_updates, 3);
	world_finish(&w);
}

static void settlement_under_way_when_the_link_is_lost_is_asked_again(void)
{
	struct world w;
	start(&w, 1, 1);
	w.broker.ignores_settling = true;
	CHECK(world_wait(&w, &w.n_given, 1));
	world_settle(&w, 0, SERVICEBUS_COMPLETE);
	CHECK(world_wait(&w, &w.broker.n_settled, 1));
	w.broker.loses_locks = true; /* it had been taken the first time */
	fake_broker_kill(&w.broker);
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_LOCK_LOST);
	world_finish(&w);
}

static void locks_are_renewed_until_settled(void)
{
	struct world w;
	world_start(&w);
	w.broker.lock_ms = 1000;
	for (int i = 0; i < 5; i++) {
		fake_broker_put(&w.broker, "x");
	}
	world_client(&w, EMULATOR);
	(void)world_receive(&w, 5);
	CHECK(world_wait(&w, &w.n_given, 5));
	CHECK(world_wait(&w, &w.broker.n_renewed, 10));
	CHECK(w.broker.n_renew_requests < w.broker.n_renewed); /* several in one request */
	for (unsigned i = 0; i < 5; i++) {
		world_settle(&w, i, SERVICEBUS_COMPLETE);
	}
	CHECK(world_wait(&w, &w.n_done, 5));
	CHECK_INT(w.outcomes[4], SERVICEBUS_DONE);
	unsigned n_renewed = w.broker.n_renewed;
	world_pass(&w, 800);
	CHECK_INT(w.broker.n_renewed, n_renewed);
	world_finish(&w);
}

/* They wait for nothing that is to be sent: the broker has stopped reading that. */
static void locks_are_renewed_and_settled_while_sends_are_stuck(void)
{
	struct world w;
	static char large[600 * 1000];
	world_start(&w);
	w.broker.lock_ms = 1000;
	w.broker.reads_nothing = true;
	fake_broker_put(&w.broker, "x");
	world_client(&w, EMULATOR);
	memset(large, 'x', sizeof(large) - 1);
	for (int i = 0; i < 5; i++) {
		world_send(&w, "topic", large);
	}
	(void)world_receive(&w, 5);
	CHECK(world_wait(&w, &w.broker.n_renewed, 2));
	CHECK_INT(w.broker.n_received, 0);
	world_settle(&w, 0, SERVICEBUS_COMPLETE);
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_DONE);
	world_finish(&w);
}

static void locks_are_renewed_across_a_reconnect(void)
{
	struct world w;
	world_start(&w);
	w.broker.lock_ms = 1000;
	fake_broker_put(&w.broker, "x");
	world_client(&w, EMULATOR);
	(void)world_receive(&w, 5);
	CHECK(world_wait(&w, &w.broker.n_renewed, 1));
	fake_broker_kill(&w.broker);
	CHECK(world_wait(&w, &w.broker.n_renewed, 3));
	world_finish(&w);
}

static void renewal_that_is_refused_marks_the_lock_as_lost(void)
{
	struct world w;
	world_start(&w);
	w.broker.lock_ms = 1000;
	w.broker.renew_status = 410;
	fake_broker_put(&w.broker, "x");
	fake_broker_put(&w.broker, "y");
	world_client(&w, EMULATOR);
	(void)world_receive(&w, 5);
	CHECK(world_wait(&w, &w.n_locks_lost_logged, 2));
	CHECK_INT(w.broker.n_renew_requests, 3); /* both together, then each alone */
	fake_broker_kill(&w.broker);
	CHECK(world_wait(&w, &w.broker.n_attached, 2));
	world_settle(&w, 0, SERVICEBUS_COMPLETE);
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_LOCK_LOST);
	world_finish(&w);
}

static void renewal_that_fails_is_tried_again(void)
{
	struct world w;
	world_start(&w);
	w.broker.lock_ms = 1000;
	w.broker.renew_status = 503;
	fake_broker_put(&w.broker, "x");
	world_client(&w, EMULATOR);
	(void)world_receive(&w, 5);
	CHECK(world_wait(&w, &w.broker.n_renew_requests, 1));
	w.broker.renew_status = 0;
	CHECK(world_wait(&w, &w.broker.n_renewed, 1));
	world_finish(&w);
}

static void foreign_broker_without_locks_is_served(void)
{
	struct world w;
	world_start(&w);
	w.broker.has_no_locks = true;
	w.settings.has_no_cbs = true;
	fake_broker_put(&w.broker, "x");
	fake_broker_put(&w.broker, "y");
	world_client(&w, EMULATOR);
	(void)world_receive(&w, 5);
	CHECK(world_wait(&w, &w.n_given, 2));
	CHECK_INT(w.lock_ms, 0);
	world_settle(&w, 0, SERVICEBUS_COMPLETE);
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_DONE);
	fake_broker_kill(&w.broker);
	CHECK(world_wait(&w, &w.broker.n_attached, 2));
	world_settle(&w, 1, SERVICEBUS_COMPLETE);
	CHECK(world_wait(&w, &w.n_done, 2));
	CHECK_INT(w.outcomes[1], SERVICEBUS_LOCK_LOST);
	world_finish(&w);
}

static void missing_subscription_is_told_once_and_found_later(void)
{
	struct world w;
	world_start(&w);
	w.broker.missing = "Subscriptions/sub";
	fake_broker_put(&w.broker, "x");
	world_client(&w, EMULATOR);
	(void)world_receive(&w, 5);
	CHECK(world_wait(&w, &w.n_refused, 1));
	CHECK_INT(w.refused, SERVICEBUS_NOT_FOUND);
	world_pass(&w, 200); /* several more refusals */
	CHECK_INT(w.n_refused, 1);
	w.broker.missing = NULL;
	CHECK(world_wait(&w, &w.n_given, 1));
	world_finish(&w);
}

static void stopped_receiver_drains_and_ends_when_all_is_settled(void)
{
	struct world w;
	world_start(&w);
	fake_broker_put(&w.broker, "x");
	world_client(&w, EMULATOR);
	struct servicebus_receiver *receiver = world_receive(&w, 5);
	CHECK(world_wait(&w, &w.n_given, 1));
	world_stop_receiver(&w, receiver);
	CHECK(world_wait(&w, &w.broker.n_drains, 1));
	fake_broker_put(&w.broker, "y");
	world_pass(&w, 50);
	CHECK_INT(w.n_given, 1);
	CHECK_INT(w.n_receivers_stopped, 0);
	world_settle(&w, 0, SERVICEBUS_COMPLETE);
	CHECK(world_wait(&w, &w.n_receivers_stopped, 1));
	CHECK_INT(w.n_done, 1);
	CHECK_INT(w.outcomes[0], SERVICEBUS_DONE);
	CHECK(!w.broker.messages[1].is_out);
	world_finish(&w);
}

static void message_that_comes_while_stopping_is_released(void)
{
	struct world w;
	world_start(&w);
	w.broker.ignores_drain = true;
	world_client(&w, EMULATOR);
	struct servicebus_receiver *receiver = world_receive(&w, 5);
	CHECK(world_wait(&w, &w.broker.n_attached, 1));
	world_pass(&w, 20);
	world_stop_receiver(&w, receiver);
	CHECK(world_wait(&w, &w.broker.n_drains, 1));
	fake_broker_put(&w.broker, "y");
	CHECK(world_wait(&w, &w.broker.n_settled, 1));
	CHECK_INT(w.broker.last_outcome, PN_RELEASED);
	CHECK_INT(w.n_given, 0);
	world_finish(&w);
}

static void stopped_receiver_without_a_link_ends(void)
{
	struct world w;
	world_start(&w);
	w.broker.missing = "sub";
	world_client(&w, EMULATOR);
	struct servicebus_receiver *receiver = world_receive(&w, 5);
	CHECK(world_wait(&w, &w.n_refused, 1));
	world_stop_receiver(&w, receiver);
	CHECK(world_wait(&w, &w.n_receivers_stopped, 1));
	world_finish(&w);
}

static void stop_of_the_client_gives_back_what_is_held(void)
{
	struct world w;
	start(&w, 2, 5);
	CHECK(world_wait(&w, &w.n_given, 2));
	world_stop(&w, 100);
	CHECK(world_wait_flag(&w, &w.is_stopped));
	CHECK_INT(w.broker.n_settled, 2);
	CHECK_INT(w.broker.last_outcome, PN_RELEASED);
	CHECK(!w.broker.messages[0].is_out);
	world_settle(&w, 0, SERVICEBUS_COMPLETE);
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_LOCK_LOST);
	world_finish(&w);
}

static void stop_of_the_client_waits_for_settlements(void)
{
	struct world w;
	start(&w, 1, 5);
	CHECK(world_wait(&w, &w.n_given, 1));
	world_stop(&w, 5000);
	world_pass(&w, 50);
	CHECK(!w.is_stopped);
	world_settle(&w, 0, SERVICEBUS_COMPLETE);
	CHECK(world_wait_flag(&w, &w.is_stopped));
	CHECK_INT(w.outcomes[0], SERVICEBUS_DONE);
	CHECK(w.broker.messages[0].is_settled);
	world_finish(&w);
}

static void silent_link_that_lives_is_asked_and_kept(void)
{
	struct world w;
	world_start(&w);
	w.settings.quiet_link_ms = 500;
	world_client(&w, EMULATOR);
	(void)world_receive(&w, 5);
	CHECK(world_wait(&w, &w.broker.n_drains, 3));
	CHECK_INT(w.broker.n_attached, 1);
	CHECK_INT(servicebus_client_counts(w.client).n_detaches, 0);
	fake_broker_put(&w.broker, "after all");
	CHECK(world_wait(&w, &w.n_given, 1));
	CHECK_INT(w.counts[0], 0);
	world_finish(&w);
}

static void link_that_the_broker_has_forgotten_is_put_up_anew(void)
{
	struct world w;
	world_start(&w);
	w.settings.quiet_link_ms = 100;
	w.broker.ignores_drain = true;
	world_client(&w, EMULATOR);
	(void)world_receive(&w, 5);
	CHECK(world_wait(&w, &w.broker.n_attached, 2));
	const struct servicebus_detaches *detaches = servicebus_client_detaches(w.client, 0);
	CHECK(detaches != NULL && strcmp(detaches->condition, "none") == 0);
	CHECK(detaches != NULL && detaches->n >= 1);
	CHECK(servicebus_client_detaches(w.client, 1) == NULL);
	w.broker.ignores_drain = false;
	fake_broker_put(&w.broker, "on the new one");
	CHECK(world_wait(&w, &w.n_given, 1));
	world_finish(&w);
}

static void detaches_are_counted_by_their_condition(void)
{
	static const char *const conditions[] = { "amqp:link:detach-forced",
		"com.microsoft:server-busy", "amqp:link:detach-forced" };
	struct world w;
	world_start(&w);
	w.settings.busy_ms = 50;
	world_client(&w, EMULATOR);
	(void)world_receive(&w, 5);
	for (unsigned i = 0; i < 3; i++) {
		CHECK(world_wait(&w, &w.broker.n_attached, i + 1));
		world_pass(&w, 20);
		fake_broker_detach(&w.broker, "Subscriptions", conditions[i]);
	}
	CHECK(world_wait(&w, &w.broker.n_attached, 4));
	CHECK_TEXT(servicebus_client_detaches(w.client, 0)->condition, "amqp:link:detach-forced");
	CHECK_INT(servicebus_client_detaches(w.client, 0)->n, 2);
	CHECK_TEXT(servicebus_client_detaches(w.client, 1)->condition, "com.microsoft:server-busy");
	CHECK_INT(servicebus_client_detaches(w.client, 1)->n, 1);
	world_finish(&w);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(message_is_given_and_completed),
		SUITE_TEST(credit_bounds_what_is_not_settled),
		SUITE_TEST(credit_goes_on_for_ever),
		SUITE_TEST(paused_receiver_gets_nothing_until_it_resumes),
		SUITE_TEST(abandoned_message_counts_and_released_one_does_not),
		SUITE_TEST(dead_letter_carries_its_reason),
		SUITE_TEST(lost_lock_is_told),
		SUITE_TEST(second_settlement_of_a_delivery_is_refused),
		SUITE_TEST(peer_that_settles_first_confirms_nothing),
		SUITE_TEST(unconfirmed_settlement_is_settled_by_management),
		SUITE_TEST(delivery_is_settled_across_a_reconnect),
		SUITE_TEST(settlement_under_way_when_the_link_is_lost_is_asked_again),
		SUITE_TEST(locks_are_renewed_until_settled),
		SUITE_TEST(locks_are_renewed_and_settled_while_sends_are_stuck),
		SUITE_TEST(locks_are_renewed_across_a_reconnect),
		SUITE_TEST(renewal_that_is_refused_marks_the_lock_as_lost),
		SUITE_TEST(renewal_that_fails_is_tried_again),
		SUITE_TEST(foreign_broker_without_locks_is_served),
		SUITE_TEST(missing_subscription_is_told_once_and_found_later),
		SUITE_TEST(stopped_receiver_drains_and_ends_when_all_is_settled),
		SUITE_TEST(message_that_comes_while_stopping_is_released),
		SUITE_TEST(stopped_receiver_without_a_link_ends),
		SUITE_TEST(stop_of_the_client_gives_back_what_is_held),
		SUITE_TEST(stop_of_the_client_waits_for_settlements),
		SUITE_TEST(silent_link_that_lives_is_asked_and_kept),
		SUITE_TEST(link_that_the_broker_has_forgotten_is_put_up_anew),
		SUITE_TEST(detaches_are_counted_by_their_condition),
	};
	return suite_run(
	        "servicebus receiver", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
