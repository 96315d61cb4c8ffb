/* SPDX-License-Identifier: MIT */
/* The step logic (SPEC 10): what it takes over from the history of another worker, and what not. */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/step_rig.h"

static bool adopt(struct rig *rig, const char *payload)
{
	rig->error[0] = '\0';
	return rig->logic.table.adopt(rig->machine, rig->activity,
	               (struct lucius_text){ payload, strlen(payload) }, rig->error,
	               sizeof(rig->error)) != 0;
}

static void recorded_lease_is_gone_on_with(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	CHECK(adopt(&rig,
	        "{\"stepId\": \"ocr\", \"attempt_no\": 1, \"lease_id\": \"theirs\", "
	        "\"lease_expires_at\": \"2026-03-01T12:01:00Z\"}"));
	rig_ok(&rig);
	CHECK_TEXT(rig_member(&rig, "directive.lease_id"), "theirs");
	CHECK_INT(rig.give_up_after_ms, 60000);
	rig_ok(&rig);
	rig_result_of(&rig, 1, "theirs", "SUCCEEDED", "");
	CHECK_TEXT(rig.step_id, "embedding");
}

static void lease_of_a_recorded_publish_counts_for_the_attempt_that_is_out(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_ok(&rig);
	CHECK(adopt(&rig,
	        "{\"lane\": 7, \"directive\": {\"stepId\": \"ocr\", \"attempt_no\": 1, "
	        "\"lease_id\": \"theirs\"}}"));
	rig_ok(&rig);
	rig_result_of(&rig, 1, "theirs", "SUCCEEDED", "");
	CHECK_TEXT(rig.step_id, "embedding");
}

static void activity_of_another_step_is_refused(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	CHECK(!adopt(&rig, "{\"stepId\": \"sis\", \"attempt_no\": 1, \"lease_id\": \"x\"}"));
	CHECK(strstr(rig.error, "step") != NULL);
}

static void activity_of_another_attempt_is_refused(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	CHECK(!adopt(&rig, "{\"stepId\": \"ocr\", \"attempt_no\": 2, \"lease_id\": \"x\"}"));
	CHECK(strstr(rig.error, "attempt") != NULL);
}

static void activity_without_a_lease_is_refused(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	CHECK(!adopt(&rig, "{\"stepId\": \"ocr\", \"attempt_no\": 1}"));
	CHECK(!adopt(&rig, "{\"stepId\": \"ocr\", \"attempt_no\": 1, \"lease_id\": \"\"}"));
	CHECK(!adopt(&rig, "[]"));
	CHECK(!adopt(&rig, ""));
}

static void outcome_with_another_status_is_refused(void)
{
	CLEANUP_RIG struct rig rig = rig_start_with("{\"max_attempts\": 1}");
	rig_put_out(&rig);
	rig_fire(&rig);
	CHECK_INT(rig.n_outcomes, 1);
	CHECK(!adopt(&rig, "{\"stepId\": \"ocr\", \"status\": \"CANCELLED\"}"));
	CHECK(adopt(&rig, "{\"stepId\": \"ocr\", \"status\": \"FAILED_FINAL\"}"));
}

static void nothing_is_adopted_while_no_activity_runs(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	CHECK(!adopt(&rig, "{\"stepId\": \"ocr\", \"attempt_no\": 1, \"lease_id\": \"x\"}"));
	rig_result(&rig, "SUCCEEDED", "");
	CHECK_TEXT(rig.step_id, "embedding");
}

static void steps_may_be_given_by_name_alone(void)
{
	CLEANUP_RIG struct rig rig =
	        rig_open("{\"job_id\": \"j\", \"steps\": [\"ocr\", \"embedding\"]}", NULL);
	CHECK(rig.machine != NULL);
	rig_started(&rig, "seed");
	CHECK_TEXT(rig.step_id, "ocr");
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(recorded_lease_is_gone_on_with),
		SUITE_TEST(lease_of_a_recorded_publish_counts_for_the_attempt_that_is_out),
		SUITE_TEST(activity_of_another_step_is_refused),
		SUITE_TEST(activity_of_another_attempt_is_refused),
		SUITE_TEST(activity_without_a_lease_is_refused),
		SUITE_TEST(outcome_with_another_status_is_refused),
		SUITE_TEST(nothing_is_adopted_while_no_activity_runs),
		SUITE_TEST(steps_may_be_given_by_name_alone),
	};
	return suite_run("step_logic_adopt", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
