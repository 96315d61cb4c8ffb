/* SPDX-License-Identifier: MIT */
/* Reading, changing and writing jobs while others write, too, and while the storage fails. */
#include "core/ledger.h"

#include "tests/support/rig.h"
#include "tests/support/suite.h"

#define JOB "0123456789abcdef0123456789abcdef"
#define OTHER_JOB "fedcba9876543210fedcba9876543210"
/* The same bucket as JOB's: a bucket goes by the first digits. */
#define NEIGHBOUR "01234567000000000000000000000000"

/* One update or read, and what came of it. */
struct asking {
	unsigned n_changed, n_done;
	enum rule wanted; /* RULE_CHANGED: the change pauses or resumes */
	uint32_t status;
	enum rule rule;
	enum job_state state;
	char sentence[128];
};

static const struct rig_traits shared = { .is_shared = true };

static void put_job(const char *job_id)
{
	CLEANUP(cleanup_job) struct job *job = rig_make_job(job_id, "t1", 1);
	rig_put_job(job);
}

static void begin(const struct rig_traits *traits)
{
	rig_begin(traits);
	put_job(JOB);
}

static enum rule change(void *user, struct job *job, const char *now)
{
	struct asking *asking = user;
	asking->n_changed++;
	if (asking->wanted != RULE_CHANGED) {
		return asking->wanted;
	}
	return rule_control(job, job->state == JOB_PAUSED ? CONTROL_RESUME : CONTROL_PAUSE, now);
}

static void on_done(void *user, const struct ledger_result *result)
{
	struct asking *asking = user;
	asking->n_done++;
	asking->status = result->status;
	asking->rule = result->rule;
	asking->state = result->job != NULL ? result->job->state : JOB_QUEUED;
	CHECK_INT(result->job != NULL, result->status == LUCIUS_OK);
	(void)snprintf(asking->sentence, sizeof(asking->sentence), "%s",
	        result->sentence != NULL ? result->sentence : "");
}

static struct asking update(const char *job_id, enum rule wanted)
{
	struct asking asking = { .wanted = wanted };
	ledger_update(rig.ledger, job_id, change, on_done, &asking);
	CHECK_INT(asking.n_done, 0);
	rig_advance(5000);
	CHECK_INT(asking.n_done, 1);
	CHECK_INT(ledger_n_open(rig.ledger), 0);
	return asking;
}

static struct asking read_job(
        void (*read)(struct ledger *, const char *, ledger_done_fn, void *), const char *job_id)
{
	struct asking asking = { 0 };
	read(rig.ledger, job_id, on_done, &asking);
	CHECK_INT(asking.n_done, 0);
	rig_turn();
	CHECK_INT(asking.n_done, 1);
	return asking;
}

static void change_is_saved_once_and_the_next_one_needs_no_load(void)
{
	begin(&shared);
	struct asking first = update(JOB, RULE_CHANGED);
	CHECK_INT(first.status, LUCIUS_OK);
	CHECK_INT(first.state, JOB_PAUSED);
	CHECK_TEXT(rig_all(1u << LUCIUS_KIND_STORAGE), "load " JOB "\nsave PAUSED\n");
	rig_forget();
	CHECK_INT(update(JOB, RULE_CHANGED).state, JOB_QUEUED);
	CHECK_TEXT(rig_all(1u << LUCIUS_KIND_STORAGE), "save QUEUED\n");
	rig_end();
}

