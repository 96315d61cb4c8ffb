/* SPDX-License-Identifier: MIT */
/* A message as peers get it: header and annotations written anew, the rest as it came. */
#ifndef BUS_LOCAL_AMQP_DELIVERY_BYTES_H
#define BUS_LOCAL_AMQP_DELIVERY_BYTES_H

#include "support/amqp/buffer.h"

struct broker;
struct entry;

/*
 * Appends all that comes before the bytes that can be sent as they are, which are returned; they
 * lie in the message. With_token: the lock goes into the delivery annotations too.
 */
struct amqp_bytes delivery_put_head(const struct broker *broker, const struct entry *entry,
        bool with_token, struct amqp_buffer *buffer);

#endif
