/* SPDX-License-Identifier: MIT */
/* Topics with their subscriptions, and what a message that is sent to a topic goes through. */
#ifndef BUS_LOCAL_MODEL_TOPIC_H
#define BUS_LOCAL_MODEL_TOPIC_H

#include "plugins/bus-local/model/ids.h"
#include "plugins/bus-local/model/store.h"

struct rule;
struct subscription;

/* Where a message goes: pairs made before anything is stored. */
struct route {
	struct message *message;
	struct subscription *subscription;
};

#define TOPIC_NAME_MAX 260 /* bytes */

struct topic {
	struct hash_link by_name;
	struct broker *broker;
	char *name; /* owned */
	struct subscription *subscriptions;
	size_t n_subscriptions;
	bool is_queue; /* has one subscription without name, which is received from by its own name
	                */
	int64_t created_ms; /* since 1970 */
	int64_t ttl_ms; /* 0: none */
	int64_t duplicate_window_ms; /* 0: no duplicate detection */
	struct ids ids;
	struct route *routes; /* owned; of the publishing under way */
	size_t n_routes;
	size_t n_routes_allocated;
	struct hash_table scheduled; /* messages that are not to be delivered yet, by number */
	uint64_t last_scheduled;
};

struct subscription {
	struct subscription *next;
	struct topic *topic;
	char *name; /* owned */
	char *address; /* owned: topic/Subscriptions/name */
	char *dead_address; /* owned */
	struct store_settings settings;
	struct store_settings dead_settings;
	struct store active;
	struct store dead_letters;
	struct rule *rules; /* owned list; NULL: gets everything */
	int64_t created_ms; /* since 1970 */
	int64_t idle_ms; /* goes when it had no consumer for so long; 0: stays */
	struct alarm idle;
	bool needs_session; /* declared so; there is no receiving from it */
};

struct topic_settings {
	const char *name;
	int64_t ttl_ms;
	int64_t duplicate_window_ms;
	bool is_queue;
};

struct subscription_settings {
	const char *name;
	int64_t lock_ms;
	int64_t ttl_ms; /* 0: the topic's */
	uint32_t max_delivery_count;
	bool keeps_expired;
	bool needs_session;
	int64_t idle_ms;
	struct rule *rules; /* owned by the subscription from then on */
};

/* NULL: there is one of that name. */
struct topic *topic_create(struct broker *broker, const struct topic_settings *settings);
void topic_destroy(struct topic *topic);

/* Names are compared without regard to the case of ASCII letters. NULL: there is none. */
struct topic *topic_find(const struct broker *broker, struct amqp_bytes name);
struct subscription *subscription_find(const struct topic *topic, struct amqp_bytes name);

/* NULL (the rules are then freed): there is one of that name, or the topic has as many as it may.
 */
struct subscription *subscription_create(
        struct topic *topic, const struct subscription_settings *settings);

/* All topics by name, in an array that the caller owns. */
struct topic **topics_sorted(const struct broker *broker, size_t *ret_n);

/* Drops it with all its messages; it must have no consumer. */
void subscription_remove(struct subscription *subscription);

/* To be called when a consumer has come or gone: starts and stops the idle time. */
void subscription_touch(struct subscription *subscription);

enum publish_outcome {
	PUBLISH_OK,
	PUBLISH_DUPLICATE, /* strict: the topic holds that message id */
	PUBLISH_UNROUTABLE, /* strict: no subscription would get it */
	PUBLISH_FULL, /* a subscription has no room, nothing was stored */
};

struct publishing {
	struct message *const *messages; /* borrowed; taken all or none */
	size_t n_messages;
	/* Refuse what Service Bus would take and drop: duplicates and what nobody gets. */
	bool is_strict;
	bool is_due; /* has waited for its time */
};

/* Ret_full: who has no room, borrowed; set with PUBLISH_FULL only. */
enum publish_outcome topic_publish(
        struct topic *topic, const struct publishing *publishing, const char **ret_full);

#endif
