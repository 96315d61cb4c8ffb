/* SPDX-License-Identifier: MIT */
/* Bus conformance: what is published comes, as it was, once to each subscription, in order. */
#include "sdk/conformance/bus_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/conformance/bus_world.h"

#define N_MANY 50

static const struct lucius_field *property(const struct lucius_message *message, const char *name)
{
	for (uint64_t i = 0; i < message->n_properties; i++) {
		if (strcmp(message->properties[i].name, name) == 0) {
			return &message->properties[i];
		}
	}
	return NULL;
}

static void check_property(
        const struct lucius_message *message, const struct lucius_field *expected)
{
	const struct lucius_field *found = property(message, expected->name);
	CHECK_TEXT(found != NULL ? found->value : "no such property", expected->value);
	CHECK_INT(found != NULL ? found->type : 0, expected->type);
}

static void message_comes_as_it_was_published(void)
{
	static const struct lucius_field fields[] = {
		{ "step_type", "OCR", 3, LUCIUS_FIELD_STRING },
		{ "attempt_no", "3", 1, LUCIUS_FIELD_INTEGER },
		{ "largest", "9223372036854775807", 19, LUCIUS_FIELD_INTEGER },
		{ "negative", "-1", 2, LUCIUS_FIELD_INTEGER },
		{ "tenant_id", "caf\xc3\xa9 \xe6\x97\xa5", 9, LUCIUS_FIELD_STRING },
		{ "empty", "", 0, LUCIUS_FIELD_STRING },
	};
	struct bus_world world;
	struct bus_draft draft;
	bus_world_open(&world);
	bus_draft_init(&draft, "job:step:1");
	draft.message.subject = bus_text_of("OCR");
	draft.message.content_type = bus_text_of("application/json");
	draft.message.correlation_id = bus_text_of("c-1");
	draft.message.properties = fields;
	draft.message.n_properties = sizeof(fields) / sizeof(fields[0]);
	CHECK_STATUS(bus_ask_publish(&world, world.topic, &draft.message), LUCIUS_OK);
	struct asked *stream = bus_ask_subscribe(&world, 1, 0);
	const struct lucius_delivery *delivery = bus_delivery(stream, 0);
	const struct lucius_message *message = delivery->message;
	CHECK_TEXT(bus_text(message->body), "body of job:step:1");
	CHECK_TEXT(bus_text(message->message_id), "job:step:1");
	CHECK_TEXT(bus_text(message->subject), "OCR");
	CHECK_TEXT(bus_text(message->content_type), "application/json");
	CHECK_TEXT(bus_text(message->correlation_id), "c-1");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		check_property(message, &fields[i]);
	}
	CHECK_INT(delivery->delivery_count, 0);
	CHECK(delivery->token != 0);
	bus_settle_ok(&world, delivery->token, LUCIUS_SETTLE_COMPLETE);
	bus_end_stream(&world, stream);
	bus_world_close(&world);
}

static void body_of_any_bytes_and_size_comes_whole(void)
{
	static const size_t sizes[] = { 0, 1, 255, 256, 65535, 65536, 200 * 1024 };
	struct bus_world world;
	struct bus_draft draft;
	char id[40];
	bus_world_open(&world);
	struct asked *stream = bus_ask_subscribe(&world, 1, 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *body = malloc(sizes[i] + 1);
		for (size_t k = 0; k < sizes[i]; k++) {
			body[k] = (unsigned char)(k * 31 + i);
		}
		(void)snprintf(id, sizeof(id), "size-%zu", i);
		bus_draft_init(&draft, id);
		draft.message.body = (struct lucius_text){ (const char *)body, sizes[i] };
		CHECK_STATUS(bus_ask_publish(&world, world.topic, &draft.message), LUCIUS_OK);
		const struct lucius_delivery *delivery = bus_delivery(stream, i);
		CHECK_INT(delivery->message->body.size, sizes[i]);
		CHECK(delivery->message->body.size == sizes[i] &&
		        memcmp(bus_text(delivery->message->body), body, sizes[i]) == 0);
		bus_settle_ok(&world, delivery->token, LUCIUS_SETTLE_COMPLETE);
		free(body);
	}
	bus_end_stream(&world, stream);
	bus_world_close(&world);
}

