/* SPDX-License-Identifier: MIT */
/* Reading jobs over the API: one, its steps, its history, and lists with filters and cursors. */
#include <stdlib.h>

#include "core/access.h"
#include "support/base/memory.h"
#include "tests/support/rig.h"
#include "tests/support/suite.h"

#define JOB "0123456789abcdef0123456789abcdef"
#define OTHER_JOB "fedcba9876543210fedcba9876543210"

static void put_job(const char *job_id, const char *tenant_id)
{
	CLEANUP(cleanup_job) struct job *job = rig_make_job(job_id, tenant_id, 2);
	rig_put_job(job);
}

static void begin(const struct rig_traits *traits)
{
	rig_begin(traits);
	rig_serve();
	put_job(JOB, "t1");
}

static const char *problem_of(const struct rig_call *call)
{
	const char *type = rig_text(call, "type");
	const char *prefix = "urn:lucius:problem:";
	return strncmp(type, prefix, strlen(prefix)) == 0 ? type + strlen(prefix) : type;
}

static void expect(const char *target, unsigned status, const char *problem)
{
	const struct rig_call *call = rig_get(target);
	if (call->status != status) {
		fprintf(stderr, "GET %s\n", target);
	}
	CHECK_INT(call->status, status);
	CHECK_TEXT(problem_of(call), problem);
}

static void job_is_shown_to_its_tenant_alone(void)
{
	begin(NULL);
	const struct rig_call *call = rig_get("/v1/jobs/" JOB "?tenant_id=t1");
	CHECK_INT(call->status, 200);
	CHECK_TEXT(rig_text(call, "job.job_id"), JOB);
	CHECK_TEXT(rig_text(call, "job.state"), "QUEUED");
	CHECK_INT(json_array_size(json_object_get(call->json, "steps")), 2);
	expect("/v1/jobs/" JOB "?tenant_id=t2", 404, "not-found");
	expect("/v1/jobs/" OTHER_JOB "?tenant_id=t1", 404, "not-found");
	expect("/v1/jobs/no-job-id?tenant_id=t1", 404, "not-found");
	expect("/v1/jobs/" JOB, 422, "invalid-query");
	expect("/v1/jobs/" JOB "?tenant_id=", 422, "invalid-query");
	rig_end();
}

static void steps_are_shown_without_a_tenant_but_to_no_other(void)
{
	begin(NULL);
	const struct rig_call *all = rig_get("/v1/jobs/" JOB "/steps");
	CHECK_INT(all->status, 200);
	CHECK(strstr(all->body, "\"ocr\"") != NULL);
	CHECK(strstr(all->body, "\"embedding\"") != NULL);
	const struct rig_call *one = rig_get("/v1/jobs/" JOB "/steps?tenant_id=t1&step_id=ocr");
	CHECK_INT(one->status, 200);
	CHECK_TEXT(rig_text(one, "step_id"), "ocr");
	expect("/v1/jobs/" JOB "/steps?step_id=nothing", 404, "not-found");
	expect("/v1/jobs/" JOB "/steps?tenant_id=t2", 404, "not-found");
	expect("/v1/jobs/" OTHER_JOB "/steps", 404, "not-found");
	rig_end();
}

static void history_is_shown_to_its_tenant_alone(void)
{
	begin(NULL);
	const struct rig_call *call = rig_get("/v1/jobs/" JOB "/events?tenant_id=t1");
	CHECK_INT(call->status, 200);
	CHECK(json_is_array(call->json));
	expect("/v1/jobs/" JOB "/events?tenant_id=t2", 404, "not-found");
	expect("/v1/jobs/" OTHER_JOB "/events?tenant_id=t1", 404, "not-found");
	expect("/v1/jobs/" JOB "/events", 422, "invalid-query");
	rig_end();
}

