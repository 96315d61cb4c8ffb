/* SPDX-License-Identifier: MIT */
/*
 * Settling: the disposition goes out on the link and the broker's confirmation is awaited; where
 * the link is gone, or nothing comes, management is asked once with the lock's token.
 */
#include "support/servicebus/private.h"

#include "support/base/memory.h"

#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/disposition.h>

static const char dead_letter[] = "com.microsoft:dead-letter";

/* An error's info has symbols as keys (the standard's type `fields`); strict brokers insist. */
static void put_entry(pn_data_t *map, const char *key, const char *value)
{
	if (value != NULL) {
		(void)pn_data_put_symbol(map, pn_bytes(strlen(key), key));
		(void)pn_data_put_string(map, pn_bytes(strlen(value), value));
	}
}

static void set_dead_letter(pn_delivery_t *delivery, const char *reason, const char *description)
{
	pn_condition_t *condition = pn_disposition_condition(pn_delivery_local(delivery));
	(void)pn_condition_set_name(condition, dead_letter);
	pn_data_t *info = pn_condition_info(condition);
	(void)pn_data_put_map(info);
	(void)pn_data_enter(info);
	put_entry(info, "DeadLetterReason", reason);
	put_entry(info, "DeadLetterErrorDescription", description);
	(void)pn_data_exit(info);
}

void servicebus_dispose(pn_delivery_t *delivery, enum servicebus_settlement how, const char *reason,
        const char *description)
{
	switch (how) {
	case SERVICEBUS_COMPLETE:
		pn_delivery_update(delivery, PN_ACCEPTED);
		break;
	case SERVICEBUS_ABANDON:
		pn_disposition_set_failed(pn_delivery_local(delivery), true);
		pn_delivery_update(delivery, PN_MODIFIED);
		break;
	case SERVICEBUS_DEAD_LETTER:
		if (reason != NULL) {
			set_dead_letter(delivery, reason, description);
		}
		pn_delivery_update(delivery, PN_REJECTED);
		break;
	case SERVICEBUS_RELEASE:
		pn_delivery_update(delivery, PN_RELEASED);
		break;
	}
}

void servicebus_held_told(
        struct servicebus_held *held, enum servicebus_outcome outcome, const char *sentence)
{
	struct servicebus_client *client = held->receiver->link.client;
	servicebus_done_fn done = held->done;
	void *user = held->user;
	client->counts.n_settled += outcome == SERVICEBUS_DONE ? 1 : 0;
	client->counts.n_locks_lost += outcome == SERVICEBUS_LOCK_LOST ? 1 : 0;
	servicebus_held_free(held);
	servicebus_tell(client, done, user, outcome, sentence);
}

/* Within a call of the owner: the same, but told from the loop. */
static void told_later(
        struct servicebus_held *held, enum servicebus_outcome outcome, const char *sentence)
{
	servicebus_tell_later(
	        held->receiver->link.client, held->done, held->user, outcome, sentence);
	held->done = NULL;
	servicebus_held_told(held, outcome, sentence);
}

/* Brokers answer with the outcome that they have recorded. Another one than was asked for is taken
 * as good where the message comes again anyway, but a message that was not completed was not. */
static bool is_echo_good(const struct servicebus_held *held, uint64_t state)
{
	return state == 0 || held->how != SERVICEBUS_COMPLETE || state == PN_ACCEPTED;
}

/* Out of the broker's answer; the sentence is written for failures only. */
static enum servicebus_outcome read_answer(
        const struct servicebus_held *held, pn_delivery_t *delivery, char *text, size_t text_size)
{
	uint64_t state = pn_delivery_remote_state(delivery);
	const char *name = NULL;
	const char *description = NULL;
	if (state == PN_REJECTED) {
		pn_condition_t *condition = pn_disposition_condition(pn_delivery_remote(delivery));
		name = pn_condition_get_name(condition);
		description = pn_condition_get_description(condition);
	}
	if (name != NULL && strcmp(name, dead_letter) != 0) {
		snprintf(text, text_size, "%s: %s", name, description != NULL ? description : "");
		enum servicebus_outcome outcome = servicebus_outcome_of(amqp_text(name));
		return outcome == SERVICEBUS_NOT_FOUND ? SERVICEBUS_LOCK_LOST : outcome;
	}
	if (!is_echo_good(held, state)) {
		snprintf(text, text_size, "the broker settled it otherwise");
		return SERVICEBUS_LOCK_LOST;
	}
	return SERVICEBUS_DONE;
}

