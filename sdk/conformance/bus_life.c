/* SPDX-License-Identifier: MIT */
/* Bus conformance: ends of streams and of the backend, with deliveries out. */
#include "sdk/conformance/bus_tests.h"

#include <stdio.h>
#include <string.h>

#include "sdk/conformance/bus_world.h"

static void unsubscribe_waits_for_what_was_given(void)
{
	struct bus_world world;
	char id[40];
	bus_world_open(&world);
	for (int i = 0; i < 5; i++) {
		(void)snprintf(id, sizeof(id), "m%d", i);
		bus_publish_ok(&world, id);
	}
	struct asked *stream = bus_ask_subscribe(&world, 2, 0);
	(void)bus_delivery(stream, 1);
	struct asked *end = bus_ask_unsubscribe(&world, stream);
	CHECK(bus_stays_at(&world, stream, 2));
	CHECK(!asked_is_finished(end));
	CHECK(!asked_is_finished(stream));
	bus_settle_ok(&world, bus_delivery(stream, 0)->token, LUCIUS_SETTLE_COMPLETE);
	bus_settle_ok(&world, bus_delivery(stream, 1)->token, LUCIUS_SETTLE_COMPLETE);
	CHECK_STATUS(end, LUCIUS_OK);
	CHECK_STATUS(stream, LUCIUS_OK);
	CHECK_INT(asked_n_items(stream), 2);
	/* Nothing else was taken: the rest comes at once, uncounted. */
	stream = bus_ask_subscribe(&world, 5, 0);
	for (size_t i = 0; i < 3; i++) {
		const struct lucius_delivery *delivery = bus_delivery(stream, i);
		CHECK_INT(delivery->delivery_count, 0);
		bus_settle_ok(&world, delivery->token, LUCIUS_SETTLE_COMPLETE);
	}
	CHECK(bus_stays_at(&world, stream, 3));
	bus_end_stream(&world, stream);
	bus_world_close(&world);
}

static void unsubscribe_of_what_has_ended_is_no_error(void)
{
	struct bus_world world;
	bus_world_open(&world);
	struct asked *stream = bus_ask_subscribe(&world, 2, 0);
	bus_end_stream(&world, stream);
	CHECK_STATUS(bus_ask_unsubscribe(&world, stream), LUCIUS_OK);
	bus_world_close(&world);
}

static void stop_ends_streams_whose_deliveries_nobody_settles(void)
{
	struct bus_world world;
	bus_world_open(&world);
	bus_publish_ok(&world, "left");
	struct asked *stream = bus_ask_subscribe(&world, 1, 0);
	(void)bus_delivery(stream, 0);
	struct asked *stop = instance_stop(world.instance);
	/* The backend may wait for settlements, but not for ever. */
	for (int i = 0; i < 40 && !asked_is_finished(stop); i++) {
		host_advance(world.host, 1000);
		(void)host_turn(world.host, 1000);
	}
	CHECK_STATUS(stop, LUCIUS_OK);
	CHECK(asked_is_finished(stream));
	instance_destroy(world.instance);
	host_destroy(world.host);
}

static void what_was_published_survives_the_process(void)
{
	struct bus_world world;
	bus_world_open(&world);
	if ((world.info.traits & LUCIUS_BUS_DURABLE) == 0) {
		conformance_skip("the bus lives in the process");
	}
	bus_publish_ok(&world, "kept");
	bus_world_restart(&world);
	struct asked *stream = bus_ask_subscribe(&world, 1, 0);
	const struct lucius_delivery *delivery = bus_delivery(stream, 0);
	CHECK_TEXT(bus_text(delivery->message->message_id), "kept");
	CHECK_INT(delivery->delivery_count, 0);
	bus_settle_ok(&world, delivery->token, LUCIUS_SETTLE_COMPLETE);
	bus_end_stream(&world, stream);
	bus_world_close(&world);
}

static void cancelled_publish_answers_once_and_the_next_one_goes(void)
{
	struct bus_world world;
	struct bus_draft draft;
	bus_world_open(&world);
	bus_draft_init(&draft, "given up");
	struct asked *asked = bus_ask_publish(&world, world.topic, &draft.message);
	if (!asked_is_finished(asked)) {
		asked_cancel(asked);
	}
	CHECK(asked_wait(asked));
	bus_publish_ok(&world, "next");
	bus_world_close(&world);
}

static void health_of_a_running_bus_is_good(void)
{
	struct bus_world world;
	bus_world_open(&world);
	CHECK_STATUS(instance_health(world.instance), LUCIUS_OK);
	bus_world_close(&world);
}

static void expect_topic(struct bus_world *world, const char *name)
{
	const struct lucius_text topic = bus_text_of(name);
	const struct lucius_topology topology = {
		.size = sizeof(topology), .topics = &topic, .n_topics = 1
	};
	world->bus->expect(instance_self(world->instance), &topology);
}

/* Health says UNAVAILABLE and names the topic, and nothing else. */
static bool is_named(struct bus_world *world, const char *topic)
{
	struct asked *health = instance_health(world->instance);
	return asked_wait(health) && asked_status(health) == LUCIUS_UNAVAILABLE &&
	        asked_n_items(health) == 1 &&
	        strstr(bus_text(*(const struct lucius_text *)asked_item(health, 0)), topic) != NULL;
}

static void an_expected_topic_that_is_missing_is_named_by_health(void)
{
	enum { BOUND_MS = 20000, STEP_MS = 50 };
	struct bus_world world;
	bus_world_needs("unroutable");
	bus_world_open(&world);
	if (!LUCIUS_HAS(world.bus, expect)) {
		conformance_skip("the bus does not want to know its topics");
	}
	expect_topic(&world, world.topic);
	bus_publish_ok(&world, "there is one");
	CHECK_STATUS(instance_health(world.instance), LUCIUS_OK);
	expect_topic(&world, "a-topic-that-nobody-made");
	bool is_seen = is_named(&world, "a-topic-that-nobody-made");
	for (int waited = 0; !is_seen && waited < BOUND_MS; waited += STEP_MS) {
		bus_let_pass(&world, STEP_MS);
		is_seen = is_named(&world, "a-topic-that-nobody-made");
	}
	CHECK(is_seen);
	bus_publish_ok(&world, "still there");
	bus_world_close(&world);
}

const struct conformance_test bus_life_tests[] = {
	CONFORMANCE_TEST(unsubscribe_waits_for_what_was_given),
	CONFORMANCE_TEST(unsubscribe_of_what_has_ended_is_no_error),
	CONFORMANCE_TEST(stop_ends_streams_whose_deliveries_nobody_settles),
	CONFORMANCE_TEST(what_was_published_survives_the_process),
	CONFORMANCE_TEST(cancelled_publish_answers_once_and_the_next_one_goes),
	CONFORMANCE_TEST(health_of_a_running_bus_is_good),
	CONFORMANCE_TEST(an_expected_topic_that_is_missing_is_named_by_health),
	{ NULL, NULL },
};
