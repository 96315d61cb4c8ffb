/* SPDX-License-Identifier: MIT */
/* Runs of the local engine: starts, signals, timers, ends, work and stop. */
#include "core/backend.h"
#include "core/loop.h"
#include "plugins/workflow-local/requests.h"
#include "plugins/workflow-local/tests/engine-world.h"
#include "tests/support/suite.h"

static void run_is_opened_and_told_that_it_has_started(void)
{
	begin();
	CHECK_INT(start("a"), LUCIUS_OK);
	CHECK_TEXT(fake.opened, "a;");
	CHECK_TEXT(fake.heard, "started;");
	CHECK_INT(describe("a"), LUCIUS_RUN_RUNNING);
	end();
}

static void second_start_of_an_id_is_a_duplicate(void)
{
	begin();
	start("a");
	CHECK_INT(start("a"), LUCIUS_DUPLICATE);
	fake_wants_end(LUCIUS_ACTION_COMPLETE);
	signal_run("a", "1");
	CHECK_INT(start("a"), LUCIUS_DUPLICATE);
	CHECK_TEXT(fake.opened, "a;");
	end();
}

static void end_of_a_run_is_remembered_as_what_it_was(void)
{
	static const uint32_t ends[][2] = {
		{ LUCIUS_ACTION_COMPLETE, LUCIUS_RUN_COMPLETED },
		{ LUCIUS_ACTION_FAIL, LUCIUS_RUN_FAILED },
		{ LUCIUS_ACTION_CANCEL, LUCIUS_RUN_CANCELLED },
	};
	begin();
	for (size_t i = 0; i < 3; i++) {
		char id[2] = { (char)('a' + (int)i), '\0' };
		start(id);
		fake_wants_end(ends[i][0]);
		CHECK_INT(signal_run(id, "1"), LUCIUS_OK);
		CHECK_INT(describe(id), ends[i][1]);
		CHECK_INT(signal_run(id, "2"), LUCIUS_NOT_FOUND);
		CHECK_INT(cancel(id), LUCIUS_NOT_FOUND);
	}
	CHECK_INT(fake.n_machines, 0);
	end();
}

static void end_of_a_run_is_forgotten_after_an_hour(void)
{
	begin();
	start("a");
	fake_wants_end(LUCIUS_ACTION_COMPLETE);
	signal_run("a", "1");
	loop_advance(world.loop, 3599000);
	CHECK_INT(describe("a"), LUCIUS_RUN_COMPLETED);
	loop_advance(world.loop, 1000);
	CHECK_INT(describe("a"), 0);
	CHECK_INT(world.status, LUCIUS_NOT_FOUND);
	end();
}

static void ends_beyond_the_limit_are_forgotten_oldest_first(void)
{
	const struct engine_options options = {
		.max_runs = 10, .max_activities = 10, .max_ended = 2
	};
	begin_with(&options);
	work();
	for (char id[2] = "a"; id[0] <= 'c'; id[0]++) {
		start(id);
		fake_wants_end(LUCIUS_ACTION_COMPLETE);
		signal_run(id, "1");
	}
	CHECK_INT(describe("a"), 0);
	CHECK_INT(describe("b"), LUCIUS_RUN_COMPLETED);
	CHECK_INT(describe("c"), LUCIUS_RUN_COMPLETED);
	end();
}

static void unknown_run_is_not_found(void)
{
	begin();
	CHECK_INT(signal_run("x", "1"), LUCIUS_NOT_FOUND);
	CHECK_INT(cancel("x"), LUCIUS_NOT_FOUND);
	CHECK_INT(describe("x"), 0);
	CHECK_INT(world.status, LUCIUS_NOT_FOUND);
	end();
}

static void limit_on_live_runs_refuses_new_ones_but_not_restored_ones(void)
{
	const struct engine_options options = {
		.max_runs = 1, .max_activities = 10, .max_ended = 9
	};
	begin_with(&options);
	work();
	CHECK_INT(start("a"), LUCIUS_OK);
	CHECK_INT(start("b"), LUCIUS_UNAVAILABLE);
	CHECK_INT(start_as("c", "s"), LUCIUS_OK);
	fake_wants_end(LUCIUS_ACTION_COMPLETE);
	signal_run("a", "1");
	fake_wants_end(LUCIUS_ACTION_COMPLETE);
	signal_run("c", "1");
	CHECK_INT(start("b"), LUCIUS_OK);
	end();
}

