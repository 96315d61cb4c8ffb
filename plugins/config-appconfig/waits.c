/* SPDX-License-Identifier: MIT */
/* How long to leave a store or an endpoint alone: numbers in, numbers out. */
#include "plugins/config-appconfig/waits.h"

#define FIRST_MS 30000u
#define MOST_MS 600000u

/* A quarter less or more, so that processes do not ask in step. */
static uint64_t spread(uint64_t wait_ms, uint32_t random)
{
	return wait_ms - wait_ms / 4 + random % (wait_ms / 2 + 1);
}

/* Doubled with each failure after the first. */
static uint64_t grown(uint64_t first_ms, uint32_t n_failed)
{
	uint64_t wait_ms = first_ms << (n_failed < 6 ? n_failed - 1 : 5);
	return wait_ms < MOST_MS ? wait_ms : MOST_MS;
}

uint64_t wait_at_start_ms(uint64_t elapsed_ms)
{
	return elapsed_ms < 100000 ? 5000 : elapsed_ms < 200000 ? 10000 : 30000;
}

uint64_t wait_for_endpoint_ms(uint32_t n_failed, uint32_t random)
{
	return spread(grown(FIRST_MS, n_failed), random);
}

uint64_t wait_for_look_ms(
        uint64_t usual_ms, bool has_loaded, uint32_t n_failed, uint64_t asked_ms, uint32_t random)
{
	if (usual_ms == 0) {
		usual_ms = has_loaded ? 0 : FIRST_MS;
	}
	if (n_failed == 0 || usual_ms == 0) {
		return usual_ms;
	}
	uint64_t wait_ms =
	        spread(grown(usual_ms < FIRST_MS ? usual_ms : FIRST_MS, n_failed), random);
	wait_ms = wait_ms > usual_ms ? wait_ms : usual_ms;
	return wait_ms > asked_ms ? wait_ms : asked_ms;
}
