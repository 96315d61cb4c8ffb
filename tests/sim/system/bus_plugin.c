/* SPDX-License-Identifier: MIT */
/* The bus plugin of the processes: requests to the broker and back, with what may happen to them.
 */
#include <stdlib.h>
#include <string.h>

#include "core/copy.h"
#include "support/base/memory.h"
#include "tests/sim/system/world.h"

#define LOCK_MS 30000u

struct bus_link {
	const struct lucius_host *host;
	struct process *process;
};

/* A publish or a settle on its way. */
struct bus_request {
	struct bus_request *next, **link;
	struct bus_link *bus;
	struct process *process;
	unsigned life;
	struct lucius_op op;
	struct arena arena;
	const struct lucius_message *message;
	const struct lucius_settlement *settlement;
	unsigned lane;
	bool is_refused, is_answer_lost;
	uint32_t status;
};

static void destroy(void *user)
{
	struct bus_request *request = user;
	arena_finish(&request->arena);
	free(request);
}

static void unlink_request(struct bus_request *request)
{
	if (request->link != NULL) {
		*request->link = request->next;
		if (request->next != NULL) {
			request->next->link = request->link;
		}
		request->link = NULL;
	}
}

static void answer(struct world *world, void *user)
{
	struct bus_request *request = user;
	struct process *process = request->process;
	if (request->link != NULL && process->stalled_until_ms > world->now_ms) {
		world_at_with(
		        world, process->stalled_until_ms - world->now_ms, answer, request, destroy);
		return;
	}
	if (request->link == NULL) {
		destroy(request);
		return;
	}
	process_enter(process);
	if (request->link != NULL) {
		unlink_request(request);
		request->bus->host->finish(request->bus->host, request->op, request->status, NULL);
	}
	destroy(request);
	process_run(process);
}

static uint32_t publish_now(struct world *world, struct bus_request *request)
{
	const struct lucius_message *message = request->message;
	struct queue *queue = &world->bus->directives[request->lane];
	if (world->bus->unroutable_until_ms > world->now_ms) {
		return LUCIUS_UNROUTABLE;
	}
	if (bus_holds(queue, message->message_id.data)) {
		return LUCIUS_DUPLICATE;
	}
	bus_put(world, queue, message->body.data, message->body.size, message->message_id.data,
	        message->ttl_ms, NULL);
	return LUCIUS_OK;
}

static void arrive(struct world *world, void *user)
{
	struct bus_request *request = user;
	if (request->is_refused || world->bus->out_until_ms > world->now_ms) {
		request->status = world_is(world, 70) ? LUCIUS_UNAVAILABLE : LUCIUS_UNKNOWN;
	} else if (request->message != NULL) {
		request->status = publish_now(world, request);
	} else {
		request->status = bus_settle_message(world, request->process, request->settlement);
	}
	if (request->is_answer_lost && !request->is_refused) {
		request->status = LUCIUS_UNKNOWN;
	}
	world_at_with(
	        world, world_latency(world, world->climate.bus_is_slow), answer, request, destroy);
}

static struct bus_request *make(struct bus_link *bus, struct lucius_op op)
{
	struct world *world = bus->process->world;
	struct bus_request *request = must_calloc(1, sizeof(*request));
	request->bus = bus;
	request->process = bus->process;
	request->life = bus->process->life;
	request->op = op;
	request->is_refused = world_fails(world, world->climate.bus_refuses);
	request->is_answer_lost = world_fails(world, world->climate.bus_loses_answer);
	return request;
}

static void send(struct bus_request *request)
{
	struct process *process = request->process;
	struct world *world = process->world;
	if (process->is_zombie) {
		lucius_fail(request->bus->host, request->op, LUCIUS_UNAVAILABLE, "gone");
		destroy(request);
		return;
	}
	request->link = &process->bus_requests;
	request->next = process->bus_requests;
	if (request->next != NULL) {
		request->next->link = &request->next;
	}
	process->bus_requests = request;
	world_at_with(
	        world, world_latency(world, world->climate.bus_is_slow), arrive, request, destroy);
}

static unsigned lane_of(struct lucius_text topic)
{
	size_t at = topic.size;
	while (at > 0 && topic.data[at - 1] >= '0' && topic.data[at - 1] <= '9') {
		at--;
	}
	return (unsigned)strtoul(topic.data + at, NULL, 10);
}

