/* SPDX-License-Identifier: MIT */
/*
 * Updates of one job: which of them share a save, what each is told, and what becomes of them when
 * the save does not go through. The storage is one that the test answers for.
 */
#include "core/ledger.h"

#include <stdlib.h>

#include "core/job_rules.h"
#include "tests/support/storage_world.h"
#include "tests/support/suite.h"

#define JOB_ID "0123456789abcdef0123456789abcdef"
#define LEASE_END "2026-11-24T12:15:00.000000Z"

enum { N_CALLS = 16 };

/* One update and what it was told. */
struct call {
	enum rule (*rule)(struct job *job, const char *now);
	unsigned n_tried;
	unsigned n_done;
	unsigned place; /* in the order of the answers, from 1 */
	uint32_t status;
	enum rule said;
	enum job_state job_state;
	enum step_state step_state;
	int64_t control_seq;
	char revision[16];
};

static struct ledger *ledger;
static struct call calls[N_CALLS];
static unsigned n_calls;
static unsigned n_answered;
static char seen_revision[16]; /* by a change that looks at it */

static enum rule reply(struct job *job, int64_t attempt_no, enum reply_kind kind, const char *now)
{
	const struct reply_facts facts = {
		.kind = kind,
		.tenant_id = "t1",
		.step_id = "ocr",
		.attempt_no = attempt_no,
		.lease_id = attempt_no == 1 ? "a" : "b",
		.error_code = kind >= REPLY_FAILED_RETRY ? "BAD_SCAN" : NULL,
	};
	return rule_reply(job, &facts, now);
}

static enum rule lease(struct job *job, int64_t attempt_no, const char *now)
{
	const struct lease_request request = { "t1", "ocr", attempt_no, attempt_no == 1 ? "a" : "b",
		LEASE_END };
	return rule_lease(job, &request, now);
}

static enum rule lease_1(struct job *job, const char *now)
{
	return lease(job, 1, now);
}

static enum rule lease_2(struct job *job, const char *now)
{
	return lease(job, 2, now);
}

static enum rule published(struct job *job, const char *now)
{
	const struct lease_request request = { "t1", "ocr", 1, "a", LEASE_END };
	return rule_published(job, &request, now);
}

static enum rule ack(struct job *job, const char *now)
{
	return reply(job, 1, REPLY_ACK, now);
}

static enum rule ack_2(struct job *job, const char *now)
{
	return reply(job, 2, REPLY_ACK, now);
}

static enum rule success(struct job *job, const char *now)
{
	return reply(job, 1, REPLY_SUCCEEDED, now);
}

static enum rule retry(struct job *job, const char *now)
{
	return reply(job, 1, REPLY_FAILED_RETRY, now);
}

static enum rule pause_it(struct job *job, const char *now)
{
	return rule_control(job, CONTROL_PAUSE, now);
}

static enum rule resume_it(struct job *job, const char *now)
{
	return rule_control(job, CONTROL_RESUME, now);
}

static enum rule cancel_it(struct job *job, const char *now)
{
	return rule_control(job, CONTROL_CANCEL, now);
}

static enum rule look_at_revision(struct job *job, const char *now)
{
	(void)now;
	(void)snprintf(seen_revision, sizeof(seen_revision), "%.*s", (int)job->revision.size,
	        job->revision.data);
	return RULE_STALE;
}

static enum rule change(void *user, struct job *job, const char *now)
{
	struct call *call = user;
	call->n_tried++;
	return call->rule(job, now);
}

static void on_done(void *user, const struct ledger_result *result)
{
	struct call *call = user;
	call->n_done++;
	call->place = ++n_answered;
	call->status = result->status;
	call->said = result->rule;
	CHECK_INT(result->job != NULL, result->status == LUCIUS_OK);
	if (result->job != NULL) {
		call->job_state = result->job->state;
		call->step_state = result->job->steps[0].state;
		call->control_seq = result->job->control_seq;
		(void)snprintf(call->revision, sizeof(call->revision), "%.*s",
		        (int)result->job->revision.size, result->job->revision.data);
	}
}

