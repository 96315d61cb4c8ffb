/* SPDX-License-Identifier: MIT */
/* What leases, replies, outcomes and control do to a job, by example and by random walk. */
#include <stdlib.h>

#include "core/job_rules.h"
#include "tests/support/suite.h"

#define NOW "2026-11-24T12:00:00.000000Z"
#define LATER "2026-11-24T12:00:05.000000Z"

/* A job of two steps, as it is after its creation. */
static struct job *two_steps(void)
{
	struct job *job = job_create();
	job_set(job, &job->job_id, "0123456789abcdef0123456789abcdef");
	job_set(job, &job->tenant_id, "t1");
	job->n_steps = 2;
	job->steps = arena_zalloc(&job->arena, 2 * sizeof(*job->steps));
	for (size_t i = 0; i < 2; i++) {
		job->steps[i].step_index = (int64_t)i;
		job_set(job, &job->steps[i].step_id, i == 0 ? "ocr" : "embedding");
		job_set(job, &job->steps[i].output_ref, "out");
	}
	return job;
}

static enum rule lease(struct job *job, const char *step_id, int64_t attempt_no, const char *id)
{
	const struct lease_request request = { "t1", step_id, attempt_no, id, LATER };
	return rule_lease(job, &request, NOW);
}

static enum rule reply(struct job *job, const char *step_id, int64_t attempt_no,
        const char *lease_id, enum reply_kind kind)
{
	const struct reply_facts facts = {
		.kind = kind,
		.tenant_id = "t1",
		.step_id = step_id,
		.attempt_no = attempt_no,
		.lease_id = lease_id,
		.error_code = kind >= REPLY_FAILED_RETRY ? "BAD_SCAN" : NULL,
	};
	job->n_new_events = 0;
	return rule_reply(job, &facts, LATER);
}

static enum rule outcome(struct job *job, const char *step_id, enum job_state state)
{
	const struct outcome_request request = { "t1", step_id, state, "STEP_TIMEOUT",
		"no result came in time" };
	job->n_new_events = 0;
	return rule_outcome(job, &request, LATER);
}

static enum rule control(struct job *job, enum control what)
{
	job->n_new_events = 0;
	return rule_control(job, what, LATER);
}

static void two_steps_that_succeed_make_a_job_that_has_succeeded(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	CHECK_INT(lease(job, "ocr", 1, "a"), RULE_CHANGED);
	CHECK_INT(job->state, JOB_QUEUED);
	CHECK_INT(reply(job, "ocr", 1, "a", REPLY_ACK), RULE_CHANGED);
	CHECK_INT(job->state, JOB_IN_PROGRESS);
	CHECK_INT(reply(job, "ocr", 1, "a", REPLY_SUCCEEDED), RULE_CHANGED);
	CHECK_INT(job->state, JOB_IN_PROGRESS);
	CHECK_INT(lease(job, "embedding", 1, "b"), RULE_CHANGED);
	CHECK_TEXT(value_text(&job->current_step_id), "embedding");
	CHECK_INT(reply(job, "embedding", 1, "b", REPLY_SUCCEEDED), RULE_CHANGED);
	CHECK_INT(job->state, JOB_SUCCEEDED);
	CHECK_TEXT(value_text(&job->final_output), "out");
	CHECK_INT(job->attempts_total, 2);
	CHECK_TEXT(value_text(&job->completed_at), LATER);
}

static void result_without_ack_counts_and_leaves_the_queue(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	CHECK_INT(reply(job, "ocr", 1, "a", REPLY_FAILED_RETRY), RULE_CHANGED);
	CHECK_INT(job->state, JOB_IN_PROGRESS);
	CHECK_INT(job->steps[0].state, STEP_FAILED_RETRY);
	CHECK_TEXT(value_text(&job->steps[0].last_error_code), "BAD_SCAN");
}

static void stale_replies_change_nothing(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	lease(job, "ocr", 2, "b");
	CHECK_INT(reply(job, "ocr", 1, "a", REPLY_SUCCEEDED), RULE_STALE);
	CHECK_INT(reply(job, "ocr", 2, "a", REPLY_SUCCEEDED), RULE_STALE);
	CHECK_INT(reply(job, "nothing", 2, "b", REPLY_SUCCEEDED), RULE_INVALID);
	CHECK_INT(job->steps[0].state, STEP_INITIATED);
}

