/* SPDX-License-Identifier: MIT */
/* The internal API: what of a request is understood, what each rule's refusal looks like, and what
 * is answered when ledger, bus or engine fail on the way. */
#include "core/invoker.h"

#include "tests/support/rig.h"
#include "tests/support/suite.h"

#define JOB "0123456789abcdef0123456789abcdef"
#define OTHER_JOB "fedcba9876543210fedcba9876543210"
#define EXPIRES "2026-11-24T12:15:00.000000Z"
#define ATTEMPT_OF(job, step, number, lease)                                                      \
	"{\"jobId\":\"" job "\",\"tenant_id\":\"t1\",\"stepId\":\"" step                          \
	"\",\"attempt_no\":" number ",\"lease_id\":\"" lease "\",\"lease_expires_at\":\"" EXPIRES \
	"\"}"
#define ATTEMPT ATTEMPT_OF(JOB, "ocr", "1", "a")
#define PUBLISH_OF(lane, directive) "{\"lane\":" lane ",\"directive\":" directive "}"
#define PUBLISH PUBLISH_OF("3", ATTEMPT)
#define OUTCOME_OF(step, status)                                                               \
	"{\"jobId\":\"" JOB "\",\"tenant_id\":\"t1\",\"stepId\":" step ",\"status\":\"" status \
	"\",\"error\":{\"code\":\"STEP_TIMEOUT\",\"message\":\"it took too long\"}}"

static const char attempt_path[] = "/v1/internal/steps/attempt";
static const char publish_path[] = "/v1/internal/publish";
static const char outcome_path[] = "/v1/internal/jobs/outcome";

/* Others write to the storage, too: what the process has in its cache may be old. */
static void begin(void)
{
	rig_begin(&(const struct rig_traits){ .is_shared = true });
	rig_serve();
	CLEANUP(cleanup_job) struct job *job = rig_make_job(JOB, "t1", 2);
	rig_put_job(job);
}

static const struct rig_call *post(const char *path, const char *body)
{
	const struct rig_call *call = rig_call("POST", path, NULL, body);
	CHECK(call->is_answered);
	return call;
}

static void expect(const char *path, const char *body, unsigned status, const char *reason)
{
	const struct rig_call *call = post(path, body);
	if (call->status != status) {
		fprintf(stderr, "%s %s: %s\n", path, body, call->body);
	}
	CHECK_INT(call->status, status);
	CHECK_TEXT(rig_text(call, "reason"), reason);
}

static enum rule succeed(void *user, struct job *job, const char *now)
{
	(void)user;
	const struct reply_facts facts = {
		.kind = REPLY_SUCCEEDED, .step_id = "ocr", .attempt_no = 1, .lease_id = "a"
	};
	return rule_reply(job, &facts, now);
}

static enum rule fail_step(void *user, struct job *job, const char *now)
{
	(void)user;
	const struct reply_facts facts = { .kind = REPLY_FAILED_RETRY,
		.step_id = "ocr",
		.attempt_no = 1,
		.lease_id = "a",
		.error_code = "BAD_SCAN",
		.error_message = "it is blurred" };
	return rule_reply(job, &facts, now);
}

static void attempt_gets_its_lease_and_is_published(void)
{
	begin();
	expect(attempt_path, ATTEMPT, 200, "");
	expect(attempt_path, ATTEMPT, 200, "");
	expect(publish_path, PUBLISH, 200, "");
	CHECK_TEXT(
	        rig_last(LUCIUS_OP_BUS_PUBLISH), "publish global-bus-p3 " JOB ":ocr:1 ttl 900000");
	CLEANUP(cleanup_job) struct job *job = rig_load_job(JOB);
	CHECK_INT(job->steps[0].state, STEP_INITIATED);
	CHECK_TEXT(value_text(&job->steps[0].lease_id), "a");
	CHECK(job->steps[0].timer_started_at.text != NULL);
	rig_end();
}

