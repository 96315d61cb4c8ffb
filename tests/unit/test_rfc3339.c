/* SPDX-License-Identifier: MIT */
/* Times as texts: what is printed, what is taken, and that both agree over the whole range. */
#include "core/rfc3339.h"

#include <time.h>

#include "tests/support/suite.h"

static int64_t parsed(const char *text)
{
	int64_t us = INT64_MIN;
	return rfc3339_parse(text, strlen(text), &us) ? us : INT64_MIN;
}

static void time_is_printed_with_six_digits_and_z(void)
{
	char text[RFC3339_SIZE];
	rfc3339_print(INT64_C(1772366400000000), text);
	CHECK_TEXT(text, "2026-03-01T12:00:00.000000Z");
	rfc3339_print(1, text);
	CHECK_TEXT(text, "1970-01-01T00:00:00.000001Z");
	rfc3339_print(-1, text);
	CHECK_TEXT(text, "1969-12-31T23:59:59.999999Z");
}

static void times_of_one_second_differ_in_the_fraction_only(void)
{
	static const struct {
		int64_t time_us;
		const char *text;
	} times[] = {
		{ 999999, "1970-01-01T00:00:00.999999Z" },
		{ 7, "1970-01-01T00:00:00.000007Z" },
		{ 1000000, "1970-01-01T00:00:01.000000Z" },
		{ 0, "1970-01-01T00:00:00.000000Z" },
		{ INT64_C(1772366400000000), "2026-03-01T12:00:00.000000Z" },
		{ INT64_C(1772366400999999), "2026-03-01T12:00:00.999999Z" },
	};
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		char text[RFC3339_SIZE];
		rfc3339_print(times[i].time_us, text);
		CHECK_TEXT(text, times[i].text);
	}
}

static void time_beyond_four_digits_of_year_is_the_nearest_that_fits(void)
{
	char text[RFC3339_SIZE];
	rfc3339_print(INT64_MAX, text);
	CHECK_TEXT(text, "9999-12-31T23:59:59.999999Z");
	rfc3339_print(INT64_MIN, text);
	CHECK_TEXT(text, "0000-01-01T00:00:00.000000Z");
}

static void calendar_agrees_with_the_c_library(void)
{
	for (int64_t day = -719528; day < 2932897; day += 17) {
		time_t seconds = (time_t)day * 86400 + 3661;
		struct tm parts;
		char expected[RFC3339_SIZE];
		char text[RFC3339_SIZE];
		if (gmtime_r(&seconds, &parts) == NULL) {
			CHECK(false);
			return;
		}
		parts.tm_year += 1900;
		size_t n = (size_t)snprintf(expected, sizeof(expected), "%04d-%02d-%02dT01:01:01.",
		        parts.tm_year % 10000, (parts.tm_mon + 1) % 100, parts.tm_mday % 100);
		snprintf(expected + n, sizeof(expected) - n, "000000Z");
		rfc3339_print((int64_t)seconds * 1000000, text);
		if (strcmp(text, expected) != 0 || parsed(text) != (int64_t)seconds * 1000000) {
			CHECK_TEXT(text, expected);
			CHECK_INT(parsed(text), (int64_t)seconds * 1000000);
			return;
		}
	}
	CHECK(true);
}

static void every_common_form_is_taken(void)
{
	CHECK_INT(parsed("2026-03-01T12:00:00Z"), INT64_C(1772366400000000));
	CHECK_INT(parsed("2026-03-01T12:00:00+00:00"), INT64_C(1772366400000000));
	CHECK_INT(parsed("2026-03-01 14:00:00.5+02:00"), INT64_C(1772366400500000));
	CHECK_INT(parsed("2026-03-01t11:59:59.1234567-00:00"), INT64_C(1772366399123456));
	CHECK_INT(parsed("2024-02-29T00:00:00z"), INT64_C(1709164800000000));
	CHECK_INT(parsed("2016-12-31T23:59:60Z"), INT64_C(1483228799000000));
}

static void a_second_that_was_read_before_is_read_the_same_again(void)
{
	char zeros[20] = { 0 };
	int64_t us;
	CHECK(!rfc3339_parse(zeros, sizeof(zeros), &us));
	for (int i = 0; i < 2; i++) {
		CHECK_INT(parsed("2026-03-01T12:00:00Z"), INT64_C(1772366400000000));
		CHECK_INT(parsed("2026-03-01T12:00:00.25Z"), INT64_C(1772366400250000));
		CHECK_INT(parsed("2026-03-01T12:00:00+01:00"), INT64_C(1772362800000000));
		CHECK_INT(parsed("2026-03-01T12:00:00"), INT64_MIN);
		CHECK_INT(parsed("2026-03-01T12:00:0"), INT64_MIN);
		CHECK_INT(parsed("2026-03-01T12:00:00.Z"), INT64_MIN);
		CHECK_INT(parsed("2026-03-01T12:00:001Z"), INT64_MIN);
		CHECK_INT(parsed("2026-03-01T12:00:60Z"), INT64_C(1772366459000000));
		CHECK_INT(parsed("2026-03-01T12:00:61Z"), INT64_MIN);
	}
}

static void what_is_no_time_is_refused(void)
{
	static const char *const wrong[] = { "", "2026", "2026-03-01", "2026-03-01T12:00:00",
		"2026-13-01T12:00:00Z", "2026-02-29T12:00:00Z", "2026-03-00T12:00:00Z",
		"2026-03-01T24:00:00Z", "2026-03-01T12:60:00Z", "2026-03-01T12:00:61Z",
		"2026-03-01T12:00:00.Z", "2026-03-01T12:00:00+0200", "2026-03-01T12:00:00Z ",
		"2026-03-01T12:00Z", "+026-03-01T12:00:00Z", "2026-03-01T12:00:00+24:00",
		"2026-03-01T12:00:00+02:60", "2026-03-01T12:00:00+", "2026-03-01T12:00:00+02",
		"2026-03-01T12:00:00+02:", "2026-03-01T12:00:00.", "2026-03-01T12:00:00.5",
		"2026-0x-01T12:00:00Z", "2026-03-0xT12:00:00Z", "2026-03x01T12:00:00Z",
		"2026-03-32T12:00:00Z", "2026x03-01T12:00:00Z", "2026-03-01x12:00:00Z",
		"2026-03-01Txx:00:00Z", "2026-03-01T12x00:00Z", "2026-03-01T12:xx:00Z",
		"2026-03-01T12:00:xxZ", "2026-03-01T12:00:00.5555555555", "2026-00-01T12:00:00Z" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CHECK_INT(parsed(wrong[i]), INT64_MIN);
	}
	/* A NUL within the size is no end. */
	int64_t us;
	CHECK(!rfc3339_parse("2026\0003-01T12:00:00Z", 20, &us));
}

static const struct suite_test tests[] = {
	SUITE_TEST(time_is_printed_with_six_digits_and_z),
	SUITE_TEST(times_of_one_second_differ_in_the_fraction_only),
	SUITE_TEST(time_beyond_four_digits_of_year_is_the_nearest_that_fits),
	SUITE_TEST(calendar_agrees_with_the_c_library),
	SUITE_TEST(every_common_form_is_taken),
	SUITE_TEST(a_second_that_was_read_before_is_read_the_same_again),
	SUITE_TEST(what_is_no_time_is_refused),
};

int main(int argc, char **argv)
{
	return suite_run("rfc3339", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
