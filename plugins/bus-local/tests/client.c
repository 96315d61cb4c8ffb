/* SPDX-License-Identifier: MIT */
/* Proton's events, written down. */
#include "plugins/bus-local/tests/client.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <proton/disposition.h>
#include <proton/terminus.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/amqp/link.h"
#include "support/amqp/shim.h"
#include "support/base/memory.h"

#define MAX_MESSAGE (16 * 1024 * 1024)

static void keep_condition(struct end *end, pn_condition_t *condition)
{
	if (condition == NULL || !pn_condition_is_set(condition)) {
		return;
	}
	const char *description = pn_condition_get_description(condition);
	snprintf(end->condition, sizeof(end->condition), "%s", pn_condition_get_name(condition));
	snprintf(end->description, sizeof(end->description), "%s",
	        description != NULL ? description : "");
}

static void on_arrived(struct end *end, pn_delivery_t *delivery)
{
	struct client *client = end->client;
	struct arrival *arrival = must_calloc(1, sizeof(*arrival));
	struct amqp_bytes tag = amqp_delivery_tag(delivery);
	if (amqp_delivery_read(delivery, MAX_MESSAGE, &arrival->bytes) != AMQP_READ_WHOLE) {
		amqp_buffer_finish(&arrival->bytes);
		free(arrival);
		return;
	}
	arrival->delivery = delivery;
	arrival->was_settled = pn_delivery_settled(delivery);
	arrival->tag_size = tag.size < sizeof(arrival->tag) ? tag.size : sizeof(arrival->tag);
	memcpy(arrival->tag, tag.start, arrival->tag_size);
	*end->last = arrival;
	end->last = &arrival->next;
	end->n_arrivals++;
	if (client->on_arrival != NULL) {
		client->on_arrival(client->user, end, arrival);
	}
}

/* What the peer says of something that we had sent, or had received. */
static void on_told(struct end *end, pn_delivery_t *delivery)
{
	struct client *client = end->client;
	pn_disposition_t *remote = pn_delivery_remote(delivery);
	end->condition[0] = '\0';
	keep_condition(end, pn_disposition_condition(remote));
	if (pn_link_is_sender(end->proton)) {
		end->n_outcomes++;
		end->outcome = pn_delivery_remote_state(delivery);
		pn_delivery_settle(delivery);
		if (client->on_outcome != NULL) {
			client->on_outcome(client->user, end);
		}
	} else if (pn_delivery_settled(delivery)) {
		end->n_settled++;
		end->echo = pn_delivery_remote_state(delivery);
		pn_delivery_settle(delivery);
	}
}

static void handle_link(struct end *end, pn_event_t *event)
{
	pn_delivery_t *delivery = pn_event_delivery(event);
	switch (pn_event_type(event)) {
	case PN_LINK_REMOTE_OPEN:
		end->is_attached = true;
		break;
	case PN_LINK_REMOTE_CLOSE:
	case PN_LINK_REMOTE_DETACH:
		end->is_closed = true;
		keep_condition(end, pn_link_remote_condition(end->proton));
		pn_link_close(end->proton);
		break;
	case PN_DELIVERY:
		if (pn_delivery_readable(delivery)) {
			on_arrived(end, delivery);
		} else if (pn_delivery_updated(delivery)) {
			on_told(end, delivery);
		}
		break;
	default:
		break;
	}
}

static void on_event(void *user, struct amqp_connection *connection, pn_event_t *event)
{
	struct client *client = user;
	pn_link_t *proton = pn_event_link(event);
	(void)connection;
	if (pn_event_type(event) == PN_CONNECTION_REMOTE_OPEN) {
		client->is_open = true;
	}
	if (proton != NULL && pn_link_get_context(proton) != NULL) {
		handle_link(pn_link_get_context(proton), event);
	}
}

static void on_closed(
        void *user, struct amqp_connection *connection, const struct amqp_closing *closing)
{
	struct client *client = user;
	(void)connection;
	client->is_closed = true;
	snprintf(client->condition, sizeof(client->condition), "%s", closing->condition);
	snprintf(client->sentence, sizeof(client->sentence), "%s", closing->sentence);
}

static struct client *connect_over(struct bufferevent *stream, uint16_t port,
        const char *plain_name, const char *plain_password)
{
	struct client *client = must_calloc(1, sizeof(*client));
	struct amqp_connection_settings settings = { .container_id = "client",
		.hostname = "localhost",
		.plain_name = plain_name,
		.plain_password = plain_password };
	struct amqp_connection_handler handler = {
		.on_event = on_event, .on_closed = on_closed, .user = client
	};
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	client->connection =
	        amqp_connection_create(bufferevent_get_base(stream), stream, &settings, &handler);
	if (bufferevent_socket_connect(stream, (struct sockaddr *)&address, sizeof(address)) != 0) {
		abort();
	}
	return client;
}

struct client *client_create(
        struct event_base *base, uint16_t port, const char *plain_name, const char *plain_password)
{
	return connect_over(bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE), port,
	        plain_name, plain_password);
}

