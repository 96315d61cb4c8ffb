/* SPDX-License-Identifier: MIT */
/* The faults that any program which the OCR handler runs may give. */
#ifndef CONSUMERS_HANDLERS_OCR_TOOL_H
#define CONSUMERS_HANDLERS_OCR_TOOL_H

#include "consumers/common/fault.h"
#include "consumers/handlers/common/child.h"
#include "consumers/handlers/ocr/settings.h"

/* The limits of a program that prints a little. */
struct child_limits tool_limits(const struct settings *settings);

/*
 * 0 if the program came to an end of its own, whatever its exit status; otherwise the fault: not
 * installed, out of time, ended from outside, or dead by a signal on this document (shown).
 */
int tool_check(
        const char *program, const struct child_end *end, const char *shown, struct fault *fault);

#endif
