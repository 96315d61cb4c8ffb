/* SPDX-License-Identifier: MIT */
/* Time, chance and the record of what happened. What is to happen lies in a heap by time. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "support/base/memory.h"
#include "tests/sim/system/world.h"

enum { SHORT_MS = 20, LONG_MS = 4000 };

static bool is_before(const struct happening *one, const struct happening *other)
{
	return one->due_ms != other->due_ms ? one->due_ms < other->due_ms
	                                    : one->order < other->order;
}

static void swap(struct happening *one, struct happening *other)
{
	struct happening kept = *one;
	*one = *other;
	*other = kept;
}

static void sift_down(struct world *world, size_t place)
{
	for (;;) {
		size_t first = place;
		for (size_t child = 2 * place + 1; child <= 2 * place + 2; child++) {
			if (child < world->n_queue &&
			        is_before(&world->queue[child], &world->queue[first])) {
				first = child;
			}
		}
		if (first == place) {
			return;
		}
		swap(&world->queue[place], &world->queue[first]);
		place = first;
	}
}

void world_at_with(struct world *world, uint64_t after_ms, happening_fn fn, void *user,
        void (*drop)(void *user))
{
	if (world->n_queue == world->queue_room) {
		world->queue_room = world->queue_room != 0 ? world->queue_room * 2 : 64;
		world->queue = must_resize(world->queue, world->queue_room, sizeof(*world->queue));
	}
	size_t place = world->n_queue++;
	world->queue[place] = (struct happening){ .due_ms = world->now_ms + after_ms,
		.order = world->n_ordered++,
		.fn = fn,
		.user = user,
		.drop = drop };
	while (place > 0 && is_before(&world->queue[place], &world->queue[(place - 1) / 2])) {
		swap(&world->queue[place], &world->queue[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
}

void world_at(struct world *world, uint64_t after_ms, happening_fn fn, void *user)
{
	world_at_with(world, after_ms, fn, user, free);
}

uint64_t world_next_due_ms(const struct world *world)
{
	return world->n_queue != 0 ? world->queue[0].due_ms : NEVER_MS;
}

void world_run_next(struct world *world)
{
	struct happening happening = world->queue[0];
	world->queue[0] = world->queue[--world->n_queue];
	sift_down(world, 0);
	happening.fn(world, happening.user);
}

void world_drop_queue(struct world *world)
{
	for (size_t i = 0; i < world->n_queue; i++) {
		if (world->queue[i].drop != NULL) {
			world->queue[i].drop(world->queue[i].user);
		}
	}
	free(world->queue);
	world->n_queue = 0;
}

bool world_is(struct world *world, unsigned percent)
{
	return sim_random_is(&world->random, percent);
}

bool world_is_calm(const struct world *world)
{
	return world->now_ms >= world->climate.faults_end_ms;
}

bool world_fails(struct world *world, unsigned percent)
{
	return percent != 0 && !world_is_calm(world) && world_is(world, percent);
}

uint64_t world_within(struct world *world, uint64_t n)
{
	return sim_random_below(&world->random, n + 1);
}

uint64_t world_latency(struct world *world, unsigned slow_percent)
{
	if (world->request.is_paired) {
		return 1;
	}
	return world_fails(world, slow_percent) ? world_within(world, LONG_MS)
	                                        : 1 + world_within(world, SHORT_MS);
}

void world_say(struct world *world, const char *job_id, const char *format, ...)
{
	if (world->log_file == NULL) {
		return;
	}
	va_list arguments;
	va_start(arguments, format);
	fprintf(world->log_file, "%s|%12.3f ", job_id != NULL ? job_id : "",
	        (double)world->now_ms / 1000);
	if (world->running != NULL) {
		fprintf(world->log_file, "luciusd %u: ", world->running->index);
	}
	(void)vfprintf(world->log_file, format, arguments);
	fputc('\n', world->log_file);
	va_end(arguments);
}

void world_violate(struct world *world, const char *job_id, const char *format, ...)
{
	struct sim_outcome *outcome = world->outcome;
	if (outcome->violation[0] != '\0') {
		return;
	}
	va_list arguments;
	va_start(arguments, format);
	int size = snprintf(outcome->violation, sizeof(outcome->violation),
	        "at %.3f s: ", (double)world->now_ms / 1000);
	(void)vsnprintf(outcome->violation + size, sizeof(outcome->violation) - (size_t)size,
	        format, arguments);
	va_end(arguments);
	if (job_id != NULL) {
		(void)snprintf(outcome->job_id, sizeof(outcome->job_id), "%s", job_id);
	}
	world_say(world, job_id, "VIOLATION %s", outcome->violation);
}

void world_note_transition(struct world *world, const struct job *job, const char *format, ...)
{
	if (world->transitions_file == NULL) {
		return;
	}
	va_list arguments;
	va_start(arguments, format);
	fprintf(world->transitions_file, "%.12s ", value_text(&job->idempotency_hash));
	(void)vfprintf(world->transitions_file, format, arguments);
	fputc('\n', world->transitions_file);
	va_end(arguments);
}

bool world_is_broken(const struct world *world)
{
	return world->outcome->violation[0] != '\0';
}
