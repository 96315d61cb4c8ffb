/* SPDX-License-Identifier: MIT */
/* How runs have ended, for an hour and up to a number of them: the oldest are forgotten first. */
#ifndef WORKFLOW_LOCAL_ENDED_H
#define WORKFLOW_LOCAL_ENDED_H

#include <lucius/plugin.h>
#include <stddef.h>
#include <stdint.h>

#include "support/hash/hash.h"

struct ended_run;

/* All zeros but the limit is empty. */
struct ended {
	size_t max_runs;
	struct hash_table table;
	struct ended_run *oldest;
	struct ended_run *newest;
};

void ended_finish(struct ended *ended);
/* Hash: of the id. State: LUCIUS_RUN_…. Now: the host's milliseconds. */
void ended_add(
        struct ended *ended, struct lucius_text id, uint64_t hash, uint32_t state, uint64_t now_ms);
/* 0: not known (any more). */
uint32_t ended_state(struct ended *ended, struct lucius_text id, uint64_t hash, uint64_t now_ms);

#endif
