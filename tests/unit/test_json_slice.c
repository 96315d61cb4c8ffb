/* SPDX-License-Identifier: MIT */
/* JSON read where it stands: what is valid, what a walk finds, and what strings say. */
#include "core/json_composed.h"
#include "core/json_slice.h"

#include <stdlib.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/support/suite.h"

static struct json_slice slice(const char *text)
{
	return json_slice_of(text, strlen(text));
}

/* The slice as a text of its own; static storage. */
static const char *shown(struct json_slice value)
{
	static char text[256];
	(void)snprintf(
	        text, sizeof(text), "%.*s", (int)value.size, value.size != 0 ? value.text : "");
	return text;
}

static void every_kind_of_value_is_taken(void)
{
	static const char *const valid[] = { "{}", "[]", "\"\"", "0", "-0", "12", "-1.5e+10", "1E5",
		"true", "false", "null", "[[],{},[{}]]", "{\"a\":[1,2,{\"b\":null}],\"c\":\"d\"}",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\"",
		"\"\xc3\xa4\xf0\x9f\x98\x80\"", "1e-5", "\"\\uABCD\\uDBFF\\uDFFF\\uabef\"",
		"[1 , 2\n,\t3\r]" };
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		CHECK_TEXT(shown(slice(valid[i])), valid[i]);
	}
}

static void white_space_around_the_value_is_left_out(void)
{
	CHECK_TEXT(shown(slice(" \n\t{ \"a\" : 1 } \r\n")), "{ \"a\" : 1 }");
	CHECK_TEXT(shown(slice(" 7 ")), "7");
}

static void what_is_no_json_is_none(void)
{
	static const char *const invalid[] = { "", " ", "{", "}", "[", "]", "[1,]", "[,1]", "[1 2]",
		"{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{1:2}", "{\"a\":1 \"b\":2}", "[1}",
		"{\"a\":1]", "01", "-", "1.", ".5", "1e", "1e+", "+1", "tru", "nulls", "True", "\"",
		"\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u0000\"", "\"\\ud800\"",
		"\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800\\", "\"\n\"", "\"\xff\"",
		"\"\xc3\"", "1 2", "{} {}", "[]]", "'a'", "[1}]", "nul", "\"a\\", "\"\\u:000\"",
		"\"\\u/000\"", "\"\\uG000\"", "\"\\u@000\"", "\"\\u`000\"", "\"\\ud800\\n0000\"",
		"\"\\ud800xu0000\"", "\"\\ud800\\ue000\"", "\"\\ud800\\u00g0\"", "\"a\xc3\xa4",
		"{\"a", "{\"a\xc3\xa4" };
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
		CHECK_TEXT(shown(slice(invalid[i])), "");
	}
	CHECK_INT(json_slice_of(NULL, 0).size, 0);
	CHECK_INT(json_slice_of("1\0", 2).size, 0);
	CHECK_INT(json_slice_of("\"\\\0\"", 4).size, 0);
}

static void text_is_not_read_beyond_its_size(void)
{
	CHECK_TEXT(shown(json_slice_of("123", 2)), "12");
	CHECK_INT(json_slice_of("\"a\"", 2).size, 0);
	CHECK_INT(json_slice_of("true", 3).size, 0);
	CHECK_INT(json_slice_of("\"\\u0041\"", 5).size, 0);
}

static void nesting_is_bounded(void)
{
	for (size_t depth = JSON_SLICE_DEPTH; depth <= JSON_SLICE_DEPTH + 1; depth++) {
		CLEANUP_FREE char *text = must_calloc(2 * depth + 1, 1);
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		CHECK_INT(json_slice_of(text, 2 * depth).size != 0, depth == JSON_SLICE_DEPTH);
	}
}

static void walk_finds_each_member_in_order(void)
{
	struct json_slice_walk walk = json_slice_members(
	        slice("{ \"a\" : 1 , \"b\":{\"a\":[\"}\",2]}, \"c\" : \"x,y\" }"));
	struct json_slice name;
	struct json_slice value;
	CHECK(json_slice_next_member(&walk, &name, &value));
	CHECK_TEXT(shown(name), "\"a\"");
	CHECK_TEXT(shown(value), "1");
	CHECK(json_slice_next_member(&walk, &name, &value));
	CHECK_TEXT(shown(value), "{\"a\":[\"}\",2]}");
	CHECK(json_slice_next_member(&walk, &name, &value));
	CHECK_TEXT(shown(value), "\"x,y\"");
	CHECK(!json_slice_next_member(&walk, &name, &value));
}

