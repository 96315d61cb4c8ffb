/* SPDX-License-Identifier: MIT */
/* What both sides do with proton's links and deliveries time and again, the mark of shim.h
 * included. */
#ifndef SUPPORT_AMQP_LINK_H
#define SUPPORT_AMQP_LINK_H

#include "support/amqp/buffer.h"

#include <proton/condition.h>
#include <proton/delivery.h>
#include <proton/link.h>

/* The delivery's tag without its mark, as the peer knows it. */
struct amqp_bytes amqp_delivery_tag(pn_delivery_t *delivery);
/* The sender marked it as a batch (AMQP_FORMAT_BATCH). */
bool amqp_delivery_is_batch(pn_delivery_t *delivery);

/* Starts a delivery on a sending link with this tag (up to 32 bytes) and mark. */
pn_delivery_t *amqp_delivery_start(pn_link_t *link, struct amqp_bytes tag, uint8_t mark);

enum amqp_read_result {
	AMQP_READ_PARTIAL, /* more frames are to come; nothing was taken */
	AMQP_READ_WHOLE, /* the buffer holds the message; the link has advanced */
	AMQP_READ_ABORTED, /* the sender took it back; the link has advanced, settle it */
	AMQP_READ_TOO_LARGE, /* over the limit; nothing was taken: end the link */
};
/* For each PN_DELIVERY that is readable: replaces the buffer's content by the message. */
enum amqp_read_result amqp_delivery_read(
        pn_delivery_t *delivery, size_t max_size, struct amqp_buffer *buffer);

/* An error with all its three fields: clients exist (pyamqp) that read the third without looking
 * whether it is there, so that it is an empty map. */
void amqp_condition_set(pn_condition_t *condition, const char *name, const char *description);

/* Server: answers an attach in its own terms: same termini and settle modes. Opens the link. */
void amqp_link_accept(pn_link_t *link, uint64_t max_message_size);
/* Server: refuses an attach: no termini, then a detach with the error. */
void amqp_link_refuse(pn_link_t *link, const char *condition, const char *description);
/* Closes a link with an error (condition may be NULL: without). */
void amqp_link_close(pn_link_t *link, const char *condition, const char *description);

#endif