static void what_is_no_job_id_is_not_found_and_not_asked_for(void)
{
	static const char *const ids[] = { NULL, "", "0123456789abcdef0123456789abcde",
		"0123456789abcdef0123456789abcdef0", "0123456789ABCDEF0123456789abcdef",
		"0123456789abcdef0123456789abcdeg" };
	begin(NULL);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		CHECK(!ledger_is_job_id(ids[i]));
		CHECK_INT(update(ids[i], RULE_CHANGED).status, LUCIUS_NOT_FOUND);
		CHECK_INT(read_job(ledger_read, ids[i]).status, LUCIUS_NOT_FOUND);
		CHECK_INT(read_job(ledger_glance, ids[i]).status, LUCIUS_NOT_FOUND);
	}
	CHECK(ledger_is_job_id(JOB));
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_LOAD), 0);
	CHECK_INT(update(OTHER_JOB, RULE_CHANGED).status, LUCIUS_NOT_FOUND);
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_LOAD), 1);
	rig_end();
}

static void save_against_an_old_revision_is_tried_on_a_fresh_copy(void)
{
	begin(&shared);
	update(JOB, RULE_CHANGED);
	struct asking other = { .wanted = RULE_CHANGED };
	rig_change_job(JOB, change, &other);
	rig_forget();
	struct asking asking = update(JOB, RULE_CHANGED);
	CHECK_INT(asking.n_changed, 2);
	CHECK_INT(asking.state, JOB_PAUSED);
	CHECK_TEXT(rig_all(1u << LUCIUS_KIND_STORAGE), "save QUEUED\nload " JOB "\nsave PAUSED\n");
	rig_end();
}

static void save_that_may_have_been_done_is_looked_up(void)
{
	begin(&shared);
	rig_lose(LUCIUS_OP_STORAGE_SAVE, LUCIUS_UNKNOWN);
	struct asking asking = update(JOB, RULE_CHANGED);
	CHECK_INT(asking.status, LUCIUS_OK);
	CHECK_INT(asking.n_changed, 2);
	/* The test's change is none that may be repeated: it has been done twice. */
	CHECK_INT(asking.state, JOB_QUEUED);
	rig_end();
}

/* It tries for about a second; then it says so. */
static void save_that_never_comes_through_is_given_up(void)
{
	static const struct {
		uint32_t status, outcome;
		bool is_silent;
		const char *sentence;
	} cases[] = {
		{ LUCIUS_CONFLICT, LUCIUS_UNAVAILABLE, true, "the job is being changed by others" },
		{ LUCIUS_CONFLICT, LUCIUS_UNAVAILABLE, false, "as the test has laid down" },
		{ LUCIUS_UNKNOWN, LUCIUS_UNKNOWN, false, "as the test has laid down" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&shared);
		rig.is_silent = cases[i].is_silent;
		for (unsigned k = 0; k < 20; k++) {
			rig_refuse(LUCIUS_OP_STORAGE_SAVE, cases[i].status);
		}
		struct asking asking = update(JOB, RULE_CHANGED);
		CHECK_INT(asking.status, cases[i].outcome);
		CHECK_TEXT(asking.sentence, cases[i].sentence);
		CHECK_INT(asking.n_changed, 20);
		CHECK_INT(update(JOB, RULE_CHANGED).state, JOB_PAUSED);
		rig_end();
	}
}

static void failure_of_the_storage_is_passed_on_and_nothing_is_kept_of_it(void)
{
	static const uint32_t statuses[] = { LUCIUS_UNAVAILABLE, LUCIUS_DENIED, LUCIUS_INTERNAL,
		LUCIUS_NOT_FOUND, LUCIUS_TOO_LARGE };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin(NULL);
		rig_refuse(LUCIUS_OP_STORAGE_SAVE, statuses[i]);
		CHECK_INT(update(JOB, RULE_CHANGED).status, statuses[i]);
		CHECK_INT(update(JOB, RULE_CHANGED).state, JOB_PAUSED);
		CHECK_INT(rig_count(LUCIUS_OP_STORAGE_LOAD), 2);
		rig_end();
	}
}

