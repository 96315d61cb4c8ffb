/* SPDX-License-Identifier: MIT */
/* Numbered holders of slots. */
#include "plugins/storage-memory/slots.h"

#include <stdlib.h>

#include "support/base/memory.h"

void slots_finish(struct slots *slots)
{
	free(slots->holders);
	free(slots->free_numbers);
	*slots = (struct slots){ 0 };
}

static uint32_t new_number(struct slots *slots)
{
	if (slots->n_numbers == slots->capacity) {
		slots->capacity = slots->capacity != 0 ? slots->capacity * 2 : 64;
		slots->holders = must_resize(slots->holders, slots->capacity, sizeof(struct job *));
		slots->free_numbers = must_resize(
		        slots->free_numbers, slots->capacity, sizeof(slots->free_numbers[0]));
	}
	return ++slots->n_numbers;
}

uint32_t slots_take(struct slots *slots, struct job *job)
{
	uint32_t number =
	        slots->n_free != 0 ? slots->free_numbers[--slots->n_free] : new_number(slots);
	slots->holders[number - 1] = job;
	return number;
}

void slots_free(struct slots *slots, uint32_t number)
{
	slots->holders[number - 1] = NULL;
	slots->free_numbers[slots->n_free++] = number;
}

struct job *slots_next(const struct slots *slots, uint32_t after)
{
	for (uint32_t i = after; i < slots->n_numbers; i++) {
		if (slots->holders[i] != NULL) {
			return slots->holders[i];
		}
	}
	return NULL;
}
