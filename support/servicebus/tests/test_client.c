/* SPDX-License-Identifier: MIT */
/* The client against a broker that behaves, and one that does not. */
#include "support/servicebus/tests/world.h"
#include "tests/support/suite.h"

#include <proton/disposition.h>

#define EMULATOR "UseDevelopmentEmulator=true"

static void message_is_sent_and_accepted(void)
{
	struct world w;
	world_start(&w);
	world_client(&w, EMULATOR);
	world_send(&w, "topic", "hello");
	CHECK_INT(w.n_done, 0);
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_DONE);
	CHECK(w.is_ready);
	CHECK_TEXT(w.broker.last_audience, "sb://127.0.0.1/topic");
	struct amqp_message message;
	struct amqp_bytes body;
	struct amqp_buffer scratch = { 0 };
	CHECK(amqp_message_parse(amqp_buffer_bytes(&w.broker.last_received), &message));
	CHECK(amqp_message_read_body(&message, &scratch, &body));
	CHECK(amqp_bytes_is(body, "hello"));
	world_finish(&w);
}

static void many_sends_wait_for_credit_and_all_are_answered(void)
{
	struct world w;
	world_start(&w);
	world_client(&w, EMULATOR);
	for (int i = 0; i < 3000; i++) {
		world_send(&w, i % 2 == 0 ? "topic" : "other", "hello");
	}
	CHECK(world_wait(&w, &w.n_done, 3000));
	CHECK_INT(w.broker.n_received, 3000);
	CHECK_INT(w.broker.n_attached, 2);
	world_finish(&w);
}

static void large_message_crosses_many_frames(void)
{
	struct world w;
	world_start(&w);
	world_client(&w, EMULATOR);
	size_t size = 1000 * 1000;
	char *body = malloc(size + 1);
	memset(body, 'x', size);
	body[size] = '\0';
	world_send(&w, "topic", body);
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_DONE);
	CHECK(w.broker.last_received.size > size);
	free(body);
	world_finish(&w);
}

/* Their own link says nothing then: it has had its credit all the time. */
static void sends_that_found_no_room_go_when_those_of_another_topic_have_gone(void)
{
	struct world w;
	static char large[600 * 1000];
	world_start(&w);
	world_client(&w, EMULATOR);
	memset(large, 'x', sizeof(large) - 1);
	world_send(&w, "topic", "to attach");
	world_send(&w, "other", "to attach");
	world_send(&w, "third", "to attach");
	CHECK(world_wait(&w, &w.n_done, 3));
	world_send(&w, "topic", large);
	world_send(&w, "topic", large);
	for (int i = 0; i < 10; i++) {
		world_send(&w, i % 2 == 0 ? "other" : "third", i < 6 ? large : "small");
	}
	CHECK(world_wait(&w, &w.n_done, 15));
	for (int i = 0; i < 15; i++) {
		CHECK_INT(w.outcomes[i], SERVICEBUS_DONE);
	}
	world_finish(&w);
}

/* Sends end one after another; which one ended how many before it. */
struct place {
	struct world *world;
	unsigned n_before;
};

static void on_place(void *user, enum servicebus_outcome outcome, const char *sentence)
{
	struct place *place = user;
	(void)sentence;
	CHECK_INT(outcome, SERVICEBUS_DONE);
	place->n_before = place->world->n_done++;
}

static void check_turns(struct world *w, const char *busy, const char *other)
{
	static char large[600 * 1000];
	struct amqp_buffer encoded = { 0 };
	struct amqp_draft draft = { .message_id = amqp_text("id"), .body = amqp_text("small") };
	struct place place = { .world = w };
	memset(large, 'x', sizeof(large) - 1);
	unsigned n_before = w->n_done;
	for (int i = 0; i < 20; i++) {
		world_send(w, busy, large);
	}
	amqp_message_write(&encoded, &draft);
	servicebus_send(
	        servicebus_sender(w->client, other), amqp_buffer_bytes(&encoded), on_place, &place);
	amqp_buffer_finish(&encoded);
	CHECK(world_wait(w, &w->n_done, n_before + 21));
	CHECK(place.n_before - n_before < 10);
}

