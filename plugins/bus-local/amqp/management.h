/* SPDX-License-Identifier: MIT */
/* What a management node can do ("AMQP request/response operations in Azure Service Bus"). */
#ifndef BUS_LOCAL_AMQP_MANAGEMENT_H
#define BUS_LOCAL_AMQP_MANAGEMENT_H

#include "plugins/bus-local/amqp/request.h"

struct bus;
struct store;
struct topic;

/* Locks, numbers or messages in one request. */
#define MANAGEMENT_MAX_ITEMS 1000

/* What a request is about. */
struct node {
	struct bus *bus;
	struct topic *topic;
	struct store *store; /* NULL: it is a topic's, or the subscription has gone */
};

/* Each answers its request. */
void management_renew(const struct request *request, struct node *node);
void management_settle(const struct request *request, struct node *node);
void management_peek(const struct request *request, struct node *node);
void management_receive(const struct request *request, struct node *node);
void management_schedule(const struct request *request, struct node *node);
void management_cancel(const struct request *request, struct node *node);

void management_refuse(const struct request *request, int32_t status, const char *condition,
        const char *description);

/* A member of the body that is an array or list of 1 to MANAGEMENT_MAX_ITEMS elements; false: the
 * request has been refused. */
bool management_sequence(
        const struct request *request, const char *name, struct amqp_value *ret_sequence);

/* Its next element; the reader starts at sequence->bytes. */
bool management_next(const struct amqp_value *sequence, struct amqp_reader *reader,
        struct amqp_value *ret_value);

#endif
