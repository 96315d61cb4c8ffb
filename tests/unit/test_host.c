/* SPDX-License-Identifier: MIT */
/* The host table as a careless plugin uses it, and rows that are none. */
#include <signal.h>
#include <stdlib.h>

#include "core/copy.h"
#include "core/instance.h"
#include "core/item_check.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/op_contract.h"
#include "tests/support/child.h"
#include "tests/support/storage_world.h"
#include "tests/support/suite.h"

static const struct lucius_host *host(void)
{
	return fake->host;
}

static void act_log(void)
{
	static const struct lucius_field fields[] = {
		{ "number", "-17", 3, LUCIUS_FIELD_INTEGER },
		{ "word", "12x", 3, LUCIUS_FIELD_INTEGER },
		{ "nothing", "", 0, LUCIUS_FIELD_INTEGER },
		{ "huge", "99999999999999999999", 20, LUCIUS_FIELD_INTEGER },
		{ "null", NULL, 0, LUCIUS_FIELD_INTEGER },
		{ "text", "t", 1, LUCIUS_FIELD_STRING },
	};
	struct lucius_field many[40];
	for (size_t i = 0; i < 40; i++) {
		many[i] = (struct lucius_field){ "many", "1", 1, LUCIUS_FIELD_INTEGER };
	}
	host()->log(host(), LUCIUS_LOG_WARNING, "test.fields", "a sentence", fields, 6);
	host()->log(host(), 0, "test.level", NULL, NULL, 5);
	host()->log(host(), 99, "test.level", NULL, NULL, 0);
	host()->log(host(), LUCIUS_LOG_DEBUG, "test.quiet", NULL, NULL, 0);
	host()->log(host(), LUCIUS_LOG_INFO, "test.many", NULL, many, 40);
}

static unsigned count(const char *text, const char *part)
{
	unsigned n = 0;
	for (; (text = strstr(text, part)) != NULL; text += strlen(part)) {
		n++;
	}
	return n;
}

static void what_a_plugin_logs_has_its_name_and_fields_of_their_type(void)
{
	char said[8192];
	world_begin();
	CHECK_INT(child_signal(act_log, said, sizeof(said)), 0);
	CHECK(strstr(said,
	              "\"backend\":\"storage-fake\",\"number\":-17,\"word\":\"12x\","
	              "\"huge\":\"99999999999999999999\",\"text\":\"t\"}") != NULL);
	CHECK_INT(count(said, "\"level\":\"info\",\"event\":\"test.level\""), 2);
	CHECK_INT(count(said, "test.quiet"), 0);
	CHECK_INT(count(said, "\"many\":1"), 24);
	world_end();
}

static void act_ready(void)
{
	host()->ready(host(), NULL);
	host()->ready(host(), "no connection");
	host()->ready(host(), "no connection");
	host()->ready(host(), "no rights");
	host()->ready(host(), NULL);
	host()->ready(host(), NULL);
}

static void readiness_is_logged_when_it_changes(void)
{
	char said[4096];
	world_begin();
	CHECK_INT(child_signal(act_ready, said, sizeof(said)), 0);
	CHECK_INT(count(said, "\"event\":\"backend.not_ready\""), 2);
	CHECK_INT(count(said, "\"event\":\"backend.ready\""), 1);
	CHECK_INT(count(said, "\n"), 3);
	world_end();
}

static void act_open_nothing(void)
{
	const struct lucius_question question = { .size = sizeof(question), .operation = 0x999 };
	(void)host()->open(host(), &question);
}

static void act_open_storage_of_the_core(void)
{
	const struct lucius_question question = { .size = sizeof(question),
		.operation = LUCIUS_OP_STORAGE_LOAD };
	(void)host()->open(host(), &question);
}

static void act_open_activity_of_a_backend(void)
{
	const struct lucius_backend asked = { .size = sizeof(asked), .host = host() };
	const struct lucius_question question = {
		.size = sizeof(question), .operation = LUCIUS_OP_DEFINITION_RUN, .asked = &asked
	};
	(void)host()->open(host(), &question);
}

