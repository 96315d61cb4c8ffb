/* SPDX-License-Identifier: MIT */
/* What is taken and what is not: duplicates, limits, batches, schedules, malformed messages. */
#include "plugins/bus-local/tests/world.h"

#include <stdlib.h>

#include "support/base/cleanup.h"
#include "tests/support/suite.h"

static void every_subscription_shares_the_bytes(void)
{
	struct world world;
	world_init(&world);
	struct subscription *one = world_add(&world, world_subscription("one"));
	struct subscription *two = world_add(&world, world_subscription("two"));
	world_send(&world, "a");
	CHECK(one->active.first->message == two->active.first->message);
	CHECK_INT(one->active.first->message->n_references, 2);
	world_finish(&world);
}

static void strict_publish_refuses_what_is_held(void)
{
	struct scene scene;
	struct sample sample = { .id = "a" };
	scene_init(&scene, 0);
	CHECK_INT(world_publish(&scene.world, &sample, true), PUBLISH_OK);
	CHECK_INT(world_publish(&scene.world, &sample, true), PUBLISH_DUPLICATE);
	CHECK_INT(scene.sub->active.n_messages, 1);
	consumer_set_credit(&scene.taker.consumer, 1);
	CHECK_INT(world_publish(&scene.world, &sample, true), PUBLISH_DUPLICATE);
	CHECK(taker_settle(&scene.world, &scene.taker, 0, SETTLE_COMPLETE));
	CHECK_INT(world_publish(&scene.world, &sample, true), PUBLISH_OK);
	scene_finish(&scene);
}

static void dead_letter_does_not_hold_its_id(void)
{
	struct scene scene;
	struct sample sample = { .id = "a" };
	scene_init(&scene, 1);
	CHECK_INT(world_publish(&scene.world, &sample, true), PUBLISH_OK);
	CHECK(taker_settle(&scene.world, &scene.taker, 0, SETTLE_DEAD_LETTER));
	CHECK_INT(world_publish(&scene.world, &sample, true), PUBLISH_OK);
	scene_finish(&scene);
}

static void duplicates_within_the_window_are_dropped(void)
{
	struct world world;
	struct topic_settings settings = { .name = "t", .duplicate_window_ms = 20000 };
	world_init_with(&world, &settings);
	struct subscription *sub = world_add(&world, world_subscription("s"));
	world_send(&world, "a");
	world_send(&world, "a");
	world_send(&world, "b");
	CHECK_INT(sub->active.n_messages, 2);
	world_wait(&world, 19999);
	world_send(&world, "a");
	CHECK_INT(sub->active.n_messages, 2);
	world_wait(&world, 1);
	world_send(&world, "a");
	CHECK_INT(sub->active.n_messages, 3);
	CHECK_INT(world.broker.counts.n_duplicates, 2);
	world_finish(&world);
}

static void remembered_ids_are_bounded(void)
{
	struct world world;
	struct topic_settings settings = { .name = "t", .duplicate_window_ms = 20000 };
	world_init_with(&world, &settings);
	for (int i = 0; i < 150; i++) {
		char id[16];
		snprintf(id, sizeof(id), "%d", i);
		world_send(&world, id);
	}
	CHECK_INT(world.topic->ids.n_remembered, 100);
	CHECK_INT(world.topic->ids.table.n_links, 100);
	world_finish(&world);
}

static void without_duplicate_detection_ids_may_repeat(void)
{
	struct scene scene;
	scene_init(&scene, 0);
	world_send(&scene.world, "a");
	world_send(&scene.world, "a");
	CHECK_INT(scene.sub->active.n_messages, 2);
	scene_finish(&scene);
}

static void message_that_nobody_gets_is_refused_or_dropped(void)
{
	struct world world;
	struct sample sample = { .id = "a" };
	struct subscription_settings settings = world_subscription("s");
	world_init(&world);
	settings.rules = rule_create(RULE_NONE, NULL);
	CHECK(world_add(&world, settings) != NULL);
	CHECK_INT(world_publish(&world, &sample, true), PUBLISH_UNROUTABLE);
	CHECK_INT(world_publish(&world, &sample, false), PUBLISH_OK);
	CHECK_INT(world.broker.counts.n_unroutable, 2);
	CHECK_INT(world.topic->ids.table.n_links, 0);
	world_finish(&world);
}

static void full_subscription_refuses_for_all(void)
{
	struct world world;
	struct sample sample = { .id = "c" };
	world_init(&world);
	world.broker.limits.max_messages = 2;
	struct subscription *small = world_add(&world, world_subscription("small"));
	world.broker.limits.max_messages = 1000;
	struct subscription *large = world_add(&world, world_subscription("large"));
	world_send(&world, "a");
	world_send(&world, "b");
	CHECK_INT(world_publish(&world, &sample, false), PUBLISH_FULL);
	CHECK_INT(small->active.n_messages, 2);
	CHECK_INT(large->active.n_messages, 2);
	world_finish(&world);
}

