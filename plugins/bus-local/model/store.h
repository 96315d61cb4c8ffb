/* SPDX-License-Identifier: MIT */
/*
 * The messages of one subscription (or of its dead-letter queue): which are ready, in which order,
 * which are locked or deferred, and when each of them expires. What happens to a message when a
 * receiver has settled it stands in settle.h, who gets it in consumer.h.
 */
#ifndef BUS_LOCAL_MODEL_STORE_H
#define BUS_LOCAL_MODEL_STORE_H

#include "plugins/bus-local/model/alarm.h"
#include "plugins/bus-local/model/heap.h"
#include "plugins/bus-local/model/message.h"
#include "support/hash/hash.h"

struct broker;
struct consumer;
struct id_record;
struct ids;
struct overrides;
struct store;

enum entry_state { ENTRY_READY, ENTRY_LOCKED, ENTRY_DEFERRED };

/* One message in one store. */
struct entry {
	struct store *store;
	struct message *message; /* a reference of its own */
	struct entry *next; /* in the store, by sequence */
	struct entry *previous;
	struct alarm alarm; /* locked: the end of the lock; else the end of the message */
	struct heap_node returned; /* ready once more: place by sequence */
	struct hash_link by_lock; /* locked: in the broker's locks */
	struct hash_link by_place; /* deferred and not locked: in the store's deferred */
	struct id_record *id; /* holds that message id in ids; may be NULL */
	struct ids *ids; /* borrowed, lives longer */
	struct overrides *overrides; /* owned, may be NULL: changed application properties */
	struct consumer *holder; /* locked by a consumer that keeps its locks, else NULL */
	uint64_t sequence;
	uint64_t first_sequence; /* in the store where it came first */
	int64_t enqueued_ms;
	int64_t expires_ms; /* INT64_MAX: never */
	int64_t locked_until_ms; /* INT64_MAX: until it is settled */
	uint32_t delivery_count;
	enum entry_state state;
	bool is_deferred; /* to be had by its sequence number only */
};

struct store_settings {
	int64_t lock_ms;
	int64_t ttl_ms; /* 0: none */
	uint32_t max_delivery_count; /* 0: no end */
	bool keeps_expired; /* messages that expire become dead letters */
	size_t max_messages;
	size_t max_bytes;
};

struct store {
	struct broker *broker;
	const struct store_settings *settings; /* borrowed, as long as the store lives */
	struct store *dead_letters; /* borrowed; NULL: it is a dead-letter queue itself */
	const char *name; /* borrowed: the address, for logs */
	struct entry *first;
	struct entry *last;
	struct entry *fresh; /* the first that was never taken; all ready ones behind it are so */
	struct heap returned;
	struct hash_table deferred;
	struct consumer *consumers; /* all that are attached */
	struct consumer *first_waiting; /* those with credit, longest wait first */
	struct consumer *last_waiting;
	uint64_t last_sequence;
	size_t n_messages;
	size_t n_bytes;
	size_t n_reserved_messages; /* of a publishing under way */
	size_t n_reserved_bytes;
};

void store_init(struct store *store, struct broker *broker, const struct store_settings *settings);

/* Drops all messages, locked ones too. There must be no consumer. */
void store_finish(struct store *store);

/* True if so many messages more would fit beside those reserved. */
bool store_has_room(const struct store *store, size_t n_messages, size_t n_bytes);

/* Adds at the end; takes a reference of its own. */
struct entry *store_put(struct store *store, struct message *message);

/* The next message that is ready, or NULL; it stays where it is. */
struct entry *store_next(const struct store *store);

/* Locks a ready or deferred message until then (INT64_MAX: until it is settled). */
void entry_lock(struct entry *entry, int64_t until_ms);

/* Moves the end of the lock. */
void entry_extend(struct entry *entry, int64_t until_ms);

/* A locked message is ready (or, if it is a deferred one, deferred) again. */
void entry_unlock(struct entry *entry);

/* Takes it out of its store and frees it, whatever its state. */
void entry_remove(struct entry *entry);

/* Moves it to the dead letters of its store, with the reason as application properties. */
void entry_bury(struct entry *entry, struct amqp_bytes reason, struct amqp_bytes description);

/* A deferred message that is not locked, by its sequence number; or NULL. */
struct entry *store_deferred(const struct store *store, uint64_t sequence);

/* The first message with that sequence number or a higher one; or NULL. */
struct entry *store_from(const struct store *store, uint64_t sequence);

#endif