static void reply_with_another_tenant_is_invalid(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	const struct reply_facts facts = { REPLY_ACK, "t2", "ocr", 1, "a", NULL, NULL, { 0 } };
	CHECK_INT(rule_reply(job, &facts, NOW), RULE_INVALID);
}

static void of_two_results_for_one_lease_the_first_counts(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	reply(job, "ocr", 1, "a", REPLY_SUCCEEDED);
	CHECK_INT(reply(job, "ocr", 1, "a", REPLY_FAILED_FINAL), RULE_DUPLICATE);
	CHECK_INT(job->steps[0].state, STEP_SUCCEEDED);
	CHECK_INT(reply(job, "ocr", 1, "a", REPLY_ACK), RULE_STALE);
}

static void result_in_the_back_off_after_a_timeout_counts(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	/* The workflow has given attempt 1 up, but no newer lease was accepted. */
	CHECK_INT(reply(job, "ocr", 1, "a", REPLY_SUCCEEDED), RULE_CHANGED);
	CHECK_INT(lease(job, "ocr", 2, "b"), RULE_STEP_TERMINAL);
}

static void lease_is_idempotent_also_when_the_step_has_ended(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	CHECK_INT(lease(job, "ocr", 1, "a"), RULE_CHANGED);
	CHECK_INT(lease(job, "ocr", 1, "a"), RULE_UNCHANGED);
	reply(job, "ocr", 1, "a", REPLY_FAILED_FINAL);
	CHECK_INT(job->state, JOB_FAILED_FINAL);
	CHECK_INT(lease(job, "ocr", 1, "a"), RULE_UNCHANGED);
	CHECK_INT(lease(job, "ocr", 2, "b"), RULE_JOB_CLOSED);
}

static void lower_or_equal_attempt_with_another_lease_is_superseded(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 2, "a");
	CHECK_INT(lease(job, "ocr", 1, "x"), RULE_SUPERSEDED);
	CHECK_INT(lease(job, "ocr", 2, "x"), RULE_SUPERSEDED);
	const struct lease_request other = { "t1", "ocr", 3, "y", LATER };
	CHECK_INT(rule_publish(job, &other), RULE_SUPERSEDED);
	const struct lease_request current = { "t1", "ocr", 2, "a", LATER };
	CHECK_INT(rule_publish(job, &current), RULE_CHANGED);
}

static void lease_of_a_later_step_waits_for_the_earlier_one(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	CHECK_INT(lease(job, "embedding", 1, "a"), RULE_OUT_OF_ORDER);
	lease(job, "ocr", 1, "a");
	CHECK_INT(lease(job, "embedding", 1, "b"), RULE_OUT_OF_ORDER);
}

static void lease_that_is_over_is_not_recorded_but_repeated(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	const struct lease_request request = { "t1", "ocr", 1, "a", NOW };
	CHECK_INT(rule_lease(job, &request, LATER), RULE_LEASE_OVER);
	CHECK_INT(rule_lease(job, &request, NOW), RULE_LEASE_OVER);
	CHECK_INT(job->steps[0].attempt_no, 0);
	CHECK_INT(lease(job, "ocr", 1, "a"), RULE_CHANGED);
	CHECK_INT(rule_lease(job, &request, LATER), RULE_UNCHANGED);
	/* Others may say no end, or one that nobody can read. */
	const struct lease_request endless = { "t1", "ocr", 2, "b", NULL };
	CHECK_INT(rule_lease(job, &endless, LATER), RULE_CHANGED);
	const struct lease_request odd = { "t1", "ocr", 3, "c", "soon" };
	CHECK_INT(rule_lease(job, &odd, LATER), RULE_CHANGED);
}

static void lease_after_a_timeout_notes_the_timeout(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	lease(job, "ocr", 2, "b");
	CHECK_TEXT(value_text(&job->steps[0].last_error_code), "STEP_TIMEOUT");
	CHECK(job->steps[0].timer_started_at.text == NULL);
	CHECK_INT(job->attempts_total, 2);
}

static void final_failure_ends_the_job_and_cancels_what_was_pending(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	CHECK_INT(reply(job, "ocr", 1, "a", REPLY_FAILED_FINAL), RULE_CHANGED);
	CHECK_INT(job->state, JOB_FAILED_FINAL);
	CHECK_TEXT(value_text(&job->error_code), "BAD_SCAN");
	CHECK_INT(job->steps[0].state, STEP_FAILED_FINAL);
	CHECK_INT(job->steps[1].state, STEP_CANCELLED);
}