static void signals_arrive_in_order_and_a_repeat_is_a_no_op(void)
{
	begin();
	start("a");
	fake_forget();
	CHECK_INT(signal_as("a", "1", "r1"), LUCIUS_OK);
	CHECK_INT(signal_as("a", "2", "r2"), LUCIUS_OK);
	CHECK_INT(signal_as("a", "1", "r1"), LUCIUS_OK);
	CHECK_INT(signal_as("a", "3", ""), LUCIUS_OK);
	CHECK_INT(signal_as("a", "3", ""), LUCIUS_OK);
	CHECK_TEXT(fake.heard, "go 1;go 2;go 3;go 3;");
	end();
}

static void request_ids_are_remembered_per_run_and_up_to_a_number(void)
{
	begin();
	start("a");
	start("b");
	fake_forget();
	signal_as("a", "1", "r");
	signal_as("b", "1", "r");
	CHECK_TEXT(fake.heard, "go 1;go 1;");
	for (int i = 0; i < REQUESTS_MAX; i++) {
		signal_run("a", "x");
	}
	fake_forget();
	signal_as("a", "again", "r");
	signal_as("a", "again", "r");
	CHECK_TEXT(fake.heard, "go again;");
	end();
}

static void cancel_is_told_once(void)
{
	begin();
	start("a");
	fake_forget();
	CHECK_INT(cancel("a"), LUCIUS_OK);
	CHECK_INT(cancel("a"), LUCIUS_OK);
	CHECK_TEXT(fake.heard, "cancel;");
	end();
}

static void timer_fires_when_it_is_due_unless_it_is_cancelled(void)
{
	begin();
	fake_wants_timer(1, 500);
	fake_wants_timer(2, 600);
	fake_wants_timer(3, 700);
	start("a");
	fake_forget();
	loop_advance(world.loop, 499);
	CHECK_TEXT(fake.heard, "");
	fake_wants((struct lucius_action){ .type = LUCIUS_ACTION_CANCEL_TIMER, .number = 2 });
	loop_advance(world.loop, 1);
	CHECK_TEXT(fake.heard, "timer 1;");
	fake_wants((struct lucius_action){ .type = LUCIUS_ACTION_CANCEL_TIMER, .number = 1 });
	loop_advance(world.loop, 1000);
	CHECK_TEXT(fake.heard, "timer 1;timer 3;");
	end();
}

static void timers_of_a_run_that_has_ended_do_not_fire(void)
{
	begin();
	fake_wants_timer(1, 500);
	start("a");
	fake_wants_end(LUCIUS_ACTION_COMPLETE);
	signal_run("a", "1");
	fake_forget();
	loop_advance(world.loop, 1000);
	CHECK_TEXT(fake.heard, "");
	end();
}

static void run_that_was_started_before_the_work_waits_for_it(void)
{
	begin_with(NULL);
	CHECK_INT(start_as("a", "{rows}"), LUCIUS_OK);
	CHECK_INT(signal_run("a", "1"), LUCIUS_OK);
	CHECK_INT(cancel("a"), LUCIUS_OK);
	CHECK_INT(describe("a"), LUCIUS_RUN_RUNNING);
	CHECK_TEXT(fake.opened, "");
	work();
	CHECK_TEXT(fake.opened, "a+{rows};");
	CHECK_TEXT(fake.heard, "started;go 1;cancel;");
	end();
}

