/* SPDX-License-Identifier: MIT */
/* Sends: they wait for link and credit, are out until the broker has answered, and end once. */
#include "support/servicebus/private.h"

#include "support/amqp/link.h"
#include "support/base/memory.h"

#include <inttypes.h>
#include <proton/condition.h>

/* What proton may hold of messages that the peer's session window does not admit yet. */
#define MAX_BUFFERED ((size_t)1024 * 1024)

static void append(struct servicebus_send_list *list, struct servicebus_send_op *op)
{
	op->next = NULL;
	op->previous = list->last;
	if (list->last != NULL) {
		list->last->next = op;
	} else {
		list->first = op;
	}
	list->last = op;
	list->count++;
}

static void take_out(struct servicebus_send_list *list, struct servicebus_send_op *op)
{
	if (op->previous != NULL) {
		op->previous->next = op->next;
	} else {
		list->first = op->next;
	}
	if (op->next != NULL) {
		op->next->previous = op->previous;
	} else {
		list->last = op->previous;
	}
	list->count--;
}

/* The op is out of its list already. */
static void end_op(struct servicebus_sender *sender, struct servicebus_send_op *op,
        enum servicebus_outcome outcome, const char *sentence)
{
	if (op->pn != NULL) {
		pn_delivery_set_context(op->pn, NULL);
		pn_delivery_settle(op->pn);
	}
	amqp_buffer_finish(&op->encoded);
	servicebus_tell(sender->link.client, op->done, op->user, outcome, sentence);
	free(op);
}

static void end_all(struct servicebus_sender *sender, struct servicebus_send_list *list,
        enum servicebus_outcome outcome, const char *sentence)
{
	/* Those that a callback adds are not meant. */
	struct servicebus_send_op *last = list->last;
	while (list->first != NULL) {
		struct servicebus_send_op *op = list->first;
		take_out(list, op);
		bool is_last = op == last;
		end_op(sender, op, outcome, sentence);
		if (is_last) {
			return;
		}
	}
}

static bool is_too_large(const struct servicebus_sender *sender, size_t size)
{
	return sender->max_message_size != 0 && size > sender->max_message_size;
}

static void describe_size(
        const struct servicebus_sender *sender, size_t size, char *text, size_t text_size)
{
	snprintf(text, text_size, "the message has %zu bytes, '%s' takes at most %" PRIu64, size,
	        sender->link.address, sender->max_message_size);
}

static bool has_room(const struct servicebus_client *client)
{
	return client->connection != NULL && client->sessions[SESSION_SENDERS] != NULL &&
	        !amqp_connection_is_congested(client->connection) &&
	        pn_session_outgoing_bytes(client->sessions[SESSION_SENDERS]) < MAX_BUFFERED;
}

/* A link that lacks nothing but room will not be told by the broker when there is some. */
static bool may_send(struct servicebus_sender *sender)
{
	struct servicebus_link *link = &sender->link;
	if (link->state != LINK_UP || pn_link_credit(link->pn) <= 0 ||
	        servicebus_now_ms() < sender->busy_until_ms) {
		return false;
	}
	if (!has_room(link->client)) {
		link->client->waits_for_room = true;
		return false;
	}
	return true;
}

static void transmit(
        struct servicebus_sender *sender, struct servicebus_send_op *op, struct amqp_bytes encoded)
{
	struct servicebus_link *link = &sender->link;
	uint64_t tag = ++sender->last_tag;
	op->pn = amqp_delivery_start(link->pn, amqp_bytes(&tag, sizeof(tag)), AMQP_MARK_PLAIN);
	pn_delivery_set_context(op->pn, op);
	(void)pn_link_send(link->pn, (const char *)encoded.start, encoded.size);
	(void)pn_link_advance(link->pn);
	op->deadline_ms = servicebus_now_ms() + link->client->settings.operation_timeout_ms;
	append(&sender->sent, op);
	link->client->last_sent_on = link;
	link->client->counts.n_sent++;
}

void servicebus_sender_pump(struct servicebus_sender *sender)
{
	char text[300];
	while (sender->waiting.first != NULL && may_send(sender)) {
		struct servicebus_send_op *op = sender->waiting.first;
		take_out(&sender->waiting, op);
		if (is_too_large(sender, op->encoded.size)) {
			describe_size(sender, op->encoded.size, text, sizeof(text));
			end_op(sender, op, SERVICEBUS_TOO_LARGE, text);
			continue;
		}
		transmit(sender, op, amqp_buffer_bytes(&op->encoded));
		amqp_buffer_finish(&op->encoded);
	}
	if (sender->link.state == LINK_UP && sender->waiting.first == NULL &&
	        pn_link_get_drain(sender->link.pn)) {
		(void)pn_link_drained(sender->link.pn);
	}
}

