/* SPDX-License-Identifier: MIT */
/* A table without chains: forgetting one too early costs one more failed task. */
#include "plugins/workflow-temporal/repeats.h"

#include <string.h>

bool repeats_has(struct repeats *repeats, const char *run_id, uint64_t now_ms)
{
	uint64_t hash = hash_bytes(&repeats->key, run_id, strlen(run_id));
	struct repeat *item = &repeats->items[hash % REPEATS_SIZE];
	bool has_failed =
	        item->hash == hash && item->at_ms != 0 && now_ms - item->at_ms < REPEATS_MS;
	*item = (struct repeat){ hash, now_ms };
	return has_failed;
}
