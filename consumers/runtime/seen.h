/* SPDX-License-Identifier: MIT */
/*
 * The directives that were seen: those under way, so that a second delivery joins the first, and
 * for a bounded time those that are done, so that a repeat gets the same RESULT.
 */
#ifndef CONSUMERS_RUNTIME_SEEN_H
#define CONSUMERS_RUNTIME_SEEN_H

#include "consumers/runtime/directive.h"

struct seen;

struct seen_limits {
	size_t max_done; /* entries; those under way are not counted */
	int64_t max_age_ms;
};

/* One directive, by (jobId, stepId, attempt_no, lease_id). Valid until it is done and forgotten. */
struct seen_entry;

/* Never NULL. */
struct seen *seen_create(const struct seen_limits *limits);

/* Takes NULL; runs that are noted are the caller's. */
void seen_destroy(struct seen *seen);

/* NULL if it is not known, or was done too long before now_ms. */
struct seen_entry *seen_find(struct seen *seen, const struct directive *directive, int64_t now_ms);

/* Notes one that is not known yet as under way. */
struct seen_entry *seen_add(struct seen *seen, const struct directive *directive, void *run);

/* What was given to seen_add, NULL once it is done. */
void *seen_run(const struct seen_entry *entry);

/* Notes the RESULT (copied); the oldest that are done are forgotten to keep the limits. */
void seen_finish(
        struct seen *seen, struct seen_entry *entry, struct amqp_bytes result, int64_t now_ms);

/* The RESULT; no bytes while it is under way. Borrowed until the next call. */
struct amqp_bytes seen_result(const struct seen_entry *entry);

/* Forgets one under way that was given back. */
void seen_remove(struct seen *seen, struct seen_entry *entry);

size_t seen_n_done(const struct seen *seen);

#endif
