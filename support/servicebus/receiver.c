/* SPDX-License-Identifier: MIT */
/* Receivers: credit, deliveries as they come, draining and stopping. */
#include "support/servicebus/private.h"

#include "support/amqp/guid.h"
#include "support/amqp/link.h"
#include "support/base/memory.h"

/* More than any tier of the service takes. */
#define MAX_MESSAGE ((size_t)128 * 1024 * 1024)
/* A broker that does not answer a drain must not hold up a stop. */
#define DRAIN_MS 5000

struct servicebus_receiver *servicebus_receiver(
        struct servicebus_client *client, const struct servicebus_receiver_settings *settings)
{
	struct servicebus_receiver *receiver = must_calloc(1, sizeof(*receiver));
	size_t size = strlen(settings->topic) + strlen(settings->subscription) + 64;
	char *address = must_calloc(size, 1);
	bool is_queue = settings->subscription[0] == '\0';
	snprintf(address, size, "%s%s%s%s", settings->topic, is_queue ? "" : "/Subscriptions/",
	        settings->subscription, settings->is_dead_letters ? "/$DeadLetterQueue" : "");
	receiver->settings = *settings;
	receiver->settings.topic = NULL;
	receiver->settings.subscription = NULL;
	servicebus_link_init(&receiver->link, client, address, false);
	return receiver;
}

const char *servicebus_receiver_address(const struct servicebus_receiver *receiver)
{
	return receiver->link.address;
}

void servicebus_receiver_up(struct servicebus_receiver *receiver)
{
	pn_link_t *pn = receiver->link.pn;
	receiver->settles_first = pn_link_remote_rcv_settle_mode(pn) == PN_RCV_FIRST;
	receiver->is_draining = false;
	if (receiver->settings.on_attached != NULL && !receiver->is_stopping &&
	        !receiver->link.client->is_destroyed) {
		receiver->settings.on_attached(receiver->settings.user);
	}
	servicebus_receiver_turn(receiver);
	servicebus_need_pulse(receiver->link.client);
	servicebus_wake(receiver->link.client);
}

static void orphan_all(struct servicebus_held_list *list)
{
	for (struct servicebus_held *held = list->first; held != NULL;) {
		struct servicebus_held *next = held->next;
		servicebus_held_orphan(held);
		held = next;
	}
}

void servicebus_receiver_down(struct servicebus_receiver *receiver)
{
	receiver->is_draining = false;
	orphan_all(&receiver->given);
	orphan_all(&receiver->settling);
	servicebus_receiver_turn(receiver);
}

void servicebus_receiver_refused(
        struct servicebus_receiver *receiver, enum servicebus_outcome outcome, const char *sentence)
{
	struct servicebus_client *client = receiver->link.client;
	if (receiver->settings.on_refused != NULL && !client->is_destroyed &&
	        !receiver->is_stopping) {
		receiver->settings.on_refused(receiver->settings.user, outcome, sentence);
	}
}

static uint32_t n_unsettled(const struct servicebus_receiver *receiver)
{
	return receiver->given.count + receiver->settling.count;
}

/* Everything that was given is settled and the link is down: the handle's end. */
static void end(struct servicebus_receiver *receiver)
{
	struct servicebus_link *link = &receiver->link;
	struct servicebus_client *client = link->client;
	struct servicebus_link **at = &client->links;
	while (*at != link) {
		at = &(*at)->next;
	}
	*at = link->next;
	receiver->is_gone = true;
	void (*fn)(void *user) = receiver->on_stopped;
	void *user = receiver->stopped_user;
	servicebus_receiver_finish(receiver);
	link->next = client->gone;
	client->gone = link;
	if (fn != NULL && !client->is_destroyed) {
		fn(user);
	}
}

static bool is_drained(struct servicebus_receiver *receiver)
{
	return pn_link_credit(receiver->link.pn) <= 0 ||
	        (receiver->is_draining && servicebus_now_ms() >= receiver->drain_deadline_ms);
}

