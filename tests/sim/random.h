/* SPDX-License-Identifier: MIT */
/* Random numbers of a simulation: the same from the same seed, on every machine. */
#ifndef TESTS_SIM_RANDOM_H
#define TESTS_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct sim_random {
	uint64_t state; /* the seed */
};

/* SplitMix64. */
static inline uint64_t sim_random_next(struct sim_random *random)
{
	uint64_t x = random->state += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* From 0 to n - 1; n is not 0. */
static inline uint64_t sim_random_below(struct sim_random *random, uint64_t n)
{
	return sim_random_next(random) % n;
}

static inline bool sim_random_is(struct sim_random *random, unsigned percent)
{
	return sim_random_below(random, 100) < percent;
}

#endif