static void walk_finds_each_element_in_order(void)
{
	struct json_slice_walk walk = json_slice_elements(slice("[1,[2,\"]\"] , true,{}]"));
	struct json_slice value;
	static const char *const expected[] = { "1", "[2,\"]\"]", "true", "{}" };
	for (size_t i = 0; i < 4; i++) {
		CHECK(json_slice_next_element(&walk, &value));
		CHECK_TEXT(shown(value), expected[i]);
	}
	CHECK(!json_slice_next_element(&walk, &value));
}

static void walk_over_something_else_finds_nothing(void)
{
	static const char *const others[] = { "1", "\"{}\"", "null", "[]", "{}" };
	struct json_slice value;
	struct json_slice name;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct json_slice_walk members = json_slice_members(slice(others[i]));
		struct json_slice_walk elements = json_slice_elements(slice(others[i]));
		CHECK(!json_slice_next_member(&members, &name, &value));
		CHECK(!json_slice_next_element(&elements, &value));
	}
	struct json_slice_walk none = json_slice_members((struct json_slice){ NULL, 0 });
	CHECK(!json_slice_next_member(&none, &name, &value));
}

static void member_is_found_by_what_its_name_says_and_the_last_counts(void)
{
	struct json_slice object =
	        slice("{\"ab\":1,\"a\":2,\"\\u0061\":3,\"b\\u0062\":4,\"\":5,\"a\\\"\":6}");
	CHECK_TEXT(shown(json_slice_member(object, "ab")), "1");
	CHECK_TEXT(shown(json_slice_member(object, "a")), "3");
	CHECK_TEXT(shown(json_slice_member(object, "bb")), "4");
	CHECK_TEXT(shown(json_slice_member(object, "a\"")), "6");
	CHECK_TEXT(shown(json_slice_member(object, "abc")), "");
	CHECK_TEXT(shown(json_slice_member(slice("[\"a\",1]"), "a")), "");
}

static void members_are_collected_in_the_order_of_the_names(void)
{
	static const char *const names[] = { "z", "missing", "a" };
	struct json_slice values[3];
	json_slice_collect(slice("{\"a\":1,\"z\":2,\"z\":3}"), names, 3, values);
	CHECK_TEXT(shown(values[0]), "3");
	CHECK_INT(values[1].size, 0);
	CHECK_TEXT(shown(values[2]), "1");
}

static void members_are_found_while_the_text_is_checked(void)
{
	static const char *const names[] = { "a", "missing", "b" };
	const char *text = " {\"a\":[{\"b\":0}], \"c\" : {} ,\"\\u0062\":1,\"b\":{\"a\":7}} ";
	struct json_slice values[3];
	CHECK_TEXT(shown(json_slice_read(text, strlen(text), names, 3, values)),
	        "{\"a\":[{\"b\":0}], \"c\" : {} ,\"\\u0062\":1,\"b\":{\"a\":7}}");
	CHECK_TEXT(shown(values[0]), "[{\"b\":0}]");
	CHECK_INT(values[1].size, 0);
	CHECK_TEXT(shown(values[2]), "{\"a\":7}");
}

/* Strings with brackets and escapes in them, and what holds them, at each place of a piece. */
static void what_is_passed_over_may_hold_anything_anywhere(void)
{
	static const char *const passed[] = { "{}", "[[],{}]",
		"{\"a\":\"b\",\"c\":[1,2,{\"d\":null}]}", "[\"}]\",\"[{\"]",
		"{\"\\\"}\":\"\\\\\",\"x\":[\"\\\\\\\"]\"]}",
		"[\"0123456789abcde\\\"]0123456789abcdef}\",[\"[[[[[[[[[[[[[[[[[[\"]]",
		"{\"long\":[1234567890,1234567890,1234567890,[[[[[[[[[[[[[[[[[[[\"]\"]]]]]]]]]]]]]]"
		"]]]]]]}" };
	static const char *const names[] = { "passed", "behind" };
	static const char padding[] = "                                ";
	char whole[256];
	char text[512];
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
		for (int n = 0; n < 32; n++) {
			struct json_slice values[2];
			(void)snprintf(whole, sizeof(whole), "[%.*s%s]", n, padding, passed[i]);
			(void)snprintf(text, sizeof(text), "{\"passed\":%s,%.*s\"behind\":%d}",
			        whole, 31 - n, padding, n);
			json_slice_collect(slice(text), names, 2, values);
			CHECK_TEXT(shown(values[0]), whole);
			CHECK_INT(atoi(shown(values[1])), n);
			struct json_slice_walk walk = json_slice_elements(slice(whole));
			CHECK(json_slice_next_element(&walk, &values[0]));
			CHECK_TEXT(shown(values[0]), passed[i]);
			CHECK(!json_slice_next_element(&walk, &values[0]));
		}
	}
}