static void act_strange_host(void)
{
	struct backend *strange = calloc(1, sizeof(*strange));
	host()->log(&strange->host, LUCIUS_LOG_INFO, "x", NULL, NULL, 0);
}

static void act_no_host(void)
{
	host()->log(NULL, LUCIUS_LOG_INFO, "x", NULL, NULL, 0);
}

static void act_core_finishes_a_plugins(void)
{
	op_finish(world_load("a", 0), LUCIUS_OK, NULL);
}

static void act_core_finishes_nothing(void)
{
	op_finish((struct lucius_op){ 12345 }, LUCIUS_OK, NULL);
}

static void calls_that_no_plugin_may_make_end_the_process_with_a_name(void)
{
	static const struct {
		void (*act)(void);
		const char *words;
	} cases[] = {
		{ act_open_nothing, "storage-fake: open of an operation that nobody has" },
		{ act_open_storage_of_the_core,
		        "storage-fake: open of an operation that nobody has" },
		{ act_open_activity_of_a_backend,
		        "storage-fake: open of an operation that nobody has" },
		{ act_strange_host, "with a host table that is none" },
		{ act_no_host, "with a host table that is none" },
		{ act_core_finishes_a_plugins, "core: finish of an operation that is another's" },
		{ act_core_finishes_nothing, "core: finish of an operation that is finished" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char said[4096];
		world_begin();
		CHECK_INT(child_signal(cases[i].act, said, sizeof(said)), SIGABRT);
		if (strstr(said, cases[i].words) == NULL) {
			CHECK_TEXT(said, cases[i].words);
		}
		world_end();
	}
}

static void a_question_to_another_backend_is_the_asker_s_to_lead(void)
{
	world_begin();
	const struct lucius_backend asked = { .size = sizeof(asked), .host = host() };
	const struct lucius_question question = { .size = sizeof(question),
		.operation = LUCIUS_OP_STORAGE_LOAD,
		.asked = &asked,
		.timeout_ms = 100,
		.on_done = world_on_done };
	struct lucius_op op = host()->open(host(), &question);
	world_give_job(op, "nobody takes it");
	host()->finish(host(), op, LUCIUS_OK, NULL);
	world_turn();
	CHECK_INT(world.n_done, 1);
	CHECK_INT(world.n_items, 0);
	op = host()->open(host(), &question);
	host()->cancel(host(), op);
	world_turn();
	CHECK_INT(world.n_done, 2);
	CHECK_INT(world.status, LUCIUS_UNKNOWN);
	/* A hook that is taken back does not run. */
	host()->on_cancel(host(), op, NULL, NULL);
	host()->finish(host(), op, LUCIUS_OK, NULL);
	world_turn();
	world_end();
}

static void wrapping_is_for_create_and_for_what_is_there(void)
{
	world_begin();
	CHECK(host()->wrap(host(), "memory") == NULL);
	world_end();
}

static void a_series_without_a_name_has_one_all_the_same(void)
{
	world_begin();
	const struct lucius_metric_spec spec = { .size = sizeof(spec),
		.type = LUCIUS_METRIC_COUNTER };
	struct lucius_metric *metric = host()->metric(host(), &spec);
	host()->record(host(), metric, 2);
	const struct metric *same = metrics_series(
	        LUCIUS_METRIC_COUNTER, "lucius_storage_fake_unnamed", NULL, NULL, NULL);
	CHECK_INT((int64_t)metric_value(same), 2);
	world_end();
}

static void what_is_given_where_nothing_is_is_dropped(void)
{
	world_begin();
	const struct op_caller caller = { .on_done = world_on_done, .on_item = world_on_job };
	backend_listen(world.storage, &caller);
	world_turn();
	struct lucius_job job = { .size = sizeof(job) };
	storage_release(world.storage, &job, &caller);
	world_give_job(fake->asked[0], "release gives nothing");
	host()->finish(host(), fake->asked[0], LUCIUS_OK, NULL);
	world_turn();
	CHECK_INT(world.n_items, 0);
	CHECK_INT(world.status, LUCIUS_OK);
	world_end();
}

/* Contracts */

static void operations_that_are_none_have_no_contract(void)
{
	static const uint32_t none[] = { 0, 5, 0x100, 0x10a, 0x206, 0x30f, 0x403, 0x501, 0xffff,
		0x000a, UINT32_MAX };
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		CHECK(op_contract(none[i]) == NULL);
	}
	CHECK_TEXT(op_contract(LUCIUS_OP_DEFINITION_RUN)->name, "run");
	CHECK_TEXT(status_name(LUCIUS_OK), "OK");
	CHECK_TEXT(status_name(LUCIUS_N_STATUSES), "no status");
}

