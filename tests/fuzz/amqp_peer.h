/* SPDX-License-Identifier: MIT */
/* One end of an AMQP connection whose other end says whatever the fuzzer makes up. */
#ifndef TESTS_FUZZ_AMQP_PEER_H
#define TESTS_FUZZ_AMQP_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/amqp/connection.h"

#define AMQP_PEER_MESSAGE_MAX 65536 /* bytes */

/* Takes what has come of a message, if the link receives; for on_event. */
void amqp_peer_take(pn_link_t *link, pn_delivery_t *delivery);

/* Opens the end, feeds it the bytes and ends it. */
void amqp_peer_feed(const struct amqp_connection_settings *settings,
        void (*on_event)(void *user, struct amqp_connection *connection, pn_event_t *event),
        const uint8_t *bytes, size_t size);

#endif
