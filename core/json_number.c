/* SPDX-License-Identifier: MIT */
/*
 * Doubles in three ways, the fastest first: few decimals by exact arithmetic, then the C library at
 * 15, 16 and 17 digits, then (where doubles are sparse) at every count of digits from 1 on.
 */
#include "core/json_number.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/decimal.h"

/* 0.d1d2d3... times ten to the power of point. */
struct decimal {
	char digits[DECIMAL_SIZE];
	size_t n_digits;
	int point;
};

size_t json_number_int(char ret_text[JSON_NUMBER_SIZE], int64_t value)
{
	return decimal_print(ret_text, value);
}

static void drop_zeros(struct decimal *decimal)
{
	while (decimal->n_digits > 1 && decimal->digits[decimal->n_digits - 1] == '0') {
		decimal->n_digits--;
	}
}

/*
 * A whole number below 10^15 divided by a power of ten up to 10^22 is rounded once, so it is what
 * its decimal text reads as; and no shorter text exists, as 15 digits tell all decimals apart.
 */
static bool convert_short(double value, struct decimal *ret_decimal)
{
	double scale = 1;
	for (int decimals = 0; decimals <= 6; decimals++) {
		double scaled = value * scale;
		if (scaled >= 1e15) {
			return false;
		}
		double whole = nearbyint(scaled);
		if (whole > 0 && whole / scale == value) {
			ret_decimal->n_digits =
			        decimal_print_unsigned(ret_decimal->digits, (uint64_t)whole);
			ret_decimal->point = (int)ret_decimal->n_digits - decimals;
			drop_zeros(ret_decimal);
			return true;
		}
		scale *= 10;
	}
	return false;
}

/* The next decimal above, of the same count of digits; false if all are nines. */
static bool step_up(char *text)
{
	for (char *at = strchr(text, 'e') - 1; at >= text; at--) {
		if (*at != '.' && *at != '9') {
			++*at;
			return true;
		}
		*at = (char)(*at == '9' ? '0' : *at);
	}
	return false;
}

/*
 * Prints at that many digits; true if the text reads back. Below a power of two doubles lie twice
 * as dense as above it: there the nearest decimal may miss where the next one above hits.
 */
static bool print_digits(char *text, size_t size, int n_digits, double value)
{
	(void)snprintf(text, size, "%.*e", n_digits - 1, value);
	if (strtod(text, NULL) == value) {
		return true;
	}
	int exponent = 0;
	return frexp(value, &exponent) == 0.5 && step_up(text) && strtod(text, NULL) == value;
}

static void convert_long(double value, struct decimal *ret_decimal)
{
	char text[40];
	int n_digits = value < DBL_MIN ? 1 : DBL_DIG;
	while (!print_digits(text, sizeof(text), n_digits, value) && n_digits < DBL_DECIMAL_DIG) {
		n_digits++;
	}
	ret_decimal->digits[0] = text[0];
	memcpy(ret_decimal->digits + 1, text + 2, n_digits > 1 ? (size_t)n_digits - 1 : 0);
	ret_decimal->n_digits = (size_t)n_digits;
	ret_decimal->point = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
	drop_zeros(ret_decimal);
}

/* d.ddde-07 */
static size_t put_exponent_form(char *out, const struct decimal *decimal)
{
	size_t size = 0;
	out[size++] = decimal->digits[0];
	if (decimal->n_digits > 1) {
		out[size++] = '.';
		memcpy(out + size, decimal->digits + 1, decimal->n_digits - 1);
		size += decimal->n_digits - 1;
	}
	int exponent = decimal->point - 1;
	out[size++] = 'e';
	out[size++] = exponent < 0 ? '-' : '+';
	if (abs(exponent) < 10) {
		out[size++] = '0';
	}
	return size + decimal_print_unsigned(out + size, (uint64_t)abs(exponent));
}

/* 0.000ddd, ddd.ddd or ddd000.0 */
static size_t put_plain_form(char *out, const struct decimal *decimal)
{
	size_t size = 0;
	int n_digits = (int)decimal->n_digits;
	int first = decimal->point < 1 ? decimal->point - 1 : 0;
	int last = n_digits > decimal->point ? n_digits : decimal->point + 1;
	for (int i = first; i < last; i++) {
		if (i == decimal->point) {
			out[size++] = '.';
		}
		out[size++] = (char)(i < 0 || i >= n_digits ? '0' : decimal->digits[i]);
	}
	return size;
}

size_t json_number_real(char ret_text[JSON_NUMBER_SIZE], double value)
{
	size_t sign = signbit(value) ? 1 : 0;
	struct decimal decimal = { .digits = "0", .n_digits = 1, .point = 1 };
	double magnitude = fabs(value);
	if (magnitude != 0 && !convert_short(magnitude, &decimal)) {
		convert_long(magnitude, &decimal);
	}
	ret_text[0] = '-';
	bool is_plain = decimal.point > -4 && decimal.point <= 16;
	size_t size = sign +
	        (is_plain ? put_plain_form(ret_text + sign, &decimal)
	                  : put_exponent_form(ret_text + sign, &decimal));
	ret_text[size] = '\0';
	return size;
}