/* Nothing comes from the broker for the other topic: it has had its credit all the time. */
static void topic_that_has_always_more_to_send_leaves_room_for_another(void)
{
	struct world w;
	world_start(&w);
	world_client(&w, EMULATOR);
	(void)servicebus_sender(w.client, "topic");
	(void)servicebus_sender(w.client, "other");
	CHECK(world_wait(&w, &w.broker.n_attached, 2));
	w.broker.gives_no_credit = true; /* more of it, that is */
	world_send(&w, "topic", "to have the credit");
	world_send(&w, "other", "to have the credit");
	CHECK(world_wait(&w, &w.n_done, 2));
	check_turns(&w, "topic", "other");
	check_turns(&w, "other", "topic");
	world_finish(&w);
}

static void message_over_the_limit_is_not_sent(void)
{
	struct world w;
	char body[200];
	unsigned size = 0;
	unsigned limit = 0;
	world_start(&w);
	w.broker.max_message_size = 100;
	memset(body, 'x', sizeof(body));
	body[199] = '\0';
	world_client(&w, EMULATOR);
	world_send(&w, "topic", body); /* before the limit is known */
	CHECK(world_wait(&w, &w.n_done, 1));
	world_send(&w, "topic", body);
	CHECK_INT(w.n_done, 1); /* never within the call */
	CHECK(world_wait(&w, &w.n_done, 2));
	CHECK_INT(w.outcomes[0], SERVICEBUS_TOO_LARGE);
	CHECK_INT(w.outcomes[1], SERVICEBUS_TOO_LARGE);
	CHECK_INT(sscanf(w.sentence, "the message has %u bytes, 'topic' takes at most %u", &size,
	                  &limit),
	        2);
	CHECK(size >= 199 && size < 300);
	CHECK_INT(limit, 100);
	CHECK_INT(w.broker.n_received, 0);
	CHECK_INT(servicebus_client_max_message_size(w.client), 100);
	world_finish(&w);
}

static void rejections_are_told_apart(void)
{
	static const struct {
		const char *condition;
		enum servicebus_outcome outcome;
	} cases[] = {
		{ "amqp:not-found", SERVICEBUS_NOT_FOUND },
		{ "amqp:unauthorized-access", SERVICEBUS_DENIED },
		{ "amqp:link:message-size-exceeded", SERVICEBUS_TOO_LARGE },
		{ "com.microsoft:server-busy", SERVICEBUS_UNAVAILABLE },
		{ "com.microsoft:argument-error", SERVICEBUS_REJECTED },
	};
	struct world w;
	world_start(&w);
	world_client(&w, EMULATOR);
	for (unsigned i = 0; i < 5; i++) {
		w.broker.rejects_with = cases[i].condition;
		world_send(&w, "topic", "x");
		CHECK(world_wait(&w, &w.n_done, i + 1));
		CHECK_INT(w.outcomes[i], cases[i].outcome);
	}
	world_finish(&w);
}

static void send_on_a_lost_link_is_unknown_and_the_next_one_is_sent(void)
{
	struct world w;
	world_start(&w);
	world_client(&w, EMULATOR);
	w.broker.holds_answers = true;
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.broker.n_received, 1));
	w.broker.holds_answers = false;
	fake_broker_kill(&w.broker);
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_UNKNOWN);
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_done, 2));
	CHECK_INT(w.outcomes[1], SERVICEBUS_DONE);
	CHECK_INT(w.broker.n_connected, 2);
	world_finish(&w);
}

static void send_waits_for_a_broker_that_comes_late(void)
{
	struct world w;
	world_start(&w);
	fake_broker_deafen(&w.broker);
	world_client(&w, EMULATOR);
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_states, 1));
	CHECK(!w.is_ready);
	CHECK_INT(w.n_done, 0);
	fake_broker_hear(&w.broker);
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_DONE);
	CHECK(w.is_ready);
	world_finish(&w);
}

