/* SPDX-License-Identifier: MIT */
/* The local engine over the daemon's own runtime, in simulated time, with a definition for tests.
 */
#include <stdlib.h>

#include "core/backend.h"
#include "core/loop.h"
#include "plugins/workflow-local/engine.h"
#include "plugins/workflow-local/requests.h"
#include "plugins/workflow-local/tests/fake-definition.h"
#include "tests/support/suite.h"

#define EPOCH_US INT64_C(1772366400000000)
#define NOT_YET 99u

struct world {
	struct loop *loop;
	struct backend *engine;
	struct lucius_op work;
	uint32_t work_status; /* NOT_YET while it runs */
	uint32_t stop_status;
	uint32_t status; /* of the last operation */
	uint32_t state; /* that describe has given */
	uint64_t execution_timeout_ms; /* of the next start */
	unsigned n_requests;
};

static struct world world;

static struct lucius_text text(const char *string)
{
	return (struct lucius_text){ string, strlen(string) };
}

static void begin_with(const struct engine_options *options)
{
	char error[256] = "";
	fake_reset();
	world = (struct world){
		.loop = loop_create_simulated(1, EPOCH_US),
		.work_status = NOT_YET,
		.stop_status = NOT_YET,
	};
	const struct backend_parts parts = {
		.loop = world.loop,
		.plugin = &lucius_plugin,
		.options = options,
	};
	world.engine = backend_create(&parts, error, sizeof(error));
	CHECK_TEXT(error, "");
	if (world.engine == NULL) {
		abort();
	}
}

static void turn(void)
{
	loop_advance(world.loop, 0);
}

static void on_work_done(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	(void)sentence;
	world.work_status = status;
}

static void work(void)
{
	const struct op_caller caller = { .on_done = on_work_done };
	world.work = workflow_work(world.engine, &fake.table, &caller);
	turn();
}

static void begin(void)
{
	begin_with(NULL);
	work();
}

static void on_stop_done(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	(void)sentence;
	world.stop_status = status;
}

static void stop(void)
{
	const struct op_caller caller = { .on_done = on_stop_done };
	(void)backend_stop(world.engine, &caller);
	turn();
}

static void end(void)
{
	if (world.stop_status == NOT_YET) {
		stop();
	}
	fake_answer_all();
	turn();
	CHECK_INT(world.stop_status, LUCIUS_OK);
	CHECK_INT(fake.n_machines, 0);
	CHECK_INT(backend_n_open(world.engine), 0);
	CHECK_INT(backend_destroy(world.engine), 0);
	loop_destroy(world.loop);
}

static void on_done(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	(void)sentence;
	world.status = status;
}

static void on_state(void *user, const void *item)
{
	const struct lucius_run_state *state = item;
	(void)user;
	world.state = state->state;
}

static const struct op_caller caller = { .on_item = on_state, .on_done = on_done };

static uint32_t start_as(const char *id, const char *snapshot)
{
	const struct lucius_run run = {
		.size = sizeof(run),
		.is_restored = snapshot != NULL,
		.workflow_id = text(id),
		.input = text("{}"),
		.snapshot = snapshot != NULL ? text(snapshot) : (struct lucius_text){ 0 },
		.started_at_ms = EPOCH_US / 1000,
		.execution_timeout_ms = world.execution_timeout_ms,
	};
	world.status = NOT_YET;
	(void)workflow_start(world.engine, &run, &caller);
	turn();
	return world.status;
}

static uint32_t start(const char *id)
{
	return start_as(id, NULL);
}

static uint32_t signal_as(const char *id, const char *argument, const char *request_id)
{
	const struct lucius_signal signal = {
		.size = sizeof(signal),
		.workflow_id = text(id),
		.name = text("go"),
		.argument = text(argument),
		.request_id = text(request_id),
	};
	world.status = NOT_YET;
	(void)workflow_signal(world.engine, &signal, &caller);
	turn();
	return world.status;
}

static uint32_t signal(const char *id, const char *argument)
{
	char request_id[32];
	(void)snprintf(request_id, sizeof(request_id), "request %u", ++world.n_requests);
	return signal_as(id, argument, request_id);
}

static uint32_t cancel(const char *id)
{
	world.status = NOT_YET;
	(void)workflow_cancel(world.engine, text(id), text("c"), &caller);
	turn();
	return world.status;
}

/* The state, or 0 and the status in world.status. */
static uint32_t describe(const char *id)
{
	world.status = NOT_YET;
	world.state = 0;
	(void)workflow_describe(world.engine, text(id), &caller);
	turn();
	return world.state;
}