void servicebus_receiver_drain(struct servicebus_receiver *receiver)
{
	if (!receiver->is_draining && pn_link_credit(receiver->link.pn) > 0) {
		receiver->is_draining = true;
		receiver->drain_deadline_ms = servicebus_now_ms() + DRAIN_MS;
		pn_link_drain(receiver->link.pn, 0);
		servicebus_need_pulse(receiver->link.client);
	}
}

static void turn_stopping(struct servicebus_receiver *receiver)
{
	struct servicebus_link *link = &receiver->link;
	if (link->state == LINK_UP) {
		servicebus_receiver_drain(receiver);
		if (!is_drained(receiver) || n_unsettled(receiver) != 0) {
			return;
		}
		servicebus_link_close(link);
	} else if (link->state != LINK_CLOSING && link->state != LINK_CLOSED &&
	        n_unsettled(receiver) == 0) {
		servicebus_link_close(link);
	}
	if (link->state == LINK_CLOSED && n_unsettled(receiver) == 0) {
		end(receiver);
	}
}

/* Credit is given in batches: when a quarter of it is free, or little is left with the peer. */
static void top_up(struct servicebus_receiver *receiver)
{
	pn_link_t *pn = receiver->link.pn;
	uint32_t most = receiver->settings.credit;
	uint32_t used = n_unsettled(receiver);
	uint32_t wanted = most > used ? most - used : 0;
	uint32_t granted = pn_link_credit(pn) > 0 ? (uint32_t)pn_link_credit(pn) : 0;
	if (most == 0) {
		servicebus_receiver_drain(receiver);
		return;
	}
	if (wanted <= granted || (receiver->is_draining && !is_drained(receiver))) {
		return;
	}
	if (receiver->is_draining) {
		receiver->is_draining = false;
		pn_link_set_drain(pn, false);
	}
	if (wanted - granted >= most / 4 || granted <= most / 4) {
		pn_link_flow(pn, (int)(wanted - granted));
	}
}

void servicebus_receiver_turn(struct servicebus_receiver *receiver)
{
	if (receiver->is_gone) {
		return;
	}
	if (receiver->is_stopping) {
		turn_stopping(receiver);
	} else if (receiver->link.state == LINK_UP) {
		top_up(receiver);
	}
}

void servicebus_receiver_set_credit(struct servicebus_receiver *receiver, uint32_t credit)
{
	receiver->settings.credit = credit;
	servicebus_wake(receiver->link.client);
}

void servicebus_receiver_stop(
        struct servicebus_receiver *receiver, void (*on_stopped)(void *user), void *user)
{
	receiver->is_stopping = true;
	receiver->on_stopped = on_stopped;
	receiver->stopped_user = user;
	servicebus_wake(receiver->link.client);
	servicebus_need_pulse(receiver->link.client);
}

/* The lock's token is the delivery tag; its end is told in the annotations. */
static void read_lock(
        struct servicebus_held *held, pn_delivery_t *delivery, const struct amqp_message *message)
{
	struct amqp_value until;
	struct amqp_bytes tag = amqp_delivery_tag(delivery);
	int64_t now_ms = servicebus_now_ms();
	held->renew_at_ms = INT64_MAX;
	if (tag.size != sizeof(held->lock_token) ||
	        !amqp_section_find(message->message_annotations, "x-opt-locked-until", &until) ||
	        until.type != AMQP_SIGNED) {
		return; /* a broker that has no locks of this kind */
	}
	amqp_guid_swap(tag.start, held->lock_token);
	held->has_lock = true;
	held->lock_ms = servicebus_lock_time(until.signed_);
	held->renew_at_ms = now_ms + servicebus_renew_after(held->lock_ms);
}

