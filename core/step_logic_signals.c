/* SPDX-License-Identifier: MIT */
/* What the step logic makes of signals and of a request to cancel. */
#include <string.h>

#include "core/step_logic_state.h"
#include "support/base/cleanup.h"
#include "support/base/fault.h"

static bool is_of_this_step(const struct lucius_machine *machine, struct json_slice argument)
{
	return machine->step_index < machine->n_steps &&
	        json_slice_is_text(
	                json_slice_member(argument, "stepId"), machine_step(machine)->step_id);
}

/* The first ACK of an attempt starts its time once more; while it is published still, the time
 * starts in full when that is over. */
static void on_step_ack(struct lucius_machine *machine, struct json_slice argument)
{
	CLEANUP(verdict_finish) struct verdict ack = { 0 };
	verdict_read(argument, "status", &ack);
	if (!is_of_this_step(machine, argument) ||
	        !attempt_is_same(&machine->attempt, &ack.attempt) || machine->has_ack) {
		return;
	}
	machine->has_ack = true;
	machine->result_due_ms = 0;
	if (machine->phase == PHASE_WAITING) {
		machine_disarm(machine);
		machine_wait(machine);
	}
}

/*
 * A RESULT while an activity is running is kept, matched or not: the answer to the activity may
 * make its attempt the current one. Of two the newer attempt's counts, of two for one lease the
 * first.
 */
static void keep_early(struct lucius_machine *machine, struct verdict *verdict)
{
	const struct verdict *kept = &machine->early;
	bool is_older = verdict->attempt.number < kept->attempt.number;
	bool is_repeat = attempt_is_same(&kept->attempt, &verdict->attempt);
	bool is_worse = verdict->attempt.number == kept->attempt.number &&
	        machine_is_concerned(machine, kept);
	if (verdict->attempt.number == 0 || is_older || is_repeat || is_worse) {
		return;
	}
	verdict_finish(&machine->early);
	machine->early = *verdict;
	*verdict = (struct verdict){ 0 };
}

/* The ledger has closed the job: so ends the workflow, once no activity is running. */
static void on_job_state(
        struct lucius_machine *machine, enum job_end end, const struct verdict *verdict)
{
	if (verdict->error.code != NULL) {
		fault_set(&machine->error, verdict->error.code, verdict->error.message);
	}
	if (machine->activity != 0) {
		machine->job_state = end;
	} else {
		machine_end(machine, end);
	}
}

static void on_step_result(struct lucius_machine *machine, struct json_slice argument)
{
	CLEANUP(verdict_finish) struct verdict verdict = { 0 };
	verdict_read(argument, "status", &verdict);
	enum job_end end = job_end_of(json_slice_member(argument, "job_state"));
	if (end != END_NONE) {
		on_job_state(machine, end, &verdict);
		return;
	}
	if (verdict.status == VERDICT_NONE || !is_of_this_step(machine, argument)) {
		return;
	}
	if (machine->activity != 0) {
		keep_early(machine, &verdict);
	} else if (machine_is_concerned(machine, &verdict)) {
		machine_apply(machine, &verdict);
	}
}

/* Signals may overtake each other: one that is older than the last seen is no news. */
static void on_control(struct lucius_machine *machine, struct json_slice argument, bool is_pause)
{
	int64_t seq;
	if (json_slice_integer(json_slice_member(argument, "seq"), &seq)) {
		if (seq < machine->control_seq) {
			return;
		}
		machine->control_seq = seq;
	}
	machine->is_paused = is_pause;
	if (!is_pause && machine->phase == PHASE_PAUSED) {
		machine_begin_attempt(machine);
	}
}

static bool is_name(struct lucius_text name, const char *expected)
{
	return name.size == strlen(expected) && memcmp(name.data, expected, name.size) == 0;
}

void machine_on_signal(struct lucius_machine *machine, const struct lucius_event *event)
{
	struct json_slice argument = json_slice_of(event->payload.data, event->payload.size);
	if (is_name(event->name, STEP_SIGNAL_RESULT)) {
		on_step_result(machine, argument);
	} else if (is_name(event->name, STEP_SIGNAL_ACK)) {
		on_step_ack(machine, argument);
	} else if (is_name(event->name, STEP_SIGNAL_PAUSE)) {
		on_control(machine, argument, true);
	} else if (is_name(event->name, STEP_SIGNAL_RESUME)) {
		on_control(machine, argument, false);
	}
}

void machine_on_cancel(struct lucius_machine *machine)
{
	machine->is_cancel_asked = true;
	if (FAULT(cancel_waits_in_pause) && machine->phase == PHASE_PAUSED) {
		return;
	}
	bool has_none_out = machine->phase == PHASE_BACKOFF || machine->phase == PHASE_PAUSED ||
	        machine->phase == PHASE_REFUSED ||
	        (machine->phase == PHASE_WAITING && !machine_is_out(machine));
	/* One that is out may finish or time out, and an activity is answered first. */
	if (has_none_out) {
		machine_disarm(machine);
		machine_close_job(machine, END_CANCELLED, NULL, NULL);
	}
}
