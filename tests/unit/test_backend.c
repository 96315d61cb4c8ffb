/* SPDX-License-Identifier: MIT */
/* A backend's rules and life: what it may not do, what it may ask, its options and its health. */
#include "core/backend.h"

#include <signal.h>

#include "tests/support/child.h"
#include "tests/support/storage_world.h"
#include "tests/support/suite.h"

static void act_finish_twice(void)
{
	struct lucius_op op = world_load("a", 0);
	world_finish(op, LUCIUS_OK, NULL);
	world_finish(op, LUCIUS_OK, NULL);
}

static void act_finish_old(void)
{
	struct lucius_op op = world_load("a", 0);
	world_finish(op, LUCIUS_OK, NULL);
	world_turn();
	world_load("b", 0);
	world_finish(op, LUCIUS_OK, NULL);
}

static void act_give_unknown(void)
{
	world_give_job((struct lucius_op){ UINT64_MAX }, "a");
}

static void finishing_twice_or_what_is_unknown_aborts_with_the_name_of_the_plugin(void)
{
	static void (*const acts[])(void) = { act_finish_twice, act_finish_old, act_give_unknown };
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		char said[4096];
		world_begin();
		CHECK_INT(child_signal(acts[i], said, sizeof(said)), SIGABRT);
		CHECK(strstr(said, "storage-fake: ") != NULL);
		CHECK(strstr(said, "plugin.broken") != NULL);
		world_end();
	}
}

static void an_activity_opened_by_a_plugin_is_answered_by_the_core(void)
{
	world_begin();
	const struct lucius_question question = { .size = sizeof(question),
		.operation = LUCIUS_OP_DEFINITION_RUN,
		.timeout_ms = 30000,
		.on_item = world_on_text,
		.on_done = world_on_done };
	const struct lucius_text result = world_text("{}");
	struct lucius_op op = fake->host->open(fake->host, &question);
	op_give(op, &result);
	op_finish(op, LUCIUS_OK, NULL);
	CHECK_INT(world.n_done, 0);
	world_turn();
	CHECK_TEXT(world.last_item, "{}");
	CHECK_INT(world.n_done, 1);
	op = fake->host->open(fake->host, &question);
	loop_advance(world.loop, 30000);
	CHECK_INT(world.n_done, 2);
	CHECK_INT(world.status, LUCIUS_UNKNOWN);
	op_finish(op, LUCIUS_OK, NULL);
	world_turn();
	world_end();
}

static void what_a_destroyed_backend_had_asked_calls_it_no_more(void)
{
	world_begin();
	const struct lucius_question question = { .size = sizeof(question),
		.operation = LUCIUS_OP_DEFINITION_RUN,
		.on_done = world_on_done };
	struct lucius_op op = fake->host->open(fake->host, &question);
	unsigned n_destroyed = fake_n_destroyed;
	CHECK_INT(backend_destroy(world.storage), 0);
	CHECK_INT(fake_n_destroyed - n_destroyed, 1);
	op_finish(op, LUCIUS_OK, NULL);
	world_turn();
	CHECK_INT(world.n_done, 0);
	loop_destroy(world.loop);
}

static void options_that_are_not_given_have_their_defaults(void)
{
	world_begin();
	const struct fake_options *options = fake->host->options;
	CHECK_TEXT(options->text, "some");
	CHECK_INT(options->number, 7);
	world_end();
}

static void health_without_a_member_is_what_was_said_last(void)
{
	world_begin();
	const struct op_caller caller = { .on_done = world_on_done };
	fake->host->ready(fake->host, "no connection to 'x'");
	backend_health(world.storage, &caller);
	world_turn();
	CHECK_INT(world.status, LUCIUS_UNAVAILABLE);
	CHECK_TEXT(world.sentence, "no connection to 'x'");
	fake->host->ready(fake->host, NULL);
	backend_health(world.storage, &caller);
	world_turn();
	CHECK_INT(world.status, LUCIUS_OK);
	world_end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(finishing_twice_or_what_is_unknown_aborts_with_the_name_of_the_plugin),
		SUITE_TEST(an_activity_opened_by_a_plugin_is_answered_by_the_core),
		SUITE_TEST(what_a_destroyed_backend_had_asked_calls_it_no_more),
		SUITE_TEST(options_that_are_not_given_have_their_defaults),
		SUITE_TEST(health_without_a_member_is_what_was_said_last),
	};
	return suite_run("backend", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
