/* SPDX-License-Identifier: MIT */
/*
 * Updates of one job: which of them share a save, what each is told, and what becomes of them when
 * the save does not go through.
 */
#include "tests/support/storage_world.h"
#include "tests/support/suite.h"
#include "tests/unit/ledger_rig.h"

static void updates_of_one_turn_share_a_save_that_holds_them_all(void)
{
	line_begin(0);
	struct line_call *mark = line_update(play_published);
	struct line_call *first = line_update(play_ack);
	struct line_call *second = line_update(play_success);
	world_turn();
	CHECK_INT(fake->n_asked, 1);
	line_loaded(line_leased, 1, "7");
	CHECK_INT(fake->n_asked, 2);
	CHECK_TEXT(fake->job->revision.data, "7");
	CHECK_TEXT(line_job_field("state"), "IN_PROGRESS");
	CHECK_TEXT(line_step_field("state"), "SUCCEEDED");
	CHECK(line_step_field("timer_started_at") != NULL);
	CHECK_INT(fake->job->n_events, 2);
	CHECK_TEXT(line_event_field(0, "event"), "reply.ack");
	CHECK_TEXT(line_event_field(0, "state"), "PROCESSING");
	CHECK_TEXT(line_event_field(1, "event"), "reply.result");
	CHECK_TEXT(line_event_field(1, "state"), "SUCCEEDED");
	CHECK_INT(fake->job->events[1]->seq, fake->job->events[0]->seq + 1);
	CHECK_INT(line.n_answered, 0);
	line_saved("8");
	CHECK_INT(mark->place, 1);
	CHECK_INT(first->place, 2);
	CHECK_INT(second->place, 3);
	CHECK_INT(fake->n_asked, 2);
	line_end();
}

static void each_is_told_the_job_as_it_left_it(void)
{
	line_begin(0);
	struct line_call *first = line_update(play_pause);
	struct line_call *second = line_update(play_resume);
	struct line_call *third = line_update(play_success);
	world_turn();
	line_loaded(line_leased, 1, "7");
	line_saved("8");
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
	line_end();
}

static void what_comes_during_a_save_shares_the_next_one(void)
{
	line_begin(0);
	struct line_call *first = line_update(play_published);
	world_turn();
	line_loaded(line_leased, 1, "7");
	struct line_call *second = line_update(play_ack);
	struct line_call *third = line_update(play_success);
	world_turn();
	CHECK_INT(fake->n_asked, 2);
	line_saved("8");
	CHECK_INT(first->n_done, 1);
	CHECK_INT(second->n_done, 0);
	CHECK_INT(fake->n_asked, 3);
	CHECK_TEXT(fake->job->revision.data, "8");
	line_saved("9");
	CHECK_INT(second->place, 2);
	CHECK_INT(third->place, 3);
	line_end();
}

static void events_of_two_attempts_in_one_save_keep_their_numbers(void)
{
	line_begin(0);
	line_update(play_retry);
	line_update(play_lease_2);
	world_turn();
	line_loaded(line_leased, 1, "7");
	CHECK_TEXT(line_step_field("attempt_no"), "2");
	CHECK_TEXT(line_event_field(0, "attempt_no"), "1");
	CHECK_TEXT(line_event_field(0, "state"), "FAILED_RETRY");
	CHECK_TEXT(line_event_field(1, "event"), "step.initiated");
	CHECK_TEXT(line_event_field(1, "attempt_no"), "2");
	line_saved("8");
	line_end();
}

static void one_that_is_refused_is_told_so_after_the_save_of_the_others(void)
{
	line_begin(0);
	struct line_call *first = line_update(play_success);
	struct line_call *second = line_update(play_lease_2);
	struct line_call *third = line_update(play_success);
	world_turn();
	line_loaded(line_leased, 1, "7");
	CHECK_TEXT(line_step_field("state"), "SUCCEEDED");
	CHECK_INT(fake->job->n_events, 1);
	CHECK_INT(line.n_answered, 0);
	line_saved("8");
	CHECK_INT(first->said, RULE_CHANGED);
	CHECK_INT(second->said, RULE_STEP_TERMINAL);
	CHECK_INT(second->step_state, STEP_SUCCEEDED);
	CHECK_INT(third->said, RULE_DUPLICATE);
	line_end();
}

