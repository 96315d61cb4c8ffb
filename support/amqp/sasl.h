/* SPDX-License-Identifier: MIT */
/*
 * The SASL exchange of both sides ("Security", 5.3), byte by byte: the mechanism names of Service
 * Bus are none that proton knows, and the exchange is four frames. What follows it is proton's.
 */
#ifndef SUPPORT_AMQP_SASL_H
#define SUPPORT_AMQP_SASL_H

#include "support/amqp/buffer.h"

/* A SASL frame above this is refused; tokens of a few kilobytes fit. */
#define AMQP_SASL_MAX_FRAME 16384

enum amqp_sasl_state {
	AMQP_SASL_WAITS_HEADER,
	AMQP_SASL_WAITS_MECHANISMS, /* client */
	AMQP_SASL_WAITS_INIT, /* server */
	AMQP_SASL_WAITS_OUTCOME, /* client */
	AMQP_SASL_DONE, /* the AMQP header comes next */
	AMQP_SASL_FAILED,
};

/* Server: whether user and password are good; called for PLAIN. Borrowed for the call. */
typedef bool (*amqp_sasl_check_fn)(void *user, struct amqp_bytes name, struct amqp_bytes password);

struct amqp_sasl {
	bool is_server;
	enum amqp_sasl_state state;
	/* Server: NULL takes no PLAIN. */
	amqp_sasl_check_fn check;
	void *user;
	/* Server, once done: PLAIN has been checked. */
	bool is_authenticated;
	/* Client: borrowed as long as the exchange runs; PLAIN is used if plain_name is set. */
	const char *hostname;
	const char *plain_name;
	const char *plain_password;
	/* Once failed: one sentence. */
	char error[160];
};

/* Client: writes its header into `out`. Server: nothing yet. */
void amqp_sasl_start(struct amqp_sasl *sasl, struct amqp_buffer *out);

/*
 * Takes bytes from the peer and writes answers into `out`; returns how many it has taken, which may
 * be none (more is needed) and never goes beyond the exchange. A server that finds an AMQP header
 * at the start is done without SASL. After a failure `out` still holds what the peer should get.
 */
size_t amqp_sasl_take(struct amqp_sasl *sasl, struct amqp_bytes input, struct amqp_buffer *out);

#endif
