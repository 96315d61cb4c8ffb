/* SPDX-License-Identifier: MIT */
/* The step logic (SPEC 5): steps, attempts, RESULTs, time-outs, and what is written on the way. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/step_rig.h"

static void first_attempt_is_leased_then_published_then_waited_for(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	CHECK_TEXT(rig.name, "record_attempt_lease");
	CHECK_INT(rig.timer, 0);
	rig_ok(&rig);
	CHECK_TEXT(rig.name, "publish_to_bus");
	rig_ok(&rig);
	CHECK_INT(rig.activity, 0);
	CHECK(rig.timer != 0);
	CHECK_INT(rig.after_ms, 900000);
}

static void lease_carries_the_attempt_and_when_it_ends(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	CHECK_TEXT(rig_member(&rig, "jobId"), RIG_JOB);
	CHECK_TEXT(rig_member(&rig, "stepId"), "ocr");
	CHECK_TEXT(rig_member(&rig, "tenant_id"), "t1");
	CHECK_TEXT(rig_member(&rig, "attempt_no"), "1");
	CHECK_TEXT(rig_member(&rig, "lease_expires_at"), "2026-03-01T12:15:00.000000Z");
	CHECK_INT(strlen(rig.lease_id), 32);
	CHECK_INT(strspn(rig.lease_id, "0123456789abcdef"), 32);
	CHECK_INT(json_object_size(rig.payload), 6);
}

static void directive_has_every_member(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_ok(&rig);
	static const char *const expected[][2] = {
		{ "lane", "7" },
		{ "directive.type", "DIRECTIVE" },
		{ "directive.jobId", RIG_JOB },
		{ "directive.tenant_id", "t1" },
		{ "directive.stepId", "ocr" },
		{ "directive.protocol_id", "ocr-embedding.v1" },
		{ "directive.step_type", "OCR" },
		{ "directive.service", "platform-ocr" },
		{ "directive.attempt_no", "1" },
		{ "directive.lease_expires_at", "2026-03-01T12:15:00.000000Z" },
		{ "directive.input_ref", "in" },
		{ "directive.workspace_ref", "null" },
		{ "directive.output_ref", "{\"uri\":\"out\"}" },
		{ "directive.payload", "{\"a\":1.5}" },
		{ "directive.mode", "DEFAULT" },
		{ "directive.lane", "7" },
		{ "directive.routing_key_used", "t1" },
		{ "directive.correlation_id", "null" },
		{ "directive.traceparent", "00-a-b-01" },
		{ "directive.previous_result_ref", "null" },
	};
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		CHECK_TEXT(rig_member(&rig, expected[i][0]), expected[i][1]);
	}
	CHECK_TEXT(rig_member(&rig, "directive.lease_id"), rig.lease_id);
	CHECK_INT(json_object_size(json_object_get(rig.payload, "directive")), 20);
}

static void lease_and_publish_are_tried_until_the_lease_ends(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	CHECK_INT(rig.start_to_close_ms, 30000);
	CHECK_INT(rig.retry_initial_ms, 1000);
	CHECK_INT(rig.retry_max_ms, 60000);
	CHECK_INT(rig.give_up_after_ms, 900000);
	rig.now_ms += 100000;
	rig_ok(&rig);
	CHECK_INT(rig.give_up_after_ms, 800000);
}

static void publish_whose_lease_has_just_ended_is_not_tried_for_ever(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig.now_ms += 900000;
	rig_ok(&rig);
	CHECK_TEXT(rig.name, "publish_to_bus");
	CHECK_INT(rig.give_up_after_ms, 1);
}

static void success_leads_to_the_next_step_with_the_result_before(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_result(&rig, "SUCCEEDED", ", \"output_ref\": {\"uri\": \"r1\"}");
	CHECK_INT(rig.timer, 0);
	CHECK_TEXT(rig.name, "record_attempt_lease");
	CHECK_TEXT(rig.step_id, "embedding");
	CHECK_INT(rig.attempt_no, 1);
	rig_ok(&rig);
	CHECK_TEXT(rig_member(&rig, "directive.previous_result_ref"), "{\"uri\":\"r1\"}");
	CHECK_TEXT(rig_member(&rig, "directive.workspace_ref"), "{\"uri\":\"w\"}");
}

static void result_without_a_reference_leaves_the_previous_one_null(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_result(&rig, "SUCCEEDED", "");
	rig_ok(&rig);
	CHECK_TEXT(rig_member(&rig, "directive.previous_result_ref"), "null");
}

static void job_state_of_the_last_result_ends_the_workflow_without_an_outcome(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_result(&rig, "SUCCEEDED", "");
	rig_put_out(&rig);
	rig_result(&rig, "SUCCEEDED", ", \"job_state\": \"SUCCEEDED\"");
	CHECK_INT(rig.end, LUCIUS_ACTION_COMPLETE);
	CHECK_TEXT(rig.result, "{\"status\":\"SUCCEEDED\"}");
	CHECK_INT(rig.n_outcomes, 0);
	CHECK(step_logic_is_over(rig.machine));
}

static void last_success_without_job_state_asks_for_the_outcome(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_result(&rig, "SUCCEEDED", "");
	rig_put_out(&rig);
	rig_result(&rig, "SUCCEEDED", "");
	CHECK_TEXT(rig.name, "record_job_outcome");
	CHECK_TEXT(rig_member(&rig, "status"), "SUCCEEDED");
	CHECK_INT(rig.give_up_after_ms, 0);
	rig_ok(&rig);
	CHECK_INT(rig.end, LUCIUS_ACTION_COMPLETE);
}

static void result_that_overtakes_publish_is_not_lost(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_ok(&rig);
	rig_result(&rig, "SUCCEEDED", ", \"output_ref\": \"r1\"");
	CHECK_TEXT(rig.name, "publish_to_bus");
	rig_ok(&rig);
	CHECK_INT(rig.timer, 0);
	CHECK_TEXT(rig.step_id, "embedding");
	rig_ok(&rig);
	CHECK_TEXT(rig_member(&rig, "directive.previous_result_ref"), "r1");
}

static void result_that_overtakes_a_publish_that_fails_counts_all_the_same(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_ok(&rig);
	rig_result(&rig, "SUCCEEDED", "");
	rig_activity_failed(&rig);
	CHECK_TEXT(rig.step_id, "embedding");
	CHECK_INT(rig.attempt_no, 1);
}

static void job_state_while_an_activity_runs_waits_for_its_answer(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_ok(&rig);
	rig_result(&rig, "FAILED_FINAL",
	        ", \"error\": {\"code\": \"BAD\", \"message\": \"m\"}, "
	        "\"job_state\": \"FAILED_FINAL\"");
	CHECK_INT(rig.end, 0);
	rig_ok(&rig);
	CHECK_INT(rig.end, LUCIUS_ACTION_FAIL);
	CHECK_TEXT(rig.code, "BAD");
	CHECK_TEXT(rig.sentence, "m");
	CHECK_INT(rig.n_outcomes, 0);
}

static void job_state_ends_the_workflow_also_if_it_names_no_attempt(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_signal(&rig, "step_result", "{\"job_state\": \"CANCELLED\"}");
	CHECK_INT(rig.end, LUCIUS_ACTION_CANCEL);
}

static void timeout_is_followed_by_back_off_and_a_new_attempt(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	char first[65];
	memcpy(first, rig.lease_id, sizeof(first));
	rig_fire(&rig);
	CHECK_INT(rig.after_ms, 1000);
	CHECK_INT(rig.activity, 0);
	rig_fire(&rig);
	CHECK_TEXT(rig.name, "record_attempt_lease");
	CHECK_INT(rig.attempt_no, 2);
	CHECK(strcmp(first, rig.lease_id) != 0);
	CHECK_TEXT(rig_member(&rig, "lease_expires_at"), "2026-03-01T12:30:01.000000Z");
}

static void back_off_doubles_up_to_its_limit(void)
{
	CLEANUP_RIG struct rig rig = rig_start_with("{\"max_attempts\": 9}");
	static const uint64_t expected_ms[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000,
		60000 };
	for (size_t i = 0; i < sizeof(expected_ms) / sizeof(expected_ms[0]); i++) {
		rig_put_out(&rig);
		rig_result(&rig, "FAILED_RETRY", "");
		CHECK_INT(rig.after_ms, expected_ms[i]);
		rig_fire(&rig);
	}
	CHECK_INT(rig.attempt_no, 9);
}

static void timeouts_of_all_attempts_end_the_job_with_step_timeout(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	for (int i = 0; i < 3; i++) {
		CHECK_INT(rig.attempt_no, i + 1);
		rig_put_out(&rig);
		rig_fire(&rig);
		if (i < 2) {
			rig_fire(&rig);
		}
	}
	CHECK_TEXT(rig.name, "record_job_outcome");
	CHECK_TEXT(rig_member(&rig, "jobId"), RIG_JOB);
	CHECK_TEXT(rig_member(&rig, "tenant_id"), "t1");
	CHECK_TEXT(rig_member(&rig, "stepId"), "ocr");
	CHECK_TEXT(rig_member(&rig, "status"), "FAILED_FINAL");
	CHECK_TEXT(rig_member(&rig, "error.code"), "STEP_TIMEOUT");
	rig_ok(&rig);
	CHECK_INT(rig.end, LUCIUS_ACTION_FAIL);
	CHECK_TEXT(rig.code, "STEP_TIMEOUT");
}

static void used_up_attempts_end_the_job_with_the_code_of_the_last_result(void)
{
	CLEANUP_RIG struct rig rig = rig_start_with("{\"max_attempts\": 1}");
	rig_put_out(&rig);
	rig_result(&rig, "FAILED_RETRY", ", \"error\": {\"code\": \"BUSY\", \"message\": \"x\"}");
	CHECK_TEXT(rig_member(&rig, "status"), "FAILED_FINAL");
	CHECK_TEXT(rig_member(&rig, "error.code"), "BUSY");
	CHECK_TEXT(rig_member(&rig, "error.message"), "x");
}

static void used_up_attempts_without_a_code_are_step_failed(void)
{
	CLEANUP_RIG struct rig rig = rig_start_with("{\"max_attempts\": 1}");
	rig_put_out(&rig);
	rig_result(&rig, "FAILED_RETRY", ", \"error\": {}");
	CHECK_TEXT(rig_member(&rig, "error.code"), "STEP_FAILED");
}

static void final_failure_without_job_state_asks_for_the_outcome(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_result(&rig, "FAILED_FINAL", ", \"error\": {\"code\": \"BAD\"}");
	CHECK_TEXT(rig.name, "record_job_outcome");
	CHECK_TEXT(rig_member(&rig, "error.code"), "BAD");
	CHECK_TEXT(rig_member(&rig, "error.message"), "null");
	rig_ok(&rig);
	CHECK_INT(rig.end, LUCIUS_ACTION_FAIL);
	CHECK_TEXT(rig.code, "BAD");
}

static void failed_with_a_class_is_taken_for_what_the_class_says(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_result(&rig, "FAILED", ", \"failure_class\": \"RETRYABLE\"");
	CHECK_INT(rig.after_ms, 1000);
	rig_fire(&rig);
	rig_put_out(&rig);
	rig_result(&rig, "FAILED", ", \"failure_class\": null");
	CHECK_TEXT(rig.name, "record_job_outcome");
}

static void first_ack_starts_the_time_once_more_and_no_other(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	uint64_t timer = rig.timer;
	rig.now_ms += 500000;
	rig_ack(&rig);
	CHECK(rig.timer != timer);
	CHECK_INT(rig.after_ms, 900000);
	timer = rig.timer;
	rig_ack(&rig);
	CHECK_INT(rig.timer, timer);
}

static void each_attempt_has_a_first_ack_of_its_own(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_ack(&rig);
	rig_fire(&rig);
	rig_fire(&rig);
	rig_put_out(&rig);
	uint64_t timer = rig.timer;
	rig_ack(&rig);
	CHECK(rig.timer != timer);
}

static void ack_that_overtakes_publish_is_the_first(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_ok(&rig);
	rig_ack(&rig);
	rig_ok(&rig);
	uint64_t timer = rig.timer;
	rig_ack(&rig);
	CHECK_INT(rig.timer, timer);
}

static void ack_of_another_attempt_changes_nothing(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	uint64_t timer = rig.timer;
	rig_signal(&rig, "step_ack",
	        "{\"stepId\": \"ocr\", \"attempt_no\": 1, \"lease_id\": \"another\"}");
	CHECK_INT(rig.timer, timer);
}

static void result_in_the_back_off_after_a_timeout_counts(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_fire(&rig);
	rig_result(&rig, "SUCCEEDED", "");
	CHECK_INT(rig.timer, 0);
	CHECK_TEXT(rig.step_id, "embedding");
}

static void retry_result_in_the_back_off_after_a_timeout_is_counted_once(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	rig_fire(&rig);
	uint64_t timer = rig.timer;
	rig_result(&rig, "FAILED_RETRY", "");
	CHECK_INT(rig.timer, timer);
	rig_fire(&rig);
	CHECK_INT(rig.attempt_no, 2);
}

static void stale_and_strange_results_change_nothing(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	char first[65];
	memcpy(first, rig.lease_id, sizeof(first));
	rig_fire(&rig);
	rig_fire(&rig);
	rig_put_out(&rig);
	uint64_t timer = rig.timer;
	rig_result_of(&rig, 1, first, "SUCCEEDED", "");
	rig_result_of(&rig, 2, first, "SUCCEEDED", "");
	rig_result_of(&rig, 2, rig.lease_id, "DONE", "");
	rig_signal(&rig, "step_result", "[]");
	rig_signal(&rig, "step_result", "{\"stepId\": 1}");
	rig_signal(&rig, "step_result", "{");
	rig_signal(&rig, "step_result", "");
	rig_signal(&rig, "unheard_of", "{}");
	CHECK_INT(rig.timer, timer);
	CHECK_INT(rig.activity, 0);
	CHECK_INT(rig.end, 0);
}

static void result_of_the_step_before_changes_nothing(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	char argument[256];
	(void)snprintf(argument, sizeof(argument),
	        "{\"stepId\": \"ocr\", \"attempt_no\": 1, \"lease_id\": \"%s\", \"status\": "
	        "\"FAILED_FINAL\"}",
	        rig.lease_id);
	rig_result(&rig, "SUCCEEDED", "");
	rig_put_out(&rig);
	uint64_t timer = rig.timer;
	rig_signal(&rig, "step_result", argument);
	CHECK_INT(rig.timer, timer);
}

static void events_that_answer_nothing_under_way_change_nothing(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	uint64_t activity = rig.activity;
	rig.activity = 77;
	rig_ok(&rig);
	CHECK_INT(rig.activity, 0);
	rig.activity = activity;
	rig_put_out(&rig);
	uint64_t timer = rig.timer;
	rig.timer = 99;
	rig_fire(&rig);
	CHECK_INT(rig.timer, 0);
	rig.timer = timer;
	rig_started(&rig, "seed");
	CHECK_INT(rig.n_leases, 1);
	rig_result(&rig, "SUCCEEDED", ", \"job_state\": \"SUCCEEDED\"");
	rig.end = 0;
	rig_cancel(&rig);
	CHECK_INT(rig.end, 0);
}

static void options_of_the_input_win_over_defaults_and_of_the_step_over_both(void)
{
	CLEANUP_RIG struct rig rig =
	        rig_start_with("{\"definition\": 1, \"max_attempts\": 2, "
	                       "\"step_result_timeout_seconds\": 10, "
	                       "\"lease_seconds\": 20, \"retry_initial_seconds\": 3, "
	                       "\"retry_max_seconds\": 4, \"steps\": {\"embedding\": "
	                       "{\"step_result_timeout_seconds\": 50, "
	                       "\"lease_minutes\": 2, \"max_attempts\": 1}}}");
	CHECK_INT(rig.give_up_after_ms, 20000);
	rig_put_out(&rig);
	CHECK_INT(rig.after_ms, 10000);
	rig_fire(&rig);
	CHECK_INT(rig.after_ms, 3000);
	rig_result(&rig, "SUCCEEDED", "");
	CHECK_INT(rig.give_up_after_ms, 120000);
	rig_put_out(&rig);
	CHECK_INT(rig.after_ms, 50000);
	rig_fire(&rig);
	CHECK_TEXT(rig.name, "record_job_outcome");
}

static void lease_ids_depend_on_seed_job_step_and_attempt_alone(void)
{
	CLEANUP_RIG struct rig one = rig_start();
	CLEANUP_RIG struct rig other = rig_start_with("{\"max_attempts\": 7}");
	CHECK_TEXT(one.lease_id, other.lease_id);
	rig_put_out(&one);
	rig_result(&one, "SUCCEEDED", "");
	CHECK(strcmp(one.lease_id, other.lease_id) != 0);
}

static void lease_ids_of_another_seed_are_others(void)
{
	CLEANUP_FREE char *input = rig_input("null");
	CLEANUP_RIG struct rig one = rig_open(input, NULL);
	CLEANUP_RIG struct rig other = rig_open(input, NULL);
	rig_started(&one, "one");
	rig_started(&other, "other");
	CHECK_INT(strlen(one.lease_id), 32);
	CHECK(strcmp(one.lease_id, other.lease_id) != 0);
}

static void machine_of_an_unknown_definition_is_not_opened(void)
{
	CLEANUP_FREE char *input = rig_input("{\"definition\": 2}");
	CLEANUP_RIG struct rig rig = rig_open(input, NULL);
	CHECK(rig.machine == NULL);
	CHECK(strstr(rig.error, "'2'") != NULL);
}

static void machine_without_a_usable_input_is_not_opened(void)
{
	static const char *const inputs[] = { "", "{", "[]", "{}", "{\"steps\": []}",
		"{\"steps\": [{}]}", "{\"steps\": [{\"step_id\": \"\"}]}",
		"{\"steps\": [{\"step_id\": \"a\"}, 7]}" };
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		CLEANUP_RIG struct rig rig = rig_open(inputs[i], NULL);
		CHECK(rig.machine == NULL);
		CHECK(rig.error[0] != '\0');
	}
}

static void keep_text(void *user, struct lucius_text text)
{
	(void)snprintf(user, 512, "%.*s", (int)text.size, text.data);
}

static void inspection_tells_where_the_run_stands(void)
{
	CLEANUP_RIG struct rig rig = rig_start();
	rig_put_out(&rig);
	char text[512] = "";
	rig.logic.table.inspect(rig.machine, keep_text, text);
	CHECK(strstr(text, "\"phase\":\"waiting\"") != NULL);
	CHECK(strstr(text, "\"step_id\":\"ocr\"") != NULL);
	CHECK(strstr(text, "\"attempt_no\":1") != NULL);
	CHECK(strstr(text, rig.lease_id) != NULL);
}

static void defaults_that_a_run_uses_are_pinned_for_its_replay(void)
{
	CLEANUP_FREE char *input = rig_input("null");
	struct step_logic others;
	struct lucius_run run = { .size = sizeof(run), .input = { input, strlen(input) } };
	CLEANUP_RIG struct rig rig = rig_start();
	char text[512] = "";
	rig.logic.table.inspect(rig.machine, keep_text, text);
	json_t *inspected = json_loads(text, 0, NULL);
	char *pinned = json_dumps(json_object_get(inspected, "pinned"), 0);
	run.snapshot = (struct lucius_text){ pinned, strlen(pinned) };
	step_logic_init(&others, &(struct step_options){ 1, 7, 7, 7, 7 });
	struct lucius_machine *machine =
	        others.table.open(&others.table, &run, rig.error, sizeof(rig.error));
	char again[512] = "";
	others.table.inspect(machine, keep_text, again);
	CHECK(strstr(again, "\"max_attempts\":3,\"step_result_timeout_seconds\":900") != NULL);
	others.table.close(machine);
	free(pinned);
	json_decref(inspected);
}

static void options_of_the_input_are_not_pinned(void)
{
	CLEANUP_RIG struct rig rig = rig_start_with("{\"max_attempts\": 2}");
	char text[512] = "";
	rig.logic.table.inspect(rig.machine, keep_text, text);
	CHECK(strstr(text, "\"pinned\":null") != NULL);
}

static const struct suite_test tests[] = {
	SUITE_TEST(first_attempt_is_leased_then_published_then_waited_for),
	SUITE_TEST(lease_carries_the_attempt_and_when_it_ends),
	SUITE_TEST(directive_has_every_member),
	SUITE_TEST(lease_and_publish_are_tried_until_the_lease_ends),
	SUITE_TEST(publish_whose_lease_has_just_ended_is_not_tried_for_ever),
	SUITE_TEST(success_leads_to_the_next_step_with_the_result_before),
	SUITE_TEST(result_without_a_reference_leaves_the_previous_one_null),
	SUITE_TEST(job_state_of_the_last_result_ends_the_workflow_without_an_outcome),
	SUITE_TEST(last_success_without_job_state_asks_for_the_outcome),
	SUITE_TEST(result_that_overtakes_publish_is_not_lost),
	SUITE_TEST(result_that_overtakes_a_publish_that_fails_counts_all_the_same),
	SUITE_TEST(job_state_while_an_activity_runs_waits_for_its_answer),
	SUITE_TEST(job_state_ends_the_workflow_also_if_it_names_no_attempt),
	SUITE_TEST(timeout_is_followed_by_back_off_and_a_new_attempt),
	SUITE_TEST(back_off_doubles_up_to_its_limit),
	SUITE_TEST(timeouts_of_all_attempts_end_the_job_with_step_timeout),
	SUITE_TEST(used_up_attempts_end_the_job_with_the_code_of_the_last_result),
	SUITE_TEST(used_up_attempts_without_a_code_are_step_failed),
	SUITE_TEST(final_failure_without_job_state_asks_for_the_outcome),
	SUITE_TEST(failed_with_a_class_is_taken_for_what_the_class_says),
	SUITE_TEST(first_ack_starts_the_time_once_more_and_no_other),
	SUITE_TEST(each_attempt_has_a_first_ack_of_its_own),
	SUITE_TEST(ack_that_overtakes_publish_is_the_first),
	SUITE_TEST(ack_of_another_attempt_changes_nothing),
	SUITE_TEST(result_in_the_back_off_after_a_timeout_counts),
	SUITE_TEST(retry_result_in_the_back_off_after_a_timeout_is_counted_once),
	SUITE_TEST(stale_and_strange_results_change_nothing),
	SUITE_TEST(result_of_the_step_before_changes_nothing),
	SUITE_TEST(events_that_answer_nothing_under_way_change_nothing),
	SUITE_TEST(options_of_the_input_win_over_defaults_and_of_the_step_over_both),
	SUITE_TEST(lease_ids_depend_on_seed_job_step_and_attempt_alone),
	SUITE_TEST(lease_ids_of_another_seed_are_others),
	SUITE_TEST(machine_of_an_unknown_definition_is_not_opened),
	SUITE_TEST(machine_without_a_usable_input_is_not_opened),
	SUITE_TEST(inspection_tells_where_the_run_stands),
	SUITE_TEST(defaults_that_a_run_uses_are_pinned_for_its_replay),
	SUITE_TEST(options_of_the_input_are_not_pinned),
};

int main(int argc, char **argv)
{
	return suite_run("step_logic", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
