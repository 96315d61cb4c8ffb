/* SPDX-License-Identifier: MIT */
/* From bytes to a command: members, limits, all violations at once, the order of decisions. */
#include "core/envelope.h"

#include "core/json_arena.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/support/suite.h"

#define REFS "\"input_ref\":\"in\",\"output_ref\":\"out\",\"schema_version\":\"v1\""
#define USUAL "\"tenant_id\":\"t1\",\"request_type\":\"OCR\"," REFS

static const struct routing_config default_routing = { 0 };

/* What came of a request: the command, or why not. */
struct outcome {
	enum command_fault fault;
	struct command *command;
	struct command_refusal refusal;
	char *lines; /* the violations, "pointer: message" a line */
};

static void outcome_finish(struct outcome *outcome)
{
	command_destroy(outcome->command);
	command_refusal_finish(&outcome->refusal);
	free(outcome->lines);
}

static char *violation_lines(const struct violations *violations)
{
	char *lines = must_print("%s", "");
	for (size_t i = 0; i < violations->n_items; i++) {
		char *longer = must_print("%s%s%s: %s", lines, i > 0 ? "\n" : "",
		        violations->items[i].pointer, violations->items[i].message);
		free(lines);
		lines = longer;
	}
	return lines;
}

static void fixed_random(void *user, void *buffer, size_t size)
{
	(void)user;
	memset(buffer, 0xab, size);
}

static struct outcome request_routed(
        const char *text, size_t size, const struct routing_config *routing)
{
	static struct registry *registry;
	struct outcome outcome = { 0 };
	char *sentence CLEANUP_FREE = NULL;
	if (registry == NULL) {
		registry = must_have(
		        registry_load(SOURCE_ROOT "/etc/protocols.json", NULL, &sentence));
	}
	const struct command_random random = { fixed_random, NULL };
	outcome.fault = command_read(text, size, NULL, &random, &outcome.command, &outcome.refusal);
	if (outcome.fault == COMMAND_OK) {
		outcome.fault =
		        command_resolve(outcome.command, registry, routing, &outcome.refusal);
	}
	outcome.lines = violation_lines(&outcome.refusal.violations);
	CHECK_INT(outcome.refusal.fault, outcome.fault);
	CHECK_INT(outcome.refusal.detail == NULL, outcome.fault == COMMAND_OK);
	return outcome;
}

static struct outcome request(const char *text)
{
	return request_routed(text, strlen(text), &default_routing);
}

static void check_lines(const char *text, enum command_fault fault, const char *lines)
{
	struct outcome outcome CLEANUP(outcome_finish) = request(text);
	CHECK_INT(outcome.fault, fault);
	CHECK_TEXT(outcome.lines, lines);
}

static void check_detail(const char *text, enum command_fault fault, const char *detail)
{
	struct outcome outcome CLEANUP(outcome_finish) = request(text);
	CHECK_INT(outcome.fault, fault);
	CHECK_TEXT(outcome.refusal.detail, detail);
}

static void the_smallest_envelope_is_a_command(void)
{
	struct outcome outcome CLEANUP(outcome_finish) = request("{" USUAL ",\"payload\":{}}");
	CHECK_INT(outcome.fault, COMMAND_OK);
	const struct command *command = outcome.command;
	CHECK_TEXT(command->tenant_id, "t1");
	CHECK_TEXT(command->request_type, "OCR");
	CHECK_TEXT(json_string_value(command->input_ref), "in");
	CHECK_TEXT(json_string_value(command->output_ref), "out");
	CHECK(command->doc_id == NULL && command->idempotency_key == NULL);
	CHECK(command->workspace_ref == NULL && command->correlation_id == NULL);
	CHECK_TEXT(command->traceparent, "00-abababababababababababababababab-abababababababab-01");
	CHECK_TEXT(command->protocol->protocol_id, "atomic-ocr.v1");
	CHECK_INT(command->routing.lane, 7);
	CHECK_TEXT(command->idempotency_hash,
	        "a68f134bb618695f8b76733aea06c521b69a74b454566e30a320d460d3bb7707");
	CHECK(command->steps[0].payload == command->payload);
}

