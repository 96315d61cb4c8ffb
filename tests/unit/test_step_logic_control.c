/* SPDX-License-Identifier: MIT */
/* The step logic (SPEC 5, Control and Engines): pause, resume, cancel, and runs taken up again. */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/step_rig.h"

#define ROW(step_id, state, more) "{\"step_id\": \"" step_id "\", \"state\": \"" state "\"" more "}"
#define PENDING(step_id) \
	ROW(step_id, "PENDING", ", \"attempt_no\": 0, \"lease_id\": null, \"result_ref\": null")
/* Behind the row of the first step: the second one has not begun. */
#define REST "," PENDING("embedding")
/* An attempt with lease "lease", published at 12:00:00 less the seconds in the names. */
#define ATTEMPT(number, started_at)                                \
	", \"attempt_no\": " #number ", \"lease_id\": \"lease\", " \
	"\"lease_expires_at\": \"2026-03-01T12:10:00.000000Z\", "  \
	"\"timer_started_at\": " started_at ", \"result_ref\": null"
#define AT_1155 "\"2026-03-01T11:55:00.000000Z\""
#define IN_PROGRESS "\"state\": \"IN_PROGRESS\", \"control_seq\": 4"

static void pause_holds_the_next_attempt_back_and_resume_lets_it_go(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_signal(&rig, "pause", "{\"seq\": 1}");
	CHECK(rig.timer != 0);
	rig_result(&rig, "FAILED_RETRY", "");
	rig_fire(&rig);
	CHECK_INT(rig.n_leases, 1);
	CHECK_INT(rig.timer, 0);
	CHECK(step_logic_is_waiting_by_rule(rig.machine));
	rig_signal(&rig, "resume", "{\"seq\": 2}");
	CHECK_INT(rig.n_leases, 2);
	CHECK(!step_logic_is_waiting_by_rule(rig.machine));
}

static void attempt_that_is_out_goes_on_while_paused(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_signal(&rig, "pause", "{}");
	rig_put_out(&rig);
	CHECK(rig.timer != 0);
	rig_result(&rig, "SUCCEEDED", "");
	CHECK_INT(rig.n_leases, 1);
	CHECK(step_logic_is_waiting_by_rule(rig.machine));
	rig_signal(&rig, "resume", "{}");
	CHECK_TEXT(rig.step_id, "embedding");
}

static void result_during_a_pause_after_a_timeout_counts(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_signal(&rig, "pause", "{\"seq\": 1}");
	rig_fire(&rig);
	rig_fire(&rig);
	CHECK(step_logic_is_waiting_by_rule(rig.machine));
	rig_result(&rig, "SUCCEEDED", "");
	CHECK_INT(rig.n_leases, 1);
	rig_signal(&rig, "resume", "{\"seq\": 2}");
	CHECK_TEXT(rig.step_id, "embedding");
}

static void job_state_ends_a_paused_workflow(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_signal(&rig, "pause", "{\"seq\": 1}");
	rig_fire(&rig);
	rig_fire(&rig);
	rig_result(&rig, "SUCCEEDED", ", \"job_state\": \"SUCCEEDED\"");
	CHECK_INT(rig.end, LUCIUS_ACTION_COMPLETE);
}

static void control_with_a_lower_seq_is_ignored_and_with_an_equal_one_applied(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_signal(&rig, "pause", "{\"seq\": 3}");
	rig_signal(&rig, "resume", "{\"seq\": 2}");
	rig_result(&rig, "SUCCEEDED", "");
	CHECK(step_logic_is_waiting_by_rule(rig.machine));
	rig_signal(&rig, "resume", "{\"seq\": 3}");
	CHECK_TEXT(rig.step_id, "embedding");
	rig_signal(&rig, "pause", "{\"seq\": 2}");
	rig_put_out(&rig);
	rig_result(&rig, "FAILED_RETRY", "");
	rig_fire(&rig);
	CHECK_INT(rig.attempt_no, 2);
}

static void cancel_with_an_attempt_out_waits_for_its_end(void)
{
	static const char *const statuses[] = { "SUCCEEDED", "FAILED_RETRY", "FAILED_FINAL" };
	for (size_t i = 0; i < 3; i++) {
		CLEANUP_RIG struct rig rig = rig_start();
		rig_put_out(&rig);
		rig_cancel(&rig);
		CHECK_INT(rig.n_outcomes, 0);
		CHECK(rig.timer != 0);
		rig_result(&rig, statuses[i], "");
		CHECK_TEXT(rig_member(&rig, "status"), "CANCELLED");
		rig_ok(&rig);
		CHECK_INT(rig.end, LUCIUS_ACTION_CANCEL);
	}
}

