/* SPDX-License-Identifier: MIT */
/* The text of the current second is kept: most calls differ in the fraction only. */
#include "core/timestamp.h"

#include <string.h>
#include <time.h>

#define US_PER_SECOND INT64_C(1000000)

static void put_digits(char *place, unsigned value, unsigned n_digits)
{
	while (n_digits-- > 0) {
		place[n_digits] = (char)('0' + value % 10);
		value /= 10;
	}
}

void timestamp_format(int64_t unix_us, char ret_text[TIMESTAMP_SIZE])
{
	static int64_t cached_second = INT64_MIN;
	static char cached_text[] = "0000-00-00T00:00:00.000000Z";
	int64_t second = unix_us / US_PER_SECOND;
	int64_t fraction = unix_us % US_PER_SECOND;
	if (fraction < 0) {
		fraction += US_PER_SECOND;
		second--;
	}
	if (second != cached_second) {
		struct tm parts;
		time_t when = (time_t)second;
		gmtime_r(&when, &parts);
		put_digits(cached_text, (unsigned)parts.tm_year + 1900, 4);
		put_digits(cached_text + 5, (unsigned)parts.tm_mon + 1, 2);
		put_digits(cached_text + 8, (unsigned)parts.tm_mday, 2);
		put_digits(cached_text + 11, (unsigned)parts.tm_hour, 2);
		put_digits(cached_text + 14, (unsigned)parts.tm_min, 2);
		put_digits(cached_text + 17, (unsigned)parts.tm_sec, 2);
		cached_second = second;
	}
	memcpy(ret_text, cached_text, TIMESTAMP_SIZE);
	put_digits(ret_text + 20, (unsigned)fraction, 6);
}

/* Reads exactly n digits. */
static bool take_digits(const char **at, const char *end, unsigned n_digits, int *ret_value)
{
	int value = 0;
	for (unsigned i = 0; i < n_digits; i++) {
		if (*at == end || **at < '0' || **at > '9') {
			return false;
		}
		value = value * 10 + (**at - '0');
		(*at)++;
	}
	*ret_value = value;
	return true;
}

static bool take_char(const char **at, const char *end, const char *accepted)
{
	if (*at == end || **at == '\0' || strchr(accepted, **at) == NULL) {
		return false;
	}
	(*at)++;
	return true;
}

static bool take_fraction(const char **at, const char *end, int64_t *ret_us)
{
	*ret_us = 0;
	if (*at == end || **at != '.') {
		return true;
	}
	(*at)++;
	int64_t scale = US_PER_SECOND / 10;
	const char *start = *at;
	while (*at < end && **at >= '0' && **at <= '9') {
		*ret_us += (**at - '0') * scale;
		scale /= 10;
		(*at)++;
	}
	return *at > start;
}

static bool take_offset(const char **at, const char *end, int *ret_seconds)
{
	*ret_seconds = 0;
	if (take_char(at, end, "Zz")) {
		return true;
	}
	int sign = *at < end && **at == '-' ? -1 : 1;
	int hours;
	int minutes;
	if (!take_char(at, end, "+-") || !take_digits(at, end, 2, &hours) ||
	        !take_char(at, end, ":") || !take_digits(at, end, 2, &minutes) || hours > 23 ||
	        minutes > 59) {
		return false;
	}
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool take_date(const char **at, const char *end, struct tm *parts)
{
	if (!take_digits(at, end, 4, &parts->tm_year) || !take_char(at, end, "-") ||
	        !take_digits(at, end, 2, &parts->tm_mon) || !take_char(at, end, "-") ||
	        !take_digits(at, end, 2, &parts->tm_mday)) {
		return false;
	}
	parts->tm_year -= 1900;
	parts->tm_mon -= 1;
	return parts->tm_mon >= 0 && parts->tm_mon <= 11 && parts->tm_mday >= 1 &&
	        parts->tm_mday <= 31;
}

static bool take_time(const char **at, const char *end, struct tm *parts)
{
	return take_digits(at, end, 2, &parts->tm_hour) && take_char(at, end, ":") &&
	        take_digits(at, end, 2, &parts->tm_min) && take_char(at, end, ":") &&
	        take_digits(at, end, 2, &parts->tm_sec) && parts->tm_hour <= 23 &&
	        parts->tm_min <= 59 && parts->tm_sec <= 60;
}

bool timestamp_parse(const char *text, size_t size, int64_t *ret_unix_us)
{
	struct tm parts = { 0 };
	const char *end = text + size;
	int64_t fraction_us;
	int offset;
	if (!take_date(&text, end, &parts) || !take_char(&text, end, "Tt ") ||
	        !take_time(&text, end, &parts) || !take_fraction(&text, end, &fraction_us) ||
	        !take_offset(&text, end, &offset) || text != end) {
		return false;
	}
	*ret_unix_us = ((int64_t)timegm(&parts) - offset) * US_PER_SECOND + fraction_us;
	return true;
}
