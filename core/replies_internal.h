/* SPDX-License-Identifier: MIT */
/* What core/replies*.c share: the lanes, and one chain a reply. */
#ifndef CORE_REPLIES_INTERNAL_H
#define CORE_REPLIES_INTERNAL_H

#include <lucius/bus.h>

#include "core/ledger.h"
#include "core/replies.h"
#include "core/reply.h"
#include "core/signals.h"

struct reply_lane {
	struct replies *replies;
	struct lucius_op subscription; /* id 0: none */
	struct timer *again; /* to subscribe once more after a failure */
	uint32_t lane;
};

struct replies {
	struct replies_parts parts;
	struct reply_lane *lanes; /* owned; n_lanes of them */
	struct reply_chain *chains; /* all that are open */
	size_t n_open; /* chains, subscriptions, unsubscribes */
	bool is_stopping;
	lucius_fn on_stopped;
	void *user;
	struct dead_letters *dead_letters; /* owned */
};

/* A chain begins; the delivery is borrowed for the call. */
void reply_chain_begin(struct replies *replies, const struct lucius_delivery *delivery);
/* A chain of nothing but a release, for a delivery that is not to be looked at. */
void reply_chain_give_back(struct replies *replies, uint64_t token);
/* Chains that wait for a back-off give their message back. */
void reply_chains_stop(struct replies *replies);
/* Something has ended: on_stopped if it was the last. */
void replies_ended(struct replies *replies);

/* The pass over the dead letters of all lanes, every so often. */
struct dead_letters *dead_letters_create(struct replies *replies);
void dead_letters_start(struct dead_letters *dead_letters);
/* Their period may have changed. */
void dead_letters_reconfigure(struct dead_letters *pass);
void dead_letters_stop(struct dead_letters *dead_letters);
void dead_letters_destroy(struct dead_letters *dead_letters);

#endif