static void history_of_a_job_begins_with_its_creation(void)
{
	rig_begin(NULL);
	rig_serve();
	const struct rig_call *made = rig_call("POST", "/v1/orchestrate", NULL,
	        "{\"schema_version\":\"v1\",\"tenant_id\":\"t1\",\"request_type\":\"OCR\","
	        "\"input_ref\":\"a\",\"output_ref\":\"b\",\"payload\":{}}");
	char target[128];
	(void)snprintf(
	        target, sizeof(target), "/v1/jobs/%s:pause?tenant_id=t1", rig_text(made, "jobId"));
	CHECK_INT(rig_call("POST", target, NULL, NULL)->status, 200);
	(void)snprintf(
	        target, sizeof(target), "/v1/jobs/%s/events?tenant_id=t1", rig_text(made, "jobId"));
	const struct rig_call *call = rig_get(target);
	CHECK_INT(json_array_size(call->json), 2);
	const json_t *first = json_array_get(call->json, 0);
	const json_t *second = json_array_get(call->json, 1);
	CHECK_TEXT(json_string_value(json_object_get(first, "event")), "job.created");
	CHECK(json_is_null(json_object_get(first, "detail")));
	CHECK_TEXT(json_string_value(json_object_get(second, "event")), "job.paused");
	CHECK_TEXT(json_string_value(json_object_get(second, "state")), "PAUSED");
	rig_end();
}

static void storage_without_lists_and_events_is_said_to_have_none(void)
{
	begin(&(const struct rig_traits){ .is_plain = true });
	expect("/v1/jobs?tenant_id=t1", 501, "not-implemented");
	expect("/v1/jobs/" JOB "/events?tenant_id=t1", 501, "not-implemented");
	rig_end();
}

/* What a backend's failure is to a client. */
static const struct {
	uint32_t status;
	unsigned answer;
	const char *problem;
	bool says_when;
} failures[] = {
	{ LUCIUS_UNAVAILABLE, 503, "unavailable", true },
	{ LUCIUS_UNKNOWN, 503, "unavailable", true },
	{ LUCIUS_DENIED, 503, "unavailable", true },
	{ LUCIUS_UNSUPPORTED, 500, "internal", false },
	{ LUCIUS_INTERNAL, 500, "internal", false },
};

static void expect_failures(uint32_t operation, const char *target)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		rig_refuse(operation, failures[i].status);
		const struct rig_call *call = rig_get(target);
		CHECK_INT(call->status, failures[i].answer);
		CHECK_TEXT(problem_of(call), failures[i].problem);
		CHECK_INT(strstr(call->headers, "Retry-After: ") != NULL, failures[i].says_when);
		/* What is inside stays inside. */
		CHECK(strstr(call->body, "laid down") == NULL);
	}
}

static void storage_that_fails_is_answered_without_its_inside(void)
{
	begin(NULL);
	expect_failures(LUCIUS_OP_STORAGE_LOAD, "/v1/jobs/" JOB "?tenant_id=t1");
	expect_failures(LUCIUS_OP_STORAGE_LOAD, "/v1/jobs/" JOB "/steps");
	expect_failures(LUCIUS_OP_STORAGE_LOAD, "/v1/jobs/" JOB "/events?tenant_id=t1");
	expect_failures(LUCIUS_OP_STORAGE_EVENTS, "/v1/jobs/" JOB "/events?tenant_id=t1");
	expect_failures(LUCIUS_OP_STORAGE_LIST, "/v1/jobs?tenant_id=t1");
	rig_end();
}

static void job_that_goes_between_its_row_and_its_history_is_not_there(void)
{
	begin(NULL);
	rig_refuse(LUCIUS_OP_STORAGE_EVENTS, LUCIUS_NOT_FOUND);
	expect("/v1/jobs/" JOB "/events?tenant_id=t1", 404, "not-found");
	rig_end();
}

static void storage_that_does_not_answer_is_given_up(void)
{
	begin(NULL);
	rig_hold(LUCIUS_OP_STORAGE_LIST);
	const struct rig_call *call = rig_call("GET", "/v1/jobs?tenant_id=t1", NULL, NULL);
	CHECK(!call->is_answered);
	rig_advance(30000);
	CHECK_INT(call->status, 503);
	rig_answer(LUCIUS_OP_STORAGE_LIST, LUCIUS_OK);
	rig_end();
}

/* Lists */

static void put_jobs(unsigned n, const char *tenant_id)
{
	for (unsigned i = 0; i < n; i++) {
		char job_id[33];
		(void)snprintf(job_id, sizeof(job_id), "%024u%08u", tenant_id[1] - '0', i);
		put_job(job_id, tenant_id);
		rig_advance(1000);
	}
}

