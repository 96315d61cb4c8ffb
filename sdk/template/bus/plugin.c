/* SPDX-License-Identifier: MIT */
/*
 * bus-mine: a message bus to start from, within one process. This file is the border to the daemon:
 * life, operations, and who gets what; queue.c keeps the messages.
 */
#include <lucius/bus.h>

#include <stdlib.h>
#include <string.h>

#include "queue.h"

#define LOCK_MS 60000 /* a real bus takes a lock away; here it lasts until the settlement */

struct mine {
	const struct lucius_host *host; /* borrowed */
	struct queues queues;
	uint64_t last_token;
	bool is_stopped;
};

/* A subscription that is read. Owned by the list of its queue. */
struct reader {
	struct reader *next;
	struct mine *mine;
	struct queue *queue;
	struct lucius_op op;
	struct lucius_op leaving; /* of unsubscribe; 0: not asked */
	bool is_leaving; /* nothing is given any more */
	uint32_t credit;
	uint32_t n_out; /* given and not settled */
};

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct mine *mine = self;
	(void)error;
	(void)error_size;
	mine->host = host;
	return LUCIUS_OK;
}

static void give(struct reader *reader, struct mail *mail)
{
	struct mine *mine = reader->mine;
	mail->token = ++mine->last_token;
	mail->reader = reader;
	reader->n_out++;
	const struct lucius_delivery delivery = { .size = sizeof(delivery),
		.token = mail->token,
		.message = &mail->message,
		.delivery_count = mail->delivery_count,
		.lock_ms = LOCK_MS };
	mine->host->give(mine->host, reader->op, &delivery);
}

/* Gives as much as the readers' credit allows. */
static void deliver(struct mine *mine, struct queue *queue)
{
	for (struct reader *reader = queue->readers; reader != NULL; reader = reader->next) {
		while (!reader->is_leaving && reader->n_out < reader->credit) {
			struct mail *mail = queue_next(queue, mine->host->now_ms(mine->host));
			if (mail == NULL) {
				return;
			}
			give(reader, mail);
		}
	}
}

/* The reader goes once all that it was given is settled. */
static void check_leaving(struct reader *reader)
{
	const struct lucius_host *host = reader->mine->host;
	struct reader **at = &reader->queue->readers;
	if (!reader->is_leaving || reader->n_out != 0) {
		return;
	}
	while (*at != reader) {
		at = &(*at)->next;
	}
	*at = reader->next;
	lucius_finish(host, reader->op);
	if (reader->leaving.id != 0) {
		lucius_finish(host, reader->leaving);
	}
	free(reader);
}

/* What was given and not settled can be given to others. */
static void end_reader(struct reader *reader)
{
	for (struct mail *mail = reader->queue->first; mail != NULL; mail = mail->next) {
		mail->token = mail->reader == reader ? 0 : mail->token;
		mail->reader = mail->token != 0 ? mail->reader : NULL;
	}
	reader->n_out = 0;
	reader->is_leaving = true;
	check_leaving(reader);
}

static void on_cancelled(void *user)
{
	struct reader *reader = user;
	struct mine *mine = reader->mine;
	struct queue *queue = reader->queue;
	end_reader(reader);
	deliver(mine, queue);
}

static void stop(void *self, struct lucius_op op)
{
	struct mine *mine = self;
	mine->is_stopped = true;
	for (struct queue *queue = mine->queues.first; queue != NULL; queue = queue->next) {
		while (queue->readers != NULL) {
			end_reader(queue->readers);
		}
	}
	lucius_finish(mine->host, op);
}

static void destroy(void *self)
{
	struct mine *mine = self;
	queues_finish(&mine->queues);
}

static void health(void *self, struct lucius_op op)
{
	struct mine *mine = self;
	lucius_finish(mine->host, op);
}

/* Neither DURABLE nor SHARED: the messages live in this process. */
static void info(void *self, struct lucius_bus_info *info)
{
	(void)self;
	info->traits = 0;
}

static bool accepts(struct mine *mine, struct lucius_op op)
{
	if (mine->is_stopped) {
		lucius_fail(mine->host, op, LUCIUS_UNAVAILABLE, "Bus mine has stopped.");
	}
	return !mine->is_stopped;
}

static void publish(void *self, struct lucius_text topic, const struct lucius_message *message,
        struct lucius_op op)
{
	struct mine *mine = self;
	if (!accepts(mine, op)) {
		return;
	}
	uint32_t status = queues_put(&mine->queues, topic, message, mine->host->now_ms(mine->host));
	lucius_fail(mine->host, op, status,
	        status == LUCIUS_UNROUTABLE ? "No subscription would get it." : NULL);
	for (struct queue *queue = mine->queues.first; queue != NULL; queue = queue->next) {
		deliver(mine, queue);
	}
}

