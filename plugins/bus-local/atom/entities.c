/* SPDX-License-Identifier: MIT */
/* Whoever is attached to what is deleted is told that it is not there any more. */
#include "plugins/bus-local/atom/entities.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "plugins/bus-local/amqp/listener.h"
#include "plugins/bus-local/atom/feed.h"
#include "plugins/bus-local/atom/settings.h"
#include "plugins/bus-local/bus.h"
#include "plugins/bus-local/model/rule.h"
#include "plugins/bus-local/topology.h"
#include "support/base/cleanup.h"

CLEANUP_DEFINE(struct element *, tree, tree_destroy)

static int refuse_conflict(struct evbuffer *body, const char *name)
{
	char sentence[400];
	snprintf(sentence, sizeof(sentence),
	        "SubCode=40900. Conflict. The entity '%s' is there already.", name);
	return atom_refuse(body, 409, sentence);
}

static int answer_topic(const struct atom_request *request, struct evbuffer *body,
        const struct topic *topic, int status)
{
	feed_topic(body, request, topic);
	return status;
}

/* A queue is a topic with one subscription of no name. */
static int create_topic(const struct atom_request *request, struct evbuffer *body,
        const struct element *description)
{
	char error[300] = "";
	struct bus *bus = request->bus;
	struct topic_settings settings = { .name = request->path.entity,
		.is_queue = strcmp(description->name, "QueueDescription") == 0 };
	struct subscription_settings inner = topology_defaults(bus->options);
	inner.name = "";
	if (!settings_read_topic(description, &settings, error, sizeof(error)) ||
	        (settings.is_queue &&
	                !settings_read_subscription(description, &inner, error, sizeof(error)))) {
		return atom_refuse(body, 400, error);
	}
	/* A queue that is not used stays, whatever it says; there is nobody to miss it. */
	inner.idle_ms = 0;
	struct topic *topic = topic_create(&bus->broker, &settings);
	if (settings.is_queue) {
		(void)subscription_create(topic, &inner);
	}
	return answer_topic(request, body, topic, 201);
}

static int update_topic(const struct atom_request *request, struct evbuffer *body,
        const struct element *description, struct topic *topic)
{
	char error[300] = "";
	struct topic_settings settings = { .ttl_ms = topic->ttl_ms,
		.duplicate_window_ms = topic->duplicate_window_ms };
	bool is_queue = strcmp(description->name, "QueueDescription") == 0;
	if (is_queue || topic->is_queue) {
		return atom_refuse(body, 400,
		        is_queue == topic->is_queue
		                ? "A queue of this broker cannot be changed: delete it and make "
		                  "it anew."
		                : "A topic cannot become a queue, nor a queue a topic.");
	}
	if (!settings_read_topic(description, &settings, error, sizeof(error))) {
		return atom_refuse(body, 400, error);
	}
	if ((settings.duplicate_window_ms != 0) != (topic->duplicate_window_ms != 0)) {
		return atom_refuse(body, 400, "RequiresDuplicateDetection cannot be changed.");
	}
	topic->ttl_ms = settings.ttl_ms;
	topic->duplicate_window_ms = settings.duplicate_window_ms;
	return answer_topic(request, body, topic, 200);
}

static int put_topic(const struct atom_request *request, struct evbuffer *body,
        const struct element *description)
{
	struct topic *topic = atom_find_topic(request);
	if (topic == NULL) {
		return request->is_update ? atom_refuse_unknown(request, body)
		                          : create_topic(request, body, description);
	}
	return request->is_update ? update_topic(request, body, description, topic)
	                          : refuse_conflict(body, topic->name);
}

static int create_subscription(const struct atom_request *request, struct evbuffer *body,
        const struct element *description, struct topic *topic)
{
	char error[300] = "";
	struct subscription_settings settings = topology_defaults(request->bus->options);
	settings.name = request->path.subscription;
	if (!settings_read_subscription(description, &settings, error, sizeof(error))) {
		return atom_refuse(body, 400, error);
	}
	if (settings.idle_ms >= INT64_C(315360000000)) {
		settings.idle_ms = 0; /* ten years and more: for ever */
	}
	struct subscription *subscription = subscription_create(topic, &settings);
	if (subscription == NULL) {
		return atom_refuse(body, 403, "The topic has as many subscriptions as it may.");
	}
	subscription_name_rules(subscription);
	feed_subscription(body, request, subscription);
	return 201;
}

static int update_subscription(const struct atom_request *request, struct evbuffer *body,
        const struct element *description, struct subscription *subscription)
{
	char error[300] = "";
	struct subscription_settings settings = {
		.lock_ms = subscription->settings.lock_ms,
		.ttl_ms = subscription->settings.ttl_ms,
		.max_delivery_count = subscription->settings.max_delivery_count,
		.keeps_expired = subscription->settings.keeps_expired,
	};
	if (!settings_read_subscription(description, &settings, error, sizeof(error))) {
		return atom_refuse(body, 400, error);
	}
	rules_destroy(settings.rules); /* rules are changed as rules */
	subscription->settings.lock_ms = settings.lock_ms;
	subscription->settings.ttl_ms = settings.ttl_ms;
	subscription->settings.max_delivery_count = settings.max_delivery_count;
	subscription->settings.keeps_expired = settings.keeps_expired;
	subscription->dead_settings.lock_ms = settings.lock_ms;
	feed_subscription(body, request, subscription);
	return 200;
}

