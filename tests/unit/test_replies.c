/* SPDX-License-Identifier: MIT */
/* What becomes of a reply when a backend refuses, does not answer or loses its answer on the way:
 * ledger, then signal, then settlement, then the slot. */
#include "core/replies.h"
#include "tests/support/rig.h"
#include "tests/support/suite.h"

#define JOB "0123456789abcdef0123456789abcdef"
#define ALL_KINDS 0x1eu

#define ACK                                                                 \
	"{\"type\": \"ACK\", \"jobId\": \"" JOB "\", \"stepId\": \"ocr\", " \
	"\"tenant_id\": \"t1\", \"attempt_no\": 1, \"lease_id\": \"a\"}"
#define RESULT_OF(lease)                                                          \
	"{\"type\": \"RESULT\", \"jobId\": \"" JOB "\", \"stepId\": \"ocr\", "    \
	"\"tenant_id\": \"t1\", \"attempt_no\": 1, \"lease_id\": \"" lease "\", " \
	"\"status\": \"SUCCEEDED\", \"output_ref\": \"out\"}"
#define RESULT RESULT_OF("a")

/* The longest back-off, and a little. */
enum { BACK_OFF_MS = 16000 };

static int64_t dlq_seconds;
static struct replies *replies;
static bool is_stopped;

static enum rule lease(void *user, struct job *job, const char *now)
{
	const struct lease_request request = { "t1", "ocr", 1, "a", "2100-01-01T00:00:00Z" };
	(void)user;
	return rule_lease(job, &request, now);
}

static void begin_with(const struct rig_traits *traits, uint32_t n_lanes)
{
	rig_begin(traits);
	CLEANUP(cleanup_job) struct job *job = rig_make_job(JOB, "t1", 1);
	rig_put_job(job);
	rig_change_job(JOB, lease, NULL);
	const struct replies_parts parts = {
		.loop = rig.loop,
		.ledger = rig.ledger,
		.bus = rig.bus,
		.signals = &rig.signals,
		.n_lanes = n_lanes,
		.topic_prefix = "replies-",
		.subscription = "invoker",
		.dlq_seconds = &dlq_seconds,
	};
	replies = replies_create(&parts);
	replies_start(replies);
	rig_turn();
}

static void begin(void)
{
	dlq_seconds = 0;
	begin_with(NULL, 2);
	CHECK_TEXT(rig_all(1u << LUCIUS_KIND_BUS), "subscribe replies-0\nsubscribe replies-1\n");
	rig_forget();
}

static void on_stopped(void *user)
{
	(void)user;
	is_stopped = true;
}

static void stop(void)
{
	is_stopped = false;
	replies_stop(replies, on_stopped, NULL);
	CHECK(!is_stopped);
	rig_turn();
}

static void end(void)
{
	stop();
	CHECK(is_stopped);
	replies_destroy(replies);
	rig_end();
}

static enum job_state state_of(void)
{
	CLEANUP(cleanup_job) struct job *job = rig_load_job(JOB);
	return job->state;
}

/* What was asked of the backends, in one line each, without what a signal says. */
static void expect_asked(const char *expected)
{
	char asked[1024] = "";
	char *end = asked;
	for (unsigned i = 0; i < rig.n_asked; i++) {
		if (rig.asked[i].operation != 0 && rig.asked[i].operation >> 8 != 0 &&
		        rig.asked[i].operation != LUCIUS_OP_BUS_SUBSCRIBE) {
			int size = (int)strcspn(rig.asked[i].text, "{0");
			end += snprintf(end, 64, "%.*s;", size, rig.asked[i].text);
		}
	}
	CHECK_TEXT(asked, expected);
	rig_forget();
}

static void ack_is_written_then_told_then_completed(void)
{
	begin();
	rig_deliver("replies-1", 7, ACK, NULL);
	expect_asked("load ;save IN_PROGRESS;signal step_ack ;settle 7 complete -;");
	CHECK_INT(state_of(), JOB_IN_PROGRESS);
	end();
}

