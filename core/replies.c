/* SPDX-License-Identifier: MIT */
/* The subscriptions of all lanes. One that ends by itself is made anew after a moment. */
#include "core/replies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/backend.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/replies_internal.h"
#include "support/base/memory.h"

/* Replies of a lane that are worked on at once. */
#define LANE_CREDIT 128u
#define AGAIN_MS 2000u

static void subscribe(struct reply_lane *lane);

void replies_ended(struct replies *replies)
{
	replies->n_open--;
	if (replies->n_open == 0 && replies->on_stopped != NULL) {
		lucius_fn on_stopped = replies->on_stopped;
		replies->on_stopped = NULL;
		on_stopped(replies->user);
	}
}

static void on_again(void *user)
{
	struct reply_lane *lane = user;
	lane->again = NULL;
	subscribe(lane);
}

static void on_delivery(void *user, const void *item)
{
	struct reply_lane *lane = user;
	reply_chain_begin(lane->replies, item);
}

static void on_subscription_ended(void *user, uint32_t status, const char *sentence)
{
	struct reply_lane *lane = user;
	lane->subscription.id = 0;
	if (!lane->replies->is_stopping) {
		LOG(LUCIUS_LOG_WARNING, "replies.unsubscribed", sentence,
		        LOG_INTEGER("lane", lane->lane), LOG_STRING("status", status_name(status)));
		lane->again = timer_start(lane->replies->parts.loop, AGAIN_MS, on_again, lane);
	}
	replies_ended(lane->replies);
}

static void subscribe(struct reply_lane *lane)
{
	const struct replies_parts *parts = &lane->replies->parts;
	char topic[160];
	int size = snprintf(topic, sizeof(topic), "%s%u", parts->topic_prefix, lane->lane);
	struct lucius_subscription subscription = {
		.size = sizeof(subscription),
		.credit = LANE_CREDIT,
		.topic = { topic, (size_t)size },
		.name = { parts->subscription, strlen(parts->subscription) },
	};
	const struct op_caller caller = { on_delivery, on_subscription_ended, lane,
		OP_NO_DEADLINE };
	lane->replies->n_open++;
	lane->subscription = bus_subscribe(parts->bus, &subscription, &caller);
}

static void on_unsubscribed(void *user, uint32_t status, const char *sentence)
{
	(void)status;
	(void)sentence;
	replies_ended(user);
}

static void unsubscribe(struct reply_lane *lane)
{
	timer_stop(steal(lane->again));
	if (lane->subscription.id == 0) {
		return;
	}
	const struct op_caller caller = { NULL, on_unsubscribed, lane->replies, OP_NO_DEADLINE };
	lane->replies->n_open++;
	(void)bus_unsubscribe(lane->replies->parts.bus, lane->subscription, &caller);
}

struct replies *replies_create(const struct replies_parts *parts)
{
	struct replies *replies = must_calloc(1, sizeof(*replies));
	replies->parts = *parts;
	replies->lanes = must_calloc(parts->n_lanes, sizeof(*replies->lanes));
	for (uint32_t i = 0; i < parts->n_lanes; i++) {
		replies->lanes[i].replies = replies;
		replies->lanes[i].lane = i;
	}
	replies->dead_letters = dead_letters_create(replies);
	return replies;
}

void replies_start(struct replies *replies)
{
	for (uint32_t i = 0; i < replies->parts.n_lanes; i++) {
		subscribe(&replies->lanes[i]);
	}
	dead_letters_start(replies->dead_letters);
}

static void on_nothing_open(void *user)
{
	replies_ended(user);
}

void replies_reconfigure(struct replies *replies)
{
	dead_letters_reconfigure(replies->dead_letters);
}

void replies_stop(struct replies *replies, lucius_fn on_stopped, void *user)
{
	replies->is_stopping = true;
	replies->on_stopped = on_stopped;
	replies->user = user;
	replies->n_open++;
	for (uint32_t i = 0; i < replies->parts.n_lanes; i++) {
		unsubscribe(&replies->lanes[i]);
	}
	dead_letters_stop(replies->dead_letters);
	reply_chains_stop(replies);
	loop_defer(replies->parts.loop, on_nothing_open, replies);
}

void replies_destroy(struct replies *replies)
{
	if (replies == NULL) {
		return;
	}
	dead_letters_destroy(replies->dead_letters);
	free(replies->lanes);
	free(replies);
}
