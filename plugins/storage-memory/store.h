/* SPDX-License-Identifier: MIT */
/*
 * The store: jobs with their claims and slots, and the changes that keep them in step with each
 * other. No host and no operations in here; plugin.c asks and answers.
 */
#ifndef STORAGE_MEMORY_STORE_H
#define STORAGE_MEMORY_STORE_H

#include <stdint.h>

#include <lucius/storage.h>

#include "plugins/storage-memory/claims.h"
#include "plugins/storage-memory/job.h"
#include "plugins/storage-memory/slots.h"
#include "plugins/storage-memory/tenants.h"
#include "support/base/decimal.h"
#include "support/hash/hash.h"
#include "support/rows/cursor.h"

struct store {
	struct hash_table jobs;
	struct claims claims;
	struct tenants tenants;
	struct slots slots;
	struct hash_key key;
	uint64_t salt; /* of cursors */
	uint64_t last_serial;
	/* Jobs that ended and hold no slot, in that order: who goes first when memory is full. */
	struct job *first_ended, *last_ended;
	struct job *next_to_check; /* where the next repair goes on; NULL: from the first */
	size_t max_jobs;
	uint32_t max_events; /* of a job */
	uint64_t n_evicted;
	struct bytes scratch;
	struct job_view view;
	char revision[DECIMAL_SIZE]; /* of the job in the view */
	char sentence[512]; /* about the last call that asks for one */
};

/* Random: 24 unpredictable bytes. */
void store_init(struct store *store, const unsigned char random[24]);
void store_finish(struct store *store);

/* Names the job by its id; NULL: there is none. */
struct job *store_find(const struct store *store, struct lucius_text id);

/*
 * The changes return the status that the ABI names for them. On OK and DUPLICATE *ret_job is the
 * job in question; on TOO_LARGE and UNAVAILABLE store->sentence says why.
 */
uint32_t store_create(
        struct store *store, const struct lucius_command *command, struct job **ret_job);
/* Now: Unix time, for a job that ends without saying when. */
uint32_t store_save(
        struct store *store, const struct lucius_job *given, int64_t now_us, struct job **ret_job);
void store_release(struct store *store, struct lucius_text id);
/* Looks at some jobs that ended and removes those that are past their time; returns how many. */
uint32_t store_purge(struct store *store, const struct lucius_repair *repair);

/* What the ABI shows of a job; borrowed until the store is used again. */
#define STORE_SHOW_FIELDS 1u
#define STORE_SHOW_STEPS 2u
const struct lucius_job *store_show(struct store *store, const struct job *job, unsigned what);
void store_show_event(
        struct store *store, const struct event *event, struct lucius_job_event *ret_event);

#endif