static void all_members_are_taken_over(void)
{
	struct outcome outcome CLEANUP(outcome_finish) = request(
	        "{\"tenant_id\":\" T1 \",\"request_type\":\"OCR\xe2\x86\x92"
	        "EMBEDDING\","
	        "\"input_ref\":{\"uri\":\"u\",\"checksum\":null,\"size_bytes\":0,\"content_type\":"
	        "\"c\","
	        "\"metadata\":{},\"more\":1},\"output_ref\":\"o\",\"payload\":{\"steps\":{\"ocr\":"
	        "{\"output_format\":\"TEXT\"}}},\"schema_version\":\"v1\",\"mode\":\"BURST\","
	        "\"doc_id\":\"D\",\"idempotency_key\":\"k\",\"workspace_ref\":{},\"correlation_"
	        "id\":"
	        "\"c\",\"traceparent\":\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00\","
	        "\"unknown\":[1]}");
	CHECK_INT(outcome.fault, COMMAND_OK);
	const struct command *command = outcome.command;
	CHECK_TEXT(command->tenant_id, " T1 ");
	CHECK_TEXT(command->request_type, "OCR->EMBEDDING");
	CHECK_TEXT(command->idempotency_key, "k");
	CHECK_TEXT(command->correlation_id, "c");
	CHECK(json_is_object(command->workspace_ref));
	CHECK_TEXT(command->traceparent, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
	CHECK_TEXT(command->routing.key, "t1d");
	CHECK_INT(command->mode, ROUTING_BURST);
	CHECK_INT(json_object_size(command->steps[0].payload), 1);
	CHECK_INT(json_object_size(command->steps[1].payload), 0);
}

static void optional_members_may_be_null(void)
{
	struct outcome outcome CLEANUP(outcome_finish) = request(
	        "{" USUAL ",\"payload\":{},\"mode\":null,\"doc_id\":null,\"idempotency_key\":null,"
	        "\"workspace_ref\":null,\"correlation_id\":null,\"traceparent\":null}");
	CHECK_INT(outcome.fault, COMMAND_OK);
	CHECK(outcome.command->doc_id == NULL && outcome.command->workspace_ref == NULL);
	CHECK_TEXT(outcome.command->idempotency_hash,
	        "a68f134bb618695f8b76733aea06c521b69a74b454566e30a320d460d3bb7707");
}

static void a_malformed_traceparent_is_made_anew(void)
{
	struct outcome outcome CLEANUP(outcome_finish) =
	        request("{" USUAL ",\"payload\":{},\"traceparent\":\"00-xyz\"}");
	CHECK_TEXT(outcome.command->traceparent,
	        "00-abababababababababababababababab-abababababababab-01");
}

static void all_violations_are_listed(void)
{
	check_lines("{}", COMMAND_INVALID_ENVELOPE,
	        "/tenant_id: is required\n/request_type: is required\n/input_ref: is required\n"
	        "/output_ref: is required\n/payload: is required\n/schema_version: is required");
	check_lines(
	        "{\"tenant_id\":1,\"request_type\":\"\",\"input_ref\":[],\"output_ref\":{\"uri\":"
	        "\"\",\"checksum\":1,\"size_bytes\":-1,\"content_type\":{},\"metadata\":\"\"},"
	        "\"payload\":[],\"schema_version\":\"v2\",\"mode\":\"burst\",\"doc_id\":\" \","
	        "\"idempotency_key\":true,\"workspace_ref\":\"\",\"correlation_id\":5,"
	        "\"traceparent\":{}}",
	        COMMAND_INVALID_ENVELOPE,
	        "/tenant_id: must be a string, not a number\n/request_type: must not be empty\n"
	        "/input_ref: must be a string or an object, not an array\n"
	        "/output_ref/uri: must not be empty\n"
	        "/output_ref/checksum: must be a string, not a number\n"
	        "/output_ref/size_bytes: must be a whole number of at least 0\n"
	        "/output_ref/content_type: must be a string, not an object\n"
	        "/output_ref/metadata: must be an object, not a string\n"
	        "/payload: must be an object, not an array\n/schema_version: must be \"v1\", not "
	        "\"v2\"\n"
	        "/mode: must be \"DEFAULT\" or \"BURST\", not \"burst\"\n/doc_id: must not be "
	        "blank\n"
	        "/idempotency_key: must be a string, not a boolean\n/workspace_ref: must not be "
	        "empty\n"
	        "/correlation_id: must be a string, not a number\n"
	        "/traceparent: must be a string, not an object");
}

/* Each member with a value of each kind: whatever it is, the others are judged on their own. */
static void member_of_a_wrong_kind_is_one_violation(void)
{
	static const char *const members[] = { "tenant_id", "request_type", "input_ref",
		"output_ref", "payload", "schema_version", "mode", "doc_id", "idempotency_key",
		"workspace_ref", "correlation_id", "traceparent" };
	static const char *const values[] = { "1", "1.5", "true", "false", "[]" };
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
			json_t *body = json_loads("{" USUAL ",\"payload\":{}}", 0, NULL);
			json_object_set_new(
			        body, members[i], json_loads(values[k], JSON_DECODE_ANY, NULL));
			char *text CLEANUP_FREE = json_dumps(body, JSON_COMPACT);
			json_decref(body);
			struct outcome outcome = request(text);
			CHECK_INT(outcome.fault, COMMAND_INVALID_ENVELOPE);
			CHECK_INT(outcome.refusal.violations.n_found, 1);
			CHECK_TEXT(outcome.refusal.violations.items[0].pointer + 1, members[i]);
			outcome_finish(&outcome);
		}
	}
}

