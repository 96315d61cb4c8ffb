/* SPDX-License-Identifier: MIT */
/* Peek-lock, order, delivery counts, expiry and dead letters, in simulated time. */
#include "plugins/bus-local/tests/world.h"

#include "support/base/cleanup.h"
#include "tests/support/suite.h"

static void messages_come_in_the_order_sent(void)
{
	struct scene scene;
	scene_init(&scene, 0);
	world_send(&scene.world, "a");
	world_send(&scene.world, "b");
	consumer_set_credit(&scene.taker.consumer, 5);
	world_send(&scene.world, "c");
	CHECK_INT(scene.taker.n, 3);
	CHECK_TEXT(scene.taker.ids[0], "a");
	CHECK_TEXT(scene.taker.ids[1], "b");
	CHECK_TEXT(scene.taker.ids[2], "c");
	CHECK_INT(scene.taker.counts[0], 0);
	scene_finish(&scene);
}

static void credit_bounds_what_is_handed_over(void)
{
	struct scene scene;
	scene_init(&scene, 1);
	world_send(&scene.world, "a");
	world_send(&scene.world, "b");
	CHECK_INT(scene.taker.n, 1);
	CHECK_INT(scene.taker.consumer.credit, 0);
	consumer_set_credit(&scene.taker.consumer, 1);
	CHECK_INT(scene.taker.n, 2);
	scene_finish(&scene);
}

static void consumers_take_turns(void)
{
	struct scene scene;
	struct taker two = { 0 };
	scene_init(&scene, 10);
	taker_attach(&two, &scene.sub->active, 10);
	for (int i = 0; i < 6; i++) {
		world_send(&scene.world, i % 2 == 0 ? "x" : "y");
	}
	CHECK_INT(scene.taker.n, 3);
	CHECK_INT(two.n, 3);
	consumer_detach(&two.consumer);
	scene_finish(&scene);
}

static void paused_consumer_gets_nothing(void)
{
	struct scene scene;
	scene_init(&scene, 5);
	consumer_pause(&scene.taker.consumer, true);
	world_send(&scene.world, "a");
	CHECK_INT(scene.taker.n, 0);
	consumer_pause(&scene.taker.consumer, false);
	CHECK_INT(scene.taker.n, 1);
	scene_finish(&scene);
}

static void complete_removes_the_message(void)
{
	struct scene scene;
	scene_init(&scene, 5);
	world_send(&scene.world, "a");
	CHECK(taker_settle(&scene.world, &scene.taker, 0, SETTLE_COMPLETE));
	CHECK_INT(scene.sub->active.n_messages, 0);
	CHECK_INT(scene.sub->active.n_bytes, 0);
	CHECK_INT(scene.world.broker.n_bytes, 0);
	CHECK(!taker_settle(&scene.world, &scene.taker, 0, SETTLE_COMPLETE));
	scene_finish(&scene);
}

static void abandoned_message_comes_first_again_with_count(void)
{
	struct scene scene;
	scene_init(&scene, 1);
	world_send(&scene.world, "a");
	world_send(&scene.world, "b");
	CHECK(taker_settle(&scene.world, &scene.taker, 0, SETTLE_ABANDON));
	consumer_set_credit(&scene.taker.consumer, 2);
	CHECK_INT(scene.taker.n, 3);
	CHECK_TEXT(scene.taker.ids[1], "a");
	CHECK_INT(scene.taker.counts[1], 1);
	CHECK_TEXT(scene.taker.ids[2], "b");
	CHECK_INT(scene.taker.counts[2], 0);
	scene_finish(&scene);
}

static void messages_given_back_keep_their_order(void)
{
	struct scene scene;
	scene_init(&scene, 3);
	world_send(&scene.world, "a");
	world_send(&scene.world, "b");
	world_send(&scene.world, "c");
	CHECK(taker_settle(&scene.world, &scene.taker, 2, SETTLE_RELEASE));
	CHECK(taker_settle(&scene.world, &scene.taker, 0, SETTLE_RELEASE));
	CHECK(taker_settle(&scene.world, &scene.taker, 1, SETTLE_RELEASE));
	consumer_set_credit(&scene.taker.consumer, 3);
	CHECK_INT(scene.taker.n, 6);
	CHECK_TEXT(scene.taker.ids[3], "a");
	CHECK_TEXT(scene.taker.ids[4], "b");
	CHECK_TEXT(scene.taker.ids[5], "c");
	scene_finish(&scene);
}

