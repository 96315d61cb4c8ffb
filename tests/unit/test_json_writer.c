/* SPDX-License-Identifier: MIT */
/* What the writer prints: structure, escapes, numbers, broken text. */
#include "core/json_writer.h"

#include <float.h>
#include <math.h>

#include "core/json_number.h"
#include "support/base/cleanup.h"
#include "tests/support/suite.h"

static void commas_are_put_between_values(void)
{
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	json_writer_begin_object(&writer);
	json_writer_string_member(&writer, "a", "x");
	json_writer_name(&writer, "list");
	json_writer_begin_array(&writer);
	json_writer_int(&writer, 1);
	json_writer_begin_object(&writer);
	json_writer_end_object(&writer);
	json_writer_begin_array(&writer);
	json_writer_end_array(&writer);
	json_writer_null(&writer);
	json_writer_end_array(&writer);
	json_writer_int_member(&writer, "n", -5);
	json_writer_bool_member(&writer, "yes", true);
	json_writer_string_member(&writer, "none", NULL);
	json_writer_json_member(&writer, "tree", NULL);
	json_writer_end_object(&writer);
	CHECK_TEXT(json_writer_text(&writer),
	        "{\"a\":\"x\",\"list\":[1,{},[],null],\"n\":-5,\"yes\":true,\"none\":null,"
	        "\"tree\":null}");
}

static void strings_are_escaped(void)
{
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	json_writer_string(&writer, "\"\\\b\f\n\r\t\x01\x1f\x7f/\xc3\xa9\xf0\x9f\x98\x80");
	CHECK_TEXT(json_writer_text(&writer),
	        "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f/\xc3\xa9\xf0\x9f\x98\x80\"");
	json_writer_reset(&writer);
	json_writer_string_sized(&writer, "a\0b", 3);
	CHECK_TEXT(json_writer_text(&writer), "\"a\\u0000b\"");
}

static void ascii_has_surrogate_pairs(void)
{
	struct json_writer writer CLEANUP_JSON_WRITER = { .is_ascii = true };
	json_writer_string(&writer, "\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80");
	CHECK_TEXT(json_writer_text(&writer), "\"\\u00e9\\u2028\\ud83d\\ude00\"");
}

static void broken_bytes_become_the_replacement_character(void)
{
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	json_writer_string(&writer,
	        "a\xff"
	        "b\xc3");
	CHECK_TEXT(json_writer_text(&writer),
	        "\"a\xef\xbf\xbd"
	        "b\xef\xbf\xbd\"");
}

static void a_tree_keeps_the_order_of_its_members(void)
{
	json_t *tree CLEANUP(json_decrefp) =
	        json_pack("{s:i,s:[f,b,n,s],s:{}}", "z", 1, "a", 0.5, 1, "t", "m");
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	json_writer_json(&writer, tree);
	CHECK_TEXT(json_writer_text(&writer), "{\"z\":1,\"a\":[0.5,true,null,\"t\"],\"m\":{}}");
}

static void raw_text_is_a_value_and_appended_bytes_are_not(void)
{
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	json_writer_begin_array(&writer);
	json_writer_raw(&writer, "{\"a\":1}", 7);
	json_writer_raw(&writer, "2", 1);
	json_writer_end_array(&writer);
	json_writer_append(&writer, "\n", 1);
	CHECK_TEXT(json_writer_text(&writer), "[{\"a\":1},2]\n");
}

static void the_text_can_be_taken_away(void)
{
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	json_writer_bool(&writer, false);
	size_t size = 0;
	char *text CLEANUP_FREE = json_writer_steal(&writer, &size);
	CHECK_TEXT(text, "false");
	CHECK_INT(size, 5);
	CHECK_INT(writer.size, 0);
	json_writer_int(&writer, 7);
	CHECK_TEXT(json_writer_text(&writer), "7");
}

