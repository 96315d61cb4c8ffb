/* SPDX-License-Identifier: MIT */
/*
 * A hash table of links that are embedded in what they find. The hash is keyed, because the texts
 * come from outside and must not be able to pile up in one bucket.
 */
#ifndef SUPPORT_HASH_HASH_H
#define SUPPORT_HASH_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

struct hash_link {
	struct hash_link *next;
	uint64_t hash;
};

/* All zeros is an empty table. */
struct hash_table {
	struct hash_link **buckets; /* owned; the links are not */
	size_t n_buckets; /* 0 or a power of two */
	size_t n_links;
};

/* SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF"). */
uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t size);

void hash_table_finish(struct hash_table *table);
void hash_table_add(struct hash_table *table, struct hash_link *link, uint64_t hash);
/* The link must be in the table. */
void hash_table_remove(struct hash_table *table, struct hash_link *link);
/* The first link with that hash, or the next one after `after`; NULL: no more. What they are
 * embedded in may differ nevertheless. */
struct hash_link *hash_table_first(const struct hash_table *table, uint64_t hash);
struct hash_link *hash_link_next(const struct hash_link *after);

#endif
