/* SPDX-License-Identifier: MIT */
/*
 * Those who read lists: each walks a tenant's jobs page by page, asks any process for the next one,
 * and repeats what was not answered. Some come with a cursor that is not of the list.
 */
#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"
#include "tests/sim/system/lists.h"

enum { MAX_WALKS = 24, RETRY_MS = 4000 };

static const char *const states[] = { "QUEUED", "IN_PROGRESS", "PAUSED", "CANCELLING", "SUCCEEDED",
	"FAILED_FINAL", "CANCELLED" };
enum { N_STATES = sizeof(states) / sizeof(states[0]) };

static void on_time(struct world *world, void *user);

static struct walk *make(struct world *world, unsigned tenant, const char *state)
{
	struct walk *walk = must_calloc(1, sizeof(*walk));
	walk->number = (unsigned)world->outcome->n_walks++;
	walk->tenant = tenant;
	walk->state = state;
	world->n_walks_open++;
	return walk;
}

static void end(struct world *world, struct walk *walk)
{
	world->n_walks_open--;
	free(walk);
}

/* A memory that has gone with its process took its jobs and cursors along. */
static bool is_void(const struct world *world, const struct walk *walk)
{
	return !world->climate.is_storage_shared && walk->life != world->processes[0].life;
}

static uint64_t pause_ms(struct world *world)
{
	if (world_is_calm(world) || world_is(world, 50)) {
		return world_within(world, 30);
	}
	return world_within(world, world_is(world, 60) ? 3000 : 60000);
}

/* The cursor in other hands, or with one sign that it did not have. */
static void plan_probe(struct world *world, const struct walk *walk)
{
	struct walk *probe = make(world, walk->tenant, walk->state);
	size_t size = strlen(walk->cursor);
	(void)snprintf(probe->cursor, sizeof(probe->cursor), "%s", walk->cursor);
	probe->is_probe = true;
	if (world_is(world, 40)) {
		probe->tenant = (walk->tenant + 1) % N_TENANTS;
	} else if (world_is(world, 30)) {
		probe->cursor[size - 1 - world_within(world, size - 2)] = '\0';
	} else {
		char *sign = &probe->cursor[world_within(world, size - 1)];
		*sign = *sign == '7' ? '3' : '7';
	}
	world_at(world, pause_ms(world), on_time, probe);
}

static void check_probe(
        struct world *world, const struct walk *probe, unsigned status, const char *body)
{
	if (status != 400 || strstr(body, "urn:lucius:problem:invalid-cursor") == NULL) {
		world_violate(world, NULL,
		        "walk %u: cursor %s, not of t%u's list, was answered with %u: %s",
		        probe->number, probe->cursor, probe->tenant, status, body);
	}
}

static void on_page(struct world *world, struct walk *walk, const char *body)
{
	lists_take_page(world, walk, body);
	if (walk->is_over) {
		lists_check_end(world, walk);
		end(world, walk);
		return;
	}
	if (world_is(world, 15)) {
		plan_probe(world, walk);
	}
	world_at(world, pause_ms(world), on_time, walk);
}

static void on_answer(struct world *world, void *user, unsigned status, const char *body)
{
	struct walk *walk = user;
	if (is_void(world, walk)) {
		end(world, walk);
	} else if (status == 0 || status == 503) {
		world->outcome->n_asked_again++;
		world_at(world, RETRY_MS / 4 + world_within(world, RETRY_MS), on_time, walk);
	} else if (walk->is_probe) {
		check_probe(world, walk, status, body);
		end(world, walk);
	} else if (status == 200) {
		on_page(world, walk, body);
	} else {
		world_violate(world, NULL, "walk %u was answered with %u: %s", walk->number, status,
		        body);
		end(world, walk);
	}
}

static void on_time(struct world *world, void *user)
{
	struct walk *walk = user;
	char target[320];
	bool has_cursor = walk->cursor[0] != '\0';
	walk->asked_ms = world->now_ms;
	if (!has_cursor) {
		walk->began_ms = world->now_ms;
	}
	if (!has_cursor || walk->is_probe) {
		walk->life = world->processes[0].life;
	}
	walk->limit = 1 + (unsigned)world_within(world, 2);
	(void)snprintf(target, sizeof(target), "/v1/jobs?tenant_id=t%u&limit=%u%s%s%s%s",
	        walk->tenant, walk->limit, walk->state != NULL ? "&state=" : "",
	        walk->state != NULL ? walk->state : "", has_cursor ? "&cursor=" : "", walk->cursor);
	network_call(client_choose_process(world), 0, "GET", target, "", on_answer, walk);
}

/* Most begin when jobs have just been made. */
void readers_plan(struct world *world)
{
	uint64_t n_walks = world->request.wants_lists ? 6 + world_within(world, MAX_WALKS - 6) : 0;
	for (uint64_t i = 0; i < n_walks; i++) {
		unsigned tenant = (unsigned)world_within(world, N_TENANTS - 1);
		const char *state =
		        world_is(world, 50) ? states[world_within(world, N_STATES - 1)] : NULL;
		uint64_t after_ms = world_within(world, world->climate.faults_end_ms);
		if (world_is(world, 75)) {
			size_t n = (size_t)world_within(world, world->n_commands - 1);
			after_ms = world->commands[n].begin_ms +
			        world_within(world, world_is(world, 50) ? 2000 : 60000);
		}
		world_at(world, after_ms, on_time, make(world, tenant, state));
	}
}

void readers_come_to_rest(struct world *world)
{
	for (unsigned tenant = 0; tenant < N_TENANTS && world->request.wants_lists; tenant++) {
		for (unsigned i = 0; i <= N_STATES; i++) {
			struct walk *walk = make(world, tenant, i < N_STATES ? states[i] : NULL);
			walk->is_at_rest = true;
			world_at(world, world_within(world, 1000), on_time, walk);
		}
	}
}

void readers_check_rest(struct world *world)
{
	if (world->n_walks_open != 0) {
		world_violate(world, NULL, "at rest %u walks have not come to their end",
		        world->n_walks_open);
	}
}