static void an_envelope_is_an_object(void)
{
	check_lines("[]", COMMAND_INVALID_ENVELOPE, ": must be an object, not an array");
	check_detail("null", COMMAND_INVALID_ENVELOPE,
	        "The envelope is not valid: it must be an object, not null.");
	check_detail("{\"tenant_id\":\"t\"}", COMMAND_INVALID_ENVELOPE,
	        "The envelope is not valid: /request_type is required (and 4 more).");
}

static void check_tenant(const char *tenant_id, const char *lines)
{
	char *text CLEANUP_FREE = must_print("{\"tenant_id\":\"%s\",\"request_type\":\"OCR\"," REFS
	                                     ",\"payload\":{}}",
	        tenant_id);
	check_lines(text, *lines == '\0' ? COMMAND_OK : COMMAND_INVALID_ENVELOPE, lines);
}

static void identifiers_are_limited(void)
{
	char longest[128 * 2 + 1] = "";
	for (size_t i = 0; i < 128; i++) {
		memcpy(longest + 2 * i, "\xc3\xa9", 2);
	}
	check_tenant(longest, "");
	char *longer CLEANUP_FREE = must_print("%sx", longest);
	check_tenant(longer, "/tenant_id: must have at most 128 characters, not 129");
	check_tenant("", "/tenant_id: must not be blank");
	check_tenant("\\u3000\\u00a0", "/tenant_id: must not be blank");
	check_tenant("a\\tb", "/tenant_id: must not contain the control character U+0009");
	check_tenant("a\\u0085", "/tenant_id: must not contain the control character U+0085");
	check_tenant("a\\u007f", "/tenant_id: must not contain the control character U+007F");
	check_tenant("\\t",
	        "/tenant_id: must not be blank\n"
	        "/tenant_id: must not contain the control character U+0009");
}

static void a_body_that_does_not_parse_is_malformed(void)
{
	check_detail("{\"a\":1,\"a\":2}", COMMAND_MALFORMED_JSON,
	        "The body is not JSON that can be taken: line 1, column 8: the member \"a\" is "
	        "there "
	        "twice in one object.");
	check_detail("", COMMAND_MALFORMED_JSON,
	        "The body is not JSON that can be taken: line 1, column 1: the text ends where a "
	        "JSON "
	        "value should be.");
}

static void an_unknown_request_type_is_named_with_the_known_ones(void)
{
	check_detail("{\"tenant_id\":\"t\",\"request_type\":\"OCR->SIS\"," REFS
	             ",\"mode\":\"BURST\",\"payload\":{\"steps\":{\"x\":1}}}",
	        COMMAND_UNKNOWN_REQUEST_TYPE,
	        "The request type \"OCR->SIS\" is not known; this service knows OCR, EMBEDDING, "
	        "SIS, "
	        "OCR->EMBEDDING, EMBEDDING->SIS, OCR->EMBEDDING->SIS.");
}