static void subscribe(
        void *self, const struct lucius_subscription *subscription, struct lucius_op op)
{
	struct mine *mine = self;
	if (!accepts(mine, op)) {
		return;
	}
	bool is_dead = (subscription->flags & LUCIUS_SUBSCRIPTION_DEAD_LETTERS) != 0;
	struct queue *queue =
	        queues_get(&mine->queues, subscription->topic, subscription->name, is_dead);
	struct reader *reader = calloc(1, sizeof(*reader));
	if (reader == NULL) {
		lucius_fail(mine->host, op, LUCIUS_UNAVAILABLE, "There is no memory.");
		return;
	}
	reader->mine = mine;
	reader->queue = queue;
	reader->op = op;
	reader->credit = subscription->credit;
	reader->next = queue->readers;
	queue->readers = reader;
	mine->host->on_cancel(mine->host, op, on_cancelled, reader);
	deliver(mine, queue);
}

static void settle_mail(struct mine *mine, struct queue *queue, struct mail *mail,
        const struct lucius_settlement *settlement)
{
	uint32_t how = settlement->how;
	mail->token = 0;
	mail->reader = NULL;
	mail->delivery_count += how == LUCIUS_SETTLE_ABANDON ? 1 : 0;
	if (how == LUCIUS_SETTLE_COMPLETE) {
		queue_remove(queue, mail);
		mail_destroy(mail);
	} else if (how == LUCIUS_SETTLE_DEAD_LETTER) {
		struct lucius_text topic = { queue->topic, strlen(queue->topic) };
		struct lucius_text name = { queue->name, strlen(queue->name) };
		struct queue *dead = queues_get(&mine->queues, topic, name, true);
		queue_remove(queue, mail);
		mail_set(mail, "DeadLetterReason", settlement->reason);
		mail_set(mail, "DeadLetterErrorDescription", settlement->description);
		mail->ends_ms = 0;
		queue_add(dead, mail);
		deliver(mine, dead);
	}
}

static void settle(void *self, const struct lucius_settlement *settlement, struct lucius_op op)
{
	struct mine *mine = self;
	struct queue *queue = NULL;
	struct mail *mail = queues_find_token(&mine->queues, settlement->token, &queue);
	if (mail == NULL) {
		lucius_fail(mine->host, op, LUCIUS_LOCK_LOST, NULL);
		return;
	}
	struct reader *reader = mail->reader;
	reader->n_out--;
	settle_mail(mine, queue, mail, settlement);
	lucius_finish(mine->host, op);
	deliver(mine, queue);
	check_leaving(reader);
}

static struct reader *find_reader(const struct mine *mine, struct lucius_op op)
{
	for (struct queue *queue = mine->queues.first; queue != NULL; queue = queue->next) {
		for (struct reader *reader = queue->readers; reader != NULL;
		        reader = reader->next) {
			if (reader->op.id == op.id) {
				return reader;
			}
		}
	}
	return NULL;
}

static void unsubscribe(void *self, struct lucius_op subscription, struct lucius_op op)
{
	struct mine *mine = self;
	struct reader *reader = find_reader(mine, subscription);
	if (reader == NULL || reader->is_leaving) {
		lucius_finish(mine->host, op);
		return;
	}
	reader->is_leaving = true;
	reader->leaving = op;
	check_leaving(reader);
}

static void provision(void *self, const struct lucius_topology *topology, struct lucius_op op)
{
	struct mine *mine = self;
	for (uint64_t i = 0; i < topology->n_subscriptions; i++) {
		const struct lucius_subscription *wanted = topology->subscriptions[i];
		(void)queues_get(&mine->queues, wanted->topic, wanted->name, false);
	}
	lucius_finish(mine->host, op);
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct mine),
	.create = create,
	.stop = stop,
	.destroy = destroy,
	.health = health,
};

static const struct lucius_bus bus = {
	.size = sizeof(bus),
	.info = info,
	.publish = publish,
	.subscribe = subscribe,
	.settle = settle,
	.unsubscribe = unsubscribe,
	.provision = provision,
};

const struct lucius_plugin lucius_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_BUS, "mine"),
	.version = "1",
	.summary = "Topics and subscriptions in this process.",
	.life = &life,
	.option_size = sizeof(struct lucius_option),
	.bus = &bus,
};
