/* SPDX-License-Identifier: MIT */
/*
 * The rules of SPEC 5 that lead from one phase to the next: attempts, back-offs, verdicts and the
 * end of a job. None of them is called while an activity is running.
 */
#include <stdlib.h>
#include <string.h>

#include "core/step_logic_state.h"
#include "support/base/cleanup.h"
#include "support/base/fault.h"
#include "support/base/memory.h"

const struct machine_step *machine_step(const struct lucius_machine *machine)
{
	return &machine->steps[machine->step_index];
}

void machine_close_job(
        struct lucius_machine *machine, enum job_end outcome, const char *code, const char *message)
{
	machine->outcome = outcome;
	fault_set(&machine->error, code, message);
	if (FAULT(outcome_not_recorded)) {
		machine_end(machine, outcome);
		return;
	}
	machine_ask_outcome(machine);
}

void machine_begin_attempt(struct lucius_machine *machine)
{
	if (machine->is_cancel_asked) {
		machine_close_job(machine, END_CANCELLED, NULL, NULL);
		return;
	}
	if (machine->is_paused && !FAULT(pause_ignored)) {
		machine->phase = PHASE_PAUSED;
		return;
	}
	machine->attempt.number++;
	machine->has_ack = false;
	machine->result_due_ms = 0;
	machine_make_lease(machine);
	machine_ask_lease(machine);
}

/* Doubles with each attempt of the step that has failed. */
static uint64_t backoff_ms(const struct lucius_machine *machine)
{
	uint64_t seconds = machine->options.retry_initial_seconds;
	for (uint32_t i = 1; i < machine->attempt.number; i++) {
		if (seconds >= machine->options.retry_max_seconds) {
			break;
		}
		seconds *= 2;
	}
	return 1000 *
	        (seconds < machine->options.retry_max_seconds ? seconds
	                                                      : machine->options.retry_max_seconds);
}

static uint64_t left_ms(const struct lucius_machine *machine, uint64_t due_ms)
{
	return due_ms > machine->now_ms ? due_ms - machine->now_ms : 0;
}

void machine_fail_attempt(struct lucius_machine *machine, const char *code, const char *message,
        uint64_t failed_at_ms)
{
	if (machine->is_cancel_asked) {
		machine_close_job(machine, END_CANCELLED, NULL, NULL);
		return;
	}
	if (machine->attempt.number >= machine_step(machine)->max_attempts &&
	        !FAULT(attempts_not_limited)) {
		machine_close_job(machine, END_FAILED, code, message);
		return;
	}
	machine->phase = PHASE_BACKOFF;
	machine_arm(machine, left_ms(machine, failed_at_ms + backoff_ms(machine)));
}

bool attempt_is_same(const struct attempt *one, const struct attempt *other)
{
	return one->number != 0 && one->number == other->number &&
	        strcmp(one->lease_id, other->lease_id) == 0;
}

bool machine_is_out(const struct lucius_machine *machine)
{
	return attempt_is_same(&machine->attempt, &machine->recorded);
}

uint64_t machine_result_timeout_ms(const struct lucius_machine *machine)
{
	return (uint64_t)machine_step(machine)->result_timeout_seconds * 1000;
}

void machine_wait(struct lucius_machine *machine)
{
	if (machine->is_cancel_asked && !machine_is_out(machine)) {
		machine_close_job(machine, END_CANCELLED, NULL, NULL);
		return;
	}
	machine->phase = PHASE_WAITING;
	machine_arm(machine,
	        machine->result_due_ms != 0 ? left_ms(machine, machine->result_due_ms)
	                                    : machine_result_timeout_ms(machine));
}

void machine_close_complete(struct lucius_machine *machine)
{
	machine_close_job(
	        machine, machine->is_cancel_asked ? END_CANCELLED : END_SUCCEEDED, NULL, NULL);
}

static void succeed_step(struct lucius_machine *machine, const char *result_ref)
{
	char *copy = result_ref != NULL ? must_copy(result_ref, strlen(result_ref)) : NULL;
	free(machine->previous_result_ref);
	machine->previous_result_ref = copy;
	machine->step_index++;
	machine->attempt = (struct attempt){ 0 };
	machine->recorded = (struct attempt){ 0 };
	machine->is_recorded_failed = false;
	if (machine->step_index == machine->n_steps) {
		machine_close_complete(machine);
	} else {
		machine_begin_attempt(machine);
	}
}

bool machine_is_concerned(const struct lucius_machine *machine, const struct verdict *verdict)
{
	return attempt_is_same(&machine->attempt, &verdict->attempt) ||
	        attempt_is_same(&machine->recorded, &verdict->attempt);
}

/*
 * FAILED_RETRY moves the machine only if it still waits for this attempt. In a back-off, in a pause
 * or behind an outcome the attempt has been given up; and one that is not the newest counts once,
 * for a lease that was refused because of it.
 */
static bool apply_failed_retry(struct lucius_machine *machine, const struct verdict *verdict)
{
	bool is_recorded = attempt_is_same(&machine->recorded, &verdict->attempt);
	bool is_known = is_recorded && machine->is_recorded_failed;
	machine->is_recorded_failed = machine->is_recorded_failed || is_recorded;
	if (is_known || machine->phase == PHASE_BACKOFF || machine->phase == PHASE_PAUSED ||
	        machine->phase == PHASE_REFUSED) {
		return false;
	}
	machine_disarm(machine);
	machine_fail_attempt(machine,
	        verdict->error.code != NULL ? verdict->error.code : "STEP_FAILED",
	        verdict->error.message, machine->now_ms);
	return true;
}

bool machine_apply(struct lucius_machine *machine, const struct verdict *verdict)
{
	const char *code = verdict->error.code != NULL ? verdict->error.code : "STEP_FAILED";
	switch (verdict->status) {
	case VERDICT_NONE:
		return false;
	case VERDICT_SUCCEEDED:
		machine_disarm(machine);
		succeed_step(machine, verdict->result_ref);
		return true;
	case VERDICT_FAILED_RETRY:
		return apply_failed_retry(machine, verdict);
	case VERDICT_FAILED_FINAL:
		machine_disarm(machine);
		machine->is_failure_recorded = true;
		machine_close_job(machine, machine->is_cancel_asked ? END_CANCELLED : END_FAILED,
		        code, verdict->error.message);
		return true;
	case VERDICT_CANCELLED:
		machine_disarm(machine);
		machine->is_cancel_asked = true;
		machine_close_job(machine, END_CANCELLED, NULL, NULL);
		return true;
	}
	return false;
}

bool machine_apply_early(struct lucius_machine *machine)
{
	if (!machine_is_concerned(machine, &machine->early)) {
		return false;
	}
	CLEANUP(verdict_finish) struct verdict verdict = machine->early;
	machine->early = (struct verdict){ 0 };
	return machine_apply(machine, &verdict);
}
