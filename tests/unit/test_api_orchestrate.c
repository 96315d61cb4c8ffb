/* SPDX-License-Identifier: MIT */
/* From a command to a job, and control of it: what is accepted, what is refused before anything is
 * written, and what is answered when storage or engine fail. */
#include <stdlib.h>

#include "core/access.h"
#include "core/recovery.h"
#include "core/registry.h"
#include "support/base/memory.h"
#include "tests/support/rig.h"
#include "tests/support/suite.h"

#define COMMAND_OF(tenant, more)                                                            \
	"{\"schema_version\":\"v1\",\"tenant_id\":\"" tenant "\",\"request_type\":\"OCR\"," \
	"\"input_ref\":\"blob://in\",\"output_ref\":\"blob://"                              \
	"out\",\"payload\":{\"schema_version\":"                                            \
	"\"v1\"}" more "}"
#define COMMAND COMMAND_OF("t1", "")

static void begin_with(const struct rig_traits *traits)
{
	rig_begin(traits);
	rig_serve();
}

static void begin(void)
{
	begin_with(NULL);
}

static const struct rig_call *post(const char *target, const char *body)
{
	const struct rig_call *call = rig_call("POST", target, NULL, body);
	CHECK(call->is_answered);
	return call;
}

static const struct rig_call *orchestrate(const char *body)
{
	return post("/v1/orchestrate", body);
}

static void expect_problem(const struct rig_call *call, unsigned status, const char *problem)
{
	const char *type = rig_text(call, "type");
	const char *name = strrchr(type, ':');
	if (call->status != status) {
		fprintf(stderr, "%s\n", call->body);
	}
	CHECK_INT(call->status, status);
	CHECK_TEXT(name != NULL ? name + 1 : type, problem);
}

static bool has_header(const struct rig_call *call, const char *line)
{
	return strstr(call->headers, line) != NULL;
}

static void command_becomes_a_job_whose_run_is_started(void)
{
	char location[128];
	char started[64];
	begin();
	const struct rig_call *call = orchestrate(COMMAND);
	CHECK_INT(call->status, 202);
	const char *job_id = rig_text(call, "jobId");
	CHECK(ledger_is_job_id(job_id));
	(void)snprintf(
	        location, sizeof(location), "Location: /v1/jobs/%s?tenant_id=t1\r\n", job_id);
	CHECK(has_header(call, location));
	(void)snprintf(started, sizeof(started), "start %s", job_id);
	CHECK_TEXT(rig_last(LUCIUS_OP_WORKFLOW_START), started);
	CLEANUP(cleanup_job) struct job *job = rig_load_job(job_id);
	CHECK_INT(job->state, JOB_QUEUED);
	CHECK_INT(job->n_steps, 1);
	CHECK_TEXT(value_text(&job->steps[0].step_id), "ocr");
	rig_end();
}

static void tenant_with_every_kind_of_byte_is_escaped_in_the_location(void)
{
	begin();
	const struct rig_call *call = orchestrate(COMMAND_OF("a b&ü/%", ""));
	CHECK_INT(call->status, 202);
	CHECK(has_header(call, "?tenant_id=a%20b%26%C3%BC%2F%25\r\n"));
	/* The longest tenant that there is: its job has no summary, since that would be too long.
	 */
	char longest[4 * 128 + 1] = "";
	for (size_t i = 0; i < 128; i++) {
		memcpy(longest + 4 * i, "\xf0\x9f\x98\x80", 5);
	}
	char *body CLEANUP_FREE = must_print(COMMAND_OF("%s", ""), longest);
	const struct rig_call *last = orchestrate(body);
	CHECK_INT(last->status, 202);
	CHECK(has_header(last, "%F0%9F%98%80\r\n"));
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_START), 2);
	rig_end();
}

static void repeat_is_answered_with_the_job_that_is_there(void)
{
	begin();
	const struct rig_call *first = orchestrate(COMMAND);
	const struct rig_call *second = orchestrate(COMMAND);
	CHECK_INT(second->status, 202);
	CHECK_TEXT(rig_text(second, "jobId"), rig_text(first, "jobId"));
	CHECK_TEXT(rig_text(second, "state"), "QUEUED");
	CHECK(json_is_true(json_object_get(second->json, "duplicate")));
	CHECK(has_header(second, rig_text(first, "jobId")));
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_START), 1);
	rig_end();
}