static void load_that_gives_no_job_is_a_bug_of_the_backend(void)
{
	begin(NULL);
	rig_refuse(LUCIUS_OP_STORAGE_LOAD, LUCIUS_OK);
	struct asking asking = update(JOB, RULE_CHANGED);
	CHECK_INT(asking.status, LUCIUS_INTERNAL);
	CHECK_TEXT(asking.sentence, "the storage backend gave no job");
	rig_refuse(LUCIUS_OP_STORAGE_LOAD, LUCIUS_OK);
	CHECK_INT(read_job(ledger_read, JOB).status, LUCIUS_INTERNAL);
	rig_end();
}

static void refusal_from_the_cache_is_believed_only_if_nobody_else_writes(void)
{
	for (int is_shared = 0; is_shared < 2; is_shared++) {
		begin(is_shared != 0 ? &shared : NULL);
		update(JOB, RULE_CHANGED);
		rig_forget();
		struct asking asking = update(JOB, RULE_STALE);
		CHECK_INT(asking.status, LUCIUS_OK);
		CHECK_INT(asking.rule, RULE_STALE);
		CHECK_INT(rig_count(LUCIUS_OP_STORAGE_LOAD), is_shared);
		CHECK_INT(rig_count(LUCIUS_OP_STORAGE_SAVE), 0);
		rig_end();
	}
}

static void updates_of_one_job_run_one_after_another(void)
{
	begin(&shared);
	struct asking first = { .wanted = RULE_CHANGED };
	struct asking second = { .wanted = RULE_CHANGED };
	struct asking third = { .wanted = RULE_UNCHANGED };
	rig_hold(LUCIUS_OP_STORAGE_SAVE);
	ledger_update(rig.ledger, JOB, change, on_done, &first);
	rig_turn();
	ledger_update(rig.ledger, JOB, change, on_done, &second);
	ledger_update(rig.ledger, JOB, change, on_done, &third);
	CHECK_INT(ledger_n_open(rig.ledger), 3);
	rig_turn();
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_SAVE), 1);
	CHECK_INT(second.n_done, 0);
	rig_answer(LUCIUS_OP_STORAGE_SAVE, LUCIUS_UNAVAILABLE);
	CHECK_INT(first.status, LUCIUS_UNAVAILABLE);
	CHECK_INT(second.status, LUCIUS_OK);
	CHECK_INT(second.state, JOB_PAUSED);
	CHECK_INT(third.n_done, 1);
	CHECK_INT(third.state, JOB_PAUSED);
	rig_end();
}

static void jobs_do_not_wait_for_each_other(void)
{
	static const char *const others[] = { OTHER_JOB, NEIGHBOUR };
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		begin(&shared);
		put_job(others[i]);
		struct asking first = { .wanted = RULE_CHANGED };
		struct asking second = { .wanted = RULE_CHANGED };
		struct asking third = { .wanted = RULE_CHANGED };
		rig_hold(LUCIUS_OP_STORAGE_LOAD);
		ledger_update(rig.ledger, JOB, change, on_done, &first);
		ledger_update(rig.ledger, others[i], change, on_done, &second);
		ledger_update(rig.ledger, others[i], change, on_done, &third);
		rig_turn();
		CHECK_INT(second.state, JOB_PAUSED);
		CHECK_INT(third.n_done, 1);
		CHECK_INT(first.n_done, 0);
		rig_answer(LUCIUS_OP_STORAGE_LOAD, LUCIUS_UNAVAILABLE);
		CHECK_INT(first.status, LUCIUS_UNAVAILABLE);
		rig_end();
	}
}

static void storage_that_does_not_answer_is_given_up_and_the_next_has_its_turn(void)
{
	begin(&shared);
	struct asking first = { .wanted = RULE_CHANGED };
	struct asking second = { .wanted = RULE_CHANGED };
	rig_hold(LUCIUS_OP_STORAGE_LOAD);
	ledger_update(rig.ledger, JOB, change, on_done, &first);
	rig_turn();
	ledger_update(rig.ledger, JOB, change, on_done, &second);
	rig_advance(30000);
	CHECK_INT(first.status, LUCIUS_UNKNOWN);
	CHECK_INT(second.state, JOB_PAUSED);
	rig_answer(LUCIUS_OP_STORAGE_LOAD, LUCIUS_OK);
	CHECK_INT(first.n_done, 1);
	rig_end();
}

