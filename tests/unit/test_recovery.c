/* SPDX-License-Identifier: MIT */
/* How an engine of this process comes to its live jobs, and what happens when a backend fails on
 * the way. */
#include "core/recovery.h"

#include "tests/support/rig.h"
#include "tests/support/suite.h"

#define JOB "0123456789abcdef0123456789abcdef"

static struct recovery *recovery;
static unsigned n_recovered;
static unsigned n_lost;

static void on_recovered(void *user)
{
	(void)user;
	n_recovered++;
}

static void on_lost(void *user)
{
	(void)user;
	n_lost++;
}

static void begin(void)
{
	rig_begin(NULL);
	n_recovered = 0;
	n_lost = 0;
	const struct recovery_parts parts = {
		.loop = rig.loop,
		.ledger = rig.ledger,
		.workflow = rig.workflow,
		.lease_ms = 15000,
		.on_recovered = on_recovered,
		.on_lost = on_lost,
	};
	recovery = recovery_create(&parts);
}

static void put_job(const char *job_id)
{
	CLEANUP(cleanup_job) struct job *job = rig_make_job(job_id, "t1", 1);
	rig_put_job(job);
}

static void end(void)
{
	recovery_stop(recovery);
	CHECK(!recovery_has_name(recovery));
	rig_turn();
	recovery_destroy(recovery);
	rig_end();
}

static enum rule finish(void *user, struct job *job, const char *now)
{
	(void)user;
	return rule_close(job, JOB_FAILED_FINAL, "STEP_FAILED", "it failed", now);
}

static void engine_gets_its_live_jobs_once_its_name_is_had(void)
{
	begin();
	put_job(JOB);
	CHECK(!recovery_has_name(recovery));
	recovery_start(recovery);
	rig_turn();
	CHECK(recovery_has_name(recovery));
	CHECK_TEXT(rig_last(LUCIUS_OP_STORAGE_OWN), "own workflow-local");
	CHECK_TEXT(rig_last(LUCIUS_OP_WORKFLOW_START), "start " JOB " restored");
	CHECK_INT(n_recovered, 1);
	end();
}

static void nothing_to_recover_is_recovered_at_once(void)
{
	begin();
	recovery_start(recovery);
	rig_turn();
	CHECK_INT(n_recovered, 1);
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_START), 0);
	end();
}

static void page_with_gaps_is_taken_up_as_any_other(void)
{
	begin();
	put_job(JOB);
	rig.has_gaps = true;
	recovery_start(recovery);
	rig_turn();
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_START), 1);
	CHECK_INT(n_recovered, 1);
	end();
}

static void job_that_has_ended_is_released_and_not_restored(void)
{
	static const uint32_t statuses[] = { LUCIUS_OK, LUCIUS_UNAVAILABLE };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin();
		put_job(JOB);
		rig_change_job(JOB, finish, NULL);
		rig_refuse(LUCIUS_OP_STORAGE_RELEASE, statuses[i]);
		recovery_start(recovery);
		rig_turn();
		CHECK_TEXT(rig_last(LUCIUS_OP_STORAGE_RELEASE), "release " JOB);
		CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_START), 0);
		CHECK_INT(n_recovered, 1);
		end();
	}
}

static void more_jobs_than_a_page_has_are_all_restored(void)
{
	enum { N_JOBS = 1100 };
	begin();
	for (unsigned i = 0; i < N_JOBS; i++) {
		char job_id[33];
		(void)snprintf(job_id, sizeof(job_id), "%032x", i);
		put_job(job_id);
	}
	rig.is_quiet = true;
	recovery_start(recovery);
	rig_turn();
	CHECK_INT(rig.n_quiet, N_JOBS);
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_SCAN), 3);
	CHECK_INT(n_recovered, 1);
	end();
}

/* What may pass is tried again; what does not pass must not keep all others waiting. */
static void job_that_the_engine_does_not_take_is_tried_again_if_that_may_help(void)
{
	static const struct {
		uint32_t status;
		bool is_again;
	} cases[] = {
		{ LUCIUS_DUPLICATE, false },
		{ LUCIUS_UNAVAILABLE, true },
		{ LUCIUS_UNKNOWN, true },
		{ LUCIUS_DENIED, false },
		{ LUCIUS_TOO_LARGE, false },
		{ LUCIUS_INTERNAL, false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		put_job(JOB);
		rig_refuse(LUCIUS_OP_WORKFLOW_START, cases[i].status);
		recovery_start(recovery);
		rig_turn();
		CHECK_INT(n_recovered, cases[i].is_again ? 0 : 1);
		rig_advance(1000);
		CHECK_INT(n_recovered, 1);
		CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_START), cases[i].is_again ? 2 : 1);
		end();
	}
}