static void what_is_no_request_is_refused_and_touches_nothing(void)
{
	static const struct {
		const char *path;
		const char *body;
		unsigned status;
	} cases[] = {
		{ attempt_path, NULL, 400 },
		{ attempt_path, "[]", 400 },
		{ attempt_path, "nonsense", 400 },
		/* Two meanings are none. */
		{ attempt_path, "{\"jobId\":\"" JOB "\",\"jobId\":\"" OTHER_JOB "\"}", 400 },
		{ attempt_path, "{}", 422 },
		{ attempt_path, "{\"stepId\":\"ocr\",\"attempt_no\":1,\"lease_id\":\"a\"}", 422 },
		{ attempt_path, "{\"jobId\":\"" JOB "\",\"attempt_no\":1,\"lease_id\":\"a\"}",
		        422 },
		{ attempt_path, ATTEMPT_OF(JOB, "ocr", "\"1\"", "a"), 422 },
		{ attempt_path, ATTEMPT_OF(JOB, "ocr", "0", "a"), 422 },
		{ attempt_path, ATTEMPT_OF(JOB, "ocr", "1", ""), 422 },
		{ attempt_path, "{\"jobId\":\"" JOB "\",\"stepId\":\"ocr\",\"attempt_no\":1}",
		        422 },
		{ attempt_path,
		        ATTEMPT_OF(JOB, "ocr", "1",
		                "01234567890123456789012345678901"
		                "012345678901234567890123456789012"),
		        422 },
		{ publish_path, "7", 400 },
		{ publish_path, "{}", 422 },
		{ publish_path, "{\"lane\":3,\"directive\":[]}", 422 },
		{ publish_path, PUBLISH_OF("\"3\"", ATTEMPT), 422 },
		{ publish_path, PUBLISH_OF("-1", ATTEMPT), 422 },
		{ publish_path, PUBLISH_OF("16", ATTEMPT), 422 },
		{ publish_path, PUBLISH_OF("3", "{}"), 422 },
		{ outcome_path, "null", 400 },
		{ outcome_path, "{}", 422 },
		{ outcome_path, "{\"jobId\":\"" JOB "\"}", 422 },
		{ outcome_path, "{\"status\":\"CANCELLED\"}", 422 },
		{ outcome_path, OUTCOME_OF("null", "DONE"), 422 },
		{ outcome_path, OUTCOME_OF("null", "PAUSED"), 422 },
	};
	begin();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct rig_call *call = post(cases[i].path, cases[i].body);
		CHECK_INT(call->status, cases[i].status);
		CHECK_INT(
		        json_integer_value(json_object_get(call->json, "status")), cases[i].status);
	}
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_LOAD), 0);
	CHECK_INT(rig_count(LUCIUS_OP_BUS_PUBLISH), 0);
	rig_end();
}

static void job_or_step_that_is_not_there_is_named_so(void)
{
	begin();
	expect(attempt_path, ATTEMPT_OF(OTHER_JOB, "ocr", "1", "a"), 404, "job-unknown");
	expect(attempt_path, ATTEMPT_OF("no job id", "ocr", "1", "a"), 404, "job-unknown");
	expect(publish_path, PUBLISH_OF("3", ATTEMPT_OF(OTHER_JOB, "ocr", "1", "a")), 404,
	        "job-unknown");
	expect(attempt_path, ATTEMPT_OF(JOB, "nothing", "1", "a"), 422, "step-unknown");
	expect(outcome_path, OUTCOME_OF("\"nothing\"", "FAILED_FINAL"), 422, "step-unknown");
	expect(attempt_path,
	        "{\"jobId\":\"" JOB "\",\"tenant_id\":\"t2\",\"stepId\":\"ocr\","
	        "\"attempt_no\":1,\"lease_id\":\"a\"}",
	        404, "job-unknown");
	rig_end();
}

static void refusal_of_an_attempt_shows_where_the_job_stands(void)
{
	begin();
	expect(attempt_path, ATTEMPT_OF(JOB, "embedding", "1", "a"), 422, "out-of-order");
	expect(attempt_path, ATTEMPT, 200, "");
	expect(attempt_path, ATTEMPT_OF(JOB, "ocr", "1", "b"), 409, "superseded");
	rig_change_job(JOB, fail_step, NULL);
	expect(attempt_path, ATTEMPT_OF(JOB, "ocr", "2", "b"), 200, "");
	const struct rig_call *late = post(attempt_path, ATTEMPT);
	CHECK_INT(late->status, 409);
	CHECK_TEXT(rig_text(late, "step.state"), "INITIATED");
	CHECK_TEXT(rig_text(late, "step.lease_id"), "b");
	CHECK_TEXT(rig_text(late, "job.state"), "IN_PROGRESS");
	rig_end();
}

