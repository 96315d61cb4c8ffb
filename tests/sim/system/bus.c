/* SPDX-License-Identifier: MIT */
/*
 * The broker: one queue a lane for directives and one for replies, with peek-lock. A lock is kept
 * alive by the process that has it; it is lost when that dies, stands still or is unlucky, and then
 * the message comes again. Who has had a message too often does not get it any more: it is dead.
 */
#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"
#include "tests/sim/system/world.h"

enum { LOCK_MS = 30000 };

static void destroy(struct message *message)
{
	free(message->body);
	free(message);
}

static void take_out(struct message **list, struct message *message)
{
	while (*list != message) {
		list = &(*list)->next;
	}
	*list = message->next;
	message->next = NULL;
}

static void append(struct message **list, struct message *message)
{
	while (*list != NULL) {
		list = &(*list)->next;
	}
	*list = message;
}

static struct message *find_by_token(struct message *list, uint64_t token)
{
	while (list != NULL && list->token != token) {
		list = list->next;
	}
	return list;
}

struct lock_check {
	struct queue *queue;
	uint64_t token;
	bool is_forced;
};

static void on_lock_check(struct world *world, void *user);

static void plan_check(
        struct world *world, struct queue *queue, uint64_t token, uint64_t after_ms, bool is_forced)
{
	struct lock_check *check = must_calloc(1, sizeof(*check));
	*check = (struct lock_check){ queue, token, is_forced };
	world_at(world, after_ms, on_lock_check, check);
}

static bool is_dead_letter(const struct queue *queue, const struct message *message)
{
	const struct message *at = queue->dead;
	while (at != NULL && at != message) {
		at = at->next;
	}
	return at != NULL;
}

/* The message is ready again; too often given it goes to the dead ones. */
static void unlock(
        struct world *world, struct queue *queue, struct message *message, bool is_counted)
{
	struct receiver *receiver = message->receiver;
	message->receiver = NULL;
	message->token = 0;
	message->delivery_count += is_counted ? 1 : 0;
	if (receiver != NULL) {
		bus_receiver_let_go(receiver);
	}
	if (message->delivery_count >= world->max_deliveries && !is_dead_letter(queue, message)) {
		world_say(world, message->note.job_id, "bus: message %llu is dead",
		        (unsigned long long)message->number);
		take_out(&queue->messages, message);
		message->delivery_count = 0;
		append(&queue->dead, message);
	}
	bus_pump(world, queue);
}

static bool is_alive(const struct world *world, const struct receiver *receiver)
{
	const struct process *process = receiver->process;
	return process_is_here(process, receiver->life) &&
	        process->stalled_until_ms <= world->now_ms;
}

static void on_lock_check(struct world *world, void *user)
{
	struct lock_check check = *(struct lock_check *)user;
	free(user);
	struct message *message = find_by_token(check.queue->messages, check.token);
	if (message == NULL) {
		message = find_by_token(check.queue->dead, check.token);
	}
	if (message == NULL) {
		return;
	}
	bool is_kept = message->receiver != NULL && is_alive(world, message->receiver);
	if (is_kept && !(check.is_forced && !world_is_calm(world))) {
		plan_check(world, check.queue, check.token, LOCK_MS, false);
		return;
	}
	world_say(world, message->note.job_id, "bus: the lock on message %llu is lost",
	        (unsigned long long)message->number);
	unlock(world, check.queue, message, true);
}

static struct receiver *choose_receiver(
        struct world *world, const struct queue *queue, bool is_dead)
{
	struct receiver *chosen = NULL;
	unsigned n = 0;
	for (unsigned i = 0; i < world->n_processes; i++) {
		struct receiver *at = world->processes[i].receivers;
		for (; at != NULL; at = at->next) {
			bool fits = at->queue == queue && at->is_dead_letters == is_dead &&
			        !at->is_closing && at->n_held < at->credit;
			if (fits && world_within(world, n++) == 0) {
				chosen = at;
			}
		}
	}
	return chosen;
}

