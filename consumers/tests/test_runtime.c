/* SPDX-License-Identifier: MIT */
/* The parts of the runtime that need no broker: options, topics, memory, results, replies. */
#include "consumers/common/environment.h"
#include "consumers/common/text.h"
#include "consumers/runtime/json_text.h"
#include "consumers/runtime/options.h"
#include "consumers/runtime/reply.h"
#include "consumers/runtime/seen.h"
#include "tests/support/suite.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

static void check_topics(const char *text, const char *first, const char *last, size_t n_topics)
{
	struct topic_list topics;
	struct fault fault = { 0 };
	CHECK_INT(topics_read(text, "V", &fault, &topics), 0);
	CHECK_INT(topics.n_topics, n_topics);
	if (topics.n_topics == n_topics) {
		CHECK_TEXT(topics.names[0], first);
		CHECK_TEXT(topics.names[n_topics - 1], last);
	}
	topics_finish(&topics);
	fault_finish(&fault);
}

static void topics_are_one_a_list_or_a_range(void)
{
	check_topics("one", "one", "one", 1);
	check_topics(" one , two", "one", "two", 2);
	check_topics("global-bus-p0..15", "global-bus-p0", "global-bus-p15", 16);
	check_topics("p3..3", "p3", "p3", 1);
	check_topics("a,p1..3,p2,b", "a", "b", 5);
}

static void odd_topics_are_named(void)
{
	static const char *const odd[] = { "", "a,,b", "a b", "p..3", "p3..", "p5..3", "p1..x",
		"p00001..3", "p0..300" };
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct topic_list topics;
		struct fault fault = { 0 };
		CHECK_INT(topics_read(odd[i], "SERVICEBUS_TOPIC", &fault, &topics), EX_CONFIG);
		CHECK(fault.message != NULL && strstr(fault.message, "SERVICEBUS_TOPIC") != NULL);
		topics_finish(&topics);
		fault_finish(&fault);
	}
}

static void lane_is_the_number_at_the_end_of_a_topic(void)
{
	CHECK_INT(topics_lane("global-bus-p0"), 0);
	CHECK_INT(topics_lane("global-bus-p15"), 15);
	CHECK_INT(topics_lane("global-bus"), LANE_NONE);
	CHECK_INT(topics_lane("p1024"), LANE_NONE);
	CHECK_INT(topics_lane("p99999"), LANE_NONE);
}

static struct directive parse(const char *text)
{
	struct directive directive = { 0 };
	const char *reason = NULL;
	CHECK(directive_parse(amqp_text(text), &directive, &reason));
	return directive;
}

static void directive_is_read_with_what_it_has(void)
{
	struct directive directive =
	        parse("{\"jobId\":\"j\",\"stepId\":\"s\",\"lease_id\":\"l\",\"attempt_no\":3,"
	              "\"lane\":4,\"lease_expires_at\":\"1970-01-01T00:00:01.5+00:00\"}");
	CHECK_INT(directive.attempt_no, 3);
	CHECK_INT(directive.lane, 4);
	CHECK(directive.has_lease_end);
	CHECK_INT(directive.lease_end_us, 1500000);
	CHECK_TEXT(directive.tenant_id, NULL);
	directive_finish(&directive);
	directive = parse("{\"jobId\":\"j\",\"stepId\":\"s\",\"lease_id\":\"l\",\"attempt_no\":3,"
	                  "\"lane\":\"x\",\"lease_expires_at\":\"soon\",\"tenant_id\":null}");
	CHECK_INT(directive.lane, LANE_NONE);
	CHECK(!directive.has_lease_end);
	directive_finish(&directive);
}

static void check_no_directive(const char *text)
{
	struct directive directive;
	const char *reason = NULL;
	CHECK(!directive_parse(amqp_text(text), &directive, &reason));
	CHECK(reason != NULL);
}

