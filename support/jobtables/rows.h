/* SPDX-License-Identifier: MIT */
/* Rows in the making that are written together, and what of steps the job's row is to carry. */
#ifndef SUPPORT_JOBTABLES_ROWS_H
#define SUPPORT_JOBTABLES_ROWS_H

#include <lucius/storage.h>

#include "support/jobtables/known.h"
#include "support/jobtables/layout.h"
#include "support/tables/batch.h"
#include "support/tables/entity.h"

struct row_draft {
	struct place place; /* owned */
	char *etag; /* owned; may be NULL */
	enum tables_verb verb;
	struct entity entity;
};

/* What a job's row is to carry for a step; text NULL: nothing any more. */
struct delta_draft {
	uint32_t step_index;
	char *step_row; /* owned */
	char *text; /* owned */
	int64_t change;
};

/* All zeros is none. */
struct rows {
	struct row_draft **drafts; /* owned */
	size_t n_drafts;
	struct delta_draft *deltas; /* owned */
	size_t n_deltas;
	/* After rows_end: */
	struct tables_write *writes; /* owned; they borrow from the drafts */
	const struct tables_write **list; /* owned: pointers to them */
	size_t n_writes;
	char fault[400];
};
void rows_finish(struct rows *rows);

/* Begins a row; the place becomes the row's, the ETag (may be NULL) is copied. The entity is
 * borrowed until rows_finish. */
struct entity *rows_begin(
        struct rows *rows, enum tables_verb verb, struct place *place, const char *etag);
/* False: a row, or all together, is larger than the service takes: rows->fault has the sentence. */
bool rows_end(struct rows *rows);
size_t rows_n_bytes(const struct rows *rows);

void rows_add_events(struct rows *rows, const struct layout *layout, const struct lucius_job *job);

/* The property of a step's changes. */
#define DELTA_NAME_SIZE 16
void delta_name(char name[DELTA_NAME_SIZE], uint32_t step_index);
/* Lets the job's row carry the changes of a step, over what it carries and the step's row does not
 * hold. Known: may be NULL. */
void rows_add_delta(struct rows *rows, struct entity *job, const struct known_job *known,
        const struct lucius_step *step, int64_t change);
void rows_drop_delta(struct rows *rows, struct entity *job, uint32_t step_index);
bool rows_has_delta(const struct rows *rows, uint32_t step_index);
/* They have been written. */
void rows_learn_deltas(const struct rows *rows, struct known_job *known);

#endif
