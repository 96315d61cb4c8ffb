/* SPDX-License-Identifier: MIT */
/* Making and finding topics and subscriptions; what is sent to them stands in publish.c. */
#include "plugins/bus-local/model/topic.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "plugins/bus-local/model/broker.h"
#include "plugins/bus-local/model/rule.h"
#include "plugins/bus-local/model/schedule.h"
#include "support/base/container.h"
#include "support/base/memory.h"

static bool is_same_name(const char *name, struct amqp_bytes other)
{
	return strlen(name) == other.size &&
	        strncasecmp(name, (const char *)other.start, other.size) == 0;
}

/* The same for names that differ in the case of ASCII letters only. */
static uint64_t hash_name(const struct broker *broker, struct amqp_bytes name)
{
	char lower[TOPIC_NAME_MAX];
	size_t size = name.size < sizeof(lower) ? name.size : sizeof(lower);
	for (size_t i = 0; i < size; i++) {
		char c = (char)name.start[i];
		lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	return hash_bytes(&broker->key, lower, size);
}

struct topic *topic_find(const struct broker *broker, struct amqp_bytes name)
{
	struct hash_link *node = hash_table_first(&broker->topics, hash_name(broker, name));
	for (; node != NULL; node = hash_link_next(node)) {
		struct topic *topic = CONTAINER(node, struct topic, by_name);
		if (is_same_name(topic->name, name)) {
			return topic;
		}
	}
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct topic *const *first = a;
	const struct topic *const *second = b;
	return strcasecmp((*first)->name, (*second)->name);
}

struct topic **topics_sorted(const struct broker *broker, size_t *ret_n)
{
	struct topic **sorted = must_calloc(broker->topics.n_links, sizeof(*sorted));
	size_t n = 0;
	for (size_t i = 0; i < broker->topics.n_buckets; i++) {
		struct hash_link *node = broker->topics.buckets[i];
		for (; node != NULL; node = node->next) {
			sorted[n++] = CONTAINER(node, struct topic, by_name);
		}
	}
	qsort(sorted, n, sizeof(struct topic *), by_name);
	*ret_n = n;
	return sorted;
}

struct subscription *subscription_find(const struct topic *topic, struct amqp_bytes name)
{
	struct subscription *subscription = topic->subscriptions;
	while (subscription != NULL && !is_same_name(subscription->name, name)) {
		subscription = subscription->next;
	}
	return subscription;
}

struct topic *topic_create(struct broker *broker, const struct topic_settings *settings)
{
	struct amqp_bytes name = amqp_text(settings->name);
	if (topic_find(broker, name) != NULL) {
		return NULL;
	}
	struct topic *topic = must_calloc(1, sizeof(*topic));
	topic->broker = broker;
	topic->name = must_copy(settings->name, strlen(settings->name));
	topic->is_queue = settings->is_queue;
	topic->created_ms = broker->now_ms + broker->wall_offset_ms;
	topic->ttl_ms = settings->ttl_ms;
	topic->duplicate_window_ms = settings->duplicate_window_ms;
	topic->ids.key = &broker->key;
	hash_table_add(&broker->topics, &topic->by_name, hash_name(broker, name));
	return topic;
}

static void subscription_destroy(struct subscription *subscription)
{
	struct broker *broker = subscription->topic->broker;
	alarm_set(&broker->alarms, &subscription->idle, INT64_MAX);
	store_finish(&subscription->active);
	store_finish(&subscription->dead_letters);
	rules_destroy(subscription->rules);
	free(subscription->name);
	free(subscription->address);
	free(subscription->dead_address);
	free(subscription);
}

void topic_destroy(struct topic *topic)
{
	while (topic->subscriptions != NULL) {
		struct subscription *subscription = topic->subscriptions;
		topic->subscriptions = subscription->next;
		subscription_destroy(subscription);
	}
	schedule_finish(topic);
	ids_finish(&topic->ids);
	hash_table_remove(&topic->broker->topics, &topic->by_name);
	free(topic->routes);
	free(topic->name);
	free(topic);
}

void subscription_remove(struct subscription *subscription)
{
	struct subscription **at = &subscription->topic->subscriptions;
	while (*at != subscription) {
		at = &(*at)->next;
	}
	*at = subscription->next;
	subscription->topic->n_subscriptions--;
	subscription_destroy(subscription);
}

static void on_idle(struct alarm *alarm)
{
	struct subscription *subscription = CONTAINER(alarm, struct subscription, idle);
	struct broker *broker = subscription->topic->broker;
	size_t n = subscription->active.n_messages + subscription->dead_letters.n_messages;
	if (broker->on_event != NULL) {
		broker->on_event(
		        broker->user, BROKER_SUBSCRIPTION_REMOVED, subscription->address, n);
	}
	subscription_remove(subscription);
}

void subscription_touch(struct subscription *subscription)
{
	struct broker *broker = subscription->topic->broker;
	bool is_used = subscription->active.consumers != NULL ||
	        subscription->dead_letters.consumers != NULL;
	bool stays = is_used || subscription->idle_ms == 0;
	alarm_set(&broker->alarms, &subscription->idle,
	        stays ? INT64_MAX : broker->now_ms + subscription->idle_ms);
}

static char *join(const char *a, const char *b, const char *c)
{
	size_t size = strlen(a) + strlen(b) + strlen(c) + 1;
	char *joined = must_calloc(size, 1);
	snprintf(joined, size, "%s%s%s", a, b, c);
	return joined;
}

static int64_t shorter_ttl(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static void init_stores(
        struct subscription *subscription, const struct subscription_settings *settings)
{
	struct broker *broker = subscription->topic->broker;
	subscription->settings = (struct store_settings){
		.lock_ms = settings->lock_ms,
		.ttl_ms = shorter_ttl(settings->ttl_ms, subscription->topic->ttl_ms),
		.max_delivery_count = settings->max_delivery_count,
		.keeps_expired = settings->keeps_expired,
		.max_messages = broker->limits.max_messages,
		.max_bytes = broker->limits.max_bytes,
	};
	subscription->dead_settings = subscription->settings;
	subscription->dead_settings.ttl_ms = 0;
	subscription->dead_settings.max_delivery_count = 0;
	store_init(&subscription->active, broker, &subscription->settings);
	store_init(&subscription->dead_letters, broker, &subscription->dead_settings);
	subscription->active.dead_letters = &subscription->dead_letters;
	subscription->active.name = subscription->address;
	subscription->dead_letters.name = subscription->dead_address;
}

struct subscription *subscription_create(
        struct topic *topic, const struct subscription_settings *settings)
{
	bool is_full = topic->n_subscriptions >= topic->broker->limits.max_subscriptions;
	if (is_full || subscription_find(topic, amqp_text(settings->name)) != NULL) {
		rules_destroy(settings->rules);
		return NULL;
	}
	struct subscription *subscription = must_calloc(1, sizeof(*subscription));
	subscription->topic = topic;
	subscription->created_ms = topic->broker->now_ms + topic->broker->wall_offset_ms;
	subscription->name = must_copy(settings->name, strlen(settings->name));
	subscription->address = topic->is_queue
	        ? join(topic->name, "", "")
	        : join(topic->name, "/Subscriptions/", settings->name);
	subscription->dead_address = join(subscription->address, "/$DeadLetterQueue", "");
	subscription->rules = settings->rules;
	subscription->needs_session = settings->needs_session;
	subscription->idle_ms = settings->idle_ms;
	subscription->idle.fire = on_idle;
	init_stores(subscription, settings);
	subscription->next = topic->subscriptions;
	topic->subscriptions = subscription;
	topic->n_subscriptions++;
	subscription_touch(subscription);
	return subscription;
}