static void unknown_run_before_the_work_may_only_not_be_taken_up_yet(void)
{
	begin_with(NULL);
	CHECK_INT(signal_run("a", "1"), LUCIUS_UNAVAILABLE);
	CHECK_INT(cancel("a"), LUCIUS_UNAVAILABLE);
	CHECK_INT(describe("a"), 0);
	CHECK_INT(world.status, LUCIUS_UNAVAILABLE);
	(void)backend_health(world.engine, &world_caller);
	turn();
	CHECK_INT(world.status, LUCIUS_UNAVAILABLE);
	work();
	CHECK_INT(signal_run("a", "1"), LUCIUS_NOT_FOUND);
	(void)backend_health(world.engine, &world_caller);
	turn();
	CHECK_INT(world.status, LUCIUS_OK);
	end();
}

static void very_many_runs_are_opened_by_and_by(void)
{
	begin_with(NULL);
	char id[16];
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(id, sizeof(id), "%u", i);
		start_as(id, "s");
	}
	work();
	loop_advance(world.loop, 1);
	CHECK_INT(fake.n_machines, 1000);
	end();
}

static void signals_that_wait_are_bounded(void)
{
	begin_with(NULL);
	start("a");
	uint32_t status = LUCIUS_OK;
	unsigned n_taken = 0;
	while (status == LUCIUS_OK && n_taken < 1000) {
		status = signal_run("a", "1");
		n_taken += status == LUCIUS_OK ? 1 : 0;
	}
	CHECK_INT(status, LUCIUS_UNAVAILABLE);
	CHECK_INT(n_taken, 256);
	end();
}

static void run_that_the_definition_cannot_run_stays_as_it_is(void)
{
	begin();
	fake.is_refusing = true;
	CHECK_INT(start("a"), LUCIUS_OK);
	CHECK_INT(describe("a"), LUCIUS_RUN_RUNNING);
	CHECK_INT(signal_run("a", "1"), LUCIUS_OK);
	CHECK_TEXT(fake.heard, "");
	end();
}

static void run_that_takes_too_long_is_timed_out(void)
{
	begin();
	world.execution_timeout_ms = 10000;
	loop_advance(world.loop, 4000);
	fake_wants_activity(1, "lease", 0);
	start("a");
	loop_advance(world.loop, 5999);
	CHECK_INT(describe("a"), LUCIUS_RUN_RUNNING);
	loop_advance(world.loop, 1);
	CHECK_INT(describe("a"), LUCIUS_RUN_TIMED_OUT);
	CHECK_INT(fake.n_machines, 0);
	answer(LUCIUS_OK, "late");
	end();
}

static void restored_run_whose_time_is_over_is_timed_out_at_once(void)
{
	begin();
	world.execution_timeout_ms = 1000;
	loop_advance(world.loop, 2000);
	start_as("a", "s");
	loop_advance(world.loop, 1);
	CHECK_INT(describe("a"), LUCIUS_RUN_TIMED_OUT);
	end();
}

static void stop_does_not_wait_for_tries_to_come(void)
{
	begin();
	fake_wants_activity(1, "lease", 0);
	start("a");
	answer(LUCIUS_UNAVAILABLE, "no");
	stop();
	CHECK_INT(world.stop_status, LUCIUS_OK);
	loop_advance(world.loop, 2000);
	CHECK_INT(fake.n_tries, 1);
	end();
}

static void cancelled_work_lets_all_runs_go_and_may_begin_again(void)
{
	begin();
	fake_wants_activity(1, "lease", 0);
	start("a");
	start("b");
	op_cancel(world.work);
	turn();
	CHECK_INT(world.work_status, LUCIUS_UNKNOWN);
	CHECK_INT(fake.n_machines, 0);
	CHECK_INT(signal_run("a", "1"), LUCIUS_UNAVAILABLE);
	fake_answer_try(0, LUCIUS_OK, "nobody's");
	CHECK_INT(start_as("a", "rows"), LUCIUS_OK);
	fake.opened[0] = '\0';
	work();
	CHECK_TEXT(fake.opened, "a+rows;");
	end();
}

static void work_for_two_is_refused(void)
{
	begin();
	(void)workflow_work(world.engine, &fake.table, &world_caller);
	turn();
	CHECK_INT(world.status, LUCIUS_UNAVAILABLE);
	CHECK_INT(world.work_status, NOT_YET);
	end();
}

