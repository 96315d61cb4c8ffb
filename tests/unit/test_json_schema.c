/* SPDX-License-Identifier: MIT */
/* Each keyword with what it takes and what it refuses, the pointers, and schemas that are refused.
 */
#include "core/json_schema.h"

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/support/suite.h"

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
	if (value == NULL) {
		fprintf(stderr, "the test's own JSON is wrong: %s in %s\n", error.text, text);
		abort();
	}
	return value;
}

static struct json_schema *compile(const char *text)
{
	json_t *document CLEANUP(json_decrefp) = parse(text);
	char *pointer CLEANUP_FREE = NULL;
	char *sentence CLEANUP_FREE = NULL;
	struct json_schema *schema = json_schema_compile(document, &pointer, &sentence);
	if (schema == NULL) {
		fprintf(stderr, "refused at '%s': %s: %s\n", pointer, sentence, text);
	}
	return schema;
}

/* The violations as "pointer: message" lines. */
static char *judge(const struct json_schema *schema, const char *instance_text)
{
	json_t *instance CLEANUP(json_decrefp) = parse(instance_text);
	struct violations violations CLEANUP_VIOLATIONS = { 0 };
	bool is_valid = json_schema_validate(schema, instance, "", &violations);
	CHECK_INT(is_valid, violations.n_found == 0);
	char *lines = must_print("%s", "");
	for (size_t i = 0; i < violations.n_items; i++) {
		char *longer = must_print("%s%s%s: %s", lines, i > 0 ? "\n" : "",
		        violations.items[i].pointer, violations.items[i].message);
		free(lines);
		lines = longer;
	}
	return lines;
}

static void check_lines(const char *schema_text, const char *instance_text, const char *lines)
{
	struct json_schema *schema CLEANUP(cleanup_json_schema) = compile(schema_text);
	CHECK(schema != NULL);
	if (schema != NULL) {
		char *found CLEANUP_FREE = judge(schema, instance_text);
		CHECK_TEXT(found, lines);
	}
}

static void check_valid(const char *schema_text, const char *instance_text)
{
	check_lines(schema_text, instance_text, "");
}

static void check_invalid(const char *schema_text, const char *instance_text)
{
	struct json_schema *schema CLEANUP(cleanup_json_schema) = compile(schema_text);
	char *found CLEANUP_FREE = schema != NULL ? judge(schema, instance_text) : NULL;
	CHECK(found != NULL && *found != '\0');
}

static void check_refused(const char *schema_text, const char *where, const char *why)
{
	json_t *document CLEANUP(json_decrefp) = parse(schema_text);
	char *pointer CLEANUP_FREE = NULL;
	char *sentence CLEANUP_FREE = NULL;
	struct json_schema *schema CLEANUP(cleanup_json_schema) =
	        json_schema_compile(document, &pointer, &sentence);
	CHECK(schema == NULL);
	CHECK_TEXT(pointer, where);
	CHECK_TEXT(sentence, why);
}

static void booleans_are_schemas(void)
{
	check_valid("true", "1");
	check_lines("false", "1", ": is not allowed here");
	check_lines("{\"properties\":{\"a\":false}}", "{\"a\":1}", "/a: is not allowed here");
}

static void type_takes_one_or_several(void)
{
	check_valid("{\"type\":\"integer\"}", "1.0");
	check_lines("{\"type\":\"integer\"}", "1.5", ": must be a whole number, not a number");
	check_valid("{\"type\":\"number\"}", "1");
	check_lines("{\"type\":[\"string\",\"null\"]}", "true",
	        ": must be null or a string, not a boolean");
	check_valid("{\"type\":[\"string\",\"null\"]}", "null");
	check_invalid("{\"type\":\"object\"}", "[]");
	check_invalid("{\"type\":\"array\"}", "{}");
}