static struct call *call_of(enum rule (*rule)(struct job *, const char *))
{
	struct call *call = &calls[n_calls++];
	*call = (struct call){ .rule = rule };
	return call;
}

static struct call *update(enum rule (*rule)(struct job *, const char *))
{
	struct call *call = call_of(rule);
	ledger_update(ledger, JOB_ID, change, on_done, call);
	return call;
}

static struct call *update_patiently(enum rule (*rule)(struct job *, const char *))
{
	struct call *call = call_of(rule);
	ledger_update_patiently(ledger, JOB_ID, change, on_done, call);
	return call;
}

static void begin(uint32_t traits)
{
	world_begin();
	fake->traits = traits;
	ledger = ledger_create(world.loop, world.storage);
	n_calls = 0;
	n_answered = 0;
}

static void end(void)
{
	unsigned n_asked = fake->n_asked;
	loop_advance(world.loop, 1000);
	CHECK_INT(fake->n_asked, n_asked);
	CHECK_INT(ledger_n_open(ledger), 0);
	for (unsigned i = 0; i < n_calls; i++) {
		CHECK_INT(calls[i].n_done, 1);
	}
	ledger_destroy(ledger);
	world_end();
}

static struct lucius_op last_asked(void)
{
	return fake->asked[fake->n_asked - 1];
}

/* A job of two steps, on which these rules were played. */
static struct job *job_after(enum rule (*const *rules)(struct job *, const char *), size_t n_rules)
{
	struct job *job = job_create();
	job_set(job, &job->job_id, JOB_ID);
	job_set(job, &job->tenant_id, "t1");
	job->n_steps = 2;
	job->steps = arena_zalloc(&job->arena, 2 * sizeof(*job->steps));
	for (size_t i = 0; i < 2; i++) {
		job->steps[i].step_index = (int64_t)i;
		job_set(job, &job->steps[i].step_id, i == 0 ? "ocr" : "embedding");
		job_set(job, &job->steps[i].output_ref, "out");
	}
	for (size_t i = 0; i < n_rules; i++) {
		CHECK_INT(rules[i](job, "2026-11-24T12:00:00.000000Z"), RULE_CHANGED);
	}
	job->n_new_events = 0;
	return job;
}

static void give_row(const struct job *job, const char *revision)
{
	CLEANUP_ARENA struct arena arena = { 0 };
	struct lucius_job row = *job_encode_new(job, &arena);
	row.revision = world_text(revision);
	fake->host->give(fake->host, last_asked(), &row);
}

/* Answers a load. */
static void loaded(
        enum rule (*const *rules)(struct job *, const char *), size_t n_rules, const char *revision)
{
	CLEANUP(cleanup_job) struct job *job = job_after(rules, n_rules);
	give_row(job, revision);
	world_finish(last_asked(), LUCIUS_OK, NULL);
	world_turn();
}

static enum rule (*const leased[])(struct job *, const char *) = { lease_1 };

static void saved(const char *revision)
{
	CLEANUP(cleanup_job) struct job *job = job_after(leased, 1);
	give_row(job, revision);
	world_finish(last_asked(), LUCIUS_OK, NULL);
	world_turn();
}

static void refused(uint32_t status)
{
	world_finish(last_asked(), status, NULL);
	world_turn();
}

static const char *field_of(const struct lucius_field *fields, uint64_t n_fields, const char *name)
{
	for (uint64_t i = 0; i < n_fields; i++) {
		if (strcmp(fields[i].name, name) == 0) {
			return fields[i].value;
		}
	}
	return NULL;
}

/* Of the save under way. */
static const char *saved_job_field(const char *name)
{
	return field_of(fake->job->fields, fake->job->n_fields, name);
}

static const char *saved_step_field(const char *name)
{
	return fake->job->n_steps != 0
	        ? field_of(fake->job->steps[0]->fields, fake->job->steps[0]->n_fields, name)
	        : NULL;
}

static const char *saved_event_field(size_t number, const char *name)
{
	return number < fake->job->n_events ? field_of(fake->job->events[number]->fields,
	                                              fake->job->events[number]->n_fields, name)
	                                    : NULL;
}

