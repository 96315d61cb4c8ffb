/* SPDX-License-Identifier: MIT */
/*
 * One message as the broker keeps it: the sender's bytes, never changed and shared by reference
 * count between all stores that hold it, and the few things that have been read out of them.
 */
#ifndef BUS_LOCAL_MODEL_MESSAGE_H
#define BUS_LOCAL_MODEL_MESSAGE_H

#include "support/amqp/message.h"

/* More is no message that anybody may send, whatever the limits say. */
#define MESSAGE_MAX_SIZE (UINT32_C(1) << 30)

struct message {
	uint32_t n_references;
	uint32_t annotations_size; /* the sender's, to be handed on: map entries that begin bytes */
	uint32_t n_annotations; /* keys and values together */
	uint32_t bare_size; /* behind the annotations: properties to footer, verbatim */
	/* Each within bytes; size 0 if it is missing. */
	struct amqp_bytes properties;
	struct amqp_bytes application_properties;
	struct amqp_bytes body;
	struct amqp_bytes id; /* a text's content, else the value's encoding */
	int64_t ttl_ms; /* 0: none */
	int64_t scheduled_ms; /* since 1970, not to be delivered before; 0: at once */
	bool is_durable;
	uint8_t priority;
	uint8_t bytes[];
};

/*
 * Copies what is to be delivered out of an encoded message, which gets the spare id if it has none
 * of its own (receivers exist that cannot do without). Owned (one reference); NULL with a sentence,
 * lent for ever, if it is malformed.
 */
struct message *message_decode(
        struct amqp_bytes encoded, struct amqp_bytes spare_id, const char **ret_error);
/* The same of what amqp_message_write has just written, whose map of properties is sound. */
struct message *message_decode_own(
        struct amqp_bytes encoded, struct amqp_bytes spare_id, const char **ret_error);

void message_hold(struct message *message);

/* Frees it when nobody holds it any more; takes NULL. */
void message_drop(struct message *message);

/* What counts against limits. */
static inline size_t message_size(const struct message *message)
{
	return (size_t)message->annotations_size + message->bare_size;
}

static inline struct amqp_bytes message_annotations(const struct message *message)
{
	return amqp_bytes(message->bytes, message->annotations_size);
}

static inline struct amqp_bytes message_bare(const struct message *message)
{
	return amqp_bytes(message->bytes + message->annotations_size, message->bare_size);
}

#endif
