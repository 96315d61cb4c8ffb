/* SPDX-License-Identifier: MIT */
/* Puts a result where the directive wants it, whole or not at all, and describes it. */
#ifndef CONSUMERS_HANDLERS_COMMON_OUTPUT_H
#define CONSUMERS_HANDLERS_COMMON_OUTPUT_H

#include "consumers/handlers/common/directive.h"
#include "consumers/handlers/common/source.h"

struct output {
	const char *suffix; /* ".txt", ".json": for names made up here */
	const char *content_type;
	const char *bytes;
	size_t size;
};

/*
 * Writes the result and returns a reference {uri, content_type, size_bytes, checksum, metadata} to
 * it (ret_reference, owned). The place is the directive's output_ref if that is an absolute path
 * or a file:// URI (a directory gets the file `<jobId>.<stepId><suffix>`), else LUCIUS_OUTPUT_DIR.
 * With LUCIUS_OUTPUT_ROOT set it must lie below that. The step's own input is never overwritten:
 * then `.<stepId><suffix>` is appended to the name. metadata is taken over, also on failure.
 */
int output_write(const struct directive *directive, const struct source *source,
        const struct output *output, json_t *metadata, struct fault *fault, json_t **ret_reference);

/* Prints a reference as one line on standard output. Returns 0 or EX_TEMPFAIL. */
int output_print(const json_t *reference, struct fault *fault);

#endif