static void cancel_lets_an_attempt_time_out(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_cancel(&rig);
	rig_fire(&rig);
	CHECK_TEXT(rig_member(&rig, "status"), "CANCELLED");
}

static void cancel_with_none_out_ends_at_once(void)
{
	CLEANUP_RIG struct rig backing_off = rig_start();
	rig_put_out(&backing_off);
	rig_fire(&backing_off);
	rig_cancel(&backing_off);
	CHECK_INT(backing_off.timer, 0);
	CHECK_TEXT(rig_member(&backing_off, "status"), "CANCELLED");
	CLEANUP_RIG struct rig paused = rig_start();
	rig_put_out(&paused);
	rig_signal(&paused, "pause", "{}");
	rig_result(&paused, "SUCCEEDED", "");
	rig_cancel(&paused);
	CHECK_TEXT(rig_member(&paused, "status"), "CANCELLED");
	CHECK_TEXT(rig_member(&paused, "stepId"), "embedding");
}

static void cancel_before_the_lease_is_accepted_publishes_nothing(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_cancel(&rig);
	CHECK_INT(rig.n_outcomes, 0);
	rig_ok(&rig);
	CHECK_INT(rig.n_publishes, 0);
	CHECK_TEXT(rig_member(&rig, "status"), "CANCELLED");
}

static void cancel_during_publish_lets_the_attempt_finish(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_ok(&rig);
	rig_cancel(&rig);
	rig_ok(&rig);
	CHECK_INT(rig.n_outcomes, 0);
	rig_result(&rig, "SUCCEEDED", ", \"job_state\": \"CANCELLED\"");
	CHECK_INT(rig.end, LUCIUS_ACTION_CANCEL);
}

static void cancel_during_a_failing_outcome_waits_for_its_answer(void)
{
	CLEANUP_RIG struct rig rig = rig_start_with("{\"max_attempts\": 1}");
	rig_put_out(&rig);
	rig_fire(&rig);
	rig_cancel(&rig);
	CHECK_INT(rig.n_outcomes, 1);
	rig_ok(&rig);
	CHECK_INT(rig.end, LUCIUS_ACTION_FAIL);
}

static void cancel_after_the_last_success_without_job_state_is_still_a_cancel(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_result(&rig, "SUCCEEDED", "");
	rig_put_out(&rig);
	rig_cancel(&rig);
	rig_result(&rig, "SUCCEEDED", "");
	CHECK_TEXT(rig_member(&rig, "status"), "CANCELLED");
	rig_ok(&rig);
	CHECK_INT(rig.end, LUCIUS_ACTION_CANCEL);
}

static void cancel_of_a_refused_outcome_asks_for_the_other_one(void)
{
	CLEANUP_RIG struct rig rig = rig_start_with("{\"max_attempts\": 1}");
	rig_put_out(&rig);
	rig_fire(&rig);
	rig_refuse(&rig, "{\"status\": 409}");
	rig_cancel(&rig);
	CHECK_INT(rig.timer, 0);
	CHECK_TEXT(rig_member(&rig, "status"), "CANCELLED");
}

static void cancel_ends_a_wait_for_an_attempt_that_was_never_leased(void)
{
	CLEANUP_RIG struct rig before = rig_start();
	rig_cancel(&before);
	rig_refuse(&before, "{\"status\": 409}");
	CHECK_TEXT(rig_member(&before, "status"), "CANCELLED");
	CLEANUP_RIG struct rig after = rig_start();
	rig_refuse(&after, "{\"status\": 409}");
	rig_cancel(&after);
	CHECK_INT(after.timer, 0);
	CHECK_TEXT(rig_member(&after, "status"), "CANCELLED");
}

static void restored_attempt_is_published_again_under_the_same_lease(void)
{
	CLEANUP_RIG struct rig rig =
	        rig_restore(IN_PROGRESS, ROW("ocr", "PROCESSING", ATTEMPT(2, AT_1155)) REST, false);
	CHECK_TEXT(rig.name, "publish_to_bus");
	CHECK_INT(rig.attempt_no, 2);
	CHECK_TEXT(rig.lease_id, "lease");
	CHECK_TEXT(rig_member(&rig, "directive.lease_expires_at"), "2026-03-01T12:10:00.000000Z");
	rig_ok(&rig);
	CHECK_INT(rig.after_ms, 600000);
	uint64_t timer = rig.timer;
	rig_ack(&rig);
	CHECK_INT(rig.timer, timer);
	rig_result(&rig, "SUCCEEDED", "");
	CHECK_TEXT(rig.step_id, "embedding");
	CHECK_INT(rig.attempt_no, 1);
}

