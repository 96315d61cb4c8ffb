/* SPDX-License-Identifier: MIT */
/* What a reference of a directive points at: a file of this machine or a URL. */
#ifndef CONSUMERS_HANDLERS_COMMON_SOURCE_H
#define CONSUMERS_HANDLERS_COMMON_SOURCE_H

#include "consumers/common/fault.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct source {
	bool is_http;
	bool is_result; /* written by the step before, not named by the client */
	char *location; /* owned, an absolute path or a URL */
	char *shown; /* owned, the same without user, query and fragment: fit for messages */
	char *content_type; /* owned, may be NULL */
	const char *digest; /* borrowed from the reference: hex of SHA-256; may be NULL */
	dev_t device; /* of the file, once it has been fetched; 0 for a URL */
	ino_t inode;
};

/*
 * Reads a reference, a string or an object with `uri`: an absolute path, file://, http:// or
 * https://. name is for messages. Anything else is final, REFERENCE_INVALID. On success ret_source
 * is to be given to source_finish; the reference must outlive it.
 */
int source_resolve(
        const json_t *reference, const char *name, struct fault *fault, struct source *ret_source);

void source_finish(struct source *source);

/*
 * The path of a file:// URI or of an absolute path (owned), NULL if text is neither or names
 * another host.
 */
char *source_path(const char *text);

/* The file:// URI of an absolute path, percent-encoded, owned by the caller. */
char *source_uri(const char *path);

#endif
