/* SPDX-License-Identifier: MIT */
/*
 * Holds etc/openapi.json against the code: routes, problems, rows, envelope; and against itself:
 * each reference leads somewhere and each schema can be compiled.
 */
#include <stdlib.h>
#include <string.h>

#include "core/api.h"
#include "core/envelope.h"
#include "core/job.h"
#include "core/job_columns.h"
#include "core/json_file.h"
#include "core/json_path.h"
#include "core/json_schema.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/support/suite.h"

static json_t *description;

static json_t *at(const char *pointer)
{
	json_t *found = json_path_find(description, pointer);
	if (found == NULL) {
		fprintf(stderr, "nothing at %s\n", pointer);
	}
	CHECK(found != NULL);
	return found;
}

/* What a reference within the file leads to, or the value itself. */
static const json_t *follow(const json_t *value)
{
	const char *reference = json_string_value(json_object_get(value, "$ref"));
	return reference != NULL ? json_path_find(description, reference + 1) : value;
}

/* Counts the references below the value; those that lead nowhere are printed. */
static void count_references(const json_t *value, size_t *n_references, size_t *n_broken)
{
	const char *name;
	json_t *member;
	size_t index;
	const char *reference = json_string_value(json_object_get(value, "$ref"));
	if (reference != NULL) {
		bool is_whole = *reference == '#' && follow(value) != NULL;
		++*n_references;
		*n_broken += is_whole ? 0 : 1;
		if (!is_whole) {
			fprintf(stderr, "%s leads nowhere\n", reference);
		}
	}
	json_object_foreach((json_t *)value, name, member)
	{
		count_references(member, n_references, n_broken);
	}
	json_array_foreach(value, index, member)
	{
		count_references(member, n_references, n_broken);
	}
}

static void every_reference_leads_somewhere(void)
{
	size_t n_references = 0;
	size_t n_broken = 0;
	count_references(description, &n_references, &n_broken);
	CHECK(n_references > 100);
	CHECK_INT(n_broken, 0);
	CHECK_TEXT(json_string_value(at("/openapi")), "3.1.0");
}

/*
 * The components as one schema of ours: "$defs" with the references bent to it. `format` describes
 * and is not enforced, so it is left out.
 */
static json_t *bend(const json_t *value)
{
	static const char prefix[] = "#/components/schemas/";
	const char *name;
	json_t *member;
	size_t index;
	const char *text = json_string_value(value);
	if (text != NULL && strncmp(text, prefix, sizeof(prefix) - 1) == 0) {
		return json_sprintf("#/$defs/%s", text + sizeof(prefix) - 1);
	}
	if (!json_is_object(value) && !json_is_array(value)) {
		return json_incref((json_t *)value);
	}
	json_t *bent = json_is_object(value) ? json_object() : json_array();
	json_object_foreach((json_t *)value, name, member)
	{
		if (strcmp(name, "format") != 0) {
			json_object_set_new(bent, name, bend(member));
		}
	}
	json_array_foreach(value, index, member)
	{
		json_array_append_new(bent, bend(member));
	}
	return bent;
}

/* The schema of that name under /components/schemas. */
static struct json_schema *compile(const char *name)
{
	char *pointer CLEANUP_FREE = NULL;
	char *sentence CLEANUP_FREE = NULL;
	json_t *document CLEANUP(json_decrefp) = json_object();
	json_object_set_new(document, "$defs", bend(at("/components/schemas")));
	json_object_set_new(document, "$ref", json_sprintf("#/$defs/%s", name));
	struct json_schema *schema = json_schema_compile(document, &pointer, &sentence);
	if (schema == NULL) {
		fprintf(stderr, "%s: %s: %s\n", name, pointer, sentence);
	}
	return schema;
}

static void every_schema_can_be_compiled(void)
{
	const char *name;
	json_t *value;
	json_object_foreach(at("/components/schemas"), name, value)
	{
		struct json_schema *schema CLEANUP(cleanup_json_schema) = compile(name);
		CHECK(schema != NULL);
	}
}

/* "/v1/jobs/{job_id}" and "/v1/jobs/{jobId}" are one path; owned. */
static char *plain_path(const char *path)
{
	char *plain = must_copy(path, strlen(path));
	char *out = plain;
	bool is_name = false;
	for (const char *in = path; *in != '\0'; in++) {
		is_name = is_name && *in != '}';
		if (!is_name) {
			*out++ = *in;
		}
		is_name = is_name || *in == '{';
	}
	*out = '\0';
	return plain;
}

static const struct api_routes *const all_routes[] = {
	&api_orchestrate_routes,
	&api_jobs_routes,
	&api_events_routes,
	&api_control_routes,
	&api_openapi_routes,
	&api_service_routes,
};