static void enum_and_const_compare_values(void)
{
	check_lines("{\"enum\":[\"TEXT\",\"JSON\"]}", "\"XML\"",
	        ": must be one of \"TEXT\", \"JSON\", not \"XML\"");
	check_valid("{\"enum\":[1,\"x\"]}", "1.0");
	check_invalid("{\"enum\":[0]}", "false");
	check_valid("{\"const\":{\"a\":1,\"b\":[2.0]}}", "{\"b\":[2],\"a\":1.0}");
	check_lines("{\"const\":\"v1\"}", "\"v2\"", ": must be \"v1\", not \"v2\"");
	check_invalid("{\"const\":9007199254740993}", "9007199254740992.0");
}

static void numbers_have_limits(void)
{
	check_valid("{\"minimum\":0,\"maximum\":2}", "2");
	check_lines("{\"minimum\":0}", "-0.5", ": must be at least 0");
	check_lines("{\"maximum\":2}", "2.5", ": must be at most 2");
	check_lines("{\"exclusiveMinimum\":1}", "1.0", ": must be more than 1");
	check_lines("{\"exclusiveMaximum\":1.5}", "1.5", ": must be less than 1.5");
	check_invalid("{\"maximum\":9007199254740992.0}", "9007199254740993");
	check_valid("{\"minimum\":5}", "\"no number\"");
	check_valid("{\"multipleOf\":0.0001}", "0.0075");
	check_lines("{\"multipleOf\":3}", "10", ": must be a multiple of 3");
}

static void lengths_count_code_points(void)
{
	check_lines("{\"minLength\":1}", "\"\"", ": must not be empty");
	check_valid("{\"maxLength\":2}", "\"\xf0\x9f\x98\x80\xc3\xa9\"");
	check_lines("{\"maxLength\":2}", "\"abc\"", ": must have at most 2 characters");
	check_lines(
	        "{\"minLength\":2.0}", "\"\xf0\x9f\x98\x80\"", ": must have at least 2 characters");
}

static void a_pattern_is_searched_for(void)
{
	check_valid("{\"pattern\":\"b+\"}", "\"abbc\"");
	check_lines("{\"pattern\":\"^a$\"}", "\"a\\n\"", ": must match the pattern \"^a$\"");
	check_invalid("{\"pattern\":\"^\\\\d$\"}", "\"\xd9\xa3\"");
	check_valid("{\"pattern\":\"^\\\\u00e9(?!x)\"}", "\"\xc3\xa9\"");
}

static void white_space_in_a_pattern_is_that_of_ecma_262(void)
{
	check_valid("{\"pattern\":\"^a\\\\sb$\"}",
	        "\"a\xc2\xa0"
	        "b\"");
	check_valid("{\"pattern\":\"^[x\\\\s]$\"}", "\"\xef\xbb\xbf\"");
	check_valid("{\"pattern\":\"^[^\\\\S]$\"}", "\"\xe2\x80\xa8\"");
	check_invalid("{\"pattern\":\"\\\\S\"}", "\"\xef\xbb\xbf\xe3\x80\x80\"");
	/* An escaped backslash before an s is none of it; an empty class matches nothing. */
	check_valid("{\"pattern\":\"^\\\\\\\\s\\\\[\\\\s$\"}", "\"\\\\s[ \"");
	check_invalid("{\"pattern\":\"[]\"}", "\"]\"");
}

static void a_pattern_that_explodes_is_given_up(void)
{
	check_lines("{\"pattern\":\"^(a+)+$\"}", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"",
	        ": must match the pattern \"^(a+)+$\"\n: is too deep or too costly to check");
	check_lines("{\"not\":{\"pattern\":\"^(a+)+$\"}}",
	        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"",
	        ": is too deep or too costly to check");
}

