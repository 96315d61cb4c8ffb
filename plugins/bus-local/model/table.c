/* SPDX-License-Identifier: MIT */
/* Chained buckets that double when there are as many nodes as buckets. */
#include "plugins/bus-local/model/table.h"

#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"

void table_finish(struct table *table)
{
	free(table->buckets);
	*table = (struct table){ 0 };
}

static struct table_node **bucket_of(const struct table *table, uint64_t key)
{
	/* Consecutive numbers (locks, sequences) spread perfectly, hashes are mixed already. */
	return &table->buckets[key & (table->n_buckets - 1)];
}

static void link_node(struct table *table, struct table_node *node)
{
	struct table_node **bucket = bucket_of(table, node->key);
	node->next = *bucket;
	*bucket = node;
}

static void grow(struct table *table)
{
	struct table old = *table;
	table->n_buckets = old.n_buckets != 0 ? old.n_buckets * 2 : 16;
	table->buckets = must_calloc(table->n_buckets, sizeof(struct table_node *));
	for (size_t i = 0; i < old.n_buckets; i++) {
		struct table_node *next = NULL;
		for (struct table_node *node = old.buckets[i]; node != NULL; node = next) {
			next = node->next;
			link_node(table, node);
		}
	}
	free(old.buckets);
}

void table_insert(struct table *table, struct table_node *node, uint64_t key)
{
	if (table->n == table->n_buckets) {
		grow(table);
	}
	node->key = key;
	link_node(table, node);
	table->n++;
}

void table_remove(struct table *table, struct table_node *node)
{
	struct table_node **at = bucket_of(table, node->key);
	while (*at != node) {
		at = &(*at)->next;
	}
	*at = node->next;
	node->next = NULL;
	table->n--;
}

static struct table_node *with_key(struct table_node *node, uint64_t key)
{
	while (node != NULL && node->key != key) {
		node = node->next;
	}
	return node;
}

struct table_node *table_find(const struct table *table, uint64_t key)
{
	return table->n != 0 ? with_key(*bucket_of(table, key), key) : NULL;
}

struct table_node *table_next(const struct table_node *node)
{
	return with_key(node->next, node->key);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	__extension__ unsigned __int128 product = hash ^ word;
	product *= UINT64_C(0x9e3779b97f4a7c15);
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t table_hash(uint64_t seed, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	uint64_t hash = mix(seed, size + 1);
	uint64_t word = 0;
	for (; size >= sizeof(word); size -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = mix(hash, word);
	}
	word = 0;
	if (size != 0) {
		memcpy(&word, at, size);
	}
	return mix(mix(hash, word), seed);
}

uint64_t table_hash_no_case(uint64_t seed, const char *text, size_t size)
{
	uint64_t hash = mix(seed, size + 1);
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		hash = mix(hash, c >= 'A' && c <= 'Z' ? (uint64_t)c + 32 : c);
	}
	return mix(hash, seed);
}