static void updates_of_one_turn_share_a_save_that_holds_them_all(void)
{
	begin(0);
	struct call *mark = update(published);
	struct call *first = update(ack);
	struct call *second = update(success);
	world_turn();
	CHECK_INT(fake->n_asked, 1);
	loaded(leased, 1, "7");
	CHECK_INT(fake->n_asked, 2);
	CHECK_TEXT(fake->job->revision.data, "7");
	CHECK_TEXT(saved_job_field("state"), "IN_PROGRESS");
	CHECK_TEXT(saved_step_field("state"), "SUCCEEDED");
	CHECK(saved_step_field("timer_started_at") != NULL);
	CHECK_INT(fake->job->n_events, 2);
	CHECK_TEXT(saved_event_field(0, "event"), "reply.ack");
	CHECK_TEXT(saved_event_field(0, "state"), "PROCESSING");
	CHECK_TEXT(saved_event_field(1, "event"), "reply.result");
	CHECK_TEXT(saved_event_field(1, "state"), "SUCCEEDED");
	CHECK_INT(fake->job->events[1]->seq, fake->job->events[0]->seq + 1);
	CHECK_INT(n_answered, 0);
	saved("8");
	CHECK_INT(mark->place, 1);
	CHECK_INT(first->place, 2);
	CHECK_INT(second->place, 3);
	CHECK_INT(fake->n_asked, 2);
	end();
}

static void each_is_told_the_job_as_it_left_it(void)
{
	begin(0);
	struct call *first = update(pause_it);
	struct call *second = update(resume_it);
	struct call *third = update(success);
	world_turn();
	loaded(leased, 1, "7");
	saved("8");
	CHECK_INT(first->said, RULE_CHANGED);
	CHECK_INT(first->job_state, JOB_PAUSED);
	CHECK_INT(first->control_seq, 1);
	CHECK_TEXT(first->revision, "8");
	CHECK_INT(second->job_state, JOB_QUEUED);
	CHECK_INT(second->control_seq, 2);
	CHECK_INT(second->step_state, STEP_INITIATED);
	CHECK_INT(third->job_state, JOB_IN_PROGRESS);
	CHECK_INT(third->step_state, STEP_SUCCEEDED);
	CHECK_TEXT(third->revision, "8");
	end();
}

static void what_comes_during_a_save_shares_the_next_one(void)
{
	begin(0);
	struct call *first = update(published);
	world_turn();
	loaded(leased, 1, "7");
	struct call *second = update(ack);
	struct call *third = update(success);
	world_turn();
	CHECK_INT(fake->n_asked, 2);
	saved("8");
	CHECK_INT(first->n_done, 1);
	CHECK_INT(second->n_done, 0);
	CHECK_INT(fake->n_asked, 3);
	CHECK_TEXT(fake->job->revision.data, "8");
	saved("9");
	CHECK_INT(second->place, 2);
	CHECK_INT(third->place, 3);
	end();
}

static void events_of_two_attempts_in_one_save_keep_their_numbers(void)
{
	begin(0);
	update(retry);
	update(lease_2);
	world_turn();
	loaded(leased, 1, "7");
	CHECK_TEXT(saved_step_field("attempt_no"), "2");
	CHECK_TEXT(saved_event_field(0, "attempt_no"), "1");
	CHECK_TEXT(saved_event_field(0, "state"), "FAILED_RETRY");
	CHECK_TEXT(saved_event_field(1, "event"), "step.initiated");
	CHECK_TEXT(saved_event_field(1, "attempt_no"), "2");
	saved("8");
	end();
}

static void one_that_is_refused_is_told_so_after_the_save_of_the_others(void)
{
	begin(0);
	struct call *first = update(success);
	struct call *second = update(lease_2);
	struct call *third = update(success);
	world_turn();
	loaded(leased, 1, "7");
	CHECK_TEXT(saved_step_field("state"), "SUCCEEDED");
	CHECK_INT(fake->job->n_events, 1);
	CHECK_INT(n_answered, 0);
	saved("8");
	CHECK_INT(first->said, RULE_CHANGED);
	CHECK_INT(second->said, RULE_STEP_TERMINAL);
	CHECK_INT(second->step_state, STEP_SUCCEEDED);
	CHECK_INT(third->said, RULE_DUPLICATE);
	end();
}

