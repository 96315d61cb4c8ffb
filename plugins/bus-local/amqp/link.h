/* SPDX-License-Identifier: MIT */
/* The ends of links that a peer attaches. */
#ifndef BUS_LOCAL_AMQP_LINK_H
#define BUS_LOCAL_AMQP_LINK_H

#include <proton/link.h>

#include "plugins/bus-local/model/consumer.h"

struct peer;
struct subscription;
struct topic;

enum link_kind {
	LINK_INTAKE, /* the peer sends messages to a topic */
	LINK_OUTLET, /* the peer receives messages */
	LINK_CBS_REQUESTS,
	LINK_CBS_REPLIES,
	LINK_MANAGEMENT_REQUESTS,
	LINK_MANAGEMENT_REPLIES,
};

struct link {
	struct link *next; /* of the peer */
	struct link *previous;
	struct peer *peer;
	pn_link_t *proton; /* borrowed, as long as the link is there */
	enum link_kind kind;
	char *path; /* owned: address.h, lower case */
	char *reply_to; /* owned: replies: where the peer wants them; may be NULL */
	struct topic *topic; /* intake */
	struct subscription *subscription; /* outlet */
	struct consumer consumer; /* outlet */
	uint64_t n_replies; /* replies: for their tags */
};

/* An attach has come: takes it or refuses it. */
void link_attach(struct peer *peer, pn_link_t *proton);

/* The link of proton's; NULL: refused, or gone. */
struct link *link_of(pn_link_t *proton);

/* Forgets the link; what it holds stays locked. Proton's end is not touched. */
void link_destroy(struct link *link);

/* Credit has come, or a wish to drain. */
void link_on_flow(struct link *link);

/* A delivery has come, or has been settled. */
void link_on_delivery(struct link *link, pn_delivery_t *delivery);

/* Ends it with an error. */
void link_close(struct link *link, const char *condition, const char *sentence);

#endif
