/* SPDX-License-Identifier: MIT */
/* Decides what an attach asks for, whether the peer may have it, and which end of ours serves it.
 */
#include "plugins/bus-local/amqp/link.h"

#include <proton/codec.h>
#include <proton/terminus.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "plugins/bus-local/amqp/address.h"
#include "plugins/bus-local/amqp/conditions.h"
#include "plugins/bus-local/amqp/intake.h"
#include "plugins/bus-local/amqp/outlet.h"
#include "plugins/bus-local/amqp/peer.h"
#include "plugins/bus-local/amqp/request.h"
#include "plugins/bus-local/bus.h"
#include "plugins/bus-local/model/topic.h"
#include "support/amqp/link.h"
#include "support/base/memory.h"

/* An attach on its way: what was asked for, and the first thing that is wrong with it. */
struct attach {
	struct peer *peer;
	pn_link_t *proton;
	struct address address;
	struct topic *topic;
	struct subscription *subscription;
	bool is_sender; /* the peer receives: we are the sender */
	const char *condition;
	char sentence[700];
};

struct link *link_of(pn_link_t *proton)
{
	return proton != NULL ? pn_link_get_context(proton) : NULL;
}

static bool refuse(struct attach *attach, const char *condition, const char *sentence)
{
	attach->condition = condition;
	snprintf(attach->sentence, sizeof(attach->sentence), "%s", sentence);
	return false;
}

/* The wording decides, in some SDKs, whether the error is final. */
static bool refuse_unknown(struct attach *attach, const char *name)
{
	attach->condition = CONDITION_NOT_FOUND;
	snprintf(attach->sentence, sizeof(attach->sentence),
	        "The messaging entity '%s' could not be found.", name);
	return false;
}

static bool has_session_filter(pn_link_t *proton)
{
	pn_data_t *filter = pn_terminus_filter(pn_link_remote_source(proton));
	pn_data_rewind(filter);
	if (!pn_data_next(filter) || pn_data_type(filter) != PN_MAP || !pn_data_enter(filter)) {
		return false;
	}
	static const char wanted[] = "com.microsoft:session-filter";
	bool is_found = false;
	while (!is_found && pn_data_next(filter)) {
		pn_bytes_t key = { 0 };
		if (pn_data_type(filter) == PN_SYMBOL) {
			key = pn_data_get_symbol(filter);
		} else if (pn_data_type(filter) == PN_STRING) {
			key = pn_data_get_string(filter);
		}
		is_found =
		        key.size == sizeof(wanted) - 1 && memcmp(key.start, wanted, key.size) == 0;
		(void)pn_data_next(filter); /* its value */
	}
	pn_data_rewind(filter);
	return is_found;
}

static bool read_address(struct attach *attach)
{
	pn_terminus_t *terminus = attach->is_sender ? pn_link_remote_source(attach->proton)
	                                            : pn_link_remote_target(attach->proton);
	const char *text = pn_terminus_get_address(terminus);
	if (pn_terminus_get_type(terminus) == PN_COORDINATOR) {
		return refuse(attach, CONDITION_NOT_IMPLEMENTED,
		        "This broker has no transactions: send without them.");
	}
	if (!address_parse(text, &attach->address)) {
		return refuse_unknown(attach, text != NULL ? text : "");
	}
	return true;
}

static bool check_grant(struct attach *attach)
{
	const struct peer *peer = attach->peer;
	if (attach->address.is_cbs ||
	        grants_cover(&peer->grants, attach->address.path, peer_now_s(peer))) {
		return true;
	}
	snprintf(attach->sentence, sizeof(attach->sentence),
	        "Unauthorized access. 'Listen,Send' claim(s) are required to perform this "
	        "operation on "
	        "'%s': no token for it was put to $cbs.",
	        attach->address.path);
	attach->condition = CONDITION_UNAUTHORIZED;
	return false;
}

static bool find_topic(struct attach *attach)
{
	attach->topic = topic_find(&attach->peer->bus->broker, amqp_text(attach->address.topic));
	return attach->topic != NULL || refuse_unknown(attach, attach->address.topic);
}

static bool check_intake(struct attach *attach)
{
	if (attach->address.subscription[0] != '\0' || attach->address.is_dead_letters) {
		return refuse(attach, CONDITION_NOT_ALLOWED,
		        "A subscription or dead-letter queue cannot be sent to: send to the "
		        "topic.");
	}
	return true;
}

/* The subscription of the address; one that a receiver may make is made. */
static bool find_subscription(struct attach *attach)
{
	const struct address *address = &attach->address;
	struct amqp_bytes name = amqp_text(address->subscription);
	if (!attach->topic->is_queue && name.size == 0) {
		return refuse(attach, CONDITION_NOT_ALLOWED,
		        "A topic cannot be received from: receive from one of its subscriptions.");
	}
	attach->subscription = bus_find_subscription(attach->peer->bus, attach->topic, name);
	if (attach->subscription == NULL) {
		return refuse_unknown(attach, address->path);
	}
	if (attach->subscription->needs_session || has_session_filter(attach->proton)) {
		return refuse(attach, CONDITION_NOT_IMPLEMENTED,
		        "This broker has no sessions: receive without them.");
	}
	return true;
}

