/* SPDX-License-Identifier: MIT */
/* The frame of a handler's main(): options, signals, the directive, the last line of stderr. */
#ifndef CONSUMERS_HANDLERS_COMMON_HANDLER_H
#define CONSUMERS_HANDLERS_COMMON_HANDLER_H

#include "consumers/handlers/common/directive.h"

struct handler {
	const char *name;
	const char *help; /* what --help prints */
	/* Does the work of one directive. Returns 0, with the reference to the result (owned) in
	 * ret_reference, or the exit status that the fault holds. */
	int (*run)(const struct directive *directive, struct fault *fault, json_t **ret_reference);
};

/* Returns the exit status of the program. */
int handler_main(const struct handler *handler, int argc, char **argv);

#endif
