/* SPDX-License-Identifier: MIT */
/* Claims by idempotency key or hash. */
#include "plugins/storage-memory/claims.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/storage-memory/job.h"
#include "plugins/storage-memory/tenants.h"
#include "support/base/container.h"
#include "support/base/memory.h"

static bool has_key(const struct lucius_command *command)
{
	return command->idempotency_key.size != 0;
}

/* What the command is known by: its key, else its hash. */
static struct lucius_text name_of(const struct lucius_command *command)
{
	return has_key(command) ? command->idempotency_key : command->idempotency_hash;
}

uint64_t claims_hash(
        const struct claims *claims, uint64_t tenant_hash, const struct lucius_command *command)
{
	struct lucius_text name = name_of(command);
	struct {
		uint64_t tenant, name, is_key;
	} parts = { tenant_hash, hash_bytes(claims->key, name.data, name.size), has_key(command) };
	return hash_bytes(claims->key, &parts, sizeof(parts));
}

struct claim *claims_find(const struct claims *claims, const struct tenant *tenant,
        const struct lucius_command *command, uint64_t hash)
{
	struct lucius_text name = name_of(command);
	struct hash_link *link = hash_table_first(&claims->table, hash);
	for (; link != NULL; link = hash_link_next(link)) {
		struct claim *claim = CONTAINER(link, struct claim, link);
		if (claim->tenant == tenant && claim->is_key == has_key(command) &&
		        claim->name_size == name.size &&
		        memcmp(claim->texts, name.data, name.size) == 0) {
			return claim;
		}
	}
	return NULL;
}

void claims_add(
        struct claims *claims, struct job *job, const struct lucius_command *command, uint64_t hash)
{
	struct lucius_text key = command->idempotency_key;
	struct lucius_text text = command->idempotency_hash;
	size_t key_size = has_key(command) ? key.size + 1 : 0;
	struct claim *claim = must_calloc(1, sizeof(*claim) + key_size + text.size + 1);
	claim->job = job;
	claim->tenant = job->tenant;
	claim->is_key = has_key(command);
	claim->name_size = (uint32_t)name_of(command).size;
	if (has_key(command)) {
		memcpy(claim->texts, key.data, key.size);
	}
	if (text.size != 0) {
		memcpy(claim->texts + key_size, text.data, text.size);
	}
	job->claim = claim;
	hash_table_add(&claims->table, &claim->link, hash);
}

void claims_drop(struct claims *claims, struct job *job)
{
	if (job->claim != NULL) {
		hash_table_remove(&claims->table, &job->claim->link);
		claim_destroy(job->claim);
		job->claim = NULL;
	}
}

const char *claim_hash(const struct claim *claim)
{
	return claim->is_key ? claim->texts + claim->name_size + 1 : claim->texts;
}

void claim_destroy(struct claim *claim)
{
	free(claim);
}
