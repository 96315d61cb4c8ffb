/* SPDX-License-Identifier: MIT */
/* `--option=value`, `--option value`, and the flags that are commands. */
#include "core/command_line.h"

#include <stdbool.h>
#include <string.h>

#include "core/option_names.h"
#include "support/base/memory.h"

static const struct {
	const char *flag;
	enum command command;
	const char *summary;
} commands[] = {
	{ "--check-config", COMMAND_CHECK_CONFIG,
	        "print each option with its value and where it came from" },
	{ "--print-env", COMMAND_PRINT_ENV, "print what is set as `export NAME='value'` lines" },
	{ "--describe", COMMAND_DESCRIBE,
	        "print the options of a plugin (\"storage-memory\"), or of the \"core\"" },
	{ "--list-plugins", COMMAND_LIST_PLUGINS, "print the plugins that are there" },
	{ "--provision", COMMAND_PROVISION, "make the bus's topics and reply subscriptions" },
	{ "--health", COMMAND_HEALTH, "ask the process that runs here whether it is ready" },
	{ "--version", COMMAND_VERSION, "print the version" },
	{ "--help", COMMAND_HELP, "print this" },
};
enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

/* N_COMMANDS: it is none. */
static size_t find_command(const char *argument)
{
	size_t size = strcspn(argument, "=");
	size_t place = 0;
	while (place < N_COMMANDS &&
	        (strlen(commands[place].flag) != size ||
	                memcmp(commands[place].flag, argument, size) != 0)) {
		place++;
	}
	return place;
}

/* What stands behind `=`, or the next argument, which is then taken; NULL: neither. */
static const char *take_value(int argc, char **argv, int *place)
{
	const char *equals = strchr(argv[*place], '=');
	if (equals != NULL) {
		return equals + 1;
	}
	if (*place + 1 >= argc) {
		return NULL;
	}
	return argv[++*place];
}

static int take_command(int argc, char **argv, int *place, struct command_line *line)
{
	size_t command = find_command(argv[*place]);
	line->command = commands[command].command;
	if (line->command == COMMAND_DESCRIBE) {
		line->plugin = take_value(argc, argv, place);
		return line->plugin != NULL ? 0 : -1;
	}
	return strchr(argv[*place], '=') == NULL ? 0 : -1;
}

static int take_option(int argc, char **argv, int *place, struct command_line *line)
{
	size_t size = strcspn(argv[*place], "=");
	CLEANUP_FREE char *flag = must_copy(argv[*place], size);
	char where[OPTION_NAME_MAX + 32];
	const char *value = take_value(argc, argv, place);
	if (value == NULL) {
		return -1;
	}
	(void)snprintf(where, sizeof(where), "the command line (%.100s)", flag);
	(void)option_givens_add(&line->options, flag, value, where);
	return 0;
}

int command_line_parse(
        int argc, char **argv, struct command_line *ret_line, char *error, size_t error_size)
{
	*ret_line = (struct command_line){ .command = COMMAND_RUN };
	for (int i = 1; i < argc; i++) {
		const char *argument = argv[i];
		bool is_command = find_command(argument) < N_COMMANDS;
		if (strncmp(argument, "--", 2) != 0 || argument[2] == '\0' || argument[2] == '=') {
			(void)snprintf(error, error_size,
			        "'%.200s' is not understood: options look like --role=worker; see "
			        "--help",
			        argument);
			return -1;
		}
		if (is_command && ret_line->command != COMMAND_RUN) {
			(void)snprintf(error, error_size,
			        "%.200s: one command at a time; another stands before it",
			        argument);
			return -1;
		}
		int taken = is_command ? take_command(argc, argv, &i, ret_line)
		                       : take_option(argc, argv, &i, ret_line);
		if (taken != 0) {
			(void)snprintf(error, error_size, "%.200s %s; see --help", argument,
			        is_command && strchr(argument, '=') != NULL ? "takes no value"
			                                                    : "needs a value");
			return -1;
		}
	}
	return 0;
}

void command_line_finish(struct command_line *line)
{
	option_givens_finish(&line->options);
}

void command_line_help(FILE *output)
{
	fputs("luciusd: orchestrates the jobs of document pipelines.\n\n"
	      "luciusd [--role ROLES] [--config FILE] [--OPTION VALUE ...] [COMMAND]\n\n"
	      "Without a command it runs in the foreground and logs to standard error.\n\n",
	        output);
	for (size_t i = 0; i < N_COMMANDS; i++) {
		fprintf(output, "  %-20s %s\n", commands[i].flag, commands[i].summary);
	}
	fputs("\nEvery option can be given as flag, as environment variable (LUCIUS_ROLE), in the\n"
	      "configuration file (role = \"worker\";) and by a configuration source\n"
	      "(Lucius:Role); the first of these that has it counts. --describe lists them.\n\n"
	      "Exit status: 0 done, or stopped as asked; 1 a backend or a listener cannot be\n"
	      "used, or (--health) not ready; 2 the command line is wrong; 70 an operation of a\n"
	      "plugin was still open at the end of LUCIUS_SHUTDOWN_SECONDS; 78 the configuration\n"
	      "is wrong.\n",
	        output);
}
