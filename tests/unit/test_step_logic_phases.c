/* SPDX-License-Identifier: MIT */
/* What the machine says of itself in each phase, and what it makes of values that are odd. */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/step_rig.h"

static char inspected[4096];

static void keep_text(void *user, struct lucius_text text)
{
	(void)user;
	CHECK(text.size < sizeof(inspected));
	memcpy(inspected, text.data, text.size);
	inspected[text.size] = '\0';
}

static void expect_phase(const struct rig *rig, const char *phase)
{
	char expected[64];
	rig->logic.table.inspect(rig->machine, keep_text, NULL);
	(void)snprintf(expected, sizeof(expected), "\"phase\":\"%s\"", phase);
	if (strstr(inspected, expected) == NULL) {
		fprintf(stderr, "%s\n", inspected);
	}
	CHECK(strstr(inspected, expected) != NULL);
}

static void each_phase_has_its_name(void)
{
	CLEANUP_FREE char *input = rig_input("{\"max_attempts\": 2}");
	CLEANUP_RIG struct rig rig = rig_open(input, NULL);
	expect_phase(&rig, "new");
	rig_started(&rig, "seed");
	expect_phase(&rig, "leasing");
	rig_ok(&rig);
	expect_phase(&rig, "publishing");
	rig_ok(&rig);
	expect_phase(&rig, "waiting");
	rig_fire(&rig);
	expect_phase(&rig, "backing-off");
	rig_signal(&rig, "pause", "{\"seq\": 1}");
	rig_fire(&rig);
	expect_phase(&rig, "paused");
	rig_signal(&rig, "resume", "{\"seq\": 2}");
	expect_phase(&rig, "leasing");
	rig_put_out(&rig);
	rig_fire(&rig);
	expect_phase(&rig, "closing");
	rig_refuse(&rig, "{\"status\": 409, \"reason\": \"superseded\"}");
	expect_phase(&rig, "outcome-refused");
	rig_fire(&rig);
	expect_phase(&rig, "closing");
	rig_ok(&rig);
	expect_phase(&rig, "over");
	CHECK_INT(rig.end, LUCIUS_ACTION_FAIL);
}

static void run_whose_steps_are_done_is_at_none(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_result(&rig, "SUCCEEDED", "");
	rig_put_out(&rig);
	rig_result(&rig, "SUCCEEDED", "");
	expect_phase(&rig, "closing");
	CHECK(strstr(inspected, "\"step_id\":null") != NULL);
	CHECK(strstr(inspected, "\"step_index\":2") != NULL);
}

static void absurd_limits_are_cut_and_wrong_ones_left_out(void)
{
	CLEANUP_RIG struct rig huge =
	        rig_start_with("{\"step_result_timeout_seconds\": 99999999999999, "
	                       "\"steps\": {\"ocr\": {\"lease_minutes\": 99999999999999}}}");
	rig_put_out(&huge);
	CHECK(huge.after_ms > UINT64_C(1000) * 3600 * 24 * 365);
	CLEANUP_RIG struct rig wrong = rig_start_with(
	        "{\"step_result_timeout_seconds\": 30, \"steps\": {\"ocr\": "
	        "{\"step_result_timeout_seconds\": -1, \"max_attempts\": 0, \"lease_minutes\": "
	        "\"x\"}}}");
	rig_put_out(&wrong);
	CHECK_INT(wrong.after_ms, 30000);
}

static void signal_of_a_name_that_only_looks_alike_is_left_alone(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	uint64_t timer = rig.timer;
	rig_signal(&rig, "step_acx", "{}");
	rig_signal(&rig, "step_resulx", "{}");
	rig_signal(&rig, "pausx", "{\"seq\": 1}");
	rig_signal(&rig, "", "{}");
	CHECK_INT(rig.timer, timer);
	CHECK_INT(rig.end, 0);
}

static void result_without_a_good_attempt_counts_for_none(void)
{
	static const char *const odd[] = {
		"{\"stepId\":\"ocr\",\"status\":\"SUCCEEDED\",\"lease_id\":\"a\"}",
		"{\"stepId\":\"ocr\",\"status\":\"SUCCEEDED\",\"attempt_no\":0,\"lease_id\":\"a\"}",
		"{\"stepId\":\"ocr\",\"status\":\"SUCCEEDED\",\"attempt_no\":1}",
		"{\"stepId\":\"ocr\",\"status\":\"SUCCEEDED\",\"attempt_no\":4294967296,"
		"\"lease_id\":\"a\"}",
		"{\"stepId\":\"ocr\",\"status\":\"SUCCEEDED\",\"attempt_no\":1,\"lease_id\":"
		"\"01234567890123456789012345678901234567890123456789012345678901234\"}",
	};
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		CLEANUP_RIG struct rig leasing = rig_start();
		rig_signal(&leasing, "step_result", odd[i]);
		rig_ok(&leasing);
		CHECK_INT(leasing.n_publishes, 1);
		CLEANUP_RIG struct rig waiting = rig_start();
		rig_put_out(&waiting);
		rig_signal(&waiting, "step_result", odd[i]);
		CHECK_TEXT(waiting.step_id, "ocr");
	}
}