static void failed_attempt_is_shown_with_its_error(void)
{
	begin();
	expect(attempt_path, ATTEMPT, 200, "");
	rig_change_job(JOB, fail_step, NULL);
	const struct rig_call *call = post(attempt_path, ATTEMPT_OF(JOB, "ocr", "1", "b"));
	CHECK_INT(call->status, 409);
	CHECK_TEXT(rig_text(call, "step.error.code"), "BAD_SCAN");
	CHECK_TEXT(rig_text(call, "step.error.message"), "it is blurred");
	rig_end();
}

static void step_or_job_that_has_ended_gets_no_attempt(void)
{
	begin();
	expect(attempt_path, ATTEMPT, 200, "");
	rig_change_job(JOB, succeed, NULL);
	expect(attempt_path, ATTEMPT_OF(JOB, "ocr", "2", "b"), 409, "step-terminal");
	rig_fail_job(JOB);
	expect(attempt_path, ATTEMPT_OF(JOB, "embedding", "1", "b"), 409, "job-closed");
	rig_end();
}

static void job_that_is_being_cancelled_gets_no_attempt(void)
{
	begin();
	rig_control_job(JOB, CONTROL_CANCEL);
	expect(attempt_path, ATTEMPT, 409, "job-cancelling");
	rig_end();
}

/* The workflow hears of the pause before it gets the lease. */
static void run_of_a_paused_job_is_told_so_before_its_lease(void)
{
	static const struct {
		uint32_t status;
		unsigned answer;
		enum step_state state;
	} cases[] = {
		{ LUCIUS_OK, 200, STEP_INITIATED },
		{ LUCIUS_NOT_FOUND, 200, STEP_INITIATED },
		{ LUCIUS_UNAVAILABLE, 503, STEP_PENDING },
		{ LUCIUS_UNKNOWN, 503, STEP_PENDING },
		{ LUCIUS_DENIED, 503, STEP_PENDING },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		rig_control_job(JOB, CONTROL_PAUSE);
		rig_refuse(LUCIUS_OP_WORKFLOW_SIGNAL, cases[i].status);
		expect(attempt_path, ATTEMPT, cases[i].answer, "");
		CHECK_TEXT(rig_last(LUCIUS_OP_WORKFLOW_SIGNAL), "signal pause {\"seq\":1}");
		CLEANUP(cleanup_job) struct job *job = rig_load_job(JOB);
		CHECK_INT(job->steps[0].state, cases[i].state);
		rig_end();
	}
}

/* The one that it has heard of is over, and another one has begun. */
static void run_is_told_of_each_pause_anew(void)
{
	begin();
	rig_control_job(JOB, CONTROL_PAUSE);
	rig_hold(LUCIUS_OP_WORKFLOW_SIGNAL);
	const struct rig_call *call = rig_call("POST", attempt_path, NULL, ATTEMPT);
	CHECK(!call->is_answered);
	CHECK_TEXT(rig_last(LUCIUS_OP_WORKFLOW_SIGNAL), "signal pause {\"seq\":1}");
	rig_control_job(JOB, CONTROL_RESUME);
	rig_control_job(JOB, CONTROL_PAUSE);
	rig_answer(LUCIUS_OP_WORKFLOW_SIGNAL, LUCIUS_OK);
	CHECK_TEXT(rig_last(LUCIUS_OP_WORKFLOW_SIGNAL), "signal pause {\"seq\":3}");
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_SIGNAL), 2);
	CHECK(call->is_answered);
	CHECK_INT(call->status, 200);
	CLEANUP(cleanup_job) struct job *job = rig_load_job(JOB);
	CHECK_INT(job->steps[0].state, STEP_INITIATED);
	rig_end();
}

static const uint32_t failures[] = { LUCIUS_UNAVAILABLE, LUCIUS_DENIED, LUCIUS_INTERNAL,
	LUCIUS_UNSUPPORTED };