static void members_are_checked(void)
{
	const char *schema =
	        "{\"type\":\"object\",\"required\":[\"a\",\"x/y~\"],\"properties\":{\"a\":"
	        "{\"properties\":{\"b\":{\"type\":\"string\"}}},\"c\":{\"type\":\"null\"}}}";
	check_valid(schema, "{\"a\":{},\"x/y~\":0,\"d\":1}");
	check_lines(schema, "{\"a\":{\"b\":1},\"c\":2}",
	        "/x~1y~0: is required\n/a/b: must be a string, not a number\n"
	        "/c: must be null, not a number");
}

static void additional_members_are_those_that_nothing_names(void)
{
	const char *schema =
	        "{\"properties\":{\"a\":true},\"patternProperties\":{\"^x-\":{\"type\":"
	        "\"string\"}},\"additionalProperties\":false}";
	check_valid(schema, "{\"a\":1,\"x-b\":\"\"}");
	check_lines(schema, "{\"b\":1}", "/b: is not a member that is known here");
	check_lines(schema, "{\"x-b\":1}", "/x-b: must be a string, not a number");
	check_lines("{\"additionalProperties\":{\"type\":\"null\"}}", "{\"b\":1}",
	        "/b: must be null, not a number");
}

static void counts_and_names_of_members_are_checked(void)
{
	check_lines("{\"minProperties\":1}", "{}", ": must have at least 1 members");
	check_lines("{\"maxProperties\":0}", "{\"a\":1}", ": must have at most 0 members");
	check_lines("{\"propertyNames\":{\"maxLength\":1}}", "{\"ab\":1}",
	        "/ab: has a name that is not allowed");
	check_lines("{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}",
	        "/b: is required beside \"a\"");
	check_valid("{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"b\":1}");
	check_lines("{\"dependentSchemas\":{\"a\":{\"maxProperties\":1}}}", "{\"a\":1,\"b\":1}",
	        ": must have at most 1 members");
}

static void elements_are_checked(void)
{
	check_lines("{\"items\":{\"type\":\"number\"}}", "[1,\"a\",null]",
	        "/1: must be a number, not a string\n/2: must be a number, not null");
	check_lines("{\"prefixItems\":[{\"type\":\"null\"}],\"items\":{\"type\":\"number\"}}",
	        "[1,2]", "/0: must be null, not a number");
	check_lines("{\"minItems\":1}", "[]", ": must have at least 1 elements");
	check_lines("{\"maxItems\":1}", "[1,2]", ": must have at most 1 elements");
	check_lines("{\"uniqueItems\":true}", "[1,{\"a\":1},{\"a\":1.0}]", "/2: is there twice");
	check_valid("{\"uniqueItems\":true}", "[1,true,\"1\",[1]]");
	check_valid("{\"contains\":{\"const\":1}}", "[0,1]");
	check_invalid("{\"contains\":{\"const\":1}}", "[0]");
	check_invalid("{\"contains\":{\"const\":1},\"minContains\":2}", "[1]");
	check_invalid("{\"contains\":{\"const\":1},\"maxContains\":1}", "[1,1]");
	check_valid("{\"contains\":{\"const\":1},\"minContains\":0}", "[]");
}

static void combinations_are_checked(void)
{
	check_lines("{\"allOf\":[{\"minimum\":1},{\"maximum\":0}]}", "0.5",
	        ": must be at least 1\n: must be at most 0");
	check_lines("{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":3}]}", "1",
	        ": must be a string, not a number\n: must be at least 3");
	check_valid("{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":3}]}", "\"a\"");
	check_lines("{\"oneOf\":[{\"minimum\":1},{\"minimum\":2}]}", "3",
	        ": matches more than one of the forms, not one");
	check_valid("{\"oneOf\":[{\"minimum\":1},{\"minimum\":2}]}", "1");
	check_invalid("{\"oneOf\":[{\"minimum\":1},{\"minimum\":2}]}", "0");
	check_lines("{\"not\":{\"type\":\"null\"}}", "null", ": has a form that is not allowed");
}