static void what_is_no_directive_is_refused(void)
{
	check_no_directive("");
	check_no_directive("{");
	check_no_directive("[]");
	check_no_directive("{}");
	check_no_directive("{\"jobId\":\"j\"}");
	check_no_directive(
	        "{\"jobId\":\"j\",\"stepId\":\"s\",\"lease_id\":\"l\",\"attempt_no\":\"1\"}");
	check_no_directive("{\"jobId\":\"j\",\"stepId\":\"s\",\"lease_id\":\"\",\"attempt_no\":1}");
	check_no_directive("{\"type\":\"ACK\",\"jobId\":\"j\",\"stepId\":\"s\",\"lease_id\":\"l\","
	                   "\"attempt_no\":1}");
}

static void texts_of_a_directive_are_decoded(void)
{
	struct directive directive =
	        parse(" {\"payload\":{\"jobId\":\"inner\",\"x\":[{}, [\"]\"] ]} , "
	              "\"jobId\":\"a\\\"\\\\\\u00e9\\ud83d\\ude00\",\"stepId\":\"\xc3\xa9\","
	              "\"lease_id\":\"l\",\"attempt_no\":1} \n");
	CHECK_TEXT(directive.job_id, "a\"\\\xc3\xa9\xf0\x9f\x98\x80");
	CHECK_TEXT(directive.step_id, "\xc3\xa9");
	directive_finish(&directive);
	check_no_directive(
	        "{\"jobId\":\"\\ud83d\",\"stepId\":\"s\",\"lease_id\":\"l\",\"attempt_no\":1}");
	check_no_directive(
	        "{\"jobId\":\"a\\u0000\",\"stepId\":\"s\",\"lease_id\":\"l\",\"attempt_no\":1}");
	check_no_directive(
	        "{\"jobId\":\"\xff\",\"stepId\":\"s\",\"lease_id\":\"l\",\"attempt_no\":1}");
	check_no_directive(
	        "{\"jobId\":\"j\",\"stepId\":\"s\",\"lease_id\":\"l\",\"attempt_no\":1.5}");
	check_no_directive(
	        "{\"jobId\":\"j\",\"stepId\":\"s\",\"lease_id\":\"l\",\"attempt_no\":01}");
	check_no_directive(
	        "{\"jobId\":\"j\",\"stepId\":\"s\",\"lease_id\":\"l\",\"attempt_no\":1}}");
}

static struct directive numbered(int number)
{
	char text[128];
	(void)snprintf(text, sizeof(text),
	        "{\"jobId\":\"j%d\",\"stepId\":\"s\",\"lease_id\":\"l\",\"attempt_no\":1}", number);
	return parse(text);
}

static void remember(struct seen *seen, int number, int64_t now_ms)
{
	struct directive directive = numbered(number);
	struct seen_entry *entry = seen_add(seen, &directive, seen);
	seen_finish(seen, entry, amqp_text("result"), now_ms);
	directive_finish(&directive);
}

static bool is_known(struct seen *seen, int number, int64_t now_ms)
{
	struct directive directive = numbered(number);
	bool is_found = seen_find(seen, &directive, now_ms) != NULL;
	directive_finish(&directive);
	return is_found;
}

static void memory_tells_attempts_and_leases_apart(void)
{
	struct seen *seen = seen_create(&(struct seen_limits){ 10, 1000 });
	struct directive first =
	        parse("{\"jobId\":\"j\",\"stepId\":\"s\",\"lease_id\":\"l\",\"attempt_no\":1}");
	struct directive attempt =
	        parse("{\"jobId\":\"j\",\"stepId\":\"s\",\"lease_id\":\"l\",\"attempt_no\":2}");
	struct directive lease =
	        parse("{\"jobId\":\"j\",\"stepId\":\"s\",\"lease_id\":\"m\",\"attempt_no\":1}");
	struct directive moved =
	        parse("{\"jobId\":\"js\",\"stepId\":\"l\",\"lease_id\":\"x\",\"attempt_no\":1}");
	struct seen_entry *entry = seen_add(seen, &first, &first);
	CHECK(seen_find(seen, &first, 0) == entry);
	CHECK(seen_run(entry) == &first);
	CHECK(seen_find(seen, &attempt, 0) == NULL);
	CHECK(seen_find(seen, &lease, 0) == NULL);
	CHECK(seen_find(seen, &moved, 0) == NULL);
	seen_finish(seen, entry, amqp_text("the result"), 0);
	CHECK(seen_run(entry) == NULL);
	CHECK(amqp_bytes_is(seen_result(entry), "the result"));
	directive_finish(&first);
	directive_finish(&attempt);
	directive_finish(&lease);
	directive_finish(&moved);
	seen_destroy(seen);
}