static void one_that_is_refused_before_a_change_is_told_the_job_without_it(void)
{
	line_begin(0);
	struct line_call *first = line_update(play_lease_2);
	struct line_call *second = line_update(play_resume);
	struct line_call *third = line_update(play_success);
	world_turn();
	enum rule (*const rules[])(struct job *, const char *) = { play_lease_1, play_cancel };
	line_loaded(rules, 2, "7");
	line_saved("8");
	CHECK_INT(first->said, RULE_JOB_CANCELLING);
	CHECK_INT(first->step_state, STEP_INITIATED);
	CHECK_INT(second->said, RULE_JOB_CANCELLING);
	CHECK_INT(second->job_state, JOB_CANCELLING);
	CHECK_INT(third->said, RULE_CHANGED);
	CHECK_INT(third->job_state, JOB_CANCELLED);
	line_end();
}

static void after_a_conflict_each_decides_anew(void)
{
	line_begin(0);
	struct line_call *first = line_update(play_ack);
	struct line_call *second = line_update(play_lease_2);
	world_turn();
	line_loaded(line_leased, 1, "7");
	CHECK_TEXT(line_step_field("attempt_no"), "2");
	line_refused(LUCIUS_CONFLICT);
	CHECK_INT(line.n_answered, 0);
	/* Another process has taken the RESULT. */
	enum rule (*const rules[])(struct job *, const char *) = { play_lease_1, play_success };
	line_loaded(rules, 2, "8");
	CHECK_INT(fake->n_asked, 3);
	CHECK_INT(first->said, RULE_STALE);
	CHECK_INT(second->said, RULE_STEP_TERMINAL);
	CHECK_INT(second->n_tried, 2);
	CHECK_TEXT(second->revision, "8");
	line_end();
}

static void shared_save_of_unknown_outcome_that_was_done_is_not_repeated(void)
{
	line_begin(0);
	struct line_call *mark = line_update(play_published);
	struct line_call *first = line_update(play_ack);
	struct line_call *second = line_update(play_success);
	world_turn();
	line_loaded(line_leased, 1, "7");
	line_refused(LUCIUS_UNKNOWN);
	CHECK_INT(line.n_answered, 0);
	enum rule (*const rules[])(struct job *, const char *) = { play_lease_1, play_published,
		play_ack, play_success };
	line_loaded(rules, 4, "8");
	CHECK_INT(fake->n_asked, 3);
	CHECK_INT(mark->said, RULE_UNCHANGED);
	CHECK_INT(first->said, RULE_STALE);
	CHECK_INT(second->said, RULE_DUPLICATE);
	CHECK_INT(second->status, LUCIUS_OK);
	CHECK_INT(second->step_state, STEP_SUCCEEDED);
	line_end();
}

static void shared_save_of_unknown_outcome_that_was_not_done_is_repeated_whole(void)
{
	line_begin(0);
	struct line_call *first = line_update(play_ack);
	struct line_call *second = line_update(play_success);
	world_turn();
	line_loaded(line_leased, 1, "7");
	line_refused(LUCIUS_UNKNOWN);
	line_loaded(line_leased, 1, "7");
	CHECK_INT(fake->n_asked, 4);
	CHECK_INT(fake->job->n_events, 2);
	CHECK_TEXT(line_step_field("state"), "SUCCEEDED");
	CHECK_INT(line.n_answered, 0);
	line_saved("8");
	CHECK_INT(first->said, RULE_CHANGED);
	CHECK_INT(second->said, RULE_CHANGED);
	line_end();
}

