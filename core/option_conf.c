/* SPDX-License-Identifier: MIT */
/* Prints a configuration file of rows, group by group: libconfig takes each group once only. */
#include <string.h>

#include "core/option_print.h"
#include "core/option_value.h"

enum { COLUMNS = 92 };

static void print_comment(FILE *output, const char *indent, const char *text)
{
	while (*text != '\0') {
		size_t size = strlen(text);
		if (size > COLUMNS) {
			size = COLUMNS;
			while (size > 1 && text[size] != ' ') {
				size--;
			}
		}
		fprintf(output, "%s# %.*s\n", indent, (int)size, text);
		text += size;
		text += *text == ' ' ? 1 : 0;
	}
}

static void print_value(FILE *output, const struct lucius_option *row)
{
	bool is_text = row->type == LUCIUS_OPTION_TEXT || row->type == LUCIUS_OPTION_CHOICE;
	const char *value = row->default_value != NULL ? row->default_value : "";
	if (!is_text) {
		fprintf(output, "%s", value);
		return;
	}
	fputc('"', output);
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\') {
			fputc('\\', output);
		}
		fputc(*p, output);
	}
	fputc('"', output);
}

/* The owners of a name, comma list: rows of one name may be in several plugins. */
static void print_owners(
        FILE *output, const struct option_known *rows, size_t n_rows, const char *name)
{
	const char *comma = "";
	for (size_t i = 0; i < n_rows; i++) {
		if (strcmp(rows[i].row.name, name) == 0) {
			fprintf(output, "%s%s", comma, rows[i].plugin);
			comma = ", ";
		}
	}
}

static void print_row(const struct option_known *rows, size_t n_rows, size_t place,
        const char *indent, FILE *output)
{
	const struct lucius_option *row = &rows[place].row;
	struct option_names names;
	char accepted[256];
	option_names_of(row, &names);
	option_value_describe(row, accepted, sizeof(accepted));
	const char *name = strchr(names.path, '.');
	name = name != NULL ? name + 1 : names.path;
	fputc('\n', output);
	print_comment(output, indent, row->summary);
	fprintf(output, "%s# %s; takes %s; of ", indent, names.env, accepted);
	print_owners(output, rows, n_rows, row->name);
	fprintf(output, "%s\n", (row->flags & LUCIUS_OPTION_LIVE) != 0 ? "; live" : "");
	fprintf(output, "%s#%s = ", indent, name);
	print_value(output, row);
	fputs(";\n", output);
}

static bool is_first(const struct option_known *rows, size_t place)
{
	for (size_t i = 0; i < place; i++) {
		if (strcmp(rows[i].row.name, rows[place].row.name) == 0) {
			return false;
		}
	}
	return true;
}

static bool is_in_group(const struct option_known *known, const char *group, size_t group_size)
{
	return option_group_size(known->row.name) == group_size &&
	        memcmp(known->row.name, group, group_size) == 0;
}

static bool is_group_first(const struct option_known *rows, size_t place, size_t group_size)
{
	for (size_t i = 0; i < place; i++) {
		if (is_in_group(&rows[i], rows[place].row.name, group_size)) {
			return false;
		}
	}
	return true;
}

static void print_group(const struct option_known *rows, size_t n_rows, size_t place, FILE *output)
{
	const char *group = rows[place].row.name;
	size_t group_size = option_group_size(group);
	fprintf(output, "\n%.*s = {", (int)group_size, group);
	for (size_t i = place; i < n_rows; i++) {
		if (is_in_group(&rows[i], group, group_size) && is_first(rows, i)) {
			print_row(rows, n_rows, i, "\t", output);
		}
	}
	fputs("};\n", output);
}

/* The file names itself, and what decides about files and sources cannot stand in it. */
static bool is_for_file(const struct option_known *known)
{
	return strcmp(known->row.name, "config") != 0;
}

void option_print_conf(const struct option_known *rows, size_t n_rows, FILE *output)
{
	fputs("# Configuration of luciusd, with every option at its default. Command line and\n"
	      "# environment come before this file, and so does a configuration source. Options\n"
	      "# marked live are taken up on SIGHUP, the others by a restart.\n",
	        output);
	for (size_t i = 0; i < n_rows; i++) {
		if (option_group_size(rows[i].row.name) == 0 && is_first(rows, i) &&
		        is_for_file(&rows[i])) {
			print_row(rows, n_rows, i, "", output);
		}
	}
	for (size_t i = 0; i < n_rows; i++) {
		size_t group_size = option_group_size(rows[i].row.name);
		if (group_size != 0 && is_group_first(rows, i, group_size)) {
			print_group(rows, n_rows, i, output);
		}
	}
}
