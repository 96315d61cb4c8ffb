/* SPDX-License-Identifier: MIT */
/*
 * Each call of the connection's handler tells the broker the time first and lets the bus set its
 * timer last, so that what links do in between need not care.
 */
#include "plugins/bus-local/amqp/peer.h"

#include <openssl/crypto.h>
#include <proton/session.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/bus-local/amqp/address.h"
#include "plugins/bus-local/amqp/conditions.h"
#include "plugins/bus-local/amqp/link.h"
#include "plugins/bus-local/amqp/listener.h"
#include "plugins/bus-local/amqp/outlet.h"
#include "plugins/bus-local/bus.h"
#include "plugins/bus-local/model/topic.h"
#include "support/amqp/link.h"
#include "support/base/container.h"
#include "support/base/memory.h"

/* What Service Bus keeps to as well: a connection without links is of no use to anybody. */
#define FIRST_LINK_MS 60000
#define NO_LINK_MS 300000
/* Bytes of messages that a session may have under way to us, in largest messages. */
#define SESSION_MESSAGES 16

int64_t peer_now_s(const struct peer *peer)
{
	const struct broker *broker = &peer->bus->broker;
	return (broker->now_ms + broker->wall_offset_ms) / 1000;
}

void peer_log(const struct peer *peer, uint32_t level, const char *event, const char *sentence)
{
	const struct lucius_host *host = peer->bus->host;
	struct lucius_field field = { .name = "peer",
		.value = peer->name,
		.value_size = (uint32_t)strlen(peer->name),
		.type = LUCIUS_FIELD_STRING };
	host->log(host, level, event, sentence, &field, 1);
}

/* Ends of sessions come without detaches (Go): their links go with them. */
static void end_session(struct peer *peer, pn_session_t *session)
{
	for (struct link *next = NULL, *link = peer->links; link != NULL; link = next) {
		next = link->next;
		if (pn_link_session(link->proton) == session) {
			link_destroy(link);
		}
	}
	pn_session_close(session);
	pn_session_free(session);
}

static void begin_session(struct peer *peer, pn_session_t *session)
{
	size_t most = (size_t)peer->bus->options->max_message_bytes * SESSION_MESSAGES;
	pn_session_set_incoming_capacity(session, most);
	pn_session_open(session);
}

static void end_link(pn_link_t *proton, bool is_closed)
{
	struct link *link = link_of(proton);
	if (link != NULL) {
		link_destroy(link);
	}
	if (is_closed) {
		pn_link_close(proton);
	} else {
		pn_link_detach(proton);
	}
	pn_link_free(proton);
}

static void handle_link_event(struct peer *peer, pn_event_t *event)
{
	pn_link_t *proton = pn_event_link(event);
	struct link *link = link_of(proton);
	switch (pn_event_type(event)) {
	case PN_LINK_REMOTE_OPEN:
		link_attach(peer, proton);
		break;
	case PN_LINK_FLOW:
		if (link != NULL) {
			link_on_flow(link);
		}
		break;
	case PN_DELIVERY:
		if (link != NULL) {
			link_on_delivery(link, pn_event_delivery(event));
		}
		break;
	case PN_LINK_REMOTE_CLOSE:
		end_link(proton, true);
		break;
	case PN_LINK_REMOTE_DETACH:
		end_link(proton, false);
		break;
	default:
		break;
	}
}

static void tell_refused(struct peer *peer, pn_event_t *event)
{
	if (pn_event_type(event) == PN_CONNECTION_REMOTE_OPEN) {
		peer_close(peer, CONDITION_LIMIT,
		        "The broker has as many connections as bus-max-connections allows.");
	}
}

static void on_event(void *user, struct amqp_connection *connection, pn_event_t *event)
{
	(void)connection;
	struct peer *peer = user;
	bus_enter(peer->bus);
	if (peer->is_refused) {
		tell_refused(peer, event);
		bus_leave(peer->bus);
		return;
	}
	switch (pn_event_type(event)) {
	case PN_CONNECTION_REMOTE_OPEN:
		peer->grants.is_all = amqp_connection_is_authenticated(peer->connection);
		peer_watch_links(peer);
		break;
	case PN_SESSION_REMOTE_OPEN:
		begin_session(peer, pn_event_session(event));
		break;
	case PN_SESSION_REMOTE_CLOSE:
		end_session(peer, pn_event_session(event));
		break;
	default:
		handle_link_event(peer, event);
		break;
	}
	bus_leave(peer->bus);
}

