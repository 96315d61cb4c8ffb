/* SPDX-License-Identifier: MIT */
/*
 * Exclusive names. Within one process nobody dies alone: the first to ask has the name until it
 * lets go, then the next one in line.
 */
#ifndef STORAGE_MEMORY_OWNERSHIP_H
#define STORAGE_MEMORY_OWNERSHIP_H

#include <lucius/storage.h>

struct claimant;

struct ownership {
	const struct lucius_host *host; /* borrowed; set before the first use */
	struct claimant *first; /* owned; in the order in which they asked */
};

/* Puts the operation in line, and gives it the name at once if nobody has it. */
void ownership_ask(
        struct ownership *ownership, const struct lucius_ownership *asked, struct lucius_op op);
/* Finishes everybody with OK. */
void ownership_stop(struct ownership *ownership);

#endif
