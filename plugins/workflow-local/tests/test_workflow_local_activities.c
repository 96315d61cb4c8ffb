/* SPDX-License-Identifier: MIT */
/* Activities of the local engine: tries, waits, limits, and events within events. */
#include "core/backend.h"
#include "core/loop.h"
#include "plugins/workflow-local/tests/engine-world.h"
#include "tests/support/suite.h"

static void result_of_an_activity_reaches_the_run(void)
{
	begin();
	fake_wants_activity(7, "lease", 0);
	start("a");
	CHECK_INT(fake.n_tries, 1);
	CHECK_TEXT(fake.tries[0].name, "lease");
	CHECK_TEXT(fake.tries[0].payload, "{}");
	fake_forget();
	answer(LUCIUS_OK, "yes");
	CHECK_TEXT(fake.heard, "done 7 yes;");
	end();
}

static void activities_are_begun_in_the_order_in_which_they_were_wanted(void)
{
	begin();
	fake_wants_activity(1, "one", 0);
	fake_wants_activity(2, "two", 0);
	fake_wants_activity(3, "three", 0);
	start("a");
	CHECK_TEXT(fake.tries[0].name, "one");
	CHECK_TEXT(fake.tries[1].name, "two");
	CHECK_TEXT(fake.tries[2].name, "three");
	end();
}

static void activity_is_tried_again_after_waits_that_double_to_a_limit(void)
{
	static const uint64_t waits_ms[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	begin();
	fake_wants_activity(1, "lease", 0);
	start("a");
	for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
		answer(i % 2 == 0 ? LUCIUS_UNAVAILABLE : LUCIUS_UNKNOWN, "no");
		loop_advance(world.loop, waits_ms[i] - 1);
		CHECK_INT(fake.n_tries, i + 1);
		loop_advance(world.loop, 1);
		CHECK_INT(fake.n_tries, i + 2);
	}
	fake_forget();
	answer(LUCIUS_OK, "at last");
	CHECK_TEXT(fake.heard, "done 1 at last;");
	end();
}

static void activity_that_is_not_answered_in_time_is_tried_again(void)
{
	begin();
	fake_wants_activity(1, "lease", 0);
	start("a");
	loop_advance(world.loop, 30999);
	CHECK_INT(fake.n_tries, 1);
	loop_advance(world.loop, 1);
	CHECK_INT(fake.n_tries, 2);
	fake_forget();
	fake_answer_try(0, LUCIUS_OK, "late");
	turn();
	CHECK_TEXT(fake.heard, "");
	answer(LUCIUS_OK, "yes");
	CHECK_TEXT(fake.heard, "done 1 yes;");
	end();
}

static void activity_that_fails_for_good_is_not_tried_again(void)
{
	begin();
	fake_wants_activity(1, "lease", 0);
	start("a");
	fake_forget();
	answer(LUCIUS_DENIED, "wrong key");
	CHECK_TEXT(fake.heard, "failed 1 wrong key;");
	loop_advance(world.loop, 100000);
	CHECK_INT(fake.n_tries, 1);
	end();
}

static void activity_is_given_up_when_its_time_is_over_and_not_before(void)
{
	begin();
	fake_wants_activity(1, "lease", 5000);
	start("a");
	answer(LUCIUS_UNAVAILABLE, "no");
	loop_advance(world.loop, 1000);
	answer(LUCIUS_UNAVAILABLE, "no");
	loop_advance(world.loop, 2000);
	CHECK_INT(fake.n_tries, 3);
	fake_forget();
	answer(LUCIUS_UNAVAILABLE, "still no");
	CHECK_TEXT(fake.heard, "");
	loop_advance(world.loop, 1999);
	CHECK_TEXT(fake.heard, "");
	loop_advance(world.loop, 1);
	CHECK_TEXT(fake.heard, "failed 1 still no;");
	CHECK_INT(fake.n_tries, 3);
	end();
}

static void run_that_ends_while_an_activity_runs_out_of_time_is_not_told(void)
{
	begin();
	fake_wants_activity(1, "lease", 1000);
	start("a");
	answer(LUCIUS_UNAVAILABLE, "no");
	fake_wants_end(LUCIUS_ACTION_COMPLETE);
	signal_run("a", "1");
	fake_forget();
	loop_advance(world.loop, 5000);
	CHECK_TEXT(fake.heard, "");
	end();
}

static void try_ends_with_the_time_of_its_activity(void)
{
	begin();
	fake_wants_activity(1, "lease", 5000);
	start("a");
	fake_forget();
	loop_advance(world.loop, 4999);
	CHECK_TEXT(fake.heard, "");
	loop_advance(world.loop, 1);
	CHECK(strncmp(fake.heard, "failed 1 ", 9) == 0);
	end();
}

static void activities_over_the_limit_wait_their_turn(void)
{
	const struct engine_options options = {
		.max_runs = 9, .max_activities = 2, .max_ended = 9
	};
	begin_with(&options);
	work();
	for (char id[2] = "a"; id[0] <= 'd'; id[0]++) {
		fake_wants_activity(1, id, 0);
		start(id);
	}
	CHECK_INT(fake.n_tries, 2);
	/* The third gives up its place in the line. */
	fake_wants_end(LUCIUS_ACTION_CANCEL);
	cancel("c");
	answer(LUCIUS_OK, "yes");
	CHECK_INT(fake.n_tries, 3);
	CHECK_TEXT(fake.tries[2].name, "d");
	end();
}

static void answer_for_a_run_that_has_ended_is_dropped(void)
{
	begin();
	fake_wants_activity(1, "lease", 0);
	start("a");
	fake_wants_end(LUCIUS_ACTION_COMPLETE);
	signal_run("a", "1");
	fake_forget();
	answer(LUCIUS_OK, "late");
	CHECK_TEXT(fake.heard, "");
	end();
}

