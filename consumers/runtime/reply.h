/* SPDX-License-Identifier: MIT */
/* ACK and RESULT: their bodies, and the messages that carry them. */
#ifndef CONSUMERS_RUNTIME_REPLY_H
#define CONSUMERS_RUNTIME_REPLY_H

#include "consumers/runtime/directive.h"
#include "consumers/runtime/result.h"

/* Append a body. */
void reply_ack_body(struct amqp_buffer *buffer, const struct directive *directive);
void reply_result_body(
        struct amqp_buffer *buffer, const struct directive *directive, const struct result *result);

struct reply {
	const char *type; /* "ACK" or "RESULT" */
	const char *message_id;
	int lane;
	struct amqp_bytes body;
};

/* Appends an encoded message. */
void reply_message(
        struct amqp_buffer *buffer, const struct directive *directive, const struct reply *reply);

#endif
