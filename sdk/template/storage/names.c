/* SPDX-License-Identifier: MIT */
/* A line of claimants; the first of each name has it. */
#include "names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"

struct claimant {
	struct claimant *next;
	struct names *names;
	struct lucius_op op;
	bool has_it;
	char *name; /* owned */
};

void names_init(struct names *names, const struct lucius_host *host)
{
	*names = (struct names){ .host = host };
}

static void free_claimant(struct claimant *claimant)
{
	free(claimant->name);
	free(claimant);
}

static void grant_next(struct names *names, const char *name)
{
	struct claimant *claimant = names->first;
	while (claimant != NULL && strcmp(claimant->name, name) != 0) {
		claimant = claimant->next;
	}
	if (claimant != NULL && !claimant->has_it) {
		struct lucius_text text = { claimant->name, strlen(claimant->name) };
		claimant->has_it = true;
		names->host->give(names->host, claimant->op, &text);
	}
}

/* Whoever asked lets go, or gives up waiting. The operation is still to be finished. */
static void on_cancelled(void *user)
{
	struct claimant *claimant = user;
	struct names *names = claimant->names;
	struct claimant **at = &names->first;
	while (*at != claimant) {
		at = &(*at)->next;
	}
	*at = claimant->next;
	lucius_finish(names->host, claimant->op);
	grant_next(names, claimant->name);
	free_claimant(claimant);
}

void names_ask(struct names *names, struct lucius_text name, struct lucius_op op)
{
	struct claimant *claimant = must_calloc(1, sizeof(*claimant));
	struct claimant **last = &names->first;
	claimant->names = names;
	claimant->op = op;
	claimant->name = must_copy(name.data, name.size);
	while (*last != NULL) {
		last = &(*last)->next;
	}
	*last = claimant;
	names->host->on_cancel(names->host, op, on_cancelled, claimant);
	grant_next(names, claimant->name);
}

void names_stop(struct names *names)
{
	while (names->first != NULL) {
		struct claimant *claimant = names->first;
		names->first = claimant->next;
		lucius_finish(names->host, claimant->op);
		free_claimant(claimant);
	}
}
