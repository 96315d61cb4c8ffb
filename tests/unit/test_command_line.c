/* SPDX-License-Identifier: MIT */
/* What the command line of the daemon takes, and what it refuses. */
#include "core/command_line.h"

#include <stdarg.h>

#include "tests/support/suite.h"

static int parse_line(struct command_line *line, const char *first, ...)
{
	char *argv[8] = { (char *)(uintptr_t) "luciusd" };
	int argc = 1;
	char error[256] = "";
	va_list arguments;
	va_start(arguments, first);
	for (const char *next = first; next != NULL && argc < 8;
	        next = va_arg(arguments, const char *)) {
		argv[argc++] = (char *)(uintptr_t)next;
	}
	va_end(arguments);
	int result = command_line_parse(argc, argv, line, error, sizeof(error));
	CHECK_INT(result != 0, error[0] != '\0');
	return result;
}

static void the_command_line_has_one_command_and_any_options(void)
{
	struct command_line line;
	CHECK_INT(
	        parse_line(&line, "--role", "worker", "--config=/x=y", "--check-config", NULL), 0);
	CHECK_INT(line.command, COMMAND_CHECK_CONFIG);
	CHECK_TEXT(option_givens_find(&line.options, "--role")->value, "worker");
	CHECK_TEXT(option_givens_find(&line.options, "--config")->value, "/x=y");
	command_line_finish(&line);
	CHECK_INT(parse_line(&line, "--describe", "storage-memory", NULL), 0);
	CHECK_TEXT(line.plugin, "storage-memory");
	command_line_finish(&line);
	static const char *const wrong[][2] = { { "worker", NULL }, { "--", NULL },
		{ "--=x", NULL }, { "--role", NULL }, { "--describe", NULL },
		{ "--version=2", NULL }, { "-x", NULL }, { "--health", "--version" } };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CHECK_INT(parse_line(&line, wrong[i][0], wrong[i][1], NULL), -1);
		command_line_finish(&line);
	}
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(the_command_line_has_one_command_and_any_options),
	};
	return suite_run("command_line", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
