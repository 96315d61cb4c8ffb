/* SPDX-License-Identifier: MIT */
/* Tenants: how many slots each one uses, and its jobs in the order in which they were created. */
#ifndef STORAGE_MEMORY_TENANTS_H
#define STORAGE_MEMORY_TENANTS_H

#include <stdint.h>

#include <lucius/storage.h>

#include "support/hash/hash.h"

struct job;

/* Lives as long as it has jobs. */
struct tenant {
	struct hash_link link;
	struct job *newest; /* borrowed; then by job->older */
	uint32_t n_jobs;
	uint32_t n_slots;
	size_t id_size;
	char id[];
};

/* All zeros but the key is an empty set. */
struct tenants {
	struct hash_table table;
	const struct hash_key *key;
};

/* Of a tenant's id, for who asks for it more than once. */
uint64_t tenants_hash(const struct tenants *tenants, struct lucius_text id);
/* NULL: it has no jobs. */
struct tenant *tenants_find(const struct tenants *tenants, struct lucius_text id, uint64_t hash);
/* Adds a job as the tenant's newest; makes the tenant if it is new. */
void tenants_add_job(
        struct tenants *tenants, struct lucius_text id, uint64_t hash, struct job *job);
/* Takes the job out; the tenant goes with its last job. */
void tenants_remove_job(struct tenants *tenants, struct job *job);
struct lucius_text tenant_text(const struct tenant *tenant);

#endif