static void send_without_a_broker_is_unavailable_in_time(void)
{
	struct world w;
	char sentence[200];
	world_start(&w);
	fake_broker_deafen(&w.broker);
	w.settings.operation_timeout_ms = 200;
	world_client(&w, EMULATOR);
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_UNAVAILABLE);
	CHECK(!servicebus_client_is_ready(w.client, sentence, sizeof(sentence)));
	CHECK(strstr(sentence, "127.0.0.1") != NULL);
	world_finish(&w);
}

static void send_without_credit_is_unavailable_in_time(void)
{
	struct world w;
	world_start(&w);
	w.broker.gives_no_credit = true;
	w.settings.operation_timeout_ms = 200;
	world_client(&w, EMULATOR);
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_UNAVAILABLE);
	world_finish(&w);
}

static void send_without_answer_is_unknown_in_time(void)
{
	struct world w;
	world_start(&w);
	w.broker.holds_answers = true;
	w.settings.operation_timeout_ms = 200;
	world_client(&w, EMULATOR);
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_UNKNOWN);
	world_finish(&w);
}

static void queue_of_waiting_sends_is_bounded(void)
{
	struct world w;
	world_start(&w);
	w.broker.gives_no_credit = true;
	w.settings.max_waiting_sends = 2;
	world_client(&w, EMULATOR);
	for (int i = 0; i < 3; i++) {
		world_send(&w, "topic", "x");
	}
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_UNAVAILABLE);
	CHECK(strstr(w.sentence, "wait") != NULL);
	world_finish(&w);
}

/* The address, behind it a mark if it is denied. */
static void note_refused(void *user, const char *address, bool is_missing)
{
	snprintf(user, 100, "%s%s", address, is_missing ? "" : "!");
}

static void broker_that_is_busy_is_left_alone_for_a_while(void)
{
	struct world w;
	world_start(&w);
	w.settings.busy_ms = 300;
	w.broker.rejects_with = "com.microsoft:server-busy";
	world_client(&w, EMULATOR);
	world_send(&w, "topic", "first");
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_UNAVAILABLE);
	w.broker.rejects_with = NULL;
	unsigned n = w.broker.n_received;
	world_send(&w, "topic", "second");
	world_pass(&w, 150);
	CHECK_INT(w.broker.n_received, n); /* it waits */
	CHECK(world_wait(&w, &w.n_done, 2));
	CHECK_INT(w.outcomes[1], SERVICEBUS_DONE);
	world_finish(&w);
}

static void missing_topic_is_named_and_found_when_it_comes(void)
{
	struct world w;
	char missing[100] = "";
	world_start(&w);
	w.broker.missing = "topic";
	world_client(&w, EMULATOR);
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_NOT_FOUND);
	servicebus_client_each_refused(w.client, note_refused, missing);
	CHECK_TEXT(missing, "topic");
	world_send(&w, "topic", "x"); /* refused at once, without a wait */
	CHECK(world_wait(&w, &w.n_done, 2));
	CHECK_INT(w.outcomes[1], SERVICEBUS_NOT_FOUND);
	w.broker.missing = NULL;
	CHECK(world_wait(&w, &w.broker.n_attached, 1));
	for (unsigned i = 3; w.outcomes[w.n_done - 1] != SERVICEBUS_DONE && i < 100; i++) {
		world_send(&w, "topic", "x");
		CHECK(world_wait(&w, &w.n_done, i));
	}
	missing[0] = '\0';
	servicebus_client_each_refused(w.client, note_refused, missing);
	CHECK_TEXT(missing, "");
	world_finish(&w);
}

static void wrong_key_is_denied_and_told_until_it_is_taken(void)
{
	struct world w;
	char denied[100] = "";
	world_start(&w);
	w.broker.cbs_status = 401;
	world_client(&w, EMULATOR);
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_DENIED);
	servicebus_client_each_refused(w.client, note_refused, denied);
	CHECK_TEXT(denied, "topic!");
	w.broker.cbs_status = 0;
	for (unsigned i = 2; w.outcomes[w.n_done - 1] != SERVICEBUS_DONE && i < 100; i++) {
		world_send(&w, "topic", "x");
		CHECK(world_wait(&w, &w.n_done, i));
		world_pass(&w, 5);
	}
	denied[0] = '\0';
	servicebus_client_each_refused(w.client, note_refused, denied);
	CHECK_TEXT(denied, "");
	world_finish(&w);
}