static void ledger_that_fails_is_answered_503(void)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		begin();
		rig_refuse(LUCIUS_OP_STORAGE_LOAD, failures[i]);
		const struct rig_call *call = post(attempt_path, ATTEMPT);
		CHECK_INT(call->status, 503);
		CHECK(strstr(call->headers, "Retry-After: 1") != NULL);
		rig_refuse(LUCIUS_OP_STORAGE_SAVE, failures[i]);
		expect(attempt_path, ATTEMPT, 503, "");
		expect(attempt_path, ATTEMPT, 200, "");
		rig_refuse(LUCIUS_OP_STORAGE_SAVE, failures[i]);
		expect(publish_path, PUBLISH, 503, "");
		rig_refuse(LUCIUS_OP_STORAGE_LOAD, failures[i]);
		expect(outcome_path, OUTCOME_OF("\"ocr\"", "FAILED_FINAL"), 503, "");
		rig_end();
	}
}

static void publish_is_answered_by_what_the_bus_says(void)
{
	static const struct {
		uint32_t status;
		unsigned answer;
		const char *reason;
	} cases[] = {
		{ LUCIUS_OK, 200, "" },
		{ LUCIUS_DUPLICATE, 200, "" },
		{ LUCIUS_UNROUTABLE, 422, "unroutable" },
		{ LUCIUS_TOO_LARGE, 422, "too-large" },
		{ LUCIUS_UNAVAILABLE, 503, "" },
		{ LUCIUS_UNKNOWN, 503, "" },
		{ LUCIUS_DENIED, 503, "" },
		{ LUCIUS_INTERNAL, 503, "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int is_silent = 0; is_silent < 2; is_silent++) {
			begin();
			rig.is_silent = is_silent != 0;
			expect(attempt_path, ATTEMPT, 200, "");
			rig_refuse(LUCIUS_OP_BUS_PUBLISH, cases[i].status);
			expect(publish_path, PUBLISH, cases[i].answer, cases[i].reason);
			CLEANUP(cleanup_job) struct job *job = rig_load_job(JOB);
			CHECK_INT(job->steps[0].timer_started_at.text != NULL,
			        cases[i].answer == 200);
			rig_end();
		}
	}
}

static void attempt_that_is_answered_already_is_not_published_again(void)
{
	begin();
	expect(attempt_path, ATTEMPT, 200, "");
	rig_change_job(JOB, fail_step, NULL);
	rig_forget();
	rig_advance(2000);
	expect(publish_path, PUBLISH, 200, "");
	CHECK_INT(rig_count(LUCIUS_OP_BUS_PUBLISH), 0);
	rig_end();
}

static void attempt_that_is_not_the_ledgers_is_not_published(void)
{
	begin();
	expect(publish_path, PUBLISH, 409, "superseded");
	expect(attempt_path, ATTEMPT, 200, "");
	expect(publish_path, PUBLISH_OF("3", ATTEMPT_OF(JOB, "ocr", "1", "b")), 409, "superseded");
	rig_advance(5000);
	rig_refuse(LUCIUS_OP_STORAGE_LOAD, LUCIUS_UNAVAILABLE);
	expect(publish_path, PUBLISH, 503, "");
	rig_advance(5000);
	rig_lose(LUCIUS_OP_STORAGE_LOAD, LUCIUS_OK);
	rig_refuse(LUCIUS_OP_STORAGE_LOAD, LUCIUS_UNAVAILABLE);
	expect(publish_path, PUBLISH_OF("3", ATTEMPT_OF(JOB, "ocr", "1", "b")), 503, "");
	CHECK_INT(rig_count(LUCIUS_OP_BUS_PUBLISH), 0);
	rig_end();
}