static void burst_without_a_document_is_refused_before_the_steps(void)
{
	const char *detail = "The mode BURST needs a \"doc_id\", by which the document is routed.";
	check_detail("{" USUAL ",\"mode\":\"BURST\",\"payload\":{\"output_format\":1}}",
	        COMMAND_MISSING_DOC_ID, detail);
	const struct routing_config burst = { .default_mode = ROUTING_BURST };
	const char *text = "{" USUAL ",\"payload\":{}}";
	struct outcome outcome CLEANUP(outcome_finish) = request_routed(text, strlen(text), &burst);
	CHECK_INT(outcome.fault, COMMAND_MISSING_DOC_ID);
	CHECK_TEXT(outcome.refusal.detail, detail);
}

static void step_payloads_are_checked_with_their_pointers(void)
{
	check_lines("{" USUAL ",\"payload\":{\"steps\":{\"ocr\":{\"output_format\":\"XML\","
	            "\"language_hint\":\"\"},\"sis/1\":{}}}}",
	        COMMAND_INVALID_STEPS,
	        "/payload/steps/sis~11: is no step of the protocol \"atomic-ocr.v1\"\n"
	        "/payload/steps/ocr/language_hint: must not be empty\n"
	        "/payload/steps/ocr/output_format: must be one of \"TEXT\", \"JSON\", not \"XML\"");
	check_lines("{" USUAL ",\"payload\":{\"steps\":{\"ocr\":5}}}", COMMAND_INVALID_STEPS,
	        "/payload/steps/ocr: must be an object");
}

static void a_payload_without_steps_is_that_of_each_step(void)
{
	check_lines("{" USUAL ",\"payload\":{\"output_format\":\"XML\"}}", COMMAND_INVALID_STEPS,
	        "/payload/output_format: must be one of \"TEXT\", \"JSON\", not \"XML\"");
	struct outcome outcome CLEANUP(outcome_finish) =
	        request("{\"tenant_id\":\"t\",\"request_type\":\"OCR->EMBEDDING\"," REFS
	                ",\"payload\":{\"steps\":[],\"model\":\"m\"}}");
	CHECK_INT(outcome.fault, COMMAND_OK);
	CHECK(outcome.command->steps[0].payload == outcome.command->payload);
	CHECK(outcome.command->steps[1].payload == outcome.command->payload);
}

static void a_step_that_is_null_has_an_empty_payload(void)
{
	struct outcome outcome CLEANUP(outcome_finish) =
	        request("{" USUAL ",\"payload\":{\"steps\":{\"ocr\":null}}}");
	CHECK_INT(outcome.fault, COMMAND_OK);
	CHECK(json_is_object(outcome.command->steps[0].payload));
}

