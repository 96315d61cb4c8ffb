/* SPDX-License-Identifier: MIT */
/*
 * Bringing the rows of steps up to date behind a save, in tables. The job's row has committed the
 * changes already; a row of a step is written only over a lower change number. Whoever reads a job
 * whose steps lag behind helps.
 */
#ifndef SUPPORT_JOBTABLES_STEP_ROWS_H
#define SUPPORT_JOBTABLES_STEP_ROWS_H

#include <jansson.h>

#include "support/jobtables/backend.h"

/* Remembers what was read of a job; steps may be NULL (not read). Helps rows that lag behind. */
void step_rows_learn(
        struct jobtables *backend, const json_t *job, const char *etag, const json_t *steps);
/* Writes the rows of the steps that the job's row is ahead of, one request at a time for each. */
void step_rows_push(struct jobtables *backend, struct known_job *job);
/* The same in a moment, so that changes which follow one another closely are written once. */
void step_rows_push_soon(struct jobtables *backend, struct known_job *job);
/* All that is to be written in a moment is written now. */
void step_rows_flush(struct jobtables *backend);
/* Forgets it. */
void step_rows_drop(struct jobtables *backend);

#endif