static void last_result_frees_the_slot_when_all_else_is_done(void)
{
	begin();
	rig_deliver("replies-0", 7, RESULT, NULL);
	expect_asked("load ;save SUCCEEDED;signal step_result ;settle 7 complete -;release ;");
	CHECK_INT(state_of(), JOB_SUCCEEDED);
	end();
}

static void what_is_no_reply_or_of_no_job_is_dead_lettered(void)
{
	static const struct {
		const char *body;
		const char *reason;
	} cases[] = {
		{ "nonsense", "NotAReply" },
		{ "[]", "NotAReply" },
		{ "{\"type\": \"ACK\"}", "NotAReply" },
		{ "{\"type\": \"ACK\", \"jobId\": \"fedcba9876543210fedcba9876543210\", "
		  "\"stepId\": \"ocr\", \"attempt_no\": 1, \"lease_id\": \"a\"}",
		        "JobUnknown" },
		{ "{\"type\": \"ACK\", \"jobId\": \"no job id\", \"stepId\": \"ocr\", "
		  "\"attempt_no\": 1, \"lease_id\": \"a\"}",
		        "JobUnknown" },
	};
	begin();
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char expected[64];
		rig_deliver("replies-0", i + 1, cases[i].body, NULL);
		(void)snprintf(expected, sizeof(expected), "settle %u dead-letter %s", i + 1,
		        cases[i].reason);
		CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SETTLE), expected);
	}
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_SIGNAL), 0);
	end();
}

static void reply_that_changes_nothing_is_completed_and_not_told(void)
{
	static const char *const bodies[] = {
		RESULT_OF("another"),
		"{\"type\": \"ACK\", \"jobId\": \"" JOB "\", \"stepId\": \"nothing\", "
		"\"attempt_no\": 1, \"lease_id\": \"a\"}",
		"{\"type\": \"ACK\", \"jobId\": \"" JOB "\", \"stepId\": \"ocr\", "
		"\"tenant_id\": \"t2\", \"attempt_no\": 1, \"lease_id\": \"a\"}",
	};
	begin();
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		rig_deliver("replies-0", 7, bodies[i], NULL);
		CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SETTLE), "settle 7 complete -");
		CHECK_INT(rig_count(LUCIUS_OP_STORAGE_SAVE), 0);
		CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_SIGNAL), 0);
		rig_forget();
	}
	end();
}

static void repeat_is_told_again_and_frees_the_slot_again(void)
{
	begin();
	rig_deliver("replies-0", 7, RESULT, NULL);
	rig_forget();
	rig_deliver("replies-0", 8, RESULT, NULL);
	expect_asked("load ;signal step_result ;settle 8 complete -;release ;");
	end();
}

/* Until the ledger has it, a reply is neither told nor settled. */
static void reply_that_the_ledger_does_not_take_is_kept(void)
{
	static const uint32_t statuses[] = { LUCIUS_UNAVAILABLE, LUCIUS_UNKNOWN, LUCIUS_DENIED,
		LUCIUS_INTERNAL, LUCIUS_UNSUPPORTED };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin();
		rig_refuse(LUCIUS_OP_STORAGE_LOAD, statuses[i]);
		rig_refuse(LUCIUS_OP_STORAGE_LOAD, statuses[i]);
		rig_deliver("replies-0", 7, RESULT, NULL);
		expect_asked("load ;");
		rig_advance(BACK_OFF_MS);
		expect_asked("load ;load ;save SUCCEEDED;signal step_result ;"
		             "settle 7 complete -;release ;");
		end();
	}
}

static void save_whose_answer_is_lost_is_looked_up_and_told_as_a_repeat(void)
{
	begin();
	rig_lose(LUCIUS_OP_STORAGE_SAVE, LUCIUS_UNKNOWN);
	rig_deliver("replies-0", 7, RESULT, NULL);
	expect_asked("load ;save SUCCEEDED;load ;signal step_result ;"
	             "settle 7 complete -;release ;");
	end();
}

