/* SPDX-License-Identifier: MIT */
/* Messages to a peer: handed over against credit, settled by it, with the lock as delivery tag. */
#ifndef BUS_LOCAL_AMQP_OUTLET_H
#define BUS_LOCAL_AMQP_OUTLET_H

#include <proton/delivery.h>

struct link;
struct store;

/* Begins to receive from the store; without credit yet. */
void outlet_open(struct link *link, struct store *store);
void outlet_on_flow(struct link *link);
void outlet_on_delivery(struct link *link, pn_delivery_t *delivery);

/* Holds it back while too much waits to be written, and lets it go on after that. */
void outlet_adjust(struct link *link);

#endif