static void messages_come_in_the_order_of_their_publishing(void)
{
	struct bus_world world;
	char id[40];
	bus_world_open(&world);
	for (int i = 0; i < N_MANY; i++) {
		(void)snprintf(id, sizeof(id), "m%d", i);
		bus_publish_ok(&world, id);
	}
	struct asked *stream = bus_ask_subscribe(&world, 5, 0);
	for (size_t i = 0; i < N_MANY; i++) {
		const struct lucius_delivery *delivery = bus_delivery(stream, i);
		(void)snprintf(id, sizeof(id), "m%zu", i);
		CHECK_TEXT(bus_text(delivery->message->message_id), id);
		bus_settle_ok(&world, delivery->token, LUCIUS_SETTLE_COMPLETE);
	}
	CHECK(bus_stays_at(&world, stream, N_MANY));
	bus_end_stream(&world, stream);
	bus_world_close(&world);
}

static void many_at_once_all_come(void)
{
	struct bus_world world;
	struct bus_draft draft;
	struct asked *published[N_MANY];
	char id[40];
	bus_world_open(&world);
	struct asked *stream = bus_ask_subscribe(&world, N_MANY, 0);
	for (int i = 0; i < N_MANY; i++) {
		(void)snprintf(id, sizeof(id), "at-once-%d", i);
		bus_draft_init(&draft, id);
		published[i] = bus_ask_publish(&world, world.topic, &draft.message);
	}
	for (int i = 0; i < N_MANY; i++) {
		CHECK_STATUS(published[i], LUCIUS_OK);
	}
	for (size_t i = 0; i < N_MANY; i++) {
		bus_settle_ok(&world, bus_delivery(stream, i)->token, LUCIUS_SETTLE_COMPLETE);
	}
	CHECK(bus_stays_at(&world, stream, N_MANY));
	bus_end_stream(&world, stream);
	bus_world_close(&world);
}

static void no_more_are_given_than_the_credit_says(void)
{
	struct bus_world world;
	char id[40];
	bus_world_open(&world);
	for (int i = 0; i < 10; i++) {
		(void)snprintf(id, sizeof(id), "m%d", i);
		bus_publish_ok(&world, id);
	}
	struct asked *stream = bus_ask_subscribe(&world, 3, 0);
	(void)bus_delivery(stream, 2);
	CHECK(bus_stays_at(&world, stream, 3));
	bus_settle_ok(&world, bus_delivery(stream, 1)->token, LUCIUS_SETTLE_COMPLETE);
	(void)bus_delivery(stream, 3);
	CHECK(bus_stays_at(&world, stream, 4));
	for (size_t i = 0; i < 10; i++) {
		if (i != 1) {
			bus_settle_ok(
			        &world, bus_delivery(stream, i)->token, LUCIUS_SETTLE_COMPLETE);
		}
	}
	bus_end_stream(&world, stream);
	bus_world_close(&world);
}

static void two_receivers_of_a_subscription_share_its_messages(void)
{
	struct bus_world world;
	char id[40];
	bus_world_open(&world);
	struct asked *first = bus_ask_subscribe(&world, 2, 0);
	struct asked *second = bus_ask_subscribe(&world, 2, 0);
	for (int i = 0; i < 4; i++) {
		(void)snprintf(id, sizeof(id), "shared-%d", i);
		bus_publish_ok(&world, id);
	}
	(void)bus_delivery(first, 1);
	(void)bus_delivery(second, 1);
	CHECK(bus_stays_at(&world, first, 2));
	CHECK_INT(asked_n_items(second), 2);
	for (size_t i = 0; i < 2; i++) {
		bus_settle_ok(&world, bus_delivery(first, i)->token, LUCIUS_SETTLE_COMPLETE);
		bus_settle_ok(&world, bus_delivery(second, i)->token, LUCIUS_SETTLE_COMPLETE);
	}
	bus_end_stream(&world, first);
	bus_end_stream(&world, second);
	bus_world_close(&world);
}