static void key_that_was_used_with_another_command_is_a_conflict(void)
{
	begin();
	CHECK_INT(orchestrate(COMMAND_OF("t1", ",\"idempotency_key\":\"k\""))->status, 202);
	expect_problem(orchestrate(COMMAND_OF("t1", ",\"idempotency_key\":\"k\",\"doc_id\":\"d\"")),
	        409, "idempotency-conflict");
	rig_end();
}

static void tenant_that_is_full_is_told_when_to_come_again(void)
{
	begin();
	rig.settings.max_inflight_per_tenant = 1;
	CHECK_INT(orchestrate(COMMAND)->status, 202);
	const struct rig_call *call = orchestrate(COMMAND_OF("t1", ",\"doc_id\":\"d\""));
	expect_problem(call, 429, "tenant-limit");
	CHECK(has_header(call, "Retry-After: 5\r\n"));
	CHECK_INT(orchestrate(COMMAND_OF("t2", ""))->status, 202);
	rig_end();
}

static void what_is_no_command_is_refused_and_nothing_is_written(void)
{
	static const struct {
		const char *body;
		unsigned status;
		const char *problem;
	} cases[] = {
		{ NULL, 400, "malformed-json" },
		{ "{", 400, "malformed-json" },
		{ "{}", 422, "invalid-envelope" },
		{ "{\"schema_version\":\"v1\",\"tenant_id\":\"t1\",\"request_type\":\"TEA\","
		  "\"input_ref\":\"a\",\"output_ref\":\"b\",\"payload\":{}}",
		        400, "unknown-request-type" },
		{ COMMAND_OF("t1", ",\"mode\":\"BURST\""), 400, "missing-doc-id" },
		{ "{\"schema_version\":\"v1\",\"tenant_id\":\"t1\",\"request_type\":\"OCR\","
		  "\"input_ref\":\"a\",\"output_ref\":\"b\",\"payload\":{\"steps\":{\"tea\":{}}}}",
		        422, "invalid-steps" },
	};
	begin();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct rig_call *call = orchestrate(cases[i].body);
		expect_problem(call, cases[i].status, cases[i].problem);
		CHECK_INT(json_array_size(json_object_get(call->json, "errors")) != 0,
		        cases[i].status == 422);
	}
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_CREATE), 0);
	rig_end();
}

static void storage_that_fails_leaves_no_run(void)
{
	static const struct {
		uint32_t status;
		unsigned answer;
		const char *problem;
	} cases[] = {
		{ LUCIUS_UNAVAILABLE, 503, "unavailable" },
		{ LUCIUS_UNKNOWN, 503, "unavailable" },
		{ LUCIUS_DENIED, 503, "unavailable" },
		{ LUCIUS_INTERNAL, 500, "internal" },
		{ LUCIUS_TOO_LARGE, 413, "too-large" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int is_silent = 0; is_silent < 2; is_silent++) {
			begin();
			rig.is_silent = is_silent != 0;
			rig_refuse(LUCIUS_OP_STORAGE_CREATE, cases[i].status);
			expect_problem(orchestrate(COMMAND), cases[i].answer, cases[i].problem);
			CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_START), 0);
			rig_end();
		}
	}
}

static void run_that_does_not_start_now_is_left_to_the_sweeper(void)
{
	static const uint32_t statuses[] = { LUCIUS_DUPLICATE, LUCIUS_UNAVAILABLE, LUCIUS_DENIED };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin();
		rig_refuse(LUCIUS_OP_WORKFLOW_START, statuses[i]);
		CHECK_INT(orchestrate(COMMAND)->status, 202);
		rig_end();
	}
}

static void accepted_job_needs_no_load_for_its_first_lease(void)
{
	begin_with(&(const struct rig_traits){ .is_shared = true });
	const struct rig_call *call = orchestrate(COMMAND);
	char body[256];
	(void)snprintf(body, sizeof(body),
	        "{\"jobId\":\"%s\",\"stepId\":\"ocr\",\"attempt_no\":1,\"lease_id\":\"a\"}",
	        rig_text(call, "jobId"));
	CHECK_INT(post("/v1/internal/steps/attempt", body)->status, 200);
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_LOAD), 0);
	rig_end();
}

static void process_without_an_invoker_remembers_no_job(void)
{
	begin();
	rig.api.invoker = NULL;
	CHECK_INT(orchestrate(COMMAND)->status, 202);
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_START), 1);
	rig.api.invoker = rig.invoker;
	/* A storage that gives no revision has nothing to remember either. */
	rig_refuse(LUCIUS_OP_STORAGE_CREATE, LUCIUS_OK);
	CHECK_INT(orchestrate(COMMAND_OF("t2", ""))->status, 202);
	rig_end();
}

