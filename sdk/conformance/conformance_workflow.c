/* SPDX-License-Identifier: MIT */
/* The conformance suite of workflow engines: what include/lucius/workflow.h promises, by example.
 */
#include <stdio.h>
#include <string.h>

#include "sdk/conformance/workflow_world.h"

static void check_payload(const struct workflow_try *try, const char *name, const char *last)
{
	if (try != NULL) {
		CHECK_TEXT(try->name, name);
		const char *found = strstr(try->payload, "\"last\":");
		char expected[600];
		(void)snprintf(expected, sizeof(expected), "\"last\":%s}", last);
		CHECK_TEXT(found, expected);
	}
}

static void a_run_goes_through_its_activities_and_completes(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	workflow_started(&world, "a", "run one;run two;complete");
	check_payload(workflow_wait_tries(&world, 1), "one", "null");
	CHECK_INT(workflow_state(&world, "a"), LUCIUS_RUN_RUNNING);
	workflow_answer(&world, LUCIUS_OK, "{\"n\":1}");
	check_payload(workflow_wait_tries(&world, 2), "two", "{\"n\":1}");
	workflow_answer(&world, LUCIUS_OK, "{}");
	workflow_wait_state(&world, "a", LUCIUS_RUN_COMPLETED);
	workflow_world_close(&world);
}

static void a_run_that_fails_is_told_from_one_that_completes(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	workflow_started(&world, "a", "fail CODE");
	workflow_wait_state(&world, "a", LUCIUS_RUN_FAILED);
	workflow_world_close(&world);
}

static void a_seed_is_the_same_for_all_of_a_run_and_for_no_other(void)
{
	struct workflow_world world;
	char first[1024] = "";
	workflow_world_open_at_work(&world);
	workflow_started(&world, "a", "run one;timer 1;run two;complete");
	const struct workflow_try *one = workflow_wait_tries(&world, 1);
	CHECK(one != NULL && strstr(one->payload, "\"seed\":\"\"") == NULL);
	(void)snprintf(first, sizeof(first), "%s", one != NULL ? one->payload : "");
	workflow_answer(&world, LUCIUS_OK, "null");
	const struct workflow_try *two = workflow_wait_tries(&world, 2);
	size_t seed_size = strcspn(first, ",");
	CHECK(two != NULL && strncmp(first, two->payload, seed_size) == 0);
	workflow_answer(&world, LUCIUS_OK, "null");
	workflow_started(&world, "b", "run one;complete");
	const struct workflow_try *other = workflow_wait_tries(&world, 3);
	CHECK(other != NULL && strncmp(first, other->payload, seed_size) != 0);
	workflow_world_close(&world);
}

static void an_id_can_be_started_once_only(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	workflow_started(&world, "a", "signal go;complete");
	/* The same request again may be told as started, too. */
	struct asked *again = workflow_ask_start(&world, "a", "signal go;complete");
	(void)asked_wait(again);
	CHECK(asked_status(again) == LUCIUS_DUPLICATE || asked_status(again) == LUCIUS_OK);
	CHECK_STATUS(workflow_ask_signal(&world, "a", "go", "{}", "1"), LUCIUS_OK);
	workflow_wait_state(&world, "a", LUCIUS_RUN_COMPLETED);
	again = workflow_ask_start(&world, "a", "signal go;complete");
	(void)asked_wait(again);
	CHECK(asked_status(again) == LUCIUS_DUPLICATE || asked_status(again) == LUCIUS_OK);
	host_settle(world.host, 100);
	CHECK_INT(workflow_state(&world, "a"), LUCIUS_RUN_COMPLETED);
	workflow_world_close(&world);
}

static void a_run_that_is_not_known_is_not_found(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	CHECK_STATUS(workflow_ask_describe(&world, "nobody"), LUCIUS_NOT_FOUND);
	CHECK_STATUS(workflow_ask_signal(&world, "nobody", "go", "{}", "1"), LUCIUS_NOT_FOUND);
	CHECK_STATUS(workflow_ask_cancel(&world, "nobody"), LUCIUS_NOT_FOUND);
	workflow_world_close(&world);
}

static void a_run_that_has_ended_takes_no_signal(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	workflow_started(&world, "a", "complete");
	workflow_wait_state(&world, "a", LUCIUS_RUN_COMPLETED);
	CHECK_STATUS(workflow_ask_signal(&world, "a", "go", "{}", "1"), LUCIUS_NOT_FOUND);
	workflow_world_close(&world);
}

static void a_signal_comes_with_its_argument(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	workflow_started(&world, "a", "signal go;run after;complete");
	CHECK_STATUS(workflow_ask_signal(&world, "a", "go", "{\"x\":\"\\u00e4\"}", "1"), LUCIUS_OK);
	check_payload(workflow_wait_tries(&world, 1), "after", "{\"x\":\"\\u00e4\"}");
	workflow_world_close(&world);
}

