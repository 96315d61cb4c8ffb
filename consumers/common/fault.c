/* SPDX-License-Identifier: MIT */
/* Records and prints what went wrong; see fault.h. */
#include "consumers/common/fault.h"

#include "consumers/common/text.h"
#include "support/base/cleanup.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>

__attribute__((format(printf, 4, 0))) static int record(struct fault *fault, int exit_status,
        const char *code, const char *format, va_list arguments)
{
	char *message = NULL;
	if (vasprintf(&message, format, arguments) < 0) {
		text_abort_no_memory();
	}
	text_make_printable(message);
	free(fault->message);
	*fault = (struct fault){ .exit_status = exit_status, .code = code, .message = message };
	return exit_status;
}

int fault_final(struct fault *fault, const char *code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int status = record(fault, EX_DATAERR, code, format, arguments);
	va_end(arguments);
	return status;
}

int fault_temporary(struct fault *fault, const char *code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int status = record(fault, EX_TEMPFAIL, code, format, arguments);
	va_end(arguments);
	return status;
}

int fault_setting(struct fault *fault, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int status = record(fault, EX_CONFIG, "MISCONFIGURED", format, arguments);
	va_end(arguments);
	return status;
}

void fault_print(const struct fault *fault, FILE *stream)
{
	json_t *line = json_pack("{s:s, s:s}", "code",
	        fault->code != NULL ? fault->code : "INTERNAL", "message",
	        fault->message != NULL ? fault->message : "no message was recorded");
	CLEANUP_FREE char *text = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;
	if (text == NULL) {
		text_abort_no_memory();
	}
	fprintf(stream, "%s\n", text);
	json_decref(line);
}

void fault_finish(struct fault *fault)
{
	free(fault->message);
	*fault = (struct fault){ 0 };
}
