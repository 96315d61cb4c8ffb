/* SPDX-License-Identifier: MIT */
/* What is asked of topics, queues, subscriptions and rules; refusals have the service's words. */
#include "plugins/bus-local/atom/answer.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plugins/bus-local/amqp/listener.h"
#include "plugins/bus-local/atom/entities.h"
#include "plugins/bus-local/atom/feed.h"
#include "plugins/bus-local/bus.h"
#include "plugins/bus-local/model/rule.h"
#include "plugins/bus-local/model/topic.h"
#include "support/base/cleanup.h"

int atom_refuse(struct evbuffer *body, int status, const char *detail)
{
	(void)evbuffer_add_printf(body, "<Error><Code>%d</Code><Detail>", status);
	for (const char *at = detail; *at != '\0'; at++) {
		const char *plain = *at == '<' ? "&lt;" : *at == '&' ? "&amp;" : NULL;
		(void)evbuffer_add(
		        body, plain != NULL ? plain : at, plain != NULL ? strlen(plain) : 1);
	}
	(void)evbuffer_add_printf(body, "</Detail></Error>");
	return status;
}

int atom_refuse_unknown(const struct atom_request *request, struct evbuffer *body)
{
	char sentence[400];
	snprintf(sentence, sizeof(sentence),
	        "SubCode=40400. The messaging entity '%s' could not be found.", request->url);
	return atom_refuse(body, 404, sentence);
}

struct topic *atom_find_topic(const struct atom_request *request)
{
	return topic_find(&request->bus->broker, amqp_text(request->path.entity));
}

struct subscription *atom_find_subscription(const struct atom_request *request)
{
	struct topic *topic = atom_find_topic(request);
	return topic != NULL && !topic->is_queue
	        ? subscription_find(topic, amqp_text(request->path.subscription))
	        : NULL;
}

/* True for those that the listing is to show: `skip` are passed over, `top` follow. */
static bool is_on_page(const struct atom_request *request, size_t i)
{
	return i >= request->skip && i - request->skip < request->top;
}

static int list_topics(const struct atom_request *request, struct evbuffer *body)
{
	size_t n = 0;
	size_t n_shown = 0;
	bool are_queues = request->path.what == ATOM_QUEUES;
	CLEANUP_FREE struct topic **topics = topics_sorted(&request->bus->broker, &n);
	feed_begin(body, request, are_queues ? "Queues" : "Topics");
	for (size_t i = 0; i < n; i++) {
		if (topics[i]->is_queue == are_queues && is_on_page(request, n_shown++)) {
			feed_topic(body, request, topics[i]);
		}
	}
	feed_end(body, request, n_shown);
	return 200;
}

static int list_subscriptions(const struct atom_request *request, struct evbuffer *body)
{
	size_t i = 0;
	const struct topic *topic = atom_find_topic(request);
	if (topic == NULL || topic->is_queue) {
		return atom_refuse_unknown(request, body);
	}
	feed_begin(body, request, "Subscriptions");
	const struct subscription *one = topic->subscriptions;
	for (; one != NULL; one = one->next) {
		if (is_on_page(request, i++)) {
			feed_subscription(body, request, one);
		}
	}
	feed_end(body, request, i);
	return 200;
}

static int list_rules(const struct atom_request *request, struct evbuffer *body)
{
	size_t i = 0;
	struct subscription *subscription = atom_find_subscription(request);
	if (subscription == NULL) {
		return atom_refuse_unknown(request, body);
	}
	subscription_name_rules(subscription);
	feed_begin(body, request, "Rules");
	for (const struct rule *rule = subscription->rules; rule != NULL; rule = rule->next) {
		if (rule->name != NULL && is_on_page(request, i++)) {
			feed_rule(body, request, subscription, rule);
		}
	}
	feed_end(body, request, i);
	return 200;
}

static int get_one(const struct atom_request *request, struct evbuffer *body)
{
	const struct topic *topic = atom_find_topic(request);
	struct subscription *subscription = atom_find_subscription(request);
	const struct rule *rule = NULL;
	switch (request->path.what) {
	case ATOM_ENTITY:
		if (topic == NULL) {
			return atom_refuse_unknown(request, body);
		}
		feed_topic(body, request, topic);
		return 200;
	case ATOM_SUBSCRIPTION:
		if (subscription == NULL) {
			return atom_refuse_unknown(request, body);
		}
		feed_subscription(body, request, subscription);
		return 200;
	default:
		if (subscription != NULL) {
			subscription_name_rules(subscription);
			rule = *rule_place(subscription, request->path.rule);
		}
		if (rule == NULL) {
			return atom_refuse_unknown(request, body);
		}
		feed_rule(body, request, subscription, rule);
		return 200;
	}
}

static int get(const struct atom_request *request, struct evbuffer *body)
{
	switch (request->path.what) {
	case ATOM_NAMESPACE:
		feed_namespace(body, request);
		return 200;
	case ATOM_TOPICS:
	case ATOM_QUEUES:
		return list_topics(request, body);
	case ATOM_SUBSCRIPTIONS:
		return list_subscriptions(request, body);
	case ATOM_RULES:
		return list_rules(request, body);
	case ATOM_ENTITY:
	case ATOM_SUBSCRIPTION:
	case ATOM_RULE:
		break;
	}
	return get_one(request, body);
}

int atom_answer(const struct atom_request *request, struct evbuffer *body)
{
	bool is_one = request->path.what == ATOM_ENTITY ||
	        request->path.what == ATOM_SUBSCRIPTION || request->path.what == ATOM_RULE;
	switch (request->verb) {
	case ATOM_GET:
		break;
	case ATOM_PUT:
		return is_one ? entity_put(request, body)
		              : atom_refuse(body, 405, "A listing cannot be written.");
	case ATOM_DELETE:
		return is_one ? entity_delete(request, body)
		              : atom_refuse(body, 405, "A listing cannot be deleted.");
	}
	return get(request, body);
}
