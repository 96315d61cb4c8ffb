/* SPDX-License-Identifier: MIT */
/*
 * The broker without any network: time is told to it, nothing waits and nothing calls back but
 * consumers that get messages. Everything hangs on one `struct broker`.
 */
#ifndef BUS_LOCAL_MODEL_BROKER_H
#define BUS_LOCAL_MODEL_BROKER_H

#include "plugins/bus-local/model/store.h"

struct topic;

struct broker_limits {
	size_t max_messages; /* of a subscription */
	size_t max_bytes; /* of a subscription */
	size_t max_total_bytes; /* of all, a message counted wherever it is held */
	size_t max_subscriptions; /* of a topic */
	size_t max_remembered_ids; /* of a topic, for duplicate detection */
};

struct broker_counts {
	uint64_t n_published;
	uint64_t n_duplicates; /* dropped or refused */
	uint64_t n_unroutable; /* refused, or taken and dropped */
	uint64_t n_refused; /* for lack of room */
	uint64_t n_delivered;
	uint64_t n_completed;
	uint64_t n_returned; /* abandoned or released */
	uint64_t n_locks_expired;
	uint64_t n_expired; /* dropped or dead-lettered */
	uint64_t n_dead_letters;
	uint64_t n_dead_letters_dropped;
};

enum broker_event {
	BROKER_DEAD_LETTER_DROPPED, /* to make room for a newer one */
	BROKER_SUBSCRIPTION_REMOVED /* idle; n: messages that went with it */
};

typedef void (*broker_event_fn)(
        void *user, enum broker_event event, const char *address, uint64_t n);

#define BROKER_RANDOM_SIZE 24

struct broker {
	struct broker_limits limits;
	struct broker_counts counts;
	broker_event_fn on_event; /* may be NULL */
	void *user;
	int64_t now_ms; /* of a clock that never jumps */
	int64_t wall_offset_ms; /* add it for milliseconds since 1970 */
	struct heap alarms;
	struct hash_table locks; /* locked entries by the number of their lock */
	struct hash_table topics; /* by the hash of their names */
	uint64_t last_lock;
	uint64_t last_spare_id;
	uint64_t
	        token_salt; /* second half of each lock token: other brokers' tokens are not ours */
	struct hash_key key;
	size_t n_bytes;
	size_t n_reserved_bytes;
};

/* Random: unpredictable bytes. */
void broker_init(struct broker *broker, const struct broker_limits *limits,
        const uint8_t random[BROKER_RANDOM_SIZE]);

/* Drops everything; all consumers must have been detached. */
void broker_finish(struct broker *broker);

/* Tells the time and does all that is due: locks and messages end, idle subscriptions go. */
void broker_advance(struct broker *broker, int64_t now_ms, int64_t wall_ms);

/* When broker_advance has something to do next; INT64_MAX: not before something else happens. */
int64_t broker_next_due(const struct broker *broker);

/* The number of the lock of a locked entry: never 0, never used again. */
static inline uint64_t entry_lock_number(const struct entry *entry)
{
	return entry->by_lock.hash;
}

/* NULL: that lock is lost. */
struct entry *broker_find_lock(const struct broker *broker, uint64_t lock);

/* The lock as the 16 bytes that receivers see (a delivery tag), and back; 0: not ours. */
void broker_lock_token(const struct broker *broker, uint64_t lock, uint8_t ret_token[16]);
uint64_t broker_read_token(const struct broker *broker, const uint8_t token[16]);

/* A message id for those who have sent none: 32 hexadecimal digits, none twice. */
void broker_spare_id(struct broker *broker, char ret_id[33]);

#endif