/* Rows */

static struct lucius_job good_job(void)
{
	return (struct lucius_job){ .size = sizeof(struct lucius_job),
		.job_id = { "x", 1 },
		.tenant_id = { "t", 1 },
		.state = { "QUEUED", 6 },
		.revision = { "1", 1 } };
}

static void each_text_and_list_of_a_row_is_looked_at(void)
{
	static const struct lucius_field empty_name[] = { { "", "x", 1, 0 } };
	static const struct lucius_field good[] = { { "state", NULL, 0, 0 } };
	const struct lucius_step cut = { .size = 8 };
	const struct lucius_step bad = { .size = sizeof(bad), .fields = empty_name, .n_fields = 1 };
	const struct lucius_step fine = { .size = sizeof(fine), .fields = good, .n_fields = 1 };
	const struct lucius_step *cuts[] = { &cut };
	const struct lucius_step *bads[] = { &fine, &bad };
	const struct lucius_step *fines[] = { &fine, &fine };
	struct lucius_job job = good_job();
	job.fields = good;
	job.n_fields = 1;
	job.steps = fines;
	job.n_steps = 2;
	CHECK_TEXT(item_fault(copy_job, &job), NULL);
	job.steps = cuts;
	job.n_steps = 1;
	CHECK_TEXT(item_fault(copy_job, &job), "a step is none");
	job.steps = bads;
	job.n_steps = 2;
	CHECK_TEXT(item_fault(copy_job, &job), "a field has no name");
	job.n_steps = UINT64_MAX;
	CHECK_TEXT(item_fault(copy_job, &job), "its steps are none, or more than a job has");
	struct lucius_text *const texts[] = { &job.job_id, &job.tenant_id, &job.state,
		&job.revision };
	for (size_t i = 0; i < 4; i++) {
		job = good_job();
		texts[i]->data = NULL;
		CHECK_TEXT(item_fault(copy_job, &job),
		        "its id, tenant, state or revision has a size and no text");
		texts[i]->size = 0;
		CHECK_TEXT(item_fault(copy_job, &job), NULL);
	}
}

static void what_scans_and_histories_give_is_looked_at(void)
{
	struct lucius_job job = good_job();
	struct lucius_found found = { .size = sizeof(found), .job = &job };
	CHECK_TEXT(item_fault(copy_found, &found), NULL);
	job.size = 8;
	CHECK_TEXT(item_fault(copy_found, &found), "it says that it is smaller than any job is");
	found.job = NULL;
	CHECK_TEXT(item_fault(copy_found, &found), NULL);
	found.size = 8;
	CHECK_TEXT(item_fault(copy_found, &found),
	        "it says that it is smaller than what a scan gives");
	struct lucius_job_event event = { .size = sizeof(event) };
	CHECK_TEXT(item_fault(copy_job_event, &event), NULL);
	event.n_fields = 1;
	CHECK_TEXT(
	        item_fault(copy_job_event, &event), "its fields are none, or more than a row has");
	event.size = 8;
	CHECK_TEXT(
	        item_fault(copy_job_event, &event), "it says that it is smaller than any event is");
	CHECK_TEXT(item_fault(copy_text_item, &event), NULL);
}

