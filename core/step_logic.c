/* SPDX-License-Identifier: MIT */
/*
 * The step logic as a definition: opens machines, leads each event to the file that has its rules,
 * and checks after each that the machine cannot sleep for ever.
 */
#include "core/step_logic.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json_writer.h"
#include "core/step_logic_state.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

static void logic_close(struct lucius_machine *machine)
{
	if (machine == NULL) {
		return;
	}
	for (size_t i = 0; i < machine->n_steps; i++) {
		free(machine->steps[i].step_id);
		free(machine->steps[i].head);
		free(machine->steps[i].tail);
	}
	if (machine->restore != NULL) {
		verdict_finish(&machine->restore->verdict);
		free(machine->restore);
	}
	verdict_finish(&machine->early);
	fault_finish(&machine->error);
	free(machine->previous_result_ref);
	free(machine->steps);
	free(machine->seed);
	free(machine->tenant_id);
	free(machine->job_id);
	free(machine);
}

CLEANUP_DEFINE(struct lucius_machine *, machine, logic_close)

static struct lucius_machine *logic_open(const struct lucius_definition *definition,
        const struct lucius_run *run, char *error, size_t error_size)
{
	const struct step_logic *logic = (const struct step_logic *)definition;
	struct lucius_run known = { 0 };
	memcpy(&known, run, run->size < sizeof(known) ? run->size : sizeof(known));
	CLEANUP(cleanup_machine)
	struct lucius_machine *machine = must_calloc(1, sizeof(*machine));
	if (!machine_read_input(machine, &logic->defaults, &known, error, error_size)) {
		return NULL;
	}
	if (known.is_restored != 0 &&
	        !machine_read_snapshot(machine, known.snapshot, error, error_size)) {
		return NULL;
	}
	return steal(machine);
}

static void on_started(struct lucius_machine *machine, struct lucius_text seed)
{
	if (machine->phase != PHASE_NEW) {
		return;
	}
	machine->seed = must_copy(seed.data, seed.size);
	if (machine->restore == NULL) {
		machine_begin_attempt(machine);
		return;
	}
	machine_take_up(machine);
	verdict_finish(&machine->restore->verdict);
	free(steal(machine->restore));
}

static void on_activity(struct lucius_machine *machine, const struct lucius_event *event)
{
	if (machine->activity == 0 || machine->activity != event->number) {
		return;
	}
	CLEANUP(answer_finish) struct answer answer = { .kind = ANSWER_FAILED };
	if (event->type == LUCIUS_EVENT_ACTIVITY_DONE) {
		answer_read(event->payload, &answer);
	} else {
		answer.error.message = must_copy(event->payload.data, event->payload.size);
	}
	machine_on_answer(machine, &answer);
}

static void on_timeout(struct lucius_machine *machine)
{
	char sentence[80];
	(void)snprintf(sentence, sizeof(sentence), "No RESULT came within %u seconds.",
	        (unsigned)machine_step(machine)->result_timeout_seconds);
	machine_fail_attempt(machine, "STEP_TIMEOUT", sentence, machine->now_ms);
}

static void on_timer(struct lucius_machine *machine, uint64_t number)
{
	if (machine->timer == 0 || machine->timer != number) {
		return;
	}
	machine->timer = 0;
	if (machine->phase == PHASE_WAITING) {
		on_timeout(machine);
	} else if (machine->phase == PHASE_BACKOFF) {
		machine_begin_attempt(machine);
	} else if (machine->phase == PHASE_REFUSED) {
		machine_ask_outcome(machine);
	}
}

static void dispatch(struct lucius_machine *machine, const struct lucius_event *event)
{
	switch (event->type) {
	case LUCIUS_EVENT_STARTED:
		on_started(machine, event->payload);
		break;
	case LUCIUS_EVENT_ACTIVITY_DONE:
	case LUCIUS_EVENT_ACTIVITY_FAILED:
		on_activity(machine, event);
		break;
	case LUCIUS_EVENT_SIGNAL:
		machine_on_signal(machine, event);
		break;
	case LUCIUS_EVENT_TIMER_FIRED:
		on_timer(machine, event->number);
		break;
	case LUCIUS_EVENT_CANCEL_ASKED:
		machine_on_cancel(machine);
		break;
	default:
		/* An engine that is newer may tell of more. */
		break;
	}
}