static void restored_attempt_that_a_durable_bus_has_delivered_is_only_waited_for(void)
{
	CLEANUP_RIG struct rig acked =
	        rig_restore(IN_PROGRESS, ROW("ocr", "PROCESSING", ATTEMPT(1, AT_1155)) REST, true);
	CHECK_INT(acked.n_publishes, 0);
	CHECK_INT(acked.after_ms, 600000);
	CLEANUP_RIG struct rig not_acked = rig_restore(
	        "\"state\": \"QUEUED\"", ROW("ocr", "INITIATED", ATTEMPT(1, AT_1155)) REST, true);
	CHECK_TEXT(not_acked.name, "publish_to_bus");
}

static void restored_attempt_that_was_not_published_has_its_whole_time(void)
{
	CLEANUP_RIG struct rig rig = rig_restore(
	        "\"state\": \"QUEUED\"", ROW("ocr", "INITIATED", ATTEMPT(1, "null")) REST, false);
	rig_ok(&rig);
	CHECK_INT(rig.after_ms, 900000);
	rig.now_ms += 1000;
	rig_ack(&rig);
	CHECK_INT(rig.after_ms, 900000);
}

static void restored_attempt_whose_time_is_over_goes_to_the_rest_of_its_back_off(void)
{
	CLEANUP_RIG struct rig rig = rig_restore(IN_PROGRESS,
	        ROW("ocr", "PROCESSING", ATTEMPT(2, "\"2026-03-01T11:44:59.500Z\"")) REST, false);
	CHECK_INT(rig.activity, 0);
	CHECK_INT(rig.after_ms, 1500);
	rig_result_of(&rig, 2, "lease", "FAILED_RETRY", "");
	rig_fire(&rig);
	CHECK_INT(rig.attempt_no, 3);
}

static void result_of_a_restored_attempt_whose_time_is_over_counts(void)
{
	CLEANUP_RIG struct rig rig = rig_restore(IN_PROGRESS,
	        ROW("ocr", "PROCESSING", ATTEMPT(2, "\"2026-03-01T10:00:00Z\"")) REST, false);
	CHECK_INT(rig.after_ms, 0);
	(void)snprintf(rig.step_id, sizeof(rig.step_id), "ocr");
	rig_result_of(&rig, 2, "lease", "SUCCEEDED", "");
	CHECK_TEXT(rig.step_id, "embedding");
}

static void restored_attempt_whose_lease_is_over_goes_to_back_off(void)
{
	CLEANUP_RIG struct rig rig = rig_restore("\"state\": \"QUEUED\"",
	        "{\"step_id\": \"ocr\", \"state\": \"INITIATED\", \"attempt_no\": 3, "
	        "\"lease_id\": \"lease\", \"lease_expires_at\": \"2026-03-01T11:59:59Z\", "
	        "\"timer_started_at\": null}," PENDING("embedding"),
	        false);
	CHECK_TEXT(rig.name, "record_job_outcome");
	CHECK_TEXT(rig_member(&rig, "error.code"), "PUBLISH_FAILED");
}

static void restored_retry_goes_on_with_the_rest_of_its_back_off(void)
{
	CLEANUP_RIG struct rig rig = rig_restore(IN_PROGRESS,
	        ROW("ocr", "FAILED_RETRY", ATTEMPT(2, "\"2026-03-01T11:59:59Z\"")) REST, false);
	CHECK_INT(rig.after_ms, 1000);
	rig_fire(&rig);
	CHECK_TEXT(rig.name, "record_attempt_lease");
	CHECK_INT(rig.attempt_no, 3);
}

static void restored_retry_of_the_last_attempt_closes_the_job_with_its_code(void)
{
	CLEANUP_RIG struct rig rig = rig_restore(IN_PROGRESS,
	        ROW("ocr", "FAILED_RETRY",
	                ATTEMPT(3, AT_1155) ", \"last_error_code\": \"BUSY\", "
	                                    "\"last_error_message\": \"m\"") REST,
	        false);
	CHECK_TEXT(rig_member(&rig, "error.code"), "BUSY");
	CHECK_TEXT(rig_member(&rig, "error.message"), "m");
}

