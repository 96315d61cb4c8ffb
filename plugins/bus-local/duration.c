/* SPDX-License-Identifier: MIT */
/* A number and a letter at a time; the letters come in one order. */
#include "plugins/bus-local/duration.h"

#include <stddef.h>

struct unit {
	char letter;
	bool is_time; /* stands behind the T */
	int64_t ms;
};

static const struct unit units[] = {
	{ 'W', false, 7 * 86400000 },
	{ 'D', false, 86400000 },
	{ 'H', true, 3600000 },
	{ 'M', true, 60000 },
	{ 'S', true, 1000 },
};
#define N_UNITS (sizeof(units) / sizeof(units[0]))

struct quantity {
	int64_t whole;
	int64_t thousandths;
	bool has_fraction;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool read_quantity(const char **at, struct quantity *quantity)
{
	*quantity = (struct quantity){ 0 };
	if (!is_digit(**at)) {
		return false;
	}
	for (; is_digit(**at); (*at)++) {
		if (quantity->whole < DURATION_MAX_MS / 10) {
			quantity->whole = quantity->whole * 10 + (**at - '0');
		}
	}
	if (**at != '.' && **at != ',') {
		return true;
	}
	(*at)++;
	quantity->has_fraction = true;
	int64_t weight = 100;
	for (; is_digit(**at); (*at)++, weight /= 10) {
		quantity->thousandths += (**at - '0') * weight;
	}
	return true;
}

/* The unit of that letter, from this one on; N_UNITS: none. */
static size_t find_unit(size_t from, char letter, bool is_time)
{
	while (from < N_UNITS && (units[from].letter != letter || units[from].is_time != is_time)) {
		from++;
	}
	return from;
}

static int64_t add(int64_t sum_ms, const struct quantity *quantity, int64_t unit_ms)
{
	int64_t whole = quantity->whole < DURATION_MAX_MS / unit_ms ? quantity->whole * unit_ms
	                                                            : DURATION_MAX_MS;
	sum_ms += whole + quantity->thousandths * (unit_ms / 1000);
	return sum_ms < DURATION_MAX_MS ? sum_ms : DURATION_MAX_MS;
}

bool duration_parse(const char *text, int64_t *ret_ms)
{
	bool is_time = false;
	bool is_any = false;
	int64_t sum_ms = 0;
	size_t unit = 0;
	if (*text++ != 'P') {
		return false;
	}
	while (*text != '\0') {
		struct quantity quantity;
		if (*text == 'T' && !is_time) {
			is_time = true;
			is_any = false;
			text++;
		}
		if (!read_quantity(&text, &quantity)) {
			return false;
		}
		unit = find_unit(unit, *text, is_time);
		if (unit == N_UNITS || (quantity.has_fraction && units[unit].letter != 'S')) {
			return false;
		}
		sum_ms = add(sum_ms, &quantity, units[unit].ms);
		is_any = true;
		unit++;
		text++;
	}
	*ret_ms = sum_ms;
	return is_any;
}
