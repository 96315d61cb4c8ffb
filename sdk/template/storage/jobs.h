/* SPDX-License-Identifier: MIT */
/*
 * The store itself, which is what you replace: here it is a list in memory. It knows nothing of
 * operations or of the loop. Rows are packed by `lucius-rows` (support/rows/fields.h), so a field
 * that nobody has heard of is kept as well as any other.
 */
#ifndef JOBS_H
#define JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include <lucius/storage.h>

#include "support/rows/job_view.h"

struct job;

/* All zeros is an empty store. */
struct jobs {
	struct job *first; /* owned; the oldest */
	struct job *last;
	uint64_t last_serial;
};

void jobs_finish(struct jobs *jobs);
/* OK: ret_job is the new one. DUPLICATE: it is the one that holds the claim. KEY_CONFLICT,
 * TENANT_FULL. Borrowed until the store changes, as everywhere below. */
uint32_t jobs_add(
        struct jobs *jobs, const struct lucius_command *command, const struct job **ret_job);
/* NULL: there is none. */
const struct job *jobs_find(const struct jobs *jobs, struct lucius_text job_id);
/* OK, CONFLICT, NOT_FOUND. Now_us: Unix time, for retention. */
uint32_t jobs_change(struct jobs *jobs, const struct lucius_job *changed, int64_t now_us,
        const struct job **ret_job);
void jobs_release(struct jobs *jobs, struct lucius_text job_id);
/* The first with a slot behind that serial; NULL: none. */
const struct job *jobs_next_holder(const struct jobs *jobs, uint64_t serial);
/* Removes up to limit jobs whose time is over; how many. */
uint32_t jobs_purge(struct jobs *jobs, const struct lucius_repair *repair);

uint64_t job_serial(const struct job *job);
/* As the daemon wants to see it, in the view; without fields and steps if it is not whole. */
const struct lucius_job *job_show(const struct job *job, struct job_view *view, bool is_whole);
/* A copy of one's own, for job_destroy. */
struct job *job_clone(const struct job *job);
void job_destroy(struct job *job);

#endif
