/* SPDX-License-Identifier: MIT */
/* A bounded list of what is wrong with a document: a JSON pointer and a sentence each. */
#ifndef CORE_VIOLATIONS_H
#define CORE_VIOLATIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "support/base/cleanup.h"

enum {
	VIOLATIONS_MAX = 50 /* listed at most; the rest is only counted */
};

struct violation {
	char *pointer; /* owned; RFC 6901, "" is the whole document */
	char *message; /* owned */
};

/* All zeros is an empty list. */
struct violations {
	struct violation *items; /* owned */
	size_t n_items;
	size_t n_found; /* also those beyond VIOLATIONS_MAX */
};

void violations_finish(struct violations *violations);

/* Adds one; the message is formatted as by printf. Texts that are not listed are not formatted. */
void violations_add(struct violations *violations, const char *pointer, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#define CLEANUP_VIOLATIONS CLEANUP(violations_finish)

#endif