static void topic_that_is_not_there_is_unroutable(void)
{
	struct bus_world world;
	struct bus_draft draft;
	bus_world_needs("unroutable");
	bus_world_open(&world);
	bus_draft_init(&draft, "nowhere");
	CHECK_STATUS(bus_ask_publish(&world, "conformance-no-such-topic", &draft.message),
	        LUCIUS_UNROUTABLE);
	bus_publish_ok(&world, "somewhere");
	bus_world_close(&world);
}

static void message_over_the_limit_is_too_large_and_the_next_one_goes(void)
{
	struct bus_world world;
	struct bus_draft draft;
	bus_world_open(&world);
	bus_publish_ok(&world, "first");
	world.bus->info(instance_self(world.instance), &world.info);
	uint64_t most = world.info.max_message_size;
	if (most == 0 || most > 64 << 20) {
		conformance_skip("the bus tells no limit that a test could exceed");
	}
	char *body = calloc(most + 1, 1);
	bus_draft_init(&draft, "large");
	draft.message.body = (struct lucius_text){ body, most + 1 };
	CHECK_STATUS(bus_ask_publish(&world, world.topic, &draft.message), LUCIUS_TOO_LARGE);
	free(body);
	bus_publish_ok(&world, "next");
	bus_world_close(&world);
}

static void second_publishing_of_an_id_is_not_a_second_delivery(void)
{
	struct bus_world world;
	struct bus_draft draft;
	bus_world_needs("duplicates");
	bus_world_open(&world);
	bus_draft_init(&draft, "twice");
	CHECK_STATUS(bus_ask_publish(&world, world.topic, &draft.message), LUCIUS_OK);
	struct asked *again = bus_ask_publish(&world, world.topic, &draft.message);
	(void)asked_wait(again);
	CHECK(asked_status(again) == LUCIUS_OK || asked_status(again) == LUCIUS_DUPLICATE);
	struct asked *stream = bus_ask_subscribe(&world, 10, 0);
	bus_settle_ok(&world, bus_delivery(stream, 0)->token, LUCIUS_SETTLE_COMPLETE);
	CHECK(bus_stays_at(&world, stream, 1));
	bus_end_stream(&world, stream);
	bus_world_close(&world);
}

static void message_whose_time_is_over_does_not_come(void)
{
	struct bus_world world;
	struct bus_draft draft;
	bus_world_needs("time to live");
	bus_world_open(&world);
	bus_draft_init(&draft, "short-lived");
	draft.message.ttl_ms = 200;
	CHECK_STATUS(bus_ask_publish(&world, world.topic, &draft.message), LUCIUS_OK);
	bus_publish_ok(&world, "long-lived");
	/* The clock of the host, and that of a server. */
	host_advance(world.host, 1000);
	bus_let_pass(&world, 500);
	struct asked *stream = bus_ask_subscribe(&world, 10, 0);
	const struct lucius_delivery *delivery = bus_delivery(stream, 0);
	CHECK_TEXT(bus_text(delivery->message->message_id), "long-lived");
	bus_settle_ok(&world, delivery->token, LUCIUS_SETTLE_COMPLETE);
	CHECK(bus_stays_at(&world, stream, 1));
	bus_end_stream(&world, stream);
	bus_world_close(&world);
}

const struct conformance_test bus_deliver_tests[] = {
	CONFORMANCE_TEST(message_comes_as_it_was_published),
	CONFORMANCE_TEST(body_of_any_bytes_and_size_comes_whole),
	CONFORMANCE_TEST(messages_come_in_the_order_of_their_publishing),
	CONFORMANCE_TEST(many_at_once_all_come),
	CONFORMANCE_TEST(no_more_are_given_than_the_credit_says),
	CONFORMANCE_TEST(two_receivers_of_a_subscription_share_its_messages),
	CONFORMANCE_TEST(topic_that_is_not_there_is_unroutable),
	CONFORMANCE_TEST(message_over_the_limit_is_too_large_and_the_next_one_goes),
	CONFORMANCE_TEST(second_publishing_of_an_id_is_not_a_second_delivery),
	CONFORMANCE_TEST(message_whose_time_is_over_does_not_come),
	{ NULL, NULL },
};