static void on_turn(void *user, struct amqp_connection *connection)
{
	(void)connection;
	struct peer *peer = user;
	bus_enter(peer->bus);
	peer->has_paused = false;
	for (struct link *link = peer->links; link != NULL; link = link->next) {
		if (link->kind == LINK_OUTLET) {
			outlet_adjust(link);
		}
	}
	bus_leave(peer->bus);
}

static void free_peer(struct peer *peer)
{
	struct heap *alarms = &peer->bus->broker.alarms;
	while (peer->links != NULL) {
		link_destroy(peer->links);
	}
	alarm_set(alarms, &peer->grant_end, INT64_MAX);
	alarm_set(alarms, &peer->lonely, INT64_MAX);
	alarm_set(alarms, &peer->detach, INT64_MAX);
	alarm_set(alarms, &peer->end, INT64_MAX);
	listener_forget(peer->listener, peer);
	grants_finish(&peer->grants);
	amqp_connection_destroy(peer->connection);
	free(peer);
}

static void on_closed(
        void *user, struct amqp_connection *connection, const struct amqp_closing *closing)
{
	(void)connection;
	struct peer *peer = user;
	struct bus *bus = peer->bus;
	char sentence[300];
	bool is_odd = closing->condition[0] != '\0' && !closing->is_by_peer;
	snprintf(sentence, sizeof(sentence), "the connection is over: %.200s", closing->sentence);
	peer_log(peer, is_odd ? LUCIUS_LOG_INFO : LUCIUS_LOG_DEBUG, "bus.peer_gone", sentence);
	bus_enter(bus);
	free_peer(peer);
	bus_leave(bus);
}

/* The name of the policy and the key itself, instead of a token. */
static bool check_plain(void *user, struct amqp_bytes name, struct amqp_bytes password)
{
	const struct peer *peer = user;
	const char *key = peer->bus->key;
	bool is_good = amqp_bytes_is(name, BUS_KEY_NAME) && password.size == strlen(key) &&
	        CRYPTO_memcmp(password.start, key, password.size) == 0;
	if (!is_good) {
		peer_log(peer, LUCIUS_LOG_WARNING, "bus.denied",
		        "SASL PLAIN with another name or key");
	}
	return is_good;
}

static void on_lonely(struct alarm *alarm)
{
	struct peer *peer = CONTAINER(alarm, struct peer, lonely);
	peer_close(peer, CONDITION_FORCED,
	        "The connection was inactive: it did not create a link within the allowed time.");
}

static void watch_life(struct peer *peer)
{
	struct broker *broker = &peer->bus->broker;
	const struct bus_options *options = peer->bus->options;
	if (options->link_seconds != 0) {
		alarm_set(&broker->alarms, &peer->detach,
		        broker->now_ms + options->link_seconds * 1000);
	}
	if (options->connection_seconds != 0) {
		alarm_set(&broker->alarms, &peer->end,
		        broker->now_ms + options->connection_seconds * 1000);
	}
}

/* What the service does to idle links and at its upgrades, for clients that are to be tested. */
static void on_detach(struct alarm *alarm)
{
	struct peer *peer = CONTAINER(alarm, struct peer, detach);
	struct broker *broker = &peer->bus->broker;
	for (struct link *next = NULL, *link = peer->links; link != NULL; link = next) {
		next = link->next;
		if (link->kind != LINK_CBS_REQUESTS && link->kind != LINK_CBS_REPLIES) {
			link_close(link, CONDITION_DETACHED,
			        "The link is detached after bus-link-seconds.");
		}
	}
	alarm_set(&broker->alarms, &peer->detach,
	        broker->now_ms + peer->bus->options->link_seconds * 1000);
	peer_wake(peer);
}

static void on_end(struct alarm *alarm)
{
	struct peer *peer = CONTAINER(alarm, struct peer, end);
	peer_close(
	        peer, CONDITION_FORCED, "The connection is closed after bus-connection-seconds.");
}

