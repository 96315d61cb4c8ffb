/* SPDX-License-Identifier: MIT */
/*
 * Replies find their way by connection and node: several connections use the same reply-to name
 * (Java), some requests have none (Python).
 */
#include "plugins/bus-local/amqp/request.h"

#include <proton/disposition.h>

#include "plugins/bus-local/amqp/conditions.h"
#include "plugins/bus-local/amqp/link.h"
#include "plugins/bus-local/amqp/peer.h"
#include "plugins/bus-local/bus.h"
#include "support/amqp/link.h"
#include "support/base/cleanup.h"

/* A peer may have so many requests under way, and leave so many replies lying. */
#define CREDIT 100
#define MAX_REPLIES_WAITING 1000

void request_open(struct link *link)
{
	pn_link_flow(link->proton, CREDIT);
}

static void read_body(struct request *request, const struct amqp_message *message)
{
	struct amqp_reader reader = amqp_reader(message->body);
	uint64_t code = 0;
	if (message->body.size == 0 || !amqp_read_described(&reader, &code, &request->body) ||
	        code != AMQP_SECTION_VALUE) {
		request->body = (struct amqp_value){ .type = AMQP_NULL };
	}
}

/* False: it is no message. */
static bool read_request(struct amqp_bytes encoded, struct request *request)
{
	struct amqp_message message;
	struct amqp_properties properties;
	struct amqp_value operation;
	if (!amqp_message_parse(encoded, &message) ||
	        !amqp_properties_parse(message.properties, &properties)) {
		return false;
	}
	request->properties = (struct amqp_value){ .type = AMQP_NULL };
	(void)amqp_section_map(message.application_properties, &request->properties);
	if (amqp_map_find(&request->properties, "operation", &operation) &&
	        operation.type == AMQP_STRING) {
		request->operation = operation.bytes;
	}
	request->id = properties.at[AMQP_MESSAGE_ID];
	if (properties.at[AMQP_REPLY_TO].type == AMQP_STRING) {
		request->reply_to = properties.at[AMQP_REPLY_TO].bytes;
	}
	read_body(request, &message);
	return true;
}

static void answer(struct link *link, struct amqp_bytes encoded)
{
	struct request request = { .link = link };
	if (!read_request(encoded, &request)) {
		peer_log(link->peer, LUCIUS_LOG_INFO, "bus.request_refused",
		        "a request is not a well-formed message and was dropped");
		return;
	}
	if (link->kind == LINK_CBS_REQUESTS) {
		cbs_answer(&request);
	} else {
		management_answer(&request);
	}
}

static void top_up(struct link *link)
{
	int credit = pn_link_credit(link->proton);
	if (credit <= CREDIT / 2) {
		pn_link_flow(link->proton, CREDIT - credit);
	}
}

void request_on_delivery(struct link *link, pn_delivery_t *delivery)
{
	struct bus *bus = link->peer->bus;
	CLEANUP(amqp_buffer_finish) struct amqp_buffer encoded = { 0 };
	if (!pn_delivery_readable(delivery)) {
		return;
	}
	switch (amqp_delivery_read(delivery, (size_t)bus->options->max_message_bytes, &encoded)) {
	case AMQP_READ_PARTIAL:
		return;
	case AMQP_READ_ABORTED:
		break;
	case AMQP_READ_TOO_LARGE:
		link_close(
		        link, CONDITION_TOO_LARGE, "The request is larger than this link allows.");
		return;
	case AMQP_READ_WHOLE:
		answer(link, amqp_buffer_bytes(&encoded));
		pn_delivery_update(delivery, PN_ACCEPTED);
		break;
	}
	pn_delivery_settle(delivery);
	top_up(link);
}

static bool is_reply_link(const struct link *link, const struct request *request)
{
	enum link_kind wanted = request->link->kind == LINK_CBS_REQUESTS ? LINK_CBS_REPLIES
	                                                                 : LINK_MANAGEMENT_REPLIES;
	return link->kind == wanted && strcmp(link->path, request->link->path) == 0;
}

