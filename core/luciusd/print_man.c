/* SPDX-License-Identifier: MIT */
/* Prints lucius.conf(5): the head is text, the options are the tables of core and plugins. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/option_known.h"
#include "core/option_names.h"
#include "core/option_rows.h"
#include "core/option_value.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

static const char head[] =
        ".\\\" Generated from the option tables.\n"
        ".Dd November 24, 2026\n"
        ".Dt LUCIUS.CONF 5\n"
        ".Os\n"
        ".Sh NAME\n"
        ".Nm lucius.conf\n"
        ".Nd options of luciusd\n"
        ".Sh DESCRIPTION\n"
        "The file that\n"
        ".Xr luciusd 8\n"
        "reads is of the form of libconfig: settings and groups of them, each ended by a "
        "semicolon,\n"
        "comments behind a\n"
        ".Ql # .\n"
        "An option that nobody knows, or a value that it does not take, stops the start with the "
        "file\n"
        "and the line.\n"
        ".Pp\n"
        "Every option below has a flag, a variable, a name in the file and a key of a "
        "configuration\n"
        "source.\n"
        "The first of these that gives it counts: command line, environment, configuration "
        "source,\n"
        "file, default.\n"
        "A variable that is empty counts as not set.\n"
        "What is marked\n"
        ".Em live\n"
        "is taken up on\n"
        ".Dv SIGHUP ,\n"
        "the rest by a restart.\n"
        "What is marked\n"
        ".Em secret\n"
        "is masked wherever options are shown, and may be given as a file that holds it:\n"
        ".Ev NAME_FILE .\n"
        ".Sh OPTIONS\n"
        ".Bl -tag -width Ds\n";

static const char tail[] = ".El\n"
                           ".Sh EXAMPLES\n"
                           ".Bd -literal -offset indent\n"
                           "storage_backend = \"sqlite\";\n"
                           "max_attempts = 5;\n"
                           "bus = {\n"
                           "\tlisten = \"off\";\n"
                           "};\n"
                           ".Ed\n"
                           ".Sh SEE ALSO\n"
                           ".Xr lucius-plugin 7 ,\n"
                           ".Xr luciusd 8\n";

/* What roff would take for its own is escaped. */
static void print_text(const char *text)
{
	if (text[0] == '.' || text[0] == '\'') {
		fputs("\\&", stdout);
	}
	for (const char *p = text; *p != '\0'; p++) {
		fputs(*p == '\\' ? "\\e" : (char[]){ *p, '\0' }, stdout);
	}
	fputc('\n', stdout);
}

/* As the argument of a macro: in quotes. */
static void print_argument(const char *macro, const char *text)
{
	printf(".%s \"", macro);
	for (const char *p = text; *p != '\0'; p++) {
		fputs(*p == '"' ? "\"\"" : *p == '\\' ? "\\e" : (char[]){ *p, '\0' }, stdout);
	}
	puts("\"");
}

static void print_row(const struct option_known *known)
{
	const struct lucius_option *row = &known->row;
	struct option_names names;
	char accepted[256];
	option_names_of(row, &names);
	option_value_describe(row, accepted, sizeof(accepted));
	print_argument("It Ev", names.env);
	print_text(row->summary);
	puts(".br");
	printf("Takes %s.\n", accepted);
	if (row->default_value != NULL && row->default_value[0] != '\0') {
		puts("Default:");
		print_argument("Ql", row->default_value);
	}
	puts(".br");
	printf("%s, %s in the file, key %s; of %s%s%s%s.\n", names.flag, names.path, names.key,
	        known->plugin, (row->flags & LUCIUS_OPTION_LIVE) != 0 ? "; live" : "",
	        (row->flags & LUCIUS_OPTION_SECRET) != 0 ? "; secret" : "",
	        (row->flags & LUCIUS_OPTION_REQUIRED) != 0 ? "; required" : "");
}

/* Rows of one name may be in several plugins. */
static bool is_first(const struct option_known *rows, size_t place)
{
	for (size_t i = 0; i < place; i++) {
		if (strcmp(rows[i].row.name, rows[place].row.name) == 0) {
			return false;
		}
	}
	return true;
}

int main(void)
{
	size_t n = 0;
	CLEANUP_FREE struct option_known *rows =
	        must_calloc(n_option_rows + n_option_known_rows, sizeof(*rows));
	for (uint32_t i = 0; i < n_option_rows; i++) {
		rows[n++] = (struct option_known){ "core", option_rows[i] };
	}
	for (size_t i = 0; i < n_option_known_rows; i++) {
		rows[n++] = option_known_rows[i];
	}
	fputs(head, stdout);
	for (size_t i = 0; i < n; i++) {
		if (is_first(rows, i)) {
			print_row(&rows[i]);
		}
	}
	fputs(tail, stdout);
	return ferror(stdout) != 0 ? 1 : 0;
}