static void list_shows_a_tenants_jobs_the_newest_first(void)
{
	rig_begin(NULL);
	rig_serve();
	put_jobs(3, "t7");
	put_jobs(2, "t8");
	const struct rig_call *call = rig_get("/v1/jobs?tenant_id=t7");
	CHECK_INT(call->status, 200);
	const json_t *jobs = json_object_get(call->json, "jobs");
	CHECK_INT(json_array_size(jobs), 3);
	CHECK(json_is_null(json_object_get(call->json, "next")));
	const char *before = "9999";
	for (size_t i = 0; i < json_array_size(jobs); i++) {
		const json_t *job = json_array_get(jobs, i);
		CHECK_TEXT(json_string_value(json_object_get(job, "tenant_id")), "t7");
		const char *created_at = json_string_value(json_object_get(job, "created_at"));
		CHECK(strcmp(created_at, before) < 0);
		before = created_at;
	}
	const struct rig_call *none = rig_get("/v1/jobs?tenant_id=t9");
	CHECK_INT(none->status, 200);
	CHECK_INT(json_array_size(json_object_get(none->json, "jobs")), 0);
	CHECK(json_is_null(json_object_get(none->json, "next")));
	rig_end();
}

static void pages_that_follow_each_other_show_each_job_once(void)
{
	rig_begin(NULL);
	rig_serve();
	put_jobs(7, "t7");
	char target[512] = "/v1/jobs?tenant_id=t7&limit=3";
	json_t *seen = json_object();
	unsigned n_pages = 0;
	for (bool has_more = true; has_more && n_pages < 9; n_pages++) {
		const struct rig_call *call = rig_get(target);
		CHECK_INT(call->status, 200);
		const json_t *jobs = json_object_get(call->json, "jobs");
		CHECK(json_array_size(jobs) <= 3);
		for (size_t i = 0; i < json_array_size(jobs); i++) {
			const json_t *id = json_object_get(json_array_get(jobs, i), "job_id");
			CHECK(json_object_get(seen, json_string_value(id)) == NULL);
			json_object_set_new(seen, json_string_value(id), json_true());
		}
		has_more = json_is_string(json_object_get(call->json, "next"));
		(void)snprintf(target, sizeof(target), "/v1/jobs?tenant_id=t7&limit=3&cursor=%s",
		        rig_text(call, "next"));
	}
	CHECK_INT(json_object_size(seen), 7);
	CHECK(n_pages >= 3);
	json_decref(seen);
	rig_end();
}

static enum rule fail(void *user, struct job *job, const char *now)
{
	(void)user;
	return rule_close(job, JOB_FAILED_FINAL, "WORKFLOW_LOST", "it was lost", now);
}

static void list_of_one_state_leaves_the_others_out(void)
{
	begin(NULL);
	put_job(OTHER_JOB, "t1");
	rig_change_job(OTHER_JOB, fail, NULL);
	const struct rig_call *failed = rig_get("/v1/jobs?tenant_id=t1&state=FAILED_FINAL");
	const json_t *jobs = json_object_get(failed->json, "jobs");
	CHECK_INT(json_array_size(jobs), 1);
	CHECK_TEXT(
	        json_string_value(json_object_get(json_array_get(jobs, 0), "job_id")), OTHER_JOB);
	const struct rig_call *paused = rig_get("/v1/jobs?tenant_id=t1&state=PAUSED");
	CHECK_INT(paused->status, 200);
	CHECK_INT(json_array_size(json_object_get(paused->json, "jobs")), 0);
	rig_end();
}

static void query_that_no_list_has_is_refused_before_the_storage_is_asked(void)
{
	static const char *const wrong[] = { "limit=0", "limit=", "limit=201", "limit=1000",
		"limit=-1", "limit=1x", "limit=0x5", "state=queued", "state=", "state=DONE" };
	begin(NULL);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char target[128];
		(void)snprintf(target, sizeof(target), "/v1/jobs?tenant_id=t1&%s", wrong[i]);
		expect(target, 400, "bad-query");
	}
	expect("/v1/jobs", 422, "invalid-query");
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_LIST), 0);
	CHECK_INT(rig_get("/v1/jobs?tenant_id=t1&limit=200")->status, 200);
	CHECK_TEXT(rig_last(LUCIUS_OP_STORAGE_LIST), "list t1 any 200");
	rig_end();
}

static void cursor_that_was_not_given_out_is_refused(void)
{
	begin(NULL);
	expect("/v1/jobs?tenant_id=t1&cursor=nonsense", 400, "invalid-cursor");
	expect("/v1/jobs?tenant_id=t1&cursor=%00%ff", 400, "bad-request");
	rig_end();
}

/* Tokens */