static void job_that_a_backend_would_not_take_is_refused_before_it_is_written(void)
{
	static const struct {
		struct rig_traits traits;
		unsigned status;
	} cases[] = {
		{ { .max_message_size = 1000 }, 413 },
		{ { .max_message_size = 100000 }, 202 },
		{ { .max_input_size = 100 }, 413 },
		{ { .max_input_size = 100000 }, 202 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin_with(&cases[i].traits);
		CHECK_INT(orchestrate(COMMAND)->status, cases[i].status);
		CHECK_INT(rig_count(LUCIUS_OP_STORAGE_CREATE), cases[i].status == 202 ? 1 : 0);
		rig_end();
	}
	begin();
	rig.api.bus = NULL;
	CHECK_INT(orchestrate(COMMAND)->status, 202);
	rig_end();
}

/* Steps of a protocol with limits of their own. */
static const char protocols[] =
        "{\"schema_version\":\"v1\",\"protocols\":[{\"protocol_id\":\"p\",\"request_types\":["
        "\"OCR\"],"
        "\"steps\":["
        "{\"step_id\":\"a\",\"step_type\":\"OCR\",\"service\":\"s\",\"payload_schema_ref\":"
        "\"ocr.v1.json\",\"timeout_overrides\":{\"max_attempts\":9}},"
        "{\"step_id\":\"b\",\"step_type\":\"OCR\",\"service\":\"s\",\"payload_schema_ref\":"
        "\"ocr.v1.json\"},"
        "{\"step_id\":\"c\",\"step_type\":\"OCR\",\"service\":\"s\",\"payload_schema_ref\":"
        "\"ocr.v1.json\",\"timeout_overrides\":{\"lease_minutes\":7}},"
        "{\"step_id\":\"d\",\"step_type\":\"OCR\",\"service\":\"s\",\"payload_schema_ref\":"
        "\"ocr.v1.json\",\"timeout_overrides\":{\"step_result_timeout_seconds\":5}}]}]}";

static void job_keeps_the_limits_of_its_steps(void)
{
	begin();
	char *sentence CLEANUP_FREE = NULL;
	registry_unref(rig.api.registry);
	rig.api.registry =
	        registry_parse(protocols, "here", SOURCE_ROOT "/etc/protocols.json", &sentence);
	CHECK_TEXT(sentence, NULL);
	const struct rig_call *call = orchestrate(COMMAND_OF("t1",
	        ",\"workspace_ref\":null,\"idempotency_key\":\"k\",\"correlation_id\":\"c\""));
	CHECK_INT(call->status, 202);
	CLEANUP(cleanup_job) struct job *job = rig_load_job(rig_text(call, "jobId"));
	const char *options = value_text(&job->options);
	CHECK(strstr(options,
	              "\"steps\":{\"a\":{\"max_attempts\":9},\"c\":{\"lease_minutes\":7},"
	              "\"d\":{\"step_result_timeout_seconds\":5}}") != NULL);
	CHECK(job->steps[0].workspace_ref.text == NULL);
	CHECK_TEXT(value_text(&job->correlation_id), "c");
	rig_end();
}

static void input_may_be_a_place_with_more_to_say(void)
{
	begin();
	const struct rig_call *call = orchestrate(
	        "{\"schema_version\":\"v1\",\"tenant_id\":\"t1\",\"request_type\":\"OCR\","
	        "\"input_ref\":{\"uri\":\"blob://in\",\"size_bytes\":7},\"output_ref\":\"out\","
	        "\"workspace_ref\":\"w\",\"payload\":{}}");
	CLEANUP(cleanup_job) struct job *job = rig_load_job(rig_text(call, "jobId"));
	CHECK_TEXT(
	        value_text(&job->steps[0].input_ref), "{\"uri\":\"blob://in\",\"size_bytes\":7}");
	CHECK_INT(job->steps[0].input_ref.type, LUCIUS_FIELD_JSON);
	CHECK_TEXT(value_text(&job->steps[0].workspace_ref), "w");
	rig_end();
}

static void engine_that_is_not_ready_begins_nothing(void)
{
	begin();
	rig.workflow_host->ready(rig.workflow_host, "it cannot be reached");
	const struct rig_call *call = orchestrate(COMMAND);
	expect_problem(call, 503, "unavailable");
	CHECK(has_header(call, "Retry-After: 5\r\n"));
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_CREATE), 0);
	rig.workflow_host->ready(rig.workflow_host, NULL);
	CHECK_INT(orchestrate(COMMAND)->status, 202);
	rig_end();
}

