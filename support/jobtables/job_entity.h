/* SPDX-License-Identifier: MIT */
/*
 * Fields as properties of rows and back. Integers are numbers, all else is text; that a text is
 * JSON shows in its first sign, and where that would mislead, in a property `meta_type_<name>`.
 * Properties `meta_…` are this library's own and no fields of a job.
 */
#ifndef SUPPORT_JOBTABLES_JOB_ENTITY_H
#define SUPPORT_JOBTABLES_JOB_ENTITY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <lucius/storage.h>

#include "support/rows/fields.h"
#include "support/tables/entity.h"

#define STATE_PREPARING "PREPARING" /* the row of a command that is not committed */
#define STATE_ABORTED "ABORTED" /* of one that never will be */

/* Adds what has a value; `but` (may be NULL) is left out. */
void job_entity_add(struct entity *entity, const struct lucius_field *fields, uint64_t n_fields,
        const char *but);
/* Adds all, for a merge: a field without a value becomes an empty text, which reads as missing. */
void job_entity_change(struct entity *entity, const struct lucius_field *fields, uint64_t n_fields);

/* Appends the row's fields, packed. */
void job_entity_pack(const json_t *row, struct bytes *into);

/* Of a row; empty where it has none. Borrowed from the row. */
struct lucius_text row_text(const json_t *row, const char *name);
int64_t row_integer(const json_t *row, const char *name); /* 0 */
bool row_is(const json_t *row, const char *name, const char *value);
/* The row is a job's that may be shown: not PREPARING, not ABORTED. */
bool row_is_shown(const json_t *row);
bool state_is_terminal(struct lucius_text state);
/* FAILED_FINAL or CANCELLED: such a job gives its hash up. */
bool state_is_in_vain(struct lucius_text state);

struct lucius_text text_view(const char *text); /* of a text that ends with a NUL; may be NULL */
bool text_is(struct lucius_text text, struct lucius_text other);

#endif
