/* SPDX-License-Identifier: MIT */
/*
 * Ownership of a name with a lease at the shared store. A process renews it in good time, and
 * believes that it has lost it when it could not until the lease was over.
 */
#include <stdlib.h>
#include <string.h>

#include "core/op.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/sim/system/world.h"

enum { ASK_AGAIN_MS = 1000 };

struct ownership_claim {
	struct ownership_claim *next;
	struct process *process;
	unsigned life;
	unsigned serial; /* names it to answers that come after it has gone */
	const struct lucius_host *host;
	struct lucius_op op;
	char owner[64];
	uint64_t lease_ms;
	uint64_t sent_ms; /* the process's clock, when it asked last */
	uint64_t valid_until_ms; /* the same clock */
	struct lucius_timer *timer;
	bool has_it;
};

struct ask {
	struct process *process;
	unsigned life, serial;
	uint64_t lease_ms;
	uint64_t sent_ms; /* the process's clock: the answer may be late */
	char owner[64];
	bool is_release, is_lost_before, is_lost_after, is_granted;
};

static void renew(void *user);

static struct ownership_claim *find(const struct ask *ask)
{
	if (!process_is_here(ask->process, ask->life)) {
		return NULL;
	}
	struct ownership_claim *claim = ask->process->claims;
	while (claim != NULL && claim->serial != ask->serial) {
		claim = claim->next;
	}
	return claim;
}

static void remove_claim(struct ownership_claim *claim)
{
	struct ownership_claim **at = &claim->process->claims;
	while (*at != claim) {
		at = &(*at)->next;
	}
	*at = claim->next;
	if (claim->timer != NULL) {
		claim->host->timer_stop(claim->host, claim->timer);
	}
	free(claim);
}

static void on_answer(struct ownership_claim *claim, const struct ask *ask)
{
	static const struct lucius_text name = { "workflow-local", 14 };
	const struct lucius_host *host = claim->host;
	uint64_t now_ms = host->now_ms(host);
	uint64_t until_ms = ask->sent_ms + ask->lease_ms;
	if (ask->is_granted && until_ms > claim->valid_until_ms) {
		claim->valid_until_ms = until_ms;
	}
	if (ask->is_granted && !claim->has_it && now_ms < claim->valid_until_ms) {
		claim->has_it = true;
		world_say(claim->process->world, NULL, "owns the engine's name");
		host->give(host, claim->op, &name);
	}
}

static void answer(struct world *world, void *user)
{
	struct ask *ask = user;
	if (ask->process->stalled_until_ms > world->now_ms) {
		world_at(world, ask->process->stalled_until_ms - world->now_ms, answer, ask);
		return;
	}
	if (process_is_here(ask->process, ask->life)) {
		process_enter(ask->process);
		struct ownership_claim *claim = find(ask);
		if (claim != NULL) {
			on_answer(claim, ask);
		}
		process_run(ask->process);
	}
	free(ask);
}

static void arrive(struct world *world, void *user)
{
	struct ask *ask = user;
	struct server *server = &world->server;
	bool is_mine = strcmp(server->owner, ask->owner) == 0;
	if (ask->is_release) {
		server->owner[is_mine ? 0 : strlen(server->owner)] = '\0';
		free(ask);
		return;
	}
	bool is_free = server->owner[0] == '\0' || server->owned_until_ms <= world->now_ms;
	if (!ask->is_lost_before && (is_mine || is_free)) {
		memcpy(server->owner, ask->owner, sizeof(server->owner));
		server->owned_until_ms = world->now_ms + ask->lease_ms;
		ask->is_granted = !ask->is_lost_after;
	}
	world_at(world, world_latency(world, world->climate.storage_is_slow), answer, ask);
}

static void send(const struct ownership_claim *claim, bool is_release)
{
	struct world *world = claim->process->world;
	struct ask *ask = must_calloc(1, sizeof(*ask));
	ask->process = claim->process;
	ask->life = claim->life;
	ask->serial = claim->serial;
	ask->lease_ms = claim->lease_ms;
	ask->sent_ms = claim->sent_ms;
	ask->is_release = is_release;
	ask->is_lost_before = world_fails(world, world->climate.storage_refuses);
	ask->is_lost_after = world_fails(world, world->climate.storage_loses_answer);
	memcpy(ask->owner, claim->owner, sizeof(ask->owner));
	world_at(world, world_latency(world, world->climate.storage_is_slow), arrive, ask);
}

static void lose(struct ownership_claim *claim)
{
	const struct lucius_host *host = claim->host;
	struct lucius_op op = claim->op;
	world_say(claim->process->world, NULL, "has lost the engine's name");
	claim->timer = NULL;
	claim->process->has_lost_name = true;
	remove_claim(claim);
	host->finish(host, op, LUCIUS_CONFLICT, "the lease ran out");
}

static void renew(void *user)
{
	struct ownership_claim *claim = user;
	const struct lucius_host *host = claim->host;
	uint64_t now_ms = host->now_ms(host);
	if (claim->has_it && now_ms >= claim->valid_until_ms) {
		lose(claim);
		return;
	}
	claim->sent_ms = now_ms;
	send(claim, false);
	uint64_t left_ms = claim->has_it ? claim->valid_until_ms - now_ms : ASK_AGAIN_MS;
	uint64_t wait_ms = claim->has_it ? claim->lease_ms / 3 : ASK_AGAIN_MS;
	claim->timer = host->timer_start(host, wait_ms < left_ms ? wait_ms : left_ms, renew, claim);
}

static void on_cancelled(void *user)
{
	struct ownership_claim *claim = user;
	const struct lucius_host *host = claim->host;
	struct lucius_op op = claim->op;
	if (!claim->process->is_zombie) {
		send(claim, true);
		claim->process->has_lost_name = true;
	}
	remove_claim(claim);
	lucius_finish(host, op);
}

void storage_claim_name(struct process *process, const struct lucius_host *host,
        const struct lucius_ownership *asked, struct lucius_op op)
{
	static unsigned n_claims;
	if (process->is_zombie) {
		host->finish(host, op, LUCIUS_UNAVAILABLE, "gone");
		return;
	}
	struct ownership_claim *claim = must_calloc(1, sizeof(*claim));
	claim->process = process;
	claim->life = process->life;
	claim->serial = ++n_claims;
	claim->host = host;
	claim->op = op;
	claim->lease_ms = asked->lease_ms;
	memcpy(claim->owner, asked->owner.data, asked->owner.size);
	claim->next = process->claims;
	process->claims = claim;
	host->on_cancel(host, op, on_cancelled, claim);
	if (process->memory != NULL) {
		claim->has_it = true;
		host->give(host, op, &asked->name);
		return;
	}
	renew(claim);
}

void storage_drop_claims(struct process *process)
{
	while (process->claims != NULL) {
		struct ownership_claim *claim = process->claims;
		const struct lucius_host *host = claim->host;
		struct lucius_op op = claim->op;
		if (!process->is_zombie && claim->has_it && process->memory == NULL) {
			send(claim, true);
		}
		remove_claim(claim);
		lucius_finish(host, op);
	}
}
