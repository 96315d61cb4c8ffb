/* SPDX-License-Identifier: MIT */
/*
 * What a thread has found in the database, kept until the loop gives it to the daemon: heads,
 * packed fields and steps of jobs, or events.
 */
#ifndef STORAGE_SQLITE_RESULT_H
#define STORAGE_SQLITE_RESULT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lucius/storage.h>

#include "support/rows/fields.h"
#include "support/rows/job_view.h"

/* A text in the heap of the result; it has a NUL behind. */
struct kept {
	size_t start;
	size_t size;
};

struct kept_job {
	struct kept job_id, tenant_id, tenant_bucket, created_at, state, revision, fields;
	int64_t serial;
	bool is_terminal;
	size_t first_step;
	size_t n_steps;
};

/* A step, or an event with its seq as index. */
struct kept_part {
	struct kept step_id, fields;
	uint32_t index;
};

/* All zeros is an empty one. */
struct result {
	struct bytes heap;
	struct kept_job *jobs; /* owned */
	size_t n_jobs;
	size_t jobs_capacity;
	struct kept_part *parts; /* owned; of each job in turn */
	size_t n_parts;
	size_t parts_capacity;
	/* The page ends here: nothing comes after it; or it goes on at this serial. */
	bool is_last_page;
	int64_t next_serial;
	uint32_t n_purged;
};

void result_finish(struct result *result);
struct kept result_keep(struct result *result, struct lucius_text text);
struct lucius_text result_text(const struct result *result, struct kept kept);
/* Adds the job whose head (enum head_column) the row has, and its fields if asked. */
void result_add_head(struct result *result, sqlite3_stmt *statement, bool has_fields);
/* Adds the head of a job that is new. */
void result_add_new(struct result *result, const struct lucius_job *job);
/* Says what a save has made of the last job's head. */
void result_change_head(
        struct result *result, struct lucius_text state, bool is_terminal, int64_t revision);
/* Adds to the last job, if there is one. */
void result_add_part(struct result *result, uint32_t index, struct lucius_text step_id,
        struct lucius_text fields);

/* Shows a job in the view; false: its row is spoilt. Borrowed as the view and the result are. */
bool result_show(const struct result *result, size_t n, struct job_view *view,
        const struct lucius_job **ret_job);

/* A revision as the daemon knows it. */
#define REVISION_SIZE 24
void revision_write(char text[REVISION_SIZE], int64_t revision);

#endif