static void restored_job_between_steps_goes_on_with_the_result_before(void)
{
	CLEANUP_RIG struct rig rig = rig_restore(IN_PROGRESS,
	        ROW("ocr", "SUCCEEDED",
	                ", \"attempt_no\": 2, \"lease_id\": \"l\", \"result_ref\": {\"uri\": "
	                "\"r\"}") REST,
	        false);
	CHECK_TEXT(rig.name, "record_attempt_lease");
	CHECK_TEXT(rig.step_id, "embedding");
	CHECK_INT(rig.attempt_no, 1);
	rig_ok(&rig);
	CHECK_TEXT(rig_member(&rig, "directive.previous_result_ref"), "{\"uri\":\"r\"}");
}

static void restored_job_with_all_steps_done_is_closed(void)
{
	CLEANUP_RIG struct rig rig = rig_restore(IN_PROGRESS,
	        ROW("ocr", "SUCCEEDED", "") "," ROW("embedding", "SUCCEEDED", ""), false);
	CHECK_TEXT(rig.name, "record_job_outcome");
	CHECK_TEXT(rig_member(&rig, "status"), "SUCCEEDED");
	CHECK_TEXT(rig_member(&rig, "stepId"), "embedding");
	CLEANUP_RIG struct rig cancelling = rig_restore("\"state\": \"CANCELLING\"",
	        ROW("ocr", "SUCCEEDED", "") "," ROW("embedding", "SUCCEEDED", ""), false);
	CHECK_TEXT(rig_member(&cancelling, "status"), "CANCELLED");
}

static void restored_job_that_is_closed_ends_as_it_did(void)
{
	CLEANUP_RIG struct rig rig = rig_restore(
	        "\"state\": \"FAILED_FINAL\", \"error_code\": \"BAD\", \"error_message\": \"m\"",
	        ROW("ocr", "FAILED_FINAL", "") "," ROW("embedding", "CANCELLED", ""), false);
	CHECK_INT(rig.end, LUCIUS_ACTION_FAIL);
	CHECK_TEXT(rig.code, "BAD");
}

static void restored_step_that_has_failed_for_good_closes_the_job(void)
{
	CLEANUP_RIG struct rig failed = rig_restore(IN_PROGRESS,
	        ROW("ocr", "FAILED_FINAL", ", \"last_error_code\": \"BAD\"") REST, false);
	CHECK_TEXT(rig_member(&failed, "status"), "FAILED_FINAL");
	CHECK_TEXT(rig_member(&failed, "error.code"), "BAD");
	CLEANUP_RIG struct rig cancelled =
	        rig_restore(IN_PROGRESS, ROW("ocr", "CANCELLED", "") REST, false);
	CHECK_TEXT(rig_member(&cancelled, "status"), "CANCELLED");
}

static void restored_pause_holds_and_knows_its_seq(void)
{
	CLEANUP_RIG struct rig rig = rig_restore(
	        "\"state\": \"PAUSED\", \"control_seq\": 5", PENDING("ocr") REST, false);
	CHECK(step_logic_is_waiting_by_rule(rig.machine));
	rig_signal(&rig, "resume", "{\"seq\": 4}");
	CHECK_INT(rig.n_leases, 0);
	rig_signal(&rig, "resume", "{\"seq\": 6}");
	CHECK_INT(rig.n_leases, 1);
}

static void restored_cancelling_job_ends_at_once_unless_an_attempt_is_out(void)
{
	CLEANUP_RIG struct rig none_out = rig_restore("\"state\": \"CANCELLING\"",
	        ROW("ocr", "FAILED_RETRY", ATTEMPT(1, AT_1155)) REST, false);
	CHECK_TEXT(rig_member(&none_out, "status"), "CANCELLED");
	CLEANUP_RIG struct rig one_out = rig_restore("\"state\": \"CANCELLING\"",
	        ROW("ocr", "PROCESSING", ATTEMPT(1, AT_1155)) REST, false);
	CHECK_TEXT(one_out.name, "publish_to_bus");
	rig_ok(&one_out);
	rig_fire(&one_out);
	CHECK_TEXT(rig_member(&one_out, "status"), "CANCELLED");
}