static void reply_of_which_the_run_does_not_hear_is_kept(void)
{
	static const uint32_t statuses[] = { LUCIUS_UNAVAILABLE, LUCIUS_UNKNOWN, LUCIUS_DENIED };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin();
		rig_refuse(LUCIUS_OP_WORKFLOW_SIGNAL, statuses[i]);
		rig_deliver("replies-0", 7, RESULT, NULL);
		CHECK_INT(rig_count(LUCIUS_OP_BUS_SETTLE), 0);
		CHECK_INT(rig_count(LUCIUS_OP_STORAGE_RELEASE), 0);
		rig_forget();
		rig_advance(BACK_OFF_MS);
		expect_asked("load ;signal step_result ;settle 7 complete -;release ;");
		end();
	}
}

static void slot_of_a_job_without_a_run_is_left_to_the_sweeper(void)
{
	begin();
	rig_refuse(LUCIUS_OP_WORKFLOW_SIGNAL, LUCIUS_NOT_FOUND);
	rig_deliver("replies-0", 7, RESULT, NULL);
	expect_asked("load ;save SUCCEEDED;signal step_result ;settle 7 complete -;");
	end();
}

/* Held: the bus may still have it locked. */
static void settlement_that_may_not_have_been_done_is_repeated(void)
{
	static const struct {
		uint32_t status;
		bool is_repeated;
	} cases[] = {
		{ LUCIUS_UNAVAILABLE, true },
		{ LUCIUS_UNKNOWN, true },
		{ LUCIUS_LOCK_LOST, false },
		{ LUCIUS_DENIED, false },
		{ LUCIUS_INTERNAL, false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		rig_refuse(LUCIUS_OP_BUS_SETTLE, cases[i].status);
		rig_deliver("replies-0", 7, RESULT, NULL);
		CHECK_INT(rig_count(LUCIUS_OP_STORAGE_RELEASE), cases[i].is_repeated ? 0 : 1);
		rig_forget();
		rig_advance(BACK_OFF_MS);
		expect_asked(cases[i].is_repeated ? "settle 7 complete -;release ;" : "");
		end();
	}
}

static void dead_lettering_that_was_not_done_is_repeated(void)
{
	begin();
	rig_refuse(LUCIUS_OP_BUS_SETTLE, LUCIUS_UNAVAILABLE);
	rig_deliver("replies-0", 7, "nonsense", NULL);
	rig_advance(BACK_OFF_MS);
	expect_asked("settle 7 dead-letter NotAReply;settle 7 dead-letter NotAReply;");
	end();
}

static void back_off_grows_to_a_bound(void)
{
	begin();
	for (unsigned i = 0; i < 20; i++) {
		rig_refuse(LUCIUS_OP_STORAGE_LOAD, LUCIUS_UNAVAILABLE);
	}
	rig_deliver("replies-0", 7, ACK, NULL);
	rig_advance(3000);
	unsigned n_first = rig_count(LUCIUS_OP_STORAGE_LOAD);
	CHECK(n_first >= 4 && n_first <= 7);
	rig_advance(15000 * 20);
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_LOAD), 21);
	CHECK_INT(state_of(), JOB_IN_PROGRESS);
	end();
}

static void slot_that_cannot_be_freed_now_is_left_to_the_sweeper(void)
{
	begin();
	rig_refuse(LUCIUS_OP_STORAGE_RELEASE, LUCIUS_UNAVAILABLE);
	rig_deliver("replies-0", 7, RESULT, NULL);
	rig_advance(BACK_OFF_MS);
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_RELEASE), 1);
	end();
}

/* Stopping */

static void kept_reply_is_given_back_at_the_stop(void)
{
	begin();
	rig_refuse(LUCIUS_OP_STORAGE_LOAD, LUCIUS_UNAVAILABLE);
	rig_deliver("replies-0", 7, ACK, NULL);
	rig_forget();
	stop();
	CHECK(is_stopped);
	CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SETTLE), "settle 7 release -");
	replies_destroy(replies);
	rig_end();
}

static void settlement_that_waits_is_sent_once_more_at_the_stop(void)
{
	begin();
	rig_refuse(LUCIUS_OP_BUS_SETTLE, LUCIUS_UNAVAILABLE);
	rig_refuse(LUCIUS_OP_BUS_SETTLE, LUCIUS_UNAVAILABLE);
	rig_deliver("replies-0", 7, RESULT, NULL);
	rig_forget();
	stop();
	CHECK(is_stopped);
	CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SETTLE), "settle 7 complete -");
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_RELEASE), 1);
	replies_destroy(replies);
	rig_end();
}