static void memory_is_bounded_in_number_and_time(void)
{
	struct seen *seen = seen_create(&(struct seen_limits){ 3000, 1000 });
	for (int i = 0; i < 4000; i++) {
		remember(seen, i, i / 8);
	}
	CHECK_INT(seen_n_done(seen), 3000);
	CHECK(!is_known(seen, 999, 500));
	CHECK(is_known(seen, 1000, 500));
	CHECK(is_known(seen, 3999, 1499));
	CHECK(!is_known(seen, 3999, 1500));
	CHECK_INT(seen_n_done(seen), 0);
	seen_destroy(seen);
}

static void memory_keeps_what_is_under_way(void)
{
	struct seen *seen = seen_create(&(struct seen_limits){ 1, 10 });
	struct directive directive = numbered(0);
	struct seen_entry *entry = seen_add(seen, &directive, seen);
	remember(seen, 1, 1000);
	remember(seen, 2, 2000);
	CHECK(seen_find(seen, &directive, 5000) == entry);
	seen_remove(seen, entry);
	CHECK(seen_find(seen, &directive, 5000) == NULL);
	directive_finish(&directive);
	seen_destroy(seen);
}

static void reply_escapes_and_leaves_out_what_is_missing(void)
{
	struct directive directive = parse("{\"jobId\":\"j\\\"\\\\\\n\\u0001\",\"stepId\":\"sé\","
	                                   "\"lease_id\":\"l\",\"attempt_no\":1}");
	struct result result = result_failure(RESULT_FAILED_FINAL, "CODE", "line\nwith \"quotes\"");
	struct amqp_buffer body = { 0 };
	reply_result_body(&body, &directive, &result);
	json_t *json = json_loadb((const char *)body.start, body.size, 0, NULL);
	CHECK_TEXT(json_string_value(json_object_get(json, "jobId")), "j\"\\\n\x01");
	CHECK_TEXT(json_string_value(json_object_get(json, "stepId")), "sé");
	CHECK(json_object_get(json, "tenant_id") == NULL);
	CHECK(json_object_get(json, "correlation_id") == NULL);
	CHECK(json_object_get(json, "output_ref") == NULL);
	const json_t *error = json_object_get(json, "error");
	CHECK_TEXT(json_string_value(json_object_get(error, "code")), "CODE");
	CHECK_TEXT(json_string_value(json_object_get(error, "message")), "line with \"quotes\"");
	json_decref(json);
	amqp_buffer_finish(&body);
	result_finish(&result);
	directive_finish(&directive);
}

static struct result judge(
        enum process_outcome outcome, int value, const char *output, const char *errors)
{
	struct process_end end = { outcome, value, output, strlen(output), errors, strlen(errors) };
	return result_of_process(&end);
}

static void check_judged(enum process_outcome outcome, int value, const char *errors,
        enum result_status status, const char *message)
{
	struct result result = judge(outcome, value, "", errors);
	CHECK_INT(result.status, status);
	CHECK_TEXT(result.message, message);
	result_finish(&result);
}

static void ends_of_handlers_are_judged(void)
{
	check_judged(PROCESS_EXITED, 0, "warnings\n", RESULT_SUCCEEDED, NULL);
	check_judged(PROCESS_EXITED, 75, "a\nb\n\n", RESULT_FAILED_RETRY, "b");
	check_judged(
	        PROCESS_EXITED, 1, "{\"code\":\"C\",\"message\":\"m\"}", RESULT_FAILED_FINAL, "m");
	check_judged(PROCESS_EXITED, 1, "{\"code\":7}", RESULT_FAILED_FINAL, "{\"code\":7}");
	check_judged(PROCESS_EXITED, 1, "\xff\xfe!", RESULT_FAILED_FINAL, "?\?!");
	check_judged(PROCESS_SIGNALLED, 11, "", RESULT_FAILED_RETRY,
	        "The handler died of signal 11 and says nothing.");
	check_judged(PROCESS_NOT_STARTED, 2, "", RESULT_FAILED_RETRY,
	        "The handler cannot be started: No such file or directory.");
}