static void release_does_not_count(void)
{
	struct scene scene;
	scene_init(&scene, 1);
	world_send(&scene.world, "a");
	CHECK(taker_settle(&scene.world, &scene.taker, 0, SETTLE_RELEASE));
	CHECK_INT(scene.taker.n, 1);
	consumer_set_credit(&scene.taker.consumer, 1);
	CHECK_INT(scene.taker.n, 2);
	CHECK_INT(scene.taker.counts[1], 0);
	scene_finish(&scene);
}

static void lock_that_expires_counts_and_is_lost(void)
{
	struct scene scene;
	scene_init(&scene, 2);
	world_send(&scene.world, "a");
	world_wait(&scene.world, 59999);
	CHECK_INT(scene.taker.n, 1);
	CHECK_INT(broker_next_due(&scene.world.broker), scene.world.broker.now_ms + 1);
	world_wait(&scene.world, 1);
	CHECK_INT(scene.taker.n, 2);
	CHECK_INT(scene.taker.counts[1], 1);
	CHECK(!taker_settle(&scene.world, &scene.taker, 0, SETTLE_COMPLETE));
	CHECK(taker_settle(&scene.world, &scene.taker, 1, SETTLE_COMPLETE));
	CHECK_INT(scene.world.broker.counts.n_locks_expired, 1);
	scene_finish(&scene);
}

static void renewed_lock_lasts(void)
{
	struct scene scene;
	scene_init(&scene, 2);
	world_send(&scene.world, "a");
	world_wait(&scene.world, 50000);
	struct entry *entry = broker_find_lock(&scene.world.broker, scene.taker.locks[0]);
	CHECK(entry != NULL);
	renew(entry);
	CHECK_INT(entry->locked_until_ms, scene.world.broker.now_ms + 60000);
	world_wait(&scene.world, 59000);
	CHECK_INT(scene.taker.n, 1);
	CHECK(taker_settle(&scene.world, &scene.taker, 0, SETTLE_COMPLETE));
	scene_finish(&scene);
}

static void kept_lock_does_not_expire(void)
{
	struct scene scene;
	scene_init(&scene, 0);
	scene.taker.consumer.keeps_locks = true;
	consumer_set_credit(&scene.taker.consumer, 2);
	world_send(&scene.world, "a");
	world_wait(&scene.world, 1000000);
	CHECK_INT(scene.taker.n, 1);
	CHECK(taker_settle(&scene.world, &scene.taker, 0, SETTLE_COMPLETE));
	scene_finish(&scene);
}

static void detached_consumer_keeps_its_locks(void)
{
	struct scene scene;
	struct taker two = { 0 };
	scene_init(&scene, 1);
	world_send(&scene.world, "a");
	consumer_detach(&scene.taker.consumer);
	taker_attach(&two, &scene.sub->active, 1);
	CHECK_INT(two.n, 0);
	world_wait(&scene.world, 60000);
	CHECK_INT(two.n, 1);
	CHECK_INT(two.counts[0], 1);
	consumer_detach(&two.consumer);
	scene_finish(&scene);
}

static void too_many_deliveries_make_a_dead_letter(void)
{
	struct world world;
	struct taker taker = { 0 };
	struct subscription_settings settings = world_subscription("s");
	world_init(&world);
	settings.max_delivery_count = 3;
	struct subscription *sub = world_add(&world, settings);
	taker_attach(&taker, &sub->active, 10);
	world_send(&world, "a");
	for (unsigned i = 0; i < 3; i++) {
		CHECK_INT(taker.n, i + 1);
		CHECK_INT(taker.counts[i], i);
		CHECK(taker_settle(&world, &taker, i, SETTLE_ABANDON));
	}
	CHECK_INT(taker.n, 3);
	CHECK_INT(sub->dead_letters.n_messages, 1);
	CHECK_TEXT(entry_property(sub->dead_letters.first, "DeadLetterReason"),
	        "MaxDeliveryCountExceeded");
	consumer_detach(&taker.consumer);
	world_finish(&world);
}

