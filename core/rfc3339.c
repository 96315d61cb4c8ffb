/* SPDX-License-Identifier: MIT */
/* Times as texts and back, by arithmetic: no time zone database, no locale, no allocation. */
#include "core/rfc3339.h"

#include <stdio.h>
#include <string.h>

#define US_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY INT64_C(86400)
#define FIRST_SECOND INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define LAST_SECOND INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* What is left of a text that is being read. */
struct reader {
	const char *at;
	const char *end;
};

/* Days since 1970-01-01 in the proleptic Gregorian calendar; years counted from March. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t march_year = month <= 2 ? year - 1 : year;
	int64_t march_month = month <= 2 ? month + 9 : month - 3;
	int64_t leap_days = march_year >= 0
	        ? march_year / 4 - march_year / 100 + march_year / 400
	        : -1; /* the year before year 0 stands for January and February of year 0 */
	return march_year * 365 + leap_days + (march_month * 153 + 2) / 5 + day - 1 - 719468;
}

static int days_in_month(int64_t year, int64_t month)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 && is_leap ? 29 : lengths[month - 1];
}

/* The date of a day number from 0000-01-01 on, found from a first guess that is never too late. */
static void date_of(int64_t days, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day)
{
	int64_t year = 1970 + (days - 366) * 400 / 146097;
	if (year < 0 || days_of(year, 1, 1) > days) {
		year = year > 0 ? year - 1 : 0;
	}
	while (days_of(year + 1, 1, 1) <= days) {
		year++;
	}
	int64_t day = days - days_of(year, 1, 1);
	int64_t month = 1;
	while (day >= days_in_month(year, month)) {
		day -= days_in_month(year, month);
		month++;
	}
	*ret_year = year;
	*ret_month = month;
	*ret_day = day + 1;
}

static void put_digits(char *text, int n_digits, int64_t value)
{
	for (int i = n_digits - 1; i >= 0; i--) {
		text[i] = (char)('0' + value % 10);
		value /= 10;
	}
}

static void put_second(int64_t seconds, char ret_text[RFC3339_SIZE])
{
	int64_t of_day = (seconds % SECONDS_PER_DAY + SECONDS_PER_DAY) % SECONDS_PER_DAY;
	int64_t year;
	int64_t month;
	int64_t day;
	date_of((seconds - of_day) / SECONDS_PER_DAY, &year, &month, &day);
	memcpy(ret_text, "0000-00-00T00:00:00.000000Z", RFC3339_SIZE);
	put_digits(ret_text, 4, year);
	put_digits(ret_text + 5, 2, month);
	put_digits(ret_text + 8, 2, day);
	put_digits(ret_text + 11, 2, of_day / 3600);
	put_digits(ret_text + 14, 2, of_day / 60 % 60);
	put_digits(ret_text + 17, 2, of_day % 60);
}

/* The last second's text is kept: times come in batches. */
static void print_second(int64_t seconds, char ret_text[RFC3339_SIZE])
{
	static _Thread_local int64_t last = INT64_MIN;
	static _Thread_local char text[RFC3339_SIZE];
	if (seconds != last) {
		put_second(seconds, text);
		last = seconds;
	}
	memcpy(ret_text, text, RFC3339_SIZE);
}

void rfc3339_print(int64_t time_us, char ret_text[RFC3339_SIZE])
{
	int64_t fraction = (time_us % US_PER_SECOND + US_PER_SECOND) % US_PER_SECOND;
	int64_t seconds = time_us / US_PER_SECOND - (time_us % US_PER_SECOND < 0 ? 1 : 0);
	if (seconds < FIRST_SECOND) {
		seconds = FIRST_SECOND;
		fraction = 0;
	} else if (seconds > LAST_SECOND) {
		seconds = LAST_SECOND;
		fraction = US_PER_SECOND - 1;
	}
	print_second(seconds, ret_text);
	put_digits(ret_text + 20, 6, fraction);
}

static bool read_digits(struct reader *reader, int n_digits, int64_t *ret_value)
{
	if (reader->end - reader->at < n_digits) {
		return false;
	}
	int64_t value = 0;
	for (int i = 0; i < n_digits; i++) {
		char digit = *reader->at++;
		if (digit < '0' || digit > '9') {
			return false;
		}
		value = value * 10 + (digit - '0');
	}
	*ret_value = value;
	return true;
}

