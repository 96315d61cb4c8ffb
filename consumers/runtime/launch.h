/* SPDX-License-Identifier: MIT */
/* Starts a handler with pipes on its three standard descriptors. */
#ifndef CONSUMERS_RUNTIME_LAUNCH_H
#define CONSUMERS_RUNTIME_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

struct launched {
	pid_t pid; /* also the number of its process group */
	int input_fd; /* ours to write and to close, as the next two to read; non-blocking */
	int output_fd;
	int error_fd;
};

/* Returns 0 or an errno. Signals are at their defaults in the new process, none is blocked. */
int launch_handler(const char *const argv[], struct launched *ret_launched);

/* Says whether the program is there and may be run: a path, or a name in PATH. */
bool launch_can_find(const char *program);

#endif