static void answer(uint32_t status, const char *result)
{
	fake_answer(status, result);
	turn();
}

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
	signal("a", "1");
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
		CHECK_INT(signal(id, "1"), LUCIUS_OK);
		CHECK_INT(describe(id), ends[i][1]);
		CHECK_INT(signal(id, "2"), LUCIUS_NOT_FOUND);
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
	signal("a", "1");
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
		signal(id, "1");
	}
	CHECK_INT(describe("a"), 0);
	CHECK_INT(describe("b"), LUCIUS_RUN_COMPLETED);
	CHECK_INT(describe("c"), LUCIUS_RUN_COMPLETED);
	end();
}

static void unknown_run_is_not_found(void)
{
	begin();
	CHECK_INT(signal("x", "1"), LUCIUS_NOT_FOUND);
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
	signal("a", "1");
	fake_wants_end(LUCIUS_ACTION_COMPLETE);
	signal("c", "1");
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
		signal("a", "x");
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
	signal("a", "1");
	fake_forget();
	loop_advance(world.loop, 1000);
	CHECK_TEXT(fake.heard, "");
	end();
}

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

static void activity_is_given_up_when_no_other_try_fits_into_its_time(void)
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
	CHECK_TEXT(fake.heard, "failed 1 still no;");
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
	signal("a", "1");
	fake_forget();
	answer(LUCIUS_OK, "late");
	CHECK_TEXT(fake.heard, "");
	end();
}

static void signal_the_run_itself(void)
{
	const struct lucius_signal to_self = {
		.size = sizeof(to_self),
		.workflow_id = text("a"),
		.name = text("go"),
		.argument = text("within"),
	};
	fake.on_run = NULL;
	fake.on_feed = NULL;
	(void)workflow_signal(world.engine, &to_self, &caller);
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

static void run_that_was_started_before_the_work_waits_for_it(void)
{
	begin_with(NULL);
	CHECK_INT(start_as("a", "{rows}"), LUCIUS_OK);
	CHECK_INT(signal("a", "1"), LUCIUS_OK);
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
	CHECK_INT(signal("a", "1"), LUCIUS_UNAVAILABLE);
	CHECK_INT(cancel("a"), LUCIUS_UNAVAILABLE);
	CHECK_INT(describe("a"), 0);
	CHECK_INT(world.status, LUCIUS_UNAVAILABLE);
	(void)backend_health(world.engine, &caller);
	turn();
	CHECK_INT(world.status, LUCIUS_UNAVAILABLE);
	work();
	CHECK_INT(signal("a", "1"), LUCIUS_NOT_FOUND);
	(void)backend_health(world.engine, &caller);
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
		status = signal("a", "1");
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
	CHECK_INT(signal("a", "1"), LUCIUS_OK);
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
	CHECK_INT(signal("a", "1"), LUCIUS_UNAVAILABLE);
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
	CHECK_INT(signal("a", "1"), LUCIUS_UNAVAILABLE);
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
	(void)workflow_work(world.engine, &fake.table, &caller);
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
	SUITE_TEST(result_of_an_activity_reaches_the_run),
	SUITE_TEST(activities_are_begun_in_the_order_in_which_they_were_wanted),
	SUITE_TEST(activity_is_tried_again_after_waits_that_double_to_a_limit),
	SUITE_TEST(activity_that_is_not_answered_in_time_is_tried_again),
	SUITE_TEST(activity_that_fails_for_good_is_not_tried_again),
	SUITE_TEST(activity_is_given_up_when_no_other_try_fits_into_its_time),
	SUITE_TEST(try_ends_with_the_time_of_its_activity),
	SUITE_TEST(activities_over_the_limit_wait_their_turn),
	SUITE_TEST(answer_for_a_run_that_has_ended_is_dropped),
	SUITE_TEST(signal_from_within_a_feed_waits_until_it_is_over),
	SUITE_TEST(signal_from_within_a_try_waits_until_the_feed_is_over),
	SUITE_TEST(activity_that_is_answered_in_the_call_is_done_after_it),
	SUITE_TEST(run_that_ends_with_events_waiting_hears_no_more),
	SUITE_TEST(run_that_was_started_before_the_work_waits_for_it),
	SUITE_TEST(unknown_run_before_the_work_may_only_not_be_taken_up_yet),
	SUITE_TEST(very_many_runs_are_opened_by_and_by),
	SUITE_TEST(signals_that_wait_are_bounded),
	SUITE_TEST(run_that_the_definition_cannot_run_stays_as_it_is),
	SUITE_TEST(run_that_takes_too_long_is_timed_out),
	SUITE_TEST(restored_run_whose_time_is_over_is_timed_out_at_once),
	SUITE_TEST(stop_awaits_the_activities_and_then_ends_the_work),
	SUITE_TEST(stop_does_not_wait_for_tries_to_come),
	SUITE_TEST(cancelled_work_lets_all_runs_go_and_may_begin_again),
	SUITE_TEST(work_for_two_is_refused),
	SUITE_TEST(engine_says_that_it_lives_in_the_process),
};

int main(int argc, char **argv)
{
	return suite_run("workflow_local", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
