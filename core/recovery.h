/* SPDX-License-Identifier: MIT */
/*
 * An engine that lives in this process alone is made whole before it works: its name is owned in
 * the storage, then each live job is handed to it with the state of its rows.
 */
#ifndef CORE_RECOVERY_H
#define CORE_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include <lucius/plugin.h>

struct backend;
struct ledger;
struct loop;
struct recovery;

struct recovery_parts {
	struct loop *loop;
	struct ledger *ledger;
	struct backend *workflow;
	uint32_t lease_ms; /* of the ownership */
	int bus_is_durable;
	lucius_fn on_recovered; /* all live jobs are with the engine */
	lucius_fn on_lost; /* another process owns the engine's name now */
	void *user;
};

struct recovery *recovery_create(const struct recovery_parts *parts);
/* Callbacks run later. Failures are logged and tried again. */
void recovery_start(struct recovery *recovery);
/* False: another process may have it, or the storage has not answered. */
bool recovery_has_name(const struct recovery *recovery);
/* Lets go of the name; no callback comes any more. */
void recovery_stop(struct recovery *recovery);
/* Takes NULL. Only when the loop has run once more after recovery_stop. */
void recovery_destroy(struct recovery *recovery);

#endif