/* Takes one byte that is one of those. */
static bool read_one_of(struct reader *reader, const char *bytes)
{
	for (; reader->at != reader->end && *bytes != '\0'; bytes++) {
		if (*reader->at == *bytes) {
			reader->at++;
			return true;
		}
	}
	return false;
}

/* Two numbers of two digits with a colon between them. */
static bool read_clock(struct reader *reader, int64_t *ret_hours, int64_t *ret_minutes)
{
	return read_digits(reader, 2, ret_hours) && read_one_of(reader, ":") &&
	        read_digits(reader, 2, ret_minutes) && *ret_hours < 24 && *ret_minutes < 60;
}

static bool read_date(struct reader *reader, int64_t *ret_days)
{
	int64_t year;
	int64_t month;
	int64_t day;
	if (!read_digits(reader, 4, &year) || !read_one_of(reader, "-") ||
	        !read_digits(reader, 2, &month) || !read_one_of(reader, "-") ||
	        !read_digits(reader, 2, &day)) {
		return false;
	}
	if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
		return false;
	}
	*ret_days = days_of(year, month, day);
	return true;
}

static bool read_fraction(struct reader *reader, int64_t *ret_us)
{
	int64_t us = 0;
	int64_t unit = US_PER_SECOND / 10;
	int64_t digit;
	if (!read_digits(reader, 1, &digit)) {
		return false;
	}
	for (;;) {
		us += digit * unit;
		unit /= 10;
		if (reader->at == reader->end || *reader->at < '0' || *reader->at > '9') {
			break;
		}
		digit = *reader->at++ - '0';
	}
	*ret_us = us;
	return true;
}

/* "Z" or "+02:00"; seconds east of Greenwich. */
static bool read_zone(struct reader *reader, int64_t *ret_seconds)
{
	*ret_seconds = 0;
	if (read_one_of(reader, "Zz")) {
		return true;
	}
	int64_t sign = reader->at != reader->end && *reader->at == '-' ? -1 : 1;
	int64_t hours;
	int64_t minutes;
	if (!read_one_of(reader, "+-") || !read_clock(reader, &hours, &minutes)) {
		return false;
	}
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

/* Date and time of day, less the zone; a leap second is the one before it. */
static bool read_date_and_clock(struct reader *reader, int64_t *ret_seconds)
{
	int64_t days;
	int64_t hours;
	int64_t minutes;
	int64_t seconds;
	if (!read_date(reader, &days) || !read_one_of(reader, "Tt ") ||
	        !read_clock(reader, &hours, &minutes) || !read_one_of(reader, ":") ||
	        !read_digits(reader, 2, &seconds) || seconds > 60) {
		return false;
	}
	seconds = seconds == 60 ? 59 : seconds;
	*ret_seconds = seconds + days * SECONDS_PER_DAY + hours * 3600 + minutes * 60;
	return true;
}

/* All that are taken are of one length, so that the last one's bytes tell whether it is here again.
 */
static bool read_second(struct reader *reader, int64_t *ret_seconds)
{
	static _Thread_local char last[] = "1970-01-01T00:00:00";
	static _Thread_local int64_t last_seconds;
	const size_t size = sizeof(last) - 1;
	const char *start = reader->at;
	if ((size_t)(reader->end - start) >= size && memcmp(start, last, size) == 0) {
		reader->at += size;
		*ret_seconds = last_seconds;
		return true;
	}
	if (!read_date_and_clock(reader, ret_seconds)) {
		return false;
	}
	memcpy(last, start, size);
	last_seconds = *ret_seconds;
	return true;
}

bool rfc3339_parse(const char *text, size_t size, int64_t *ret_time_us)
{
	struct reader reader = { .at = text, .end = text + size };
	int64_t seconds;
	int64_t us = 0;
	int64_t east;
	if (!read_second(&reader, &seconds)) {
		return false;
	}
	if (read_one_of(&reader, ".") && !read_fraction(&reader, &us)) {
		return false;
	}
	if (!read_zone(&reader, &east) || reader.at != reader.end) {
		return false;
	}
	*ret_time_us = (seconds - east) * US_PER_SECOND + us;
	return true;
}
