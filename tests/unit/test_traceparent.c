/* SPDX-License-Identifier: MIT */
/* The header of W3C Trace Context: what is taken over, what is not, what is made. */
#include "core/traceparent.h"

#include "tests/support/suite.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

static void check_read(const char *text, const char *expected)
{
	char found[TRACEPARENT_SIZE] = "";
	CHECK_INT(traceparent_read(text, found), expected != NULL);
	CHECK_TEXT(found, expected != NULL ? expected : "");
}

static void a_valid_header_is_taken_over(void)
{
	check_read("00-" TRACE "-" PARENT "-01", "00-" TRACE "-" PARENT "-01");
	check_read("00-" TRACE "-" PARENT "-00", "00-" TRACE "-" PARENT "-00");
}

static void a_later_version_is_read_as_version_0(void)
{
	check_read("01-" TRACE "-" PARENT "-01", "00-" TRACE "-" PARENT "-01");
	check_read("cc-" TRACE "-" PARENT "-01-what-comes", "00-" TRACE "-" PARENT "-01");
	check_read("cc-" TRACE "-" PARENT "-01.what", NULL);
	check_read("00-" TRACE "-" PARENT "-01-what", NULL);
	check_read("ff-" TRACE "-" PARENT "-01", NULL);
}

static void a_malformed_header_is_refused(void)
{
	check_read("", NULL);
	check_read("00-" TRACE "-" PARENT, NULL);
	check_read("00-" TRACE "-" PARENT "-0", NULL);
	check_read("00-" TRACE "-" PARENT "-0g", NULL);
	check_read("00_" TRACE "-" PARENT "-01", NULL);
	check_read("00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01", NULL);
	check_read("00-00000000000000000000000000000000-" PARENT "-01", NULL);
	check_read("00-" TRACE "-0000000000000000-01", NULL);
	check_read("00-4bf92f3577b34da6a3ce929d0e0e473g-" PARENT "-01", NULL);
	check_read("00-" TRACE "_" PARENT "-01", NULL);
	check_read("00-" TRACE "-00f067aa0ba902bg-01", NULL);
	check_read("00-" TRACE "-" PARENT "_01", NULL);
	check_read(" 00-" TRACE "-" PARENT "-01", NULL);
}

static void what_is_made_can_be_read(void)
{
	uint8_t random[TRACEPARENT_RANDOM_SIZE];
	char made[TRACEPARENT_SIZE];
	for (size_t i = 0; i < sizeof(random); i++) {
		random[i] = (uint8_t)(i + 0xa0);
	}
	traceparent_make(random, made);
	CHECK_TEXT(made, "00-a0a1a2a3a4a5a6a7a8a9aaabacadaeaf-b0b1b2b3b4b5b6b7-01");
	memset(random, 0, sizeof(random));
	traceparent_make(random, made);
	check_read(made, "00-00000000000000000000000000000001-0000000000000001-01");
}

static const struct suite_test tests[] = {
	SUITE_TEST(a_valid_header_is_taken_over),
	SUITE_TEST(a_later_version_is_read_as_version_0),
	SUITE_TEST(a_malformed_header_is_refused),
	SUITE_TEST(what_is_made_can_be_read),
};

int main(int argc, char **argv)
{
	return suite_run("traceparent", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
