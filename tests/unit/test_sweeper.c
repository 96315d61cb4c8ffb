/* SPDX-License-Identifier: MIT */
/* What the sweeper does about jobs that have been quiet, and when what it asks for fails. */
#include "core/sweeper.h"

#include "core/sweeper_rules.h"
#include "tests/support/rig.h"
#include "tests/support/suite.h"

#define JOB "0123456789abcdef0123456789abcdef"

/* A pass begins within the period and a fifth; a job is quiet well before the second one. */
enum { PERIOD_MS = 36000 };

static int64_t retention_days;
static int64_t period_seconds;
static struct sweeper *sweeper;
static bool is_stopped;

static void begin(void)
{
	rig_begin(NULL);
	retention_days = 30;
	period_seconds = 30;
	const struct sweeper_parts parts = {
		.loop = rig.loop,
		.ledger = rig.ledger,
		.workflow = rig.workflow,
		.signals = &rig.signals,
		.retention_days = &retention_days,
		.period_seconds = &period_seconds,
	};
	sweeper = sweeper_create(&parts);
}

/* With one job of two steps. */
static void begin_with_job(void)
{
	begin();
	CLEANUP(cleanup_job) struct job *job = rig_make_job(JOB, "t1", 2);
	rig_put_job(job);
}

static void on_stopped(void *user)
{
	(void)user;
	is_stopped = true;
}

static void stop(void)
{
	is_stopped = false;
	sweeper_stop(sweeper, on_stopped, NULL);
	rig_turn();
}

static void end(void)
{
	stop();
	CHECK(is_stopped);
	sweeper_destroy(sweeper);
	rig_end();
}

/* One pass over what is quiet by then. */
static void sweep(void)
{
	unsigned n = rig_count(LUCIUS_OP_STORAGE_REPAIR);
	rig_advance(SWEEP_QUIET_US / 1000);
	sweeper_start(sweeper);
	for (unsigned i = 0; i < 2 * 36 && rig_count(LUCIUS_OP_STORAGE_REPAIR) == n; i++) {
		rig_advance(500);
	}
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_REPAIR), n + 1);
	stop();
	CHECK(is_stopped);
}

static struct job *load(void)
{
	return rig_load_job(JOB);
}

static void expect_job(enum job_state state, const char *error_code)
{
	CLEANUP(cleanup_job) struct job *job = load();
	CHECK_TEXT(job_state_text(job->state), job_state_text(state));
	CHECK_TEXT(value_text(&job->error_code), error_code);
}

static enum rule lease(void *user, struct job *job, const char *now)
{
	const struct lease_request request = { "t1", "ocr", 1, "a", "2100-01-01T00:00:00Z" };
	(void)user;
	return rule_lease(job, &request, now);
}

static enum rule succeed(void *user, struct job *job, const char *now)
{
	const struct reply_facts facts = {
		.kind = REPLY_SUCCEEDED, .step_id = "ocr", .attempt_no = 1, .lease_id = "a"
	};
	(void)user;
	return rule_reply(job, &facts, now);
}

static void job_that_has_just_changed_is_left_alone(void)
{
	begin_with_job();
	sweeper_start(sweeper);
	rig_advance(PERIOD_MS);
	CHECK(rig_count(LUCIUS_OP_STORAGE_SCAN) >= 1);
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_DESCRIBE), 0);
	end();
}

static void job_without_a_run_is_started(void)
{
	static const uint32_t statuses[] = { LUCIUS_OK, LUCIUS_DUPLICATE, LUCIUS_UNAVAILABLE,
		LUCIUS_UNKNOWN, LUCIUS_INTERNAL };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin_with_job();
		rig_refuse(LUCIUS_OP_WORKFLOW_START, statuses[i]);
		sweep();
		CHECK_TEXT(rig_last(LUCIUS_OP_WORKFLOW_START), "start " JOB);
		expect_job(JOB_QUEUED, "");
		end();
	}
}

static void job_whose_start_is_refused_for_good_is_closed(void)
{
	static const uint32_t statuses[] = { LUCIUS_DENIED, LUCIUS_TOO_LARGE };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin_with_job();
		rig_refuse(LUCIUS_OP_WORKFLOW_START, statuses[i]);
		sweep();
		expect_job(JOB_FAILED_FINAL, "WORKFLOW_START_REFUSED");
		CHECK_INT(rig_count(LUCIUS_OP_STORAGE_RELEASE), 1);
		end();
	}
}

