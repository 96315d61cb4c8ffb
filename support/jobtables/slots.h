/* SPDX-License-Identifier: MIT */
/*
 * What is known of the tenants' slots: which numbers are taken and by whom. A number that is
 * believed free is tried with an insert, which decides; that a tenant is full is believed only
 * right after its rows have been read. Of a tenant whose rows were never read any number may be
 * tried as long as no tenant has rows above the limit.
 */
#ifndef SUPPORT_JOBTABLES_SLOTS_H
#define SUPPORT_JOBTABLES_SLOTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lucius/plugin.h>

struct slots;
struct tenant_slots;

struct slots *slots_create(size_t max_tenants);
void slots_destroy(struct slots *slots);

/* Never NULL. Held by the caller until slots_let_go. */
struct tenant_slots *slots_hold(struct slots *slots, struct lucius_text tenant_id);
void slots_let_go(struct slots *slots, struct tenant_slots *tenant);
/* Only if something is known of it; not held. NULL: nothing is. */
struct tenant_slots *slots_find(struct slots *slots, struct lucius_text tenant_id);

/* Who waits for the reading that somebody else has begun. */
struct slots_waiter {
	struct slots_waiter *next;
	/* Rows: what was read, borrowed for the call; NULL: the reading has failed. */
	void (*fn)(void *user, json_t *rows);
	void *user;
};

/* The rows are about to be read: what changes meanwhile is kept beside what will be read. False:
 * somebody is reading them already, and the waiter is called when he is done. */
bool slots_read_begin(struct tenant_slots *tenant, struct slots_waiter *waiter);
/* Takes it out of the line, if it stands in it. */
void slots_forget_waiter(struct tenant_slots *tenant, struct slots_waiter *waiter);
/* A row that was read. Number: of the slot. */
void slots_read_row(struct tenant_slots *tenant, uint32_t number, struct lucius_text job_id);
/* Rows: all that was read; NULL: it has failed, and what was known stays. */
void slots_read_end(struct tenant_slots *tenant, json_t *rows);

/* All tenants' rows of the number `limit` and above are about to be looked for. False: they need
 * not, or it is being done, or a higher limit has been gone by here, so that it would not help. */
bool slots_survey_begin(struct slots *slots, uint32_t limit);
/* Is_clear: there are none. */
void slots_survey_end(struct slots *slots, bool is_clear);
/* A row of that number was met, of any tenant: one above all limits ends what a survey has shown.
 */
void slots_met(struct slots *slots, uint32_t number);

/* Takes a number that is believed free for one's own, so that at most `limit` rows can come about
 * however many processes do the same; random says which. False: none is known to be free. */
bool slots_reserve(
        struct tenant_slots *tenant, uint32_t limit, uint32_t random, uint32_t *ret_number);
/* False: the rows are to be read before it can be said that none is free. */
bool slots_are_known(const struct tenant_slots *tenant);
/* A row of that number is there; job_id empty: somebody else's. Is_sure: of a committed job. */
void slots_taken(
        struct tenant_slots *tenant, uint32_t number, struct lucius_text job_id, bool is_sure);
void slots_freed(struct tenant_slots *tenant, uint32_t number);
/* The slot's job is one that is committed: never asked about again. */
void slots_sure(struct tenant_slots *tenant, uint32_t number, struct lucius_text job_id);
/* The first number from `from` on that is taken by a job which may never have been committed;
 * false: there is none. */
bool slots_doubtful(const struct tenant_slots *tenant, uint32_t from, uint32_t *ret_number);

#endif