static void batch_is_taken_whole_or_not_at_all(void)
{
	struct world world;
	struct message *messages[3];
	const char *full = NULL;
	world_init(&world);
	world.broker.limits.max_messages = 2;
	struct subscription *sub = world_add(&world, world_subscription("s"));
	for (size_t i = 0; i < 3; i++) {
		messages[i] = world_message(&(struct sample){ .id = "abc" });
	}
	struct publishing publishing = { .messages = messages, .n_messages = 3 };
	CHECK_INT(topic_publish(world.topic, &publishing, &full), PUBLISH_FULL);
	CHECK_TEXT(full, "t/Subscriptions/s");
	CHECK_INT(sub->active.n_messages, 0);
	publishing.n_messages = 2;
	CHECK_INT(topic_publish(world.topic, &publishing, &full), PUBLISH_OK);
	CHECK_INT(sub->active.n_messages, 2);
	for (size_t i = 0; i < 3; i++) {
		message_drop(messages[i]);
	}
	world_finish(&world);
}

static void bytes_of_a_subscription_are_bounded(void)
{
	struct world world;
	static char body[20001];
	struct sample sample = { .id = "a", .body = body };
	memset(body, 'x', sizeof(body) - 1);
	world_init(&world);
	world.broker.limits.max_bytes = 50000;
	struct subscription *sub = world_add(&world, world_subscription("s"));
	CHECK_INT(world_publish(&world, &sample, false), PUBLISH_OK);
	CHECK_INT(world_publish(&world, &sample, false), PUBLISH_OK);
	CHECK_INT(world_publish(&world, &sample, false), PUBLISH_FULL);
	CHECK_INT(sub->active.n_messages, 2);
	world_finish(&world);
}

static void bytes_of_all_subscriptions_are_bounded(void)
{
	struct scene scene;
	struct sample sample = { .id = "a" };
	scene_init(&scene, 0);
	world_send(&scene.world, "a");
	scene.world.broker.limits.max_total_bytes = scene.world.broker.n_bytes * 2;
	CHECK_INT(world_publish(&scene.world, &sample, false), PUBLISH_OK);
	CHECK_INT(world_publish(&scene.world, &sample, false), PUBLISH_FULL);
	scene_finish(&scene);
}

static void oldest_dead_letter_makes_room(void)
{
	static const char *const ids[] = { "a", "b", "c" };
	struct world world;
	struct taker taker = { 0 };
	world_init(&world);
	world.broker.limits.max_messages = 2;
	struct subscription *sub = world_add(&world, world_subscription("s"));
	taker_attach(&taker, &sub->active, 10);
	for (unsigned i = 0; i < 3; i++) {
		world_send(&world, ids[i]);
		CHECK(taker_settle(&world, &taker, i, SETTLE_DEAD_LETTER));
	}
	CHECK_INT(sub->dead_letters.n_messages, 2);
	CHECK_INT(world.broker.counts.n_dead_letters_dropped, 1);
	CHECK_INT(world.last_event, BROKER_DEAD_LETTER_DROPPED);
	CHECK(amqp_bytes_is(sub->dead_letters.first->message->id, "b"));
	consumer_detach(&taker.consumer);
	world_finish(&world);
}

static void idle_subscription_goes_and_used_one_stays(void)
{
	struct world world;
	struct taker taker = { 0 };
	struct subscription_settings settings = world_subscription("s");
	world_init(&world);
	settings.idle_ms = 1000;
	struct subscription *sub = world_add(&world, settings);
	taker_attach(&taker, &sub->active, 1);
	subscription_touch(sub);
	world_send(&world, "a");
	world_send(&world, "b");
	world_wait(&world, 5000);
	CHECK_INT(world.topic->n_subscriptions, 1);
	consumer_detach(&taker.consumer);
	subscription_touch(sub);
	world_wait(&world, 999);
	CHECK_INT(world.topic->n_subscriptions, 1);
	world_wait(&world, 1);
	CHECK_INT(world.topic->n_subscriptions, 0);
	CHECK_INT(world.n_events, 1);
	CHECK_INT(world.last_event, BROKER_SUBSCRIPTION_REMOVED);
	CHECK_INT(world.broker.locks.n_links, 0);
	CHECK_INT(world.broker.n_bytes, 0);
	world_finish(&world);
}

static void scheduled_message_waits_for_its_time(void)
{
	struct scene scene;
	const char *full = NULL;
	scene_init(&scene, 0);
	struct message *message = world_message(&(struct sample){ .id = "a" });
	message->scheduled_ms = WORLD_WALL_MS + 5000;
	struct publishing publishing = { .messages = &message, .n_messages = 1 };
	CHECK_INT(topic_publish(scene.world.topic, &publishing, &full), PUBLISH_OK);
	message_drop(message);
	CHECK_INT(scene.sub->active.n_messages, 0);
	world_wait(&scene.world, 4999);
	CHECK_INT(scene.sub->active.n_messages, 0);
	world_wait(&scene.world, 1);
	CHECK_INT(scene.sub->active.n_messages, 1);
	CHECK_INT(scene.world.topic->scheduled.n_links, 0);
	scene_finish(&scene);
}

