/* SPDX-License-Identifier: MIT */
/*
 * What is known of jobs that were read or written lately: where the row lies, its ETag, its slot,
 * and which changes of steps are still carried by the job's row alone. Nothing here is needed: what
 * is not known is read.
 */
#ifndef SUPPORT_JOBTABLES_KNOWN_H
#define SUPPORT_JOBTABLES_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lucius/plugin.h>

#define KNOWN_JOB_ID_MAX 63

struct known_step {
	uint32_t step_index;
	char *row; /* owned: RowKey */
	char *etag; /* owned: of the step's row as it was seen last; NULL: not seen */
	int64_t row_change; /* of that row; -1: not seen */
	int64_t change; /* the newest that the job's row carries; 0: none */
	char *delta; /* owned: that text; NULL: none */
	bool is_writing; /* its row is being brought up to date */
};

struct known_job {
	struct known_job *next; /* in its bucket */
	struct known_job *older, *younger;
	char job_id[KNOWN_JOB_ID_MAX + 1];
	char *bucket; /* owned, as the other texts; of the tenant */
	char *etag; /* of the job's row; NULL: not known */
	int64_t change; /* number of the change that the ETag stands for */
	char *slot_row; /* NULL: not known */
	char *slot_etag;
	bool is_lagging; /* its steps' rows are to follow, and it stands in line for that */
	struct known_step *steps; /* owned */
	size_t n_steps;
};

struct known;

struct known *known_create(size_t max_jobs);
void known_destroy(struct known *known);

/* NULL: nothing is known. Good until something else is put in. */
struct known_job *known_find(struct known *known, struct lucius_text job_id);
/* The same, made if it is not there; NULL: the id is too long for any job's. */
struct known_job *known_put(struct known *known, struct lucius_text job_id);
void known_drop(struct known *known, struct lucius_text job_id);

/* NULL: there is none with that index. */
struct known_step *known_step_find(const struct known_job *job, uint32_t step_index);
/* The same, made if it is not there. Row is copied. */
struct known_step *known_step_put(struct known_job *job, uint32_t step_index, const char *row);

/* Puts a copy in place of an owned text; NULL clears it. */
void known_set(char **owned, const char *text);

#endif
