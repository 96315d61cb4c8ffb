/* SPDX-License-Identifier: MIT */
/* The step logic (SPEC 5, Activities): what each refusal of the internal API leads to. */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/step_rig.h"

#define STEP(state, attempt_no, lease_id, more)                                                 \
	"{\"state\": \"" state "\", \"attempt_no\": " #attempt_no ", \"lease_id\": \"" lease_id \
	"\", \"result_ref\": null, \"error\": null" more "}"
#define CONFLICT(reason, member) "{\"status\": 409, \"reason\": \"" reason "\", " member "}"
#define TERMINAL(state, more) CONFLICT("step-terminal", "\"step\": " STEP(state, 1, "x", more))
#define SUPERSEDED(state, attempt_no, lease_id) \
	CONFLICT("superseded", "\"step\": " STEP(state, attempt_no, lease_id, ""))

/* A first attempt that is out and has timed out, all others used up: the outcome is asked for. */
static struct rig start_closing(void)
{
	struct rig rig = rig_start_with("{\"max_attempts\": 1}");
	rig_put_out(&rig);
	rig_fire(&rig);
	return rig;
}

static void lease_that_cannot_be_had_fails_the_attempt(void)
{
	CLEANUP_RIG struct rig rig = rig_start_with("{\"max_attempts\": 2}");
	rig_activity_failed(&rig);
	CHECK_INT(rig.after_ms, 1000);
	rig_fire(&rig);
	CHECK_INT(rig.attempt_no, 2);
	rig_activity_failed(&rig);
	CHECK_TEXT(rig_member(&rig, "error.code"), "LEDGER_UNAVAILABLE");
	CHECK_TEXT(rig_member(&rig, "error.message"), "The invoker does not answer.");
}

static void publish_that_cannot_be_done_fails_the_attempt(void)
{
	CLEANUP_RIG struct rig rig = rig_start_with("{\"max_attempts\": 1}");
	rig_ok(&rig);
	rig_activity_failed(&rig);
	CHECK_TEXT(rig_member(&rig, "error.code"), "PUBLISH_FAILED");
}

static void result_of_the_attempt_before_counts_until_the_next_lease_is_accepted(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	char first[65];
	memcpy(first, rig.lease_id, sizeof(first));
	rig_fire(&rig);
	rig_fire(&rig);
	CHECK_INT(rig.attempt_no, 2);
	rig_activity_failed(&rig);
	CHECK(rig.timer != 0);
	rig_result_of(&rig, 1, first, "SUCCEEDED", "");
	CHECK_TEXT(rig.step_id, "embedding");
}

static void result_of_the_attempt_before_during_a_lease_that_fails_is_not_lost(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	char first[65];
	memcpy(first, rig.lease_id, sizeof(first));
	rig_fire(&rig);
	rig_fire(&rig);
	rig_result_of(&rig, 1, first, "SUCCEEDED", "");
	rig_activity_failed(&rig);
	CHECK_TEXT(rig.step_id, "embedding");
}

static void result_of_the_attempt_before_is_dropped_once_the_next_lease_is_accepted(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	char first[65];
	memcpy(first, rig.lease_id, sizeof(first));
	rig_fire(&rig);
	rig_fire(&rig);
	rig_result_of(&rig, 1, first, "SUCCEEDED", "");
	rig_put_out(&rig);
	CHECK_TEXT(rig.step_id, "ocr");
	CHECK_INT(rig.attempt_no, 2);
	CHECK(rig.timer != 0);
}

static void closed_job_ends_the_workflow_as_its_state_says(void)
{
	static const struct {
		const char *state;
		uint32_t end;
	} cases[] = {
		{ "SUCCEEDED", LUCIUS_ACTION_COMPLETE },
		{ "FAILED_FINAL", LUCIUS_ACTION_FAIL },
		{ "CANCELLED", LUCIUS_ACTION_CANCEL },
	};
	for (size_t i = 0; i < 3; i++) {
		char body[128];
		(void)snprintf(body, sizeof(body),
		        "{\"status\": 409, \"reason\": \"job-closed\", \"job\": {\"state\": "
		        "\"%s\"}}",
		        cases[i].state);
		CLEANUP_RIG struct rig lease = rig_start();
		rig_refuse(&lease, body);
		CHECK_INT(lease.end, cases[i].end);
		CLEANUP_RIG struct rig publish = rig_start();
		rig_ok(&publish);
		rig_refuse(&publish, body);
		CHECK_INT(publish.end, cases[i].end);
		CLEANUP_RIG struct rig outcome = start_closing();
		rig_refuse(&outcome, body);
		CHECK_INT(outcome.end, cases[i].end);
	}
}