static void a_condition_chooses_its_branch(void)
{
	const char *schema =
	        "{\"if\":{\"type\":\"number\"},\"then\":{\"minimum\":1},\"else\":{\"type\":"
	        "\"string\"}}";
	check_valid(schema, "1");
	check_lines(schema, "0", ": must be at least 1");
	check_lines(schema, "null", ": must be a string, not null");
}

static void references_lead_within_the_file(void)
{
	check_lines("{\"$defs\":{\"a/b%\":{\"type\":\"null\"}},\"properties\":{\"x\":{\"$ref\":"
	            "\"#/$defs/a~1b%25\",\"minimum\":2}}}",
	        "{\"x\":1}", "/x: must be null, not a number\n/x: must be at least 2");
	check_lines("{\"properties\":{\"next\":{\"$ref\":\"#\"}},\"additionalProperties\":false}",
	        "{\"next\":{\"next\":{\"nxt\":1}}}",
	        "/next/next/nxt: is not a member that is known here");
}

static void deep_recursion_is_bounded(void)
{
	enum { DEPTH = 1000 };
	char *text CLEANUP_FREE = must_calloc(DEPTH * 2 + 1, 1);
	memset(text, '[', DEPTH);
	memset(text + DEPTH, ']', DEPTH);
	check_lines("{\"items\":{\"$ref\":\"#\"}}", text, ": is too deep or too costly to check");
	check_lines("{\"not\":{\"items\":{\"$ref\":\"#/not\"}}}", text,
	        ": is too deep or too costly to check");
}

static void many_violations_are_counted_and_not_listed(void)
{
	struct json_schema *schema CLEANUP(cleanup_json_schema) =
	        compile("{\"items\":{\"type\":\"string\"}}");
	json_t *numbers CLEANUP(json_decrefp) = json_array();
	for (int i = 0; i < 1000; i++) {
		json_array_append_new(numbers, json_integer(i));
	}
	struct violations violations CLEANUP_VIOLATIONS = { 0 };
	CHECK(!json_schema_validate(schema, numbers, "/p", &violations));
	CHECK_INT(violations.n_items, VIOLATIONS_MAX);
	CHECK_INT(violations.n_found, 1000);
	CHECK_TEXT(violations.items[7].pointer, "/p/7");
}

static void keywords_that_are_not_enforced_are_refused(void)
{
	check_refused("{\"properties\":{\"a\":{\"format\":\"date\"}}}", "/properties/a/format",
	        "the keyword \"format\" is not enforced here, so it must not be used");
	check_refused("{\"unevaluatedProperties\":false}", "/unevaluatedProperties",
	        "the keyword \"unevaluatedProperties\" is not enforced here, so it must not be "
	        "used");
	check_refused("{\"items\":{\"requierd\":[\"a\"]}}", "/items/requierd",
	        "the keyword \"requierd\" is not enforced here, so it must not be used");
	check_refused("{\"then\":{}}", "/then", "has no effect without \"if\"");
	check_refused("{\"minContains\":1}", "/minContains", "has no effect without \"contains\"");
	check_refused("{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}", "/$schema",
	        "only \"https://json-schema.org/draft/2020-12/schema\" is known, and only at the "
	        "top of "
	        "the file");
	check_refused("{\"items\":{\"$id\":\"x\"}}", "/items/$id",
	        "is a string and stands at the top of the file only");
}