static void signal_the_run_itself(void)
{
	const struct lucius_signal to_self = {
		.size = sizeof(to_self),
		.workflow_id = { "a", 1 },
		.name = { "go", 2 },
		.argument = { "within", 6 },
	};
	fake.on_run = NULL;
	fake.on_feed = NULL;
	(void)workflow_signal(world.engine, &to_self, &world_caller);
}

static void signal_from_within_a_feed_waits_until_it_is_over(void)
{
	begin();
	fake.on_feed = signal_the_run_itself;
	start("a");
	CHECK_TEXT(fake.heard, "started;fed;go within;");
	end();
}

static void signal_from_within_a_try_waits_until_the_feed_is_over(void)
{
	begin();
	fake.on_run = signal_the_run_itself;
	fake_wants_activity(1, "lease", 0);
	start("a");
	CHECK_INT(world.status, LUCIUS_OK);
	CHECK_TEXT(fake.heard, "started;go within;");
	end();
}

static void answer_at_once(void)
{
	fake.on_run = NULL;
	fake_answer(LUCIUS_OK, "at once");
}

static void activity_that_is_answered_in_the_call_is_done_after_it(void)
{
	begin();
	fake.on_run = answer_at_once;
	fake_wants_activity(1, "lease", 0);
	start("a");
	CHECK_TEXT(fake.heard, "started;done 1 at once;");
	end();
}

static void run_that_ends_with_events_waiting_hears_no_more(void)
{
	begin();
	fake.on_feed = signal_the_run_itself;
	fake_wants_end(LUCIUS_ACTION_COMPLETE);
	start("a");
	CHECK_TEXT(fake.heard, "started;fed;");
	CHECK_INT(describe("a"), LUCIUS_RUN_COMPLETED);
	end();
}

static void stop_awaits_the_activities_and_then_ends_the_work(void)
{
	begin();
	fake_wants_activity(1, "lease", 0);
	fake_wants_timer(2, 1);
	start("a");
	fake_forget();
	stop();
	CHECK_INT(world.stop_status, NOT_YET);
	CHECK_INT(world.work_status, NOT_YET);
	CHECK_INT(start("b"), LUCIUS_UNAVAILABLE);
	CHECK_INT(signal_run("a", "1"), LUCIUS_UNAVAILABLE);
	CHECK_INT(cancel("a"), LUCIUS_UNAVAILABLE);
	describe("a");
	CHECK_INT(world.status, LUCIUS_UNAVAILABLE);
	loop_advance(world.loop, 10);
	answer(LUCIUS_OK, "yes");
	CHECK_TEXT(fake.heard, "");
	CHECK_INT(world.work_status, LUCIUS_OK);
	CHECK_INT(world.stop_status, LUCIUS_OK);
	end();
}

static void last_in_line_that_goes_leaves_the_line_whole(void)
{
	const struct engine_options options = {
		.max_runs = 9, .max_activities = 1, .max_ended = 9
	};
	begin_with(&options);
	work();
	for (char id[2] = "a"; id[0] <= 'd'; id[0]++) {
		fake_wants_activity(1, id, 0);
		start(id);
		if (id[0] == 'c') {
			fake_wants_end(LUCIUS_ACTION_CANCEL);
			cancel("c");
		}
	}
	answer(LUCIUS_OK, "a");
	CHECK_TEXT(fake.tries[1].name, "b");
	answer(LUCIUS_OK, "b");
	CHECK_INT(fake.n_tries, 3);
	CHECK_TEXT(fake.tries[2].name, "d");
	end();
}

static void activity_that_is_wanted_together_with_the_end_is_not_tried(void)
{
	begin();
	fake_wants_activity(1, "lease", 0);
	fake_wants_end(LUCIUS_ACTION_COMPLETE);
	start("a");
	CHECK_INT(fake.n_tries, 0);
	CHECK_INT(describe("a"), LUCIUS_RUN_COMPLETED);
	end();
}

static const struct suite_test tests[] = {
	SUITE_TEST(result_of_an_activity_reaches_the_run),
	SUITE_TEST(activities_are_begun_in_the_order_in_which_they_were_wanted),
	SUITE_TEST(activity_is_tried_again_after_waits_that_double_to_a_limit),
	SUITE_TEST(activity_that_is_not_answered_in_time_is_tried_again),
	SUITE_TEST(activity_that_fails_for_good_is_not_tried_again),
	SUITE_TEST(activity_is_given_up_when_its_time_is_over_and_not_before),
	SUITE_TEST(run_that_ends_while_an_activity_runs_out_of_time_is_not_told),
	SUITE_TEST(try_ends_with_the_time_of_its_activity),
	SUITE_TEST(activities_over_the_limit_wait_their_turn),
	SUITE_TEST(answer_for_a_run_that_has_ended_is_dropped),
	SUITE_TEST(signal_from_within_a_feed_waits_until_it_is_over),
	SUITE_TEST(signal_from_within_a_try_waits_until_the_feed_is_over),
	SUITE_TEST(activity_that_is_answered_in_the_call_is_done_after_it),
	SUITE_TEST(run_that_ends_with_events_waiting_hears_no_more),
	SUITE_TEST(stop_awaits_the_activities_and_then_ends_the_work),
	SUITE_TEST(last_in_line_that_goes_leaves_the_line_whole),
	SUITE_TEST(activity_that_is_wanted_together_with_the_end_is_not_tried),
};

int main(int argc, char **argv)
{
	return suite_run(
	        "workflow_local_activities", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
