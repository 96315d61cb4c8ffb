/* SPDX-License-Identifier: MIT */
/*
 * Bytes that a client may send to the listener of the bus, from the first one on: SASL, protocol
 * header, frames. The connection must end or wait, and give all memory back.
 */
#include <proton/session.h>

#include "support/amqp/link.h"
#include "tests/fuzz/amqp_peer.h"
#include "tests/fuzz/fuzz.h"

static void on_event(void *user, struct amqp_connection *connection, pn_event_t *event)
{
	(void)user;
	(void)connection;
	switch (pn_event_type(event)) {
	case PN_SESSION_REMOTE_OPEN:
		pn_session_open(pn_event_session(event));
		break;
	case PN_SESSION_REMOTE_CLOSE:
		pn_session_close(pn_event_session(event));
		pn_session_free(pn_event_session(event));
		break;
	case PN_LINK_REMOTE_OPEN:
		amqp_link_accept(pn_event_link(event), AMQP_PEER_MESSAGE_MAX);
		if (pn_link_is_receiver(pn_event_link(event))) {
			pn_link_flow(pn_event_link(event), 10);
		}
		break;
	case PN_LINK_REMOTE_CLOSE:
	case PN_LINK_REMOTE_DETACH:
		pn_link_close(pn_event_link(event));
		pn_link_free(pn_event_link(event));
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
	const struct amqp_connection_settings settings = { .is_server = true,
		.container_id = "fuzz" };
	amqp_peer_feed(&settings, on_event, bytes, size);
	return 0;
}