static void info(void *self, struct lucius_bus_info *info)
{
	const struct bus_link *bus = self;
	info->traits = bus->process->world->climate.is_bus_durable
	        ? LUCIUS_BUS_DURABLE | LUCIUS_BUS_SHARED
	        : 0;
}

static void publish(void *self, struct lucius_text topic, const struct lucius_message *message,
        struct lucius_op op)
{
	struct bus_request *request = make(self, op);
	request->message = copy_message(&request->arena, message);
	request->lane = lane_of(topic);
	send(request);
}

static void settle(void *self, const struct lucius_settlement *settlement, struct lucius_op op)
{
	struct bus_request *request = make(self, op);
	request->settlement = copy_settlement(&request->arena, settlement);
	send(request);
}

/* Subscriptions */

static void remove_receiver(struct receiver *receiver)
{
	struct receiver **at = &receiver->process->receivers;
	bus_forget_receiver(receiver);
	while (*at != receiver) {
		at = &(*at)->next;
	}
	*at = receiver->next;
}

void bus_end_receiver(struct receiver *receiver, uint32_t status)
{
	const struct lucius_host *host = receiver->host;
	remove_receiver(receiver);
	host->finish(host, receiver->op, status, NULL);
	if (receiver->unsubscribe.id != 0) {
		lucius_finish(host, receiver->unsubscribe);
	}
	free(receiver);
}

static struct receiver *find_receiver(struct process *process, uint64_t number)
{
	struct receiver *receiver = process->receivers;
	while (receiver != NULL && receiver->number != number) {
		receiver = receiver->next;
	}
	return receiver;
}

struct drained {
	struct process *process;
	unsigned life;
	uint64_t number;
};

static void on_drained(struct world *world, void *user)
{
	struct drained drained = *(struct drained *)user;
	(void)world;
	free(user);
	if (!process_is_here(drained.process, drained.life)) {
		return;
	}
	process_enter(drained.process);
	struct receiver *receiver = find_receiver(drained.process, drained.number);
	if (receiver != NULL) {
		bus_end_receiver(receiver, LUCIUS_OK);
	}
	process_run(drained.process);
}

void bus_receiver_let_go(struct receiver *receiver)
{
	receiver->n_held--;
	if (receiver->is_closing && receiver->n_held == 0) {
		struct drained *drained = must_calloc(1, sizeof(*drained));
		*drained = (struct drained){ receiver->process, receiver->life, receiver->number };
		world_at(receiver->process->world, 1, on_drained, drained);
	}
}

struct handing {
	struct process *process;
	unsigned life;
	uint64_t receiver;
	uint64_t token;
	unsigned delivery_count;
	char *body; /* owned */
	size_t body_size;
	char dead_reason[64];
};

static void drop_handing(void *user)
{
	struct handing *handing = user;
	free(handing->body);
	free(handing);
}

static void give(const struct receiver *receiver, const struct handing *handing)
{
	const struct lucius_field reason = { .name = "DeadLetterReason",
		.value = handing->dead_reason,
		.value_size = (uint32_t)strlen(handing->dead_reason) };
	const struct lucius_message message = {
		.size = sizeof(message),
		.body = { handing->body, handing->body_size },
		.properties = &reason,
		.n_properties = handing->dead_reason[0] != '\0' ? 1 : 0,
	};
	const struct lucius_delivery delivery = {
		.size = sizeof(delivery),
		.token = handing->token,
		.message = &message,
		.delivery_count = handing->delivery_count,
		.lock_ms = LOCK_MS,
	};
	receiver->host->give(receiver->host, receiver->op, &delivery);
}

static void on_handed(struct world *world, void *user)
{
	struct handing *handing = user;
	struct process *process = handing->process;
	if (process_is_here(process, handing->life)) {
		if (process->stalled_until_ms > world->now_ms) {
			world_at_with(world, process->stalled_until_ms - world->now_ms, on_handed,
			        handing, drop_handing);
			return;
		}
		process_enter(process);
		struct receiver *receiver = find_receiver(process, handing->receiver);
		if (receiver != NULL && !receiver->is_closing) {
			give(receiver, handing);
		} else if (receiver != NULL) {
			/* It comes back to the queue as if it had never left. */
			const struct lucius_settlement back = { .size = sizeof(back),
				.how = LUCIUS_SETTLE_RELEASE,
				.token = handing->token };
			(void)bus_settle_message(world, process, &back);
		}
		process_run(process);
	}
	drop_handing(handing);
}