static void one_that_is_refused_before_a_change_is_told_the_job_without_it(void)
{
	begin(0);
	struct call *first = update(lease_2);
	struct call *second = update(resume_it);
	struct call *third = update(success);
	world_turn();
	enum rule (*const rules[])(struct job *, const char *) = { lease_1, cancel_it };
	loaded(rules, 2, "7");
	saved("8");
	CHECK_INT(first->said, RULE_JOB_CANCELLING);
	CHECK_INT(first->step_state, STEP_INITIATED);
	CHECK_INT(second->said, RULE_JOB_CANCELLING);
	CHECK_INT(second->job_state, JOB_CANCELLING);
	CHECK_INT(third->said, RULE_CHANGED);
	CHECK_INT(third->job_state, JOB_CANCELLED);
	end();
}

static void after_a_conflict_each_decides_anew(void)
{
	begin(0);
	struct call *first = update(ack);
	struct call *second = update(lease_2);
	world_turn();
	loaded(leased, 1, "7");
	CHECK_TEXT(saved_step_field("attempt_no"), "2");
	refused(LUCIUS_CONFLICT);
	CHECK_INT(n_answered, 0);
	/* Another process has taken the RESULT. */
	enum rule (*const rules[])(struct job *, const char *) = { lease_1, success };
	loaded(rules, 2, "8");
	CHECK_INT(fake->n_asked, 3);
	CHECK_INT(first->said, RULE_STALE);
	CHECK_INT(second->said, RULE_STEP_TERMINAL);
	CHECK_INT(second->n_tried, 2);
	CHECK_TEXT(second->revision, "8");
	end();
}

static void shared_save_of_unknown_outcome_that_was_done_is_not_repeated(void)
{
	begin(0);
	struct call *mark = update(published);
	struct call *first = update(ack);
	struct call *second = update(success);
	world_turn();
	loaded(leased, 1, "7");
	refused(LUCIUS_UNKNOWN);
	CHECK_INT(n_answered, 0);
	enum rule (*const rules[])(
	        struct job *, const char *) = { lease_1, published, ack, success };
	loaded(rules, 4, "8");
	CHECK_INT(fake->n_asked, 3);
	CHECK_INT(mark->said, RULE_UNCHANGED);
	CHECK_INT(first->said, RULE_STALE);
	CHECK_INT(second->said, RULE_DUPLICATE);
	CHECK_INT(second->status, LUCIUS_OK);
	CHECK_INT(second->step_state, STEP_SUCCEEDED);
	end();
}

static void shared_save_of_unknown_outcome_that_was_not_done_is_repeated_whole(void)
{
	begin(0);
	struct call *first = update(ack);
	struct call *second = update(success);
	world_turn();
	loaded(leased, 1, "7");
	refused(LUCIUS_UNKNOWN);
	loaded(leased, 1, "7");
	CHECK_INT(fake->n_asked, 4);
	CHECK_INT(fake->job->n_events, 2);
	CHECK_TEXT(saved_step_field("state"), "SUCCEEDED");
	CHECK_INT(n_answered, 0);
	saved("8");
	CHECK_INT(first->said, RULE_CHANGED);
	CHECK_INT(second->said, RULE_CHANGED);
	end();
}

static void storage_that_is_away_is_told_to_all(void)
{
	begin(0);
	struct call *first = update(ack);
	struct call *second = update(lease_2);
	world_turn();
	loaded(leased, 1, "7");
	refused(LUCIUS_UNAVAILABLE);
	CHECK_INT(first->status, LUCIUS_UNAVAILABLE);
	CHECK_INT(second->status, LUCIUS_UNAVAILABLE);
	CHECK_INT(fake->n_asked, 2);
	end();
}

