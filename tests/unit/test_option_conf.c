/* SPDX-License-Identifier: MIT */
/* The configuration file of a table that is made up, and what is printed of rows and of options. */
#include <stdlib.h>

#include "core/option_print.h"
#include "core/option_value.h"
#include "support/base/memory.h"
#include "tests/support/suite.h"

static char *text; /* owned; what was printed */
static size_t text_size;

static FILE *begin(void)
{
	free(text);
	text = NULL;
	return memory_checked(open_memstream(&text, &text_size), 1, 1);
}

static const struct option_known rows[] = {
	{ "core", { .name = "role", .summary = "Roles.", .type = LUCIUS_OPTION_TEXT } },
	{ "core", { .name = "config", .summary = "This file.", .type = LUCIUS_OPTION_TEXT } },
	{ "core",
	        { .name = "http-listen",
	                .default_value = "say \"\\\"",
	                .summary = "Where it listens.",
	                .type = LUCIUS_OPTION_TEXT,
	                .flags = LUCIUS_OPTION_LIVE } },
	{ "storage-a", { .name = "role", .summary = "Roles again.", .type = LUCIUS_OPTION_TEXT } },
	{ "bus-b",
	        { .name = "http-mode",
	                .default_value = "x",
	                .summary = "A choice.",
	                .choices = "x|y",
	                .type = LUCIUS_OPTION_CHOICE } },
	{ "bus-b",
	        { .name = "temporal-tries",
	                .default_value = "3",
	                .summary =
	                        "A sentence that is longer than a line of the file may be, so that "
	                        "it goes on in the next one, where nothing of it is lost.",
	                .min = 1,
	                .max = 9,
	                .type = LUCIUS_OPTION_INTEGER } },
	{ "bus-c", { .name = "http-mode", .summary = "A choice.", .type = LUCIUS_OPTION_TEXT } },
	{ "bus-c",
	        { .name = "long-word",
	                .summary = "012345678901234567890123456789012345678901234567890123456789012"
	                           "3456"
	                           "7890123456789012345678901234567890123456789",
	                .type = LUCIUS_OPTION_TEXT } },
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static unsigned count(const char *part)
{
	unsigned n = 0;
	for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) {
		n++;
	}
	return n;
}

static void check_has(const char *part)
{
	if (count(part) != 1) {
		fprintf(stderr, "%u times '%s' in:\n%s\n", count(part), part, text);
	}
	CHECK_INT(count(part), 1);
}

static void every_option_stands_once_in_its_group_with_its_owners(void)
{
	FILE *output = begin();
	option_print_conf(rows, N_ROWS, output);
	fclose(output);
	check_has("\n#role = \"\";\n");
	check_has("LUCIUS_ROLE; takes a text; of core, storage-a\n");
	check_has("\nhttp = {\n\t# Where it listens.\n");
	check_has("\t#listen = \"say \\\"\\\\\\\"\";\n");
	check_has("LUCIUS_HTTP_LISTEN; takes a text; of core; live\n");
	check_has("\t#mode = \"x\";\n");
	check_has("takes one of x|y; of bus-b, bus-c\n");
	check_has("\ntemporal = {\n");
	check_has("\t#tries = 3;\n");
	CHECK_INT(count("http = {"), 1);
	CHECK_INT(count("};\n"), 2);
	/* The file does not name itself. */
	CHECK_INT(count("This file"), 0);
}

static void long_sentences_are_broken_between_words(void)
{
	FILE *output = begin();
	option_print_conf(rows, N_ROWS, output);
	fclose(output);
	check_has(
	        "# A sentence that is longer than a line of the file may be, so that it goes on in "
	        "the next\n\t# one, where nothing of it is lost.\n");
	/* A word longer than a line is cut into letters rather than left out. */
	CHECK(count("# 0\n") + count("# 0123456789") >= 1);
}

static void a_row_is_described_with_all_that_holds_of_it(void)
{
	const struct lucius_option row = { .name = "bus-key",
		.key = "Own:Key",
		.env = "OWN_KEY",
		.summary = "A key.",
		.type = LUCIUS_OPTION_TEXT,
		.flags = LUCIUS_OPTION_SECRET | LUCIUS_OPTION_REQUIRED | LUCIUS_OPTION_LIVE };
	FILE *output = begin();
	option_print_row(&row, output);
	fclose(output);
	CHECK_TEXT(text,
	        "\nOWN_KEY\n  A key.\n  --bus-key, `bus.key` in the file, key Own:Key\n"
	        "  Takes a text. Required. Secret: may be a file, named by OWN_KEY_FILE. "
	        "May change while running.\n");
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(every_option_stands_once_in_its_group_with_its_owners),
		SUITE_TEST(long_sentences_are_broken_between_words),
		SUITE_TEST(a_row_is_described_with_all_that_holds_of_it),
	};
	int status = suite_run("option_conf", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
	free(text);
	return status;
}
