/* SPDX-License-Identifier: MIT */
/* Log lines about a directive, with the fields by which it is found elsewhere. */
#include "consumers/runtime/run.h"

#include <stdio.h>
#include <string.h>

enum { TRACE_ID_OFFSET = 3, TRACE_ID_SIZE = 32, MORE_MAX = 4 };

/* The second part of a W3C traceparent. */
static void read_trace_id(const char *traceparent, char ret_id[static TRACE_ID_SIZE + 1])
{
	ret_id[0] = '\0';
	if (traceparent != NULL && strlen(traceparent) > TRACE_ID_OFFSET + TRACE_ID_SIZE) {
		(void)snprintf(ret_id, TRACE_ID_SIZE + 1, "%s", traceparent + TRACE_ID_OFFSET);
	}
}

void run_log(enum log_level level, const char *event, const char *sentence,
        const struct directive *directive, const struct log_field *more)
{
	if (!log_is_on(level)) {
		return;
	}
	char trace_id[TRACE_ID_SIZE + 1];
	read_trace_id(directive->traceparent, trace_id);
	struct log_field fields[8 + MORE_MAX + 1] = {
		{ .name = "job_id", .text = directive->job_id },
		{ .name = "step_id", .text = directive->step_id },
		{ .name = "tenant_id", .text = directive->tenant_id },
		{ .name = "attempt_no", .number = directive->attempt_no, .is_number = true },
		{ .name = "lease_id", .text = directive->lease_id },
		{ .name = "correlation_id", .text = directive->correlation_id },
		{ .name = "trace_id", .text = trace_id },
	};
	size_t n_fields = 7;
	for (size_t i = 0; more != NULL && more[i].name != NULL && i < MORE_MAX; i++) {
		fields[n_fields++] = more[i];
	}
	log_write(level, event, sentence, fields);
}