/* The one that the request names, else any of the node. */
static struct link *find_reply_link(const struct request *request)
{
	struct link *any = NULL;
	for (struct link *link = request->link->peer->links; link != NULL; link = link->next) {
		if (!is_reply_link(link, request)) {
			continue;
		}
		any = link;
		if (link->reply_to != NULL && amqp_bytes_is(request->reply_to, link->reply_to)) {
			return link;
		}
	}
	return any;
}

/* The id of the request comes back in its very type. */
static void put_properties(const struct request *request, struct amqp_buffer *buffer)
{
	amqp_put_descriptor(buffer, AMQP_SECTION_PROPERTIES);
	size_t mark = amqp_begin_list(buffer);
	amqp_put_null(buffer);
	amqp_put_null(buffer);
	if (request->reply_to.size != 0) {
		amqp_put_string(buffer, request->reply_to);
	} else {
		amqp_put_null(buffer);
	}
	amqp_put_null(buffer);
	amqp_put_null(buffer);
	if (request->id.type != AMQP_NULL) {
		amqp_buffer_append(buffer, request->id.raw.start, request->id.raw.size);
	} else {
		amqp_put_null(buffer);
	}
	amqp_end(buffer, mark, 6);
}

static void put_text(struct amqp_buffer *buffer, const char *key, const char *text)
{
	amqp_put_string(buffer, amqp_text(key));
	amqp_put_string(buffer, amqp_text(text));
}

/* $cbs writes its keys with dashes, management in camel case. */
static void put_status(
        const struct request *request, const struct reply *reply, struct amqp_buffer *buffer)
{
	bool is_cbs = request->link->kind == LINK_CBS_REQUESTS;
	uint32_t n = 4;
	amqp_put_descriptor(buffer, AMQP_SECTION_APPLICATION_PROPERTIES);
	size_t mark = amqp_begin_map(buffer);
	amqp_put_string(buffer, amqp_text(is_cbs ? "status-code" : "statusCode"));
	amqp_put_int(buffer, reply->status);
	put_text(buffer, is_cbs ? "status-description" : "statusDescription", reply->description);
	if (reply->condition != NULL && !is_cbs) {
		amqp_put_string(buffer, amqp_text("errorCondition"));
		amqp_put_symbol(buffer, amqp_text(reply->condition));
		n += 2;
	}
	amqp_end(buffer, mark, n);
}

static void write_reply(
        const struct request *request, const struct reply *reply, struct amqp_buffer *buffer)
{
	put_properties(request, buffer);
	put_status(request, reply, buffer);
	amqp_put_descriptor(buffer, AMQP_SECTION_VALUE);
	if (reply->body.size != 0) {
		amqp_buffer_append(buffer, reply->body.start, reply->body.size);
	} else {
		amqp_put_null(buffer);
	}
}

/* Proton keeps it until the peer has given credit. */
static void send_reply(struct link *link, struct amqp_bytes encoded)
{
	uint64_t tag = link->n_replies++;
	pn_delivery_t *delivery =
	        amqp_delivery_start(link->proton, amqp_bytes(&tag, sizeof(tag)), AMQP_MARK_PLAIN);
	(void)pn_link_send(link->proton, (const char *)encoded.start, encoded.size);
	if (pn_link_remote_snd_settle_mode(link->proton) != PN_SND_UNSETTLED) {
		pn_delivery_settle(delivery);
	}
	(void)pn_link_advance(link->proton);
	peer_wake(link->peer);
}

void request_reply(const struct request *request, const struct reply *reply)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer encoded = { 0 };
	struct link *link = find_reply_link(request);
	if (link == NULL) {
		peer_log(request->link->peer, LUCIUS_LOG_INFO, "bus.request_refused",
		        "a request came without a link for its reply");
		return;
	}
	if (pn_link_queued(link->proton) >= MAX_REPLIES_WAITING) {
		link_close(link, CONDITION_LIMIT, "Too many replies wait for credit on this link.");
		return;
	}
	write_reply(request, reply, &encoded);
	send_reply(link, amqp_buffer_bytes(&encoded));
}

void reply_on_delivery(pn_delivery_t *delivery)
{
	if (pn_delivery_updated(delivery)) {
		pn_delivery_settle(delivery);
	}
}
