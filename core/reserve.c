/* SPDX-License-Identifier: MIT */
/* One block, owned by whoever takes it out of the pointer. */
#include "core/reserve.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/log.h"
#include "support/base/memory.h"

/* Several of the largest requests: a body of 1 MiB, its tree, its job. */
enum { RESERVE_BYTES = 8 << 20 };

static void *_Atomic reserve;
static bool is_kept;
static bool is_scarce; /* as the log was told last */

static void fill(void)
{
	free(atomic_exchange(&reserve, reallocarray(NULL, RESERVE_BYTES, 1)));
}

static bool regain(const void *user)
{
	(void)user;
	return reserve_spend();
}

void reserve_keep(void)
{
	is_kept = true;
	memory_regain = regain;
	fill();
}

bool reserve_spend(void)
{
	void *block = atomic_exchange(&reserve, NULL);
	free(block);
	return block != NULL;
}

static void say(void)
{
	if (is_scarce) {
		log_write(LUCIUS_LOG_ERROR, "memory.scarce",
		        "there is too little memory: requests are refused until there is more",
		        NULL, 0);
	} else {
		log_write(LUCIUS_LOG_WARNING, "memory.regained",
		        "there is enough memory again: requests are taken", NULL, 0);
	}
}

bool reserve_is_whole(void)
{
	if (is_kept && reserve == NULL) {
		fill();
	}
	bool was_scarce = is_scarce;
	is_scarce = is_kept && reserve == NULL;
	if (is_scarce != was_scarce) {
		say();
	}
	return !is_scarce;
}

void *reserve_malloc(size_t size)
{
	void *memory = malloc(size);
	return memory == NULL && reserve_spend() ? malloc(size) : memory;
}

void *reserve_realloc(void *memory, size_t size)
{
	void *resized = realloc(memory, size);
	return resized == NULL && size != 0 && reserve_spend() ? realloc(memory, size) : resized;
}
