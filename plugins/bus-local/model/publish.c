/* SPDX-License-Identifier: MIT */
/*
 * A publishing goes through three passes: find who gets what and whether there is room, store all
 * of it, hand over. So a batch is taken as a whole or not at all.
 */
#include "plugins/bus-local/model/topic.h"

#include "plugins/bus-local/model/broker.h"
#include "plugins/bus-local/model/consumer.h"
#include "plugins/bus-local/model/rule.h"
#include "plugins/bus-local/model/schedule.h"
#include "support/base/memory.h"

static bool is_wanted(const struct subscription *subscription, struct view *view)
{
	const struct rule *rule = subscription->rules;
	if (rule == NULL) {
		return true;
	}
	while (rule != NULL && !rule_matches(rule, view)) {
		rule = rule->next;
	}
	return rule != NULL;
}

static void add_route(
        struct topic *topic, struct message *message, struct subscription *subscription)
{
	struct store *store = &subscription->active;
	size_t size = message_size(message);
	if (topic->n_routes == topic->n_routes_allocated) {
		topic->n_routes_allocated =
		        topic->n_routes_allocated != 0 ? topic->n_routes_allocated * 2 : 16;
		topic->routes = must_resize(
		        topic->routes, topic->n_routes_allocated, sizeof(*topic->routes));
	}
	topic->routes[topic->n_routes++] =
	        (struct route){ .message = message, .subscription = subscription };
	store->n_reserved_messages++;
	store->n_reserved_bytes += size;
	store->broker->n_reserved_bytes += size;
}

static void clear_reservations(struct topic *topic)
{
	for (size_t i = 0; i < topic->n_routes; i++) {
		struct store *store = &topic->routes[i].subscription->active;
		store->n_reserved_messages = 0;
		store->n_reserved_bytes = 0;
	}
	topic->broker->n_reserved_bytes = 0;
}

/* Finds those who get the message; the name of one that has no room, or NULL. */
static const char *route(struct topic *topic, struct message *message)
{
	struct view view;
	struct subscription *subscription = topic->subscriptions;
	view_init(&view, message);
	for (; subscription != NULL; subscription = subscription->next) {
		if (!is_wanted(subscription, &view)) {
			continue;
		}
		if (!store_has_room(&subscription->active, 1, message_size(message))) {
			return subscription->address;
		}
		add_route(topic, message, subscription);
	}
	return NULL;
}

static bool is_remembered(const struct topic *topic, const struct message *message)
{
	if (topic->duplicate_window_ms == 0) {
		return false;
	}
	const struct id_record *record = ids_find(&topic->ids, message->id);
	return record != NULL && record->forget_ms != 0;
}

static bool is_known(const struct topic *topic, const struct message *message)
{
	return ids_find(&topic->ids, message->id) != NULL;
}

static bool is_early(const struct topic *topic, const struct publishing *publishing, size_t i)
{
	const struct broker *broker = topic->broker;
	const struct message *message = publishing->messages[i];
	return !publishing->is_due &&
	        message->scheduled_ms > broker->now_ms + broker->wall_offset_ms;
}

static enum publish_outcome plan(
        struct topic *topic, const struct publishing *publishing, const char **ret_full)
{
	for (size_t i = 0; i < publishing->n_messages; i++) {
		struct message *message = publishing->messages[i];
		size_t n_before = topic->n_routes;
		if (publishing->is_strict && is_known(topic, message)) {
			return PUBLISH_DUPLICATE;
		}
		if (is_early(topic, publishing, i)) {
			if (!schedule_has_room(topic, i + 1)) {
				*ret_full = topic->name;
				return PUBLISH_FULL;
			}
			continue;
		}
		*ret_full = route(topic, message);
		if (*ret_full != NULL) {
			return PUBLISH_FULL;
		}
		if (publishing->is_strict && topic->n_routes == n_before) {
			return PUBLISH_UNROUTABLE;
		}
	}
	return PUBLISH_OK;
}

static void put(struct topic *topic, const struct route *route)
{
	struct entry *entry = store_put(&route->subscription->active, route->message);
	entry->ids = &topic->ids;
	entry->id = ids_get(&topic->ids, route->message->id);
	ids_hold(entry->id);
}

static void remember(
        struct topic *topic, const struct publishing *publishing, const struct message *message)
{
	if (topic->duplicate_window_ms != 0 && !publishing->is_due) {
		ids_remember(&topic->ids, ids_get(&topic->ids, message->id),
		        topic->broker->now_ms + topic->duplicate_window_ms,
		        topic->broker->limits.max_remembered_ids);
	}
}

static void store_routed(struct topic *topic, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++) {
		put(topic, &topic->routes[i]);
	}
	topic->broker->counts.n_unroutable += first == end ? 1 : 0;
}

static void store_all(struct topic *topic, const struct publishing *publishing)
{
	struct broker_counts *counts = &topic->broker->counts;
	size_t end = 0;
	for (size_t i = 0; i < publishing->n_messages; i++) {
		struct message *message = publishing->messages[i];
		size_t first = end;
		while (end < topic->n_routes && topic->routes[end].message == message) {
			end++;
		}
		if (!publishing->is_due && is_remembered(topic, message)) {
			counts->n_duplicates++;
			continue;
		}
		counts->n_published++;
		if (is_early(topic, publishing, i)) {
			schedule_message(topic, message);
		} else {
			store_routed(topic, first, end);
		}
		remember(topic, publishing, message);
	}
}

static void count_refusal(struct broker_counts *counts, enum publish_outcome outcome)
{
	counts->n_duplicates += outcome == PUBLISH_DUPLICATE ? 1 : 0;
	counts->n_unroutable += outcome == PUBLISH_UNROUTABLE ? 1 : 0;
	counts->n_refused += outcome == PUBLISH_FULL ? 1 : 0;
}

enum publish_outcome topic_publish(
        struct topic *topic, const struct publishing *publishing, const char **ret_full)
{
	const char *full = NULL;
	ids_expire(&topic->ids, topic->broker->now_ms);
	topic->n_routes = 0;
	enum publish_outcome outcome = plan(topic, publishing, &full);
	clear_reservations(topic);
	if (outcome != PUBLISH_OK) {
		count_refusal(&topic->broker->counts, outcome);
		*ret_full = full;
		return outcome;
	}
	store_all(topic, publishing);
	for (size_t i = 0; i < topic->n_routes; i++) {
		store_dispatch(&topic->routes[i].subscription->active);
	}
	return PUBLISH_OK;
}