static void signals_come_in_their_order_also_while_an_activity_runs(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	workflow_started(&world, "a", "run first;signal go;run one;signal go;run two;complete");
	(void)workflow_wait_tries(&world, 1);
	CHECK_STATUS(workflow_ask_signal(&world, "a", "go", "1", "1"), LUCIUS_OK);
	CHECK_STATUS(workflow_ask_signal(&world, "a", "go", "2", "2"), LUCIUS_OK);
	workflow_answer(&world, LUCIUS_OK, "null");
	check_payload(workflow_wait_tries(&world, 2), "one", "1");
	workflow_answer(&world, LUCIUS_OK, "null");
	check_payload(workflow_wait_tries(&world, 3), "two", "2");
	workflow_world_close(&world);
}

static void a_signal_that_is_repeated_counts_once(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	workflow_started(&world, "a", "run first;signal go;run one;signal go;run two;complete");
	(void)workflow_wait_tries(&world, 1);
	CHECK_STATUS(workflow_ask_signal(&world, "a", "go", "1", "same"), LUCIUS_OK);
	CHECK_STATUS(workflow_ask_signal(&world, "a", "go", "1", "same"), LUCIUS_OK);
	CHECK_STATUS(workflow_ask_signal(&world, "a", "go", "2", "other"), LUCIUS_OK);
	workflow_answer(&world, LUCIUS_OK, "null");
	check_payload(workflow_wait_tries(&world, 2), "one", "1");
	workflow_answer(&world, LUCIUS_OK, "null");
	check_payload(workflow_wait_tries(&world, 3), "two", "2");
	workflow_world_close(&world);
}

static void a_run_is_asked_to_cancel_and_a_repeat_does_no_harm(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	workflow_started(&world, "a", "signal go;complete");
	CHECK_STATUS(workflow_ask_cancel(&world, "a"), LUCIUS_OK);
	struct asked *again = workflow_ask_cancel(&world, "a");
	(void)asked_wait(again);
	/* It may have ended meanwhile. */
	CHECK(asked_status(again) == LUCIUS_OK || asked_status(again) == LUCIUS_NOT_FOUND);
	workflow_wait_state(&world, "a", LUCIUS_RUN_CANCELLED);
	workflow_world_close(&world);
}

static void an_activity_that_may_work_later_is_tried_again(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	workflow_started(&world, "a", "run one;run two;complete");
	(void)workflow_wait_tries(&world, 1);
	workflow_answer(&world, LUCIUS_UNAVAILABLE, "not now");
	check_payload(workflow_wait_tries(&world, 2), "one", "null");
	workflow_answer(&world, LUCIUS_UNKNOWN, "who knows");
	check_payload(workflow_wait_tries(&world, 3), "one", "null");
	workflow_answer(&world, LUCIUS_OK, "3");
	check_payload(workflow_wait_tries(&world, 4), "two", "3");
	workflow_world_close(&world);
}

static void an_activity_that_fails_for_good_is_told_with_its_sentence(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	workflow_started(&world, "a", "run one;run two;complete");
	(void)workflow_wait_tries(&world, 1);
	workflow_answer(&world, LUCIUS_DENIED, "never");
	check_payload(workflow_wait_tries(&world, 2), "two", "\"never\"");
	workflow_world_close(&world);
}

static void an_activity_is_given_up_when_its_time_is_over(void)
{
	struct workflow_world world;
	size_t n = 1;
	workflow_world_open_at_work(&world);
	workflow_started(&world, "a", "run one@200@1500;run two;complete");
	const struct workflow_try *try = workflow_wait_tries(&world, n);
	while (try != NULL && strcmp(try->name, "one") == 0) {
		workflow_answer(&world, LUCIUS_UNAVAILABLE, "not now");
		try = workflow_wait_tries(&world, ++n);
	}
	check_payload(try, "two", "\"not now\"");
	CHECK(n > 2);
	workflow_world_close(&world);
}

static void a_timer_fires(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	workflow_started(&world, "a", "timer 50;run after;complete");
	check_payload(workflow_wait_tries(&world, 1), "after", "\"timer\"");
	workflow_world_close(&world);
}

static void a_timer_that_is_taken_back_does_not_fire(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	workflow_started(&world, "a", "either 1500 go;run one;timer 2000;run two;complete");
	CHECK_STATUS(workflow_ask_signal(&world, "a", "go", "7", "1"), LUCIUS_OK);
	check_payload(workflow_wait_tries(&world, 1), "one", "7");
	workflow_answer(&world, LUCIUS_OK, "8");
	/* The first would have fired before this one. */
	check_payload(workflow_wait_tries(&world, 2), "two", "\"timer\"");
	workflow_world_close(&world);
}

static void a_timer_goes_on_without_the_signal(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	workflow_started(&world, "a", "either 100 go;run one;complete");
	check_payload(workflow_wait_tries(&world, 1), "one", "\"timer\"");
	workflow_world_close(&world);
}

