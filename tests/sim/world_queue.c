/* SPDX-License-Identifier: MIT */
/* What is to happen in the simulated world, by time, and how long things take. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/sim/world_state.h"

void world_say(const struct world *world, const char *format, ...)
{
	if (!world->is_verbose) {
		return;
	}
	va_list arguments;
	va_start(arguments, format);
	printf("%12.3f ", (double)(world->now_ms - WORLD_EPOCH_MS) / 1000);
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
}

void world_violate(struct world *world, const char *rule)
{
	if (world->outcome->violation[0] == '\0') {
		(void)snprintf(world->outcome->violation, sizeof(world->outcome->violation),
		        "%s, at %.3f s", rule, (double)(world->now_ms - WORLD_EPOCH_MS) / 1000);
	}
}

struct happening *world_plan(struct world *world, enum happening_kind kind, uint64_t after_ms)
{
	static struct happening lost;
	if (world->n_pending == WORLD_MAX_PENDING) {
		free(steal(lost.text));
		lost = (struct happening){ 0 };
		world_violate(world, "too much is under way");
		return &lost;
	}
	struct happening *happening = &world->pending[world->n_pending++];
	*happening = (struct happening){
		.kind = kind,
		.due_ms = world->now_ms + after_ms,
		.order = world->n_ordered++,
		.life = world->life,
	};
	return happening;
}

struct happening world_take_next(struct world *world)
{
	size_t next = 0;
	for (size_t i = 1; i < world->n_pending; i++) {
		const struct happening *one = &world->pending[i];
		const struct happening *best = &world->pending[next];
		if (one->due_ms < best->due_ms ||
		        (one->due_ms == best->due_ms && one->order < best->order)) {
			next = i;
		}
	}
	struct happening happening = world->pending[next];
	world->pending[next] = world->pending[--world->n_pending];
	return happening;
}

bool world_is(struct world *world, unsigned percent)
{
	return sim_random_is(&world->random, percent);
}

uint64_t world_within(struct world *world, uint64_t ms)
{
	return sim_random_below(&world->random, ms + 1);
}

uint64_t world_on_the_way(struct world *world)
{
	return world_is(world, 90) ? world_within(world, 20) : world_within(world, 5000);
}
