/* SPDX-License-Identifier: MIT */
/*
 * The jobs that hold a slot, each at a number of its own that it keeps while it holds it. So a scan
 * that goes up the numbers meets every holder once, whatever comes and goes meanwhile.
 */
#ifndef STORAGE_MEMORY_SLOTS_H
#define STORAGE_MEMORY_SLOTS_H

#include <stdint.h>

struct job;

/* All zeros is an empty set. */
struct slots {
	struct job **holders; /* owned; by number - 1; NULL: free */
	uint32_t *free_numbers; /* owned; a stack */
	uint32_t n_numbers; /* numbers given out so far, free ones too */
	uint32_t n_free;
	uint32_t capacity;
};

void slots_finish(struct slots *slots);
/* The number, from 1, at which the job is held from now on. */
uint32_t slots_take(struct slots *slots, struct job *job);
void slots_free(struct slots *slots, uint32_t number);
/* The holder with the least number above `after`; NULL: there is none. */
struct job *slots_next(const struct slots *slots, uint32_t after);

#endif