void bus_hand_over(struct receiver *receiver, const struct message *message)
{
	struct world *world = receiver->process->world;
	struct handing *handing = must_calloc(1, sizeof(*handing));
	handing->process = receiver->process;
	handing->life = receiver->life;
	handing->receiver = receiver->number;
	handing->token = message->token;
	handing->delivery_count = message->delivery_count;
	handing->body = must_copy(message->body, message->body_size);
	handing->body_size = message->body_size;
	memcpy(handing->dead_reason, message->dead_reason, sizeof(handing->dead_reason));
	world_at_with(world, world_latency(world, world->climate.bus_is_slow), on_handed, handing,
	        drop_handing);
}

static void on_subscribed(struct world *world, void *user)
{
	bus_pump(world, user);
}

static void subscribe(
        void *self, const struct lucius_subscription *subscription, struct lucius_op op)
{
	struct bus_link *bus = self;
	struct process *process = bus->process;
	struct world *world = process->world;
	if (process->is_zombie || world->bus->out_until_ms > world->now_ms) {
		lucius_fail(bus->host, op, LUCIUS_UNAVAILABLE, "away");
		return;
	}
	struct receiver *receiver = must_calloc(1, sizeof(*receiver));
	receiver->process = process;
	receiver->life = process->life;
	receiver->number = ++world->bus->n_numbers;
	receiver->host = bus->host;
	receiver->op = op;
	receiver->queue = &world->bus->replies[lane_of(subscription->topic)];
	receiver->is_dead_letters = (subscription->flags & LUCIUS_SUBSCRIPTION_DEAD_LETTERS) != 0;
	receiver->credit = subscription->credit;
	receiver->next = process->receivers;
	process->receivers = receiver;
	world_at_with(world, 1, on_subscribed, receiver->queue, NULL);
}

static void unsubscribe(void *self, struct lucius_op subscription, struct lucius_op op)
{
	struct bus_link *bus = self;
	struct receiver *receiver = bus->process->receivers;
	while (receiver != NULL && receiver->op.id != subscription.id) {
		receiver = receiver->next;
	}
	if (receiver == NULL) {
		lucius_finish(bus->host, op);
		return;
	}
	receiver->unsubscribe = op;
	receiver->is_closing = true;
	receiver->n_held++;
	bus_receiver_let_go(receiver);
}

void bus_drop_process(struct process *process)
{
	while (process->bus_requests != NULL) {
		struct bus_request *request = process->bus_requests;
		unlink_request(request);
		lucius_fail(request->bus->host, request->op, LUCIUS_UNAVAILABLE, "gone");
	}
	while (process->receivers != NULL) {
		bus_end_receiver(process->receivers, LUCIUS_UNAVAILABLE);
	}
}

void bus_bury_process(struct process *process)
{
	while (process->bus_requests != NULL) {
		unlink_request(process->bus_requests);
	}
	while (process->receivers != NULL) {
		remove_receiver(process->receivers);
	}
}

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct bus_link *bus = self;
	(void)error;
	(void)error_size;
	bus->host = host;
	bus->process = (struct process *)(uintptr_t)host->options;
	return LUCIUS_OK;
}

static void stop(void *self, struct lucius_op op)
{
	struct bus_link *bus = self;
	bus_drop_process(bus->process);
	lucius_finish(bus->host, op);
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct bus_link),
	.create = create,
	.stop = stop,
};

static const struct lucius_bus table = {
	.size = sizeof(table),
	.info = info,
	.publish = publish,
	.subscribe = subscribe,
	.settle = settle,
	.unsubscribe = unsubscribe,
};

const struct lucius_plugin sim_bus_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_BUS, "sim"),
	.version = LUCIUS_VERSION,
	.summary = "A bus of the simulated world.",
	.life = &life,
	.option_size = sizeof(struct lucius_option),
	.bus = &table,
};
