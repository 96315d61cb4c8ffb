/* SPDX-License-Identifier: MIT */
/*
 * The message ids that a topic knows: those of messages that a subscription still holds, and, with
 * duplicate detection, those that came within the window.
 */
#ifndef BUS_LOCAL_MODEL_IDS_H
#define BUS_LOCAL_MODEL_IDS_H

#include "support/amqp/buffer.h"
#include "support/hash/hash.h"

struct id_record {
	struct hash_link node;
	struct id_record *newer; /* among the remembered */
	int64_t forget_ms; /* remembered until then; 0: only while it is held */
	uint32_t n_held;
	uint32_t size;
	uint8_t id[];
};

/* Zeroed: empty. */
struct ids {
	struct hash_table table;
	struct id_record *oldest; /* remembered ones, in the order of forget_ms */
	struct id_record *newest;
	size_t n_remembered;
	const struct hash_key *key; /* the broker's */
};

void ids_finish(struct ids *ids);

/* NULL if the id is not known. */
struct id_record *ids_find(const struct ids *ids, struct amqp_bytes id);

/* The record of that id, made if need be; the caller holds or remembers it next. */
struct id_record *ids_get(struct ids *ids, struct amqp_bytes id);

void ids_hold(struct id_record *record);
void ids_release(struct ids *ids, struct id_record *record);

/* Remembers it until then (never earlier than the one before); over max_remembered the oldest is
 * forgotten first. The record must not be remembered yet. */
void ids_remember(
        struct ids *ids, struct id_record *record, int64_t forget_ms, size_t max_remembered);

/* Forgets what is remembered no longer. */
void ids_expire(struct ids *ids, int64_t now_ms);

#endif
