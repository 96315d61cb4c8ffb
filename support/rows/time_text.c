/* SPDX-License-Identifier: MIT */
/* Reads RFC 3339 times. */
#include "support/rows/time_text.h"

#include <string.h>

/* Reads exactly n digits and moves on; false if they are not there. */
static bool take_digits(struct lucius_text *rest, size_t n, int64_t *ret_number)
{
	if (rest->size < n) {
		return false;
	}
	int64_t number = 0;
	for (size_t i = 0; i < n; i++) {
		if (rest->data[i] < '0' || rest->data[i] > '9') {
			return false;
		}
		number = number * 10 + (rest->data[i] - '0');
	}
	rest->data += n;
	rest->size -= n;
	*ret_number = number;
	return true;
}

static bool take_char(struct lucius_text *rest, char expected)
{
	if (rest->size == 0 || (rest->data[0] | 0x20) != (expected | 0x20)) {
		return false;
	}
	rest->data++;
	rest->size--;
	return true;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar, counted in years that begin in March,
 * so that the leap day is the last of its year. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t from_march = month > 2 ? month - 3 : month + 9;
	int64_t years = month > 2 ? year : year - 1;
	int64_t of_year = (153 * from_march + 2) / 5 + day - 1;
	return years * 365 + years / 4 - years / 100 + years / 400 + of_year - 719468;
}

static int64_t take_fraction(struct lucius_text *rest)
{
	int64_t us = 0;
	int64_t worth = 100000;
	int64_t digit = 0;
	while (take_digits(rest, 1, &digit)) {
		us += digit * worth;
		worth /= 10;
	}
	return us;
}

static bool is_utc(struct lucius_text zone)
{
	return (zone.size == 1 && (zone.data[0] == 'Z' || zone.data[0] == 'z')) ||
	        (zone.size == 6 && memcmp(zone.data, "+00:00", 6) == 0);
}

bool time_text_read(struct lucius_text text, int64_t *ret_us)
{
	int64_t year, month, day, hour, minute, second;
	bool is_read = take_digits(&text, 4, &year) && take_char(&text, '-') &&
	        take_digits(&text, 2, &month) && take_char(&text, '-') &&
	        take_digits(&text, 2, &day) && take_char(&text, 'T') &&
	        take_digits(&text, 2, &hour) && take_char(&text, ':') &&
	        take_digits(&text, 2, &minute) && take_char(&text, ':') &&
	        take_digits(&text, 2, &second);
	if (!is_read || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
	        minute > 59 || second > 60) {
		return false;
	}
	int64_t us = take_char(&text, '.') ? take_fraction(&text) : 0;
	if (!is_utc(text)) {
		return false;
	}
	int64_t seconds = ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
	*ret_us = seconds * 1000000 + us;
	return true;
}