static void closed_job_passes_its_error_on(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_refuse(&rig,
	        "{\"status\": 409, \"reason\": \"job-closed\", \"job\": {\"state\": "
	        "\"FAILED_FINAL\", \"error_code\": \"WORKFLOW_LOST\", \"error_message\": \"m\"}}");
	CHECK_TEXT(rig.code, "WORKFLOW_LOST");
	CHECK_TEXT(rig.sentence, "m");
}

static void terminal_step_is_taken_as_its_result(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_refuse(&rig,
	        "{\"status\": 409, \"reason\": \"step-terminal\", \"step\": {\"state\": "
	        "\"SUCCEEDED\", \"attempt_no\": 1, \"lease_id\": \"x\", \"result_ref\": \"r\", "
	        "\"error\": null}}");
	CHECK_TEXT(rig.step_id, "embedding");
	rig_ok(&rig);
	CHECK_TEXT(rig_member(&rig, "directive.previous_result_ref"), "r");
}

static void finally_failed_step_asks_for_the_outcome(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_refuse(&rig,
	        "{\"status\": 409, \"reason\": \"step-terminal\", \"step\": {\"state\": "
	        "\"FAILED_FINAL\", \"attempt_no\": 1, \"lease_id\": \"x\", "
	        "\"error\": {\"code\": \"BAD\", \"message\": null}}}");
	CHECK_TEXT(rig.name, "record_job_outcome");
	CHECK_TEXT(rig_member(&rig, "error.code"), "BAD");
}

static void step_that_has_succeeded_takes_back_the_outcome(void)
{
	CLEANUP_RIG struct rig rig = start_closing();
	CHECK_TEXT(rig.name, "record_job_outcome");
	rig_refuse(&rig, TERMINAL("SUCCEEDED", ""));
	CHECK_TEXT(rig.name, "record_attempt_lease");
	CHECK_TEXT(rig.step_id, "embedding");
}

static void outcome_that_says_what_the_step_says_is_not_asked_for_again(void)
{
	CLEANUP_RIG struct rig rig = start_closing();
	rig_refuse(&rig, TERMINAL("FAILED_FINAL", ""));
	CHECK_INT(rig.end, LUCIUS_ACTION_FAIL);
	CHECK_TEXT(rig.code, "STEP_TIMEOUT");
}

static void step_that_was_cancelled_takes_the_job_with_it(void)
{
	CLEANUP_RIG struct rig rig = start_closing();
	rig_refuse(&rig, TERMINAL("CANCELLED", ""));
	CHECK_TEXT(rig_member(&rig, "status"), "CANCELLED");
	rig_refuse(&rig, TERMINAL("CANCELLED", ""));
	CHECK_INT(rig.end, LUCIUS_ACTION_CANCEL);
}

static void cancelling_job_ends_through_outcome_cancelled(void)
{
	static const char body[] = "{\"status\": 409, \"reason\": \"job-cancelling\"}";
	CLEANUP_RIG struct rig lease = rig_start();
	rig_refuse(&lease, body);
	CHECK_TEXT(rig_member(&lease, "status"), "CANCELLED");
	CHECK_TEXT(rig_member(&lease, "error"), "null");
	rig_ok(&lease);
	CHECK_INT(lease.end, LUCIUS_ACTION_CANCEL);
	CLEANUP_RIG struct rig outcome = start_closing();
	rig_refuse(&outcome, body);
	CHECK_INT(outcome.n_outcomes, 2);
	CHECK_TEXT(rig_member(&outcome, "status"), "CANCELLED");
	rig_refuse(&outcome, body);
	CHECK_INT(outcome.end, LUCIUS_ACTION_CANCEL);
}

static void superseded_lease_goes_on_with_the_attempt_of_the_ledger(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_refuse(&rig, SUPERSEDED("INITIATED", 2, "ledgers"));
	CHECK_TEXT(rig.name, "publish_to_bus");
	CHECK_INT(rig.attempt_no, 2);
	CHECK_TEXT(rig.lease_id, "ledgers");
	rig_ok(&rig);
	rig_result(&rig, "SUCCEEDED", "");
	CHECK_TEXT(rig.step_id, "embedding");
}

