/* SPDX-License-Identifier: MIT */
/* What the tests of the model share. */
#include "plugins/bus-local/tests/world.h"

#include <assert.h>
#include <stdio.h>

#include "plugins/bus-local/model/overrides.h"
#include "support/base/cleanup.h"

static void on_event(void *user, enum broker_event event, const char *address, uint64_t n)
{
	struct world *world = user;
	(void)address;
	(void)n;
	world->n_events++;
	world->last_event = event;
}

void world_init_with(struct world *world, const struct topic_settings *settings)
{
	static const struct broker_limits limits = {
		.max_messages = 1000,
		.max_bytes = 1 << 20,
		.max_total_bytes = 1 << 22,
		.max_subscriptions = 10,
		.max_remembered_ids = 100,
	};
	static const uint8_t random[BROKER_RANDOM_SIZE] = "twenty-four bytes, all.";
	*world = (struct world){ 0 };
	broker_init(&world->broker, &limits, random);
	world->broker.on_event = on_event;
	world->broker.user = world;
	broker_advance(&world->broker, 1000, WORLD_WALL_MS);
	world->topic = topic_create(&world->broker, settings);
}

void world_init(struct world *world)
{
	world_init_with(world, &(struct topic_settings){ .name = "t" });
}

void world_finish(struct world *world)
{
	broker_finish(&world->broker);
}

void world_wait(struct world *world, int64_t ms)
{
	struct broker *broker = &world->broker;
	int64_t wall_ms = broker->now_ms + broker->wall_offset_ms;
	broker_advance(broker, broker->now_ms + ms, wall_ms + ms);
}

struct subscription_settings world_subscription(const char *name)
{
	return (struct subscription_settings){
		.name = name, .lock_ms = 60000, .max_delivery_count = 10
	};
}

struct subscription *world_add(struct world *world, struct subscription_settings settings)
{
	return subscription_create(world->topic, &settings);
}

struct message *world_message(const struct sample *sample)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer encoded = { 0 };
	struct amqp_application_property property = { .name = amqp_text(sample->key),
		.text = amqp_text(sample->text) };
	struct amqp_draft draft = {
		.message_id = amqp_text(sample->id),
		.subject = amqp_text(sample->subject),
		.ttl_ms = sample->ttl_ms,
		.properties = &property,
		.n_properties = sample->key != NULL ? 1 : 0,
		.body = amqp_text(sample->body != NULL ? sample->body : "{}"),
	};
	const char *error = NULL;
	amqp_message_write(&encoded, &draft);
	struct message *message =
	        message_decode(amqp_buffer_bytes(&encoded), amqp_text("spare"), &error);
	assert(message != NULL);
	return message;
}

enum publish_outcome world_publish(struct world *world, const struct sample *sample, bool strict)
{
	const char *full = NULL;
	struct message *message = world_message(sample);
	struct publishing publishing = {
		.messages = &message, .n_messages = 1, .is_strict = strict
	};
	enum publish_outcome outcome = topic_publish(world->topic, &publishing, &full);
	message_drop(message);
	return outcome;
}

void world_send(struct world *world, const char *id)
{
	enum publish_outcome outcome = world_publish(world, &(struct sample){ .id = id }, false);
	assert(outcome == PUBLISH_OK);
}

static void deliver(struct consumer *consumer, struct entry *entry)
{
	struct taker *taker = (struct taker *)consumer;
	assert(taker->n < WORLD_MAX_TAKEN);
	taker->locks[taker->n] = entry_lock_number(entry);
	taker->counts[taker->n] = entry->delivery_count;
	snprintf(taker->ids[taker->n], sizeof(taker->ids[0]), "%.*s", (int)entry->message->id.size,
	        (const char *)entry->message->id.start);
	taker->n++;
}

void taker_attach(struct taker *taker, struct store *store, uint32_t credit)
{
	taker->consumer.deliver = deliver;
	taker->n = 0;
	consumer_attach(&taker->consumer, store);
	consumer_set_credit(&taker->consumer, credit);
}

bool taker_settle(struct world *world, struct taker *taker, unsigned nth, enum settle_verb verb)
{
	struct entry *entry = broker_find_lock(&world->broker, taker->locks[nth]);
	struct settlement settlement = {
		.verb = verb, .reason = amqp_text("Why"), .description = amqp_text("because")
	};
	if (entry == NULL) {
		return false;
	}
	settle(entry, &settlement);
	return true;
}

const char *entry_property(const struct entry *entry, const char *name)
{
	static char text[256];
	CLEANUP(amqp_buffer_finish) struct amqp_buffer section = { 0 };
	struct amqp_bytes old = entry->message->application_properties;
	struct amqp_value value;
	if (entry->overrides != NULL) {
		overrides_put_section(entry->overrides, old, &section);
	} else {
		amqp_buffer_append(&section, old.start, old.size);
	}
	if (!amqp_section_find(amqp_buffer_bytes(&section), name, &value)) {
		return NULL;
	}
	snprintf(
	        text, sizeof(text), "%.*s", (int)value.bytes.size, (const char *)value.bytes.start);
	return text;
}

void scene_init(struct scene *scene, uint32_t credit)
{
	*scene = (struct scene){ 0 };
	world_init(&scene->world);
	scene->sub = world_add(&scene->world, world_subscription("s"));
	taker_attach(&scene->taker, &scene->sub->active, credit);
}

void scene_finish(struct scene *scene)
{
	consumer_detach(&scene->taker.consumer);
	world_finish(&scene->world);
}
