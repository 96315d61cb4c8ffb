/* SPDX-License-Identifier: MIT */
/* The inside of the simulated world, shared by its files alone. */
#ifndef TESTS_SIM_WORLD_STATE_H
#define TESTS_SIM_WORLD_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/step_logic.h"
#include "tests/sim/history.h"
#include "tests/sim/ledger.h"
#include "tests/sim/random.h"
#include "tests/sim/world.h"

#define WORLD_JOB_ID "0123456789abcdef0123456789abcdef"
#define WORLD_EPOCH_MS UINT64_C(1772366400000)
#define WORLD_MAX_PENDING 256
#define WORLD_SWEEP_MS 60000

enum happening_kind {
	HAPPEN_TRY, /* the engine tries the activity `number` */
	HAPPEN_ANSWER, /* its answer reaches the engine */
	HAPPEN_GIVE_UP, /* its time is over */
	HAPPEN_TIMER,
	HAPPEN_SIGNAL,
	HAPPEN_DIRECTIVE, /* reaches a consumer */
	HAPPEN_ACK, /* reaches the invoker */
	HAPPEN_RESULT,
	HAPPEN_PAUSE,
	HAPPEN_RESUME,
	HAPPEN_CANCEL,
	HAPPEN_SWEEP,
	HAPPEN_CRASH,
	HAPPEN_RESTART
};

struct happening {
	enum happening_kind kind;
	uint64_t due_ms;
	uint64_t order; /* among equals */
	uint64_t number; /* of the activity or timer */
	unsigned life; /* of the engine or the bus it belongs to; from another life it is void */
	char name[32];
	char *text; /* owned; payload or answer; may be NULL */
	struct ledger_request request;
	/* An activity's tries; of a timer, its length. */
	uint64_t give_up_ms; /* 0: never */
	uint64_t retry_ms;
};

/* How bad this world is, in percent unless the name says otherwise. */
struct climate {
	unsigned try_fails, answer_lost, signal_lost, reply_lost, directive_lost, repeated;
	unsigned consumer_dead, consumer_retries, consumer_fails;
	uint64_t slow_ms; /* longest delay of a consumer */
	bool is_bus_durable;
	bool has_zombies; /* what a dead engine had under way may still be done */
	bool is_calm; /* nothing is lost, nobody dies, all answer in time */
};

struct world {
	struct sim_random random;
	struct climate climate;
	struct ledger ledger;
	struct step_logic logic;
	struct lucius_machine *machine; /* NULL: the engine is down, or the run has ended */
	struct history *history; /* of the machine */
	char *input;
	uint64_t now_ms;
	uint64_t n_done;
	unsigned life; /* of the engine; what belongs to another one is void */
	unsigned bus_life;
	bool is_machine_over;
	uint32_t end; /* the action that ended it */
	uint64_t activity; /* number of the one under way */
	uint64_t timer;
	struct happening pending[WORLD_MAX_PENDING];
	size_t n_pending;
	uint64_t n_ordered;
	bool is_verbose;
	struct sim_outcome *outcome;
};

/* world_queue.c */
void world_say(const struct world *world, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
void world_violate(struct world *world, const char *rule);
/* Something that is to happen; the caller fills in the rest. What does not fit is lost. */
struct happening *world_plan(struct world *world, enum happening_kind kind, uint64_t after_ms);
/* The earliest, taken out of the queue. */
struct happening world_take_next(struct world *world);
bool world_is(struct world *world, unsigned percent);
uint64_t world_within(struct world *world, uint64_t ms);
/* Short mostly, now and then long enough to be overtaken. */
uint64_t world_on_the_way(struct world *world);

/* world_make.c: how bad this world is, and what its user is going to do. */
void world_make(struct world *world);

/* world_engine.c */
/* Snapshot: NULL for a new run. */
void world_start_machine(struct world *world, const char *snapshot, const char *seed);
void world_check_history(struct world *world);
void world_on_signal(struct world *world, const struct happening *signal);
/* A try, an answer, a timer. */
void world_on_engine(struct world *world, struct happening *happening);
void world_on_crash(struct world *world);
void world_on_restart(struct world *world);

/* world_bus.c */
void world_send_directive(struct world *world, const struct ledger_request *request);
/* A directive, an ACK or a RESULT arrives. */
void world_on_bus(struct world *world, const struct happening *happening);

#endif