static void keywords_with_wrong_values_are_refused(void)
{
	check_refused("[]", "", "a schema is an object, true or false");
	check_refused("{\"type\":\"text\"}", "/type", "must be a type or an array of types");
	check_refused(
	        "{\"type\":[\"null\",\"null\"]}", "/type", "must be a type or an array of types");
	check_refused("{\"minLength\":-1}", "/minLength", "must be a whole number of at least 0");
	check_refused("{\"minimum\":\"1\"}", "/minimum", "must be a number");
	check_refused("{\"multipleOf\":0}", "/multipleOf", "must be a number above 0");
	check_refused("{\"required\":[\"a\",\"a\"]}", "/required/1",
	        "must be a name that is not listed before");
	check_refused("{\"required\":\"a\"}", "/required", "must be an array of names");
	check_refused("{\"properties\":[]}", "/properties", "must be an object of schemas");
	check_refused("{\"allOf\":[]}", "/allOf", "must be an array of schemas, not empty");
	check_refused("{\"items\":[{}]}", "/items", "a schema is an object, true or false");
	check_refused("{\"enum\":[]}", "/enum", "must be an array of values, not empty");
	check_refused("{\"uniqueItems\":1}", "/uniqueItems", "must be true or false");
	check_refused("{\"dependentRequired\":{\"a\":1}}", "/dependentRequired/a",
	        "must be an array of names");
	check_refused("{\"pattern\":\"(\"}", "/pattern",
	        "the pattern is no regular expression at its byte 1: missing closing parenthesis");
}

static void references_that_cannot_be_followed_are_refused(void)
{
	check_refused(
	        "{\"$ref\":\"#/$defs/a\"}", "/$ref", "\"#/$defs/a\" leads nowhere in this file");
	check_refused("{\"$ref\":\"#/%zz\"}", "/$ref", "\"#/%zz\" leads nowhere in this file");
	check_refused("{\"$ref\":\"http://localhost/x\"}", "/$ref",
	        "must be a reference within this file, such as \"#/$defs/name\"");
	check_refused("{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"anyOf\":[true,{\"$ref\":"
	              "\"#/$defs/a\"}]}}}",
	        "", "references lead back to where they started, so nothing would end");
	check_refused("{\"$ref\":\"#\"}", "",
	        "references lead back to where they started, so nothing would end");
}

static void keyword_says_nothing_of_values_of_other_kinds(void)
{
	static const char *const keywords[] = { "\"minimum\":5", "\"maximum\":-5",
		"\"exclusiveMinimum\":5", "\"exclusiveMaximum\":-5", "\"multipleOf\":7",
		"\"minLength\":9", "\"maxLength\":0", "\"pattern\":\"x\"", "\"minItems\":9",
		"\"maxItems\":0", "\"uniqueItems\":true", "\"contains\":false",
		"\"minProperties\":9", "\"maxProperties\":0", "\"required\":[\"a\"]",
		"\"properties\":{\"a\":false}", "\"propertyNames\":false",
		"\"patternProperties\":{\"a\":false}" };
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		char *schema CLEANUP_FREE = must_print("{%s}", keywords[i]);
		check_valid(schema, "true");
		check_valid(schema, "null");
	}
}

static void numbers_far_apart_are_compared_as_they_are(void)
{
	check_valid("{\"minimum\":-1e300}", "-9223372036854775808");
	check_valid("{\"maximum\":1e300}", "9223372036854775807");
	check_lines("{\"minimum\":1e300}", "9223372036854775807", ": must be at least 1e+300");
	check_lines("{\"maximum\":-1e300}", "5", ": must be at most -1e+300");
	check_valid("{\"exclusiveMinimum\":-9.3e18}", "-9223372036854775808");
	check_valid("{\"multipleOf\":5e-324}", "1e300");
	check_invalid("{\"multipleOf\":1e-308}", "1e300");
	check_valid("{\"multipleOf\":0.5}", "1e300");
	check_invalid("{\"multipleOf\":3}", "0.5");
	check_invalid("{\"multipleOf\":0.3}", "1");
	check_invalid("{\"const\":1}", "\"1\"");
	check_invalid("{\"const\":\"ab\"}", "\"abc\"");
	check_invalid("{\"const\":{\"a\":1}}", "{\"b\":1}");
	check_invalid("{\"const\":{\"a\":1}}", "{\"a\":2}");
	check_invalid("{\"const\":{}}", "{\"a\":2}");
	check_invalid("{\"const\":[1]}", "[1,2]");
	check_invalid("{\"const\":[1]}", "[2]");
	check_valid("{\"const\":null}", "null");
	check_valid("{\"const\":false}", "false");
}

