/* SPDX-License-Identifier: MIT */
/*
 * Changes of a step that its own row does not hold yet, as one text: what a job's row carries in
 * `step_0001`, so that changing job and step is one write. "7;" (the number of the change), then
 * "name:s5=value;" a field: type (s, i, j), size in bytes, value; size 0 removes the field.
 */
#ifndef SUPPORT_JOBTABLES_DELTA_H
#define SUPPORT_JOBTABLES_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lucius/plugin.h>

#include "support/tables/text.h"

/* A delta that was read; all zeros is an empty one. */
struct delta {
	int64_t change;
	struct lucius_field *fields; /* owned; they point into copy */
	size_t n_fields;
	char *copy; /* owned */
};
void delta_finish(struct delta *delta);
/* False: the text is none that delta_write makes. */
bool delta_read(struct delta *delta, const char *text, size_t size);

/* Appends the fields of `old` (may be NULL) with the changes laid over them, as that change. */
void delta_write(struct text *into, int64_t change, const struct delta *old,
        const struct lucius_field *changes, uint64_t n_changes);

#endif
