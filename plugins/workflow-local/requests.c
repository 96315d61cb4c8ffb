/* SPDX-License-Identifier: MIT */
/* A ring that begins small, because most runs see a handful of signals. */
#include "plugins/workflow-local/requests.h"

#include <stdlib.h>

#include "support/base/memory.h"

#define ROOM_AT_FIRST 8

void requests_finish(struct requests *requests)
{
	free(requests->hashes);
	*requests = (struct requests){ 0 };
}

bool requests_has(const struct requests *requests, uint64_t hash)
{
	for (uint32_t i = 0; i < requests->n_kept; i++) {
		if (requests->hashes[i] == hash) {
			return true;
		}
	}
	return false;
}

void requests_add(struct requests *requests, uint64_t hash)
{
	if (requests->n_kept == REQUESTS_MAX) {
		requests->hashes[requests->next] = hash;
		requests->next = (requests->next + 1) % REQUESTS_MAX;
		return;
	}
	if (requests->n_kept == requests->n_room) {
		requests->n_room = requests->n_room != 0 ? requests->n_room * 2 : ROOM_AT_FIRST;
		requests->hashes = must_resize(
		        requests->hashes, requests->n_room, sizeof(requests->hashes[0]));
	}
	requests->hashes[requests->n_kept++] = hash;
}