static void lock(struct world *world, struct queue *queue, struct message *message,
        struct receiver *receiver)
{
	message->receiver = receiver;
	message->token = ++world->bus->n_numbers;
	receiver->n_held++;
	plan_check(world, queue, message->token, LOCK_MS, false);
	if (world_fails(world, world->climate.lock_lost)) {
		plan_check(world, queue, message->token, world_within(world, 2 * LOCK_MS), true);
	}
	bus_hand_over(receiver, message);
}

static void pump_list(struct world *world, struct queue *queue, struct message *list, bool is_dead)
{
	for (struct message *at = list; at != NULL; at = at->next) {
		if (at->token != 0) {
			continue;
		}
		struct receiver *receiver = choose_receiver(world, queue, is_dead);
		if (receiver == NULL) {
			return;
		}
		lock(world, queue, at, receiver);
	}
}

static void drop_expired(struct world *world, struct queue *queue)
{
	for (struct message **at = &queue->messages; *at != NULL;) {
		struct message *message = *at;
		if (message->expires_ms <= world->now_ms && message->token == 0) {
			*at = message->next;
			destroy(message);
		} else {
			at = &message->next;
		}
	}
}

void bus_pump(struct world *world, struct queue *queue)
{
	if (world->bus->out_until_ms > world->now_ms) {
		return;
	}
	drop_expired(world, queue);
	if (!queue->is_replies) {
		while (queue->messages != NULL) {
			struct message *message = queue->messages;
			queue->messages = message->next;
			consumer_take(world, queue, message);
			destroy(message);
		}
		return;
	}
	pump_list(world, queue, queue->messages, false);
	pump_list(world, queue, queue->dead, true);
}

static void on_arrived(struct world *world, void *user)
{
	bus_pump(world, user);
}

void bus_put(struct world *world, struct queue *queue, const char *body, size_t size,
        const char *message_id, uint64_t ttl_ms, const struct reply_note *note)
{
	struct message *message = must_calloc(1, sizeof(*message));
	message->number = ++world->bus->n_numbers;
	message->body = must_copy(body, size);
	message->body_size = size;
	(void)snprintf(message->message_id, sizeof(message->message_id), "%s", message_id);
	message->expires_ms = ttl_ms != 0 ? world->now_ms + ttl_ms : NEVER_MS;
	if (note != NULL) {
		message->note = *note;
	}
	append(&queue->messages, message);
	world_at_with(
	        world, world_latency(world, world->climate.bus_is_slow), on_arrived, queue, NULL);
}

bool bus_holds(const struct queue *queue, const char *message_id)
{
	const struct message *at = queue->messages;
	while (at != NULL && strcmp(at->message_id, message_id) != 0) {
		at = at->next;
	}
	return at != NULL;
}

static struct message *find_locked(
        struct world *world, uint64_t token, struct queue **ret_queue, bool *ret_is_dead)
{
	for (unsigned i = 0; i < world->n_lanes; i++) {
		struct queue *queue = &world->bus->replies[i];
		struct message *message = find_by_token(queue->messages, token);
		*ret_queue = queue;
		*ret_is_dead = message == NULL;
		message = message != NULL ? message : find_by_token(queue->dead, token);
		if (message != NULL) {
			return message;
		}
	}
	return NULL;
}

static void remove_message(
        struct world *world, struct queue *queue, struct message *message, bool is_dead)
{
	struct receiver *receiver = message->receiver;
	take_out(is_dead ? &queue->dead : &queue->messages, message);
	destroy(message);
	if (receiver != NULL) {
		bus_receiver_let_go(receiver);
	}
	bus_pump(world, queue);
}

static void bury(struct world *world, struct queue *queue, struct message *message, bool is_dead,
        struct lucius_text reason)
{
	struct receiver *receiver = message->receiver;
	take_out(is_dead ? &queue->dead : &queue->messages, message);
	message->receiver = NULL;
	message->token = 0;
	(void)snprintf(message->dead_reason, sizeof(message->dead_reason), "%.*s", (int)reason.size,
	        reason.data);
	append(&queue->dead, message);
	if (receiver != NULL) {
		bus_receiver_let_go(receiver);
	}
	bus_pump(world, queue);
}

