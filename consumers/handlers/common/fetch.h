/* SPDX-License-Identifier: MIT */
/* Brings what a source points at into the workspace, with bounds on size and time. */
#ifndef CONSUMERS_HANDLERS_COMMON_FETCH_H
#define CONSUMERS_HANDLERS_COMMON_FETCH_H

#include "consumers/common/fault.h"
#include "consumers/handlers/common/source.h"

#include <stdint.h>
#include <stdio.h>

struct fetch_limits {
	int64_t max_bytes;
	int64_t deadline_ms; /* of clock_now_ms */
};

/* What the environment sets: LUCIUS_INPUT_MAX_MIB (otherwise usual_mib), LUCIUS_FETCH_SECONDS. */
int fetch_limits_read(int64_t usual_mib, struct fault *fault, struct fetch_limits *ret_limits);

/*
 * Writes the document to target_path and checks the reference's checksum. A file must lie below
 * LUCIUS_INPUT_ROOT, if that is set; a result of the step before may also lie where handlers
 * write. Fills in the source's content type (if it has none) and the file's identity. What is not
 * there, not allowed or too large is final; a peer that does not answer in time is EX_TEMPFAIL.
 */
int fetch(struct source *source, const struct fetch_limits *limits, const char *target_path,
        struct fault *fault);

/* The two ways, each writing to an open stream. For fetch alone. */
struct fetch_target {
	FILE *file;
	struct digest *digest;
	int64_t size; /* bytes written */
	const struct fetch_limits *limits;
};

/* Appends bytes; false if the document is too large or the disk is full. */
bool fetch_append(struct fetch_target *target, const void *bytes, size_t size);

int fetch_file(struct source *source, struct fetch_target *target, struct fault *fault);
int fetch_http(struct source *source, struct fetch_target *target, struct fault *fault);

/* The fault of a document over the size limit. */
int fetch_too_large(
        const struct source *source, const struct fetch_limits *limits, struct fault *fault);

/* The fault of a copy that cannot be written. */
int fetch_not_written(const struct source *source, struct fault *fault);

#endif