static struct access_list *load_tokens(const char *lines)
{
	char path[] = "/tmp/lucius-tokens-XXXXXX";
	char error[256] = "";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");
	(void)fputs(lines, file);
	(void)fclose(file);
	struct access_list *access = access_load(path, error, sizeof(error));
	CHECK_TEXT(error, "");
	(void)remove(path);
	return access;
}

static unsigned status_with(const char *method, const char *target, const char *authorization)
{
	const struct rig_call *call = rig_call(method, target, authorization, NULL);
	CHECK(call->is_answered);
	return call->status;
}

static void token_reads_what_its_tenants_have(void)
{
	begin(NULL);
	put_job(OTHER_JOB, "t2");
	struct access_list *access = load_tokens("first t1\nevery *\n");
	rig.api.access = access;
	CHECK_INT(status_with("GET", "/v1/jobs?tenant_id=t1", NULL), 401);
	CHECK_INT(status_with("GET", "/v1/jobs?tenant_id=t1", "Bearer wrong"), 401);
	CHECK_INT(status_with("GET", "/v1/jobs?tenant_id=t1", "Bearer first"), 200);
	CHECK_INT(status_with("GET", "/v1/jobs?tenant_id=t2", "Bearer first"), 403);
	CHECK_INT(status_with("GET", "/v1/jobs?tenant_id=t2", "Bearer every"), 200);
	CHECK_INT(status_with("GET", "/v1/jobs/" JOB "/steps", "Bearer first"), 200);
	CHECK_INT(status_with("GET", "/v1/jobs/" OTHER_JOB "/steps", "Bearer first"), 404);
	CHECK_INT(status_with("GET", "/v1/jobs/" OTHER_JOB "/steps", "Bearer every"), 200);
	CHECK_INT(status_with("POST", "/v1/jobs/" OTHER_JOB ":pause?tenant_id=t2", "Bearer first"),
	        403);
	access_destroy(access);
	rig_end();
}

static struct access_list *other_tokens;

static void take_up_other_tokens(uint32_t operation)
{
	if (operation == LUCIUS_OP_STORAGE_LOAD) {
		rig.api.access = other_tokens;
	}
}

/* The list of tokens may be another by the time the storage answers. */
static void token_that_is_withdrawn_meanwhile_reads_nothing(void)
{
	begin(NULL);
	struct access_list *access = load_tokens("first t1\n");
	other_tokens = load_tokens("other *\n");
	rig.api.access = access;
	rig.on_asked = take_up_other_tokens;
	CHECK_INT(status_with("GET", "/v1/jobs/" JOB "/steps", "Bearer first"), 404);
	access_destroy(other_tokens);
	access_destroy(access);
	rig_end();
}

static void page_of_a_list_may_have_gaps(void)
{
	begin(NULL);
	rig.has_gaps = true;
	const struct rig_call *call = rig_get("/v1/jobs?tenant_id=t1");
	CHECK_INT(json_array_size(json_object_get(call->json, "jobs")), 1);
	CHECK(json_is_null(json_object_get(call->json, "next")));
	const struct rig_call *none = rig_get("/v1/jobs?tenant_id=t2");
	CHECK_INT(json_array_size(json_object_get(none->json, "jobs")), 0);
	CHECK_TEXT(rig_text(none, "next"), "gap");
	rig_end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(job_is_shown_to_its_tenant_alone),
		SUITE_TEST(steps_are_shown_without_a_tenant_but_to_no_other),
		SUITE_TEST(history_is_shown_to_its_tenant_alone),
		SUITE_TEST(history_of_a_job_begins_with_its_creation),
		SUITE_TEST(storage_without_lists_and_events_is_said_to_have_none),
		SUITE_TEST(storage_that_fails_is_answered_without_its_inside),
		SUITE_TEST(job_that_goes_between_its_row_and_its_history_is_not_there),
		SUITE_TEST(storage_that_does_not_answer_is_given_up),
		SUITE_TEST(list_shows_a_tenants_jobs_the_newest_first),
		SUITE_TEST(pages_that_follow_each_other_show_each_job_once),
		SUITE_TEST(list_of_one_state_leaves_the_others_out),
		SUITE_TEST(query_that_no_list_has_is_refused_before_the_storage_is_asked),
		SUITE_TEST(cursor_that_was_not_given_out_is_refused),
		SUITE_TEST(token_reads_what_its_tenants_have),
		SUITE_TEST(token_that_is_withdrawn_meanwhile_reads_nothing),
		SUITE_TEST(page_of_a_list_may_have_gaps),
	};
	return suite_run("api_jobs", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