static void storage_that_is_away_is_told_to_all(void)
{
	line_begin(0);
	struct line_call *first = line_update(play_ack);
	struct line_call *second = line_update(play_lease_2);
	world_turn();
	line_loaded(line_leased, 1, "7");
	line_refused(LUCIUS_UNAVAILABLE);
	CHECK_INT(first->status, LUCIUS_UNAVAILABLE);
	CHECK_INT(second->status, LUCIUS_UNAVAILABLE);
	CHECK_INT(fake->n_asked, 2);
	line_end();
}

static void what_the_storage_refuses_together_is_tried_one_by_one(void)
{
	line_begin(0);
	struct line_call *first = line_update(play_ack);
	struct line_call *second = line_update(play_success);
	struct line_call *third = line_update(play_pause);
	world_turn();
	line_loaded(line_leased, 1, "7");
	line_refused(LUCIUS_TOO_LARGE);
	CHECK_INT(line.n_answered, 0);
	line_loaded(line_leased, 1, "7");
	CHECK_TEXT(line_step_field("state"), "PROCESSING");
	CHECK_INT(fake->job->n_events, 1);
	line_saved("8");
	CHECK_INT(first->status, LUCIUS_OK);
	CHECK_TEXT(line_step_field("state"), "SUCCEEDED");
	line_refused(LUCIUS_TOO_LARGE);
	CHECK_INT(second->status, LUCIUS_TOO_LARGE);
	enum rule (*const rules[])(struct job *, const char *) = { play_lease_1, play_ack };
	line_loaded(rules, 2, "8");
	CHECK_TEXT(line_job_field("state"), "PAUSED");
	line_saved("9");
	CHECK_INT(third->status, LUCIUS_OK);
	line_end();
}

static void states_that_must_not_be_left_out_are_saved_by_themselves(void)
{
	line_begin(0);
	struct line_call *first = line_update(play_lease_2);
	struct line_call *second = line_update(play_ack_2);
	world_turn();
	enum rule (*const rules[])(struct job *, const char *) = { play_lease_1, play_retry };
	line_loaded(rules, 2, "7");
	/* A step goes from FAILED_RETRY to PROCESSING by way of INITIATED only. */
	CHECK_TEXT(line_step_field("state"), "INITIATED");
	CHECK_INT(fake->job->n_events, 1);
	line_saved("8");
	CHECK_INT(first->step_state, STEP_INITIATED);
	CHECK_INT(second->n_done, 0);
	CHECK_TEXT(line_step_field("state"), "PROCESSING");
	CHECK_INT(fake->job->n_events, 1);
	line_saved("9");
	CHECK_INT(second->said, RULE_CHANGED);
	line_end();
}

static void no_save_has_more_events_than_there_is_room_for(void)
{
	line_begin(0);
	for (unsigned i = 0; i < 5; i++) {
		line_update(play_pause);
		line_update(play_resume);
	}
	world_turn();
	line_loaded(line_leased, 1, "7");
	CHECK_INT(fake->job->n_events, JOB_MAX_NEW_EVENTS - 1);
	line_saved("8");
	CHECK_INT(fake->job->n_events, 10 - (JOB_MAX_NEW_EVENTS - 1));
	line_saved("9");
	CHECK_INT(line.calls[9].control_seq, 10);
	line_end();
}

static void one_behind_a_change_sees_no_revision_that_was_read(void)
{
	line_begin(0);
	line_update(play_look_at_revision);
	world_turn();
	line_loaded(line_leased, 1, "7");
	CHECK_TEXT(line.seen_revision, "7");
	line_update(play_ack);
	line_update(play_look_at_revision);
	world_turn();
	CHECK_TEXT(line.seen_revision, "");
	CHECK_TEXT(fake->job->revision.data, "7");
	line_saved("8");
	line_end();
}