static void dead_letters_stay_however_often_they_are_given_back(void)
{
	struct scene scene;
	struct taker dead = { 0 };
	scene_init(&scene, 1);
	world_send(&scene.world, "a");
	CHECK(taker_settle(&scene.world, &scene.taker, 0, SETTLE_DEAD_LETTER));
	taker_attach(&dead, &scene.sub->dead_letters, 1);
	for (unsigned i = 0; i < 20; i++) {
		CHECK_INT(dead.n, i + 1);
		CHECK(taker_settle(
		        &scene.world, &dead, i, i % 2 == 0 ? SETTLE_ABANDON : SETTLE_DEAD_LETTER));
		consumer_set_credit(&dead.consumer, 1);
	}
	CHECK_INT(scene.sub->dead_letters.n_messages, 1);
	consumer_detach(&dead.consumer);
	scene_finish(&scene);
}

static void dead_letter_carries_reason_and_old_properties(void)
{
	struct scene scene;
	struct sample sample = { .id = "a", .key = "k", .text = "v" };
	scene_init(&scene, 10);
	CHECK_INT(world_publish(&scene.world, &sample, false), PUBLISH_OK);
	CHECK(taker_settle(&scene.world, &scene.taker, 0, SETTLE_DEAD_LETTER));
	const struct entry *dead = scene.sub->dead_letters.first;
	CHECK_INT(scene.sub->active.n_messages, 0);
	CHECK_TEXT(entry_property(dead, "DeadLetterReason"), "Why");
	CHECK_TEXT(entry_property(dead, "DeadLetterErrorDescription"), "because");
	CHECK_TEXT(entry_property(dead, "k"), "v");
	scene_finish(&scene);
}

static void changed_properties_replace_old_ones(void)
{
	struct scene scene;
	struct sample sample = { .id = "a", .key = "k", .text = "v" };
	CLEANUP(amqp_buffer_finish) struct amqp_buffer changes = { 0 };
	scene_init(&scene, 1);
	CHECK_INT(world_publish(&scene.world, &sample, false), PUBLISH_OK);
	amqp_put_symbol(&changes, amqp_text("k"));
	amqp_put_string(&changes, amqp_text("w"));
	struct settlement settlement = {
		.verb = SETTLE_ABANDON, .changes = amqp_buffer_bytes(&changes), .n_changes = 2
	};
	settle(broker_find_lock(&scene.world.broker, scene.taker.locks[0]), &settlement);
	CHECK_TEXT(entry_property(scene.sub->active.first, "k"), "w");
	scene_finish(&scene);
}

static void message_past_its_time_is_dropped(void)
{
	struct scene scene;
	struct sample brief = { .id = "a", .ttl_ms = 500 };
	scene_init(&scene, 0);
	CHECK_INT(world_publish(&scene.world, &brief, false), PUBLISH_OK);
	world_send(&scene.world, "b");
	world_wait(&scene.world, 500);
	CHECK_INT(scene.sub->active.n_messages, 1);
	CHECK_INT(scene.sub->dead_letters.n_messages, 0);
	consumer_set_credit(&scene.taker.consumer, 5);
	CHECK_INT(scene.taker.n, 1);
	CHECK_TEXT(scene.taker.ids[0], "b");
	scene_finish(&scene);
}

