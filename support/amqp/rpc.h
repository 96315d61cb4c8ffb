/* SPDX-License-Identifier: MIT */
/*
 * The asking side of request and response over AMQP: a sending and a receiving link to one node
 * ($cbs, <entity>/$management), replies matched by their correlation id. Requests that are made
 * before the links are up wait for them.
 */
#ifndef SUPPORT_AMQP_RPC_H
#define SUPPORT_AMQP_RPC_H

#include "support/amqp/connection.h"
#include "support/amqp/decode.h"

#include <proton/session.h>

struct amqp_rpc;

/* An answer, or why there is none; borrowed for the call. */
struct amqp_rpc_reply {
	bool is_answered;
	int64_t status; /* of the answer: 200, 401, … */
	struct amqp_bytes condition; /* errorCondition, or the links'; may be empty */
	struct amqp_bytes description; /* for a person; may be empty */
	struct amqp_value body; /* what the value section holds; AMQP_NULL if nothing */
};
typedef void (*amqp_rpc_reply_fn)(void *user, const struct amqp_rpc_reply *reply);

/* One entry of a request's application properties: a string, or a timestamp. */
struct amqp_rpc_property {
	const char *name;
	struct amqp_bytes text;
	int64_t time_ms;
	bool is_time;
};

struct amqp_rpc_request {
	const struct amqp_rpc_property *properties;
	size_t n_properties;
	struct amqp_bytes body; /* one encoded value */
	int64_t deadline_ms; /* in the time of amqp_rpc_expire */
	amqp_rpc_reply_fn on_reply;
	void *user;
};

/* Attaches both links on the session. `on_lost` (may be NULL): they are gone, all requests have
 * been told; destroy is due. */
struct amqp_rpc *amqp_rpc_create(struct amqp_connection *connection, pn_session_t *session,
        const char *address, void (*on_lost)(void *user, const struct amqp_rpc_reply *why),
        void *user);

/* Tells open requests that there is no answer, and closes the links. Not within a callback of the
 * same rpc, but for on_lost. Takes NULL. */
void amqp_rpc_destroy(struct amqp_rpc *rpc);

/* The session and its links are gone, or will be before the loop runs again: touch them no more,
 * and tell all requests. on_lost is not called. */
void amqp_rpc_abandon(struct amqp_rpc *rpc, const char *condition, const char *description);

/* The reply function is called exactly once, never within this call. */
void amqp_rpc_call(struct amqp_rpc *rpc, const struct amqp_rpc_request *request);

/* To be given each event of the connection; true: it was for this rpc. */
bool amqp_rpc_handle(struct amqp_rpc *rpc, pn_event_t *event);

/* Ends requests whose deadline has passed. */
void amqp_rpc_expire(struct amqp_rpc *rpc, int64_t now_ms);
/* Forgets the requests of that user without a word. */
void amqp_rpc_cancel(struct amqp_rpc *rpc, const void *user);
bool amqp_rpc_is_idle(const struct amqp_rpc *rpc);

#endif
