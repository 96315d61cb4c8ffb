/* SPDX-License-Identifier: MIT */
/* One record an id; it goes when it is neither held nor remembered. */
#include "plugins/bus-local/model/ids.h"

#include <stdlib.h>

#include "support/base/container.h"
#include "support/base/memory.h"

static struct id_record *record_of(struct hash_link *node)
{
	return CONTAINER(node, struct id_record, node);
}

void ids_finish(struct ids *ids)
{
	for (size_t i = 0; i < ids->table.n_buckets; i++) {
		struct hash_link *next = NULL;
		for (struct hash_link *at = ids->table.buckets[i]; at != NULL; at = next) {
			next = at->next;
			free(record_of(at));
		}
	}
	hash_table_finish(&ids->table);
	ids->oldest = NULL;
	ids->newest = NULL;
	ids->n_remembered = 0;
}

static struct id_record *find(const struct ids *ids, struct amqp_bytes id, uint64_t hash)
{
	struct hash_link *node = hash_table_first(&ids->table, hash);
	for (; node != NULL; node = hash_link_next(node)) {
		struct id_record *record = record_of(node);
		if (amqp_bytes_equal(amqp_bytes(record->id, record->size), id)) {
			return record;
		}
	}
	return NULL;
}

struct id_record *ids_find(const struct ids *ids, struct amqp_bytes id)
{
	return find(ids, id, hash_bytes(ids->key, id.start, id.size));
}

struct id_record *ids_get(struct ids *ids, struct amqp_bytes id)
{
	uint64_t hash = hash_bytes(ids->key, id.start, id.size);
	struct id_record *record = find(ids, id, hash);
	if (record == NULL) {
		record = must_calloc(1, sizeof(*record) + id.size);
		record->size = (uint32_t)id.size;
		if (id.size != 0) {
			memcpy(record->id, id.start, id.size);
		}
		hash_table_add(&ids->table, &record->node, hash);
	}
	return record;
}

static void free_if_unused(struct ids *ids, struct id_record *record)
{
	if (record->n_held == 0 && record->forget_ms == 0) {
		hash_table_remove(&ids->table, &record->node);
		free(record);
	}
}

void ids_hold(struct id_record *record)
{
	record->n_held++;
}

void ids_release(struct ids *ids, struct id_record *record)
{
	record->n_held--;
	free_if_unused(ids, record);
}

static void forget_oldest(struct ids *ids)
{
	struct id_record *record = ids->oldest;
	ids->oldest = record->newer;
	if (ids->oldest == NULL) {
		ids->newest = NULL;
	}
	record->newer = NULL;
	record->forget_ms = 0;
	ids->n_remembered--;
	free_if_unused(ids, record);
}

void ids_remember(
        struct ids *ids, struct id_record *record, int64_t forget_ms, size_t max_remembered)
{
	record->forget_ms = forget_ms;
	if (ids->newest != NULL) {
		ids->newest->newer = record;
	} else {
		ids->oldest = record;
	}
	ids->newest = record;
	ids->n_remembered++;
	while (ids->n_remembered > max_remembered && ids->oldest != record) {
		forget_oldest(ids);
	}
}

void ids_expire(struct ids *ids, int64_t now_ms)
{
	while (ids->oldest != NULL && ids->oldest->forget_ms <= now_ms) {
		forget_oldest(ids);
	}
}