static void read_is_from_the_storage_where_others_write(void)
{
	for (int is_shared = 0; is_shared < 2; is_shared++) {
		begin(is_shared != 0 ? &shared : NULL);
		CHECK_INT(read_job(ledger_read, JOB).state, JOB_QUEUED);
		update(JOB, RULE_CHANGED);
		rig_forget();
		CHECK_INT(read_job(ledger_read, JOB).state, JOB_PAUSED);
		CHECK_INT(rig_count(LUCIUS_OP_STORAGE_LOAD), is_shared);
		rig_refuse(LUCIUS_OP_STORAGE_LOAD, LUCIUS_UNAVAILABLE);
		CHECK_INT(read_job(ledger_read, OTHER_JOB).status, LUCIUS_UNAVAILABLE);
		rig_end();
	}
}

static void glance_takes_what_was_saved_a_moment_ago(void)
{
	begin(&shared);
	struct asking asking = { .wanted = RULE_CHANGED };
	ledger_update(rig.ledger, JOB, change, on_done, &asking);
	rig_turn();
	rig_forget();
	CHECK_INT(read_job(ledger_glance, JOB).state, JOB_PAUSED);
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_LOAD), 0);
	rig_advance(1500);
	CHECK_INT(read_job(ledger_glance, JOB).state, JOB_PAUSED);
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_LOAD), 1);
	rig_end();
}

static void job_that_is_remembered_is_changed_without_a_load(void)
{
	begin(&shared);
	CLEANUP(cleanup_job) struct job *job = rig_load_job(JOB);
	ledger_remember(rig.ledger, job);
	CHECK_INT(read_job(ledger_glance, JOB).state, JOB_QUEUED);
	CHECK_INT(update(JOB, RULE_CHANGED).state, JOB_PAUSED);
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_LOAD), 0);
	rig_end();
}

static void slot_is_freed_for_callers_and_for_nobody(void)
{
	begin(NULL);
	CLEANUP(cleanup_job) struct job *job = rig_load_job(JOB);
	ledger_release(rig.ledger, job, NULL);
	rig_turn();
	CHECK_TEXT(rig_last(LUCIUS_OP_STORAGE_RELEASE), "release " JOB);
	CHECK(ledger_storage(rig.ledger) == rig.storage);
	ledger_destroy(NULL);
	rig_end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(change_is_saved_once_and_the_next_one_needs_no_load),
		SUITE_TEST(what_is_no_job_id_is_not_found_and_not_asked_for),
		SUITE_TEST(save_against_an_old_revision_is_tried_on_a_fresh_copy),
		SUITE_TEST(save_that_may_have_been_done_is_looked_up),
		SUITE_TEST(save_that_never_comes_through_is_given_up),
		SUITE_TEST(failure_of_the_storage_is_passed_on_and_nothing_is_kept_of_it),
		SUITE_TEST(load_that_gives_no_job_is_a_bug_of_the_backend),
		SUITE_TEST(refusal_from_the_cache_is_believed_only_if_nobody_else_writes),
		SUITE_TEST(updates_of_one_job_run_one_after_another),
		SUITE_TEST(jobs_do_not_wait_for_each_other),
		SUITE_TEST(storage_that_does_not_answer_is_given_up_and_the_next_has_its_turn),
		SUITE_TEST(read_is_from_the_storage_where_others_write),
		SUITE_TEST(glance_takes_what_was_saved_a_moment_ago),
		SUITE_TEST(job_that_is_remembered_is_changed_without_a_load),
		SUITE_TEST(slot_is_freed_for_callers_and_for_nobody),
	};
	return suite_run("ledger", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
