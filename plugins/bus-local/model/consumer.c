/* SPDX-License-Identifier: MIT */
/* A line of those who can take something; who has got one goes to its end. */
#include "plugins/bus-local/model/consumer.h"

#include "plugins/bus-local/model/broker.h"

static void join_line(struct consumer *consumer)
{
	struct store *store = consumer->store;
	consumer->is_waiting = true;
	consumer->next_waiting = NULL;
	consumer->previous_waiting = store->last_waiting;
	if (store->last_waiting != NULL) {
		store->last_waiting->next_waiting = consumer;
	} else {
		store->first_waiting = consumer;
	}
	store->last_waiting = consumer;
}

static void leave_line(struct consumer *consumer)
{
	struct store *store = consumer->store;
	consumer->is_waiting = false;
	if (consumer->previous_waiting != NULL) {
		consumer->previous_waiting->next_waiting = consumer->next_waiting;
	} else {
		store->first_waiting = consumer->next_waiting;
	}
	if (consumer->next_waiting != NULL) {
		consumer->next_waiting->previous_waiting = consumer->previous_waiting;
	} else {
		store->last_waiting = consumer->previous_waiting;
	}
}

/* In the line exactly if it can take something. */
static void find_place(struct consumer *consumer)
{
	bool can_take = consumer->credit != 0 && !consumer->is_paused;
	if (can_take && !consumer->is_waiting) {
		join_line(consumer);
	} else if (!can_take && consumer->is_waiting) {
		leave_line(consumer);
	}
}

void consumer_attach(struct consumer *consumer, struct store *store)
{
	consumer->store = store;
	consumer->credit = 0;
	consumer->is_waiting = false;
	consumer->is_paused = false;
	consumer->previous = NULL;
	consumer->next = store->consumers;
	if (store->consumers != NULL) {
		store->consumers->previous = consumer;
	}
	store->consumers = consumer;
}

void consumer_detach(struct consumer *consumer)
{
	struct store *store = consumer->store;
	if (store == NULL) {
		return;
	}
	if (consumer->is_waiting) {
		leave_line(consumer);
	}
	if (consumer->previous != NULL) {
		consumer->previous->next = consumer->next;
	} else {
		store->consumers = consumer->next;
	}
	if (consumer->next != NULL) {
		consumer->next->previous = consumer->previous;
	}
	consumer->store = NULL;
}

void consumer_set_credit(struct consumer *consumer, uint32_t credit)
{
	consumer->credit = credit;
	find_place(consumer);
	store_dispatch(consumer->store);
}

void consumer_pause(struct consumer *consumer, bool is_paused)
{
	consumer->is_paused = is_paused;
	find_place(consumer);
	store_dispatch(consumer->store);
}

void consumer_hold(struct consumer *consumer)
{
	consumer->is_paused = true;
	find_place(consumer);
}

static void hand_over(struct consumer *consumer, struct entry *entry)
{
	struct store *store = consumer->store;
	bool lasts = consumer->keeps_locks || consumer->is_destructive;
	entry_lock(entry, lasts ? INT64_MAX : store->broker->now_ms + store->settings->lock_ms);
	entry->holder = consumer->keeps_locks ? consumer : NULL;
	store->broker->counts.n_delivered++;
	consumer->deliver(consumer, entry);
	if (consumer->is_destructive) {
		entry_remove(entry);
	}
}

void store_dispatch(struct store *store)
{
	while (store->first_waiting != NULL) {
		struct entry *entry = store_next(store);
		if (entry == NULL) {
			break;
		}
		struct consumer *consumer = store->first_waiting;
		consumer->credit--;
		leave_line(consumer);
		find_place(consumer);
		hand_over(consumer, entry);
	}
}
