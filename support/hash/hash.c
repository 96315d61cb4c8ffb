/* SPDX-License-Identifier: MIT */
/* A hash table with embedded links, and SipHash. */
#include "support/hash/hash.h"

#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"

#define N_BUCKETS_AT_FIRST 64

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t word, unsigned n)
{
	return word << n | word >> (64 - n);
}

static void sip_round(struct sip *sip)
{
	sip->v0 += sip->v1;
	sip->v2 += sip->v3;
	sip->v1 = rotate(sip->v1, 13) ^ sip->v0;
	sip->v3 = rotate(sip->v3, 16) ^ sip->v2;
	sip->v0 = rotate(sip->v0, 32);
	sip->v2 += sip->v1;
	sip->v0 += sip->v3;
	sip->v1 = rotate(sip->v1, 17) ^ sip->v2;
	sip->v3 = rotate(sip->v3, 21) ^ sip->v0;
	sip->v2 = rotate(sip->v2, 32);
}

static void sip_word(struct sip *sip, uint64_t word)
{
	sip->v3 ^= word;
	sip_round(sip);
	sip_round(sip);
	sip->v0 ^= word;
}

static uint64_t read_word(const unsigned char *bytes, size_t size)
{
	uint64_t word = 0;
	for (size_t i = 0; i < size; i++) {
		word |= (uint64_t)bytes[i] << 8 * i;
	}
	return word;
}

uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t size)
{
	struct sip sip = { key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du,
		key->k0 ^ 0x6c7967656e657261u, key->k1 ^ 0x7465646279746573u };
	const unsigned char *at = bytes;
	size_t n_left = size;
	for (; n_left >= 8; n_left -= 8, at += 8) {
		sip_word(&sip, read_word(at, 8));
	}
	sip_word(&sip, read_word(at, n_left) | (uint64_t)size << 56);
	sip.v2 ^= 0xff;
	for (int i = 0; i < 4; i++) {
		sip_round(&sip);
	}
	return sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
}

void hash_table_finish(struct hash_table *table)
{
	free(table->buckets);
	*table = (struct hash_table){ 0 };
}

static struct hash_link **bucket_of(const struct hash_table *table, uint64_t hash)
{
	return &table->buckets[hash & (table->n_buckets - 1)];
}

static void put(struct hash_table *table, struct hash_link *link)
{
	struct hash_link **bucket = bucket_of(table, link->hash);
	link->next = *bucket;
	*bucket = link;
}

static void grow(struct hash_table *table)
{
	struct hash_table old = *table;
	table->n_buckets = old.n_buckets != 0 ? old.n_buckets * 2 : N_BUCKETS_AT_FIRST;
	table->buckets = must_calloc(table->n_buckets, sizeof(struct hash_link *));
	for (size_t i = 0; i < old.n_buckets; i++) {
		struct hash_link *next = NULL;
		for (struct hash_link *link = old.buckets[i]; link != NULL; link = next) {
			next = link->next;
			put(table, link);
		}
	}
	free(old.buckets);
}

void hash_table_add(struct hash_table *table, struct hash_link *link, uint64_t hash)
{
	/* Half of the buckets stay empty: most of what is not there is found out without a look at
	 * any link, each of which is a miss of the processor's cache in a large table. */
	if (table->n_links >= table->n_buckets / 2) {
		grow(table);
	}
	link->hash = hash;
	put(table, link);
	table->n_links++;
}

void hash_table_remove(struct hash_table *table, struct hash_link *link)
{
	struct hash_link **at = bucket_of(table, link->hash);
	while (*at != link) {
		at = &(*at)->next;
	}
	*at = link->next;
	link->next = NULL;
	table->n_links--;
}

static struct hash_link *with_hash(struct hash_link *link, uint64_t hash)
{
	while (link != NULL && link->hash != hash) {
		link = link->next;
	}
	return link;
}

struct hash_link *hash_table_first(const struct hash_table *table, uint64_t hash)
{
	return table->n_buckets != 0 ? with_hash(*bucket_of(table, hash), hash) : NULL;
}

struct hash_link *hash_link_next(const struct hash_link *after)
{
	return with_hash(after->next, after->hash);
}
