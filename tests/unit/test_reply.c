/* SPDX-License-Identifier: MIT */
/* Replies as our consumers and those of others write them. */
#include "core/reply.h"
#include "tests/support/suite.h"

#define IDENTITY "\"jobId\":\"j\",\"stepId\":\"ocr\",\"attempt_no\":2,\"lease_id\":\"l\""

static bool read(const char *text, struct reply *ret_reply)
{
	return reply_read((struct lucius_text){ text, strlen(text) }, ret_reply);
}

static void ack_needs_no_more_than_its_identity(void)
{
	struct reply reply;
	CHECK(read("{\"type\":\"ACK\"," IDENTITY ",\"extra\":[1]}", &reply));
	CHECK_INT(reply.facts.kind, REPLY_ACK);
	CHECK_TEXT(reply.job_id, "j");
	CHECK_INT(reply.facts.attempt_no, 2);
	CHECK(reply.facts.tenant_id == NULL);
	reply_finish(&reply);
}

static void status_and_failure_class_say_what_a_result_means(void)
{
	static const struct {
		const char *members;
		enum reply_kind kind;
	} cases[] = {
		{ "\"status\":\"SUCCEEDED\"", REPLY_SUCCEEDED },
		{ "\"status\":\"FAILED_RETRY\"", REPLY_FAILED_RETRY },
		{ "\"status\":\"FAILED_FINAL\"", REPLY_FAILED_FINAL },
		{ "\"status\":\"FAILED\",\"failure_class\":\"RETRYABLE\"", REPLY_FAILED_RETRY },
		{ "\"status\":\"FAILED\",\"failure_class\":\"NON_RETRYABLE\"", REPLY_FAILED_FINAL },
		{ "\"status\":\"FAILED\",\"failure_class\":null", REPLY_FAILED_FINAL },
		{ "\"status\":\"FAILED\"", REPLY_FAILED_FINAL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];
		struct reply reply;
		(void)snprintf(text, sizeof(text), "{\"type\":\"RESULT\"," IDENTITY ",%s}",
		        cases[i].members);
		CHECK(read(text, &reply));
		CHECK_INT(reply.facts.kind, cases[i].kind);
		reply_finish(&reply);
	}
}

static void error_may_be_null_or_empty(void)
{
	static const char *const errors[] = { "null", "{}", "{\"code\":null}" };
	for (size_t i = 0; i < 3; i++) {
		char text[256];
		struct reply reply;
		(void)snprintf(text, sizeof(text),
		        "{\"type\":\"RESULT\"," IDENTITY
		        ",\"status\":\"FAILED_RETRY\",\"error\":%s}",
		        errors[i]);
		CHECK(read(text, &reply));
		CHECK(reply.facts.error_code == NULL);
		reply_finish(&reply);
	}
}

static void output_ref_is_kept_as_it_was_sent(void)
{
	struct reply reply;
	CHECK(read("{\"type\":\"RESULT\"," IDENTITY
	           ",\"status\":\"SUCCEEDED\",\"output_ref\":{\"uri\":\"x\",\"n\":1}}",
	        &reply));
	CHECK_TEXT(reply.facts.output_ref.text, "{\"uri\":\"x\",\"n\":1}");
	CHECK_INT(reply.facts.output_ref.type, LUCIUS_FIELD_JSON);
	reply_finish(&reply);
	CHECK(read("{\"type\":\"RESULT\"," IDENTITY
	           ",\"status\":\"SUCCEEDED\",\"output_ref\":\"blob\"}",
	        &reply));
	CHECK_TEXT(reply.facts.output_ref.text, "blob");
	CHECK_INT(reply.facts.output_ref.type, LUCIUS_FIELD_STRING);
	reply_finish(&reply);
	CHECK(read("{\"type\":\"RESULT\"," IDENTITY
	           ",\"status\":\"SUCCEEDED\",\"output_ref\":null}",
	        &reply));
	CHECK(reply.facts.output_ref.text == NULL);
	reply_finish(&reply);
	CHECK(read("{\"type\":\"RESULT\"," IDENTITY
	           ",\"status\":\"SUCCEEDED\",\"output_ref\": [1, {\"a\":1, \"a\": \"\\u00e4\"}]}",
	        &reply));
	CHECK_TEXT(reply.facts.output_ref.text, "[1,{\"a\":\"\xc3\xa4\"}]");
	reply_finish(&reply);
}

static void empty_output_ref_is_none(void)
{
	struct reply reply;
	CHECK(read("{\"type\":\"RESULT\"," IDENTITY
	           ",\"status\":\"SUCCEEDED\",\"output_ref\":\"\"}",
	        &reply));
	CHECK(reply.facts.output_ref.text == NULL);
	reply_finish(&reply);
}

static void what_is_no_reply_is_refused_with_a_sentence(void)
{
	static const char *const texts[] = { "", "[]", "7", "{", "{}", "{\"type\":\"ACK\"}",
		"{\"type\":\"DIRECTIVE\"," IDENTITY "}", "{" IDENTITY "}",
		"{\"type\":\"RESULT\"," IDENTITY "}",
		"{\"type\":\"RESULT\"," IDENTITY ",\"status\":\"DONE\"}",
		"{\"type\":\"ACK\",\"jobId\":\"j\",\"stepId\":\"s\",\"attempt_no\":\"1\","
		"\"lease_id\":\"l\"}",
		"{\"type\":\"RESULT\"," IDENTITY
		",\"status\":\"SUCCEEDED\",\"output_ref\":[99999999999999999999]}",
		"{\"type\":\"RESULT\"," IDENTITY ",\"status\":7}",
		"{\"type\":\"ACK\",\"jobId\":\"j\",\"stepId\":\"s\",\"attempt_no\":1}",
		"{\"type\":\"ACK\",\"jobId\":\"j\",\"attempt_no\":1,\"lease_id\":\"l\"}",
		"{\"type\":\"ACK\",\"stepId\":\"s\",\"attempt_no\":1,\"lease_id\":\"l\"}",
		"\xff\xfe" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct reply reply;
		CHECK(!read(texts[i], &reply));
		CHECK(reply.sentence[0] != '\0');
		reply_finish(&reply);
	}
}

static const struct suite_test tests[] = {
	SUITE_TEST(ack_needs_no_more_than_its_identity),
	SUITE_TEST(status_and_failure_class_say_what_a_result_means),
	SUITE_TEST(error_may_be_null_or_empty),
	SUITE_TEST(output_ref_is_kept_as_it_was_sent),
	SUITE_TEST(empty_output_ref_is_none),
	SUITE_TEST(what_is_no_reply_is_refused_with_a_sentence),
};

int main(int argc, char **argv)
{
	return suite_run("reply", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
