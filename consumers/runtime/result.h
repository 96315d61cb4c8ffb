/* SPDX-License-Identifier: MIT */
/* What became of a directive: the part of a RESULT that the handler decides. */
#ifndef CONSUMERS_RUNTIME_RESULT_H
#define CONSUMERS_RUNTIME_RESULT_H

#include "consumers/runtime/process.h"

enum result_status {
	RESULT_SUCCEEDED,
	RESULT_FAILED_RETRY,
	RESULT_FAILED_FINAL,
};

struct result {
	enum result_status status;
	char *output_ref; /* owned, JSON text; NULL = the step's own counts */
	char *code; /* owned, NULL on success */
	char *message; /* owned, NULL on success, else valid UTF-8 on one line */
};

/*
 * Exit 0 with one JSON value (or nothing) on standard output is SUCCEEDED; exit 75, a
 * signal, the end of the lease and a handler that cannot be started are FAILED_RETRY; the rest is
 * FAILED_FINAL. Code and message come from the last line of standard error.
 */
struct result result_of_process(const struct process_end *end);

/* A failure by the runtime's own word. */
struct result result_failure(enum result_status status, const char *code, const char *message);

const char *result_status_name(enum result_status status);

void result_finish(struct result *result);

#endif
