/* SPDX-License-Identifier: MIT */
/* What the strict reader takes, and the sentence with line and column for what it refuses. */
#include "core/json_strict.h"

#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/support/suite.h"

static json_t *parse(const char *text, struct json_fault *fault)
{
	/* A block of its own size, so that a read beyond the end is seen by the sanitizer. */
	size_t size = strlen(text);
	char *block CLEANUP_FREE = must_copy(text, size);
	char *tight CLEANUP_FREE = malloc(size > 0 ? size : 1);
	memcpy(must_have(tight), block, size);
	return json_strict_parse(tight, size, NULL, fault);
}

static void check_refused(const char *text, const char *sentence)
{
	struct json_fault fault = { 0 };
	json_t *value CLEANUP(json_decrefp) = parse(text, &fault);
	CHECK(value == NULL);
	CHECK_TEXT(fault.sentence, sentence);
}

static void check_taken(const char *text, const char *compact)
{
	struct json_fault fault = { 0 };
	json_t *value CLEANUP(json_decrefp) = parse(text, &fault);
	CHECK_TEXT(fault.sentence, "");
	char *dumped CLEANUP_FREE = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	CHECK_TEXT(dumped, compact);
}

static void values_of_each_type_are_taken(void)
{
	check_taken(" {\"a\" : [1, -2.5, true, false, null, \"x\"] , \"b\":{}}\r\n\t",
	        "{\"a\":[1,-2.5,true,false,null,\"x\"],\"b\":{}}");
	check_taken("[]", "[]");
	check_taken("\"\"", "\"\"");
	check_taken("-0", "0");
	check_taken("9223372036854775807", "9223372036854775807");
	check_taken("-9223372036854775808", "-9223372036854775808");
	check_taken("1e-400", "0.0");
}

static void escapes_become_characters(void)
{
	check_taken("\"\\u0041\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"A\\\"\\\\/\\b\\f\\n\\r\\t\"");
	check_taken("\"a\\ud83d\\ude00b\\u00E9\"",
	        "\"a\xf0\x9f\x98\x80"
	        "b\xc3\xa9\"");
	check_taken("{\"\\u0061\":\"\\u0062\"}", "{\"a\":\"b\"}");
}

static void what_is_no_json_is_refused_with_its_place(void)
{
	check_refused("", "line 1, column 1: the text ends where a JSON value should be");
	check_refused("{\n  \"a\": tru\n}",
	        "line 2, column 8: \"t\" stands where a JSON value should be");
	check_refused("[1,]", "line 1, column 4: \"]\" stands where a JSON value should be");
	check_refused("{\"a\":1,}",
	        "line 1, column 8: \"}\" stands where the name of a member should be");
	check_refused("[1 2]", "line 1, column 4: \"2\" stands where \",\" or \"]\" should be");
	check_refused("{\"a\" 1}", "line 1, column 6: \"1\" stands where \":\" should be");
	check_refused("{\"a\":1", "line 1, column 7: the text ends where \",\" or \"}\" should be");
	check_refused(
	        "{a:1}", "line 1, column 2: \"a\" stands where the name of a member should be");
	check_refused("NaN", "line 1, column 1: \"N\" stands where a JSON value should be");
	check_refused("+1", "line 1, column 1: \"+\" stands where a JSON value should be");
	check_refused(
	        "[\xc3\xa9]", "line 1, column 2: \"\xc3\xa9\" stands where a JSON value should be");
}

static void text_after_the_value_is_refused(void)
{
	check_refused("{} x", "line 1, column 4: \"x\" stands where the end of the text should be");
	check_refused("01", "line 1, column 2: \"1\" stands where the end of the text should be");
	struct json_fault fault = { 0 };
	CHECK(json_strict_parse("1\0", 2, NULL, &fault) == NULL);
	CHECK_TEXT(fault.sentence,
	        "line 1, column 2: a zero byte stands where the end of the text should be");
}

static void a_member_that_is_there_twice_is_refused(void)
{
	check_refused("{\"a\":1,\n\"b\":2, \"\\u0061\":3}",
	        "line 2, column 8: the member \"a\" is there twice in one object");
	check_taken("{\"a\":{\"a\":1}}", "{\"a\":{\"a\":1}}");
}

