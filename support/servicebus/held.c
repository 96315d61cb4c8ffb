/* SPDX-License-Identifier: MIT */
/* Deliveries that are held: found by a token of slot and generation, so that none is used twice. */
#include "support/servicebus/private.h"

#include "support/base/memory.h"

#define SLOTS_MORE 64
/* Of a token: 16 million deliveries at a time, 10^12 uses of a slot. */
#define SLOT_BITS 24
#define SLOT_MASK ((UINT64_C(1) << SLOT_BITS) - 1)

static void add_slots(struct servicebus_client *client)
{
	uint32_t n = client->n_slots + SLOTS_MORE;
	client->slots = must_resize(client->slots, n, sizeof(struct servicebus_held *));
	while (client->n_slots < n) {
		struct servicebus_held *held = must_calloc(1, sizeof(*held));
		held->slot = client->n_slots;
		held->next = client->free_slots;
		client->free_slots = held;
		client->slots[client->n_slots++] = held;
	}
}

struct servicebus_held *servicebus_held_create(struct servicebus_receiver *receiver)
{
	struct servicebus_client *client = receiver->link.client;
	if (client->free_slots == NULL) {
		add_slots(client);
	}
	struct servicebus_held *held = client->free_slots;
	client->free_slots = held->next;
	*held = (struct servicebus_held){
		.slot = held->slot,
		.generation = held->generation + 1,
		.state = DELIVERY_GIVEN,
		.receiver = receiver,
	};
	return held;
}

uint64_t servicebus_held_token(const struct servicebus_held *held)
{
	return held->generation << SLOT_BITS | (held->slot + 1);
}

struct servicebus_held *servicebus_held_find(struct servicebus_client *client, uint64_t token)
{
	uint64_t slot = (token & SLOT_MASK) - 1;
	if (slot >= client->n_slots) {
		return NULL;
	}
	struct servicebus_held *held = client->slots[slot];
	bool is_it = held->state != DELIVERY_FREE && held->generation == token >> SLOT_BITS;
	return is_it ? held : NULL;
}

struct servicebus_held_list *servicebus_held_list(struct servicebus_held *held)
{
	return held->state == DELIVERY_GIVEN ? &held->receiver->given : &held->receiver->settling;
}

void servicebus_held_remove(struct servicebus_held *held)
{
	struct servicebus_held_list *list = servicebus_held_list(held);
	if (held->previous != NULL) {
		held->previous->next = held->next;
	} else {
		list->first = held->next;
	}
	if (held->next != NULL) {
		held->next->previous = held->previous;
	} else {
		list->last = held->previous;
	}
	list->count--;
}

/* In the order of the time at which something is due; nearly always that is the end. */
static bool is_due_after(const struct servicebus_held *a, const struct servicebus_held *b)
{
	return a->state == DELIVERY_GIVEN ? a->renew_at_ms > b->renew_at_ms
	                                  : a->deadline_ms > b->deadline_ms;
}

void servicebus_held_insert(struct servicebus_held *held)
{
	struct servicebus_held_list *list = servicebus_held_list(held);
	struct servicebus_held *before = list->last;
	while (before != NULL && is_due_after(before, held)) {
		before = before->previous;
	}
	held->previous = before;
	held->next = before != NULL ? before->next : list->first;
	if (held->next != NULL) {
		held->next->previous = held;
	} else {
		list->last = held;
	}
	if (before != NULL) {
		before->next = held;
	} else {
		list->first = held;
	}
	list->count++;
}

void servicebus_held_free(struct servicebus_held *held)
{
	struct servicebus_client *client = held->receiver->link.client;
	servicebus_held_remove(held);
	if (held->pn != NULL) {
		pn_delivery_set_context(held->pn, NULL);
	}
	free(held->reason);
	free(held->description);
	held->reason = NULL;
	held->description = NULL;
	held->pn = NULL;
	held->state = DELIVERY_FREE;
	held->receiver = NULL;
	held->next = client->free_slots;
	client->free_slots = held;
}
