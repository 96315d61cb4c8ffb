/* SPDX-License-Identifier: MIT */
/*
 * Reading a job: its row decides, and its steps are as new as it says. In tables a step is its own
 * row with what the job's row carries for it laid over; in a ledger one query has it all.
 */
#ifndef SUPPORT_JOBTABLES_READING_H
#define SUPPORT_JOBTABLES_READING_H

#include <jansson.h>

#include "support/jobtables/backend.h"
#include "support/jobtables/job_entity.h"

struct reading;
/* Answers what reading_… below tell; the reading is gone when it returns. */
typedef void (*reading_fn)(void *user, struct reading *reading);

struct reading_wish {
	struct lucius_text job_id; /* copied */
	struct lucius_text bucket; /* copied; empty: it is looked for */
	bool has_steps; /* the steps are wanted too */
	/* One of many: single rows are asked for where there are few, which costs the service less
	 * than queries do, if more round trips. */
	bool is_one_of_many;
};
void reading_start(
        struct jobtables *backend, const struct reading_wish *wish, reading_fn on_read, void *user);

/* TABLES_OK: there is a row, be it shown or not. MISSING, or a failure. */
enum tables_status reading_status(const struct reading *reading);
const char *reading_sentence(const struct reading *reading); /* may be NULL */
/* The job's row; NULL unless OK. */
const json_t *reading_row(const struct reading *reading);
const char *reading_etag(const struct reading *reading);
/* The job with fields and, if they were wanted, steps; borrowed while the reading lives. It is OK.
 */
const struct lucius_job *reading_job(struct reading *reading, struct job_view *view);

/* Keeps the reading beyond its callback; to be given back to reading_destroy. */
void reading_keep(struct reading *reading);
void reading_destroy(struct reading *reading);

/* The revision that stands for a change number and ETag. */
#define REVISION_MAX 255
void revision_write(char revision[REVISION_MAX + 1], int64_t change, const char *etag);
/* False: it is none. The ETag is borrowed from the text, which ends with a NUL. */
bool revision_read(struct lucius_text revision, int64_t *ret_change, const char **ret_etag);
/* Head of a job as its row has it; texts borrowed from the row and from revision. */
struct lucius_job job_head(const json_t *row, const char *revision);

#endif
