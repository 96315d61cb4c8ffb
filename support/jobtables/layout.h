/* SPDX-License-Identifier: MIT */
/* Where the rows of jobs lie (SPEC 6): five tables, or one for everything. */
#ifndef SUPPORT_JOBTABLES_LAYOUT_H
#define SUPPORT_JOBTABLES_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include <lucius/plugin.h>

#define LAYOUT_N_TABLES 5
#define LAYOUT_MAX_SLOTS 10000u /* of a tenant */
#define LAYOUT_MAX_STEPS 64u /* of a job */

/* Names of tables, borrowed. In a ledger all five are the same. */
struct layout {
	bool is_ledger;
	const char *jobs;
	const char *steps;
	const char *claims;
	const char *index;
	const char *slots;
};

/* A row's place; all zeros is none. */
struct place {
	const char *table; /* borrowed */
	char *partition; /* owned, as the next one */
	char *row;
};
void place_finish(struct place *place);
struct place place_copy(const struct place *place);

struct place layout_job(
        const struct layout *layout, struct lucius_text bucket, struct lucius_text job_id);
struct place layout_step(const struct layout *layout, struct lucius_text job_id,
        uint32_t step_index, struct lucius_text step_id);
/* Of a ledger. */
struct place layout_event(const struct layout *layout, struct lucius_text job_id, uint32_t seq);
/* By the key if there is one, else by the hash. */
struct place layout_claim(const struct layout *layout, struct lucius_text tenant_id,
        struct lucius_text key, struct lucius_text hash);
struct place layout_slot(
        const struct layout *layout, struct lucius_text tenant_id, uint32_t number);
/* From a job's id to its tenant and bucket; not in a ledger, where the id is the partition. */
struct place layout_index(const struct layout *layout, struct lucius_text job_id);
/* Newest first within the tenant. */
struct place layout_listing(const struct layout *layout, struct lucius_text tenant_id,
        struct lucius_text created_at, struct lucius_text job_id);
/* Of an owned name. */
struct place layout_name(const struct layout *layout, struct lucius_text name);

/* The partitions of slots begin with this; empty: the table holds nothing else. */
const char *layout_slot_prefix(const struct layout *layout);
/* Owned. */
char *layout_slot_partition(const struct layout *layout, struct lucius_text tenant_id);
char *layout_listing_partition(struct lucius_text tenant_id);
/* The number of a slot's row; false: it is none. */
bool layout_slot_number(const char *row, uint32_t *ret_number);
/* The index and id of a step's row; false: it is none. The id is borrowed from the row. */
bool layout_step_parts(const struct layout *layout, const char *row, uint32_t *ret_step_index,
        const char **ret_step_id);
/* The seq of an event's row; false: it is none. */
bool layout_event_seq(const char *row, uint32_t *ret_seq);

#endif
