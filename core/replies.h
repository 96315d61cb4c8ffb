/* SPDX-License-Identifier: MIT */
/*
 * Takes ACK and RESULT from the reply topics of all lanes: ledger, then signal, then settle, then
 * the slot of a closed job. While a backend is away a reply is kept (the bus renews its lock) and
 * tried again; at the stop it is given back.
 */
#ifndef CORE_REPLIES_H
#define CORE_REPLIES_H

#include <lucius/plugin.h>
#include <stdint.h>

struct backend;
struct ledger;
struct loop;
struct replies;
struct signals;

struct replies_parts {
	struct loop *loop;
	struct ledger *ledger;
	struct backend *bus;
	const struct signals *signals;
	uint32_t n_lanes;
	const char *topic_prefix; /* "global-bus-replies-p" */
	const char *subscription; /* "lucius-invoker" */
	const int64_t *dlq_seconds; /* borrowed, may change; between two readings of the dead
	                               letters; 0: never */
};

struct replies *replies_create(const struct replies_parts *parts);
/* Subscribes to all lanes. */
void replies_start(struct replies *replies);
/* What is borrowed and may change has changed. */
void replies_reconfigure(struct replies *replies);
/* Drains; on_stopped runs once nothing is open. */
void replies_stop(struct replies *replies, lucius_fn on_stopped, void *user);
/* Takes NULL. Stopped or never started. */
void replies_destroy(struct replies *replies);

#endif
