/* SPDX-License-Identifier: MIT */
/* The newest request ids that one run has seen, as keyed hashes: a repeat of one is a no-op. */
#ifndef WORKFLOW_LOCAL_REQUESTS_H
#define WORKFLOW_LOCAL_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Older ones are forgotten beyond this number. */
#define REQUESTS_MAX 64

/* All zeros is empty. */
struct requests {
	uint64_t *hashes; /* owned; a ring once it is full */
	uint32_t n_room;
	uint32_t n_kept;
	uint32_t next; /* place of the oldest, once it is full */
};

void requests_finish(struct requests *requests);
bool requests_has(const struct requests *requests, uint64_t hash);
void requests_add(struct requests *requests, uint64_t hash);

#endif