static int put_subscription(const struct atom_request *request, struct evbuffer *body,
        const struct element *description)
{
	struct topic *topic = atom_find_topic(request);
	struct subscription *subscription = atom_find_subscription(request);
	if (topic == NULL || topic->is_queue || (subscription == NULL && request->is_update)) {
		return atom_refuse_unknown(request, body);
	}
	if (subscription == NULL) {
		return create_subscription(request, body, description, topic);
	}
	return request->is_update ? update_subscription(request, body, description, subscription)
	                          : refuse_conflict(body, subscription->address);
}

void subscription_name_rules(struct subscription *subscription)
{
	if (subscription->rules == NULL) {
		subscription->rules = rule_create(RULE_ALL, NULL);
		rule_set_name(subscription->rules, RULE_DEFAULT_NAME);
	}
}

struct rule **rule_place(struct subscription *subscription, const char *name)
{
	struct rule **at = &subscription->rules;
	while (*at != NULL && ((*at)->name == NULL || strcasecmp((*at)->name, name) != 0)) {
		at = &(*at)->next;
	}
	return at;
}

static int put_rule(const struct atom_request *request, struct evbuffer *body,
        const struct element *description)
{
	char error[300] = "";
	struct subscription *subscription = atom_find_subscription(request);
	if (subscription == NULL) {
		return atom_refuse_unknown(request, body);
	}
	subscription_name_rules(subscription);
	struct rule **at = rule_place(subscription, request->path.rule);
	if (*at != NULL && !request->is_update) {
		return refuse_conflict(body, (*at)->name);
	}
	if (*at == NULL && request->is_update) {
		return atom_refuse_unknown(request, body);
	}
	struct rule *rule =
	        settings_read_rule(description, request->path.rule, error, sizeof(error));
	if (rule == NULL) {
		return atom_refuse(body, 400, error);
	}
	if (*at != NULL) {
		rule->next = (*at)->next;
		rule_destroy(*at);
	}
	*at = rule;
	feed_rule(body, request, subscription, rule);
	return request->is_update ? 200 : 201;
}

/* entry/content/…Description, whatever the prefixes. */
static const struct element *find_description(const struct element *entry)
{
	const struct element *content = tree_child(entry, "content");
	return content != NULL ? content->first : NULL;
}

static bool is_expected(enum atom_what what, const char *name)
{
	switch (what) {
	case ATOM_ENTITY:
		return strcmp(name, "TopicDescription") == 0 ||
		        strcmp(name, "QueueDescription") == 0;
	case ATOM_SUBSCRIPTION:
		return strcmp(name, "SubscriptionDescription") == 0;
	default:
		return strcmp(name, "RuleDescription") == 0;
	}
}

int entity_put(const struct atom_request *request, struct evbuffer *body)
{
	char error[300] = "";
	CLEANUP(cleanup_tree)
	struct element *entry = tree_read(request->body, request->body_size, error, sizeof(error));
	const struct element *description = entry != NULL ? find_description(entry) : NULL;
	if (description == NULL || !is_expected(request->path.what, description->name)) {
		return atom_refuse(body, 400,
		        error[0] != '\0' ? error : "The body is no entry with a description.");
	}
	switch (request->path.what) {
	case ATOM_ENTITY:
		return put_topic(request, body, description);
	case ATOM_SUBSCRIPTION:
		return put_subscription(request, body, description);
	default:
		return put_rule(request, body, description);
	}
}

/* The process that hosts the broker may receive from it itself. */
static bool is_used_inside(
        const struct bus *bus, const struct topic *topic, const struct subscription *subscription)
{
	const struct subscription *used = NULL;
	for (size_t i = 0; (used = bus_used_inside(bus, i)) != NULL; i++) {
		if (used == subscription || (subscription == NULL && used->topic == topic)) {
			return true;
		}
	}
	return false;
}

static int refuse_used(struct evbuffer *body)
{
	return atom_refuse(
	        body, 409, "The process that hosts this broker receives from it itself.");
}

static int delete_subscription(const struct atom_request *request, struct evbuffer *body)
{
	struct bus *bus = request->bus;
	struct subscription *subscription = atom_find_subscription(request);
	if (subscription == NULL) {
		return atom_refuse_unknown(request, body);
	}
	if (is_used_inside(bus, NULL, subscription)) {
		return refuse_used(body);
	}
	if (bus->listener != NULL) {
		listener_close_links(bus->listener, NULL, subscription);
	}
	subscription_remove(subscription);
	return 200;
}

static int delete_topic(const struct atom_request *request, struct evbuffer *body)
{
	struct bus *bus = request->bus;
	struct topic *topic = atom_find_topic(request);
	if (topic == NULL) {
		return atom_refuse_unknown(request, body);
	}
	if (is_used_inside(bus, topic, NULL)) {
		return refuse_used(body);
	}
	if (bus->listener != NULL) {
		listener_close_links(bus->listener, topic, NULL);
	}
	topic_destroy(topic);
	return 200;
}

/* Without any rule nothing comes: a rule of no name says so. */
static int delete_rule(const struct atom_request *request, struct evbuffer *body)
{
	struct subscription *subscription = atom_find_subscription(request);
	if (subscription == NULL) {
		return atom_refuse_unknown(request, body);
	}
	subscription_name_rules(subscription);
	struct rule **at = rule_place(subscription, request->path.rule);
	struct rule *rule = *at;
	if (rule == NULL) {
		return atom_refuse_unknown(request, body);
	}
	*at = rule->next;
	rule_destroy(rule);
	if (subscription->rules == NULL) {
		subscription->rules = rule_create(RULE_NONE, NULL);
	}
	return 200;
}

int entity_delete(const struct atom_request *request, struct evbuffer *body)
{
	switch (request->path.what) {
	case ATOM_ENTITY:
		return delete_topic(request, body);
	case ATOM_SUBSCRIPTION:
		return delete_subscription(request, body);
	default:
		return delete_rule(request, body);
	}
}