static void engine_says_that_it_lives_in_the_process(void)
{
	begin();
	CHECK_INT(workflow_info(world.engine).traits, LUCIUS_WORKFLOW_IN_PROCESS);
	CHECK_INT(workflow_info(world.engine).max_input_size, 0);
	end();
}

static void begin_work(void *user)
{
	(void)user;
	(void)workflow_work(world.engine, &fake.table, &world_caller);
}

static void newest_request_ids_are_the_ones_that_are_remembered(void)
{
	char id[16];
	begin();
	start("a");
	for (unsigned i = 0; i < REQUESTS_MAX + 10; i++) {
		(void)snprintf(id, sizeof(id), "%u", i);
		signal_as("a", "1", id);
	}
	fake_forget();
	for (unsigned i = 10; i < REQUESTS_MAX + 10; i++) {
		(void)snprintf(id, sizeof(id), "%u", i);
		CHECK_INT(signal_as("a", "1", id), LUCIUS_OK);
	}
	CHECK_TEXT(fake.heard, "");
	signal_as("a", "old", "9");
	CHECK_TEXT(fake.heard, "go old;");
	end();
}

static void run_that_is_timed_out_before_its_turn_to_be_opened_is_left_out(void)
{
	char id[16];
	begin_with(NULL);
	/* In the same millisecond: the work begins, and then the oldest run is timed out. */
	(void)timer_start(world.loop, 1000, begin_work, NULL);
	world.execution_timeout_ms = 1000;
	start_as("oldest", "s");
	world.execution_timeout_ms = 0;
	for (unsigned i = 0; i < 200; i++) {
		(void)snprintf(id, sizeof(id), "%u", i);
		start_as(id, "s");
	}
	loop_advance(world.loop, 1000);
	CHECK_INT(describe("oldest"), LUCIUS_RUN_TIMED_OUT);
	CHECK_INT(fake.n_machines, 200);
	end();
}

static const struct suite_test tests[] = {
	SUITE_TEST(run_is_opened_and_told_that_it_has_started),
	SUITE_TEST(second_start_of_an_id_is_a_duplicate),
	SUITE_TEST(end_of_a_run_is_remembered_as_what_it_was),
	SUITE_TEST(end_of_a_run_is_forgotten_after_an_hour),
	SUITE_TEST(ends_beyond_the_limit_are_forgotten_oldest_first),
	SUITE_TEST(unknown_run_is_not_found),
	SUITE_TEST(limit_on_live_runs_refuses_new_ones_but_not_restored_ones),
	SUITE_TEST(signals_arrive_in_order_and_a_repeat_is_a_no_op),
	SUITE_TEST(request_ids_are_remembered_per_run_and_up_to_a_number),
	SUITE_TEST(cancel_is_told_once),
	SUITE_TEST(timer_fires_when_it_is_due_unless_it_is_cancelled),
	SUITE_TEST(timers_of_a_run_that_has_ended_do_not_fire),
	SUITE_TEST(run_that_was_started_before_the_work_waits_for_it),
	SUITE_TEST(unknown_run_before_the_work_may_only_not_be_taken_up_yet),
	SUITE_TEST(very_many_runs_are_opened_by_and_by),
	SUITE_TEST(signals_that_wait_are_bounded),
	SUITE_TEST(run_that_the_definition_cannot_run_stays_as_it_is),
	SUITE_TEST(run_that_takes_too_long_is_timed_out),
	SUITE_TEST(restored_run_whose_time_is_over_is_timed_out_at_once),
	SUITE_TEST(stop_does_not_wait_for_tries_to_come),
	SUITE_TEST(cancelled_work_lets_all_runs_go_and_may_begin_again),
	SUITE_TEST(work_for_two_is_refused),
	SUITE_TEST(engine_says_that_it_lives_in_the_process),
	SUITE_TEST(newest_request_ids_are_the_ones_that_are_remembered),
	SUITE_TEST(run_that_is_timed_out_before_its_turn_to_be_opened_is_left_out),
};

int main(int argc, char **argv)
{
	return suite_run("workflow_local", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