static void superseded_publish_publishes_the_attempt_of_the_ledger(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_ok(&rig);
	rig_refuse(&rig,
	        "{\"status\": 409, \"reason\": \"superseded\", \"step\": {\"state\": "
	        "\"PROCESSING\", \"attempt_no\": 1, \"lease_id\": \"other\", "
	        "\"lease_expires_at\": \"2026-03-01T12:10:00Z\"}}");
	CHECK_TEXT(rig.name, "publish_to_bus");
	CHECK_TEXT(rig.lease_id, "other");
	CHECK_TEXT(rig_member(&rig, "directive.lease_expires_at"), "2026-03-01T12:10:00.000000Z");
	CHECK_INT(rig.give_up_after_ms, 600000);
	rig_ok(&rig);
	uint64_t timer = rig.timer;
	rig_ack(&rig);
	CHECK_INT(rig.timer, timer);
}

static void superseding_attempt_that_has_failed_already_goes_to_back_off(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_refuse(&rig, SUPERSEDED("FAILED_RETRY", 2, "ledgers"));
	CHECK_INT(rig.after_ms, 2000);
	rig_fire(&rig);
	CHECK_INT(rig.attempt_no, 3);
}

static void result_of_the_superseding_attempt_that_came_before_the_answer_is_not_lost(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_result_of(&rig, 1, "ledgers", "SUCCEEDED", "");
	rig_refuse(&rig, SUPERSEDED("PROCESSING", 1, "ledgers"));
	CHECK_TEXT(rig.step_id, "embedding");
	CHECK_INT(rig.n_publishes, 0);
}

static void attempt_of_the_ledger_counts_towards_the_limit(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_refuse(&rig, SUPERSEDED("INITIATED", 3, "ledgers"));
	rig_ok(&rig);
	rig_fire(&rig);
	CHECK_TEXT(rig.name, "record_job_outcome");
}

static void superseded_by_the_same_or_an_older_attempt_waits_for_the_signal(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_fire(&rig);
	rig_activity_failed(&rig);
	rig_fire(&rig);
	rig_refuse(&rig, SUPERSEDED("INITIATED", 1, "older"));
	CHECK_INT(rig.activity, 0);
	CHECK_INT(rig.after_ms, 900000);
}

static void conflict_without_a_reason_waits_for_the_signal(void)
{
	static const char *const bodies[] = { "{\"status\": 409, \"detail\": \"not now\"}",
		"{\"status\": 409, \"reason\": \"unheard-of\"}",
		"{\"status\": 409, \"reason\": \"superseded\"}",
		"{\"status\": 409, \"reason\": \"step-terminal\"}",
		"{\"status\": 409, \"reason\": \"job-closed\", \"job\": {\"state\": \"PAUSED\"}}",
		SUPERSEDED("INITIATED", 0, "x") };
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		CLEANUP_RIG struct rig rig = rig_start();
		rig_refuse(&rig, bodies[i]);
		CHECK_INT(rig.activity, 0);
		CHECK(rig.timer != 0);
		CHECK_INT(rig.after_ms, 900000);
		rig_result(&rig, "SUCCEEDED", "");
		CHECK_TEXT(rig.step_id, "embedding");
	}
}

static void refused_lease_waits_for_the_attempt_before_too(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	char first[65];
	memcpy(first, rig.lease_id, sizeof(first));
	rig_fire(&rig);
	rig_fire(&rig);
	rig_refuse(&rig, "{\"status\": 409}");
	rig_result_of(&rig, 1, first, "FAILED_RETRY", "");
	CHECK_INT(rig.after_ms, 2000);
	rig_fire(&rig);
	CHECK_INT(rig.attempt_no, 3);
	rig_refuse(&rig, "{\"status\": 409}");
	uint64_t timer = rig.timer;
	rig_result_of(&rig, 1, first, "FAILED_RETRY", "");
	CHECK_INT(rig.timer, timer);
	rig_result_of(&rig, 1, first, "SUCCEEDED", "");
	CHECK_TEXT(rig.step_id, "embedding");
}

static void outcome_refused_without_a_reason_waits_and_asks_again(void)
{
	CLEANUP_RIG struct rig rig = start_closing();
	rig_refuse(&rig, "{\"status\": 409, \"detail\": \"not now\"}");
	CHECK_INT(rig.end, 0);
	CHECK_INT(rig.after_ms, 900000);
	rig_fire(&rig);
	CHECK_INT(rig.n_outcomes, 2);
	CHECK_TEXT(rig_member(&rig, "error.code"), "STEP_TIMEOUT");
	rig_refuse(&rig, "{\"status\": 409, \"detail\": \"not now\"}");
	rig_result(&rig, "SUCCEEDED", "");
	CHECK_TEXT(rig.step_id, "embedding");
}