static void outcome_after_the_attempts_are_used_up_fails_the_step_under_way(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	CHECK_INT(outcome(job, "ocr", JOB_FAILED_FINAL), RULE_CHANGED);
	CHECK_INT(job->steps[0].state, STEP_FAILED_FINAL);
	CHECK_TEXT(value_text(&job->error_code), "STEP_TIMEOUT");
	CHECK_INT(outcome(job, "ocr", JOB_FAILED_FINAL), RULE_UNCHANGED);
	CHECK_INT(outcome(job, "ocr", JOB_CANCELLED), RULE_JOB_CLOSED);
}

static void outcome_for_a_step_that_succeeded_meanwhile_is_refused(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	reply(job, "ocr", 1, "a", REPLY_SUCCEEDED);
	CHECK_INT(outcome(job, "ocr", JOB_FAILED_FINAL), RULE_STEP_TERMINAL);
	CHECK_INT(outcome(job, "ocr", JOB_SUCCEEDED), RULE_NOT_SUCCEEDED);
	CHECK_INT(job->state, JOB_IN_PROGRESS);
}

static void cancelling_refuses_leases_and_ends_cancelled_with_any_result(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	CHECK_INT(control(job, CONTROL_CANCEL), RULE_CHANGED);
	CHECK_INT(lease(job, "ocr", 2, "b"), RULE_JOB_CANCELLING);
	CHECK_INT(control(job, CONTROL_PAUSE), RULE_JOB_CANCELLING);
	CHECK_INT(control(job, CONTROL_CANCEL), RULE_UNCHANGED);
	CHECK_INT(outcome(job, "ocr", JOB_FAILED_FINAL), RULE_JOB_CANCELLING);
	CHECK_INT(reply(job, "ocr", 1, "a", REPLY_FAILED_RETRY), RULE_CHANGED);
	CHECK_INT(job->state, JOB_CANCELLED);
	CHECK_INT(job->steps[0].state, STEP_CANCELLED);
}

static void last_success_while_cancelling_is_cancelled_with_its_output(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	reply(job, "ocr", 1, "a", REPLY_SUCCEEDED);
	lease(job, "embedding", 1, "b");
	control(job, CONTROL_CANCEL);
	reply(job, "embedding", 1, "b", REPLY_SUCCEEDED);
	CHECK_INT(job->state, JOB_CANCELLED);
	CHECK_TEXT(value_text(&job->final_output), "out");
	CHECK(job->error_code.text == NULL);
}

static void pause_keeps_the_job_paused_until_a_reply_ends_it(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	CHECK_INT(control(job, CONTROL_PAUSE), RULE_CHANGED);
	CHECK_INT(job->control_seq, 1);
	CHECK_INT(control(job, CONTROL_PAUSE), RULE_UNCHANGED);
	reply(job, "ocr", 1, "a", REPLY_SUCCEEDED);
	CHECK_INT(job->state, JOB_PAUSED);
	CHECK_INT(control(job, CONTROL_RESUME), RULE_CHANGED);
	CHECK_INT(job->state, JOB_IN_PROGRESS);
	CHECK_INT(job->control_seq, 2);
	lease(job, "embedding", 1, "b");
	control(job, CONTROL_PAUSE);
	reply(job, "embedding", 1, "b", REPLY_SUCCEEDED);
	CHECK_INT(job->state, JOB_SUCCEEDED);
}

static void resume_without_any_answer_goes_back_to_the_queue(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	lease(job, "ocr", 2, "b");
	control(job, CONTROL_PAUSE);
	control(job, CONTROL_RESUME);
	CHECK_INT(job->state, JOB_QUEUED);
}

static void result_ref_over_its_limit_fails_the_step_for_good(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	char *text = calloc(1, RULE_RESULT_REF_MAX + 2);
	memset(text, 'x', RULE_RESULT_REF_MAX + 1);
	lease(job, "ocr", 1, "a");
	struct reply_facts facts = { REPLY_SUCCEEDED, NULL, "ocr", 1, "a", NULL, NULL,
		{ text, RULE_RESULT_REF_MAX + 1, LUCIUS_FIELD_STRING } };
	CHECK_INT(rule_reply(job, &facts, NOW), RULE_CHANGED);
	CHECK_TEXT(value_text(&job->error_code), "RESULT_TOO_LARGE");
	CHECK_INT(job->state, JOB_FAILED_FINAL);
	free(text);
}

