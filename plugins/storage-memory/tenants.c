/* SPDX-License-Identifier: MIT */
/* Tenants and the lists of their jobs. */
#include "plugins/storage-memory/tenants.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/storage-memory/job.h"
#include "support/base/container.h"
#include "support/base/memory.h"

uint64_t tenants_hash(const struct tenants *tenants, struct lucius_text id)
{
	return hash_bytes(tenants->key, id.data, id.size);
}

struct tenant *tenants_find(const struct tenants *tenants, struct lucius_text id, uint64_t hash)
{
	struct hash_link *link = hash_table_first(&tenants->table, hash);
	for (; link != NULL; link = hash_link_next(link)) {
		struct tenant *tenant = CONTAINER(link, struct tenant, link);
		if (tenant->id_size == id.size && memcmp(tenant->id, id.data, id.size) == 0) {
			return tenant;
		}
	}
	return NULL;
}

static struct tenant *tenant_create(struct tenants *tenants, struct lucius_text id, uint64_t hash)
{
	struct tenant *tenant = must_calloc(1, sizeof(*tenant) + id.size + 1);
	tenant->id_size = id.size;
	if (id.size != 0) {
		memcpy(tenant->id, id.data, id.size);
	}
	hash_table_add(&tenants->table, &tenant->link, hash);
	return tenant;
}

void tenants_add_job(struct tenants *tenants, struct lucius_text id, uint64_t hash, struct job *job)
{
	struct tenant *tenant = tenants_find(tenants, id, hash);
	if (tenant == NULL) {
		tenant = tenant_create(tenants, id, hash);
	}
	job->tenant = tenant;
	job->older = tenant->newest;
	if (tenant->newest != NULL) {
		tenant->newest->newer = job;
	}
	tenant->newest = job;
	tenant->n_jobs++;
}

void tenants_remove_job(struct tenants *tenants, struct job *job)
{
	struct tenant *tenant = job->tenant;
	if (job->newer != NULL) {
		job->newer->older = job->older;
	} else {
		tenant->newest = job->older;
	}
	if (job->older != NULL) {
		job->older->newer = job->newer;
	}
	job->newer = NULL;
	job->older = NULL;
	job->tenant = NULL;
	if (--tenant->n_jobs == 0) {
		hash_table_remove(&tenants->table, &tenant->link);
		free(tenant);
	}
}

struct lucius_text tenant_text(const struct tenant *tenant)
{
	return (struct lucius_text){ tenant->id, tenant->id_size };
}
