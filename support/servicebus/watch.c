/* SPDX-License-Identifier: MIT */
/*
 * The watch over links that have gone silent: attached, with credit out, on a connection that
 * lives, and for a long time nothing has come. Either there is nothing, or the other end has
 * forgotten the link. To tell, the credit is asked back (drain), which a living end must answer;
 * what it has is given out again. Without an answer the link is put up anew.
 */
#include "support/servicebus/private.h"

#define PROBE_MS 10000
/* Of the time that a link may be silent, one part passes between two looks. */
#define PARTS 4

static void probe(struct servicebus_receiver *receiver, int64_t now_ms)
{
	uint32_t quiet_ms = receiver->link.client->settings.quiet_link_ms;
	receiver->is_probing = true;
	receiver->probe_deadline_ms = now_ms + (quiet_ms < PROBE_MS ? quiet_ms : PROBE_MS);
	servicebus_receiver_drain(receiver);
}

static void watch(struct servicebus_receiver *receiver, int64_t now_ms)
{
	struct servicebus_link *link = &receiver->link;
	if (link->state != LINK_UP || receiver->is_stopping) {
		receiver->is_probing = false;
		return;
	}
	bool is_silent = now_ms - link->heard_ms >= link->client->settings.quiet_link_ms;
	if (!is_silent) {
		receiver->is_probing = false;
	} else if (receiver->is_probing && now_ms >= receiver->probe_deadline_ms) {
		receiver->is_probing = false;
		servicebus_link_lost(link, "", "nothing comes on it, and it does not answer");
	} else if (!receiver->is_probing && pn_link_credit(link->pn) > 0) {
		probe(receiver, now_ms);
	}
}

void servicebus_watch(struct servicebus_client *client)
{
	int64_t now_ms = servicebus_now_ms();
	for (struct servicebus_link *link = client->links; link != NULL;) {
		struct servicebus_link *next = link->next; /* link may go to the gone ones */
		if (!link->is_sender) {
			watch((struct servicebus_receiver *)link, now_ms);
		}
		link = next;
	}
	servicebus_arm(client->watch, client->settings.quiet_link_ms / PARTS + 1);
}