static bool has_route(const char *method, const char *path)
{
	char *wanted CLEANUP_FREE = plain_path(path);
	for (size_t i = 0; i < sizeof(all_routes) / sizeof(all_routes[0]); i++) {
		for (size_t k = 0; k < all_routes[i]->n; k++) {
			const struct http_route *route = &all_routes[i]->list[k];
			char *found CLEANUP_FREE = plain_path(route->pattern);
			if (strcasecmp(route->method, method) == 0 && strcmp(found, wanted) == 0) {
				return true;
			}
		}
	}
	return false;
}

static void each_operation_is_a_route_and_each_route_an_operation(void)
{
	const char *path;
	const char *method;
	json_t *item;
	json_t *operation;
	size_t n_operations = 0;
	size_t n_routes = 0;
	json_object_foreach(at("/paths"), path, item)
	{
		json_object_foreach(item, method, operation)
		{
			n_operations++;
			bool is_there = has_route(method, path);
			if (!is_there) {
				fprintf(stderr, "no route for %s %s\n", method, path);
			}
			CHECK(is_there);
		}
	}
	for (size_t i = 0; i < sizeof(all_routes) / sizeof(all_routes[0]); i++) {
		n_routes += all_routes[i]->n;
	}
	CHECK_INT(n_operations, n_routes);
}

static bool has_parameter(const json_t *operation, const char *name, size_t size)
{
	size_t index;
	json_t *reference;
	json_array_foreach(json_object_get(operation, "parameters"), index, reference)
	{
		const json_t *parameter = follow(reference);
		const char *found = json_string_value(json_object_get(parameter, "name"));
		const char *in = json_string_value(json_object_get(parameter, "in"));
		if (strcmp(in, "path") == 0 && strlen(found) == size &&
		        strncmp(found, name, size) == 0) {
			return true;
		}
	}
	return false;
}

static void each_parameter_of_a_path_is_described(void)
{
	const char *path;
	const char *method;
	json_t *item;
	json_t *operation;
	json_object_foreach(at("/paths"), path, item)
	{
		json_object_foreach(item, method, operation)
		{
			const char *open = strchr(path, '{');
			CHECK(open == NULL ||
			        has_parameter(operation, open + 1, strcspn(open + 1, "}")));
		}
	}
}

static const struct http_problem_kind *find_kind(const char *type)
{
	static const char prefix[] = "urn:lucius:problem:";
	if (strncmp(type, prefix, sizeof(prefix) - 1) != 0) {
		return NULL;
	}
	const char *name = type + sizeof(prefix) - 1;
	for (size_t i = 0; i < http_problem_n_kinds; i++) {
		if (strcmp(http_problem_kinds[i]->name, name) == 0) {
			return http_problem_kinds[i];
		}
	}
	for (size_t i = 0; i < api_problem_n_kinds; i++) {
		if (strcmp(api_problem_kinds[i]->name, name) == 0) {
			return api_problem_kinds[i];
		}
	}
	return NULL;
}

static void each_problem_type_is_one_of_the_code_and_the_other_way_round(void)
{
	size_t index;
	json_t *type;
	const json_t *types = at("/components/schemas/Problem/properties/type/enum");
	json_array_foreach(types, index, type)
	{
		if (find_kind(json_string_value(type)) == NULL) {
			fprintf(stderr, "no kind for %s\n", json_string_value(type));
		}
		CHECK(find_kind(json_string_value(type)) != NULL);
	}
	CHECK_INT(json_array_size(types), http_problem_n_kinds + api_problem_n_kinds);
}

#define PROBLEM_SCHEMA "/content/application~1problem+json/schema/properties"

/* The types that a response lists must have its status. */
static size_t check_response(const char *name)
{
	char *types_at CLEANUP_FREE =
	        must_print("/components/responses/%s" PROBLEM_SCHEMA "/type/enum", name);
	char *status_at CLEANUP_FREE =
	        must_print("/components/responses/%s" PROBLEM_SCHEMA "/status/const", name);
	const json_t *types = at(types_at);
	size_t index;
	json_t *type;
	json_array_foreach(types, index, type)
	{
		const struct http_problem_kind *kind = find_kind(json_string_value(type));
		CHECK_INT(kind != NULL ? kind->status : 0, json_integer_value(at(status_at)));
	}
	return json_array_size(types);
}

static void each_response_lists_problems_of_its_status(void)
{
	const char *name;
	json_t *response;
	json_object_foreach(at("/components/responses"), name, response)
	{
		CHECK(check_response(name) > 0);
	}
}