static void long_enum_is_shown_by_its_beginning(void)
{
	char *values CLEANUP_FREE = must_print("%s", "\"first\"");
	for (int i = 0; i < 100; i++) {
		char *longer = must_print("%s,\"value number %d\"", values, i);
		free(values);
		values = longer;
	}
	char *schema_text CLEANUP_FREE = must_print("{\"enum\":[%s]}", values);
	struct json_schema *schema CLEANUP(cleanup_json_schema) = compile(schema_text);
	char *lines CLEANUP_FREE = judge(schema, "1");
	CHECK(strncmp(lines, ": must be one of \"first\", \"value number 0\"", 41) == 0);
	CHECK(strstr(lines, "value number 99") == NULL);
	CHECK(strlen(lines) < 600);
	json_schema_destroy(NULL);
}

static void failure_under_not_and_or_is_no_violation_by_itself(void)
{
	check_valid("{\"not\":{\"enum\":[1,2]}}", "3");
	check_valid("{\"not\":{\"const\":1}}", "3");
	check_valid("{\"not\":{\"allOf\":[{\"const\":1},{\"const\":2}]}}", "3");
	check_valid("{\"not\":{\"anyOf\":[{\"const\":1},{\"const\":2}]}}", "3");
	check_valid("{\"not\":{\"oneOf\":[{\"const\":3},{\"const\":3}]}}", "3");
	check_valid("{\"not\":{\"required\":[\"a\",\"b\"]}}", "{}");
	check_valid("{\"not\":{\"uniqueItems\":true}}", "[1,1]");
	check_valid("{\"uniqueItems\":false}", "[1,1]");
	check_valid("{\"if\":{\"const\":1},\"else\":{\"const\":2}}", "1");
	check_valid("{\"if\":{\"const\":1},\"then\":false}", "2");
}

/* Comparing each with each would take minutes. */
static void comparison_of_many_elements_is_given_up(void)
{
	enum { N = 3000 };
	json_t *numbers CLEANUP(json_decrefp) = json_array();
	for (int i = 0; i < N; i++) {
		json_array_append_new(numbers, json_integer(i));
	}
	struct json_schema *schema CLEANUP(cleanup_json_schema) = compile("{\"uniqueItems\":true}");
	struct violations violations CLEANUP_VIOLATIONS = { 0 };
	CHECK(!json_schema_validate(schema, numbers, "", &violations));
	CHECK_TEXT(violations.items[violations.n_items - 1].message,
	        "is too deep or too costly to check");
}