/* From `link` to `last`, or to the end. */
static void pump_some(struct servicebus_link *link, const struct servicebus_link *last)
{
	for (; link != NULL; link = link->next) {
		if (link->is_sender) {
			servicebus_sender_pump((struct servicebus_sender *)link);
		}
		if (link == last) {
			return;
		}
	}
}

/* The link that has sent last comes last, so that none has all the room for itself. */
void servicebus_senders_advance(struct servicebus_client *client, struct servicebus_sender *sender)
{
	if (!client->waits_for_room) {
		if (sender != NULL) {
			servicebus_sender_pump(sender);
		}
		return;
	}
	if (has_room(client)) {
		struct servicebus_link *last = client->last_sent_on;
		client->waits_for_room = false;
		pump_some(last != NULL ? last->next : NULL, NULL);
		pump_some(client->links, last);
	}
}

void servicebus_sender_up(struct servicebus_sender *sender)
{
	sender->refused = SERVICEBUS_DONE;
	sender->max_message_size = pn_link_remote_max_message_size(sender->link.pn);
	servicebus_sender_pump(sender);
}

void servicebus_sender_down(struct servicebus_sender *sender, const char *description)
{
	char text[300];
	snprintf(text, sizeof(text), "the link was lost before the answer came: %s", description);
	/* Their deliveries went with the link. */
	for (struct servicebus_send_op *op = sender->sent.first; op != NULL; op = op->next) {
		op->pn = NULL;
	}
	end_all(sender, &sender->sent, SERVICEBUS_UNKNOWN, text);
}

void servicebus_sender_refused(
        struct servicebus_sender *sender, enum servicebus_outcome outcome, const char *sentence)
{
	sender->refused = outcome;
	snprintf(sender->refusal, sizeof(sender->refusal), "'%s' is refused: %s",
	        sender->link.address, sentence);
	end_all(sender, &sender->waiting, outcome, sender->refusal);
}

static void on_rejected(
        struct servicebus_sender *sender, struct servicebus_send_op *op, pn_delivery_t *delivery)
{
	char text[300];
	pn_condition_t *condition = pn_disposition_condition(pn_delivery_remote(delivery));
	const char *name = pn_condition_get_name(condition);
	const char *description = pn_condition_get_description(condition);
	enum servicebus_outcome outcome =
	        name != NULL ? servicebus_outcome_of(amqp_text(name)) : SERVICEBUS_REJECTED;
	if (name != NULL && servicebus_is_busy(name)) {
		sender->busy_until_ms =
		        servicebus_now_ms() + servicebus_busy_pause(&sender->link.client->settings);
	}
	snprintf(text, sizeof(text), "'%s' rejected the message: %s: %s", sender->link.address,
	        name != NULL ? name : "no condition", description != NULL ? description : "");
	end_op(sender, op, outcome, text);
}

static void on_outcome(
        struct servicebus_sender *sender, struct servicebus_send_op *op, pn_delivery_t *delivery)
{
	uint64_t state = pn_delivery_remote_state(delivery);
	bool is_settled = pn_delivery_settled(delivery);
	if (!is_settled && (state == 0 || state == PN_RECEIVED)) {
		return; /* no outcome yet */
	}
	if (!is_settled) {
		pn_delivery_update(delivery, state); /* the broker waits for our settlement */
	}
	take_out(&sender->sent, op);
	switch (state) {
	case PN_ACCEPTED:
		end_op(sender, op, SERVICEBUS_DONE, "");
		break;
	case PN_REJECTED:
		on_rejected(sender, op, delivery);
		break;
	case PN_RELEASED:
	case PN_MODIFIED:
		end_op(sender, op, SERVICEBUS_UNAVAILABLE, "the broker gave the message back");
		break;
	default:
		end_op(sender, op, SERVICEBUS_UNKNOWN, "the broker settled without an outcome");
		break;
	}
}

void servicebus_sender_delivery(struct servicebus_sender *sender, pn_delivery_t *delivery)
{
	struct servicebus_send_op *op = pn_delivery_get_context(delivery);
	if (op != NULL && pn_delivery_updated(delivery)) {
		on_outcome(sender, op, delivery);
	}
}