static void token_that_ran_out_is_put_again_once(void)
{
	struct world w;
	world_start(&w);
	world_client(&w, EMULATOR);
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.broker.n_tokens, 1);
	fake_broker_detach(&w.broker, "topic", "amqp:unauthorized-access");
	CHECK(world_wait(&w, &w.broker.n_attached, 2));
	CHECK_INT(w.broker.n_tokens, 2);
	world_finish(&w);
}

static void token_is_renewed_before_its_end(void)
{
	struct world w;
	world_start(&w);
	w.settings.token_seconds = 1;
	world_client(&w, EMULATOR);
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK(world_wait(&w, &w.broker.n_tokens, 3));
	CHECK_INT(w.broker.n_attached, 1);
	world_finish(&w);
}

static void broker_without_cbs_is_used_without_tokens(void)
{
	struct world w;
	world_start(&w);
	w.settings.has_no_cbs = true;
	world_client(&w, EMULATOR);
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_DONE);
	CHECK_INT(w.broker.n_tokens, 0);
	world_finish(&w);
}

static void detached_link_comes_back_on_the_same_connection(void)
{
	struct world w;
	world_start(&w);
	world_client(&w, EMULATOR);
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_done, 1));
	fake_broker_detach(&w.broker, "topic", "amqp:link:detach-forced");
	CHECK(world_wait(&w, &w.broker.n_attached, 2));
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_done, 2));
	CHECK_INT(w.outcomes[1], SERVICEBUS_DONE);
	CHECK_INT(w.broker.n_connected, 1);
	world_finish(&w);
}

static void ended_session_is_replaced(void)
{
	struct world w;
	world_start(&w);
	world_client(&w, EMULATOR);
	world_send(&w, "topic", "x");
	(void)world_receive(&w, 10);
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK(world_wait(&w, &w.broker.n_attached, 2));
	fake_broker_end_sessions(&w.broker, "amqp:internal-error");
	CHECK(world_wait(&w, &w.broker.n_attached, 4));
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_done, 2));
	CHECK_INT(w.outcomes[1], SERVICEBUS_DONE);
	CHECK_INT(w.broker.n_connected, 1);
	world_finish(&w);
}

static void closed_connection_is_replaced(void)
{
	struct world w;
	world_start(&w);
	world_client(&w, EMULATOR);
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_done, 1));
	fake_broker_close(&w.broker, "amqp:connection:forced");
	CHECK(world_wait(&w, &w.broker.n_attached, 2));
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_done, 2));
	CHECK_INT(w.outcomes[1], SERVICEBUS_DONE);
	world_finish(&w);
}

static void attach_without_answer_is_tried_again(void)
{
	struct world w;
	world_start(&w);
	w.broker.answers_attach_never = true;
	w.settings.operation_timeout_ms = 200;
	world_client(&w, EMULATOR);
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_done, 1));
	CHECK_INT(w.outcomes[0], SERVICEBUS_UNAVAILABLE);
	w.broker.answers_attach_never = false;
	CHECK(world_wait(&w, &w.broker.n_attached, 1));
	world_finish(&w);
}

static void client_may_be_destroyed_with_everything_open(void)
{
	struct world w;
	world_start(&w);
	w.broker.holds_answers = true;
	fake_broker_put(&w.broker, "a");
	world_client(&w, EMULATOR);
	(void)world_receive(&w, 10);
	world_send(&w, "topic", "x");
	world_send(&w, "elsewhere", "x");
	CHECK(world_wait(&w, &w.n_given, 1));
	servicebus_client_destroy(w.client);
	w.client = NULL;
	world_pass(&w, 20);
	CHECK_INT(w.n_done, 0);
	world_finish(&w);
}