static void message_past_its_time_becomes_a_dead_letter_if_so_declared(void)
{
	struct world world;
	struct sample sample = { .id = "a", .ttl_ms = 9000 };
	struct subscription_settings settings = world_subscription("s");
	world_init(&world);
	settings.ttl_ms = 1000;
	settings.keeps_expired = true;
	struct subscription *sub = world_add(&world, settings);
	CHECK_INT(world_publish(&world, &sample, false), PUBLISH_OK);
	world_wait(&world, 999);
	CHECK_INT(sub->active.n_messages, 1);
	world_wait(&world, 1);
	CHECK_INT(sub->active.n_messages, 0);
	CHECK_INT(sub->dead_letters.n_messages, 1);
	CHECK_TEXT(
	        entry_property(sub->dead_letters.first, "DeadLetterReason"), "TTLExpiredException");
	world_wait(&world, 100000);
	CHECK_INT(sub->dead_letters.n_messages, 1);
	world_finish(&world);
}

static void locked_message_does_not_expire_before_it_comes_back(void)
{
	struct scene scene;
	struct sample brief = { .id = "a", .ttl_ms = 500 };
	scene_init(&scene, 5);
	CHECK_INT(world_publish(&scene.world, &brief, false), PUBLISH_OK);
	world_wait(&scene.world, 1000);
	CHECK_INT(scene.sub->active.n_messages, 1);
	CHECK(taker_settle(&scene.world, &scene.taker, 0, SETTLE_RELEASE));
	CHECK_INT(scene.sub->active.n_messages, 0);
	CHECK_INT(scene.taker.n, 1);
	scene_finish(&scene);
}

static void deferred_message_comes_by_its_number_only(void)
{
	struct scene scene;
	scene_init(&scene, 5);
	world_send(&scene.world, "a");
	uint64_t number = scene.sub->active.first->sequence;
	CHECK(taker_settle(&scene.world, &scene.taker, 0, SETTLE_DEFER));
	CHECK_INT(scene.taker.n, 1);
	struct entry *entry = store_deferred(&scene.sub->active, number);
	CHECK(entry != NULL);
	entry_lock(entry, scene.world.broker.now_ms + 1000);
	CHECK(store_deferred(&scene.sub->active, number) == NULL);
	world_wait(&scene.world, 1000);
	CHECK(store_deferred(&scene.sub->active, number) == entry);
	CHECK_INT(entry->delivery_count, 1);
	CHECK_INT(scene.taker.n, 1);
	scene_finish(&scene);
}

static void receive_and_delete_leaves_nothing(void)
{
	struct scene scene;
	scene_init(&scene, 0);
	scene.taker.consumer.is_destructive = true;
	consumer_set_credit(&scene.taker.consumer, 5);
	world_send(&scene.world, "a");
	world_send(&scene.world, "b");
	CHECK_INT(scene.taker.n, 2);
	CHECK_INT(scene.sub->active.n_messages, 0);
	CHECK_INT(scene.world.broker.locks.n_links, 0);
	scene_finish(&scene);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(messages_come_in_the_order_sent),
		SUITE_TEST(credit_bounds_what_is_handed_over),
		SUITE_TEST(consumers_take_turns),
		SUITE_TEST(paused_consumer_gets_nothing),
		SUITE_TEST(complete_removes_the_message),
		SUITE_TEST(abandoned_message_comes_first_again_with_count),
		SUITE_TEST(messages_given_back_keep_their_order),
		SUITE_TEST(release_does_not_count),
		SUITE_TEST(lock_that_expires_counts_and_is_lost),
		SUITE_TEST(renewed_lock_lasts),
		SUITE_TEST(kept_lock_does_not_expire),
		SUITE_TEST(detached_consumer_keeps_its_locks),
		SUITE_TEST(too_many_deliveries_make_a_dead_letter),
		SUITE_TEST(dead_letters_stay_however_often_they_are_given_back),
		SUITE_TEST(dead_letter_carries_reason_and_old_properties),
		SUITE_TEST(changed_properties_replace_old_ones),
		SUITE_TEST(message_past_its_time_is_dropped),
		SUITE_TEST(message_past_its_time_becomes_a_dead_letter_if_so_declared),
		SUITE_TEST(locked_message_does_not_expire_before_it_comes_back),
		SUITE_TEST(deferred_message_comes_by_its_number_only),
		SUITE_TEST(receive_and_delete_leaves_nothing),
	};
	return suite_run("bus-local model", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