static void snapshot_that_is_not_of_this_workflow_is_refused(void)
{
	static const char *const snapshots[] = { "", "[]", "{\"job\": {}, \"steps\": []}",
		"{\"job\": {}, \"steps\": [{\"step_id\": \"sis\", \"state\": \"PENDING\"}]}" };
	CLEANUP_FREE char *input = rig_input("null");
	for (size_t i = 0; i < sizeof(snapshots) / sizeof(snapshots[0]); i++) {
		CLEANUP_RIG struct rig rig = rig_open(input, snapshots[i]);
		CHECK(rig.machine == NULL);
		CHECK(rig.error[0] != '\0');
	}
}

static void next_attempt_after_a_restored_one_has_its_whole_time(void)
{
	CLEANUP_RIG struct rig rig =
	        rig_restore(IN_PROGRESS, ROW("ocr", "PROCESSING", ATTEMPT(1, AT_1155)) REST, false);
	rig_ok(&rig);
	rig_result(&rig, "FAILED_RETRY", "");
	rig_fire(&rig);
	rig_put_out(&rig);
	CHECK_INT(rig.after_ms, 900000);
}

static void result_of_a_restored_attempt_during_the_next_lease_is_not_lost(void)
{
	CLEANUP_RIG struct rig rig = rig_restore(IN_PROGRESS,
	        ROW("ocr", "PROCESSING", ATTEMPT(1, "\"2026-03-01T10:00:00Z\"")) REST, false);
	rig_fire(&rig);
	CHECK_TEXT(rig.name, "record_attempt_lease");
	rig_result_of(&rig, 1, "lease", "SUCCEEDED", "");
	rig_refuse(&rig, "{\"status\": 409}");
	CHECK_TEXT(rig.step_id, "embedding");
}

static const struct suite_test tests[] = {
	SUITE_TEST(pause_holds_the_next_attempt_back_and_resume_lets_it_go),
	SUITE_TEST(attempt_that_is_out_goes_on_while_paused),
	SUITE_TEST(result_during_a_pause_after_a_timeout_counts),
	SUITE_TEST(job_state_ends_a_paused_workflow),
	SUITE_TEST(control_with_a_lower_seq_is_ignored_and_with_an_equal_one_applied),
	SUITE_TEST(cancel_with_an_attempt_out_waits_for_its_end),
	SUITE_TEST(cancel_lets_an_attempt_time_out),
	SUITE_TEST(cancel_with_none_out_ends_at_once),
	SUITE_TEST(cancel_before_the_lease_is_accepted_publishes_nothing),
	SUITE_TEST(cancel_during_publish_lets_the_attempt_finish),
	SUITE_TEST(cancel_during_a_failing_outcome_waits_for_its_answer),
	SUITE_TEST(cancel_after_the_last_success_without_job_state_is_still_a_cancel),
	SUITE_TEST(cancel_of_a_refused_outcome_asks_for_the_other_one),
	SUITE_TEST(cancel_ends_a_wait_for_an_attempt_that_was_never_leased),
	SUITE_TEST(restored_attempt_is_published_again_under_the_same_lease),
	SUITE_TEST(restored_attempt_that_a_durable_bus_has_delivered_is_only_waited_for),
	SUITE_TEST(restored_attempt_that_was_not_published_has_its_whole_time),
	SUITE_TEST(restored_attempt_whose_time_is_over_goes_to_the_rest_of_its_back_off),
	SUITE_TEST(result_of_a_restored_attempt_whose_time_is_over_counts),
	SUITE_TEST(restored_attempt_whose_lease_is_over_goes_to_back_off),
	SUITE_TEST(restored_retry_goes_on_with_the_rest_of_its_back_off),
	SUITE_TEST(restored_retry_of_the_last_attempt_closes_the_job_with_its_code),
	SUITE_TEST(restored_job_between_steps_goes_on_with_the_result_before),
	SUITE_TEST(restored_job_with_all_steps_done_is_closed),
	SUITE_TEST(restored_job_that_is_closed_ends_as_it_did),
	SUITE_TEST(restored_step_that_has_failed_for_good_closes_the_job),
	SUITE_TEST(restored_pause_holds_and_knows_its_seq),
	SUITE_TEST(restored_cancelling_job_ends_at_once_unless_an_attempt_is_out),
	SUITE_TEST(snapshot_that_is_not_of_this_workflow_is_refused),
	SUITE_TEST(next_attempt_after_a_restored_one_has_its_whole_time),
	SUITE_TEST(result_of_a_restored_attempt_during_the_next_lease_is_not_lost),
};

int main(int argc, char **argv)
{
	return suite_run("step_logic_control", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