/* What is no message can be neither handled nor shown: the broker keeps it aside. */
static void refuse_malformed(struct servicebus_receiver *receiver, pn_delivery_t *delivery)
{
	servicebus_log(receiver->link.client, SERVICEBUS_LOG_WARNING, "servicebus.malformed",
	        "a message from '%s' is malformed; it is dead-lettered", receiver->link.address);
	servicebus_dispose(
	        delivery, SERVICEBUS_DEAD_LETTER, "Malformed", "The bytes are no AMQP message.");
	pn_delivery_settle(delivery);
}

static void give(struct servicebus_receiver *receiver, pn_delivery_t *delivery)
{
	struct servicebus_client *client = receiver->link.client;
	struct amqp_message message;
	struct amqp_properties properties;
	struct servicebus_delivery given = { .message = &message, .properties = &properties };
	if (!amqp_message_parse(amqp_buffer_bytes(&receiver->buffer), &message) ||
	        !amqp_properties_parse(message.properties, &properties)) {
		refuse_malformed(receiver, delivery);
		return;
	}
	struct servicebus_held *held = servicebus_held_create(receiver);
	held->pn = delivery;
	pn_delivery_set_context(delivery, held);
	read_lock(held, delivery, &message);
	servicebus_held_insert(held);
	given.token = servicebus_held_token(held);
	given.delivery_count = message.header.delivery_count;
	given.lock_ms = held->lock_ms;
	given.has_body = amqp_message_read_body(&message, &receiver->body, &given.body);
	client->counts.n_received++;
	servicebus_need_pulse(client);
	receiver->settings.on_delivery(receiver->settings.user, &given);
}

static void on_message(struct servicebus_receiver *receiver, pn_delivery_t *delivery)
{
	switch (amqp_delivery_read(delivery, MAX_MESSAGE, &receiver->buffer)) {
	case AMQP_READ_PARTIAL:
		return;
	case AMQP_READ_ABORTED:
		pn_delivery_settle(delivery);
		return;
	case AMQP_READ_TOO_LARGE:
		servicebus_link_lost(&receiver->link, "amqp:link:message-size-exceeded",
		        "a message is larger than any may be");
		return;
	case AMQP_READ_WHOLE:
		break;
	}
	if (receiver->is_stopping || receiver->link.client->is_destroyed) {
		/* Not given to anybody: the broker shall have it back at once. */
		servicebus_dispose(delivery, SERVICEBUS_RELEASE, NULL, NULL);
		pn_delivery_settle(delivery);
		return;
	}
	give(receiver, delivery);
}

void servicebus_receiver_delivery(struct servicebus_receiver *receiver, pn_delivery_t *delivery)
{
	struct servicebus_held *held = pn_delivery_get_context(delivery);
	if (held == NULL) {
		if (pn_delivery_readable(delivery)) {
			on_message(receiver, delivery);
		}
		return;
	}
	if (pn_delivery_updated(delivery) && pn_delivery_settled(delivery)) {
		servicebus_held_confirmed(held, delivery);
	}
}

static void release_all(struct servicebus_receiver *receiver, struct servicebus_held_list *list)
{
	struct servicebus_client *client = receiver->link.client;
	while (list->first != NULL) {
		struct servicebus_held *held = list->first;
		if (held->pn != NULL && client->connection != NULL) {
			if (held->state == DELIVERY_GIVEN) {
				servicebus_dispose(held->pn, SERVICEBUS_RELEASE, NULL, NULL);
			}
			pn_delivery_settle(held->pn);
			held->pn = NULL;
		}
		servicebus_held_told(held, SERVICEBUS_UNKNOWN, "the client is stopping");
	}
}

void servicebus_receiver_finish(struct servicebus_receiver *receiver)
{
	release_all(receiver, &receiver->settling);
	release_all(receiver, &receiver->given);
	servicebus_management_drop(receiver, "the client is stopping");
	amqp_buffer_finish(&receiver->buffer);
	amqp_buffer_finish(&receiver->body);
	if (receiver->link.client->connection == NULL || receiver->is_gone) {
		servicebus_link_close(&receiver->link);
	}
}