static void one_job_of_many_that_fails_has_the_page_read_again(void)
{
	begin();
	put_job(JOB);
	put_job("fedcba9876543210fedcba9876543210");
	rig_refuse(LUCIUS_OP_WORKFLOW_START, LUCIUS_UNAVAILABLE);
	rig_refuse(LUCIUS_OP_WORKFLOW_START, LUCIUS_DENIED);
	recovery_start(recovery);
	rig_turn();
	CHECK_INT(n_recovered, 0);
	rig_advance(1000);
	CHECK_INT(n_recovered, 1);
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_START), 4);
	end();
}

static void scan_that_fails_is_begun_again(void)
{
	static const uint32_t statuses[] = { LUCIUS_UNAVAILABLE, LUCIUS_UNKNOWN, LUCIUS_DENIED };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin();
		put_job(JOB);
		rig_refuse(LUCIUS_OP_STORAGE_SCAN, statuses[i]);
		rig_refuse(LUCIUS_OP_STORAGE_SCAN, statuses[i]);
		recovery_start(recovery);
		rig_advance(1000);
		CHECK_INT(n_recovered, 0);
		rig_advance(1000);
		CHECK_INT(n_recovered, 1);
		CHECK_INT(rig_count(LUCIUS_OP_STORAGE_SCAN), 3);
		end();
	}
}

static void name_that_is_not_had_is_asked_for_again(void)
{
	static const uint32_t statuses[] = { LUCIUS_CONFLICT, LUCIUS_UNAVAILABLE, LUCIUS_OK };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin();
		rig_refuse(LUCIUS_OP_STORAGE_OWN, statuses[i]);
		recovery_start(recovery);
		rig_turn();
		CHECK(!recovery_has_name(recovery));
		CHECK_INT(n_lost, 0);
		rig_advance(1000);
		CHECK(recovery_has_name(recovery));
		CHECK_INT(n_recovered, 1);
		end();
	}
}

static void name_that_is_renewed_is_not_begun_with_again(void)
{
	begin();
	recovery_start(recovery);
	rig_turn();
	const struct lucius_text name = { "workflow-local", 14 };
	const struct rig_asked *own = rig_find_open(LUCIUS_OP_STORAGE_OWN);
	own->host->give(own->host, own->op, &name);
	rig_turn();
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_SCAN), 1);
	CHECK_INT(n_recovered, 1);
	end();
}

static void name_that_is_lost_is_told_and_ends_the_taking_up(void)
{
	begin();
	put_job(JOB);
	rig_hold(LUCIUS_OP_WORKFLOW_START);
	recovery_start(recovery);
	rig_turn();
	rig_answer(LUCIUS_OP_STORAGE_OWN, LUCIUS_CONFLICT);
	CHECK_INT(n_lost, 1);
	CHECK(!recovery_has_name(recovery));
	rig_answer(LUCIUS_OP_WORKFLOW_START, LUCIUS_OK);
	rig_advance(5000);
	CHECK_INT(n_recovered, 0);
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_OWN), 1);
	end();
}

static void stop_while_it_waits_leaves_nothing_behind(void)
{
	begin();
	rig_refuse(LUCIUS_OP_STORAGE_OWN, LUCIUS_UNAVAILABLE);
	recovery_start(recovery);
	rig_turn();
	recovery_stop(recovery);
	rig_advance(5000);
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_OWN), 1);
	end();
}

static void stop_before_the_end_leaves_the_cursor_behind(void)
{
	begin();
	for (unsigned i = 0; i < 501; i++) {
		char job_id[33];
		(void)snprintf(job_id, sizeof(job_id), "%032x", i);
		put_job(job_id);
	}
	rig_hold(LUCIUS_OP_WORKFLOW_START);
	rig.is_quiet = true;
	recovery_start(recovery);
	rig_turn();
	recovery_stop(recovery);
	rig_answer(LUCIUS_OP_WORKFLOW_START, LUCIUS_OK);
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_SCAN), 1);
	CHECK_INT(n_recovered, 0);
	end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(engine_gets_its_live_jobs_once_its_name_is_had),
		SUITE_TEST(nothing_to_recover_is_recovered_at_once),
		SUITE_TEST(page_with_gaps_is_taken_up_as_any_other),
		SUITE_TEST(job_that_has_ended_is_released_and_not_restored),
		SUITE_TEST(more_jobs_than_a_page_has_are_all_restored),
		SUITE_TEST(job_that_the_engine_does_not_take_is_tried_again_if_that_may_help),
		SUITE_TEST(one_job_of_many_that_fails_has_the_page_read_again),
		SUITE_TEST(scan_that_fails_is_begun_again),
		SUITE_TEST(name_that_is_not_had_is_asked_for_again),
		SUITE_TEST(name_that_is_renewed_is_not_begun_with_again),
		SUITE_TEST(name_that_is_lost_is_told_and_ends_the_taking_up),
		SUITE_TEST(stop_while_it_waits_leaves_nothing_behind),
		SUITE_TEST(stop_before_the_end_leaves_the_cursor_behind),
	};
	return suite_run("recovery", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