/* A create that goes wrong */

static struct lucius_op left_open;
static uint32_t leave_open(
        void *self, const struct lucius_host *given, char *error, size_t error_size)
{
	(void)self;
	(void)error;
	(void)error_size;
	const struct lucius_backend asked = { .size = sizeof(asked), .host = given };
	const struct lucius_question question = {
		.size = sizeof(question), .operation = LUCIUS_OP_STORAGE_LOAD, .asked = &asked
	};
	left_open = given->open(given, &question);
	return LUCIUS_DENIED;
}

static uint32_t refuse_silently(
        void *self, const struct lucius_host *given, char *error, size_t error_size)
{
	(void)self;
	(void)given;
	(void)error;
	(void)error_size;
	return LUCIUS_DENIED;
}

static struct lucius_life odd_life;
static struct lucius_plugin odd_plugin;
static char odd_error[256];

static struct backend *make_odd(
        uint32_t (*create)(void *, const struct lucius_host *, char *, size_t))
{
	odd_life = (struct lucius_life){
		.size = sizeof(odd_life), .instance_size = 8, .create = create
	};
	odd_plugin = fake_plugin;
	odd_plugin.prefix.name = "odd";
	odd_plugin.life = &odd_life;
	const struct backend_parts parts = { .loop = world.loop, .plugin = &odd_plugin };
	odd_error[0] = '\0';
	return backend_create(&parts, odd_error, sizeof(odd_error));
}

static void act_leave_open(void)
{
	(void)make_odd(leave_open);
}

static void a_create_that_fails_gives_a_reason_and_leaves_nothing(void)
{
	char said[4096];
	world_begin();
	CHECK(make_odd(refuse_silently) == NULL);
	CHECK_TEXT(odd_error, "storage-odd cannot be used: it gives no reason");
	CHECK_INT(child_signal(act_leave_open, said, sizeof(said)), SIGABRT);
	CHECK(strstr(said, "create has failed and left an operation open") != NULL);
	world_end();
}

static void a_backend_without_the_options_that_it_needs_is_not_made(void)
{
	static const struct lucius_option row = { .name = "odd-key",
		.summary = "A key.",
		.type = LUCIUS_OPTION_TEXT,
		.flags = LUCIUS_OPTION_REQUIRED,
		.member_size = sizeof(const char *) };
	world_begin();
	struct lucius_plugin plugin = fake_plugin;
	char error[128] = "";
	plugin.options = &row;
	plugin.n_options = 1;
	const struct backend_parts parts = { .loop = world.loop, .plugin = &plugin };
	unsigned n_destroyed = fake_n_destroyed;
	CHECK(backend_create(&parts, error, sizeof(error)) == NULL);
	CHECK_TEXT(error, "'fake' needs the option 'odd-key'");
	CHECK_INT(fake_n_destroyed, n_destroyed);
	CHECK(instance_first() != NULL);
	world_end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(what_a_plugin_logs_has_its_name_and_fields_of_their_type),
		SUITE_TEST(readiness_is_logged_when_it_changes),
		SUITE_TEST(calls_that_no_plugin_may_make_end_the_process_with_a_name),
		SUITE_TEST(a_question_to_another_backend_is_the_asker_s_to_lead),
		SUITE_TEST(wrapping_is_for_create_and_for_what_is_there),
		SUITE_TEST(a_series_without_a_name_has_one_all_the_same),
		SUITE_TEST(what_is_given_where_nothing_is_is_dropped),
		SUITE_TEST(operations_that_are_none_have_no_contract),
		SUITE_TEST(each_text_and_list_of_a_row_is_looked_at),
		SUITE_TEST(what_scans_and_histories_give_is_looked_at),
		SUITE_TEST(a_create_that_fails_gives_a_reason_and_leaves_nothing),
		SUITE_TEST(a_backend_without_the_options_that_it_needs_is_not_made),
	};
	return suite_run("host", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
