/* SPDX-License-Identifier: MIT */
/* Requests that peers send to $cbs and $management nodes, and the replies to them. */
#ifndef BUS_LOCAL_AMQP_REQUEST_H
#define BUS_LOCAL_AMQP_REQUEST_H

#include <proton/delivery.h>

#include "support/amqp/message.h"

struct link;

/* All borrowed from the bytes of the request. */
struct request {
	struct link *link;
	struct amqp_bytes operation;
	struct amqp_value properties; /* application properties; AMQP_NULL if there are none */
	struct amqp_value body; /* the value; AMQP_NULL if the body is none */
	struct amqp_value id;
	struct amqp_bytes reply_to; /* size 0: any reply link will do */
};

/* What is answered; the body's value is written by the caller or left out. */
struct reply {
	int32_t status;
	const char *description;
	const char *condition; /* NULL: none */
	struct amqp_bytes body; /* an encoded value; size 0: null */
};

/* Gives the peer credit for requests. */
void request_open(struct link *link);

/* Reads requests and lets cbs_answer or management_answer reply to each. */
void request_on_delivery(struct link *link, pn_delivery_t *delivery);

/* Replies on the peer's reply link of the same node. */
void request_reply(const struct request *request, const struct reply *reply);

/* A reply link's delivery was settled by the peer. */
void reply_on_delivery(pn_delivery_t *delivery);

/* $cbs: put-token. */
void cbs_answer(const struct request *request);

/* $management of a subscription or topic. */
void management_answer(const struct request *request);

#endif