uint32_t bus_settle_message(struct world *world, const struct process *process,
        const struct lucius_settlement *settlement)
{
	struct queue *queue;
	bool is_dead;
	struct message *message = find_locked(world, settlement->token, &queue, &is_dead);
	if (message == NULL) {
		return LUCIUS_LOCK_LOST;
	}
	switch (settlement->how) {
	case LUCIUS_SETTLE_COMPLETE:
		watch_settled(world, process, &message->note);
		remove_message(world, queue, message, is_dead);
		break;
	case LUCIUS_SETTLE_DEAD_LETTER:
		bury(world, queue, message, is_dead, settlement->reason);
		break;
	default:
		unlock(world, queue, message, settlement->how == LUCIUS_SETTLE_ABANDON);
		break;
	}
	return LUCIUS_OK;
}

static void on_outage_over(struct world *world, void *user)
{
	(void)user;
	for (unsigned i = 0; i < world->n_lanes; i++) {
		bus_pump(world, &world->bus->replies[i]);
		bus_pump(world, &world->bus->directives[i]);
	}
}

static void lose_receivers(struct process *process)
{
	while (process->receivers != NULL) {
		bus_end_receiver(process->receivers, LUCIUS_UNAVAILABLE);
	}
}

void bus_begin_outage(struct world *world, uint64_t ms, bool ends_subscriptions)
{
	world->bus->out_until_ms = world->now_ms + ms;
	world_say(world, NULL, "bus: away for %.1f s", (double)ms / 1000);
	for (unsigned i = 0; i < world->n_processes && ends_subscriptions; i++) {
		struct process *process = &world->processes[i];
		if (process->is_up && process->stalled_until_ms <= world->now_ms) {
			process_enter(process);
			lose_receivers(process);
			process_run(process);
		}
	}
	world_at_with(world, ms, on_outage_over, NULL, NULL);
}

static void forget_locks_of(struct message *list, const struct receiver *receiver)
{
	for (; list != NULL; list = list->next) {
		if (list->receiver == receiver) {
			list->receiver = NULL; /* nobody renews it: it runs out */
		}
	}
}

void bus_forget_receiver(struct receiver *receiver)
{
	forget_locks_of(receiver->queue->messages, receiver);
	forget_locks_of(receiver->queue->dead, receiver);
}

static void clear(struct message **list)
{
	while (*list != NULL) {
		struct message *message = *list;
		*list = message->next;
		destroy(message);
	}
}

void bus_forget(struct world *world)
{
	for (unsigned i = 0; i < MAX_LANES; i++) {
		clear(&world->bus->directives[i].messages);
		clear(&world->bus->replies[i].messages);
		clear(&world->bus->replies[i].dead);
	}
}

void bus_start(struct world *world)
{
	world->bus = must_calloc(1, sizeof(*world->bus));
	for (unsigned i = 0; i < MAX_LANES; i++) {
		world->bus->directives[i].lane = i;
		world->bus->replies[i].lane = i;
		world->bus->replies[i].is_replies = true;
	}
}

void bus_finish(struct world *world)
{
	bus_forget(world);
	free(world->bus);
}

void bus_check_rest(struct world *world)
{
	for (unsigned i = 0; i < world->n_lanes; i++) {
		const struct queue *queue = &world->bus->replies[i];
		if (queue->messages != NULL) {
			world_violate(world, queue->messages->note.job_id,
			        "at rest a reply is left on lane %u", i);
		}
		for (const struct message *at = queue->dead; at != NULL; at = at->next) {
			if (at->dead_reason[0] == '\0') {
				world_violate(world, at->note.job_id,
				        "at rest a reply that the bus gave up was not read back");
			}
		}
	}
}
