/* SPDX-License-Identifier: MIT */
/*
 * A job in memory: its row, its steps and its events, each packed into one allocation, and the
 * links by which the store finds it. Knows nothing of tenants, claims or slots.
 */
#ifndef STORAGE_MEMORY_JOB_H
#define STORAGE_MEMORY_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include <lucius/storage.h>

#include "support/hash/hash.h"
#include "support/rows/fields.h"
#include "support/rows/job_view.h"

struct claim;
struct tenant;

/* A few texts that stand alone, each with its NUL, then the packed fields. */
struct row {
	uint32_t heads_size;
	uint32_t fields_size;
	char bytes[];
};

struct step {
	struct row *row; /* owned; the one head is the step id */
	uint32_t step_index;
};

struct event {
	struct event *next;
	uint32_t seq;
	uint32_t fields_size;
	char fields[];
};

struct job {
	struct hash_link by_id;
	struct tenant *tenant; /* borrowed; it lives as long as it has jobs */
	struct job *newer, *older; /* of the tenant */
	struct job *ended_before, *ended_after; /* among those that ended and hold no slot */
	struct claim *claim; /* owned; NULL: given up to another job */
	struct row *row; /* owned; heads: job id, tenant bucket, created_at, state */
	struct step *steps; /* owned; by step_index */
	struct event *oldest_event, *newest_event; /* owned; by seq */
	uint64_t revision;
	uint64_t serial; /* in the order of creation */
	int64_t ended_us; /* Unix time of completed_at; 0 while it is live */
	uint32_t slot; /* 0: none */
	uint32_t n_steps;
	uint32_t n_events;
	bool is_terminal;
};

/* A job without tenant, claim or slot. */
struct job *job_create(const struct lucius_job *given, struct bytes *scratch);
/* Takes NULL. Frees what the job owns, the claim too; unlinks nothing. */
void job_destroy(struct job *job);
/* Lays a saved job over this one: row, steps, head. */
void job_change(struct job *job, const struct lucius_job *given, struct bytes *scratch);
/* Appends the job's events; beyond max_events the oldest go. */
void job_add_events(struct job *job, const struct lucius_job *given, uint32_t max_events,
        struct bytes *scratch);

/* All that follows is borrowed until the job is changed. */
struct lucius_text job_id(const struct job *job);
struct lucius_text job_state(const struct job *job);
struct lucius_text job_fields(const struct job *job);
/* Fills what the job knows of its head: not the tenant, not the revision. */
void job_head(const struct job *job, struct lucius_job *ret_head);
/* Adds each step to a view that has begun. */
void job_show_steps(const struct job *job, struct job_view *view);

#endif