void servicebus_held_confirmed(struct servicebus_held *held, pn_delivery_t *delivery)
{
	char text[300] = "";
	bool is_asked = held->state == DELIVERY_SETTLING;
	enum servicebus_outcome outcome = read_answer(held, delivery, text, sizeof(text));
	held->pn = NULL;
	pn_delivery_set_context(delivery, NULL);
	pn_delivery_settle(delivery);
	/* Else it was settled by the broker alone: what the owner will say of it comes too late. */
	if (is_asked) {
		servicebus_held_told(held, outcome, text);
	}
}

static bool has_detour(const struct servicebus_held *held)
{
	const struct servicebus_client *client = held->receiver->link.client;
	bool is_ending = client->is_stopping && client->connection == NULL;
	return held->has_lock && !held->is_lock_lost && !client->settings.has_no_cbs && !is_ending;
}

/* The deadline is the last one: management is asked until then. */
static void take_detour(struct servicebus_held *held)
{
	struct servicebus_client *client = held->receiver->link.client;
	servicebus_held_remove(held);
	held->state = DELIVERY_DETOUR;
	held->is_detour_asked = false;
	held->deadline_ms = servicebus_now_ms() + client->settings.operation_timeout_ms;
	servicebus_held_insert(held);
	servicebus_need_pulse(client);
}

void servicebus_held_orphan(struct servicebus_held *held)
{
	held->pn = NULL;
	if (held->state != DELIVERY_SETTLING) {
		return;
	}
	if (has_detour(held)) {
		take_detour(held);
	} else {
		servicebus_held_told(held, SERVICEBUS_UNKNOWN,
		        "the link was lost before the settlement was confirmed");
	}
}

static void expire(struct servicebus_held *held)
{
	if (held->state == DELIVERY_SETTLING && has_detour(held)) {
		pn_delivery_t *delivery = held->pn;
		held->pn = NULL;
		pn_delivery_set_context(delivery, NULL);
		pn_delivery_settle(delivery);
		take_detour(held);
		return;
	}
	if (held->pn != NULL) {
		pn_delivery_settle(held->pn);
		held->pn = NULL;
	}
	servicebus_held_told(
	        held, SERVICEBUS_UNKNOWN, "the broker did not confirm the settlement in time");
}

void servicebus_settle_expire(struct servicebus_receiver *receiver, int64_t now_ms)
{
	struct servicebus_held *held = receiver->settling.first;
	while (held != NULL && held->deadline_ms <= now_ms) {
		struct servicebus_held *next = held->next;
		expire(held);
		held = next;
	}
}

static char *copy_bytes(struct amqp_bytes bytes)
{
	return bytes.size != 0 ? must_copy(bytes.start, bytes.size) : NULL;
}

static void send_settlement(struct servicebus_held *held)
{
	struct servicebus_receiver *receiver = held->receiver;
	/* Other brokers than Service Bus know no reasons, and some stumble over them. */
	bool has_reasons = !receiver->link.client->settings.has_no_cbs;
	const char *reason = held->reason != NULL ? held->reason : "";
	servicebus_dispose(held->pn, held->how, has_reasons ? reason : NULL, held->description);
	if (receiver->settles_first) {
		pn_delivery_t *delivery = held->pn;
		held->pn = NULL;
		pn_delivery_set_context(delivery, NULL);
		pn_delivery_settle(delivery);
		told_later(held, SERVICEBUS_DONE, "");
	}
}

void servicebus_settle(struct servicebus_client *client, const struct servicebus_settle *settle)
{
	struct servicebus_held *held = servicebus_held_find(client, settle->token);
	if (held == NULL || held->state != DELIVERY_GIVEN) {
		servicebus_tell_later(client, settle->done, settle->user, SERVICEBUS_LOCK_LOST,
		        "the delivery is not known or settled already");
		return;
	}
	servicebus_held_remove(held);
	held->state = held->pn != NULL ? DELIVERY_SETTLING : DELIVERY_DETOUR;
	held->how = settle->how;
	held->reason = copy_bytes(settle->reason);
	held->description = copy_bytes(settle->description);
	held->done = settle->done;
	held->user = settle->user;
	held->deadline_ms = servicebus_now_ms() + client->settings.operation_timeout_ms;
	servicebus_held_insert(held);
	if (held->pn != NULL) {
		send_settlement(held);
	} else if (!has_detour(held)) {
		told_later(held, SERVICEBUS_LOCK_LOST,
		        "the link that the delivery came by is gone, and its lock with it");
	}
	servicebus_need_pulse(client);
	servicebus_wake(client);
}
