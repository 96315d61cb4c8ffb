/* SPDX-License-Identifier: MIT */
/* Bus conformance: each way to settle, once, and only what is held. */
#include "sdk/conformance/bus_tests.h"

#include <stdlib.h>
#include <string.h>

#include "sdk/conformance/bus_world.h"

static void completed_message_does_not_come_again(void)
{
	struct bus_world world;
	bus_world_open(&world);
	bus_publish_ok(&world, "done");
	struct asked *stream = bus_ask_subscribe(&world, 5, 0);
	bus_settle_ok(&world, bus_delivery(stream, 0)->token, LUCIUS_SETTLE_COMPLETE);
	CHECK(bus_stays_at(&world, stream, 1));
	bus_end_stream(&world, stream);
	stream = bus_ask_subscribe(&world, 5, 0);
	CHECK(bus_stays_at(&world, stream, 0));
	bus_end_stream(&world, stream);
	bus_world_close(&world);
}

static void abandoned_message_comes_again_and_is_counted(void)
{
	struct bus_world world;
	bus_world_open(&world);
	bus_publish_ok(&world, "again");
	struct asked *stream = bus_ask_subscribe(&world, 1, 0);
	for (uint32_t count = 0; count < 3; count++) {
		const struct lucius_delivery *delivery = bus_delivery(stream, count);
		CHECK_INT(delivery->delivery_count, count);
		CHECK_TEXT(bus_text(delivery->message->message_id), "again");
		CHECK_TEXT(bus_text(delivery->message->body), "body of again");
		bus_settle_ok(&world, delivery->token,
		        count < 2 ? LUCIUS_SETTLE_ABANDON : LUCIUS_SETTLE_COMPLETE);
	}
	bus_end_stream(&world, stream);
	bus_world_close(&world);
}

static void released_message_comes_again_as_if_it_had_not_been_given(void)
{
	struct bus_world world;
	bus_world_open(&world);
	bus_publish_ok(&world, "back");
	struct asked *stream = bus_ask_subscribe(&world, 1, 0);
	bus_settle_ok(&world, bus_delivery(stream, 0)->token, LUCIUS_SETTLE_RELEASE);
	const struct lucius_delivery *again = bus_delivery(stream, 1);
	CHECK_INT(again->delivery_count, 0);
	CHECK_TEXT(bus_text(again->message->message_id), "back");
	bus_settle_ok(&world, again->token, LUCIUS_SETTLE_COMPLETE);
	bus_end_stream(&world, stream);
	bus_world_close(&world);
}

static const char *property(const struct lucius_message *message, const char *name)
{
	for (uint64_t i = 0; i < message->n_properties; i++) {
		if (strcmp(message->properties[i].name, name) == 0) {
			return message->properties[i].value;
		}
	}
	return "no such property";
}

static void dead_letter_is_read_from_its_queue_with_its_reason(void)
{
	struct bus_world world;
	bus_world_needs("dead letters");
	bus_world_open(&world);
	bus_publish_ok(&world, "odd");
	struct asked *stream = bus_ask_subscribe(&world, 5, 0);
	bus_settle_ok(&world, bus_delivery(stream, 0)->token, LUCIUS_SETTLE_DEAD_LETTER);
	CHECK(bus_stays_at(&world, stream, 1));
	bus_end_stream(&world, stream);
	stream = bus_ask_subscribe(&world, 5, LUCIUS_SUBSCRIPTION_DEAD_LETTERS);
	const struct lucius_delivery *dead = bus_delivery(stream, 0);
	CHECK_TEXT(bus_text(dead->message->message_id), "odd");
	CHECK_TEXT(property(dead->message, "DeadLetterReason"), "NotAReply");
	CHECK_TEXT(property(dead->message, "DeadLetterErrorDescription"), "it has no job id");
	bus_settle_ok(&world, dead->token, LUCIUS_SETTLE_COMPLETE);
	CHECK(bus_stays_at(&world, stream, 1));
	bus_end_stream(&world, stream);
	bus_world_close(&world);
}

