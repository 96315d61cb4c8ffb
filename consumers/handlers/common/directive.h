/* SPDX-License-Identifier: MIT */
/* The directive that a handler gets on standard input. */
#ifndef CONSUMERS_HANDLERS_COMMON_DIRECTIVE_H
#define CONSUMERS_HANDLERS_COMMON_DIRECTIVE_H

#include "consumers/common/fault.h"
#include "support/base/cleanup.h"

#include <jansson.h>
#include <stdio.h>

struct directive {
	json_t *json; /* owned, an object */
	const char *job_id; /* borrowed from json, not empty */
	const char *step_id; /* borrowed from json, not empty */
	const json_t *input_ref;
	const json_t *output_ref;
	const json_t *previous_result_ref; /* NULL if absent or null */
	const json_t *payload; /* an object, empty if the directive has none */
};

/* Reads one JSON object of at most 4 MiB to the end of the stream. Returns 0 or EX_DATAERR. */
int directive_read(FILE *stream, struct fault *fault, struct directive *ret_directive);

void directive_finish(struct directive *directive);

/*
 * A text of the payload: NULL in ret_text (borrowed) if absent or null. Another type is a final
 * fault, PAYLOAD_INVALID.
 */
int directive_text(const struct directive *directive, const char *name, struct fault *fault,
        const char **ret_text);

#endif