static void stop_waits_for_what_is_under_way(void)
{
	begin();
	rig_hold(LUCIUS_OP_STORAGE_LOAD);
	rig_deliver("replies-0", 7, ACK, NULL);
	rig_deliver("replies-0", 8, "nonsense", NULL);
	stop();
	CHECK(!is_stopped);
	rig_answer(LUCIUS_OP_STORAGE_LOAD, LUCIUS_UNAVAILABLE);
	CHECK(is_stopped);
	CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SETTLE), "settle 7 release -");
	replies_destroy(replies);
	rig_end();
}

static void subscription_that_ends_is_made_anew(void)
{
	begin();
	rig_end_subscription("replies-0", LUCIUS_NOT_FOUND);
	rig_advance(3000);
	CHECK_INT(rig_count(LUCIUS_OP_BUS_SUBSCRIBE), 3);
	rig_deliver("replies-0", 7, ACK, NULL);
	CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SETTLE), "settle 7 complete -");
	rig_end_subscription("replies-1", LUCIUS_UNAVAILABLE);
	stop();
	CHECK(is_stopped);
	rig_advance(3000);
	CHECK_INT(rig_count(LUCIUS_OP_BUS_SUBSCRIBE), 3);
	replies_destroy(replies);
	rig_end();
}

/* Dead letters */

static void begin_pass(uint32_t n_lanes)
{
	dlq_seconds = 60;
	begin_with(NULL, n_lanes);
	rig_advance(60000);
	CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SUBSCRIBE), "subscribe replies-0 dead");
}

static void reply_that_the_bus_gave_up_is_taken_as_any_other(void)
{
	begin_pass(1);
	rig_deliver("replies-0 dead", 9, ACK, "MaxDeliveryCountExceeded");
	rig_deliver("replies-0 dead", 10, ACK, NULL);
	CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SETTLE), "settle 10 complete -");
	CHECK_INT(state_of(), JOB_IN_PROGRESS);
	end();
}

static void what_was_dead_lettered_here_stays_there(void)
{
	begin_pass(1);
	rig_deliver("replies-0 dead", 9, "nonsense", "NotAReply");
	rig_deliver("replies-0 dead", 10, "nonsense", "JobUnknown");
	CHECK_INT(rig_count(LUCIUS_OP_BUS_SETTLE), 0);
	rig_advance(3000);
	CHECK_INT(rig_count(LUCIUS_OP_BUS_SETTLE), 2);
	CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SETTLE), "settle 10 release -");
	end();
}

static void lane_full_of_what_stays_is_closed_at_once(void)
{
	begin_pass(1);
	for (uint64_t token = 1; token <= 64; token++) {
		rig_deliver("replies-0 dead", token, "nonsense", "NotAReply");
	}
	CHECK_INT(rig_count(LUCIUS_OP_BUS_UNSUBSCRIBE), 1);
	CHECK_INT(rig_count(LUCIUS_OP_BUS_SETTLE), 64);
	CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SETTLE), "settle 64 release -");
	end();
}

static void what_comes_while_the_lane_is_being_closed_is_dealt_with(void)
{
	begin_pass(1);
	rig_hold(LUCIUS_OP_BUS_UNSUBSCRIBE);
	rig_advance(3000);
	rig_deliver("replies-0 dead", 9, "nonsense", "NotAReply");
	CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SETTLE), "settle 9 release -");
	rig_deliver("replies-0 dead", 10, ACK, NULL);
	CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SETTLE), "settle 10 complete -");
	rig_end_subscription("replies-0 dead", LUCIUS_OK);
	rig_answer(LUCIUS_OP_BUS_UNSUBSCRIBE, LUCIUS_OK);
	end();
}