static size_t count_listed(const json_t *response, const char *type)
{
	size_t n_listed = 0;
	size_t index;
	json_t *listed;
	const json_t *types = json_path_find(follow(response), PROBLEM_SCHEMA "/type/enum");
	json_array_foreach(types, index, listed)
	{
		n_listed += strcmp(json_string_value(listed), type) == 0 ? 1 : 0;
	}
	return n_listed;
}

/* How often the type stands in the responses of operations under its own status. */
static size_t count_uses(const char *type)
{
	const struct http_problem_kind *kind = find_kind(type);
	char status[16];
	snprintf(status, sizeof(status), "%u", kind != NULL ? kind->status : 0);
	size_t n_uses = 0;
	const char *path;
	const char *method;
	json_t *item;
	json_t *operation;
	json_object_foreach(at("/paths"), path, item)
	{
		json_object_foreach(item, method, operation)
		{
			const json_t *responses = json_object_get(operation, "responses");
			n_uses += count_listed(json_object_get(responses, status), type);
		}
	}
	return n_uses;
}

static void each_problem_is_an_answer_of_some_operation(void)
{
	size_t index;
	json_t *type;
	json_array_foreach(at("/components/schemas/Problem/properties/type/enum"), index, type)
	{
		if (count_uses(json_string_value(type)) == 0) {
			fprintf(stderr, "no operation answers %s\n", json_string_value(type));
		}
		CHECK(count_uses(json_string_value(type)) > 0);
	}
}

static void check_columns(const struct columns *columns, const char *schema_at)
{
	char *properties_at CLEANUP_FREE = must_print("%s/properties", schema_at);
	char *required_at CLEANUP_FREE = must_print("%s/required", schema_at);
	const json_t *properties = at(properties_at);
	size_t n_shown = 0;
	for (size_t i = 0; i < columns->n; i++) {
		if (!columns->list[i].is_internal) {
			const json_t *name = json_array_get(at(required_at), n_shown);
			CHECK_TEXT(json_string_value(name), columns->list[i].name);
			CHECK(json_object_get(properties, columns->list[i].name) != NULL);
			n_shown++;
		}
	}
	CHECK_INT(json_object_size(properties), n_shown);
	CHECK_INT(json_array_size(at(required_at)), n_shown);
}

static void rows_have_the_columns_that_the_api_shows(void)
{
	check_columns(&job_columns, "/components/schemas/Job");
	check_columns(&step_columns, "/components/schemas/Step");
}

static void states_are_those_of_the_code(void)
{
	for (int i = 0; i < JOB_N_STATES; i++) {
		const json_t *name =
		        json_array_get(at("/components/schemas/JobState/enum"), (size_t)i);
		CHECK_TEXT(json_string_value(name), job_state_text((enum job_state)i));
	}
	for (int i = 0; i < STEP_N_STATES; i++) {
		const json_t *name =
		        json_array_get(at("/components/schemas/StepState/enum"), (size_t)i);
		CHECK_TEXT(json_string_value(name), step_state_text((enum step_state)i));
	}
	CHECK_INT(json_array_size(at("/components/schemas/JobState/enum")), JOB_N_STATES);
	CHECK_INT(json_array_size(at("/components/schemas/StepState/enum")), STEP_N_STATES);
}

#define REST "\"input_ref\":\"i\",\"output_ref\":\"o\",\"payload\":{},\"schema_version\":\"v1\""

/* Whether the code takes the envelope, and whether the file's schema does: both must say the same.
 */
static void check_envelope(const struct json_schema *schema, const char *text, bool is_valid)
{
	struct command_refusal refusal CLEANUP_COMMAND_REFUSAL = { 0 };
	struct command *command CLEANUP(cleanup_command) = NULL;
	struct violations violations CLEANUP_VIOLATIONS = { 0 };
	json_t *value CLEANUP(json_decrefp) = must_have(json_loads(text, 0, NULL));
	enum command_fault fault = command_read(text, strlen(text), NULL, NULL, &command, &refusal);
	bool is_schema_valid = json_schema_validate(schema, value, "", &violations);
	if ((fault == COMMAND_OK) != is_valid || is_schema_valid != is_valid) {
		fprintf(stderr, "%s\n  the code: %s\n  the schema: %s\n", text,
		        refusal.detail != NULL ? refusal.detail : "valid",
		        is_schema_valid ? "valid" : violations.items[0].pointer);
	}
	CHECK_INT(fault == COMMAND_OK, is_valid);
	CHECK_INT(is_schema_valid, is_valid);
}