void servicebus_sender_expire(struct servicebus_sender *sender, int64_t now_ms)
{
	char text[300];
	while (sender->waiting.first != NULL && sender->waiting.first->deadline_ms <= now_ms) {
		struct servicebus_send_op *op = sender->waiting.first;
		bool is_up = sender->link.state == LINK_UP;
		snprintf(text, sizeof(text), "'%s' %s in time", sender->link.address,
		        is_up ? "gave no credit" : "was not reached");
		take_out(&sender->waiting, op);
		end_op(sender, op, SERVICEBUS_UNAVAILABLE, text);
	}
	bool is_silent = false;
	while (sender->sent.first != NULL && sender->sent.first->deadline_ms <= now_ms) {
		struct servicebus_send_op *op = sender->sent.first;
		is_silent = true;
		take_out(&sender->sent, op);
		end_op(sender, op, SERVICEBUS_UNKNOWN, "the broker did not answer in time");
	}
	if (is_silent && sender->link.state == LINK_UP && !sender->link.client->is_stopping &&
	        now_ms - sender->link.heard_ms >=
	                (int64_t)sender->link.client->settings.operation_timeout_ms) {
		/* Others on the connection may be well: this link is put up anew. */
		servicebus_link_lost(&sender->link, "", "it does not answer what is sent on it");
	}
}

void servicebus_sender_finish(struct servicebus_sender *sender, bool is_silent)
{
	struct servicebus_link *link = &sender->link;
	if (is_silent) {
		for (struct servicebus_send_op *op = sender->waiting.first; op; op = op->next) {
			op->done = NULL;
		}
		for (struct servicebus_send_op *op = sender->sent.first; op; op = op->next) {
			op->done = NULL;
		}
	}
	end_all(sender, &sender->waiting, SERVICEBUS_UNAVAILABLE, "the client is stopping");
	end_all(sender, &sender->sent, SERVICEBUS_UNKNOWN, "the client is stopping");
	if (is_silent || link->client->connection == NULL) {
		servicebus_link_close(link);
	}
}

struct servicebus_sender *servicebus_sender(struct servicebus_client *client, const char *topic)
{
	for (struct servicebus_link *link = client->links; link != NULL; link = link->next) {
		if (link->is_sender && strcmp(link->address, topic) == 0) {
			return (struct servicebus_sender *)link;
		}
	}
	struct servicebus_sender *sender = must_calloc(1, sizeof(*sender));
	servicebus_link_init(&sender->link, client, must_copy(topic, strlen(topic)), true);
	return sender;
}

/* Why a send cannot even wait; DONE: it can. */
static enum servicebus_outcome refusal(
        const struct servicebus_sender *sender, size_t size, char *text, size_t text_size)
{
	const struct servicebus_client *client = sender->link.client;
	if (is_too_large(sender, size)) {
		describe_size(sender, size, text, text_size);
		return SERVICEBUS_TOO_LARGE;
	}
	if (client->is_stopping) {
		snprintf(text, text_size, "the client is stopping");
		return SERVICEBUS_UNAVAILABLE;
	}
	if (sender->refused != SERVICEBUS_DONE) {
		snprintf(text, text_size, "%s", sender->refusal);
		return sender->refused;
	}
	if (sender->waiting.count >= client->settings.max_waiting_sends) {
		snprintf(text, text_size, "%u messages wait for '%s' already",
		        sender->waiting.count, sender->link.address);
		return SERVICEBUS_UNAVAILABLE;
	}
	return SERVICEBUS_DONE;
}

void servicebus_send(struct servicebus_sender *sender, struct amqp_bytes encoded,
        servicebus_done_fn done, void *user)
{
	struct servicebus_client *client = sender->link.client;
	char text[300];
	enum servicebus_outcome outcome = refusal(sender, encoded.size, text, sizeof(text));
	if (outcome != SERVICEBUS_DONE) {
		servicebus_tell_later(client, done, user, outcome, text);
		return;
	}
	struct servicebus_send_op *op = must_calloc(1, sizeof(*op));
	op->done = done;
	op->user = user;
	if (sender->waiting.first == NULL && may_send(sender)) {
		transmit(sender, op, encoded);
	} else {
		op->deadline_ms = servicebus_now_ms() + client->settings.operation_timeout_ms;
		amqp_buffer_append(&op->encoded, encoded.start, encoded.size);
		append(&sender->waiting, op);
	}
	servicebus_need_pulse(client);
	servicebus_wake(client);
}
