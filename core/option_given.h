/* SPDX-License-Identifier: MIT */
/* What a source says: names as the source spells them, values as text, and where each stands. */
#ifndef CORE_OPTION_GIVEN_H
#define CORE_OPTION_GIVEN_H

#include <stdbool.h>
#include <stddef.h>

#include "support/base/cleanup.h"

struct option_given {
	char *name; /* owned, as the other two */
	char *value;
	char *where; /* "'/etc/lucius/lucius.conf' line 7" */
	bool is_hidden; /* the value is to be shown nowhere */
	bool is_failed; /* it is there, and its value is not to be had: value says why */
};

struct option_givens {
	struct option_given *items; /* owned */
	size_t n;
};

/* All three are copied. The new one is good until the next one is added. */
struct option_given *option_givens_add(
        struct option_givens *givens, const char *name, const char *value, const char *where);
/* The last one of that name; NULL: there is none. */
const struct option_given *option_givens_find(const struct option_givens *givens, const char *name);
void option_givens_finish(struct option_givens *givens);
#define CLEANUP_GIVENS CLEANUP(option_givens_finish)

/* Reads a configuration file (libconfig): names are paths like "servicebus.lanes"; groups and
 * lists that are values become JSON text, arrays a comma list. Returns 0; -1 and a sentence; 1 if
 * there is no such file. */
int option_file_read(
        const char *path, struct option_givens *ret_givens, char *error, size_t error_size);

#endif
