/* SPDX-License-Identifier: MIT */
/*
 * The one place where jobs are read, changed and written: load, apply a rule to the working copy,
 * save against the revision, again after a conflict. Updates of one job in this process take place
 * one after another, so that conflicts come from other processes only; those that wait together
 * share one save. An outcome that is not known is resolved by reading the job again: all rules are
 * such that a repeat does no harm.
 */
#ifndef CORE_LEDGER_H
#define CORE_LEDGER_H

#include <lucius/plugin.h>

#include "core/job_rules.h"

struct backend;
struct ledger;
struct loop;
struct op_caller;

/* Job: the working copy, left as it is unless the rule is RULE_CHANGED, which saves it. Its
 * revision is empty if another change of the same save came before. Now: RFC 3339. May be called
 * again on a fresh copy. */
typedef enum rule (*ledger_change_fn)(void *user, struct job *job, const char *now);

/* Borrowed for the callback. */
struct ledger_result {
	uint32_t status; /* OK, NOT_FOUND, or why the ledger could not be read or written */
	enum rule rule; /* what the change said; only if OK */
	const char *sentence; /* may be NULL */
	/* As the change left it, saved, or as read if nothing was to save; NULL unless OK. */
	struct job *job;
};
typedef void (*ledger_done_fn)(void *user, const struct ledger_result *result);

struct ledger *ledger_create(struct loop *loop, struct backend *storage);
/* No update may be under way. Takes NULL. */
void ledger_destroy(struct ledger *ledger);
struct backend *ledger_storage(const struct ledger *ledger);

/* Done is called once, later. Job_id comes from anywhere: one that is no job id is NOT_FOUND. */
void ledger_update(struct ledger *ledger, const char *job_id, ledger_change_fn change,
        ledger_done_fn done, void *user);
/* As ledger_update, for what nobody hurries about: it waits some milliseconds for another update of
 * the job, to share its save. */
void ledger_update_patiently(struct ledger *ledger, const char *job_id, ledger_change_fn change,
        ledger_done_fn done, void *user);
/* From now on nothing waits for others: the process is about to stop. */
void ledger_hurry(struct ledger *ledger);
/* As ledger_update with a change that changes nothing, and without waiting for others. */
void ledger_read(struct ledger *ledger, const char *job_id, ledger_done_fn done, void *user);
/* As ledger_read, but what this process saved a moment ago will do: another process may have
 * changed it since, as it may after any read. */
void ledger_glance(struct ledger *ledger, const char *job_id, ledger_done_fn done, void *user);
/* The job is in the storage as it stands, with its revision: the next update need not load it. It
 * may be changed then, so the caller, who goes on as one of its owners, only reads it. */
void ledger_remember(struct ledger *ledger, struct job *job);
/* Frees the slot of a job that has ended; the caller is answered and may be NULL. */
void ledger_release(struct ledger *ledger, const struct job *job, const struct op_caller *caller);
/* Updates and reads under way. */
size_t ledger_n_open(const struct ledger *ledger);

/* 32 lower-case hexadecimal digits. */
bool ledger_is_job_id(const char *text);

#endif
