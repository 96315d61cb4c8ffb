/* SPDX-License-Identifier: MIT */
/*
 * Bytes that a server may send to a client of the bus, from the first one on: SASL, protocol
 * header, frames. The connection must end or wait, and give all memory back.
 */
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>
#include <proton/session.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/amqp/connection.h"
#include "support/amqp/link.h"
#include "support/amqp/message.h"
#include "tests/fuzz/fuzz.h"

#define MAX_MESSAGE 65536

static struct amqp_buffer received;

static void on_delivery(pn_link_t *link, pn_delivery_t *delivery)
{
	struct amqp_message message;
	if (!pn_link_is_receiver(link) || !pn_delivery_readable(delivery)) {
		return;
	}
	enum amqp_read_result result = amqp_delivery_read(delivery, MAX_MESSAGE, &received);
	if (result == AMQP_READ_TOO_LARGE) {
		amqp_link_close(link, "amqp:link:message-size-exceeded", "too large");
	} else if (result == AMQP_READ_WHOLE) {
		(void)amqp_delivery_is_batch(delivery);
		(void)amqp_message_parse(amqp_buffer_bytes(&received), &message);
		pn_delivery_update(delivery, PN_ACCEPTED);
		pn_delivery_settle(delivery);
	} else if (result == AMQP_READ_ABORTED) {
		pn_delivery_settle(delivery);
	}
}

static void attach(pn_connection_t *connection)
{
	pn_session_t *session = pn_session(connection);
	pn_session_open(session);
	pn_link_t *sender = pn_sender(session, "sender");
	pn_link_t *receiver = pn_receiver(session, "receiver");
	(void)pn_terminus_set_address(pn_link_target(sender), "topic");
	(void)pn_terminus_set_address(pn_link_source(receiver), "topic/Subscriptions/s");
	pn_link_open(sender);
	pn_link_open(receiver);
	pn_link_flow(receiver, 10);
}

static void on_event(void *user, struct amqp_connection *connection, pn_event_t *event)
{
	(void)user;
	(void)connection;
	switch (pn_event_type(event)) {
	case PN_CONNECTION_REMOTE_OPEN:
		attach(pn_event_connection(event));
		break;
	case PN_LINK_FLOW:
		if (pn_link_is_sender(pn_event_link(event)) &&
		        pn_link_credit(pn_event_link(event)) > 0) {
			(void)amqp_delivery_start(
			        pn_event_link(event), amqp_bytes("tag", 3), AMQP_MARK_PLAIN);
			(void)pn_link_send(pn_event_link(event), "\0Ss", 3);
			(void)pn_link_advance(pn_event_link(event));
		}
		break;
	case PN_LINK_REMOTE_CLOSE:
	case PN_LINK_REMOTE_DETACH:
		pn_link_close(pn_event_link(event));
		break;
	case PN_DELIVERY:
		on_delivery(pn_event_link(event), pn_event_delivery(event));
		break;
	default:
		break;
	}
}

static void on_closed(
        void *user, struct amqp_connection *connection, const struct amqp_closing *closing)
{
	(void)connection;
	(void)closing;
	*(int *)user = 1;
}

static struct amqp_connection *make_client(struct event_base *base, evutil_socket_t fd, int *closed)
{
	struct amqp_connection_settings settings = { .hostname = "localhost",
		.container_id = "fuzz" };
	struct amqp_connection_handler handler = {
		.on_event = on_event,
		.on_closed = on_closed,
		.user = closed,
	};
	struct bufferevent *stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (stream == NULL) {
		abort();
	}
	struct amqp_connection *client = amqp_connection_create(base, stream, &settings, &handler);
	bufferevent_trigger_event(stream, BEV_EVENT_CONNECTED, 0);
	return client;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	evutil_socket_t fds[2];
	int is_closed = 0;
	struct event_base *base = event_base_new();
	if (base == NULL || evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) {
		abort();
	}
	(void)evutil_make_socket_nonblocking(fds[0]);
	(void)evutil_make_socket_nonblocking(fds[1]);
	struct amqp_connection *client = make_client(base, fds[1], &is_closed);
	char answers[4096];
	while (size != 0 && !is_closed) {
		ssize_t n = write(fds[0], bytes, size < 4096 ? size : 4096);
		if (n <= 0) {
			break;
		}
		bytes += n;
		size -= (size_t)n;
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
		while (read(fds[0], answers, sizeof(answers)) > 0) {
		}
	}
	(void)close(fds[0]);
	for (int i = 0; i < 3; i++) {
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
	}
	amqp_connection_destroy(client);
	event_base_free(base);
	amqp_buffer_finish(&received);
	return 0;
}
