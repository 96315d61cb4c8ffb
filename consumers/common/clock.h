/* SPDX-License-Identifier: MIT */
/* The time that bounds and deadlines of this side are measured with. */
#ifndef CONSUMERS_COMMON_CLOCK_H
#define CONSUMERS_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds of the monotonic clock. */
static inline int64_t clock_now_ms(void)
{
	struct timespec now = { 0 };
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