static void nothing_of_a_recovery(void *user)
{
	(void)user;
}

static void process_that_is_not_active_says_why(void)
{
	begin();
	rig.api.is_active = false;
	CHECK(strstr(orchestrate(COMMAND)->body, "is not started yet") != NULL);
	const struct recovery_parts parts = {
		.loop = rig.loop,
		.ledger = rig.ledger,
		.workflow = rig.workflow,
		.lease_ms = 15000,
		.on_recovered = nothing_of_a_recovery,
		.on_lost = nothing_of_a_recovery,
	};
	struct recovery *recovery = recovery_create(&parts);
	rig.api.recovery = recovery;
	CHECK(strstr(orchestrate(COMMAND)->body, "stands by") != NULL);
	recovery_start(recovery);
	rig_turn();
	CHECK(strstr(orchestrate(COMMAND)->body, "takes up the live jobs") != NULL);
	rig.api.is_active = true;
	CHECK_INT(orchestrate(COMMAND)->status, 202);
	rig.api.is_stopping = true;
	const struct rig_call *call = orchestrate(COMMAND);
	CHECK(strstr(call->body, "is stopping") != NULL);
	expect_problem(call, 503, "unavailable");
	recovery_stop(recovery);
	rig_turn();
	recovery_destroy(recovery);
	rig_end();
}

static void token_acts_for_its_tenants_only(void)
{
	char path[] = "/tmp/lucius-tokens-XXXXXX";
	char error[256] = "";
	FILE *file = fdopen(mkstemp(path), "w");
	(void)fputs("first t1\n", file);
	(void)fclose(file);
	struct access_list *access = access_load(path, error, sizeof(error));
	(void)remove(path);
	begin();
	rig.api.access = access;
	const struct rig_call *none = rig_call("POST", "/v1/orchestrate", NULL, COMMAND);
	expect_problem(none, 401, "unauthorized");
	CHECK(has_header(none, "WWW-Authenticate: Bearer\r\n"));
	expect_problem(rig_call("POST", "/v1/orchestrate", "Bearer first", COMMAND_OF("t2", "")),
	        403, "forbidden");
	CHECK_INT(rig_call("POST", "/v1/orchestrate", "Bearer first", COMMAND)->status, 202);
	access_destroy(access);
	rig_end();
}

/* Control */

static const struct rig_call *control(const char *job_id, const char *what, const char *tenant_id)
{
	char target[256];
	(void)snprintf(
	        target, sizeof(target), "/v1/jobs/%s:%s?tenant_id=%s", job_id, what, tenant_id);
	return post(target, NULL);
}

static void control_is_written_then_told(void)
{
	begin();
	const char *job_id = rig_text(orchestrate(COMMAND), "jobId");
	const struct rig_call *paused = control(job_id, "pause", "t1");
	CHECK_INT(paused->status, 200);
	CHECK_TEXT(rig_text(paused, "state"), "PAUSED");
	CHECK_TEXT(rig_last(LUCIUS_OP_WORKFLOW_SIGNAL), "signal pause {\"seq\":1}");
	CHECK_TEXT(rig_text(control(job_id, "resume", "t1"), "state"), "QUEUED");
	CHECK_TEXT(rig_last(LUCIUS_OP_WORKFLOW_SIGNAL), "signal resume {\"seq\":2}");
	CHECK_TEXT(rig_text(control(job_id, "cancel", "t1"), "state"), "CANCELLING");
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_CANCEL), 1);
	expect_problem(control(job_id, "pause", "t1"), 409, "conflict");
	expect_problem(control(job_id, "resume", "t1"), 409, "conflict");
	rig_end();
}

static void repeat_of_a_control_is_told_again(void)
{
	begin();
	const char *job_id = rig_text(orchestrate(COMMAND), "jobId");
	CHECK_INT(control(job_id, "resume", "t1")->status, 200);
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_SIGNAL), 0);
	control(job_id, "pause", "t1");
	control(job_id, "pause", "t1");
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_SIGNAL), 2);
	control(job_id, "resume", "t1");
	control(job_id, "resume", "t1");
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_SIGNAL), 4);
	control(job_id, "cancel", "t1");
	control(job_id, "cancel", "t1");
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_CANCEL), 2);
	rig_end();
}

