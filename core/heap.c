/* SPDX-License-Identifier: MIT */
/* Follows the end of the data segment, which is where the allocator's main arena grows. */
#include "core/heap.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Bytes; what is wanted at one go beyond this is somebody's large block, used when he likes. */
#define MOST_AT_ONCE ((uintptr_t)2 << 20)

static void populate(uintptr_t from, uintptr_t end)
{
#ifdef MADV_POPULATE_WRITE
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t first = (from + page - 1) & ~(page - 1);
	if (first < end) {
		(void)madvise((void *)first, end - first, MADV_POPULATE_WRITE);
	}
#else
	(void)from;
	(void)end;
#endif
}

void heap_follow(void)
{
	static uintptr_t last_end; /* 0: not looked at yet */
	uintptr_t end = (uintptr_t)sbrk(0);
	if (last_end != 0 && end > last_end && end - last_end <= MOST_AT_ONCE) {
		populate(last_end, end);
	}
	last_end = end;
}