static void client_may_be_destroyed_in_its_own_callback(void)
{
	struct world w;
	world_start(&w);
	w.destroys_at_delivery = true;
	fake_broker_put(&w.broker, "a");
	fake_broker_put(&w.broker, "b");
	world_client(&w, EMULATOR);
	(void)world_receive(&w, 10);
	CHECK(world_wait(&w, &w.n_given, 1));
	world_pass(&w, 20);
	CHECK_INT(w.n_given, 1);
	world_finish(&w);
}

static void stop_waits_for_answers_and_closes(void)
{
	struct world w;
	world_start(&w);
	world_client(&w, EMULATOR);
	for (int i = 0; i < 100; i++) {
		world_send(&w, "topic", "x");
	}
	CHECK(world_wait(&w, &w.n_done, 1));
	for (int i = 0; i < 50; i++) {
		world_send(&w, "topic", "x");
	}
	world_stop(&w, 5000);
	CHECK(!w.is_stopped);
	CHECK(world_wait_flag(&w, &w.is_stopped));
	CHECK_INT(w.n_done, 150);
	CHECK_INT(w.outcomes[149], SERVICEBUS_DONE);
	world_finish(&w);
}

static void stop_is_bounded_when_the_broker_answers_nothing(void)
{
	struct world w;
	world_start(&w);
	w.broker.holds_answers = true;
	world_client(&w, EMULATOR);
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.broker.n_received, 1));
	world_stop(&w, 100);
	CHECK(world_wait_flag(&w, &w.is_stopped));
	CHECK_INT(w.n_done, 1);
	CHECK_INT(w.outcomes[0], SERVICEBUS_UNKNOWN);
	world_finish(&w);
}

static void stop_without_a_connection_ends_at_once(void)
{
	struct world w;
	world_start(&w);
	fake_broker_deafen(&w.broker);
	world_client(&w, EMULATOR);
	(void)world_receive(&w, 10);
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_states, 1));
	world_stop(&w, 60000);
	CHECK(world_wait_flag(&w, &w.is_stopped));
	CHECK_INT(w.n_done, 1);
	CHECK_INT(w.outcomes[0], SERVICEBUS_UNAVAILABLE);
	world_finish(&w);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(message_is_sent_and_accepted),
		SUITE_TEST(many_sends_wait_for_credit_and_all_are_answered),
		SUITE_TEST(large_message_crosses_many_frames),
		SUITE_TEST(sends_that_found_no_room_go_when_those_of_another_topic_have_gone),
		SUITE_TEST(topic_that_has_always_more_to_send_leaves_room_for_another),
		SUITE_TEST(message_over_the_limit_is_not_sent),
		SUITE_TEST(rejections_are_told_apart),
		SUITE_TEST(send_on_a_lost_link_is_unknown_and_the_next_one_is_sent),
		SUITE_TEST(send_waits_for_a_broker_that_comes_late),
		SUITE_TEST(send_without_a_broker_is_unavailable_in_time),
		SUITE_TEST(send_without_credit_is_unavailable_in_time),
		SUITE_TEST(send_without_answer_is_unknown_in_time),
		SUITE_TEST(queue_of_waiting_sends_is_bounded),
		SUITE_TEST(broker_that_is_busy_is_left_alone_for_a_while),
		SUITE_TEST(missing_topic_is_named_and_found_when_it_comes),
		SUITE_TEST(wrong_key_is_denied_and_told_until_it_is_taken),
		SUITE_TEST(token_that_ran_out_is_put_again_once),
		SUITE_TEST(token_is_renewed_before_its_end),
		SUITE_TEST(broker_without_cbs_is_used_without_tokens),
		SUITE_TEST(detached_link_comes_back_on_the_same_connection),
		SUITE_TEST(ended_session_is_replaced),
		SUITE_TEST(closed_connection_is_replaced),
		SUITE_TEST(attach_without_answer_is_tried_again),
		SUITE_TEST(client_may_be_destroyed_with_everything_open),
		SUITE_TEST(client_may_be_destroyed_in_its_own_callback),
		SUITE_TEST(stop_waits_for_answers_and_closes),
		SUITE_TEST(stop_is_bounded_when_the_broker_answers_nothing),
		SUITE_TEST(stop_without_a_connection_ends_at_once),
	};
	return suite_run("servicebus client", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
