/* SPDX-License-Identifier: MIT */
/* Exclusive names within one process. */
#include "plugins/storage-memory/ownership.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"

struct claimant {
	struct claimant *next;
	struct ownership *ownership;
	struct lucius_op op;
	bool has_it;
	size_t name_size;
	char name[];
};

static bool is_same_name(const struct claimant *one, const struct claimant *other)
{
	return one->name_size == other->name_size &&
	        memcmp(one->name, other->name, one->name_size) == 0;
}

/* The first in line for that claimant's name. */
static struct claimant *first_of(struct ownership *ownership, const struct claimant *like)
{
	struct claimant *claimant = ownership->first;
	while (claimant != NULL && !is_same_name(claimant, like)) {
		claimant = claimant->next;
	}
	return claimant;
}

static void grant(struct ownership *ownership, struct claimant *claimant)
{
	struct lucius_text name = { claimant->name, claimant->name_size };
	claimant->has_it = true;
	ownership->host->give(ownership->host, claimant->op, &name);
}

static void unlink_claimant(struct ownership *ownership, const struct claimant *claimant)
{
	struct claimant **at = &ownership->first;
	while (*at != claimant) {
		at = &(*at)->next;
	}
	*at = claimant->next;
}

/* The caller lets go, or gives up waiting. */
static void on_cancelled(void *user)
{
	struct claimant *claimant = user;
	struct ownership *ownership = claimant->ownership;
	unlink_claimant(ownership, claimant);
	lucius_finish(ownership->host, claimant->op);
	struct claimant *next = first_of(ownership, claimant);
	if (next != NULL && !next->has_it) {
		grant(ownership, next);
	}
	free(claimant);
}

void ownership_ask(
        struct ownership *ownership, const struct lucius_ownership *asked, struct lucius_op op)
{
	struct claimant *claimant = must_calloc(1, sizeof(*claimant) + asked->name.size + 1);
	claimant->ownership = ownership;
	claimant->op = op;
	claimant->name_size = asked->name.size;
	if (asked->name.size != 0) {
		memcpy(claimant->name, asked->name.data, asked->name.size);
	}
	struct claimant **last = &ownership->first;
	while (*last != NULL) {
		last = &(*last)->next;
	}
	*last = claimant;
	ownership->host->on_cancel(ownership->host, op, on_cancelled, claimant);
	if (first_of(ownership, claimant) == claimant) {
		grant(ownership, claimant);
	}
}

void ownership_stop(struct ownership *ownership)
{
	while (ownership->first != NULL) {
		struct claimant *claimant = ownership->first;
		ownership->first = claimant->next;
		lucius_finish(ownership->host, claimant->op);
		free(claimant);
	}
}
