/* SPDX-License-Identifier: MIT */
/* Turns the ends of programs into faults; see tool.h. */
#include "consumers/handlers/ocr/tool.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { TOOL_OUTPUT_BYTES = 1024 * 1024 };

static const uint64_t tool_file_bytes = UINT64_C(4) * 1024 * 1024 * 1024;

struct child_limits tool_limits(const struct settings *settings)
{
	return (struct child_limits){
		.deadline_ms = settings->deadline_ms,
		.memory_bytes = (uint64_t)settings->memory_bytes,
		.file_bytes = tool_file_bytes,
		.output_size = TOOL_OUTPUT_BYTES,
	};
}

static int not_started(const char *program, int reason, struct fault *fault)
{
	if (reason == ENOENT || reason == EACCES) {
		return fault_setting(fault,
		        "The program '%s' is not there; install tesseract-ocr and poppler-utils.",
		        program);
	}
	return fault_temporary(
	        fault, "OCR_NOT_STARTED", "'%s' cannot be started: %s.", program, strerror(reason));
}

/* SIGKILL comes from a machine out of memory, SIGXCPU from the bound on time; the others are the
 * program's own bugs, which the same document meets again. */
static int signalled(const char *program, int number, const char *shown, struct fault *fault)
{
	if (number == SIGXCPU) {
		return fault_temporary(
		        fault, "OCR_TIMEOUT", "'%s' has used up its time on '%s'.", program, shown);
	}
	if (number == SIGKILL || number == SIGTERM) {
		return fault_temporary(fault, "OCR_KILLED",
		        "'%s' was killed at '%s'; is memory short?", program, shown);
	}
	return fault_final(fault, "BROKEN_DOCUMENT",
	        "'%s' died of signal %d (%s) on '%s': the document is broken, or needs more memory "
	        "than "
	        "LUCIUS_OCR_MEMORY_MIB allows.",
	        program, number, strsignal(number), shown);
}

int tool_check(
        const char *program, const struct child_end *end, const char *shown, struct fault *fault)
{
	switch (end->outcome) {
	case CHILD_EXITED:
		return 0;
	case CHILD_SIGNALLED:
		return signalled(program, end->value, shown, fault);
	case CHILD_NOT_STARTED:
		return not_started(program, end->value, fault);
	case CHILD_TIMED_OUT:
		return fault_temporary(fault, "OCR_TIMEOUT",
		        "'%s' was not read within the time that LUCIUS_OCR_SECONDS allows.", shown);
	case CHILD_OUTPUT_TOO_LARGE:
		return fault_final(fault, "BROKEN_DOCUMENT", "'%s' prints without end on '%s'.",
		        program, shown);
	case CHILD_INTERRUPTED:
		break;
	}
	return fault_temporary(
	        fault, "INTERRUPTED", "This program was asked to end before '%s' was read.", shown);
}