static void text_that_is_none_has_no_members(void)
{
	static const char *const texts[] = { "{\"a\":1", "{\"a\":1}}", "{\"a\":1,}", "{\"a\":1,2}",
		"{\"a\":1 \"a\":1}", "{\"a\":1]", "{", "[{\"a\":1}]", "\"a\"", "{}", "" };
	static const char *const name = "a";
	struct json_slice value;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		(void)json_slice_read(texts[i], strlen(texts[i]), &name, 1, &value);
		CHECK_TEXT(shown(value), "");
		CHECK_TEXT(shown(json_slice_read(texts[i], strlen(texts[i]), &name, 1, &value)),
		        shown(slice(texts[i])));
	}
}

static void object_is_read_as_deep_as_any_value(void)
{
	static const char *const name = "a";
	struct json_slice value;
	for (size_t depth = JSON_SLICE_DEPTH; depth <= JSON_SLICE_DEPTH + 1; depth++) {
		CLEANUP_FREE char *text = must_calloc(2 * depth + 16, 1);
		char *end = stpcpy(text, "{\"a\":");
		memset(end, '[', depth - 1);
		memset(end + depth - 1, ']', depth - 1);
		strcat(text, "}");
		CHECK_INT(json_slice_read(text, strlen(text), &name, 1, &value).size != 0,
		        depth == JSON_SLICE_DEPTH);
	}
}

static void elements_are_collected_as_they_are_walked_over(void)
{
	static const char *const name = "a";
	struct json_slice_walk walk =
	        json_slice_elements(slice("[{\"a\":{\"a\":1},\"b\":[]} , \"a\",{},{\"a\":2}]"));
	static const char *const elements[] = { "{\"a\":{\"a\":1},\"b\":[]}", "\"a\"", "{}",
		"{\"a\":2}" };
	static const char *const members[] = { "{\"a\":1}", "", "", "2" };
	struct json_slice value;
	struct json_slice element;
	for (size_t i = 0; i < 4; i++) {
		CHECK(json_slice_collect_next(&walk, &name, 1, &value, &element));
		CHECK_TEXT(shown(element), elements[i]);
		CHECK_TEXT(shown(value), members[i]);
	}
	CHECK(!json_slice_collect_next(&walk, &name, 1, &value, &element));
}

static void string_is_given_without_its_escapes(void)
{
	CLEANUP_FREE char *escaped = json_slice_string(slice(
	        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e4\\u20AC\\ud83d\\ude00 \xc3\xa4\""));
	CHECK_TEXT(escaped, "\"\\/\b\f\n\r\tA\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 \xc3\xa4");
	CLEANUP_FREE char *empty = json_slice_string(slice("\"\""));
	CHECK_TEXT(empty, "");
	CHECK(json_slice_string(slice("1")) == NULL);
	CHECK(json_slice_string((struct json_slice){ NULL, 0 }) == NULL);
}

static void text_is_compared_by_what_it_says(void)
{
	CHECK(json_slice_is_text(slice("\"abc\""), "abc"));
	CHECK(json_slice_is_text(slice("\"a\\u0062c\""), "abc"));
	CHECK(!json_slice_is_text(slice("\"abd\""), "abc"));
	CHECK(!json_slice_is_text(slice("\"ab\""), "abc"));
	CHECK(!json_slice_is_text(slice("\"abcd\""), "abc"));
	CHECK(!json_slice_is_text(slice("\"a\\nc\""), "a\\nc"));
	CHECK(!json_slice_is_text(slice("12345"), "234"));
	CHECK(!json_slice_is_text((struct json_slice){ NULL, 0 }, ""));
}

static int64_t integer(const char *text)
{
	int64_t number = 77;
	return json_slice_integer(slice(text), &number) ? number : 77;
}