/* Management of a topic (scheduling) or of a subscription that is there. */
static bool check_management(struct attach *attach)
{
	const struct address *address = &attach->address;
	struct amqp_bytes name = amqp_text(address->subscription);
	if (name.size == 0 || subscription_find(attach->topic, name) != NULL) {
		return true;
	}
	/* Go asks for the management node before it attaches its receiver. */
	return find_subscription(attach);
}

static bool check_entity(struct attach *attach)
{
	if (attach->address.is_cbs) {
		return true;
	}
	if (!find_topic(attach)) {
		return false;
	}
	if (attach->address.is_management) {
		return check_management(attach);
	}
	return attach->is_sender ? find_subscription(attach) : check_intake(attach);
}

/* Not while stopping: Java waits minutes after an attach that was refused for a passing reason. The
 * connection is closed soon, and what is sent until then is rejected as busy. */
static bool check_limits(struct attach *attach)
{
	const struct peer *peer = attach->peer;
	if (peer->n_links >= (size_t)peer->bus->options->max_links) {
		return refuse(attach, CONDITION_LIMIT,
		        "The connection has as many links as bus-max-links allows.");
	}
	return true;
}

static enum link_kind kind_of(const struct attach *attach)
{
	if (attach->address.is_cbs) {
		return attach->is_sender ? LINK_CBS_REPLIES : LINK_CBS_REQUESTS;
	}
	if (attach->address.is_management) {
		return attach->is_sender ? LINK_MANAGEMENT_REPLIES : LINK_MANAGEMENT_REQUESTS;
	}
	return attach->is_sender ? LINK_OUTLET : LINK_INTAKE;
}

static struct link *add_link(const struct attach *attach)
{
	struct peer *peer = attach->peer;
	struct link *link = must_calloc(1, sizeof(*link));
	const char *path = attach->address.path;
	const char *reply_to = pn_terminus_get_address(pn_link_remote_target(attach->proton));
	link->peer = peer;
	link->proton = attach->proton;
	link->kind = kind_of(attach);
	link->path = must_copy(path, strlen(path));
	link->topic = attach->topic;
	if (attach->is_sender && reply_to != NULL) {
		link->reply_to = must_copy(reply_to, strlen(reply_to));
	}
	link->next = peer->links;
	if (peer->links != NULL) {
		peer->links->previous = link;
	}
	peer->links = link;
	peer->n_links++;
	pn_link_set_context(attach->proton, link);
	peer_watch_links(peer);
	return link;
}

static void open_link(struct link *link, const struct attach *attach)
{
	amqp_link_accept(attach->proton, (uint64_t)link->peer->bus->options->max_message_bytes);
	switch (link->kind) {
	case LINK_INTAKE:
		intake_open(link);
		break;
	case LINK_OUTLET:
		link->subscription = attach->subscription;
		outlet_open(link,
		        attach->address.is_dead_letters ? &attach->subscription->dead_letters
		                                        : &attach->subscription->active);
		break;
	case LINK_CBS_REQUESTS:
	case LINK_MANAGEMENT_REQUESTS:
		request_open(link);
		break;
	case LINK_CBS_REPLIES:
	case LINK_MANAGEMENT_REPLIES:
		break;
	}
}

void link_attach(struct peer *peer, pn_link_t *proton)
{
	struct attach attach = {
		.peer = peer,
		.proton = proton,
		.is_sender = pn_link_is_sender(proton),
	};
	if (read_address(&attach) && check_limits(&attach) && check_grant(&attach) &&
	        check_entity(&attach)) {
		open_link(add_link(&attach), &attach);
		return;
	}
	peer_log(peer, LUCIUS_LOG_INFO, "bus.refused", attach.sentence);
	amqp_link_refuse(proton, attach.condition, attach.sentence);
}

void link_destroy(struct link *link)
{
	struct peer *peer = link->peer;
	if (link->kind == LINK_OUTLET) {
		consumer_detach(&link->consumer);
		subscription_touch(link->subscription);
	}
	if (link->previous != NULL) {
		link->previous->next = link->next;
	} else {
		peer->links = link->next;
	}
	if (link->next != NULL) {
		link->next->previous = link->previous;
	}
	peer->n_links--;
	pn_link_set_context(link->proton, NULL);
	peer_watch_links(peer);
	free(link->path);
	free(link->reply_to);
	free(link);
}

void link_on_flow(struct link *link)
{
	if (link->kind == LINK_OUTLET) {
		outlet_on_flow(link);
	} else if (pn_link_is_sender(link->proton) && pn_link_get_drain(link->proton)) {
		/* Replies are never kept back, so that there is none to wait for. */
		(void)pn_link_drained(link->proton);
	}
}

void link_on_delivery(struct link *link, pn_delivery_t *delivery)
{
	switch (link->kind) {
	case LINK_INTAKE:
		intake_on_delivery(link, delivery);
		break;
	case LINK_OUTLET:
		outlet_on_delivery(link, delivery);
		break;
	case LINK_CBS_REQUESTS:
	case LINK_MANAGEMENT_REQUESTS:
		request_on_delivery(link, delivery);
		break;
	case LINK_CBS_REPLIES:
	case LINK_MANAGEMENT_REPLIES:
		reply_on_delivery(delivery);
		break;
	}
}

void link_close(struct link *link, const char *condition, const char *sentence)
{
	pn_link_t *proton = link->proton;
	peer_log(link->peer, LUCIUS_LOG_INFO, "bus.link_closed", sentence);
	link_destroy(link);
	amqp_link_close(proton, condition, sentence);
}
