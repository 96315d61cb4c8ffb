/* SPDX-License-Identifier: MIT */
/* An integer meets a double by its whole part first, so that nothing above 2^53 is lost. */
#include "core/json_equal.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/json_kind.h"

static const double two_to_63 = 9223372036854775808.0;

static int compare_integers(int64_t left, int64_t right)
{
	return (left > right) - (left < right);
}

static int compare_reals(double left, double right)
{
	return (left > right) - (left < right);
}

static int compare_integer_real(int64_t left, double right)
{
	if (right >= two_to_63) {
		return -1;
	}
	if (right < -two_to_63) {
		return 1;
	}
	double whole = trunc(right);
	int order = compare_integers(left, (int64_t)whole);
	return order != 0 ? order : compare_reals(whole, right);
}

int json_number_compare(const json_t *left, const json_t *right)
{
	if (json_kind_is(left, JSON_INTEGER) && json_kind_is(right, JSON_INTEGER)) {
		return compare_integers(json_integer_value(left), json_integer_value(right));
	}
	if (json_kind_is(left, JSON_INTEGER)) {
		return compare_integer_real(json_integer_value(left), json_real_value(right));
	}
	if (json_kind_is(right, JSON_INTEGER)) {
		return -compare_integer_real(json_integer_value(right), json_real_value(left));
	}
	return compare_reals(json_real_value(left), json_real_value(right));
}

bool json_number_is_whole(const json_t *value)
{
	return json_kind_is(value, JSON_INTEGER) ||
	        (json_kind_is(value, JSON_REAL) &&
	                trunc(json_real_value(value)) == json_real_value(value));
}

bool json_number_count(const json_t *value, size_t *ret_count)
{
	double real = json_number_value(value);
	if (!json_number_is_whole(value) || real < 0 || real > 9007199254740992.0) {
		return false;
	}
	*ret_count = (size_t)real;
	return true;
}

static bool objects_are_equal(json_t *left, json_t *right)
{
	if (json_object_size(left) != json_object_size(right)) {
		return false;
	}
	const char *name;
	size_t name_size;
	json_t *value;
	json_object_keylen_foreach(left, name, name_size, value)
	{
		json_t *other = json_object_getn(right, name, name_size);
		if (other == NULL || !json_values_are_equal(value, other)) {
			return false;
		}
	}
	return true;
}

static bool arrays_are_equal(const json_t *left, const json_t *right)
{
	if (json_array_size(left) != json_array_size(right)) {
		return false;
	}
	for (size_t i = 0; i < json_array_size(left); i++) {
		if (!json_values_are_equal(json_array_get(left, i), json_array_get(right, i))) {
			return false;
		}
	}
	return true;
}

bool json_values_are_equal(const json_t *left, const json_t *right)
{
	if (json_kind_is_number(left) && json_kind_is_number(right)) {
		return json_number_compare(left, right) == 0;
	}
	if (json_typeof(left) != json_typeof(right)) {
		return false;
	}
	switch (json_typeof(left)) {
	case JSON_OBJECT:
		return objects_are_equal((json_t *)left, (json_t *)right);
	case JSON_ARRAY:
		return arrays_are_equal(left, right);
	case JSON_STRING:
		return json_string_length(left) == json_string_length(right) &&
		        memcmp(json_string_value(left), json_string_value(right),
		                json_string_length(left)) == 0;
	case JSON_INTEGER:
	case JSON_REAL:
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		return true;
	}
	return false;
}