static void integers_are_taken_within_64_bits_alone(void)
{
	CHECK_INT(integer("0"), 0);
	CHECK_INT(integer("-12"), -12);
	CHECK_INT(integer("9223372036854775807"), INT64_MAX);
	CHECK_INT(integer("-9223372036854775808"), INT64_MIN);
	CHECK_INT(integer("9223372036854775808"), 77);
	CHECK_INT(integer("-9223372036854775809"), 77);
	CHECK_INT(integer("99999999999999999999"), 77);
	CHECK_INT(integer("1.0"), 77);
	CHECK_INT(integer("1e2"), 77);
	CHECK_INT(integer("\"1\""), 77);
	CHECK_INT(integer("-"), 77);
	CHECK_INT(integer("null"), 77);
}

static void kinds_are_told_apart(void)
{
	CHECK(json_slice_is_object(slice("{}")));
	CHECK(!json_slice_is_object(slice("[]")));
	CHECK(json_slice_is_null(slice("null")));
	CHECK(json_slice_is_null((struct json_slice){ NULL, 0 }));
	CHECK(!json_slice_is_null(slice("0")));
	CHECK(json_slice_is_true(slice("true")));
	CHECK(!json_slice_is_true(slice("\"true\"")));
}

static void only_the_bytes_composed_last_are_taken_unchecked(void)
{
	static const char *const names[] = { "a", "b" };
	static char longer[10000];
	struct json_slice values[2];
	json_composed_keep("{\"a\":1,\"b\":{}}", 14);
	/* No JSON of the same length, and a text behind which others stand. */
	CHECK_INT(json_composed_read("{\"a\":1,\"b\":{}]", 14, names, 2, values).size, 0);
	CHECK_INT(values[0].size, 0);
	CHECK_TEXT(shown(json_composed_read("{\"a\":1,\"b\":{}}]", 14, names, 2, values)),
	        "{\"a\":1,\"b\":{}}");
	CHECK_TEXT(shown(values[0]), "1");
	CHECK_TEXT(shown(values[1]), "{}");
	CHECK_TEXT(shown(json_composed_read(" {\"b\":2} ", 9, names, 2, values)), "{\"b\":2}");
	CHECK_TEXT(shown(values[1]), "2");
	CHECK_INT(json_composed_read("", 0, names, 2, values).size, 0);
	memset(longer, ' ', sizeof(longer));
	memcpy(longer, "{}", 2);
	json_composed_keep(longer, sizeof(longer));
	CHECK_TEXT(shown(json_composed_read(longer, sizeof(longer), names, 2, values)), "{}");
	/* It takes on trust what was kept: only the sound may be. */
	json_composed_keep("{\"a\":01}", 8);
	CHECK_TEXT(shown(json_composed_read("{\"a\":01}", 8, names, 2, values)), "{\"a\":01}");
	CHECK_INT(json_slice_read("{\"a\":01}", 8, names, 2, values).size, 0);
	json_composed_keep("", 0);
}

static const struct suite_test tests[] = {
	SUITE_TEST(every_kind_of_value_is_taken),
	SUITE_TEST(white_space_around_the_value_is_left_out),
	SUITE_TEST(what_is_no_json_is_none),
	SUITE_TEST(text_is_not_read_beyond_its_size),
	SUITE_TEST(nesting_is_bounded),
	SUITE_TEST(walk_finds_each_member_in_order),
	SUITE_TEST(walk_finds_each_element_in_order),
	SUITE_TEST(walk_over_something_else_finds_nothing),
	SUITE_TEST(only_the_bytes_composed_last_are_taken_unchecked),
	SUITE_TEST(member_is_found_by_what_its_name_says_and_the_last_counts),
	SUITE_TEST(members_are_collected_in_the_order_of_the_names),
	SUITE_TEST(members_are_found_while_the_text_is_checked),
	SUITE_TEST(what_is_passed_over_may_hold_anything_anywhere),
	SUITE_TEST(text_that_is_none_has_no_members),
	SUITE_TEST(object_is_read_as_deep_as_any_value),
	SUITE_TEST(elements_are_collected_as_they_are_walked_over),
	SUITE_TEST(string_is_given_without_its_escapes),
	SUITE_TEST(text_is_compared_by_what_it_says),
	SUITE_TEST(integers_are_taken_within_64_bits_alone),
	SUITE_TEST(kinds_are_told_apart),
};

int main(int argc, char **argv)
{
	return suite_run("json_slice", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
