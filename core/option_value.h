/* SPDX-License-Identifier: MIT */
/* One value of one option row: from text, checked, into the member of the option struct. */
#ifndef CORE_OPTION_VALUE_H
#define CORE_OPTION_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lucius/plugin.h>

struct option_value {
	const char *text; /* TEXT, CHOICE: borrowed from what was parsed; NULL: not set */
	int64_t integer; /* INTEGER, BOOLEAN */
};

/* Row number `place` of a plugin's rows, as far as both sides know it; zero beyond. */
struct lucius_option option_row_at(const struct lucius_plugin *plugin, uint32_t place);

/* Text NULL: not set. False: accepted says what is ("a whole number of seconds from 1 to 60"). */
bool option_value_parse(const struct lucius_option *row, const char *text,
        struct option_value *ret_value, char *accepted, size_t accepted_size);
/* "a whole number of seconds from 1 to 60". */
void option_value_describe(const struct lucius_option *row, char *text, size_t text_size);
/* Writes the member; a text is stored as the pointer that it is. */
void option_value_store(
        const struct lucius_option *row, const struct option_value *value, void *options);

/* NULL where the row is sound, else what is wrong with it. Options_size: of the struct it fills. */
const char *option_row_fault(const struct lucius_option *row, uint64_t options_size);

/* The plugin's option struct with all defaults; owned by the caller (one piece). NULL: a sentence
 * (an option is required). */
void *option_defaults(const struct lucius_plugin *plugin, char *error, size_t error_size);

#endif
