/* SPDX-License-Identifier: MIT */
/*
 * Runs whose workflow task has failed lately. A failed task is given out again at once, and after
 * each signal as a first attempt: whoever fails such a one each time keeps server and worker busy.
 */
#ifndef WORKFLOW_TEMPORAL_REPEATS_H
#define WORKFLOW_TEMPORAL_REPEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/hash/hash.h"

#define REPEATS_SIZE 1024u
/* So long a run counts as having failed lately: several times as long as a task that is not
 * answered stays out. */
#define REPEATS_MS UINT64_C(60000)

struct repeat {
	uint64_t hash; /* of the run id */
	uint64_t at_ms;
};

struct repeats {
	struct hash_key key;
	struct repeat items[REPEATS_SIZE]; /* by hash; a newer one takes the place of another's */
};

/* Remembers that it has failed now. True: it had within REPEATS_MS before. */
bool repeats_has(struct repeats *repeats, const char *run_id, uint64_t now_ms);

#endif