static void outcome_refused_after_a_final_failure_ends_the_workflow(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_result(&rig, "FAILED_FINAL", ", \"error\": {\"code\": \"BAD\"}");
	rig_refuse(&rig, "{\"status\": 409}");
	CHECK_INT(rig.end, LUCIUS_ACTION_FAIL);
	CHECK_TEXT(rig.code, "BAD");
}

static void result_during_an_outcome_that_is_refused_is_not_lost(void)
{
	CLEANUP_RIG struct rig rig = start_closing();
	rig_result(&rig, "SUCCEEDED", "");
	rig_refuse(&rig, "{\"status\": 409}");
	CHECK_TEXT(rig.step_id, "embedding");
}

static void unknown_job_fails_the_workflow(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_refuse(&rig, "{\"status\": 404, \"detail\": \"no such job\"}");
	CHECK_INT(rig.end, LUCIUS_ACTION_FAIL);
	CHECK_TEXT(rig.code, "JOB_UNKNOWN");
	CHECK_TEXT(rig.sentence, "no such job");
	CLEANUP_RIG struct rig outcome = start_closing();
	rig_refuse(&outcome, "{\"status\": 404, \"reason\": \"job-unknown\"}");
	CHECK_TEXT(outcome.code, "JOB_UNKNOWN");
}

static void missing_path_of_the_outcome_ends_the_workflow_all_the_same(void)
{
	CLEANUP_RIG struct rig rig = start_closing();
	rig_refuse(&rig, "{\"status\": 404, \"detail\": \"Not Found\"}");
	CHECK_INT(rig.end, LUCIUS_ACTION_FAIL);
	CHECK_TEXT(rig.code, "STEP_TIMEOUT");
}

static void unroutable_directive_fails_the_attempt_at_once(void)
{
	CLEANUP_RIG struct rig rig = rig_start_with("{\"max_attempts\": 2}");
	rig_ok(&rig);
	rig_refuse(&rig, "{\"status\": 422, \"reason\": \"unroutable\", \"detail\": \"nobody\"}");
	CHECK_INT(rig.after_ms, 1000);
	rig_fire(&rig);
	rig_ok(&rig);
	rig_refuse(&rig, "{\"status\": 422, \"reason\": \"unroutable\", \"detail\": \"nobody\"}");
	CHECK_TEXT(rig_member(&rig, "error.code"), "UNROUTABLE");
	CHECK_TEXT(rig_member(&rig, "error.message"), "nobody");
}

static void directive_that_is_too_large_fails_the_step_for_good(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_ok(&rig);
	rig_refuse(&rig, "{\"status\": 422, \"reason\": \"too-large\", \"detail\": \"9 > 8\"}");
	CHECK_TEXT(rig.name, "record_job_outcome");
	CHECK_TEXT(rig_member(&rig, "error.code"), "TOO_LARGE");
	CHECK_TEXT(rig_member(&rig, "error.message"), "9 > 8");
}

static void any_other_refusal_fails_the_attempt_with_its_detail(void)
{
	CLEANUP_RIG struct rig rig = rig_start_with("{\"max_attempts\": 1}");
	rig_refuse(&rig, "{\"status\": 403, \"detail\": \"no\"}");
	CHECK_TEXT(rig_member(&rig, "error.code"), "STEP_FAILED");
	CHECK_TEXT(rig_member(&rig, "error.message"), "no");
	rig_refuse(&rig, "{\"status\": 400, \"detail\": \"no\"}");
	CHECK_INT(rig.end, LUCIUS_ACTION_FAIL);
}

static void outcome_that_fails_for_good_ends_the_workflow_all_the_same(void)
{
	CLEANUP_RIG struct rig rig = start_closing();
	rig_activity_failed(&rig);
	CHECK_INT(rig.end, LUCIUS_ACTION_FAIL);
	CHECK_TEXT(rig.code, "STEP_TIMEOUT");
}

static void attempt_taken_from_the_ledger_may_finish_after_a_cancel(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_refuse(&rig, SUPERSEDED("PROCESSING", 1, "ledgers"));
	rig_ok(&rig);
	rig_cancel(&rig);
	CHECK_INT(rig.n_outcomes, 0);
	CHECK(rig.timer != 0);
}

