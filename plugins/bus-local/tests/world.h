/* SPDX-License-Identifier: MIT */
/* A broker in simulated time with one topic, messages to put in, and consumers that write down. */
#ifndef BUS_LOCAL_TESTS_WORLD_H
#define BUS_LOCAL_TESTS_WORLD_H

#include "plugins/bus-local/model/broker.h"
#include "plugins/bus-local/model/consumer.h"
#include "plugins/bus-local/model/rule.h"
#include "plugins/bus-local/model/settle.h"
#include "plugins/bus-local/model/topic.h"

#define WORLD_MAX_TAKEN 64
#define WORLD_WALL_MS INT64_C(1700000000000)

struct world {
	struct broker broker;
	struct topic *topic; /* "t" */
	unsigned n_events;
	enum broker_event last_event;
};

struct taker {
	struct consumer consumer; /* first */
	uint64_t locks[WORLD_MAX_TAKEN];
	char ids[WORLD_MAX_TAKEN][40];
	uint32_t counts[WORLD_MAX_TAKEN];
	unsigned n;
};

/* What a test message has beside its id. */
struct sample {
	const char *id;
	const char *subject;
	const char *key; /* one application property, may be NULL */
	const char *text;
	const char *body;
	uint32_t ttl_ms;
};

void world_init(struct world *world);
void world_init_with(struct world *world, const struct topic_settings *settings);
void world_finish(struct world *world);
/* Time goes on by so many milliseconds. */
void world_wait(struct world *world, int64_t ms);

/* Lock 60 s, ten deliveries, no time to live, all messages. */
struct subscription_settings world_subscription(const char *name);
struct subscription *world_add(struct world *world, struct subscription_settings settings);

struct message *world_message(const struct sample *sample);
enum publish_outcome world_publish(struct world *world, const struct sample *sample, bool strict);
/* Publishes a message that has nothing but an id. */
void world_send(struct world *world, const char *id);

void taker_attach(struct taker *taker, struct store *store, uint32_t credit);
/* Settles the lock of the nth message taken; false: it is lost. */
bool taker_settle(struct world *world, struct taker *taker, unsigned nth, enum settle_verb verb);
/* The text of an application property as a receiver would see it, or NULL. */
const char *entry_property(const struct entry *entry, const char *name);

/* A world with one subscription and one consumer on it. */
struct scene {
	struct world world;
	struct subscription *sub;
	struct taker taker;
};

void scene_init(struct scene *scene, uint32_t credit);
void scene_finish(struct scene *scene);

#endif