static void the_envelope_is_the_one_that_the_code_takes(void)
{
	static const char *const members[][2] = {
		{ "\"mode\":null,\"doc_id\":null,\"workspace_ref\":null", "valid" },
		{ "\"mode\":\"BURST\",\"doc_id\":\"d\",\"idempotency_key\":\"k\"", "valid" },
		{ "\"workspace_ref\":{},\"correlation_id\":\"\",\"traceparent\":\"x\"", "valid" },
		{ "\"unknown\":1,\"payload2\":[]", "valid" },
		{ "\"mode\":\"burst\"", NULL },
		{ "\"doc_id\":\" \"", NULL },
		{ "\"doc_id\":\"a\\tb\"", NULL },
		{ "\"doc_id\":\"a\\u0085\"", NULL },
		{ "\"idempotency_key\":\"\"", NULL },
		{ "\"idempotency_key\":1", NULL },
		{ "\"workspace_ref\":\"\"", NULL },
		{ "\"workspace_ref\":[]", NULL },
		{ "\"correlation_id\":1", NULL },
		{ "\"traceparent\":1", NULL },
	};
	struct json_schema *schema CLEANUP(cleanup_json_schema) = compile("Envelope");
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		char *text CLEANUP_FREE =
		        must_print("{\"tenant_id\":\"t\",\"request_type\":\"OCR\"," REST ",%s}",
		                members[i][0]);
		check_envelope(schema, text, members[i][1] != NULL);
	}
	check_envelope(schema, "{}", false);
	check_envelope(schema, "{\"tenant_id\":\"t\",\"request_type\":\"\"," REST "}", false);
	check_envelope(schema, "{\"request_type\":\"OCR\"," REST "}", false);
}

static void references_are_those_that_the_code_takes(void)
{
	static const char *const references[][2] = {
		{ "\"x\"", "valid" },
		{ "{\"uri\":\"u\",\"checksum\":null,\"size_bytes\":5.0,\"metadata\":{},\"x\":1}",
		        "valid" },
		{ "\"\"", NULL },
		{ "{}", NULL },
		{ "{\"uri\":null}", NULL },
		{ "{\"uri\":\"\"}", NULL },
		{ "{\"uri\":\"u\",\"size_bytes\":-1}", NULL },
		{ "{\"uri\":\"u\",\"size_bytes\":1.5}", NULL },
		{ "{\"uri\":\"u\",\"checksum\":1}", NULL },
		{ "{\"uri\":\"u\",\"content_type\":{}}", NULL },
		{ "{\"uri\":\"u\",\"metadata\":\"m\"}", NULL },
		{ "null", NULL },
		{ "5", NULL },
	};
	struct json_schema *schema CLEANUP(cleanup_json_schema) = compile("Envelope");
	for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
		char *text CLEANUP_FREE =
		        must_print("{\"tenant_id\":\"t\",\"request_type\":\"OCR\",\"input_ref\":%s,"
		                   "\"output_ref\":"
		                   "\"o\",\"payload\":{},\"schema_version\":\"v1\"}",
		                references[i][0]);
		check_envelope(schema, text, references[i][1] != NULL);
	}
}

static void the_example_is_an_envelope(void)
{
	struct json_schema *schema CLEANUP(cleanup_json_schema) = compile("Envelope");
	char *text CLEANUP_FREE = json_dumps(
	        at("/paths/~1v1~1orchestrate/post/requestBody/content/application~1json/example"),
	        0);
	check_envelope(schema, text, true);
}

static const struct suite_test tests[] = {
	SUITE_TEST(every_reference_leads_somewhere),
	SUITE_TEST(every_schema_can_be_compiled),
	SUITE_TEST(each_operation_is_a_route_and_each_route_an_operation),
	SUITE_TEST(each_parameter_of_a_path_is_described),
	SUITE_TEST(each_problem_type_is_one_of_the_code_and_the_other_way_round),
	SUITE_TEST(each_response_lists_problems_of_its_status),
	SUITE_TEST(each_problem_is_an_answer_of_some_operation),
	SUITE_TEST(rows_have_the_columns_that_the_api_shows),
	SUITE_TEST(states_are_those_of_the_code),
	SUITE_TEST(the_envelope_is_the_one_that_the_code_takes),
	SUITE_TEST(references_are_those_that_the_code_takes),
	SUITE_TEST(the_example_is_an_envelope),
};

int main(int argc, char **argv)
{
	char *sentence CLEANUP_FREE = NULL;
	description = json_file_read(SOURCE_ROOT "/etc/openapi.json", &sentence);
	if (description == NULL) {
		fprintf(stderr, "%s\n", sentence);
		return 1;
	}
	int status = suite_run("openapi", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
	json_decref(description);
	return status;
}
