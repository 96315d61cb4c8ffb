/* SPDX-License-Identifier: MIT */
/* The conformance suite of configuration sources: what include/lucius/config.h promises, by
 * example. */
#include <stdio.h>
#include <string.h>

#include "sdk/conformance/config_world.h"

#define N_MANY 250

static void a_load_gives_what_is_there(void)
{
	struct config_world world;
	config_world_open(&world);
	config_world_set(&world, "One", "1");
	config_world_set(&world, "Two", "two words");
	CONFIG_CHECK(&world, "One", "1");
	CONFIG_CHECK(&world, "Two", "two words");
	CONFIG_CHECK(&world, "Three", NULL);
	config_world_close(&world);
}

static void every_load_gives_all_of_it(void)
{
	struct config_world world;
	config_world_open(&world);
	config_world_set(&world, "One", "1");
	for (int i = 0; i < 3; i++) {
		CONFIG_CHECK(&world, "One", "1");
	}
	config_world_set(&world, "Two", "2");
	CONFIG_CHECK(&world, "One", "1");
	CONFIG_CHECK(&world, "Two", "2");
	config_world_close(&world);
}

static void a_load_gives_what_has_just_been_written(void)
{
	struct config_world world;
	char value[16];
	config_world_open(&world);
	for (int i = 0; i < 10; i++) {
		(void)snprintf(value, sizeof(value), "%d", i);
		config_world_set(&world, "One", value);
		CONFIG_CHECK(&world, "One", value);
	}
	config_world_close(&world);
}

static void what_is_removed_is_given_no_more(void)
{
	struct config_world world;
	config_world_open(&world);
	config_world_set(&world, "One", "1");
	config_world_set(&world, "Two", "2");
	CONFIG_CHECK(&world, "One", "1");
	config_world_remove(&world, "One");
	CONFIG_CHECK(&world, "One", NULL);
	CONFIG_CHECK(&world, "Two", "2");
	config_world_close(&world);
}

static void many_settings_all_come(void)
{
	struct config_world world;
	char key[32];
	config_world_open(&world);
	for (int i = 0; i < N_MANY; i++) {
		(void)snprintf(key, sizeof(key), "Many%03d", i);
		config_world_set(&world, key, key);
	}
	struct asked *load = config_ask_load(&world);
	CHECK_STATUS(load, LUCIUS_OK);
	for (int i = 0; i < N_MANY; i++) {
		(void)snprintf(key, sizeof(key), "Many%03d", i);
		CHECK_TEXT(config_value(&world, load, key), key);
		config_world_remove(&world, key);
	}
	config_world_close(&world);
}

static void two_loads_at_once_give_the_same(void)
{
	struct config_world world;
	config_world_open(&world);
	config_world_set(&world, "One", "1");
	struct asked *first = config_ask_load(&world);
	struct asked *second = config_ask_load(&world);
	CHECK_STATUS(second, LUCIUS_OK);
	CHECK_STATUS(first, LUCIUS_OK);
	CHECK_TEXT(config_value(&world, first, "One"), "1");
	CHECK_TEXT(config_value(&world, second, "One"), "1");
	config_world_close(&world);
}

static void a_watch_says_when_something_has_changed(void)
{
	struct config_world world;
	config_world_open(&world);
	config_world_set(&world, "One", "1");
	CONFIG_CHECK(&world, "One", "1");
	struct asked *watch = config_ask_watch(&world);
	for (int i = 0; i < 2; i++) {
		size_t n_hints = asked_n_items(watch);
		config_world_set(&world, "One", i == 0 ? "2" : "3");
		(void)asked_wait_items(watch, n_hints + 1);
		CHECK(asked_n_items(watch) > n_hints);
		CONFIG_CHECK(&world, "One", i == 0 ? "2" : "3");
	}
	CHECK(!asked_is_finished(watch));
	config_world_close(&world);
	/* The stop has ended it; the host complains of what is open at the destroy. */
}