static void of_two_faults_the_first_is_told(void)
{
	static const char outer[] =
	        "line 1, column 8: the member \"a\" is there twice in one object";
	check_refused("{\"a\":1,\"a\":tru}", outer);
	check_refused("{\"a\":1,\"a\" 2}", outer);
	check_refused("{\"a\":1,\"a\"", outer);
	check_refused("{\"a\":1,\"a\":{\"b\":1,\"b\":2}}", outer);
	check_refused("{\"a\":1,\"a\":[{\"b\":1,\"b\":[}]}", outer);
	check_refused("{\"a\":1,\"\\u0061\":\"\\u0062\\x\"}", outer);
	check_refused("{\"a\":{\"b\":1,\"b\":[}}",
	        "line 1, column 13: the member \"b\" is there twice in one object");
	check_refused("{\"a\":{\"b\":1,\"c\":}}",
	        "line 1, column 17: \"}\" stands where a JSON value should be");
}

static void characters_that_no_text_may_hold_are_refused(void)
{
	check_refused("\"a\\u0000\"",
	        "line 1, column 3: the character U+0000 is not accepted in a string");
	check_refused("{\"\\u0000\":1}",
	        "line 1, column 3: the character U+0000 is not accepted in a string");
	check_refused(
	        "\"\\ud800\"", "line 1, column 2: the surrogate \"\\ud800\" has no other half");
	check_refused("\"\\udc00\\ud800\"",
	        "line 1, column 2: the surrogate \"\\udc00\" has no other half");
	check_refused("\"\\ud800\\u0041\"",
	        "line 1, column 2: the surrogate \"\\ud800\" has no other half");
	check_refused("\"\xff\"", "line 1, column 2: the byte 0xff is not valid UTF-8");
	check_refused("\"\xed\xa0\x80\"", "line 1, column 2: the byte 0xed is not valid UTF-8");
	check_refused("\"\xc0\x80\"", "line 1, column 2: the byte 0xc0 is not valid UTF-8");
	check_refused("\"\xc3\"", "line 1, column 2: the byte 0xc3 is not valid UTF-8");
	check_refused("\xef\xbb\xbf{}",
	        "line 1, column 1: the text begins with a byte order mark, which JSON does not "
	        "have");
}

static void strings_that_are_broken_are_refused(void)
{
	check_refused("[\"abc", "line 1, column 2: the string that starts here has no end");
	check_refused("[\"abc\\", "line 1, column 6: a backslash starts no escape that JSON has");
	check_refused("\"\\x\"", "line 1, column 2: a backslash starts no escape that JSON has");
	check_refused("\"\\u12\"",
	        "line 1, column 2: \"\\u\" is not followed by four hexadecimal digits");
	check_refused("\"a\nb\"",
	        "line 1, column 3: the control character U+000A must be written as an escape");
	check_refused("\"\\t\tb\"",
	        "line 1, column 4: the control character U+0009 must be written as an escape");
}

static void numbers_that_no_type_holds_are_refused(void)
{
	check_refused("18446744073709551616",
	        "line 1, column 1: the integer \"18446744073709551616\" does not fit into 64 bits");
	check_refused("9223372036854775808",
	        "line 1, column 1: the integer \"9223372036854775808\" does not fit into 64 bits");
	check_refused("[-9223372036854775809]",
	        "line 1, column 2: the integer \"-9223372036854775809\" does not fit into 64 bits");
	check_refused(
	        "1e400", "line 1, column 1: the number \"1e400\" is larger than a double can be");
	check_refused(
	        "-1e400", "line 1, column 1: the number \"-1e400\" is larger than a double can be");
	check_refused("-", "line 1, column 2: a digit is missing in a number");
	check_refused("1.", "line 1, column 3: a digit is missing in a number");
	check_refused("1.e5", "line 1, column 3: a digit is missing in a number");
	check_refused("1e", "line 1, column 3: a digit is missing in a number");
	check_refused("1e+x", "line 1, column 4: a digit is missing in a number");
}

static char *repeat(const char *piece, size_t n)
{
	size_t size = strlen(piece);
	char *text = must_calloc(n * size + 1, 1);
	for (size_t i = 0; i < n; i++) {
		memcpy(text + i * size, piece, size);
	}
	return text;
}

