/* SPDX-License-Identifier: MIT */
/* A hash table of embedded nodes by a number; for texts the number is the text's hash. */
#ifndef BUS_LOCAL_MODEL_TABLE_H
#define BUS_LOCAL_MODEL_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table_node {
	uint64_t key;
	struct table_node *next; /* in the same bucket */
};

/* Zeroed: empty. Several nodes may have the same key. */
struct table {
	struct table_node **buckets; /* owned */
	size_t n;
	size_t n_buckets; /* a power of two, or 0 */
};

/* Forgets the nodes, which stay their owners'. */
void table_finish(struct table *table);

/* The node must be in no table. */
void table_insert(struct table *table, struct table_node *node, uint64_t key);

/* The node must be in this table. */
void table_remove(struct table *table, struct table_node *node);

/* A node with that key, or NULL; table_next gives the others with the same key. */
struct table_node *table_find(const struct table *table, uint64_t key);
struct table_node *table_next(const struct table_node *node);

/* A hash that depends on the seed, so that a peer cannot choose texts that fall together. */
uint64_t table_hash(uint64_t seed, const void *bytes, size_t size);

/* The same for texts that differ in the case of ASCII letters only. */
uint64_t table_hash_no_case(uint64_t seed, const char *text, size_t size);

#endif