static void final_output_is_the_uri_of_an_object_else_its_json(void)
{
	static const struct {
		const char *sent;
		const char *expected;
	} cases[] = { { "{\"uri\":\"file:///x\"}", "file:///x" }, { "{\"n\":1}", "{\"n\":1}" },
		{ "{\"uri\":7}", "{\"uri\":7}" } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(cleanup_job) struct job *job = two_steps();
		job->n_steps = 1;
		lease(job, "ocr", 1, "a");
		struct reply_facts facts = { REPLY_SUCCEEDED, NULL, "ocr", 1, "a", NULL, NULL,
			{ cases[i].sent, (uint32_t)strlen(cases[i].sent), LUCIUS_FIELD_JSON } };
		CHECK_INT(rule_reply(job, &facts, NOW), RULE_CHANGED);
		CHECK_TEXT(value_text(&job->final_output), cases[i].expected);
	}
}

static void sweeper_closes_a_cancelling_job_as_cancelled(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	control(job, CONTROL_CANCEL);
	job->n_new_events = 0;
	CHECK_INT(rule_close(job, JOB_FAILED_FINAL, "WORKFLOW_LOST", "gone", NOW), RULE_CHANGED);
	CHECK_INT(job->state, JOB_CANCELLED);
	CHECK(job->error_code.text == NULL);
	CHECK_INT(rule_close(job, JOB_FAILED_FINAL, "X", "x", NOW), RULE_UNCHANGED);
}

static void a_row_comes_back_as_it_was_saved(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	reply(job, "ocr", 1, "a", REPLY_FAILED_RETRY);
	struct lucius_job row = *job_encode_new(job, &job->arena);
	CLEANUP(cleanup_job) struct job *copy = job_decode(&row);
	CHECK_INT(copy->state, JOB_IN_PROGRESS);
	CHECK_INT(copy->n_steps, 2);
	CHECK_INT(copy->steps[0].state, STEP_FAILED_RETRY);
	CHECK_INT(copy->steps[0].attempt_no, 1);
	CHECK_INT(copy->steps[1].lane, job->steps[1].lane);
	CHECK_TEXT(value_text(&copy->steps[0].lease_id), "a");
	CHECK_INT(copy->event_seq, 2);
	CHECK_INT(copy->is_answered, 1);
}

static void fields_of_the_backend_come_back_with_the_job(void)
{
	const struct lucius_field fields[] = { { "state", "PAUSED", 6, 0 },
		{ "slot_etag", "W/7", 3, 0 } };
	const struct lucius_job row = { .size = sizeof(row), .fields = fields, .n_fields = 2 };
	CLEANUP(cleanup_job) struct job *job = job_decode(&row);
	CHECK_INT(job->state, JOB_PAUSED);
	const struct lucius_job *back = job_encode_loaded(job, &job->arena);
	CHECK_TEXT(back->fields[back->n_fields - 1].name, "slot_etag");
	CHECK_TEXT(back->fields[back->n_fields - 1].value, "W/7");
}

/* Anything in any order: terminal states stay, one step at most is under way, the rest is legal
 * (job_become and step_become abort on an illegal transition). */
static void walk(unsigned seed)
{
	static const char *const steps[] = { "ocr", "embedding", "nothing" };
	static const char *const leases[] = { "a", "b", "c" };
	CLEANUP(cleanup_job) struct job *job = two_steps();
	srandom(seed);
	for (int i = 0; i < 60; i++) {
		enum job_state before = job->state;
		job->n_new_events = 0;
		const char *step = steps[random() % 3];
		const char *lease_id = leases[random() % 3];
		int64_t attempt_no = 1 + random() % 3;
		switch (random() % 4) {
		case 0:
			lease(job, step, attempt_no, lease_id);
			break;
		case 1:
			reply(job, step, attempt_no, lease_id, (enum reply_kind)(random() % 4));
			break;
		case 2:
			outcome(job, step, (enum job_state)(JOB_SUCCEEDED + random() % 3));
			break;
		default:
			control(job, (enum control)(random() % 3));
			break;
		}
		int n_out = 0;
		for (size_t k = 0; k < job->n_steps; k++) {
			enum step_state state = job->steps[k].state;
			n_out += state == STEP_INITIATED || state == STEP_PROCESSING ||
			        state == STEP_FAILED_RETRY;
		}
		CHECK(n_out <= 1);
		CHECK(!job_state_is_terminal(before) || job->state == before);
		CHECK(!job_state_is_terminal(job->state) || n_out == 0);
	}
}

