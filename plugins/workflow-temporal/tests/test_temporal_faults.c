/* SPDX-License-Identifier: MIT */
/* What errors of the server are taken for, addresses, and the parts that are only data. */
#include <stdlib.h>

#include "messages.pb-c.h"
#include "plugins/workflow-temporal/call.h"
#include "plugins/workflow-temporal/connect.h"
#include "plugins/workflow-temporal/engine.h"
#include "plugins/workflow-temporal/payload.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/support/suite.h"

static enum fault fault_with(enum grpc_status status, const char *sentence, const char *details)
{
	Wire__Any any = WIRE__ANY__INIT;
	Wire__Any *anys[] = { &any };
	Wire__Status message = WIRE__STATUS__INIT;
	char *url CLEANUP_FREE = must_print("type.googleapis.com/temporal.api.errordetails.v1.%s",
	        details != NULL ? details : "");
	uint8_t *bytes CLEANUP_FREE = NULL;
	struct grpc_answer answer = { .status = status, .sentence = sentence };
	any.type_url = url;
	message.details = anys;
	message.n_details = 1;
	if (details != NULL) {
		bytes = message_pack(&message.base, &answer.details_size);
		answer.details = bytes;
	}
	return fault_of(&answer);
}

static void unknown_run_is_an_outcome(void)
{
	CHECK_INT(fault_with(GRPC_NOT_FOUND, "workflow not found for ID: W", "NotFoundFailure"),
	        FAULT_ENDED);
	CHECK_INT(fault_with(GRPC_NOT_FOUND, "workflow execution already completed", NULL),
	        FAULT_ENDED);
	CHECK_INT(fault_status(FAULT_ENDED, true), LUCIUS_NOT_FOUND);
}

static void unknown_namespace_is_no_unknown_run(void)
{
	enum fault fault = fault_with(
	        GRPC_NOT_FOUND, "Namespace nope is not found.", "NamespaceNotFoundFailure");
	CHECK_INT(fault, FAULT_SETUP);
	CHECK_INT(fault_with(GRPC_NOT_FOUND, "Namespace nope is not found.", NULL), FAULT_SETUP);
	CHECK_INT(fault_status(fault, true), LUCIUS_UNAVAILABLE);
}

static void other_details_of_not_found_say_nothing_of_the_run(void)
{
	CHECK_INT(fault_with(GRPC_NOT_FOUND, "upstream", "SomethingElse"), FAULT_PASSING);
}

static void start_of_a_known_id_is_a_duplicate(void)
{
	enum fault fault = fault_with(GRPC_ALREADY_EXISTS,
	        "Workflow execution is already running. WorkflowId: W, RunId: R.",
	        "WorkflowExecutionAlreadyStartedFailure");
	CHECK_INT(fault_status(fault, true), LUCIUS_DUPLICATE);
}

static void limits_of_size_are_told_from_limits_of_rate(void)
{
	CHECK_INT(fault_with(GRPC_RESOURCE_EXHAUSTED, "service rate limit exceeded",
	                  "ResourceExhaustedFailure"),
	        FAULT_PASSING);
	CHECK_INT(fault_with(GRPC_RESOURCE_EXHAUSTED,
	                  "grpc: received message larger than max (5 vs. 4)", NULL),
	        FAULT_TOO_LARGE);
	CHECK_INT(fault_with(GRPC_INVALID_ARGUMENT, "Blob data size exceeds limit.", NULL),
	        FAULT_TOO_LARGE);
	CHECK_INT(fault_with(GRPC_INVALID_ARGUMENT, "WorkflowId is not set on request.", NULL),
	        FAULT_REFUSED);
}

static void bad_credentials_lose_nothing(void)
{
	enum fault fault = fault_with(GRPC_UNAUTHENTICATED, "no", NULL);
	CHECK_INT(fault, FAULT_DENIED);
	CHECK_INT(fault_status(fault, true), LUCIUS_UNAVAILABLE);
}

static void what_may_have_been_done_is_unknown(void)
{
	CHECK_INT(fault_status(FAULT_PASSING, true), LUCIUS_UNKNOWN);
	CHECK_INT(fault_status(FAULT_PASSING, false), LUCIUS_UNAVAILABLE);
}

static void garbage_as_details_is_no_details(void)
{
	static const uint8_t garbage[] = { 0xff, 0xff, 0xff, 0xff, 0x0f };
	const struct grpc_answer answer = {
		.status = GRPC_NOT_FOUND,
		.sentence = "x",
		.details = garbage,
		.details_size = sizeof(garbage),
	};
	CHECK_INT(fault_of(&answer), FAULT_PASSING);
}