static void patient_updates_wait_a_moment_for_one_that_is_not(void)
{
	line_begin(0);
	struct line_call *mark = line_update_patiently(play_published);
	world_turn();
	struct line_call *first = line_update_patiently(play_ack);
	world_turn();
	CHECK_INT(fake->n_asked, 0);
	struct line_call *second = line_update(play_success);
	world_turn();
	CHECK_INT(fake->n_asked, 1);
	line_loaded(line_leased, 1, "7");
	CHECK_INT(fake->job->n_events, 2);
	line_saved("8");
	CHECK_INT(mark->place, 1);
	CHECK_INT(first->place, 2);
	CHECK_INT(second->place, 3);
	line_end();
}

static void patience_has_an_end(void)
{
	line_begin(0);
	line_update_patiently(play_published);
	loop_advance(world.loop, 4);
	CHECK_INT(fake->n_asked, 0);
	line_update_patiently(play_ack);
	loop_advance(world.loop, 1);
	CHECK_INT(fake->n_asked, 1);
	line_loaded(line_leased, 1, "7");
	CHECK_INT(fake->job->n_events, 1);
	/* One that comes during the save has a moment of its own. */
	line_update_patiently(play_retry);
	line_saved("8");
	CHECK_INT(fake->n_asked, 2);
	loop_advance(world.loop, 5);
	CHECK_INT(fake->n_asked, 3);
	line_saved("9");
	line_end();
}

static void nothing_waits_for_others_when_the_process_is_about_to_stop(void)
{
	line_begin(0);
	line_update_patiently(play_published);
	world_turn();
	CHECK_INT(fake->n_asked, 0);
	ledger_hurry(line.ledger);
	world_turn();
	CHECK_INT(fake->n_asked, 1);
	line_update_patiently(play_ack);
	line_loaded(line_leased, 1, "7");
	line_saved("8");
	CHECK_INT(fake->n_asked, 3);
	line_saved("9");
	line_update_patiently(play_retry);
	world_turn();
	CHECK_INT(fake->n_asked, 4);
	line_saved("10");
	line_end();
}

static void refusals_from_the_cache_are_believed_with_a_save_only_if_others_write(void)
{
	line_begin(LUCIUS_STORAGE_SHARED);
	line_update(play_ack);
	world_turn();
	line_loaded(line_leased, 1, "7");
	line_saved("8");
	/* By itself: the storage is asked. */
	struct line_call *alone = line_update(play_ack);
	world_turn();
	CHECK_INT(alone->n_done, 0);
	CHECK_INT(fake->n_asked, 3);
	enum rule (*const rules[])(struct job *, const char *) = { play_lease_1, play_ack };
	line_loaded(rules, 2, "8");
	CHECK_INT(alone->said, RULE_DUPLICATE);
	/* With a change: its save tells that nobody else has written. */
	struct line_call *with = line_update(play_ack);
	line_update(play_success);
	world_turn();
	CHECK_INT(fake->n_asked, 4);
	CHECK_TEXT(line_step_field("state"), "SUCCEEDED");
	CHECK_INT(with->n_done, 0);
	line_saved("9");
	CHECK_INT(with->said, RULE_DUPLICATE);
	line_end();
}

static void who_comes_while_answers_are_given_is_next(void)
{
	line_begin(0);
	struct line_call *no_id = line_next_call(play_ack);
	ledger_update(line.ledger, "no id", line_change, line_on_done, no_id);
	world_turn();
	CHECK_INT(no_id->status, LUCIUS_NOT_FOUND);
	CHECK_INT(no_id->n_tried, 0);
	struct line_call *first = line_update(play_ack);
	world_turn();
	line_refused(LUCIUS_NOT_FOUND);
	CHECK_INT(first->status, LUCIUS_NOT_FOUND);
	CHECK_INT(first->n_tried, 0);
	struct line_call *second = line_update(play_ack);
	world_turn();
	line_loaded(line_leased, 1, "7");
	line_saved("8");
	CHECK_INT(second->said, RULE_CHANGED);
	line_end();
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