static void job_whose_run_has_ended_is_closed_as_the_run_ended(void)
{
	static const struct {
		uint32_t run_state;
		enum job_state state;
		const char *error_code;
	} cases[] = {
		{ 0, JOB_FAILED_FINAL, "WORKFLOW_LOST" },
		{ LUCIUS_RUN_COMPLETED, JOB_FAILED_FINAL, "WORKFLOW_INCOMPLETE" },
		{ LUCIUS_RUN_FAILED, JOB_FAILED_FINAL, "WORKFLOW_FAILED" },
		{ LUCIUS_RUN_CANCELLED, JOB_CANCELLED, "" },
		{ LUCIUS_RUN_TIMED_OUT, JOB_FAILED_FINAL, "WORKFLOW_TIMEOUT" },
		{ LUCIUS_RUN_TERMINATED, JOB_FAILED_FINAL, "WORKFLOW_TERMINATED" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin_with_job();
		rig_change_job(JOB, lease, NULL);
		rig.run_state = cases[i].run_state;
		sweep();
		expect_job(cases[i].state, cases[i].error_code);
		CHECK_TEXT(rig_last(LUCIUS_OP_STORAGE_RELEASE), "release " JOB);
		end();
	}
}

static void job_of_which_the_engine_says_nothing_is_left_alone(void)
{
	static const uint32_t statuses[] = { LUCIUS_UNAVAILABLE, LUCIUS_UNKNOWN, LUCIUS_DENIED };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin_with_job();
		rig_change_job(JOB, lease, NULL);
		rig_refuse(LUCIUS_OP_WORKFLOW_DESCRIBE, statuses[i]);
		sweep();
		expect_job(JOB_QUEUED, "");
		CHECK_INT(rig_count(LUCIUS_OP_STORAGE_SAVE), 0);
		end();
	}
}

static void job_that_has_changed_since_it_was_read_is_not_closed(void)
{
	begin_with_job();
	rig_change_job(JOB, lease, NULL);
	rig_hold(LUCIUS_OP_WORKFLOW_DESCRIBE);
	rig_advance(SWEEP_QUIET_US / 1000);
	sweeper_start(sweeper);
	for (unsigned i = 0; i < 100 && rig_count(LUCIUS_OP_WORKFLOW_DESCRIBE) == 0; i++) {
		rig_advance(500);
	}
	/* Often enough that the revision has become longer. */
	for (unsigned i = 0; i < 10; i++) {
		rig_control_job(JOB, i % 2 == 0 ? CONTROL_PAUSE : CONTROL_RESUME);
	}
	rig_change_job(JOB, succeed, NULL);
	rig_answer(LUCIUS_OP_WORKFLOW_DESCRIBE, LUCIUS_NOT_FOUND);
	expect_job(JOB_IN_PROGRESS, "");
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_REPAIR), 1);
	end();
}

static void job_that_cannot_be_closed_now_is_closed_by_a_later_pass(void)
{
	begin_with_job();
	rig_change_job(JOB, lease, NULL);
	rig_refuse(LUCIUS_OP_STORAGE_SAVE, LUCIUS_UNAVAILABLE);
	sweep();
	expect_job(JOB_QUEUED, "");
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_RELEASE), 0);
	sweep();
	expect_job(JOB_FAILED_FINAL, "WORKFLOW_LOST");
	end();
}

static void job_that_is_gone_by_then_does_no_harm(void)
{
	begin_with_job();
	rig_change_job(JOB, lease, NULL);
	rig_refuse(LUCIUS_OP_STORAGE_LOAD, LUCIUS_NOT_FOUND);
	sweep();
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_RELEASE), 0);
	end();
}

/* The slot goes when the run knows, or is not there any more. */
static void run_of_a_closed_job_is_told_before_its_slot_goes(void)
{
	static const struct {
		uint32_t status;
		unsigned n_released;
	} cases[] = { { LUCIUS_OK, 1 }, { LUCIUS_NOT_FOUND, 1 }, { LUCIUS_UNAVAILABLE, 0 },
		{ LUCIUS_UNKNOWN, 0 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin_with_job();
		rig_fail_job(JOB);
		rig.run_state = LUCIUS_RUN_RUNNING;
		rig_refuse(LUCIUS_OP_WORKFLOW_SIGNAL, cases[i].status);
		sweep();
		CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_SIGNAL), 1);
		CHECK(strstr(rig_last(LUCIUS_OP_WORKFLOW_SIGNAL), "FAILED_FINAL") != NULL);
		CHECK_INT(rig_count(LUCIUS_OP_STORAGE_RELEASE), cases[i].n_released);
		end();
	}
}

