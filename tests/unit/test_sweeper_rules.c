/* SPDX-License-Identifier: MIT */
/* What the sweeper decides about a job that has been quiet. */
#include "core/job_rules.h"
#include "core/sweeper_rules.h"
#include "tests/support/suite.h"

#define NOW "2026-11-24T12:00:00.000000Z"
#define SECOND INT64_C(1000000)

static struct job *one_step(void)
{
	struct job *job = job_create();
	job->n_steps = 1;
	job->steps = arena_zalloc(&job->arena, sizeof(*job->steps));
	job_set(job, &job->steps[0].step_id, "ocr");
	job_set(job, &job->steps[0].output_ref, "out");
	return job;
}

static void lease(struct job *job)
{
	const struct lease_request request = { NULL, "ocr", 1, "a", "2100-01-01T00:00:00Z" };
	job->n_new_events = 0;
	(void)rule_lease(job, &request, NOW);
}

static void succeed(struct job *job)
{
	const struct reply_facts facts = { REPLY_SUCCEEDED, NULL, "ocr", 1, "a", NULL, NULL,
		{ 0 } };
	job->n_new_events = 0;
	(void)rule_reply(job, &facts, NOW);
}

static void job_that_was_never_started_is_started(void)
{
	CLEANUP(cleanup_job) struct job *job = one_step();
	CHECK_INT(sweep_decide(job, 0, true).action, SWEEP_START);
}

static void run_that_is_not_known_any_more_is_lost(void)
{
	CLEANUP(cleanup_job) struct job *job = one_step();
	lease(job);
	struct sweep_decision decision = sweep_decide(job, 0, true);
	CHECK_INT(decision.action, SWEEP_CLOSE);
	CHECK_TEXT(decision.error_code, "WORKFLOW_LOST");
}

static void completed_run_of_a_job_that_is_done_has_succeeded(void)
{
	CLEANUP(cleanup_job) struct job *job = one_step();
	job->steps[0].state = STEP_SUCCEEDED;
	struct sweep_decision decision = sweep_decide(job, LUCIUS_RUN_COMPLETED, true);
	CHECK_INT(decision.action, SWEEP_CLOSE);
	CHECK_INT(decision.state, JOB_SUCCEEDED);
	CHECK_TEXT(decision.error_code, NULL);
}

static void ended_run_closes_the_job_as_the_run_ended(void)
{
	static const struct {
		uint32_t state;
		enum job_state closes_as;
		const char *error_code;
	} cases[] = {
		{ LUCIUS_RUN_COMPLETED, JOB_FAILED_FINAL, "WORKFLOW_INCOMPLETE" },
		{ LUCIUS_RUN_FAILED, JOB_FAILED_FINAL, "WORKFLOW_FAILED" },
		{ LUCIUS_RUN_TIMED_OUT, JOB_FAILED_FINAL, "WORKFLOW_TIMEOUT" },
		{ LUCIUS_RUN_TERMINATED, JOB_FAILED_FINAL, "WORKFLOW_TERMINATED" },
		{ LUCIUS_RUN_CANCELLED, JOB_CANCELLED, NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(cleanup_job) struct job *job = one_step();
		lease(job);
		struct sweep_decision decision = sweep_decide(job, cases[i].state, false);
		CHECK_INT(decision.action, SWEEP_CLOSE);
		CHECK_INT(decision.state, cases[i].closes_as);
		CHECK_TEXT(decision.error_code, cases[i].error_code);
	}
}

static void running_job_that_is_merely_slow_is_left_alone(void)
{
	CLEANUP(cleanup_job) struct job *job = one_step();
	lease(job);
	CHECK_INT(sweep_decide(job, LUCIUS_RUN_RUNNING, true).action, SWEEP_LEAVE);
}

static void control_state_of_a_running_job_is_told_again_when_due(void)
{
	CLEANUP(cleanup_job) struct job *job = one_step();
	lease(job);
	job->n_new_events = 0;
	(void)rule_control(job, CONTROL_PAUSE, NOW);
	CHECK_INT(sweep_decide(job, LUCIUS_RUN_RUNNING, true).action, SWEEP_TELL_CONTROL);
	CHECK_INT(sweep_decide(job, LUCIUS_RUN_RUNNING, false).action, SWEEP_LEAVE);
}

static void result_after_which_no_lease_came_is_told_again(void)
{
	CLEANUP(cleanup_job) struct job *job = one_step();
	job->n_steps = 1;
	lease(job);
	job_set(job, &job->current_step_id, "ocr");
	job->n_new_events = 0;
	step_become(job, &job->steps[0], STEP_FAILED_RETRY, NOW);
	CHECK_INT(sweep_decide(job, LUCIUS_RUN_RUNNING, true).action, SWEEP_TELL_RESULT);
	job->control_seq = 2;
	CHECK_INT(sweep_decide(job, LUCIUS_RUN_RUNNING, true).action, SWEEP_TELL_BOTH);
	job->state = JOB_PAUSED;
	CHECK_INT(sweep_decide(job, LUCIUS_RUN_RUNNING, true).action, SWEEP_TELL_CONTROL);
}

static void closed_job_with_a_slot_is_told_its_end(void)
{
	CLEANUP(cleanup_job) struct job *job = one_step();
	lease(job);
	succeed(job);
	CHECK_INT(sweep_decide(job, LUCIUS_RUN_RUNNING, false).action, SWEEP_TELL_END);
	CHECK_INT(sweep_decide(job, 0, false).action, SWEEP_TELL_END);
}

static void repeats_come_in_gaps_that_double_up_to_a_quarter_of_an_hour(void)
{
	static const int64_t due_at[] = { 60, 180, 420, 900, 1800, 2700, 3600 };
	size_t n_found = 0;
	for (int64_t second = 30; second <= 3600; second += 30) {
		if (!sweep_is_due(second * SECOND, (second - 30) * SECOND)) {
			continue;
		}
		CHECK(n_found < 7);
		CHECK_INT(second, due_at[n_found < 7 ? n_found : 0]);
		n_found++;
	}
	CHECK_INT(n_found, 7);
	CHECK(sweep_is_due(61 * SECOND, -1));
	CHECK(!sweep_is_due(59 * SECOND, -1));
}

static const struct suite_test tests[] = {
	SUITE_TEST(job_that_was_never_started_is_started),
	SUITE_TEST(run_that_is_not_known_any_more_is_lost),
	SUITE_TEST(completed_run_of_a_job_that_is_done_has_succeeded),
	SUITE_TEST(ended_run_closes_the_job_as_the_run_ended),
	SUITE_TEST(running_job_that_is_merely_slow_is_left_alone),
	SUITE_TEST(control_state_of_a_running_job_is_told_again_when_due),
	SUITE_TEST(result_after_which_no_lease_came_is_told_again),
	SUITE_TEST(closed_job_with_a_slot_is_told_its_end),
	SUITE_TEST(repeats_come_in_gaps_that_double_up_to_a_quarter_of_an_hour),
};

int main(int argc, char **argv)
{
	return suite_run("sweeper_rules", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