static void the_buffer_grows(void)
{
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	json_writer_begin_array(&writer);
	for (int i = 0; i < 10000; i++) {
		json_writer_string(&writer, "abc\n");
	}
	json_writer_end_array(&writer);
	CHECK_INT(writer.size, 10000 * 7 + 9999 + 2);
	json_t *back CLEANUP(json_decrefp) = json_loadb(writer.text, writer.size, 0, NULL);
	CHECK_INT(json_array_size(back), 10000);
}

static void check_real(double value, const char *text)
{
	char printed[JSON_NUMBER_SIZE];
	size_t size = json_number_real(printed, value);
	CHECK_TEXT(printed, text);
	CHECK_INT(size, strlen(text));
}

static void reals_are_printed_as_python_does(void)
{
	check_real(0.0, "0.0");
	check_real(-0.0, "-0.0");
	check_real(1.0, "1.0");
	check_real(1e15, "1000000000000000.0");
	check_real(1e16, "1e+16");
	check_real(1e-4, "0.0001");
	check_real(1e-5, "1e-05");
	check_real(1e-7, "1e-07");
	check_real(0.1, "0.1");
	check_real(1.0 / 3, "0.3333333333333333");
	check_real(123456789012345680.0, "1.2345678901234568e+17");
	check_real(5e-324, "5e-324");
	check_real(-DBL_MAX, "-1.7976931348623157e+308");
	check_real(DBL_MIN, "2.2250738585072014e-308");
	check_real(ldexp(1, -1017), "7.120236347223045e-307");
}

static void integers_reach_their_limits(void)
{
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	json_writer_begin_array(&writer);
	json_writer_int(&writer, INT64_MIN);
	json_writer_int(&writer, INT64_MAX);
	json_writer_int(&writer, 0);
	json_writer_real(&writer, INFINITY);
	json_writer_real(&writer, NAN);
	json_writer_end_array(&writer);
	CHECK_TEXT(json_writer_text(&writer),
	        "[-9223372036854775808,9223372036854775807,0,null,null]");
}

/* More than there are buffers to be used again, one of them too long for that. */
static void many_writers_at_once_keep_their_texts_apart(void)
{
	enum { N = 20, LONG = 100000 };
	struct json_writer writers[N] = { 0 };
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < N; i++) {
			json_writer_begin_array(&writers[i]);
			json_writer_int(&writers[i], i);
			json_writer_raw(&writers[i], "", 0);
			json_writer_end_array(&writers[i]);
		}
		for (int i = 0; i < LONG; i++) {
			json_writer_append(&writers[0], "x", 1);
		}
		CHECK_INT(writers[0].size, LONG + strlen("[0,]"));
		for (int i = 0; i < N; i++) {
			char expected[16];
			(void)snprintf(expected, sizeof(expected), "[%d,]", i);
			CHECK(strncmp(json_writer_text(&writers[i]), expected, strlen(expected)) ==
			        0);
			json_writer_finish(&writers[i]);
			json_writer_finish(&writers[i]);
			writers[i] = (struct json_writer){ 0 };
		}
	}
}

static const struct suite_test tests[] = {
	SUITE_TEST(commas_are_put_between_values),
	SUITE_TEST(strings_are_escaped),
	SUITE_TEST(ascii_has_surrogate_pairs),
	SUITE_TEST(broken_bytes_become_the_replacement_character),
	SUITE_TEST(a_tree_keeps_the_order_of_its_members),
	SUITE_TEST(raw_text_is_a_value_and_appended_bytes_are_not),
	SUITE_TEST(the_text_can_be_taken_away),
	SUITE_TEST(the_buffer_grows),
	SUITE_TEST(reals_are_printed_as_python_does),
	SUITE_TEST(integers_reach_their_limits),
	SUITE_TEST(many_writers_at_once_keep_their_texts_apart),
};

int main(int argc, char **argv)
{
	return suite_run("json_writer", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