static void control_that_may_be_lost_is_told_again(void)
{
	begin_with_job();
	rig.run_state = LUCIUS_RUN_RUNNING;
	rig_control_job(JOB, CONTROL_PAUSE);
	rig_advance(60000);
	sweep();
	CHECK_TEXT(rig_last(LUCIUS_OP_WORKFLOW_SIGNAL), "signal pause {\"seq\":1}");
	rig_control_job(JOB, CONTROL_CANCEL);
	rig_forget();
	rig_advance(120000);
	sweep();
	CHECK_TEXT(rig_last(LUCIUS_OP_WORKFLOW_CANCEL), "cancel " JOB);
	end();
}

static void answer_that_may_be_lost_is_told_again(void)
{
	begin_with_job();
	rig.run_state = LUCIUS_RUN_RUNNING;
	rig_change_job(JOB, lease, NULL);
	rig_change_job(JOB, succeed, NULL);
	rig_advance(60000);
	sweep();
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_SIGNAL), 1);
	CHECK(strstr(rig_last(LUCIUS_OP_WORKFLOW_SIGNAL), "signal step_result ") != NULL);
	end();
}

static void answer_and_resume_are_told_again_the_resume_first(void)
{
	static const struct {
		uint32_t status;
		unsigned n_told;
	} cases[] = { { LUCIUS_OK, 2 }, { LUCIUS_NOT_FOUND, 1 }, { LUCIUS_UNAVAILABLE, 1 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin_with_job();
		rig.run_state = LUCIUS_RUN_RUNNING;
		rig_change_job(JOB, lease, NULL);
		rig_control_job(JOB, CONTROL_PAUSE);
		rig_control_job(JOB, CONTROL_RESUME);
		rig_change_job(JOB, succeed, NULL);
		rig_refuse(LUCIUS_OP_WORKFLOW_SIGNAL, cases[i].status);
		rig_advance(60000);
		sweep();
		CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_SIGNAL), cases[i].n_told);
		const char *all = rig_all(1u << LUCIUS_KIND_WORKFLOW);
		CHECK(strstr(all, "signal resume {\"seq\":2}") != NULL);
		CHECK_INT(strstr(all, "signal step_result") != NULL, cases[i].n_told == 2);
		end();
	}
}

static void attempt_that_is_out_is_left_to_its_run(void)
{
	begin_with_job();
	rig.run_state = LUCIUS_RUN_RUNNING;
	rig_change_job(JOB, lease, NULL);
	rig_advance(60000);
	sweep();
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_DESCRIBE), 1);
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_SIGNAL), 0);
	end();
}

static void all_pages_are_gone_through(void)
{
	enum { N_JOBS = 250 };
	begin();
	for (unsigned i = 0; i < N_JOBS; i++) {
		char job_id[33];
		(void)snprintf(job_id, sizeof(job_id), "%032x", i);
		CLEANUP(cleanup_job) struct job *job = rig_make_job(job_id, "t1", 1);
		rig_put_job(job);
	}
	rig.run_state = LUCIUS_RUN_RUNNING;
	rig.is_quiet = true;
	sweep();
	CHECK_INT(rig.n_quiet, N_JOBS);
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_SCAN), 3);
	end();
}

static void page_with_gaps_is_swept_as_any_other(void)
{
	begin_with_job();
	rig.has_gaps = true;
	sweep();
	CHECK_TEXT(rig_last(LUCIUS_OP_WORKFLOW_START), "start " JOB);
	end();
}

static void job_without_a_time_is_left_alone(void)
{
	begin();
	CLEANUP(cleanup_job) struct job *job = rig_make_job(JOB, "t1", 1);
	value_clear(&job->updated_at);
	rig_put_job(job);
	sweep();
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_DESCRIBE), 0);
	end();
}

