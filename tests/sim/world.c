/* SPDX-License-Identifier: MIT */
/* The world of one simulated job; see the header. What is to happen stands in one queue by time. */
#include "tests/sim/world.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/step_logic.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/sim/history.h"
#include "tests/sim/ledger.h"
#include "tests/sim/random.h"

#define JOB_ID "0123456789abcdef0123456789abcdef"
#define EPOCH_MS UINT64_C(1772366400000)
#define MAX_PENDING 256
#define MAX_EVENTS 20000
#define SWEEP_MS 60000
#define SHORTEST_TIMEOUT_MS 800000
#define DAY_MS (UINT64_C(24) * 3600 * 1000)

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
	struct happening pending[MAX_PENDING];
	size_t n_pending;
	uint64_t n_ordered;
	bool is_verbose;
	struct sim_outcome *outcome;
};

static void say(const struct world *world, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static void say(const struct world *world, const char *format, ...)
{
	if (!world->is_verbose) {
		return;
	}
	va_list arguments;
	va_start(arguments, format);
	printf("%12.3f ", (double)(world->now_ms - EPOCH_MS) / 1000);
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
}

static void violate(struct world *world, const char *rule)
{
	if (world->outcome->violation[0] == '\0') {
		(void)snprintf(world->outcome->violation, sizeof(world->outcome->violation),
		        "%s, at %.3f s", rule, (double)(world->now_ms - EPOCH_MS) / 1000);
	}
}

/* The world is full: what does not fit is lost, as anything may be. */
static struct happening *plan(struct world *world, enum happening_kind kind, uint64_t after_ms)
{
	static struct happening lost;
	if (world->n_pending == MAX_PENDING) {
		free(steal(lost.text));
		lost = (struct happening){ 0 };
		violate(world, "too much is under way");
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

static bool happens(struct world *world, unsigned percent)
{
	return sim_random_is(&world->random, percent);
}

static uint64_t within(struct world *world, uint64_t ms)
{
	return sim_random_below(&world->random, ms + 1);
}

/* Short mostly, now and then long enough to be overtaken. */
static uint64_t on_the_way(struct world *world)
{
	return happens(world, 90) ? within(world, 20) : within(world, 5000);
}

static void on_signal(void *user, const char *name, const char *argument, bool is_sure)
{
	struct world *world = user;
	if (is_sure) {
		struct happening *signal = plan(world, HAPPEN_SIGNAL, 0);
		(void)snprintf(signal->name, sizeof(signal->name), "%s", name);
		signal->text = must_copy(argument, strlen(argument));
		return;
	}
	if (happens(world, world->climate.signal_lost)) {
		say(world, "signal %s lost", name);
		return;
	}
	unsigned n = happens(world, world->climate.repeated) ? 2 : 1;
	for (unsigned i = 0; i < n; i++) {
		struct happening *signal = plan(world, HAPPEN_SIGNAL, on_the_way(world));
		(void)snprintf(signal->name, sizeof(signal->name), "%s", name);
		signal->text = must_copy(argument, strlen(argument));
	}
}

static void read_request(const char *payload, struct ledger_request *ret_request, char *ret_status)
{
	json_t *root = json_loads(payload, 0, NULL);
	const json_t *directive = json_object_get(root, "directive");
	const json_t *source = directive != NULL ? directive : root;
	const char *step_id = json_string_value(json_object_get(source, "stepId"));
	const char *lease_id = json_string_value(json_object_get(source, "lease_id"));
	const char *status = json_string_value(json_object_get(source, "status"));
	*ret_request = (struct ledger_request){ 0 };
	for (size_t i = 0; i < LEDGER_MAX_STEPS; i++) {
		if (step_id != NULL && strcmp(step_id, ledger_step_ids[i]) == 0) {
			ret_request->step = i;
		}
	}
	ret_request->attempt_no =
	        (uint32_t)json_integer_value(json_object_get(source, "attempt_no"));
	(void)snprintf(ret_request->lease_id, sizeof(ret_request->lease_id), "%s",
	        lease_id != NULL ? lease_id : "");
	(void)snprintf(ret_status, 16, "%s", status != NULL ? status : "");
	json_decref(root);
}

static void send_directive(struct world *world, const struct ledger_request *request)
{
	if (happens(world, world->climate.directive_lost)) {
		return;
	}
	unsigned n = happens(world, world->climate.repeated) ? 2 : 1;
	for (unsigned i = 0; i < n; i++) {
		struct happening *directive = plan(world, HAPPEN_DIRECTIVE, on_the_way(world));
		directive->life = world->bus_life;
		directive->request = *request;
	}
}

/* What the invoker does with an activity; the answer is owned. */
static char *carry_out(struct world *world, const struct happening *activity)
{
	char *answer = must_calloc(1, LEDGER_TEXT_SIZE);
	struct ledger_request request;
	char status[16];
	read_request(activity->text, &request, status);
	request.lease_expires_ms = activity->give_up_ms;
	if (strcmp(activity->name, STEP_ACTIVITY_LEASE) == 0) {
		ledger_lease(&world->ledger, &request, answer);
	} else if (strcmp(activity->name, STEP_ACTIVITY_PUBLISH) == 0) {
		if (ledger_publish(&world->ledger, &request, world->now_ms, answer)) {
			send_directive(world, &request);
		}
	} else {
		ledger_outcome(&world->ledger, request.step, status, answer);
	}
	world->outcome->n_refusals += strstr(answer, "\"ok\"") == NULL ? 1 : 0;
	return answer;
}

static void plan_retry(struct world *world, struct happening *activity)
{
	uint64_t wait_ms = activity->retry_ms;
	if (activity->give_up_ms != 0 && world->now_ms + wait_ms >= activity->give_up_ms) {
		uint64_t left_ms = activity->give_up_ms > world->now_ms
		        ? activity->give_up_ms - world->now_ms
		        : 0;
		plan(world, HAPPEN_GIVE_UP, left_ms)->number = activity->number;
		return;
	}
	struct happening *again = plan(world, HAPPEN_TRY, wait_ms);
	again->number = activity->number;
	memcpy(again->name, activity->name, sizeof(again->name));
	again->text = steal(activity->text);
	again->give_up_ms = activity->give_up_ms;
	again->retry_ms = wait_ms < 30000 ? wait_ms * 2 : 60000;
}

static void on_try(struct world *world, struct happening *activity)
{
	bool is_zombie = activity->life != world->life;
	if (is_zombie && !world->climate.has_zombies) {
		return;
	}
	if (happens(world, world->climate.try_fails)) {
		say(world, "%s fails", activity->name);
		if (!is_zombie) {
			plan_retry(world, activity);
		}
		return;
	}
	char *answer = carry_out(world, activity);
	say(world, "%s%s %s -> %s", is_zombie ? "zombie " : "", activity->name, activity->text,
	        answer);
	if (is_zombie || happens(world, world->climate.answer_lost)) {
		free(answer);
		if (!is_zombie) {
			plan_retry(world, activity);
		}
		return;
	}
	struct happening *reply = plan(world, HAPPEN_ANSWER, on_the_way(world));
	reply->number = activity->number;
	reply->text = answer;
}

static void on_action(void *user, const struct lucius_action *action)
{
	struct world *world = user;
	history_add_action(world->history, action);
	struct happening *happening;
	switch (action->type) {
	case LUCIUS_ACTION_RUN_ACTIVITY:
		happening = plan(world, HAPPEN_TRY, on_the_way(world));
		(void)snprintf(happening->name, sizeof(happening->name), "%.*s",
		        (int)action->name.size, action->name.data);
		happening->text = must_copy(action->payload.data, action->payload.size);
		happening->number = action->number;
		happening->retry_ms = action->retry_initial_ms;
		happening->give_up_ms = action->give_up_after_ms != 0
		        ? world->now_ms + action->give_up_after_ms
		        : 0;
		world->activity = action->number;
		break;
	case LUCIUS_ACTION_START_TIMER:
		happening = plan(world, HAPPEN_TIMER, action->after_ms);
		happening->number = action->number;
		happening->give_up_ms = action->after_ms;
		world->timer = action->number;
		break;
	case LUCIUS_ACTION_CANCEL_TIMER:
		world->timer = 0;
		break;
	default:
		world->is_machine_over = true;
		world->end = action->type;
		break;
	}
}

static void feed(
        struct world *world, uint32_t type, uint64_t number, const char *name, const char *payload)
{
	if (world->machine == NULL || world->is_machine_over) {
		return;
	}
	struct lucius_event event = {
		.size = sizeof(event),
		.type = type,
		.number = number,
		.time_ms = world->now_ms,
		.name = { name, strlen(name) },
		.payload = { payload, strlen(payload) },
	};
	history_add_event(world->history, &event);
	world->logic.table.feed(world->machine, &event, on_action, world);
}

static void check_history(struct world *world)
{
	char difference[200];
	if (world->history != NULL &&
	        !history_replays(world->history, &world->logic, difference, sizeof(difference))) {
		violate(world, difference);
	}
	history_destroy(world->history);
	world->history = NULL;
}

static void start_machine(struct world *world, const char *snapshot, const char *seed)
{
	char error[256];
	struct lucius_run run = {
		.size = sizeof(run),
		.is_restored = snapshot != NULL,
		.workflow_id = { JOB_ID, strlen(JOB_ID) },
		.input = { world->input, strlen(world->input) },
		.snapshot = { snapshot, snapshot != NULL ? strlen(snapshot) : 0 },
	};
	world->machine = world->logic.table.open(&world->logic.table, &run, error, sizeof(error));
	if (world->machine == NULL) {
		violate(world, error);
		return;
	}
	world->history = history_create(&run);
	feed(world, LUCIUS_EVENT_STARTED, 0, "", seed);
}

static void on_crash(struct world *world)
{
	if (world->machine == NULL || world->is_machine_over) {
		return;
	}
	say(world, "CRASH");
	world->logic.table.close(steal(world->machine));
	check_history(world);
	world->life++;
	world->activity = 0;
	world->timer = 0;
	if (!world->climate.is_bus_durable) {
		world->bus_life++;
	}
	plan(world, HAPPEN_RESTART, within(world, happens(world, 30) ? 2000000 : 10000));
}

static void on_restart(struct world *world)
{
	if (world->machine != NULL || ledger_is_closed(&world->ledger)) {
		return;
	}
	char snapshot[LEDGER_TEXT_SIZE];
	char seed[32];
	ledger_snapshot(&world->ledger, world->climate.is_bus_durable, snapshot);
	say(world, "restore %s", snapshot);
	(void)snprintf(seed, sizeof(seed), "life %u", world->life);
	world->outcome->n_restores++;
	start_machine(world, snapshot, seed);
}

/* The same answer for the same attempt, however often it is asked. */
static const char *answer_of_consumer(const struct world *world, const struct ledger_request *of)
{
	struct sim_random random = { .state = of->step * 1000 + of->attempt_no };
	for (size_t i = 0; of->lease_id[i] != '\0'; i++) {
		random.state = random.state * 131 + (unsigned char)of->lease_id[i];
	}
	if (sim_random_is(&random, world->climate.consumer_dead)) {
		return NULL;
	}
	if (sim_random_is(&random, world->climate.consumer_retries)) {
		return "FAILED_RETRY";
	}
	return sim_random_is(&random, world->climate.consumer_fails) ? "FAILED_FINAL" : "SUCCEEDED";
}

static void send_reply(struct world *world, enum happening_kind kind, uint64_t after_ms,
        const struct ledger_request *request, const char *status)
{
	unsigned n = happens(world, world->climate.repeated) ? 2 : 1;
	if (happens(world, world->climate.reply_lost)) {
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		struct happening *reply =
		        plan(world, kind, after_ms + (i == 0 ? 0 : within(world, 200000)));
		reply->life = world->bus_life;
		reply->request = *request;
		(void)snprintf(reply->name, sizeof(reply->name), "%s", status);
	}
}

static void on_directive(struct world *world, const struct ledger_request *request)
{
	const char *status = answer_of_consumer(world, request);
	if (happens(world, 90)) {
		send_reply(world, HAPPEN_ACK, on_the_way(world), request, "");
	}
	if (status != NULL) {
		send_reply(world, HAPPEN_RESULT,
		        happens(world, 50) ? on_the_way(world)
		                           : within(world, world->climate.slow_ms),
		        request, status);
	}
}

static void on_signal_arrived(struct world *world, const struct happening *signal)
{
	say(world, "signal %s %s", signal->name, signal->text);
	if (strcmp(signal->name, "cancel") == 0) {
		feed(world, LUCIUS_EVENT_CANCEL_ASKED, 0, "", "");
	} else {
		feed(world, LUCIUS_EVENT_SIGNAL, 0, signal->name, signal->text);
	}
}

static void on_sweep(struct world *world)
{
	plan(world, HAPPEN_SWEEP, SWEEP_MS + within(world, SWEEP_MS));
	if (world->machine != NULL && !world->is_machine_over) {
		ledger_sweep(&world->ledger);
	}
}

static void on_engine(struct world *world, struct happening *happening)
{
	if (happening->kind == HAPPEN_TRY) {
		on_try(world, happening);
		return;
	}
	bool is_timer = happening->kind == HAPPEN_TIMER;
	if (happening->life != world->life ||
	        happening->number != (is_timer ? world->timer : world->activity)) {
		return;
	}
	if (is_timer) {
		say(world, "timer fires");
		if (world->climate.is_calm && happening->give_up_ms >= SHORTEST_TIMEOUT_MS) {
			violate(world, "an attempt timed out although nothing was lost or slow");
		}
		world->timer = 0;
		feed(world, LUCIUS_EVENT_TIMER_FIRED, happening->number, "", "");
	} else if (happening->kind == HAPPEN_ANSWER) {
		world->activity = 0;
		feed(world, LUCIUS_EVENT_ACTIVITY_DONE, happening->number, "", happening->text);
	} else {
		say(world, "activity given up");
		world->activity = 0;
		feed(world, LUCIUS_EVENT_ACTIVITY_FAILED, happening->number, "", "given up");
	}
}

static void on_bus(struct world *world, const struct happening *happening)
{
	if (happening->life != world->bus_life) {
		return;
	}
	say(world, "%s %s.%u %s",
	        happening->kind == HAPPEN_DIRECTIVE     ? "directive"
	                : happening->kind == HAPPEN_ACK ? "ack"
	                                                : "result",
	        ledger_step_ids[happening->request.step], (unsigned)happening->request.attempt_no,
	        happening->name);
	if (happening->kind == HAPPEN_DIRECTIVE) {
		on_directive(world, &happening->request);
	} else if (happening->kind == HAPPEN_ACK) {
		ledger_ack(&world->ledger, &happening->request, world->now_ms);
	} else {
		ledger_result(&world->ledger, &happening->request, happening->name, world->now_ms);
	}
}

static void happen(struct world *world, struct happening *happening)
{
	switch (happening->kind) {
	case HAPPEN_TRY:
	case HAPPEN_ANSWER:
	case HAPPEN_GIVE_UP:
	case HAPPEN_TIMER:
		on_engine(world, happening);
		break;
	case HAPPEN_DIRECTIVE:
	case HAPPEN_ACK:
	case HAPPEN_RESULT:
		on_bus(world, happening);
		break;
	case HAPPEN_SIGNAL:
		on_signal_arrived(world, happening);
		break;
	case HAPPEN_PAUSE:
		say(world, "PAUSE");
		ledger_pause(&world->ledger);
		break;
	case HAPPEN_RESUME:
		say(world, "RESUME");
		ledger_resume(&world->ledger);
		break;
	case HAPPEN_CANCEL:
		say(world, "CANCEL");
		ledger_cancel(&world->ledger);
		break;
	case HAPPEN_SWEEP:
		on_sweep(world);
		break;
	case HAPPEN_CRASH:
		on_crash(world);
		break;
	case HAPPEN_RESTART:
		on_restart(world);
		break;
	}
}

/* The earliest, taken out of the queue. */
static struct happening take_next(struct world *world)
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

static char *make_input(struct world *world)
{
	char *input = must_calloc(1, LEDGER_TEXT_SIZE);
	int n = snprintf(input, LEDGER_TEXT_SIZE,
	        "{\"job_id\": \"" JOB_ID "\", \"tenant_id\": \"t1\", \"protocol_id\": \"p\", "
	        "\"lane\": 7, \"routing_key_used\": \"t1\", \"mode\": \"DEFAULT\", \"options\": "
	        "{\"definition\": 1, \"max_attempts\": %u, \"step_result_timeout_seconds\": 900, "
	        "\"lease_seconds\": %u, \"retry_initial_seconds\": 1, \"retry_max_seconds\": 60}, "
	        "\"steps\": [",
	        (unsigned)world->ledger.max_attempts, happens(world, 70) ? 900U : 60U);
	for (size_t i = 0; i < world->ledger.n_steps; i++) {
		n += snprintf(input + n, LEDGER_TEXT_SIZE - (size_t)n, "%s{\"step_id\": \"%s\"}",
		        i == 0 ? "" : ", ", ledger_step_ids[i]);
	}
	(void)snprintf(input + n, LEDGER_TEXT_SIZE - (size_t)n, "]}");
	return input;
}

/* A percentage that is none in a third of all worlds, so that each fault is also seen alone. */
static unsigned fault(struct world *world, unsigned highest)
{
	return happens(world, 33) ? 0 : (unsigned)within(world, highest);
}

static void make_climate(struct world *world)
{
	world->climate = (struct climate){
		.try_fails = fault(world, 60),
		.answer_lost = fault(world, 50),
		.signal_lost = fault(world, 60),
		.reply_lost = fault(world, 40),
		.directive_lost = fault(world, 40),
		.repeated = fault(world, 50),
		.consumer_dead = fault(world, 40),
		.consumer_retries = fault(world, 60),
		.consumer_fails = fault(world, 20),
		.slow_ms = happens(world, 50) ? 10000 : 2500000,
		.is_bus_durable = happens(world, 50),
		.has_zombies = happens(world, 50),
		.is_calm = happens(world, 20),
	};
	if (world->climate.is_calm) {
		world->climate.try_fails = 0;
		world->climate.signal_lost = 0;
		world->climate.reply_lost = 0;
		world->climate.directive_lost = 0;
		world->climate.consumer_dead = 0;
		world->climate.slow_ms = 10000;
	}
}

static void plan_controls(struct world *world)
{
	uint64_t span_ms = happens(world, 50) ? 20000 : 3000000;
	uint64_t n_pauses = happens(world, 40) ? 1 + within(world, 3) : 0;
	uint64_t last_ms = 0;
	for (uint64_t i = 0; i < n_pauses; i++) {
		uint64_t pause_ms = within(world, span_ms);
		uint64_t resume_ms = within(world, span_ms);
		last_ms = pause_ms > last_ms ? pause_ms : last_ms;
		plan(world, HAPPEN_PAUSE, pause_ms);
		plan(world, HAPPEN_RESUME, resume_ms);
	}
	if (n_pauses != 0) {
		plan(world, HAPPEN_RESUME, last_ms + 1 + within(world, span_ms));
	}
	if (happens(world, 30)) {
		plan(world, HAPPEN_CANCEL, within(world, span_ms));
	}
	uint64_t n_crashes =
	        happens(world, 50) && !world->climate.is_calm ? 1 + within(world, 3) : 0;
	for (uint64_t i = 0; i < n_crashes; i++) {
		plan(world, HAPPEN_CRASH, within(world, span_ms));
	}
	plan(world, HAPPEN_SWEEP, within(world, SWEEP_MS));
}

static void make_ledger(struct world *world)
{
	bool is_foreign = happens(world, 25);
	world->ledger = (struct ledger){
		.random = &world->random,
		.is_foreign = is_foreign,
		.has_outcome_path = !is_foreign || happens(world, 50),
		.max_attempts = 1 + (uint32_t)within(world, 3),
		.n_steps = 1 + within(world, LEDGER_MAX_STEPS - 1),
		.on_signal = on_signal,
		.user = world,
	};
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
		violate(world, world->ledger.violation);
	}
	if (!is_settled(world)) {
		violate(world, "the job has come to no end");
		return;
	}
	if (world->is_machine_over && !world->ledger.is_foreign &&
	        world->end != expected[world->ledger.job - JOB_SUCCEEDED]) {
		violate(world, "the workflow ended in another way than the job");
	}
}

static void run_to_the_end(struct world *world)
{
	while (!is_settled(world) && world->n_done < MAX_EVENTS &&
	        world->now_ms < EPOCH_MS + 10 * DAY_MS) {
		struct happening happening = take_next(world);
		world->now_ms = happening.due_ms;
		world->n_done++;
		happen(world, &happening);
		free(happening.text);
		if (world->is_machine_over && !world->ledger.is_foreign &&
		        !ledger_is_closed(&world->ledger)) {
			violate(world, "the workflow has ended and the job has not");
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
	world->now_ms = EPOCH_MS;
	world->is_verbose = is_verbose;
	step_logic_init(&world->logic, &defaults);
	make_ledger(world);
	make_climate(world);
	plan_controls(world);
	world->input = make_input(world);
	start_machine(world, NULL, "life 0");
	run_to_the_end(world);
	check_end(world);
	check_history(world);
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