static void depth_is_limited(void)
{
	char *brackets CLEANUP_FREE = repeat("[", 10000);
	check_refused(brackets, "line 1, column 65: arrays and objects are nested deeper than 64");
	char *objects CLEANUP_FREE = repeat("{\"a\":", 10000);
	check_refused(objects, "line 1, column 321: arrays and objects are nested deeper than 64");
	const struct json_limits no_limit = { .max_depth = 1000000 };
	struct json_fault fault = { 0 };
	CHECK(json_strict_parse(brackets, 10000, &no_limit, &fault) == NULL);
	CHECK_TEXT(fault.sentence,
	        "line 1, column 1025: arrays and objects are nested deeper than 1024");
}

static void depth_at_the_limit_is_taken(void)
{
	const struct json_limits limits = { .max_depth = 2 };
	struct json_fault fault = { 0 };
	json_t *inside CLEANUP(json_decrefp) = json_strict_parse("[[],[]]", 7, &limits, &fault);
	CHECK(inside != NULL);
	CHECK(json_strict_parse("[[[]]]", 6, &limits, &fault) == NULL);
	CHECK_INT(fault.column, 3);
}

static void number_of_values_is_limited(void)
{
	const struct json_limits limits = { .max_values = 4 };
	struct json_fault fault = { 0 };
	json_t *inside CLEANUP(json_decrefp) = json_strict_parse("[1,2,3]", 7, &limits, &fault);
	CHECK(inside != NULL);
	CHECK(json_strict_parse("[1,2,\n3,4]", 10, &limits, &fault) == NULL);
	CHECK_TEXT(fault.sentence, "line 2, column 3: the text holds more than 4 values");
}

static void a_long_value_is_cut_in_the_sentence(void)
{
	char *digits CLEANUP_FREE = repeat("9", 500);
	struct json_fault fault = { 0 };
	CHECK(json_strict_parse(digits, 500, NULL, &fault) == NULL);
	CHECK(strstr(fault.sentence, "9...\" does not fit into 64 bits") != NULL);
	CHECK(strlen(fault.sentence) < 160);
}

/* A small generator of its own, so that a failing run can be repeated. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void mutate(char *text, size_t size, uint32_t *state)
{
	static const char pool[] = "{}[]\",:\\u0123456789.eE-tfn \n\xff\xc3";
	for (uint32_t i = next_random(state) % 4 + 1; i > 0; i--) {
		text[next_random(state) % size] = pool[next_random(state) % (sizeof(pool) - 1)];
	}
}

static void mutated_texts_agree_with_jansson(void)
{
	static const char seed_text[] =
	        "{\"a\":[1,-2.5e3,true,null,\"x\\u00e9\\n\"],\"b\":{\"c\":\"\xc3\xa9\"}}";
	uint32_t state = 1;
	unsigned n_different = 0;
	for (int i = 0; i < 50000; i++) {
		char text[sizeof(seed_text)];
		size_t size = sizeof(seed_text) - 1;
		memcpy(text, seed_text, sizeof(seed_text));
		mutate(text, size, &state);
		struct json_fault fault;
		json_error_t error;
		json_t *ours CLEANUP(json_decrefp) = json_strict_parse(text, size, NULL, &fault);
		json_t *theirs CLEANUP(json_decrefp) =
		        json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
		n_different += (ours == NULL) != (theirs == NULL) ||
		        (ours != NULL && !json_equal(ours, theirs));
	}
	CHECK_INT(n_different, 0);
}

static const struct suite_test tests[] = {
	SUITE_TEST(values_of_each_type_are_taken),
	SUITE_TEST(escapes_become_characters),
	SUITE_TEST(what_is_no_json_is_refused_with_its_place),
	SUITE_TEST(text_after_the_value_is_refused),
	SUITE_TEST(a_member_that_is_there_twice_is_refused),
	SUITE_TEST(of_two_faults_the_first_is_told),
	SUITE_TEST(characters_that_no_text_may_hold_are_refused),
	SUITE_TEST(strings_that_are_broken_are_refused),
	SUITE_TEST(numbers_that_no_type_holds_are_refused),
	SUITE_TEST(depth_is_limited),
	SUITE_TEST(depth_at_the_limit_is_taken),
	SUITE_TEST(number_of_values_is_limited),
	SUITE_TEST(a_long_value_is_cut_in_the_sentence),
	SUITE_TEST(mutated_texts_agree_with_jansson),
};

int main(int argc, char **argv)
{
	return suite_run("json_strict", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
