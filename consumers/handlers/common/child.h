/* SPDX-License-Identifier: MIT */
/* Runs a program to its end with bounds on time, memory, files and what it prints. No shell. */
#ifndef CONSUMERS_HANDLERS_COMMON_CHILD_H
#define CONSUMERS_HANDLERS_COMMON_CHILD_H

#include <stddef.h>
#include <stdint.h>

enum child_outcome {
	CHILD_EXITED, /* value is the exit status */
	CHILD_SIGNALLED, /* value is the signal that it died of */
	CHILD_NOT_STARTED, /* value is the errno */
	CHILD_TIMED_OUT,
	CHILD_OUTPUT_TOO_LARGE,
	CHILD_INTERRUPTED, /* this process was asked to end */
};

struct child_limits {
	int64_t deadline_ms; /* of clock_now_ms; the child is killed then */
	uint64_t memory_bytes; /* address space; 0 = no limit */
	uint64_t file_bytes; /* largest file that it may write */
	size_t output_size; /* standard output in bytes; more and it is killed */
	const char *input_path; /* its standard input; NULL = /dev/null */
};

struct child_end {
	enum child_outcome outcome;
	int value;
	char *output; /* owned, standard output, with a NUL behind it */
	size_t output_size;
	char *complaint; /* owned, the last line of standard error, "" if there is none */
};

/*
 * Runs argv[0], found in PATH, and waits for its end. ret_end is always set and to be given to
 * child_end_finish.
 */
void child_run(
        const char *const argv[], const struct child_limits *limits, struct child_end *ret_end);

void child_end_finish(struct child_end *end);

#endif
