/* SPDX-License-Identifier: MIT */
/* Refusals, and the table of what each fault is to a client. */
#include "core/command_refusal.h"

#include <stdarg.h>
#include <stdlib.h>

#include "support/base/memory.h"

static const struct {
	const char *problem;
	int status;
} faults[] = {
	[COMMAND_OK] = { NULL, 0 },
	[COMMAND_MALFORMED_JSON] = { "malformed-json", 400 },
	[COMMAND_INVALID_ENVELOPE] = { "invalid-envelope", 422 },
	[COMMAND_UNKNOWN_REQUEST_TYPE] = { "unknown-request-type", 400 },
	[COMMAND_MISSING_DOC_ID] = { "missing-doc-id", 400 },
	[COMMAND_INVALID_STEPS] = { "invalid-steps", 422 },
};

const char *command_fault_problem(enum command_fault fault)
{
	return faults[fault].problem;
}

int command_fault_status(enum command_fault fault)
{
	return faults[fault].status;
}

enum command_fault command_refuse(
        struct command_refusal *ret_refusal, enum command_fault fault, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	*ret_refusal = (struct command_refusal){
		.fault = fault,
		.detail = must_vprint(format, arguments),
	};
	va_end(arguments);
	return fault;
}

enum command_fault command_refuse_list(struct command_refusal *ret_refusal,
        enum command_fault fault, const char *claim, struct violations *violations)
{
	const struct violation *first = &violations->items[0];
	const char *place = *first->pointer != '\0' ? first->pointer : "it";
	char *more CLEANUP_FREE = violations->n_found > 1
	        ? must_print(" (and %zu more)", violations->n_found - 1)
	        : must_print("%s", "");
	(void)command_refuse(
	        ret_refusal, fault, "%s: %s %s%s.", claim, place, first->message, more);
	ret_refusal->violations = *violations;
	*violations = (struct violations){ 0 };
	return fault;
}

void command_refusal_finish(struct command_refusal *refusal)
{
	free(steal(refusal->detail));
	violations_finish(&refusal->violations);
	refusal->fault = COMMAND_OK;
}
