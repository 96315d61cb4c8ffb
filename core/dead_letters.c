/* SPDX-License-Identifier: MIT */
/*
 * Replies that the bus dead-lettered itself (delivered too often, expired) are read back and taken
 * as any other, one lane after another, every so often. Those that were dead-lettered here, with a
 * reason of ours, stay: they are held until the lane has been gone through, then given back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/backend.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/replies_internal.h"
#include "support/base/fault.h"
#include "support/base/memory.h"

#define CREDIT 64u
#define IDLE_MS 3000u

struct dead_letters {
	struct replies *replies;
	struct timer *timer; /* of the next pass */
	int64_t seconds; /* that it was set with */
	uint32_t lane; /* under way */
	struct lucius_op subscription; /* id 0: none */
	struct timer *idle; /* ends the lane when nothing more comes */
	uint64_t held[CREDIT]; /* tokens to give back */
	uint32_t n_held;
};

static void next_lane(struct dead_letters *pass);

static void on_time(void *user)
{
	struct dead_letters *pass = user;
	pass->timer = NULL;
	pass->lane = 0;
	next_lane(pass);
}

static void wait_for_time(struct dead_letters *pass)
{
	if (FAULT(dead_letters_not_read)) {
		return;
	}
	pass->seconds = *pass->replies->parts.dlq_seconds;
	if (pass->seconds != 0 && !pass->replies->is_stopping) {
		pass->timer = timer_start(
		        pass->replies->parts.loop, (uint64_t)pass->seconds * 1000, on_time, pass);
	}
}

void dead_letters_reconfigure(struct dead_letters *pass)
{
	if (pass->timer != NULL && pass->seconds != *pass->replies->parts.dlq_seconds) {
		timer_stop(steal(pass->timer));
		wait_for_time(pass);
	}
}

static void on_unsubscribed(void *user, uint32_t status, const char *sentence)
{
	(void)status;
	(void)sentence;
	replies_ended(user);
}

static void on_ended(void *user, uint32_t status, const char *sentence)
{
	struct dead_letters *pass = user;
	(void)sentence;
	struct replies *replies = pass->replies;
	pass->subscription.id = 0;
	pass->n_held = 0; /* what was held went with the subscription */
	timer_stop(steal(pass->idle));
	pass->lane++;
	if (status == LUCIUS_UNSUPPORTED || pass->lane == replies->parts.n_lanes) {
		wait_for_time(pass);
	} else if (!replies->is_stopping) {
		next_lane(pass);
	}
	replies_ended(replies);
}

static void close_lane(void *user)
{
	struct dead_letters *pass = user;
	pass->idle = NULL;
	const struct op_caller caller = { NULL, on_unsubscribed, pass->replies, OP_NO_DEADLINE };
	pass->replies->n_open++;
	(void)bus_unsubscribe(pass->replies->parts.bus, pass->subscription, &caller);
	for (uint32_t i = 0; i < pass->n_held; i++) {
		reply_chain_give_back(pass->replies, pass->held[i]);
	}
	pass->n_held = 0;
}

/* The reason that was given when it was dead-lettered (an application property). */
static bool is_ours(const struct lucius_message *message)
{
	for (uint64_t i = 0; i < message->n_properties; i++) {
		const struct lucius_field *field = &message->properties[i];
		if (strcmp(field->name, "DeadLetterReason") == 0) {
			return strcmp(field->value, "JobUnknown") == 0 ||
			        strcmp(field->value, "NotAReply") == 0;
		}
	}
	return false;
}

/* Held until the lane has been gone through, else it would come again and again. */
static void hold(struct dead_letters *pass, uint64_t token)
{
	if (pass->idle == NULL) {
		/* The lane is being closed: nothing comes again. */
		reply_chain_give_back(pass->replies, token);
		return;
	}
	pass->held[pass->n_held++] = token;
	if (pass->n_held == CREDIT) {
		timer_stop(steal(pass->idle));
		close_lane(pass);
	}
}

static void on_delivery(void *user, const void *item)
{
	struct dead_letters *pass = user;
	const struct lucius_delivery *delivery = item;
	if (pass->idle != NULL) {
		timer_stop(pass->idle);
		pass->idle = timer_start(pass->replies->parts.loop, IDLE_MS, close_lane, pass);
	}
	if (is_ours(delivery->message)) {
		hold(pass, delivery->token);
		return;
	}
	LOG(LUCIUS_LOG_INFO, "reply.read_back", NULL, LOG_INTEGER("lane", pass->lane));
	reply_chain_begin(pass->replies, delivery);
}

static void next_lane(struct dead_letters *pass)
{
	const struct replies_parts *parts = &pass->replies->parts;
	char topic[160];
	int size = snprintf(topic, sizeof(topic), "%s%u", parts->topic_prefix, pass->lane);
	struct lucius_subscription subscription = {
		.size = sizeof(subscription),
		.credit = CREDIT,
		.flags = LUCIUS_SUBSCRIPTION_DEAD_LETTERS,
		.topic = { topic, (size_t)size },
		.name = { parts->subscription, strlen(parts->subscription) },
	};
	const struct op_caller caller = { on_delivery, on_ended, pass, OP_NO_DEADLINE };
	pass->replies->n_open++;
	pass->idle = timer_start(parts->loop, IDLE_MS, close_lane, pass);
	pass->subscription = bus_subscribe(parts->bus, &subscription, &caller);
}

struct dead_letters *dead_letters_create(struct replies *replies)
{
	struct dead_letters *pass = must_calloc(1, sizeof(*pass));
	pass->replies = replies;
	return pass;
}

void dead_letters_start(struct dead_letters *pass)
{
	wait_for_time(pass);
}

void dead_letters_stop(struct dead_letters *pass)
{
	timer_stop(steal(pass->timer));
	if (pass->idle != NULL) {
		timer_stop(steal(pass->idle));
		close_lane(pass);
	}
}

void dead_letters_destroy(struct dead_letters *pass)
{
	free(pass);
}
