/* SPDX-License-Identifier: MIT */
/* What of protocol and settings is written on the rows of a new job. */
#include "core/command_job.h"

#include <jansson.h>

#include "core/loop.h"
#include "core/registry.h"
#include "core/settings.h"
#include "tests/support/suite.h"

static struct settings settings;
static struct protocol_step definitions[3];
static struct protocol protocol;
static struct command_step steps[3];
static struct command command;
static struct loop *loop;

static void begin(void)
{
	settings = (struct settings){ .max_attempts = 3,
		.step_result_timeout_seconds = 100,
		.lease_minutes = 15,
		.retry_initial_seconds = 1,
		.retry_max_seconds = 3,
		.temporal_workflow_execution_timeout = -1 };
	memset(definitions, 0, sizeof(definitions));
	memset(steps, 0, sizeof(steps));
	for (size_t i = 0; i < 3; i++) {
		static const char *const names[] = { "one", "two", "three" };
		definitions[i].step_id = names[i];
		definitions[i].step_type = "T";
		definitions[i].service = "s";
	}
	protocol = (struct protocol){ "p", definitions, 3 };
	command = (struct command){ .tenant_id = "t1",
		.request_type = (char *)(uintptr_t) "OCR",
		.input_ref = json_string("in"),
		.output_ref = json_pack("{s:s}", "uri", "out"),
		.workspace_ref = json_null(),
		.protocol = &protocol,
		.steps = steps,
		.routing = { .mode = ROUTING_DEFAULT, .key = (char *)(uintptr_t) "k" } };
	loop = loop_create_simulated(1, INT64_C(1767323045000006));
}

static void end(void)
{
	json_decref(command.input_ref);
	json_decref(command.output_ref);
	loop_destroy(loop);
}

/* The options of the job; owned. */
static json_t *options_of(struct job *job)
{
	return json_loads(value_text(&job->options), 0, NULL);
}

static int64_t number(const json_t *options, const char *name)
{
	return json_integer_value(json_object_get(options, name));
}

static void overrides_of_steps_are_kept_and_only_those_that_are_set(void)
{
	begin();
	definitions[0].overrides.lease_minutes = 20;
	definitions[2].overrides.max_attempts = 5;
	definitions[2].overrides.step_result_timeout_seconds = 7200;
	CLEANUP(cleanup_job) struct job *job = command_job_create(&command, &settings, loop);
	json_t *options = options_of(job);
	char *overrides = json_dumps(json_object_get(options, "steps"), JSON_COMPACT);
	CHECK_TEXT(overrides,
	        "{\"one\":{\"lease_minutes\":20},"
	        "\"three\":{\"step_result_timeout_seconds\":7200,\"max_attempts\":5}}");
	/* Each attempt of each step timed out after its ACK, and the pauses between: of one and two
	 * 3 · (2 · 100 + 120) + 1 + 2, of three 5 · (2 · 7200 + 120) + 1 + 2 + 3 + 3. */
	CHECK_INT(number(options, "execution_timeout_seconds"), 2 * 963 + 72609);
	free(overrides);
	json_decref(options);
	end();
}

static void a_protocol_without_overrides_has_the_settings_and_an_hour_at_least(void)
{
	begin();
	CLEANUP(cleanup_job) struct job *job = command_job_create(&command, &settings, loop);
	json_t *options = options_of(job);
	CHECK(json_object_get(options, "steps") == NULL);
	CHECK_INT(number(options, "lease_seconds"), 900);
	CHECK_INT(number(options, "execution_timeout_seconds"), 3600);
	json_decref(options);
	settings.temporal_workflow_execution_timeout = 0;
	CLEANUP(cleanup_job) struct job *other = command_job_create(&command, &settings, loop);
	options = options_of(other);
	CHECK_INT(number(options, "execution_timeout_seconds"), 0);
	json_decref(options);
	end();
}

static void check_options(const char *text)
{
	CLEANUP(cleanup_job) struct job *job = command_job_create(&command, &settings, loop);
	json_t *options = options_of(job);
	char *printed = json_dumps(options, JSON_COMPACT);
	CHECK_TEXT(printed, text);
	CHECK_INT(job->options.size, strlen(text));
	free(printed);
	json_decref(options);
}

#define NUMBERS(most, result, lease, first, longest, whole)                                   \
	"{\"definition\":1,\"max_attempts\":" most ",\"step_result_timeout_seconds\":" result \
	",\"lease_seconds\":" lease ",\"retry_initial_seconds\":" first                       \
	",\"retry_max_seconds\":" longest ",\"execution_timeout_seconds\":" whole "}"

static void each_job_has_the_settings_of_its_own_time(void)
{
	begin();
	check_options(NUMBERS("3", "100", "900", "1", "3", "3600"));
	check_options(NUMBERS("3", "100", "900", "1", "3", "3600"));
	settings.max_attempts = 4;
	check_options(NUMBERS("4", "100", "900", "1", "3", "3858"));
	settings.temporal_workflow_execution_timeout = 9;
	check_options(NUMBERS("4", "100", "900", "1", "3", "9"));
	settings.step_result_timeout_seconds = 101;
	check_options(NUMBERS("4", "101", "900", "1", "3", "9"));
	settings.lease_minutes = 16;
	check_options(NUMBERS("4", "101", "960", "1", "3", "9"));
	settings.retry_initial_seconds = 2;
	check_options(NUMBERS("4", "101", "960", "2", "3", "9"));
	settings.retry_max_seconds = 5;
	check_options(NUMBERS("4", "101", "960", "2", "5", "9"));
	end();
}

static void references_are_kept_as_text_or_as_json_and_null_as_nothing(void)
{
	begin();
	CLEANUP(cleanup_job) struct job *job = command_job_create(&command, &settings, loop);
	CHECK_INT(job->n_steps, 3);
	CHECK_TEXT(value_text(&job->steps[1].input_ref), "in");
	CHECK_TEXT(value_text(&job->steps[1].output_ref), "{\"uri\":\"out\"}");
	CHECK_TEXT(value_text(&job->steps[1].workspace_ref), "");
	CHECK_TEXT(value_text(&job->tenant_bucket), "t1#202601");
	end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(overrides_of_steps_are_kept_and_only_those_that_are_set),
		SUITE_TEST(a_protocol_without_overrides_has_the_settings_and_an_hour_at_least),
		SUITE_TEST(each_job_has_the_settings_of_its_own_time),
		SUITE_TEST(references_are_kept_as_text_or_as_json_and_null_as_nothing),
	};
	return suite_run("command_job", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