static void no_order_of_events_breaks_the_rules(void)
{
	for (unsigned seed = 1; seed <= 3000; seed++) {
		walk(seed);
	}
}

static enum rule publish(struct job *job, const char *step_id, int64_t attempt_no, const char *id)
{
	const struct lease_request request = { "t1", step_id, attempt_no, id, LATER };
	return rule_publish(job, &request);
}

static enum rule published(struct job *job, const char *step_id, int64_t attempt_no, const char *id)
{
	const struct lease_request request = { "t1", step_id, attempt_no, id, LATER };
	return rule_published(job, &request, LATER);
}

static void only_the_recorded_attempt_is_published_and_while_it_is_open(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	CHECK_INT(publish(job, "ocr", 1, "a"), RULE_SUPERSEDED);
	CHECK_INT(publish(job, "nothing", 1, "a"), RULE_STEP_UNKNOWN);
	lease(job, "ocr", 1, "a");
	CHECK_INT(publish(job, "ocr", 1, "a"), RULE_CHANGED);
	CHECK_INT(publish(job, "ocr", 2, "a"), RULE_SUPERSEDED);
	CHECK_INT(reply(job, "ocr", 1, "a", REPLY_ACK), RULE_CHANGED);
	CHECK_INT(publish(job, "ocr", 1, "a"), RULE_CHANGED);
	CHECK_INT(reply(job, "ocr", 1, "a", REPLY_SUCCEEDED), RULE_CHANGED);
	CHECK_INT(publish(job, "ocr", 1, "a"), RULE_UNCHANGED);
	CHECK_INT(publish(job, "ocr", 2, "b"), RULE_STEP_TERMINAL);
	job->n_new_events = 0;
	CHECK_INT(rule_close(job, JOB_FAILED_FINAL, "X", NULL, LATER), RULE_CHANGED);
	CHECK_INT(publish(job, "ocr", 2, "b"), RULE_JOB_CLOSED);
}

static void timer_counts_from_the_first_publish_of_the_attempt_that_is_out(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	CHECK_INT(published(job, "nothing", 1, "a"), RULE_UNCHANGED);
	CHECK_INT(published(job, "ocr", 2, "a"), RULE_UNCHANGED);
	CHECK_INT(published(job, "ocr", 1, "b"), RULE_UNCHANGED);
	CHECK_INT(published(job, "ocr", 1, "a"), RULE_CHANGED);
	CHECK_INT(published(job, "ocr", 1, "a"), RULE_UNCHANGED);
	reply(job, "ocr", 1, "a", REPLY_ACK);
	CHECK_INT(published(job, "ocr", 1, "a"), RULE_UNCHANGED);
}

static void outcome_is_taken_of_its_tenant_only_and_with_its_steps_done(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	const struct outcome_request foreign = { "t2", NULL, JOB_CANCELLED, NULL, NULL };
	CHECK_INT(rule_outcome(job, &foreign, LATER), RULE_JOB_UNKNOWN);
	CHECK_INT(outcome(job, NULL, JOB_SUCCEEDED), RULE_NOT_SUCCEEDED);
	const struct outcome_request failed = { NULL, NULL, JOB_FAILED_FINAL, "X", NULL };
	CHECK_INT(rule_outcome(job, &failed, LATER), RULE_CHANGED);
	CHECK_INT(job->steps[0].state, STEP_CANCELLED);
	CHECK_INT(outcome(job, NULL, JOB_SUCCEEDED), RULE_JOB_CLOSED);
	CLEANUP(cleanup_job) struct job *done = two_steps();
	done->steps[0].state = STEP_SUCCEEDED;
	done->steps[1].state = STEP_SUCCEEDED;
	CHECK_INT(outcome(done, NULL, JOB_SUCCEEDED), RULE_CHANGED);
	CHECK_INT(done->state, JOB_SUCCEEDED);
}

static void failure_without_a_code_gets_one(void)
{
	CLEANUP(cleanup_job) struct job *job = two_steps();
	lease(job, "ocr", 1, "a");
	const struct reply_facts facts = { REPLY_FAILED_FINAL, NULL, "ocr", 1, "a", NULL, NULL,
		{ 0 } };
	CHECK_INT(rule_reply(job, &facts, LATER), RULE_CHANGED);
	CHECK_TEXT(value_text(&job->error_code), "STEP_FAILED");
	CHECK_TEXT(value_text(&job->error_message), "");
}

