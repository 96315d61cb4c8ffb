/* SPDX-License-Identifier: MIT */
/* Numbers and values as JSON Schema compares them: 1 is 1.0, and no integer is rounded. */
#ifndef CORE_JSON_EQUAL_H
#define CORE_JSON_EQUAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Below, equal or above zero as the left number is less than, equal to or greater than the right.
 */
int json_number_compare(const json_t *left, const json_t *right);

/* True for an integer, and for a real without a fraction. */
bool json_number_is_whole(const json_t *value);

/* True with the count if the value is a whole number from 0 to 2^53. */
bool json_number_count(const json_t *value, size_t *ret_count);

/* Deep equality; the order of members does not matter. */
bool json_values_are_equal(const json_t *left, const json_t *right);

#endif
