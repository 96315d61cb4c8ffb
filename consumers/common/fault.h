/* SPDX-License-Identifier: MIT */
/*
 * What went wrong in a handler or in the consumer: a code for programs, one sentence for people,
 * and whether trying again may help. Functions that can go wrong take a `struct fault *` as the
 * last argument but outputs and return 0 or the exit status that the fault holds.
 */
#ifndef CONSUMERS_COMMON_FAULT_H
#define CONSUMERS_COMMON_FAULT_H

#include <stdbool.h>
#include <stdio.h>
#include <sysexits.h>

struct fault {
	int exit_status; /* EX_TEMPFAIL, EX_DATAERR or EX_CONFIG; 0 = nothing went wrong */
	const char *code; /* borrowed, a literal such as "BROKEN_DOCUMENT" */
	char *message; /* owned, valid UTF-8 on one line; may be NULL */
};

/* Records what can never succeed with this directive; returns EX_DATAERR. */
__attribute__((format(printf, 3, 4))) int fault_final(
        struct fault *fault, const char *code, const char *format, ...);

/* Records what may pass (a network, a busy machine); returns EX_TEMPFAIL. */
__attribute__((format(printf, 3, 4))) int fault_temporary(
        struct fault *fault, const char *code, const char *format, ...);

/* Records a wrong or missing setting of this program; returns EX_CONFIG. */
__attribute__((format(printf, 2, 3))) int fault_setting(
        struct fault *fault, const char *format, ...);

/* Prints `{"code": ..., "message": ...}` as one line. */
void fault_print(const struct fault *fault, FILE *stream);

void fault_finish(struct fault *fault);

#endif
