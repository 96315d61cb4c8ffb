/* SPDX-License-Identifier: MIT */
/* Parsing by type, with least and most and choices; and the checks of rows that plugins bring. */
#include "core/option_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/copy.h"
#include "support/base/memory.h"

struct lucius_option option_row_at(const struct lucius_plugin *plugin, uint32_t place)
{
	struct lucius_option row;
	const char *rows = (const char *)plugin->options;
	copy_into(
	        &row, sizeof(row), rows + (size_t)place * plugin->option_size, plugin->option_size);
	return row;
}

static bool is_choice(const char *choices, const char *text)
{
	size_t size = strlen(text);
	for (const char *from = choices; from != NULL && *from != '\0';) {
		size_t n = strcspn(from, "|");
		if (n == size && memcmp(from, text, n) == 0) {
			return true;
		}
		from += n + (from[n] == '|' ? 1 : 0);
	}
	return false;
}

static bool parse_boolean(const char *text, int64_t *ret_value)
{
	static const char *const words[][2] = { { "false", "true" }, { "0", "1" }, { "no", "yes" },
		{ "off", "on" } };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (int value = 0; value < 2; value++) {
			if (strcasecmp(words[i][value], text) == 0) {
				*ret_value = value;
				return true;
			}
		}
	}
	return false;
}

static bool parse_integer(const struct lucius_option *row, const char *text, int64_t *ret_value)
{
	char *end = NULL;
	const char *digits = text + (*text == '-' ? 1 : 0);
	if (*digits < '0' || *digits > '9') {
		return false;
	}
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || value < row->min || value > row->max) {
		return false;
	}
	*ret_value = value;
	return true;
}

static bool parse(const struct lucius_option *row, const char *text, struct option_value *value)
{
	switch (row->type) {
	case LUCIUS_OPTION_INTEGER:
		return parse_integer(row, text, &value->integer);
	case LUCIUS_OPTION_BOOLEAN:
		return parse_boolean(text, &value->integer);
	case LUCIUS_OPTION_CHOICE:
		value->text = text;
		return is_choice(row->choices, text);
	default:
		value->text = text;
		return true;
	}
}

bool option_value_parse(const struct lucius_option *row, const char *text,
        struct option_value *ret_value, char *accepted, size_t accepted_size)
{
	struct option_value value = { 0 };
	if (text != NULL && !parse(row, text, &value)) {
		option_value_describe(row, accepted, accepted_size);
		return false;
	}
	*ret_value = value;
	return true;
}

static void describe_integer(const struct lucius_option *row, char *text, size_t text_size)
{
	char range[64] = "";
	if (row->max == INT64_MAX && row->min != INT64_MIN) {
		(void)snprintf(range, sizeof(range), ", %" PRId64 " or more", row->min);
	} else if (row->max != INT64_MAX) {
		(void)snprintf(
		        range, sizeof(range), " from %" PRId64 " to %" PRId64, row->min, row->max);
	}
	(void)snprintf(text, text_size, "a whole number%s%s%s", row->unit != NULL ? " of " : "",
	        row->unit != NULL ? row->unit : "", range);
}

void option_value_describe(const struct lucius_option *row, char *text, size_t text_size)
{
	switch (row->type) {
	case LUCIUS_OPTION_INTEGER:
		describe_integer(row, text, text_size);
		break;
	case LUCIUS_OPTION_BOOLEAN:
		(void)snprintf(text, text_size, "true or false (1/0, yes/no, on/off)");
		break;
	case LUCIUS_OPTION_CHOICE:
		(void)snprintf(text, text_size, "one of %s", row->choices);
		break;
	default:
		(void)snprintf(text, text_size, "a text");
		break;
	}
}

void option_value_store(
        const struct lucius_option *row, const struct option_value *value, void *options)
{
	char *member = (char *)options + row->offset;
	uint32_t boolean = (uint32_t)value->integer;
	switch (row->type) {
	case LUCIUS_OPTION_INTEGER:
		memcpy(member, &value->integer, sizeof(value->integer));
		break;
	case LUCIUS_OPTION_BOOLEAN:
		memcpy(member, &boolean, sizeof(boolean));
		break;
	default:
		memcpy(member, &value->text, sizeof(value->text));
		break;
	}
}

static bool is_name(const char *name)
{
	size_t size = name != NULL ? strlen(name) : 0;
	return size != 0 && size <= 64 && name[0] >= 'a' && name[0] <= 'z' &&
	        name[size - 1] != '-' &&
	        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}

static uint32_t size_of_type(uint32_t type)
{
	switch (type) {
	case LUCIUS_OPTION_TEXT:
	case LUCIUS_OPTION_CHOICE:
		return sizeof(const char *);
	case LUCIUS_OPTION_INTEGER:
		return sizeof(int64_t);
	case LUCIUS_OPTION_BOOLEAN:
		return sizeof(uint32_t);
	default:
		return 0;
	}
}

const char *option_row_fault(const struct lucius_option *row, uint64_t options_size)
{
	struct option_value value;
	char accepted[128];
	if (!is_name(row->name)) {
		return "its name is not lower-case letters, digits and hyphens";
	}
	if (row->summary == NULL) {
		return "it has no summary";
	}
	if (size_of_type(row->type) == 0) {
		return "its type is not known";
	}
	if (row->member_size != size_of_type(row->type)) {
		return "its member is not of the size of its type";
	}
	if ((uint64_t)row->offset + row->member_size > options_size) {
		return "its member lies outside of the option struct";
	}
	if (row->type == LUCIUS_OPTION_CHOICE && (row->choices == NULL || *row->choices == '\0')) {
		return "it has no choices";
	}
	if (row->type == LUCIUS_OPTION_INTEGER && row->min > row->max) {
		return "its least value is above its largest";
	}
	if ((row->flags & LUCIUS_OPTION_SECRET) != 0 && row->type != LUCIUS_OPTION_TEXT) {
		return "it is a secret and not a text";
	}
	if (row->default_value == NULL && row->type != LUCIUS_OPTION_TEXT &&
	        row->type != LUCIUS_OPTION_CHOICE && (row->flags & LUCIUS_OPTION_REQUIRED) == 0) {
		return "it is a number without a default";
	}
	if (!option_value_parse(row, row->default_value, &value, accepted, sizeof(accepted))) {
		return "its default is not a value that it takes";
	}
	return NULL;
}

void *option_defaults(const struct lucius_plugin *plugin, char *error, size_t error_size)
{
	char *options = must_calloc(1, plugin->options_size);
	for (uint32_t i = 0; i < plugin->n_options; i++) {
		const struct lucius_option row = option_row_at(plugin, i);
		struct option_value value;
		char accepted[128];
		if (row.default_value == NULL && (row.flags & LUCIUS_OPTION_REQUIRED) != 0) {
			(void)snprintf(error, error_size, "'%s' needs the option '%s'",
			        plugin->prefix.name, row.name);
			free(options);
			return NULL;
		}
		if (option_value_parse(
		            &row, row.default_value, &value, accepted, sizeof(accepted))) {
			option_value_store(&row, &value, options);
		}
	}
	return options;
}