static enum rule finish(void *user, struct job *job, const char *now)
{
	(void)user;
	return rule_close(job, JOB_CANCELLED, NULL, NULL, now);
}

static void job_that_has_ended_is_not_controlled(void)
{
	begin_with(&(const struct rig_traits){ .is_shared = true });
	const char *job_id = rig_text(orchestrate(COMMAND), "jobId");
	rig_change_job(job_id, finish, NULL);
	CHECK_TEXT(rig_text(control(job_id, "pause", "t1"), "state"), "CANCELLED");
	CHECK_TEXT(rig_text(control(job_id, "resume", "t1"), "state"), "CANCELLED");
	CHECK_TEXT(rig_text(control(job_id, "cancel", "t1"), "state"), "CANCELLED");
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_SIGNAL), 0);
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_CANCEL), 0);
	rig_end();
}

static void job_of_another_tenant_is_not_there(void)
{
	begin();
	const char *job_id = rig_text(orchestrate(COMMAND), "jobId");
	expect_problem(control(job_id, "cancel", "t2"), 404, "not-found");
	expect_problem(control("no-job-id", "cancel", "t1"), 404, "not-found");
	expect_problem(
	        control("fedcba9876543210fedcba9876543210", "cancel", "t1"), 404, "not-found");
	expect_problem(control(job_id, "cancel", ""), 422, "invalid-query");
	rig.api.is_active = false;
	expect_problem(control(job_id, "cancel", "t1"), 503, "unavailable");
	CLEANUP(cleanup_job) struct job *job = rig_load_job(job_id);
	CHECK_INT(job->state, JOB_QUEUED);
	rig_end();
}

static void control_that_is_written_but_not_told_is_answered_as_written(void)
{
	static const uint32_t statuses[] = { LUCIUS_NOT_FOUND, LUCIUS_UNAVAILABLE, LUCIUS_DENIED };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin();
		const char *job_id = rig_text(orchestrate(COMMAND), "jobId");
		rig_refuse(LUCIUS_OP_WORKFLOW_SIGNAL, statuses[i]);
		CHECK_TEXT(rig_text(control(job_id, "pause", "t1"), "state"), "PAUSED");
		rig_end();
	}
}

static void control_that_is_not_written_is_not_told(void)
{
	static const uint32_t statuses[] = { LUCIUS_UNAVAILABLE, LUCIUS_DENIED, LUCIUS_INTERNAL };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin();
		const char *job_id = rig_text(orchestrate(COMMAND), "jobId");
		rig_refuse(LUCIUS_OP_STORAGE_SAVE, statuses[i]);
		const struct rig_call *call = control(job_id, "pause", "t1");
		CHECK_INT(call->status, statuses[i] == LUCIUS_INTERNAL ? 500 : 503);
		CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_SIGNAL), 0);
		rig_end();
	}
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(command_becomes_a_job_whose_run_is_started),
		SUITE_TEST(tenant_with_every_kind_of_byte_is_escaped_in_the_location),
		SUITE_TEST(repeat_is_answered_with_the_job_that_is_there),
		SUITE_TEST(key_that_was_used_with_another_command_is_a_conflict),
		SUITE_TEST(tenant_that_is_full_is_told_when_to_come_again),
		SUITE_TEST(what_is_no_command_is_refused_and_nothing_is_written),
		SUITE_TEST(storage_that_fails_leaves_no_run),
		SUITE_TEST(run_that_does_not_start_now_is_left_to_the_sweeper),
		SUITE_TEST(accepted_job_needs_no_load_for_its_first_lease),
		SUITE_TEST(process_without_an_invoker_remembers_no_job),
		SUITE_TEST(job_that_a_backend_would_not_take_is_refused_before_it_is_written),
		SUITE_TEST(job_keeps_the_limits_of_its_steps),
		SUITE_TEST(input_may_be_a_place_with_more_to_say),
		SUITE_TEST(engine_that_is_not_ready_begins_nothing),
		SUITE_TEST(process_that_is_not_active_says_why),
		SUITE_TEST(token_acts_for_its_tenants_only),
		SUITE_TEST(control_is_written_then_told),
		SUITE_TEST(repeat_of_a_control_is_told_again),
		SUITE_TEST(job_that_has_ended_is_not_controlled),
		SUITE_TEST(job_of_another_tenant_is_not_there),
		SUITE_TEST(control_that_is_written_but_not_told_is_answered_as_written),
		SUITE_TEST(control_that_is_not_written_is_not_told),
	};
	return suite_run("api_orchestrate", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