static void result_before_an_answer_that_supersedes_nothing_is_not_lost(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	char body[256];
	(void)snprintf(body, sizeof(body),
	        "{\"status\": 409, \"reason\": \"superseded\", \"step\": {\"attempt_no\": 1, "
	        "\"lease_id\": \"%s\"}}",
	        rig.lease_id);
	rig_result(&rig, "SUCCEEDED", "");
	rig_refuse(&rig, body);
	CHECK_TEXT(rig.step_id, "embedding");
}

static void cancelling_job_with_a_step_that_has_succeeded_begins_no_other_step(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_refuse(&rig, "{\"status\": 409, \"reason\": \"job-cancelling\"}");
	rig_refuse(&rig, TERMINAL("SUCCEEDED", ""));
	CHECK_INT(rig.n_leases, 1);
	CHECK_TEXT(rig_member(&rig, "status"), "CANCELLED");
	CHECK_TEXT(rig_member(&rig, "stepId"), "embedding");
}

static void retry_result_behind_a_refused_outcome_changes_nothing(void)
{
	CLEANUP_RIG struct rig rig = start_closing();
	rig_refuse(&rig, "{\"status\": 409}");
	uint64_t timer = rig.timer;
	rig_result(&rig, "FAILED_RETRY", "");
	CHECK_INT(rig.timer, timer);
	CHECK_INT(rig.n_outcomes, 1);
}

static const struct suite_test tests[] = {
	SUITE_TEST(lease_that_cannot_be_had_fails_the_attempt),
	SUITE_TEST(publish_that_cannot_be_done_fails_the_attempt),
	SUITE_TEST(result_of_the_attempt_before_counts_until_the_next_lease_is_accepted),
	SUITE_TEST(result_of_the_attempt_before_during_a_lease_that_fails_is_not_lost),
	SUITE_TEST(result_of_the_attempt_before_is_dropped_once_the_next_lease_is_accepted),
	SUITE_TEST(closed_job_ends_the_workflow_as_its_state_says),
	SUITE_TEST(closed_job_passes_its_error_on),
	SUITE_TEST(terminal_step_is_taken_as_its_result),
	SUITE_TEST(finally_failed_step_asks_for_the_outcome),
	SUITE_TEST(step_that_has_succeeded_takes_back_the_outcome),
	SUITE_TEST(outcome_that_says_what_the_step_says_is_not_asked_for_again),
	SUITE_TEST(step_that_was_cancelled_takes_the_job_with_it),
	SUITE_TEST(cancelling_job_ends_through_outcome_cancelled),
	SUITE_TEST(superseded_lease_goes_on_with_the_attempt_of_the_ledger),
	SUITE_TEST(superseded_publish_publishes_the_attempt_of_the_ledger),
	SUITE_TEST(superseding_attempt_that_has_failed_already_goes_to_back_off),
	SUITE_TEST(result_of_the_superseding_attempt_that_came_before_the_answer_is_not_lost),
	SUITE_TEST(attempt_of_the_ledger_counts_towards_the_limit),
	SUITE_TEST(superseded_by_the_same_or_an_older_attempt_waits_for_the_signal),
	SUITE_TEST(conflict_without_a_reason_waits_for_the_signal),
	SUITE_TEST(refused_lease_waits_for_the_attempt_before_too),
	SUITE_TEST(outcome_refused_without_a_reason_waits_and_asks_again),
	SUITE_TEST(outcome_refused_after_a_final_failure_ends_the_workflow),
	SUITE_TEST(result_during_an_outcome_that_is_refused_is_not_lost),
	SUITE_TEST(unknown_job_fails_the_workflow),
	SUITE_TEST(missing_path_of_the_outcome_ends_the_workflow_all_the_same),
	SUITE_TEST(unroutable_directive_fails_the_attempt_at_once),
	SUITE_TEST(directive_that_is_too_large_fails_the_step_for_good),
	SUITE_TEST(any_other_refusal_fails_the_attempt_with_its_detail),
	SUITE_TEST(outcome_that_fails_for_good_ends_the_workflow_all_the_same),
	SUITE_TEST(attempt_taken_from_the_ledger_may_finish_after_a_cancel),
	SUITE_TEST(result_before_an_answer_that_supersedes_nothing_is_not_lost),
	SUITE_TEST(cancelling_job_with_a_step_that_has_succeeded_begins_no_other_step),
	SUITE_TEST(retry_result_behind_a_refused_outcome_changes_nothing),
};

int main(int argc, char **argv)
{
	return suite_run("step_logic_answers", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
