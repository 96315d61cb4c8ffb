/* SPDX-License-Identifier: MIT */
/* The world of one simulated job, from its first event to its end; see the header. */
#include <stdio.h>
#include <stdlib.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/sim/world_state.h"

#define MAX_EVENTS 20000
#define DAY_MS (UINT64_C(24) * 3600 * 1000)

static void on_sweep(struct world *world)
{
	world_plan(world, HAPPEN_SWEEP, WORLD_SWEEP_MS + world_within(world, WORLD_SWEEP_MS));
	if (world->machine != NULL && !world->is_machine_over) {
		ledger_sweep(&world->ledger);
	}
}

static void happen(struct world *world, struct happening *happening)
{
	switch (happening->kind) {
	case HAPPEN_TRY:
	case HAPPEN_ANSWER:
	case HAPPEN_GIVE_UP:
	case HAPPEN_TIMER:
		world_on_engine(world, happening);
		break;
	case HAPPEN_DIRECTIVE:
	case HAPPEN_ACK:
	case HAPPEN_RESULT:
		world_on_bus(world, happening);
		break;
	case HAPPEN_SIGNAL:
		world_on_signal(world, happening);
		break;
	case HAPPEN_PAUSE:
		world_say(world, "PAUSE");
		ledger_pause(&world->ledger);
		break;
	case HAPPEN_RESUME:
		world_say(world, "RESUME");
		ledger_resume(&world->ledger);
		break;
	case HAPPEN_CANCEL:
		world_say(world, "CANCEL");
		ledger_cancel(&world->ledger);
		break;
	case HAPPEN_SWEEP:
		on_sweep(world);
		break;
	case HAPPEN_CRASH:
		world_on_crash(world);
		break;
	case HAPPEN_RESTART:
		world_on_restart(world);
		break;
	}
}

static bool is_settled(const struct world *world)
{
	bool is_run_over = world->machine == NULL || world->is_machine_over;
	return is_run_over && (ledger_is_closed(&world->ledger) || world->ledger.is_foreign) &&
	        !(world->machine == NULL && !ledger_is_closed(&world->ledger));
}

/* The workflow ends as the ledger says; only a foreign one may be left behind. */
static void check_end(struct world *world)
{
	static const uint32_t expected[] = { LUCIUS_ACTION_COMPLETE, LUCIUS_ACTION_FAIL,
		LUCIUS_ACTION_CANCEL };
	if (world->ledger.violation[0] != '\0') {
		world_violate(world, world->ledger.violation);
	}
	if (!is_settled(world)) {
		world_violate(world, "the job has come to no end");
		return;
	}
	if (world->is_machine_over && !world->ledger.is_foreign &&
	        world->end != expected[world->ledger.job - JOB_SUCCEEDED]) {
		world_violate(world, "the workflow ended in another way than the job");
	}
}

static void run_to_the_end(struct world *world)
{
	while (!is_settled(world) && world->n_done < MAX_EVENTS &&
	        world->now_ms < WORLD_EPOCH_MS + 10 * DAY_MS) {
		struct happening happening = world_take_next(world);
		world->now_ms = happening.due_ms;
		world->n_done++;
		happen(world, &happening);
		free(happening.text);
		if (world->is_machine_over && !world->ledger.is_foreign &&
		        !ledger_is_closed(&world->ledger)) {
			world_violate(world, "the workflow has ended and the job has not");
			break;
		}
	}
}

void sim_world_run(uint64_t seed, bool is_verbose, struct sim_outcome *ret_outcome)
{
	static const struct step_options defaults = { 3, 900, 900, 1, 60 };
	struct world *world = must_calloc(1, sizeof(*world));
	*ret_outcome = (struct sim_outcome){ 0 };
	world->outcome = ret_outcome;
	world->random.state = seed;
	world->now_ms = WORLD_EPOCH_MS;
	world->is_verbose = is_verbose;
	step_logic_init(&world->logic, &defaults);
	world_make(world);
	world_start_machine(world, NULL, "life 0");
	run_to_the_end(world);
	check_end(world);
	world_check_history(world);
	ret_outcome->n_events = world->n_done;
	(void)snprintf(ret_outcome->job_state, sizeof(ret_outcome->job_state), "%s",
	        ledger_job_state(&world->ledger));
	for (size_t i = 0; i < world->n_pending; i++) {
		free(world->pending[i].text);
	}
	if (world->machine != NULL) {
		world->logic.table.close(world->machine);
	}
	free(world->input);
	free(world);
}