void peer_check_grants(struct peer *peer)
{
	int64_t now_s = peer_now_s(peer);
	for (struct link *next = NULL, *link = peer->links; link != NULL; link = next) {
		next = link->next;
		bool needs_grant =
		        link->kind != LINK_CBS_REQUESTS && link->kind != LINK_CBS_REPLIES;
		if (needs_grant && !grants_cover(&peer->grants, link->path, now_s)) {
			link_close(link, CONDITION_UNAUTHORIZED,
			        "ExpiredToken: the token of this link has ended and was not "
			        "renewed.");
		}
	}
	peer_watch_grants(peer);
	peer_wake(peer);
}

static void on_grant_end(struct alarm *alarm)
{
	peer_check_grants(CONTAINER(alarm, struct peer, grant_end));
}

void peer_watch_grants(struct peer *peer)
{
	struct broker *broker = &peer->bus->broker;
	int64_t end_s = grants_first_end(&peer->grants, peer_now_s(peer));
	alarm_set(&broker->alarms, &peer->grant_end,
	        end_s == INT64_MAX ? INT64_MAX : end_s * 1000 - broker->wall_offset_ms);
}

void peer_watch_links(struct peer *peer)
{
	struct broker *broker = &peer->bus->broker;
	int64_t patience_ms = peer->had_link ? NO_LINK_MS : FIRST_LINK_MS;
	peer->had_link = peer->had_link || peer->n_links != 0;
	alarm_set(&broker->alarms, &peer->lonely,
	        peer->n_links != 0 ? INT64_MAX : broker->now_ms + patience_ms);
}

struct peer *peer_create(struct listener *listener, struct bufferevent *stream, const char *name)
{
	struct peer *peer = must_calloc(1, sizeof(*peer));
	struct amqp_connection_settings settings = {
		.is_server = true,
		.container_id = "lucius-bus-local",
		.stops_reading = true,
	};
	struct amqp_connection_handler handler = {
		.on_event = on_event,
		.on_turn = on_turn,
		.on_closed = on_closed,
		.check_plain = check_plain,
		.user = peer,
	};
	peer->listener = listener;
	peer->bus = listener_bus(listener);
	peer->grant_end.fire = on_grant_end;
	peer->lonely.fire = on_lonely;
	peer->detach.fire = on_detach;
	peer->end.fire = on_end;
	snprintf(peer->name, sizeof(peer->name), "%s", name);
	peer->connection =
	        amqp_connection_create(peer->bus->host->event_base, stream, &settings, &handler);
	bus_enter(peer->bus);
	watch_life(peer);
	bus_leave(peer->bus);
	return peer;
}

void peer_refuse(struct peer *peer)
{
	peer->is_refused = true;
}

void peer_destroy(struct peer *peer)
{
	free_peer(peer);
}

void peer_close(struct peer *peer, const char *condition, const char *sentence)
{
	amqp_connection_close(peer->connection, condition, sentence);
}

void peer_wake(struct peer *peer)
{
	amqp_connection_wake(peer->connection);
}

void peer_hold_back(struct peer *peer)
{
	for (struct link *link = peer->links; link != NULL; link = link->next) {
		if (link->kind == LINK_OUTLET) {
			outlet_adjust(link);
		}
	}
}

static bool goes_with(
        const struct link *link, const struct topic *topic, const struct subscription *subscription)
{
	if (link->kind == LINK_OUTLET) {
		return subscription != NULL ? link->subscription == subscription
		                            : link->subscription->topic == topic;
	}
	return link->kind == LINK_INTAKE && subscription == NULL && link->topic == topic;
}

void peer_close_links(
        struct peer *peer, const struct topic *topic, const struct subscription *subscription)
{
	char sentence[ADDRESS_MAX_SIZE + 60];
	for (struct link *next = NULL, *link = peer->links; link != NULL; link = next) {
		next = link->next;
		if (goes_with(link, topic, subscription)) {
			snprintf(sentence, sizeof(sentence),
			        "The messaging entity '%s' could not be found.", link->path);
			link_close(link, CONDITION_NOT_FOUND, sentence);
			peer_wake(peer);
		}
	}
}