struct client *client_create_tls(struct event_base *base, uint16_t port, SSL *tls)
{
	struct bufferevent *stream = bufferevent_openssl_socket_new(
	        base, -1, tls, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	return connect_over(stream, port, NULL, NULL);
}

static void free_arrivals(struct end *end)
{
	while (end->arrivals != NULL) {
		client_drop_arrival(end);
	}
}

void client_destroy(struct client *client)
{
	amqp_connection_destroy(client->connection);
	while (client->ends != NULL) {
		struct end *end = client->ends;
		client->ends = end->next;
		free_arrivals(end);
		free(end);
	}
	free(client);
}

void client_wake(struct client *client)
{
	amqp_connection_wake(client->connection);
}

pn_session_t *client_session(struct client *client)
{
	pn_session_t *session = pn_session(amqp_connection_proton(client->connection));
	pn_session_open(session);
	client_wake(client);
	return session;
}

struct end *client_add(struct client *client, pn_link_t *proton)
{
	struct end *end = must_calloc(1, sizeof(*end));
	end->client = client;
	end->proton = proton;
	end->last = &end->arrivals;
	end->next = client->ends;
	client->ends = end;
	pn_link_set_context(proton, end);
	return end;
}

struct end *client_sender(struct client *client, pn_session_t *session, const char *target)
{
	char name[32];
	static unsigned n;
	snprintf(name, sizeof(name), "sender-%u", n++);
	pn_link_t *proton = pn_sender(session, name);
	(void)pn_terminus_set_address(pn_link_source(proton), "client");
	(void)pn_terminus_set_address(pn_link_target(proton), target);
	pn_link_open(proton);
	client_wake(client);
	return client_add(client, proton);
}

struct end *client_receiver(struct client *client, pn_session_t *session, const char *source,
        pn_snd_settle_mode_t snd, pn_rcv_settle_mode_t rcv)
{
	char name[32];
	static unsigned n;
	snprintf(name, sizeof(name), "receiver-%u", n++);
	pn_link_t *proton = pn_receiver(session, name);
	(void)pn_terminus_set_address(pn_link_source(proton), source);
	(void)pn_terminus_set_address(pn_link_target(proton), name);
	pn_link_set_snd_settle_mode(proton, snd);
	pn_link_set_rcv_settle_mode(proton, rcv);
	pn_link_open(proton);
	client_wake(client);
	return client_add(client, proton);
}

void client_send(struct end *end, struct amqp_bytes encoded, bool is_batch, bool is_settled)
{
	static uint64_t tag;
	tag++;
	pn_delivery_t *delivery = amqp_delivery_start(end->proton, amqp_bytes(&tag, sizeof(tag)),
	        is_batch ? AMQP_MARK_BATCH : AMQP_MARK_PLAIN);
	(void)pn_link_send(end->proton, (const char *)encoded.start, encoded.size);
	if (is_settled) {
		pn_delivery_settle(delivery);
	}
	(void)pn_link_advance(end->proton);
	client_wake(end->client);
}

void client_flow(struct end *end, int credit)
{
	pn_link_flow(end->proton, credit);
	client_wake(end->client);
}

void client_drain(struct end *end, int credit)
{
	pn_link_drain(end->proton, credit);
	client_wake(end->client);
}

void client_settle(struct arrival *arrival, uint64_t state, bool is_settled)
{
	struct end *end = pn_link_get_context(pn_delivery_link(arrival->delivery));
	pn_delivery_update(arrival->delivery, state);
	if (is_settled) {
		pn_delivery_settle(arrival->delivery);
	}
	client_wake(end->client);
}

void client_drop_arrival(struct end *end)
{
	struct arrival *arrival = end->arrivals;
	end->arrivals = arrival->next;
	if (end->arrivals == NULL) {
		end->last = &end->arrivals;
	}
	amqp_buffer_finish(&arrival->bytes);
	free(arrival);
}

static void put_text(struct amqp_buffer *buffer, const char *key, const char *value)
{
	amqp_put_string(buffer, amqp_text(key));
	amqp_put_string(buffer, amqp_text(value));
}

static void put_request_head(struct amqp_buffer *buffer, struct amqp_bytes raw_id)
{
	amqp_put_descriptor(buffer, AMQP_SECTION_PROPERTIES);
	size_t mark = amqp_begin_list(buffer);
	amqp_buffer_append(buffer, raw_id.start, raw_id.size);
	amqp_end(buffer, mark, 1);
	amqp_put_descriptor(buffer, AMQP_SECTION_APPLICATION_PROPERTIES);
}

void client_write_request(struct amqp_buffer *buffer, const char *operation,
        struct amqp_bytes raw_id, struct amqp_bytes body)
{
	put_request_head(buffer, raw_id);
	size_t mark = amqp_begin_map(buffer);
	put_text(buffer, "operation", operation);
	amqp_end(buffer, mark, 2);
	amqp_put_descriptor(buffer, AMQP_SECTION_VALUE);
	amqp_buffer_append(buffer, body.start, body.size);
}

void client_write_token(struct amqp_buffer *buffer, const char *audience, const char *token)
{
	put_request_head(buffer, amqp_bytes("\x44", 1));
	size_t mark = amqp_begin_map(buffer);
	put_text(buffer, "operation", "put-token");
	put_text(buffer, "type", "servicebus.windows.net:sastoken");
	put_text(buffer, "name", audience);
	amqp_end(buffer, mark, 6);
	amqp_put_descriptor(buffer, AMQP_SECTION_VALUE);
	amqp_put_string(buffer, amqp_text(token));
}

int64_t client_status(const struct arrival *arrival, const char *key)
{
	struct amqp_message message;
	struct amqp_value value;
	int64_t status = -1;
	/* Clients take nothing else than an int here. */
	if (amqp_message_parse(amqp_buffer_bytes(&arrival->bytes), &message) &&
	        amqp_section_find(message.application_properties, key, &value) &&
	        (value.code == 0x71 || value.code == 0x54)) {
		(void)amqp_value_to_int(&value, &status);
	}
	return status;
}