static void output_is_one_json_value(void)
{
	static const struct {
		const char *output;
		const char *reference; /* NULL: none */
		enum result_status status;
	} cases[] = {
		{ "\"file:///x\"\n", "\"file:///x\"", RESULT_SUCCEEDED },
		{ " {\"uri\" : \"u\"} ", "{\"uri\":\"u\"}", RESULT_SUCCEEDED },
		{ "1", "1", RESULT_SUCCEEDED },
		{ "null\n", NULL, RESULT_SUCCEEDED },
		{ "file:///x", NULL, RESULT_FAILED_FINAL },
		{ "{\"a\":1} {\"b\":2}", NULL, RESULT_FAILED_FINAL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result result = judge(PROCESS_EXITED, 0, cases[i].output, "");
		CHECK_TEXT(result.output_ref, cases[i].reference);
		CHECK_INT(result.status, cases[i].status);
		result_finish(&result);
	}
}

static void set_environment(void)
{
	CHECK_INT(
	        setenv("SERVICEBUS_CONNECTION",
	                "Endpoint=sb://h.example;SharedAccessKeyName=n;SharedAccessKey=SECRET", 1),
	        0);
	CHECK_INT(setenv("SERVICEBUS_TOPIC", "p0..3", 1), 0);
	CHECK_INT(setenv("SERVICEBUS_SUBSCRIPTION", "sub", 1), 0);
	(void)unsetenv("SERVICEBUS_REPLY_PREFIX");
	(void)unsetenv("SERVICEBUS_MAX_DELIVERY");
	(void)unsetenv("LUCIUS_LOG_LEVEL");
}

static int read_options(const char *const arguments[], struct fault *fault, struct options *options)
{
	const char *argv[12] = { "lucius-consumer" };
	int argc = 1;
	for (; arguments[argc - 1] != NULL; argc++) {
		argv[argc] = arguments[argc - 1];
	}
	return options_read(argc, (char **)argv, fault, options);
}

static void options_have_the_defaults_of_the_contract(void)
{
	struct options options;
	struct fault fault = { 0 };
	set_environment();
	const char *const arguments[] = { "--step-type", "OCR,SIS", "--", "true", "-x", NULL };
	CHECK_INT(read_options(arguments, &fault, &options), 0);
	CHECK_INT(options.topics.n_topics, 4);
	CHECK_TEXT(options.reply_prefix, "global-bus-replies-p");
	CHECK_INT(options.max_deliveries, 5);
	CHECK_INT(options.concurrency, 1);
	CHECK_TEXT(options.handler[1], "-x");
	CHECK(options_has_step_type(&options, "OCR"));
	CHECK(options_has_step_type(&options, "SIS"));
	CHECK(!options_has_step_type(&options, "OC"));
	CHECK(!options_has_step_type(&options, ""));
	CHECK(getenv("SERVICEBUS_CONNECTION") == NULL);
	options_finish(&options);
	fault_finish(&fault);
}

static void check_refused(
        const char *name, const char *value, const char *const arguments[], const char *words)
{
	struct options options;
	struct fault fault = { 0 };
	set_environment();
	if (name != NULL) {
		CHECK_INT(value != NULL ? setenv(name, value, 1) : unsetenv(name), 0);
	}
	CHECK(read_options(arguments, &fault, &options) != 0);
	CHECK(fault.message != NULL && strstr(fault.message, words) != NULL);
	CHECK(fault.message != NULL && strstr(fault.message, "SECRET") == NULL);
	options_finish(&options);
	fault_finish(&fault);
}

static void odd_settings_are_named_without_secrets(void)
{
	static const char *const good[] = { "--", "true", NULL };
	check_refused("SERVICEBUS_CONNECTION", NULL, good, "SERVICEBUS_CONNECTION is not set");
	check_refused("SERVICEBUS_CONNECTION", "SharedAccessKey=SECRET", good,
	        "SERVICEBUS_CONNECTION cannot be used");
	check_refused("SERVICEBUS_CONNECTION_FILE", "/nowhere", good, "both set");
	check_refused("SERVICEBUS_TOPIC", NULL, good, "SERVICEBUS_TOPIC is not set");
	check_refused("SERVICEBUS_SUBSCRIPTION", "", good, "SERVICEBUS_SUBSCRIPTION is not set");
	check_refused("SERVICEBUS_MAX_DELIVERY", "0", good, "SERVICEBUS_MAX_DELIVERY is '0'");
	check_refused("LUCIUS_LOG_LEVEL", "loud", good, "LUCIUS_LOG_LEVEL is 'loud'");
}

static void odd_command_lines_are_named(void)
{
	check_refused(NULL, NULL, (const char *const[]){ NULL }, "needs a handler");
	check_refused(NULL, NULL, (const char *const[]){ "--wat", "--", "true", NULL }, "'--wat'");
	check_refused(NULL, NULL, (const char *const[]){ "--concurrency", "0", "--", "true", NULL },
	        "'0'");
	check_refused(NULL, NULL, (const char *const[]){ "--handler", "magic", NULL }, "'magic'");
	check_refused(NULL, NULL, (const char *const[]){ "--handler", "noop", "--", "true", NULL },
	        "beside --handler noop");
	check_refused(NULL, NULL, (const char *const[]){ "--", "/no/such/program", NULL },
	        "'/no/such/program' is no program");
}

static void text_from_outside_is_made_printable(void)
{
	char text[] = "a\nb\xc3\xa9\xff\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf";
	text_make_printable(text);
	CHECK_TEXT(text, "a b\xc3\xa9\?\?\?\?\?\?\?\?\?\?");
	char *line = text_last_line("one\ntwo \n \n", 11);
	CHECK_TEXT(line, "two");
	free(line);
}

static void secret_in_a_file_loses_its_newline(void)
{
	char path[] = "/tmp/consumer-secret-XXXXXX";
	struct fault fault = { 0 };
	char *value = NULL;
	int fd = mkstemp(path);
	CHECK_INT(write(fd, "geheim\n", 7), 7);
	close(fd);
	CHECK_INT(setenv("A_SECRET_FILE", path, 1), 0);
	CHECK_INT(environment_secret("A_SECRET", &fault, &value), 0);
	CHECK_TEXT(value, "geheim");
	free(value);
	CHECK_INT(truncate(path, 0), 0);
	CHECK_INT(environment_secret("A_SECRET", &fault, &value), EX_CONFIG);
	CHECK_INT(unlink(path), 0);
	fault_finish(&fault);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(topics_are_one_a_list_or_a_range),
		SUITE_TEST(odd_topics_are_named),
		SUITE_TEST(lane_is_the_number_at_the_end_of_a_topic),
		SUITE_TEST(directive_is_read_with_what_it_has),
		SUITE_TEST(what_is_no_directive_is_refused),
		SUITE_TEST(texts_of_a_directive_are_decoded),
		SUITE_TEST(memory_tells_attempts_and_leases_apart),
		SUITE_TEST(memory_is_bounded_in_number_and_time),
		SUITE_TEST(memory_keeps_what_is_under_way),
		SUITE_TEST(reply_escapes_and_leaves_out_what_is_missing),
		SUITE_TEST(ends_of_handlers_are_judged),
		SUITE_TEST(output_is_one_json_value),
		SUITE_TEST(options_have_the_defaults_of_the_contract),
		SUITE_TEST(odd_settings_are_named_without_secrets),
		SUITE_TEST(odd_command_lines_are_named),
		SUITE_TEST(text_from_outside_is_made_printable),
		SUITE_TEST(secret_in_a_file_loses_its_newline),
	};
	return suite_run("runtime", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
