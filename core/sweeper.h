/* SPDX-License-Identifier: MIT */
/*
 * Sees to it that every job ends (SPEC 5, Sweeper): goes through the jobs that hold a slot, asks
 * the engine about those that have not changed for a while, starts what was never started, tells
 * again what may have been lost, closes what the engine has ended. Also has the storage mend
 * itself.
 */
#ifndef CORE_SWEEPER_H
#define CORE_SWEEPER_H

#include <stdint.h>

#include <lucius/plugin.h>

struct backend;
struct ledger;
struct loop;
struct signals;
struct sweeper;

struct sweeper_parts {
	struct loop *loop;
	struct ledger *ledger;
	struct backend *workflow;
	const struct signals *signals;
	const int64_t *retention_days; /* read at each pass: they may change */
	const int64_t *period_seconds;
};

struct sweeper *sweeper_create(const struct sweeper_parts *parts);
void sweeper_start(struct sweeper *sweeper);
/* The period may have changed: it counts for the wait under way as well. */
void sweeper_reconfigure(struct sweeper *sweeper);
/* Ends after what is under way; on_stopped runs later. */
void sweeper_stop(struct sweeper *sweeper, lucius_fn on_stopped, void *user);
/* Takes NULL. Stopped or never started. */
void sweeper_destroy(struct sweeper *sweeper);

#endif