static void pass_that_cannot_read_ends_and_the_next_one_reads(void)
{
	static const uint32_t statuses[] = { LUCIUS_UNAVAILABLE, LUCIUS_UNKNOWN, LUCIUS_INTERNAL };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin_with_job();
		rig_refuse(LUCIUS_OP_STORAGE_SCAN, statuses[i]);
		sweeper_start(sweeper);
		rig_advance(PERIOD_MS);
		CHECK_INT(rig_count(LUCIUS_OP_STORAGE_REPAIR), 0);
		rig_advance(2 * PERIOD_MS);
		CHECK_TEXT(rig_last(LUCIUS_OP_WORKFLOW_START), "start " JOB);
		CHECK(rig_count(LUCIUS_OP_STORAGE_REPAIR) >= 1);
		end();
	}
}

static void storage_that_does_not_mend_itself_is_asked_again_at_the_next_pass(void)
{
	static const uint32_t statuses[] = { LUCIUS_OK, LUCIUS_UNSUPPORTED, LUCIUS_UNAVAILABLE };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin();
		rig_refuse(LUCIUS_OP_STORAGE_REPAIR, statuses[i]);
		sweep();
		sweep();
		CHECK_TEXT(rig_last(LUCIUS_OP_STORAGE_REPAIR), "repair 2592000");
		end();
	}
}

static void retention_may_change_while_it_runs(void)
{
	static const struct lucius_repair_report report = { sizeof(report), 3, 2, 1 };
	begin();
	rig.repair_report = &report;
	sweep();
	retention_days = 1;
	sweep();
	CHECK_TEXT(rig_last(LUCIUS_OP_STORAGE_REPAIR), "repair 86400");
	end();
}

static void period_that_changes_counts_for_the_wait_under_way(void)
{
	begin();
	sweeper_reconfigure(sweeper); /* before the start it is nothing */
	period_seconds = 86400;
	sweeper_start(sweeper);
	period_seconds = 30;
	sweeper_reconfigure(sweeper);
	rig_advance(36000);
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_REPAIR), 1);
	/* One that stays is not drawn out, however often others change. */
	for (int i = 0; i < 36; i++) {
		rig_advance(1000);
		sweeper_reconfigure(sweeper);
	}
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_REPAIR), 2);
	end();
}

static void stop_in_a_pass_ends_it_after_what_is_under_way(void)
{
	begin_with_job();
	rig_hold(LUCIUS_OP_WORKFLOW_DESCRIBE);
	rig_advance(SWEEP_QUIET_US / 1000);
	sweeper_start(sweeper);
	rig_advance(PERIOD_MS);
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_DESCRIBE), 1);
	stop();
	CHECK(!is_stopped);
	rig_answer(LUCIUS_OP_WORKFLOW_DESCRIBE, LUCIUS_UNAVAILABLE);
	CHECK(is_stopped);
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_REPAIR), 0);
	sweeper_destroy(sweeper);
	rig_end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(job_that_has_just_changed_is_left_alone),
		SUITE_TEST(job_without_a_run_is_started),
		SUITE_TEST(job_whose_start_is_refused_for_good_is_closed),
		SUITE_TEST(job_whose_run_has_ended_is_closed_as_the_run_ended),
		SUITE_TEST(job_of_which_the_engine_says_nothing_is_left_alone),
		SUITE_TEST(job_that_has_changed_since_it_was_read_is_not_closed),
		SUITE_TEST(job_that_cannot_be_closed_now_is_closed_by_a_later_pass),
		SUITE_TEST(job_that_is_gone_by_then_does_no_harm),
		SUITE_TEST(run_of_a_closed_job_is_told_before_its_slot_goes),
		SUITE_TEST(control_that_may_be_lost_is_told_again),
		SUITE_TEST(answer_that_may_be_lost_is_told_again),
		SUITE_TEST(answer_and_resume_are_told_again_the_resume_first),
		SUITE_TEST(attempt_that_is_out_is_left_to_its_run),
		SUITE_TEST(all_pages_are_gone_through),
		SUITE_TEST(page_with_gaps_is_swept_as_any_other),
		SUITE_TEST(job_without_a_time_is_left_alone),
		SUITE_TEST(pass_that_cannot_read_ends_and_the_next_one_reads),
		SUITE_TEST(storage_that_does_not_mend_itself_is_asked_again_at_the_next_pass),
		SUITE_TEST(retention_may_change_while_it_runs),
		SUITE_TEST(period_that_changes_counts_for_the_wait_under_way),
		SUITE_TEST(stop_in_a_pass_ends_it_after_what_is_under_way),
	};
	return suite_run("sweeper", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