static void check_address(const char *address, const char *host, uint16_t port)
{
	char *found CLEANUP_FREE = NULL;
	uint16_t found_port = 0;
	CHECK(connect_parse(address, &found, &found_port));
	CHECK_TEXT(found, host);
	CHECK_INT(found_port, port);
}

static void addresses_are_read(void)
{
	char *found CLEANUP_FREE = NULL;
	uint16_t port;
	check_address("localhost:7234", "localhost", 7234);
	check_address("temporal.example", "temporal.example", 7233);
	check_address("[::1]:1", "::1", 1);
	CHECK(!connect_parse("", &found, &port));
	CHECK(!connect_parse("host:", &found, &port));
	CHECK(!connect_parse("host:70000", &found, &port));
	CHECK(!connect_parse("[::1", &found, &port));
	CHECK(!connect_parse("host:7a", &found, &port));
}

static void api_key_does_not_go_over_a_network_in_the_clear(void)
{
	char error[200] = "";
	struct engine_options options = { .address = "far.example:7233", .api_key = "k" };
	CHECK(!connect_check(&options, error, sizeof(error)));
	CHECK(strstr(error, "LUCIUS_TEMPORAL_TLS") != NULL);
	options.is_tls = 1;
	CHECK(connect_check(&options, error, sizeof(error)));
	options.is_tls = 0;
	options.address = "127.0.0.1:7233";
	CHECK(connect_check(&options, error, sizeof(error)));
}

static void message_over_the_budget_is_not_unpacked(void)
{
	enum { N_EMPTY = 400000 };
	struct pool pool = { 0 };
	uint8_t *bytes CLEANUP_FREE = must_calloc(N_EMPTY, 2);
	for (size_t i = 0; i < N_EMPTY; i++) {
		bytes[2 * i] = 0x0a; /* an empty event */
	}
	CHECK(pool_unpack(&pool, &wire__history__descriptor, bytes, (size_t)2 * N_EMPTY) == NULL);
	pool_finish(&pool);
}

static void payloads_of_others_are_read_by_their_encoding(void)
{
	struct pool pool = { 0 };
	struct lucius_text text;
	Wire__Payloads *payloads =
	        payload_encoded(&pool, text_of("{}"), "json/protobuf", "some.Message");
	CHECK(payload_read(payloads, &text));
	CHECK_INT(text.size, 2);
	payloads = payload_encoded(&pool, text_of(""), "binary/null", NULL);
	CHECK(payload_read(payloads, &text));
	CHECK_INT(text.size, 0);
	payloads = payload_encoded(&pool, text_of("x"), "binary/encrypted", NULL);
	CHECK(!payload_read(payloads, &text));
	CHECK(payload_read(NULL, &text));
	pool_finish(&pool);
}

static void summary_is_cut_between_characters(void)
{
	struct pool pool = { 0 };
	Wire__Payload *payload = payload_string(&pool, text_of("a\xc3\xa4\xc3\xa4"), 4);
	CHECK_INT(payload->data.len, 5);
	CHECK(memcmp(payload->data.data, "\"a\xc3\xa4\"", 5) == 0);
	pool_finish(&pool);
}

static void run_that_fails_again_is_left_alone_for_a_while(void)
{
	struct repeats *repeats = must_calloc(1, sizeof(*repeats));
	CHECK(!repeats_has(repeats, "run", 1000));
	CHECK(repeats_has(repeats, "run", 1000 + REPEATS_MS - 1));
	CHECK(repeats_has(repeats, "run", 1000 + 2 * REPEATS_MS - 2));
	CHECK(!repeats_has(repeats, "run", 1000 + 4 * REPEATS_MS));
	free(repeats);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(unknown_run_is_an_outcome),
		SUITE_TEST(unknown_namespace_is_no_unknown_run),
		SUITE_TEST(other_details_of_not_found_say_nothing_of_the_run),
		SUITE_TEST(start_of_a_known_id_is_a_duplicate),
		SUITE_TEST(limits_of_size_are_told_from_limits_of_rate),
		SUITE_TEST(bad_credentials_lose_nothing),
		SUITE_TEST(what_may_have_been_done_is_unknown),
		SUITE_TEST(garbage_as_details_is_no_details),
		SUITE_TEST(addresses_are_read),
		SUITE_TEST(api_key_does_not_go_over_a_network_in_the_clear),
		SUITE_TEST(message_over_the_budget_is_not_unpacked),
		SUITE_TEST(payloads_of_others_are_read_by_their_encoding),
		SUITE_TEST(summary_is_cut_between_characters),
		SUITE_TEST(run_that_fails_again_is_left_alone_for_a_while),
	};
	return suite_run("temporal_faults", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