static void token_that_was_settled_or_never_given_has_lost_its_lock(void)
{
	struct bus_world world;
	bus_world_open(&world);
	bus_publish_ok(&world, "once");
	struct asked *stream = bus_ask_subscribe(&world, 1, 0);
	uint64_t token = bus_delivery(stream, 0)->token;
	bus_settle_ok(&world, token, LUCIUS_SETTLE_COMPLETE);
	CHECK_STATUS(bus_ask_settle(&world, token, LUCIUS_SETTLE_COMPLETE), LUCIUS_LOCK_LOST);
	CHECK_STATUS(bus_ask_settle(&world, token, LUCIUS_SETTLE_ABANDON), LUCIUS_LOCK_LOST);
	CHECK_STATUS(
	        bus_ask_settle(&world, UINT64_MAX - 1, LUCIUS_SETTLE_COMPLETE), LUCIUS_LOCK_LOST);
	bus_end_stream(&world, stream);
	bus_world_close(&world);
}

static void tokens_are_never_used_again(void)
{
	struct bus_world world;
	uint64_t tokens[6];
	bus_world_open(&world);
	bus_publish_ok(&world, "often");
	struct asked *stream = bus_ask_subscribe(&world, 1, 0);
	for (size_t i = 0; i < 6; i++) {
		tokens[i] = bus_delivery(stream, i)->token;
		for (size_t k = 0; k < i; k++) {
			CHECK(tokens[k] != tokens[i]);
		}
		bus_settle_ok(
		        &world, tokens[i], i < 5 ? LUCIUS_SETTLE_RELEASE : LUCIUS_SETTLE_COMPLETE);
	}
	bus_end_stream(&world, stream);
	bus_world_close(&world);
}

/* `held_ms` of real time for a server whose locks are shorter than that; else the host's clock. */
static void lock_is_renewed_until_the_delivery_is_settled(void)
{
	struct bus_world world;
	const char *held = conformance_parameter("held_ms");
	bus_world_needs("locks");
	bus_world_open(&world);
	if (held != NULL) {
		CHECK(bus_world_ask_fixture(&world, "brief"));
	}
	bus_publish_ok(&world, "long work");
	struct asked *stream = bus_ask_subscribe(&world, 1, 0);
	struct asked *other = bus_ask_subscribe(&world, 5, 0);
	while (asked_n_items(stream) + asked_n_items(other) == 0) {
		(void)host_turn(world.host, 100);
	}
	const struct lucius_delivery *delivery =
	        asked_n_items(stream) != 0 ? bus_delivery(stream, 0) : bus_delivery(other, 0);
	if (held != NULL) {
		bus_let_pass(&world, (int)strtol(held, NULL, 10));
	} else {
		host_advance(world.host, 3600 * 1000);
	}
	CHECK_INT(asked_n_items(stream) + asked_n_items(other), 1);
	bus_settle_ok(&world, delivery->token, LUCIUS_SETTLE_COMPLETE);
	CHECK(bus_stays_at(&world, stream, 1));
	CHECK_INT(asked_n_items(stream) + asked_n_items(other), 1);
	bus_end_stream(&world, stream);
	bus_end_stream(&world, other);
	bus_world_close(&world);
}

const struct conformance_test bus_settle_tests[] = {
	CONFORMANCE_TEST(completed_message_does_not_come_again),
	CONFORMANCE_TEST(abandoned_message_comes_again_and_is_counted),
	CONFORMANCE_TEST(released_message_comes_again_as_if_it_had_not_been_given),
	CONFORMANCE_TEST(dead_letter_is_read_from_its_queue_with_its_reason),
	CONFORMANCE_TEST(token_that_was_settled_or_never_given_has_lost_its_lock),
	CONFORMANCE_TEST(tokens_are_never_used_again),
	CONFORMANCE_TEST(lock_is_renewed_until_the_delivery_is_settled),
	{ NULL, NULL },
};
