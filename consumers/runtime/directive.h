/* SPDX-License-Identifier: MIT */
/* The directive of a message: what the runtime needs of it, and which lane the answer takes. */
#ifndef CONSUMERS_RUNTIME_DIRECTIVE_H
#define CONSUMERS_RUNTIME_DIRECTIVE_H

#include "support/amqp/buffer.h"

#include <stdbool.h>
#include <stdint.h>

struct directive {
	char *texts; /* owned; those below lie in it */
	const char *type; /* may be NULL */
	const char *job_id; /* not empty */
	const char *step_id; /* not empty */
	const char *lease_id; /* not empty */
	const char *tenant_id; /* may be NULL */
	const char *step_type; /* may be NULL */
	const char *correlation_id; /* may be NULL */
	const char *traceparent; /* may be NULL */
	bool has_attempt_no;
	int64_t attempt_no;
	bool has_lease_end;
	int64_t lease_end_us; /* Unix time */
	int lane; /* of the body, LANE_NONE if it names none */
};

/*
 * Reads a body. False if it is no directive; ret_reason then says why (a literal). To be given to
 * directive_finish if true.
 */
bool directive_parse(
        struct amqp_bytes body, struct directive *ret_directive, const char **ret_reason);

void directive_finish(struct directive *directive);

#endif
