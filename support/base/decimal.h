/* SPDX-License-Identifier: MIT */
/* Whole numbers as decimal text, for paths where a printf would cost more than all the rest. */
#ifndef SUPPORT_BASE_DECIMAL_H
#define SUPPORT_BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DECIMAL_SIZE 24 /* bytes of the longest, with sign and NUL */

/* Returns the length without the NUL. */
static inline size_t decimal_print_unsigned(char ret_text[DECIMAL_SIZE], uint64_t value)
{
	char reversed[DECIMAL_SIZE];
	size_t place = sizeof(reversed);
	do {
		reversed[--place] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	size_t size = sizeof(reversed) - place;
	memcpy(ret_text, reversed + place, size);
	ret_text[size] = '\0';
	return size;
}

static inline size_t decimal_print(char ret_text[DECIMAL_SIZE], int64_t value)
{
	if (value >= 0) {
		return decimal_print_unsigned(ret_text, (uint64_t)value);
	}
	char digits[DECIMAL_SIZE];
	size_t size = decimal_print_unsigned(digits, 0 - (uint64_t)value);
	ret_text[0] = '-';
	memcpy(ret_text + 1, digits, size + 1);
	return size + 1;
}

#endif
