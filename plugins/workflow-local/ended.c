/* SPDX-License-Identifier: MIT */
/* A queue by age whose members are also found by id. */
#include "plugins/workflow-local/ended.h"

#include <stdlib.h>
#include <string.h>

#include "support/base/container.h"
#include "support/base/memory.h"

#define KEPT_MS UINT64_C(3600000)

struct ended_run {
	struct hash_link link;
	struct ended_run *newer;
	uint64_t ended_at_ms;
	uint32_t state;
	size_t id_size;
	char id[];
};

static void forget_oldest(struct ended *ended)
{
	struct ended_run *oldest = ended->oldest;
	ended->oldest = oldest->newer;
	if (ended->oldest == NULL) {
		ended->newest = NULL;
	}
	hash_table_remove(&ended->table, &oldest->link);
	free(oldest);
}

static void forget_old(struct ended *ended, uint64_t now_ms)
{
	while (ended->oldest != NULL && now_ms - ended->oldest->ended_at_ms >= KEPT_MS) {
		forget_oldest(ended);
	}
}

void ended_finish(struct ended *ended)
{
	while (ended->oldest != NULL) {
		forget_oldest(ended);
	}
	hash_table_finish(&ended->table);
}

void ended_add(
        struct ended *ended, struct lucius_text id, uint64_t hash, uint32_t state, uint64_t now_ms)
{
	forget_old(ended, now_ms);
	if (ended->max_runs == 0) {
		return;
	}
	if (ended->table.n_links >= ended->max_runs) {
		forget_oldest(ended);
	}
	struct ended_run *run = must_calloc(1, sizeof(*run) + id.size);
	run->ended_at_ms = now_ms;
	run->state = state;
	run->id_size = id.size;
	memcpy(run->id, id.data, id.size);
	hash_table_add(&ended->table, &run->link, hash);
	if (ended->newest != NULL) {
		ended->newest->newer = run;
	} else {
		ended->oldest = run;
	}
	ended->newest = run;
}

uint32_t ended_state(struct ended *ended, struct lucius_text id, uint64_t hash, uint64_t now_ms)
{
	forget_old(ended, now_ms);
	struct hash_link *link = hash_table_first(&ended->table, hash);
	for (; link != NULL; link = hash_link_next(link)) {
		const struct ended_run *run = CONTAINER(link, struct ended_run, link);
		if (run->id_size == id.size && memcmp(run->id, id.data, id.size) == 0) {
			return run->state;
		}
	}
	return 0;
}
