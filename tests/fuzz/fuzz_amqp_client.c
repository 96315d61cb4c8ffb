/* SPDX-License-Identifier: MIT */
/*
 * Bytes that a server may send to a client of the bus, from the first one on: SASL, protocol
 * header, frames. The connection must end or wait, and give all memory back.
 */
#include <proton/session.h>

#include "support/amqp/link.h"
#include "tests/fuzz/amqp_peer.h"
#include "tests/fuzz/fuzz.h"

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
		amqp_peer_take(pn_event_link(event), pn_event_delivery(event));
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct amqp_connection_settings settings = { .hostname = "localhost",
		.container_id = "fuzz" };
	amqp_peer_feed(&settings, on_event, bytes, size);
	return 0;
}