static void the_schemas_of_the_steps_are_those_of_the_contract(void)
{
	static const struct {
		const char *request_type;
		const char *payload;
		bool is_valid;
	} cases[] = {
		{ "OCR", "{\"page_range\":\"1-2\",\"ocr_engine\":\"e\",\"other\":1}", true },
		{ "OCR", "{\"page_range\":\"\"}", false },
		{ "OCR", "{\"ocr_engine\":1}", false },
		{ "EMBEDDING",
		        "{\"model\":\"m\",\"normalize\":true,\"chunking\":{\"strategy\":\"s\","
		        "\"max_tokens\":1,\"overlap_tokens\":0}}",
		        true },
		{ "EMBEDDING", "{\"model\":\"\"}", false },
		{ "EMBEDDING", "{\"normalize\":1}", false },
		{ "EMBEDDING", "{\"chunking\":{\"max_tokens\":0}}", false },
		{ "EMBEDDING", "{\"chunking\":{\"overlap_tokens\":-1}}", false },
		{ "EMBEDDING", "{\"chunking\":[]}", false },
		{ "SIS",
		        "{\"prompt_set\":\"p\",\"temperature\":2,\"max_tokens\":1,"
		        "\"response_format\":\"JSON\"}",
		        true },
		{ "SIS", "{\"temperature\":2.1}", false },
		{ "SIS", "{\"temperature\":-0.1}", false },
		{ "SIS", "{\"max_tokens\":1.5}", false },
		{ "SIS", "{\"response_format\":\"text\"}", false },
		{ "SIS", "{\"prompt_set\":\"\"}", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text CLEANUP_FREE = must_print(
		        "{\"tenant_id\":\"t\",\"request_type\":\"%s\"," REFS ",\"payload\":%s}",
		        cases[i].request_type, cases[i].payload);
		struct outcome outcome CLEANUP(outcome_finish) = request(text);
		CHECK_INT(outcome.fault, cases[i].is_valid ? COMMAND_OK : COMMAND_INVALID_STEPS);
	}
}

static void faults_have_problem_and_status(void)
{
	CHECK_TEXT(command_fault_problem(COMMAND_MALFORMED_JSON), "malformed-json");
	CHECK_INT(command_fault_status(COMMAND_MALFORMED_JSON), 400);
	CHECK_TEXT(command_fault_problem(COMMAND_INVALID_ENVELOPE), "invalid-envelope");
	CHECK_INT(command_fault_status(COMMAND_INVALID_ENVELOPE), 422);
	CHECK_TEXT(command_fault_problem(COMMAND_UNKNOWN_REQUEST_TYPE), "unknown-request-type");
	CHECK_INT(command_fault_status(COMMAND_UNKNOWN_REQUEST_TYPE), 400);
	CHECK_TEXT(command_fault_problem(COMMAND_MISSING_DOC_ID), "missing-doc-id");
	CHECK_INT(command_fault_status(COMMAND_MISSING_DOC_ID), 400);
	CHECK_TEXT(command_fault_problem(COMMAND_INVALID_STEPS), "invalid-steps");
	CHECK_INT(command_fault_status(COMMAND_INVALID_STEPS), 422);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static size_t mutate(char *text, size_t size, uint32_t *state)
{
	static const char pool[] = "{}[]\",:\\0123456789.-eEtfnu \xff\xc3\xa9";
	for (uint32_t i = next_random(state) % 3 + 1; i > 0; i--) {
		size_t at = next_random(state) % size;
		if (next_random(state) % 3 == 0) {
			memmove(text + at, text + at + 1, size - at - 1);
			size--;
		} else {
			text[at] = pool[next_random(state) % (sizeof(pool) - 1)];
		}
	}
	return size;
}

static void mutated_requests_end_in_a_command_or_a_sentence(void)
{
	static const char usual[] =
	        "{" USUAL
	        ",\"payload\":{\"steps\":{\"ocr\":{\"output_format\":\"TEXT\"}}},\"mode\":"
	        "\"BURST\",\"doc_id\":\"d\",\"traceparent\":\"00-x\"}";
	uint32_t state = 7;
	unsigned n_faults[COMMAND_INVALID_STEPS + 1] = { 0 };
	for (int i = 0; i < 20000; i++) {
		char text[sizeof(usual)];
		memcpy(text, usual, sizeof(usual));
		size_t size = mutate(text, sizeof(usual) - 1, &state);
		struct outcome outcome CLEANUP(outcome_finish) =
		        request_routed(text, size, &default_routing);
		n_faults[outcome.fault]++;
	}
	for (size_t i = 0; i <= COMMAND_INVALID_STEPS; i++) {
		CHECK(n_faults[i] > 0);
	}
}

static const struct suite_test tests[] = {
	SUITE_TEST(the_smallest_envelope_is_a_command),
	SUITE_TEST(all_members_are_taken_over),
	SUITE_TEST(optional_members_may_be_null),
	SUITE_TEST(a_malformed_traceparent_is_made_anew),
	SUITE_TEST(all_violations_are_listed),
	SUITE_TEST(member_of_a_wrong_kind_is_one_violation),
	SUITE_TEST(an_envelope_is_an_object),
	SUITE_TEST(identifiers_are_limited),
	SUITE_TEST(a_body_that_does_not_parse_is_malformed),
	SUITE_TEST(an_unknown_request_type_is_named_with_the_known_ones),
	SUITE_TEST(burst_without_a_document_is_refused_before_the_steps),
	SUITE_TEST(step_payloads_are_checked_with_their_pointers),
	SUITE_TEST(a_payload_without_steps_is_that_of_each_step),
	SUITE_TEST(a_step_that_is_null_has_an_empty_payload),
	SUITE_TEST(the_schemas_of_the_steps_are_those_of_the_contract),
	SUITE_TEST(faults_have_problem_and_status),
	SUITE_TEST(mutated_requests_end_in_a_command_or_a_sentence),
};

int main(int argc, char **argv)
{
	json_arena_install();
	return suite_run("envelope", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