static void names_are_found_in_any_case(void)
{
	struct world world;
	world_init_with(&world, &(struct topic_settings){ .name = "Global-Bus-p0" });
	CHECK(world_add(&world, world_subscription("Sub")) != NULL);
	CHECK(world_add(&world, world_subscription("sUB")) == NULL);
	CHECK(topic_find(&world.broker, amqp_text("global-bus-P0")) == world.topic);
	CHECK(topic_find(&world.broker, amqp_text("global-bus-p1")) == NULL);
	CHECK(subscription_find(world.topic, amqp_text("SUB")) != NULL);
	world_finish(&world);
}

static void lock_tokens_of_another_broker_are_not_ours(void)
{
	struct world world;
	uint8_t token[16];
	world_init(&world);
	broker_lock_token(&world.broker, 77, token);
	CHECK_INT(broker_read_token(&world.broker, token), 77);
	token[15] ^= 1;
	CHECK_INT(broker_read_token(&world.broker, token), 0);
	world_finish(&world);
}

static void message_without_id_gets_one(void)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer encoded = { 0 };
	struct amqp_draft draft = { .subject = amqp_text("S"), .body = amqp_text("b") };
	const char *error = NULL;
	struct amqp_properties properties;
	amqp_message_write(&encoded, &draft);
	struct message *message =
	        message_decode(amqp_buffer_bytes(&encoded), amqp_text("spare"), &error);
	CHECK(message != NULL);
	CHECK(amqp_bytes_is(message->id, "spare"));
	CHECK(amqp_properties_parse(message->properties, &properties));
	CHECK(amqp_value_is_text(&properties.at[AMQP_SUBJECT], "S"));
	message_drop(message);
}

/* Decodes a copy of exactly these bytes; true: it was taken. */
static bool is_taken(const struct amqp_buffer *bytes, size_t size)
{
	const char *error = NULL;
	CLEANUP_FREE uint8_t *exact = malloc(size != 0 ? size : 1);
	memcpy(exact, bytes->start, size);
	struct message *message =
	        message_decode(amqp_bytes(exact, size), amqp_text("spare"), &error);
	CHECK(message != NULL || error != NULL);
	message_drop(message);
	return message != NULL;
}

static void damaged_messages_do_no_harm(void)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer encoded = { 0 };
	struct amqp_application_property property = { .name = amqp_text("k"),
		.text = amqp_text("v") };
	struct amqp_draft draft = { .message_id = amqp_text("id"),
		.properties = &property,
		.n_properties = 1,
		.body = amqp_text("body") };
	amqp_message_write(&encoded, &draft);
	unsigned n_taken = 0;
	CHECK(is_taken(&encoded, encoded.size));
	for (size_t i = 0; i < encoded.size; i++) {
		CHECK(i == 0 || !is_taken(&encoded, encoded.size - 1));
		for (unsigned bit = 0; bit < 8; bit++) {
			encoded.start[i] ^= (uint8_t)(1u << bit);
			n_taken += is_taken(&encoded, encoded.size) ? 1 : 0;
			encoded.start[i] ^= (uint8_t)(1u << bit);
		}
		(void)is_taken(&encoded, i);
	}
	CHECK(n_taken < encoded.size * 8);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(every_subscription_shares_the_bytes),
		SUITE_TEST(strict_publish_refuses_what_is_held),
		SUITE_TEST(dead_letter_does_not_hold_its_id),
		SUITE_TEST(duplicates_within_the_window_are_dropped),
		SUITE_TEST(remembered_ids_are_bounded),
		SUITE_TEST(without_duplicate_detection_ids_may_repeat),
		SUITE_TEST(message_that_nobody_gets_is_refused_or_dropped),
		SUITE_TEST(full_subscription_refuses_for_all),
		SUITE_TEST(batch_is_taken_whole_or_not_at_all),
		SUITE_TEST(bytes_of_a_subscription_are_bounded),
		SUITE_TEST(bytes_of_all_subscriptions_are_bounded),
		SUITE_TEST(oldest_dead_letter_makes_room),
		SUITE_TEST(idle_subscription_goes_and_used_one_stays),
		SUITE_TEST(scheduled_message_waits_for_its_time),
		SUITE_TEST(names_are_found_in_any_case),
		SUITE_TEST(lock_tokens_of_another_broker_are_not_ours),
		SUITE_TEST(message_without_id_gets_one),
		SUITE_TEST(damaged_messages_do_no_harm),
	};
	return suite_run("bus-local publish", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
