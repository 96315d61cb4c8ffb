/* SPDX-License-Identifier: MIT */
/* Messages from a peer to a topic, one by one or in batches. */
#ifndef BUS_LOCAL_AMQP_INTAKE_H
#define BUS_LOCAL_AMQP_INTAKE_H

#include <proton/delivery.h>

struct link;

/* Gives the peer credit. */
void intake_open(struct link *link);
void intake_on_delivery(struct link *link, pn_delivery_t *delivery);

#endif
