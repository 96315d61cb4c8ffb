/* SPDX-License-Identifier: MIT */
/* Runs handlers as child processes on the loop: input in, bounded output out, a deadline. */
#ifndef CONSUMERS_RUNTIME_PROCESS_H
#define CONSUMERS_RUNTIME_PROCESS_H

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct process_table;
struct process;

enum process_outcome {
	PROCESS_EXITED, /* value: exit status */
	PROCESS_SIGNALLED, /* value: signal */
	PROCESS_TIMED_OUT, /* ended at its deadline */
	PROCESS_NOT_STARTED, /* value: errno */
	PROCESS_OUTPUT_TOO_LARGE,
};

enum { PROCESS_MAX_OUTPUT = 64 * 1024, PROCESS_MAX_ERRORS = 64 * 1024 };

/* Borrowed for the call. Of standard error the last PROCESS_MAX_ERRORS bytes are kept. */
struct process_end {
	enum process_outcome outcome;
	int value;
	const char *output;
	size_t output_size;
	const char *errors;
	size_t errors_size;
};

/* Called once, from the loop, never within process_start; the process is gone afterwards. */
typedef void (*process_done_fn)(void *user, const struct process_end *end);

struct process_request {
	const char *const *argv; /* borrowed for the call; argv[0] is found in PATH */
	char *input; /* owned from the call on; what it reads on standard input */
	size_t input_size;
	int64_t timeout_ms; /* until it is asked to end; 5 s later it is killed */
	process_done_fn done;
	void *user;
};

/* Children are reaped by SIGCHLD on the base. Never NULL. */
struct process_table *process_table_create(struct event_base *base);

/* Kills what still runs, with all that they have started, without callbacks; takes NULL. */
void process_table_destroy(struct process_table *table);

/* Each process leads a group of its own, which ends with it. */
void process_start(struct process_table *table, const struct process_request *request);

#endif