static void pass_goes_through_all_lanes_and_begins_again(void)
{
	begin_pass(2);
	rig_advance(3000);
	CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SUBSCRIBE), "subscribe replies-1 dead");
	rig_advance(3000);
	rig_advance(60000);
	CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SUBSCRIBE), "subscribe replies-0 dead");
	rig_advance(3000);
	dlq_seconds = 0;
	rig_advance(3000);
	unsigned n = rig_count(LUCIUS_OP_BUS_SUBSCRIBE);
	rig_advance(3600000);
	CHECK_INT(rig_count(LUCIUS_OP_BUS_SUBSCRIBE), n);
	end();
}

static void period_of_the_dead_letters_counts_for_the_wait_under_way(void)
{
	dlq_seconds = 86400;
	begin_with(NULL, 1);
	dlq_seconds = 60;
	replies_reconfigure(replies);
	for (int i = 0; i < 59; i++) {
		rig_advance(1000);
		replies_reconfigure(replies); /* it has not changed: the wait goes on */
	}
	CHECK_INT(rig_count(LUCIUS_OP_BUS_SUBSCRIBE), 1);
	rig_advance(1000);
	CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SUBSCRIBE), "subscribe replies-0 dead");
	end();
}

static void bus_that_has_no_dead_letters_is_asked_for_one_lane_only(void)
{
	dlq_seconds = 60;
	begin_with(NULL, 2);
	rig_refuse(LUCIUS_OP_BUS_SUBSCRIBE, LUCIUS_UNSUPPORTED);
	rig_advance(65000);
	CHECK_INT(rig_count(LUCIUS_OP_BUS_SUBSCRIBE), 3);
	rig_advance(56000);
	CHECK_INT(rig_count(LUCIUS_OP_BUS_SUBSCRIBE), 4);
	end();
}

static void stop_ends_a_pass_and_gives_back_what_it_holds(void)
{
	begin_pass(2);
	rig_deliver("replies-0 dead", 9, "nonsense", "NotAReply");
	stop();
	CHECK(is_stopped);
	CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SETTLE), "settle 9 release -");
	CHECK_TEXT(rig_last(LUCIUS_OP_BUS_SUBSCRIBE), "subscribe replies-0 dead");
	replies_destroy(replies);
	rig_end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(ack_is_written_then_told_then_completed),
		SUITE_TEST(last_result_frees_the_slot_when_all_else_is_done),
		SUITE_TEST(what_is_no_reply_or_of_no_job_is_dead_lettered),
		SUITE_TEST(reply_that_changes_nothing_is_completed_and_not_told),
		SUITE_TEST(repeat_is_told_again_and_frees_the_slot_again),
		SUITE_TEST(reply_that_the_ledger_does_not_take_is_kept),
		SUITE_TEST(save_whose_answer_is_lost_is_looked_up_and_told_as_a_repeat),
		SUITE_TEST(reply_of_which_the_run_does_not_hear_is_kept),
		SUITE_TEST(slot_of_a_job_without_a_run_is_left_to_the_sweeper),
		SUITE_TEST(settlement_that_may_not_have_been_done_is_repeated),
		SUITE_TEST(dead_lettering_that_was_not_done_is_repeated),
		SUITE_TEST(back_off_grows_to_a_bound),
		SUITE_TEST(slot_that_cannot_be_freed_now_is_left_to_the_sweeper),
		SUITE_TEST(kept_reply_is_given_back_at_the_stop),
		SUITE_TEST(settlement_that_waits_is_sent_once_more_at_the_stop),
		SUITE_TEST(stop_waits_for_what_is_under_way),
		SUITE_TEST(subscription_that_ends_is_made_anew),
		SUITE_TEST(reply_that_the_bus_gave_up_is_taken_as_any_other),
		SUITE_TEST(what_was_dead_lettered_here_stays_there),
		SUITE_TEST(lane_full_of_what_stays_is_closed_at_once),
		SUITE_TEST(what_comes_while_the_lane_is_being_closed_is_dealt_with),
		SUITE_TEST(pass_goes_through_all_lanes_and_begins_again),
		SUITE_TEST(period_of_the_dead_letters_counts_for_the_wait_under_way),
		SUITE_TEST(bus_that_has_no_dead_letters_is_asked_for_one_lane_only),
		SUITE_TEST(stop_ends_a_pass_and_gives_back_what_it_holds),
	};
	return suite_run("replies", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
