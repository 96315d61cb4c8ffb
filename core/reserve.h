/* SPDX-License-Identifier: MIT */
/*
 * Memory put aside for the moment at which there is none. An allocation that fails is tried again
 * with the reserve given back, so that what is under way can end; from then on new requests are
 * refused until the reserve could be filled again. Only where there is none left either does the
 * process end, with a sentence (support/base/memory.h).
 */
#ifndef CORE_RESERVE_H
#define CORE_RESERVE_H

#include <stdbool.h>
#include <stddef.h>

/* Puts the reserve aside. A process that has never done so has none, and is never scarce. */
void reserve_keep(void);
/* Gives it back to the allocator; false: there was none. From any thread. */
bool reserve_spend(void);
/* Fills it again if it was spent; false: there is not enough memory for that. Says so in the log,
 * and when it is over. */
bool reserve_is_whole(void);

/* As malloc and realloc, with a second try; for libraries that allocate on the core's behalf. */
void *reserve_malloc(size_t size);
void *reserve_realloc(void *memory, size_t size);

#endif