static void a_watch_is_silent_while_nothing_changes(void)
{
	struct config_world world;
	config_world_open(&world);
	config_world_set(&world, "One", "1");
	CONFIG_CHECK(&world, "One", "1");
	struct asked *watch = config_ask_watch(&world);
	for (int i = 0; i < 20; i++) {
		host_advance(world.host, 10000);
		host_settle(world.host, 20);
	}
	CHECK_INT(asked_n_items(watch), 0);
	config_world_close(&world);
}

static void a_watch_that_is_cancelled_ends_with_ok(void)
{
	struct config_world world;
	config_world_open(&world);
	struct asked *watch = config_ask_watch(&world);
	asked_cancel(watch);
	CHECK_STATUS(watch, LUCIUS_OK);
	/* And another may follow. */
	struct asked *again = config_ask_watch(&world);
	host_settle(world.host, 20);
	CHECK(!asked_is_finished(again));
	config_world_close(&world);
}

static void a_load_of_a_store_that_is_down_fails_with_a_sentence_and_later_works(void)
{
	struct config_world world;
	config_world_open(&world);
	config_world_set(&world, "One", "1");
	CONFIG_CHECK(&world, "One", "1");
	config_world_tell("down");
	struct asked *load = config_ask_load(&world);
	CHECK_STATUS(load, LUCIUS_UNAVAILABLE);
	CHECK(asked_sentence(load) != NULL && strlen(asked_sentence(load)) > 10);
	CHECK_INT(asked_n_items(load), 0);
	config_world_tell("up");
	CONFIG_CHECK(&world, "One", "1");
	config_world_close(&world);
}

static void a_stop_ends_what_is_under_way(void)
{
	struct config_world world;
	config_world_open(&world);
	config_world_tell("down");
	struct asked *watch = config_ask_watch(&world);
	struct asked *load = config_ask_load(&world);
	struct asked *stop = instance_stop(world.instance);
	CHECK_STATUS(stop, LUCIUS_OK);
	CHECK(asked_is_finished(watch));
	CHECK(asked_is_finished(load));
	instance_destroy(world.instance);
	host_destroy(world.host);
	config_world_tell("up");
}

static void what_is_in_force_may_be_kept(void)
{
	struct config_world world;
	char key[80];
	config_world_open(&world);
	if (!LUCIUS_HAS(world.config, keep)) {
		conformance_skip("the source keeps nothing");
	}
	config_world_set(&world, "One", "1");
	CONFIG_CHECK(&world, "One", "1");
	(void)snprintf(key, sizeof(key), "%sOne", world.prefix);
	const struct lucius_text keys[] = { { key, strlen(key) } };
	world.config->keep(instance_self(world.instance), keys, 1);
	world.config->keep(instance_self(world.instance), NULL, 0);
	memset(key, 'x', sizeof(key) - 1); /* it was lent */
	CONFIG_CHECK(&world, "One", "1");
	config_world_close(&world);
}

static const struct conformance_test tests[] = {
	CONFORMANCE_TEST(a_load_gives_what_is_there),
	CONFORMANCE_TEST(every_load_gives_all_of_it),
	CONFORMANCE_TEST(a_load_gives_what_has_just_been_written),
	CONFORMANCE_TEST(what_is_removed_is_given_no_more),
	CONFORMANCE_TEST(many_settings_all_come),
	CONFORMANCE_TEST(two_loads_at_once_give_the_same),
	CONFORMANCE_TEST(a_watch_says_when_something_has_changed),
	CONFORMANCE_TEST(a_watch_is_silent_while_nothing_changes),
	CONFORMANCE_TEST(a_watch_that_is_cancelled_ends_with_ok),
	CONFORMANCE_TEST(a_load_of_a_store_that_is_down_fails_with_a_sentence_and_later_works),
	CONFORMANCE_TEST(a_stop_ends_what_is_under_way),
	CONFORMANCE_TEST(what_is_in_force_may_be_kept),
	{ NULL, NULL },
};

static const struct conformance_test *const tables[] = { tests, NULL };

const struct conformance_suite conformance_config = {
	.name = "config",
	.kind = LUCIUS_KIND_CONFIG,
	.tables = tables,
};