/* The phase says what must come, and it is under way: nothing that lives sleeps for ever. */
static bool has_wakeup(const struct lucius_machine *machine)
{
	bool is_running = machine->activity != 0 && machine->timer == 0;
	bool is_armed = machine->timer != 0 && machine->activity == 0;
	bool is_idle = machine->timer == 0 && machine->activity == 0;
	switch (machine->phase) {
	case PHASE_LEASING:
	case PHASE_PUBLISHING:
	case PHASE_CLOSING:
		return is_running;
	case PHASE_WAITING:
	case PHASE_BACKOFF:
	case PHASE_REFUSED:
		return is_armed;
	case PHASE_PAUSED:
		return is_idle && machine->is_paused && !machine->is_cancel_asked;
	case PHASE_NEW:
	case PHASE_OVER:
		return is_idle;
	}
	return false;
}

static void logic_feed(struct lucius_machine *machine, const struct lucius_event *event,
        lucius_action_fn on_action, void *user)
{
	if (machine->phase == PHASE_OVER) {
		return;
	}
	struct lucius_event known = { 0 };
	memcpy(&known, event, event->size < sizeof(known) ? event->size : sizeof(known));
	machine->now_ms = known.time_ms;
	machine->on_action = on_action;
	machine->user = user;
	dispatch(machine, &known);
	assert(has_wakeup(machine));
	machine->on_action = NULL;
	machine->user = NULL;
}

static const char *phase_name(enum machine_phase phase)
{
	switch (phase) {
	case PHASE_NEW:
		return "new";
	case PHASE_LEASING:
		return "leasing";
	case PHASE_PUBLISHING:
		return "publishing";
	case PHASE_WAITING:
		return "waiting";
	case PHASE_BACKOFF:
		return "backing-off";
	case PHASE_PAUSED:
		return "paused";
	case PHASE_CLOSING:
		return "closing";
	case PHASE_REFUSED:
		return "outcome-refused";
	case PHASE_OVER:
		return "over";
	}
	return "";
}

/* What the input does not say and a replay must know. */
static void write_pinned(const struct lucius_machine *machine, struct json_writer *writer)
{
	const struct step_options *options = &machine->options;
	json_writer_name(writer, "pinned");
	if (machine->has_own_options) {
		json_writer_null(writer);
		return;
	}
	json_writer_begin_object(writer);
	json_writer_int_member(writer, "definition", STEP_LOGIC_VERSION);
	json_writer_int_member(writer, "max_attempts", options->max_attempts);
	json_writer_int_member(
	        writer, "step_result_timeout_seconds", options->step_result_timeout_seconds);
	json_writer_int_member(writer, "lease_seconds", options->lease_seconds);
	json_writer_int_member(writer, "retry_initial_seconds", options->retry_initial_seconds);
	json_writer_int_member(writer, "retry_max_seconds", options->retry_max_seconds);
	json_writer_end_object(writer);
}

static void logic_inspect(const struct lucius_machine *machine, lucius_text_fn on_text, void *user)
{
	bool has_step = machine->step_index < machine->n_steps;
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	json_writer_begin_object(&writer);
	json_writer_string_member(&writer, "job_id", machine->job_id);
	json_writer_string_member(&writer, "phase", phase_name(machine->phase));
	json_writer_int_member(&writer, "step_index", (int64_t)machine->step_index);
	json_writer_int_member(&writer, "n_steps", (int64_t)machine->n_steps);
	json_writer_string_member(
	        &writer, "step_id", has_step ? machine_step(machine)->step_id : NULL);
	json_writer_int_member(&writer, "attempt_no", machine->attempt.number);
	json_writer_string_member(&writer, "lease_id",
	        machine->attempt.number != 0 ? machine->attempt.lease_id : NULL);
	json_writer_bool_member(&writer, "has_ack", machine->has_ack);
	json_writer_bool_member(&writer, "is_paused", machine->is_paused);
	json_writer_bool_member(&writer, "is_cancel_asked", machine->is_cancel_asked);
	json_writer_int_member(&writer, "control_seq", machine->control_seq);
	write_pinned(machine, &writer);
	json_writer_end_object(&writer);
	on_text(user, (struct lucius_text){ json_writer_text(&writer), writer.size });
}

static uint32_t logic_adopt(struct lucius_machine *machine, uint64_t number,
        struct lucius_text payload, char *error, size_t error_size)
{
	return machine_adopt(machine, number, payload, error, error_size) ? 1 : 0;
}

void step_logic_init(struct step_logic *logic, const struct step_options *defaults)
{
	logic->table.size = sizeof(logic->table);
	logic->table.open = logic_open;
	logic->table.feed = logic_feed;
	logic->table.close = logic_close;
	logic->table.inspect = logic_inspect;
	logic->table.adopt = logic_adopt;
	logic->defaults = *defaults;
}

bool step_logic_is_waiting_by_rule(const struct lucius_machine *machine)
{
	return machine->phase == PHASE_PAUSED || machine->phase == PHASE_OVER;
}

bool step_logic_is_over(const struct lucius_machine *machine)
{
	return machine->phase == PHASE_OVER;
}
