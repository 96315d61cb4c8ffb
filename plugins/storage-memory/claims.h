/* SPDX-License-Identifier: MIT */
/*
 * Claims: which job of a tenant a command's idempotency key, or else its hash, belongs to. Keys and
 * hashes are two name spaces.
 */
#ifndef STORAGE_MEMORY_CLAIMS_H
#define STORAGE_MEMORY_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#include <lucius/storage.h>

#include "support/hash/hash.h"

struct job;
struct tenant;

struct claim {
	struct hash_link link;
	struct job *job; /* borrowed: the holder, which owns the claim */
	const struct tenant *tenant; /* borrowed from the holder */
	bool is_key;
	uint32_t name_size;
	char texts[]; /* the key with its NUL, by key only; then the hash with its NUL */
};

/* All zeros but the key is an empty set. */
struct claims {
	struct hash_table table;
	const struct hash_key *key;
};

/* Of what the command claims for a tenant whose id has that hash. */
uint64_t claims_hash(
        const struct claims *claims, uint64_t tenant_hash, const struct lucius_command *command);
/* Tells what holds the claim of that command, which has that hash; NULL: nobody. */
struct claim *claims_find(const struct claims *claims, const struct tenant *tenant,
        const struct lucius_command *command, uint64_t hash);
/* Makes the job the holder; nobody may be it already. */
void claims_add(struct claims *claims, struct job *job, const struct lucius_command *command,
        uint64_t hash);
/* The job gives its claim up, if it has one. */
void claims_drop(struct claims *claims, struct job *job);

/* The hash of the command that made the claim. */
const char *claim_hash(const struct claim *claim);
/* Takes NULL; the claim is in no set any more, or the set goes too. */
void claim_destroy(struct claim *claim);

#endif
