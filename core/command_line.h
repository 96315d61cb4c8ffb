/* SPDX-License-Identifier: MIT */
/* What the command line asks for: one command, and options of the table. */
#ifndef CORE_COMMAND_LINE_H
#define CORE_COMMAND_LINE_H

#include <stddef.h>
#include <stdio.h>

#include "core/option_given.h"

enum command {
	COMMAND_RUN,
	COMMAND_CHECK_CONFIG,
	COMMAND_PRINT_ENV,
	COMMAND_DESCRIBE,
	COMMAND_LIST_PLUGINS,
	COMMAND_PROVISION,
	COMMAND_HEALTH,
	COMMAND_VERSION,
	COMMAND_HELP
};

struct command_line {
	enum command command;
	const char *plugin; /* of COMMAND_DESCRIBE; borrowed from argv */
	struct option_givens options; /* owned; names are flags */
};

/* Returns 0, or -1 and a sentence; the result is to be finished either way. */
int command_line_parse(
        int argc, char **argv, struct command_line *ret_line, char *error, size_t error_size);
void command_line_finish(struct command_line *line);
/* What --help prints. */
void command_line_help(FILE *output);

#endif