static void what_the_storage_refuses_together_is_tried_one_by_one(void)
{
	begin(0);
	struct call *first = update(ack);
	struct call *second = update(success);
	struct call *third = update(pause_it);
	world_turn();
	loaded(leased, 1, "7");
	refused(LUCIUS_TOO_LARGE);
	CHECK_INT(n_answered, 0);
	loaded(leased, 1, "7");
	CHECK_TEXT(saved_step_field("state"), "PROCESSING");
	CHECK_INT(fake->job->n_events, 1);
	saved("8");
	CHECK_INT(first->status, LUCIUS_OK);
	CHECK_TEXT(saved_step_field("state"), "SUCCEEDED");
	refused(LUCIUS_TOO_LARGE);
	CHECK_INT(second->status, LUCIUS_TOO_LARGE);
	enum rule (*const rules[])(struct job *, const char *) = { lease_1, ack };
	loaded(rules, 2, "8");
	CHECK_TEXT(saved_job_field("state"), "PAUSED");
	saved("9");
	CHECK_INT(third->status, LUCIUS_OK);
	end();
}

static void states_that_must_not_be_left_out_are_saved_by_themselves(void)
{
	begin(0);
	struct call *first = update(lease_2);
	struct call *second = update(ack_2);
	world_turn();
	enum rule (*const rules[])(struct job *, const char *) = { lease_1, retry };
	loaded(rules, 2, "7");
	/* A step goes from FAILED_RETRY to PROCESSING by way of INITIATED only. */
	CHECK_TEXT(saved_step_field("state"), "INITIATED");
	CHECK_INT(fake->job->n_events, 1);
	saved("8");
	CHECK_INT(first->step_state, STEP_INITIATED);
	CHECK_INT(second->n_done, 0);
	CHECK_TEXT(saved_step_field("state"), "PROCESSING");
	CHECK_INT(fake->job->n_events, 1);
	saved("9");
	CHECK_INT(second->said, RULE_CHANGED);
	end();
}

static void no_save_has_more_events_than_there_is_room_for(void)
{
	begin(0);
	for (unsigned i = 0; i < 5; i++) {
		update(pause_it);
		update(resume_it);
	}
	world_turn();
	loaded(leased, 1, "7");
	CHECK_INT(fake->job->n_events, JOB_MAX_NEW_EVENTS - 1);
	saved("8");
	CHECK_INT(fake->job->n_events, 10 - (JOB_MAX_NEW_EVENTS - 1));
	saved("9");
	CHECK_INT(calls[9].control_seq, 10);
	end();
}

static void one_behind_a_change_sees_no_revision_that_was_read(void)
{
	begin(0);
	update(look_at_revision);
	world_turn();
	loaded(leased, 1, "7");
	CHECK_TEXT(seen_revision, "7");
	update(ack);
	update(look_at_revision);
	world_turn();
	CHECK_TEXT(seen_revision, "");
	CHECK_TEXT(fake->job->revision.data, "7");
	saved("8");
	end();
}

static void patient_updates_wait_a_moment_for_one_that_is_not(void)
{
	begin(0);
	struct call *mark = update_patiently(published);
	world_turn();
	struct call *first = update_patiently(ack);
	world_turn();
	CHECK_INT(fake->n_asked, 0);
	struct call *second = update(success);
	world_turn();
	CHECK_INT(fake->n_asked, 1);
	loaded(leased, 1, "7");
	CHECK_INT(fake->job->n_events, 2);
	saved("8");
	CHECK_INT(mark->place, 1);
	CHECK_INT(first->place, 2);
	CHECK_INT(second->place, 3);
	end();
}

static void patience_has_an_end(void)
{
	begin(0);
	update_patiently(published);
	loop_advance(world.loop, 4);
	CHECK_INT(fake->n_asked, 0);
	update_patiently(ack);
	loop_advance(world.loop, 1);
	CHECK_INT(fake->n_asked, 1);
	loaded(leased, 1, "7");
	CHECK_INT(fake->job->n_events, 1);
	/* One that comes during the save has a moment of its own. */
	update_patiently(retry);
	saved("8");
	CHECK_INT(fake->n_asked, 2);
	loop_advance(world.loop, 5);
	CHECK_INT(fake->n_asked, 3);
	saved("9");
	end();
}