static void result_that_overtakes_its_own_lease_is_taken_with_it(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_result(&rig, "SUCCEEDED", "");
	CHECK_TEXT(rig.step_id, "ocr");
	rig_ok(&rig);
	CHECK_TEXT(rig.step_id, "embedding");
	CHECK_INT(rig.n_publishes, 0);
}

static void of_two_early_results_the_newer_attempts_and_the_first_of_a_lease_counts(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_result(&rig, "FAILED_FINAL", "");
	rig_result(&rig, "SUCCEEDED", "");
	rig_result_of(&rig, 1, "another", "SUCCEEDED", "");
	rig_ok(&rig);
	CHECK_INT(rig.n_outcomes, 1);
	CLEANUP_RIG struct rig newer = rig_start();
	rig_result_of(&newer, 1, "another", "SUCCEEDED", "");
	rig_result(&newer, "SUCCEEDED", "");
	rig_ok(&newer);
	CHECK_TEXT(newer.step_id, "embedding");
}

static void failure_of_the_attempt_before_does_not_stand_for_a_lease_that_failed(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	char first[65];
	memcpy(first, rig.lease_id, sizeof(first));
	rig_fire(&rig);
	rig_fire(&rig);
	CHECK_INT(rig.attempt_no, 2);
	rig_result_of(&rig, 1, first, "FAILED_RETRY", "");
	rig_activity_failed(&rig);
	expect_phase(&rig, "backing-off");
	rig_fire(&rig);
	CHECK_INT(rig.attempt_no, 3);
}

static void step_that_is_to_be_tried_again_is_no_end_of_it(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_ok(&rig);
	rig_refuse(&rig,
	        "{\"status\": 409, \"reason\": \"step-terminal\", \"step\": {\"state\": "
	        "\"FAILED_RETRY\", \"attempt_no\": 1, \"lease_id\": \"x\"}}");
	expect_phase(&rig, "waiting");
}

static void lease_whose_end_is_no_time_lasts_as_long_as_any(void)
{
	static const char *const ends[] = { "\"some day\"", "\"1969-12-31T23:59:59Z\"", "7",
		"null" };
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char body[256];
		(void)snprintf(body, sizeof(body),
		        "{\"status\": 409, \"reason\": \"superseded\", \"step\": {\"state\": "
		        "\"INITIATED\", \"attempt_no\": 2, \"lease_id\": \"x\", "
		        "\"lease_expires_at\": %s}}",
		        ends[i]);
		CLEANUP_RIG struct rig rig = rig_start();
		rig_refuse(&rig, body);
		CHECK_INT(rig.attempt_no, 2);
		CHECK_TEXT(rig.lease_id, "x");
		expect_phase(&rig, "publishing");
	}
}

#define ROW(state, more)                                                                     \
	"{\"step_id\": \"ocr\", \"state\": \"" state "\", \"attempt_no\": 1, \"lease_id\": " \
	"\"a\"" more "}, {\"step_id\": \"embedding\", \"state\": \"PENDING\"}"

static void rows_without_times_are_taken_up_as_of_now(void)
{
	CLEANUP_RIG struct rig out =
	        rig_restore("\"state\": \"IN_PROGRESS\"", ROW("INITIATED", ""), true);
	expect_phase(&out, "publishing");
	CLEANUP_RIG struct rig failed =
	        rig_restore("\"state\": \"IN_PROGRESS\"", ROW("FAILED_RETRY", ""), true);
	expect_phase(&failed, "backing-off");
	CHECK_INT(failed.after_ms, 1000);
}

static void late_answers_and_timers_are_left_alone(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	const struct lucius_event late = { .size = sizeof(late),
		.type = LUCIUS_EVENT_ACTIVITY_DONE,
		.number = 1,
		.time_ms = rig.now_ms,
		.payload = { "{}", 2 } };
	rig.logic.table.feed(rig.machine, &late, NULL, NULL);
	const struct lucius_event unknown = {
		.size = sizeof(unknown), .type = 4711, .time_ms = rig.now_ms
	};
	rig.logic.table.feed(rig.machine, &unknown, NULL, NULL);
	expect_phase(&rig, "waiting");
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(each_phase_has_its_name),
		SUITE_TEST(run_whose_steps_are_done_is_at_none),
		SUITE_TEST(absurd_limits_are_cut_and_wrong_ones_left_out),
		SUITE_TEST(signal_of_a_name_that_only_looks_alike_is_left_alone),
		SUITE_TEST(result_without_a_good_attempt_counts_for_none),
		SUITE_TEST(result_that_overtakes_its_own_lease_is_taken_with_it),
		SUITE_TEST(of_two_early_results_the_newer_attempts_and_the_first_of_a_lease_counts),
		SUITE_TEST(failure_of_the_attempt_before_does_not_stand_for_a_lease_that_failed),
		SUITE_TEST(step_that_is_to_be_tried_again_is_no_end_of_it),
		SUITE_TEST(lease_whose_end_is_no_time_lasts_as_long_as_any),
		SUITE_TEST(rows_without_times_are_taken_up_as_of_now),
		SUITE_TEST(late_answers_and_timers_are_left_alone),
	};
	return suite_run("step_logic_phases", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