static void directive_lives_as_long_as_its_lease(void)
{
	static const struct {
		const char *directive;
		unsigned status;
		const char *reason;
		const char *ttl;
	} cases[] = {
		{ "{\"jobId\":\"" JOB "\",\"stepId\":\"ocr\",\"attempt_no\":1,\"lease_id\":\"a\"}",
		        200, "", "ttl 0" },
		{ "{\"jobId\":\"" JOB "\",\"stepId\":\"ocr\",\"attempt_no\":1,\"lease_id\":\"a\","
		  "\"lease_expires_at\":\"some day\"}",
		        200, "", "ttl 0" },
		{ "{\"jobId\":\"" JOB "\",\"stepId\":\"ocr\",\"attempt_no\":1,\"lease_id\":\"a\","
		  "\"lease_expires_at\":\"2026-11-24T11:59:59Z\"}",
		        422, "lease-over", "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char body[512];
		begin();
		expect(attempt_path, ATTEMPT, 200, "");
		(void)snprintf(body, sizeof(body), PUBLISH_OF("0", "%s"), cases[i].directive);
		expect(publish_path, body, cases[i].status, cases[i].reason);
		CHECK(strstr(rig_last(LUCIUS_OP_BUS_PUBLISH), cases[i].ttl) != NULL);
		rig_end();
	}
}

static void outcome_closes_the_job_and_frees_its_slot(void)
{
	static const uint32_t statuses[] = { LUCIUS_OK, LUCIUS_UNAVAILABLE };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin();
		rig_refuse(LUCIUS_OP_STORAGE_RELEASE, statuses[i]);
		expect(outcome_path, OUTCOME_OF("\"ocr\"", "FAILED_FINAL"), 200, "");
		CHECK_TEXT(rig_last(LUCIUS_OP_STORAGE_RELEASE), "release " JOB);
		CLEANUP(cleanup_job) struct job *job = rig_load_job(JOB);
		CHECK_INT(job->state, JOB_FAILED_FINAL);
		CHECK_TEXT(value_text(&job->error_code), "STEP_TIMEOUT");
		expect(outcome_path, OUTCOME_OF("\"ocr\"", "FAILED_FINAL"), 200, "");
		rig_end();
	}
}

static void outcome_that_does_not_fit_the_job_is_refused(void)
{
	begin();
	expect(outcome_path, OUTCOME_OF("null", "SUCCEEDED"), 422, "not-succeeded");
	expect(attempt_path, ATTEMPT, 200, "");
	rig_change_job(JOB, succeed, NULL);
	const struct rig_call *call = post(outcome_path, OUTCOME_OF("\"ocr\"", "FAILED_FINAL"));
	CHECK_INT(call->status, 409);
	CHECK_TEXT(rig_text(call, "step.state"), "SUCCEEDED");
	rig_fail_job(JOB);
	const struct rig_call *closed = post(outcome_path, OUTCOME_OF("null", "CANCELLED"));
	CHECK_INT(closed->status, 409);
	CHECK_TEXT(rig_text(closed, "job.error_code"), "STEP_FAILED");
	CHECK(json_object_get(closed->json, "step") == NULL);
	rig_end();
}

static void process_that_is_not_active_takes_no_call(void)
{
	begin();
	rig.api.is_active = false;
	expect(attempt_path, ATTEMPT, 503, "");
	rig.api.is_active = true;
	rig.settings.invoker_token = "secret";
	CHECK_INT(rig_call("POST", attempt_path, NULL, ATTEMPT)->status, 401);
	CHECK_INT(rig_call("POST", attempt_path, "Bearer wrong", ATTEMPT)->status, 401);
	CHECK_INT(rig_call("POST", attempt_path, "Bearer secret", ATTEMPT)->status, 200);
	rig_end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(attempt_gets_its_lease_and_is_published),
		SUITE_TEST(what_is_no_request_is_refused_and_touches_nothing),
		SUITE_TEST(job_or_step_that_is_not_there_is_named_so),
		SUITE_TEST(refusal_of_an_attempt_shows_where_the_job_stands),
		SUITE_TEST(failed_attempt_is_shown_with_its_error),
		SUITE_TEST(step_or_job_that_has_ended_gets_no_attempt),
		SUITE_TEST(job_that_is_being_cancelled_gets_no_attempt),
		SUITE_TEST(run_of_a_paused_job_is_told_so_before_its_lease),
		SUITE_TEST(run_is_told_of_each_pause_anew),
		SUITE_TEST(ledger_that_fails_is_answered_503),
		SUITE_TEST(publish_is_answered_by_what_the_bus_says),
		SUITE_TEST(attempt_that_is_answered_already_is_not_published_again),
		SUITE_TEST(attempt_that_is_not_the_ledgers_is_not_published),
		SUITE_TEST(directive_lives_as_long_as_its_lease),
		SUITE_TEST(outcome_closes_the_job_and_frees_its_slot),
		SUITE_TEST(outcome_that_does_not_fit_the_job_is_refused),
		SUITE_TEST(process_that_is_not_active_takes_no_call),
	};
	return suite_run("invoker", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