/* Rows of another version of Lucius, or of somebody's hand. */
static void odd_rows_are_read_as_far_as_they_make_sense(void)
{
	const struct lucius_field of_job[] = {
		{ "job_id", "abc", 3, LUCIUS_FIELD_STRING },
		{ "state", "NEVER_HEARD_OF", 14, LUCIUS_FIELD_STRING },
		{ "error_code", "", 0, LUCIUS_FIELD_STRING },
		{ "doc_id", NULL, 5, LUCIUS_FIELD_STRING },
		{ "_one", "1", 1, LUCIUS_FIELD_INTEGER },
		{ "_two", "2", 1, LUCIUS_FIELD_INTEGER },
	};
	const struct lucius_field of_step[] = {
		{ "step_id", "ocr", 3, LUCIUS_FIELD_STRING },
		{ "state", "SOMETHING", 9, LUCIUS_FIELD_STRING },
		{ "_foreign", "x", 1, LUCIUS_FIELD_STRING },
	};
	const struct lucius_step step = { .size = sizeof(step), .fields = of_step, .n_fields = 3 };
	const struct lucius_step *steps[] = { &step };
	const struct lucius_job row = {
		.size = sizeof(row), .fields = of_job, .n_fields = 6, .steps = steps, .n_steps = 1
	};
	CLEANUP(cleanup_job) struct job *job = job_decode(&row);
	CHECK_INT(job->state, JOB_QUEUED);
	CHECK_INT(job->steps[0].state, STEP_PENDING);
	CHECK(job->error_code.text == NULL);
	CHECK(job->doc_id.text == NULL);
	CHECK_INT(job->n_foreign, 2);
	CHECK(!value_is(&job->job_id, NULL));
	CHECK(!value_is(&job->doc_id, "x"));
}

static const struct suite_test tests[] = {
	SUITE_TEST(two_steps_that_succeed_make_a_job_that_has_succeeded),
	SUITE_TEST(result_without_ack_counts_and_leaves_the_queue),
	SUITE_TEST(stale_replies_change_nothing),
	SUITE_TEST(reply_with_another_tenant_is_invalid),
	SUITE_TEST(of_two_results_for_one_lease_the_first_counts),
	SUITE_TEST(result_in_the_back_off_after_a_timeout_counts),
	SUITE_TEST(lease_is_idempotent_also_when_the_step_has_ended),
	SUITE_TEST(lower_or_equal_attempt_with_another_lease_is_superseded),
	SUITE_TEST(lease_of_a_later_step_waits_for_the_earlier_one),
	SUITE_TEST(lease_that_is_over_is_not_recorded_but_repeated),
	SUITE_TEST(lease_after_a_timeout_notes_the_timeout),
	SUITE_TEST(final_failure_ends_the_job_and_cancels_what_was_pending),
	SUITE_TEST(outcome_after_the_attempts_are_used_up_fails_the_step_under_way),
	SUITE_TEST(outcome_for_a_step_that_succeeded_meanwhile_is_refused),
	SUITE_TEST(cancelling_refuses_leases_and_ends_cancelled_with_any_result),
	SUITE_TEST(last_success_while_cancelling_is_cancelled_with_its_output),
	SUITE_TEST(pause_keeps_the_job_paused_until_a_reply_ends_it),
	SUITE_TEST(resume_without_any_answer_goes_back_to_the_queue),
	SUITE_TEST(result_ref_over_its_limit_fails_the_step_for_good),
	SUITE_TEST(final_output_is_the_uri_of_an_object_else_its_json),
	SUITE_TEST(sweeper_closes_a_cancelling_job_as_cancelled),
	SUITE_TEST(a_row_comes_back_as_it_was_saved),
	SUITE_TEST(fields_of_the_backend_come_back_with_the_job),
	SUITE_TEST(only_the_recorded_attempt_is_published_and_while_it_is_open),
	SUITE_TEST(timer_counts_from_the_first_publish_of_the_attempt_that_is_out),
	SUITE_TEST(outcome_is_taken_of_its_tenant_only_and_with_its_steps_done),
	SUITE_TEST(failure_without_a_code_gets_one),
	SUITE_TEST(odd_rows_are_read_as_far_as_they_make_sense),
	SUITE_TEST(no_order_of_events_breaks_the_rules),
};

int main(int argc, char **argv)
{
	return suite_run("job_rules", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