static void a_run_that_takes_too_long_is_timed_out(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	world.execution_timeout_ms = 1500;
	workflow_started(&world, "a", "signal never;complete");
	workflow_wait_state(&world, "a", LUCIUS_RUN_TIMED_OUT);
	workflow_world_close(&world);
}

static void what_is_started_before_the_work_waits_for_it(void)
{
	struct workflow_world world;
	workflow_world_open(&world);
	workflow_started(&world, "a", "run one;complete");
	CHECK_INT(world.n_tries, 0);
	workflow_world_work(&world);
	check_payload(workflow_wait_tries(&world, 1), "one", "null");
	workflow_answer(&world, LUCIUS_OK, "null");
	workflow_wait_state(&world, "a", LUCIUS_RUN_COMPLETED);
	workflow_world_close(&world);
}

static void many_runs_go_side_by_side(void)
{
	enum { N = 20 };
	struct workflow_world world;
	char id[16];
	workflow_world_open_at_work(&world);
	for (int i = 0; i < N; i++) {
		(void)snprintf(id, sizeof(id), "r%d", i);
		workflow_started(&world, id, "run one;complete");
	}
	for (size_t i = 0; i < N; i++) {
		if (workflow_wait_tries(&world, i + 1) == NULL) {
			break;
		}
	}
	for (size_t i = 0; i < world.n_tries; i++) {
		const struct lucius_text result = { "null", 4 };
		world.tries[i].is_answered = true;
		host_answer_give(world.host, world.tries[i].op, &result);
		host_answer_finish(world.host, world.tries[i].op, LUCIUS_OK, NULL);
	}
	for (int i = 0; i < N; i++) {
		(void)snprintf(id, sizeof(id), "r%d", i);
		workflow_wait_state(&world, id, LUCIUS_RUN_COMPLETED);
	}
	workflow_world_close(&world);
}

static void a_second_work_is_refused(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	struct asked *second = asked_begin(world.instance, "work", NULL);
	world.workflow->work(instance_self(world.instance), &world.definition, asked_op(second));
	CHECK_STATUS(second, LUCIUS_UNAVAILABLE);
	workflow_world_close(&world);
}

static void a_stop_ends_the_work_and_refuses_what_comes_after(void)
{
	struct workflow_world world;
	workflow_world_open_at_work(&world);
	workflow_started(&world, "a", "signal go;complete");
	struct asked *stop = instance_stop(world.instance);
	CHECK_STATUS(stop, LUCIUS_OK);
	CHECK_STATUS(world.work, LUCIUS_OK);
	CHECK_STATUS(workflow_ask_describe(&world, "a"), LUCIUS_UNAVAILABLE);
	CHECK_STATUS(workflow_ask_start(&world, "b", "complete"), LUCIUS_UNAVAILABLE);
	instance_destroy(world.instance);
	host_destroy(world.host);
}

static const struct conformance_test tests[] = {
	CONFORMANCE_TEST(a_run_goes_through_its_activities_and_completes),
	CONFORMANCE_TEST(a_run_that_fails_is_told_from_one_that_completes),
	CONFORMANCE_TEST(a_seed_is_the_same_for_all_of_a_run_and_for_no_other),
	CONFORMANCE_TEST(an_id_can_be_started_once_only),
	CONFORMANCE_TEST(a_run_that_is_not_known_is_not_found),
	CONFORMANCE_TEST(a_run_that_has_ended_takes_no_signal),
	CONFORMANCE_TEST(a_signal_comes_with_its_argument),
	CONFORMANCE_TEST(signals_come_in_their_order_also_while_an_activity_runs),
	CONFORMANCE_TEST(a_signal_that_is_repeated_counts_once),
	CONFORMANCE_TEST(a_run_is_asked_to_cancel_and_a_repeat_does_no_harm),
	CONFORMANCE_TEST(an_activity_that_may_work_later_is_tried_again),
	CONFORMANCE_TEST(an_activity_that_fails_for_good_is_told_with_its_sentence),
	CONFORMANCE_TEST(an_activity_is_given_up_when_its_time_is_over),
	CONFORMANCE_TEST(a_timer_fires),
	CONFORMANCE_TEST(a_timer_that_is_taken_back_does_not_fire),
	CONFORMANCE_TEST(a_timer_goes_on_without_the_signal),
	CONFORMANCE_TEST(a_run_that_takes_too_long_is_timed_out),
	CONFORMANCE_TEST(what_is_started_before_the_work_waits_for_it),
	CONFORMANCE_TEST(many_runs_go_side_by_side),
	CONFORMANCE_TEST(a_second_work_is_refused),
	CONFORMANCE_TEST(a_stop_ends_the_work_and_refuses_what_comes_after),
	{ NULL, NULL },
};

static const struct conformance_test *const tables[] = { tests, NULL };

const struct conformance_suite conformance_workflow = {
	.name = "workflow",
	.kind = LUCIUS_KIND_WORKFLOW,
	.tables = tables,
};