static void parts_that_are_wrong_are_named_where_they_stand(void)
{
	check_refused("{\"type\":[1]}", "/type", "must be a type or an array of types");
	check_refused("{\"type\":1}", "/type", "must be a type or an array of types");
	check_refused("{\"multipleOf\":\"1\"}", "/multipleOf", "must be a number above 0");
	check_refused("{\"multipleOf\":-0.5}", "/multipleOf", "must be a number above 0");
	check_refused(
	        "{\"maxLength\":1e300}", "/maxLength", "must be a whole number of at least 0");
	check_refused("{\"maxLength\":1.5}", "/maxLength", "must be a whole number of at least 0");
	check_refused(
	        "{\"maxLength\":\"1\"}", "/maxLength", "must be a whole number of at least 0");
	check_refused("{\"pattern\":1}", "/pattern", "must be a regular expression in a string");
	check_refused("{\"$id\":1}", "/$id", "is a string and stands at the top of the file only");
	check_refused("{\"patternProperties\":{\"a\":1}}", "/patternProperties/a",
	        "a schema is an object, true or false");
	check_refused("{\"patternProperties\":{\"(\":true}}", "/patternProperties/(",
	        "the pattern is no regular expression at its byte 1: missing closing parenthesis");
	check_refused("{\"additionalProperties\":1}", "/additionalProperties",
	        "a schema is an object, true or false");
	check_refused("{\"additionalProperties\":true,\"patternProperties\":{\"(\":true}}",
	        "/additionalProperties",
	        "the pattern is no regular expression at its byte 1: missing closing parenthesis");
	check_refused("{\"dependentRequired\":[]}", "/dependentRequired",
	        "must be an object of arrays of names");
	check_refused(
	        "{\"required\":[1]}", "/required/0", "must be a name that is not listed before");
	check_refused("{\"allOf\":[1]}", "/allOf/0", "a schema is an object, true or false");
	check_refused("{\"if\":1}", "/if", "a schema is an object, true or false");
	check_refused("{\"if\":true,\"else\":1}", "/else", "a schema is an object, true or false");
	check_refused("{\"$ref\":1}", "/$ref",
	        "must be a reference within this file, such as \"#/$defs/name\"");
	check_refused("{\"items\":{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\"}}",
	        "/items/$schema",
	        "only \"https://json-schema.org/draft/2020-12/schema\" is known, and only at the "
	        "top of the file");
	check_refused("{\"$schema\":1}", "/$schema",
	        "only \"https://json-schema.org/draft/2020-12/schema\" is known, and only at the "
	        "top of the file");
	check_valid("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"x\"}",
	        "1");
}

static void schema_of_too_many_parts_is_refused(void)
{
	enum { N = 4096 };
	json_t *document CLEANUP(json_decrefp) = json_object();
	json_t *parts = json_array();
	for (int i = 0; i < N; i++) {
		json_array_append_new(parts, json_object());
	}
	json_object_set_new(document, "anyOf", parts);
	char *pointer CLEANUP_FREE = NULL;
	char *sentence CLEANUP_FREE = NULL;
	CHECK(json_schema_compile(document, &pointer, &sentence) == NULL);
	CHECK_TEXT(pointer, "/anyOf/4095");
	CHECK_TEXT(sentence, "the schema has more than 4096 parts");
}

static const struct suite_test tests[] = {
	SUITE_TEST(booleans_are_schemas),
	SUITE_TEST(type_takes_one_or_several),
	SUITE_TEST(enum_and_const_compare_values),
	SUITE_TEST(numbers_have_limits),
	SUITE_TEST(lengths_count_code_points),
	SUITE_TEST(a_pattern_is_searched_for),
	SUITE_TEST(white_space_in_a_pattern_is_that_of_ecma_262),
	SUITE_TEST(a_pattern_that_explodes_is_given_up),
	SUITE_TEST(members_are_checked),
	SUITE_TEST(additional_members_are_those_that_nothing_names),
	SUITE_TEST(counts_and_names_of_members_are_checked),
	SUITE_TEST(elements_are_checked),
	SUITE_TEST(combinations_are_checked),
	SUITE_TEST(a_condition_chooses_its_branch),
	SUITE_TEST(references_lead_within_the_file),
	SUITE_TEST(deep_recursion_is_bounded),
	SUITE_TEST(many_violations_are_counted_and_not_listed),
	SUITE_TEST(keywords_that_are_not_enforced_are_refused),
	SUITE_TEST(keywords_with_wrong_values_are_refused),
	SUITE_TEST(references_that_cannot_be_followed_are_refused),
	SUITE_TEST(keyword_says_nothing_of_values_of_other_kinds),
	SUITE_TEST(numbers_far_apart_are_compared_as_they_are),
	SUITE_TEST(long_enum_is_shown_by_its_beginning),
	SUITE_TEST(failure_under_not_and_or_is_no_violation_by_itself),
	SUITE_TEST(comparison_of_many_elements_is_given_up),
	SUITE_TEST(parts_that_are_wrong_are_named_where_they_stand),
	SUITE_TEST(schema_of_too_many_parts_is_refused),
};

int main(int argc, char **argv)
{
	return suite_run("json_schema", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