static void nothing_waits_for_others_when_the_process_is_about_to_stop(void)
{
	begin(0);
	update_patiently(published);
	world_turn();
	CHECK_INT(fake->n_asked, 0);
	ledger_hurry(ledger);
	world_turn();
	CHECK_INT(fake->n_asked, 1);
	update_patiently(ack);
	loaded(leased, 1, "7");
	saved("8");
	CHECK_INT(fake->n_asked, 3);
	saved("9");
	update_patiently(retry);
	world_turn();
	CHECK_INT(fake->n_asked, 4);
	saved("10");
	end();
}

static void refusals_from_the_cache_are_believed_with_a_save_only_if_others_write(void)
{
	begin(LUCIUS_STORAGE_SHARED);
	update(ack);
	world_turn();
	loaded(leased, 1, "7");
	saved("8");
	/* By itself: the storage is asked. */
	struct call *alone = update(ack);
	world_turn();
	CHECK_INT(alone->n_done, 0);
	CHECK_INT(fake->n_asked, 3);
	enum rule (*const rules[])(struct job *, const char *) = { lease_1, ack };
	loaded(rules, 2, "8");
	CHECK_INT(alone->said, RULE_DUPLICATE);
	/* With a change: its save tells that nobody else has written. */
	struct call *with = update(ack);
	update(success);
	world_turn();
	CHECK_INT(fake->n_asked, 4);
	CHECK_TEXT(saved_step_field("state"), "SUCCEEDED");
	CHECK_INT(with->n_done, 0);
	saved("9");
	CHECK_INT(with->said, RULE_DUPLICATE);
	end();
}

static void who_comes_while_answers_are_given_is_next(void)
{
	begin(0);
	struct call *no_id = call_of(ack);
	ledger_update(ledger, "no id", change, on_done, no_id);
	world_turn();
	CHECK_INT(no_id->status, LUCIUS_NOT_FOUND);
	CHECK_INT(no_id->n_tried, 0);
	struct call *first = update(ack);
	world_turn();
	refused(LUCIUS_NOT_FOUND);
	CHECK_INT(first->status, LUCIUS_NOT_FOUND);
	CHECK_INT(first->n_tried, 0);
	struct call *second = update(ack);
	world_turn();
	loaded(leased, 1, "7");
	saved("8");
	CHECK_INT(second->said, RULE_CHANGED);
	end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(updates_of_one_turn_share_a_save_that_holds_them_all),
		SUITE_TEST(each_is_told_the_job_as_it_left_it),
		SUITE_TEST(what_comes_during_a_save_shares_the_next_one),
		SUITE_TEST(events_of_two_attempts_in_one_save_keep_their_numbers),
		SUITE_TEST(one_that_is_refused_is_told_so_after_the_save_of_the_others),
		SUITE_TEST(one_that_is_refused_before_a_change_is_told_the_job_without_it),
		SUITE_TEST(after_a_conflict_each_decides_anew),
		SUITE_TEST(shared_save_of_unknown_outcome_that_was_done_is_not_repeated),
		SUITE_TEST(shared_save_of_unknown_outcome_that_was_not_done_is_repeated_whole),
		SUITE_TEST(storage_that_is_away_is_told_to_all),
		SUITE_TEST(what_the_storage_refuses_together_is_tried_one_by_one),
		SUITE_TEST(states_that_must_not_be_left_out_are_saved_by_themselves),
		SUITE_TEST(no_save_has_more_events_than_there_is_room_for),
		SUITE_TEST(one_behind_a_change_sees_no_revision_that_was_read),
		SUITE_TEST(patient_updates_wait_a_moment_for_one_that_is_not),
		SUITE_TEST(patience_has_an_end),
		SUITE_TEST(nothing_waits_for_others_when_the_process_is_about_to_stop),
		SUITE_TEST(refusals_from_the_cache_are_believed_with_a_save_only_if_others_write),
		SUITE_TEST(who_comes_while_answers_are_given_is_next),
	};
	return suite_run("ledger_line", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
