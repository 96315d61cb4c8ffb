/* SPDX-License-Identifier: MIT */
/* What the step logic makes of the answers to its activities, the refusals of SPEC 5 above all. */
#include <string.h>

#include "core/step_logic_state.h"
#include "support/base/cleanup.h"

/* The ledger's attempt is older than ours, or ours itself: nothing to go on with. */
static bool is_worth_adopting(const struct lucius_machine *machine, const struct attempt *attempt)
{
	return attempt->number > machine->attempt.number ||
	        (attempt->number == machine->attempt.number &&
	                strcmp(attempt->lease_id, machine->attempt.lease_id) != 0);
}

/* Somebody else has run this workflow meanwhile: goes on with the attempt that the ledger has. */
static void adopt(struct lucius_machine *machine, const struct verdict *verdict)
{
	machine->attempt = verdict->attempt;
	machine->recorded = verdict->attempt;
	machine->is_recorded_failed = false;
	machine->has_ack = verdict->is_processing;
	machine->result_due_ms = 0;
	machine->lease_expires_ms = verdict->lease_expires_ms != 0
	        ? verdict->lease_expires_ms
	        : machine->now_ms + (uint64_t)machine_step(machine)->lease_seconds * 1000;
	if (!machine_apply(machine, verdict) && !machine_apply_early(machine)) {
		machine_ask_publish(machine);
	}
}

static void on_superseded(struct lucius_machine *machine, const struct verdict *verdict)
{
	if (is_worth_adopting(machine, &verdict->attempt)) {
		adopt(machine, verdict);
	} else if (!machine_apply_early(machine)) {
		machine_wait(machine);
	}
}

/* Unless its RESULT is there already, the attempt has failed. */
static void fail_unless_early(struct lucius_machine *machine, const char *code, const char *message)
{
	bool is_of_the_one_before =
	        machine->phase == PHASE_LEASING && machine->early.status == VERDICT_FAILED_RETRY;
	if (is_of_the_one_before || !machine_apply_early(machine)) {
		machine_fail_attempt(machine, code, message, machine->now_ms);
	}
}

static void on_job_unknown(struct lucius_machine *machine, const struct answer *answer)
{
	fault_set(&machine->error, "JOB_UNKNOWN",
	        answer->error.message != NULL ? answer->error.message
	                                      : "The ledger does not know the job.");
	machine_end(machine, END_FAILED);
}

static void on_job_closed(struct lucius_machine *machine, const struct answer *answer)
{
	if (answer->error.code != NULL) {
		fault_set(&machine->error, answer->error.code, answer->error.message);
	}
	machine_end(machine, answer->end);
}

static void on_leased(struct lucius_machine *machine)
{
	machine->recorded = machine->attempt;
	machine->is_recorded_failed = false;
	if (machine_apply_early(machine)) {
		return;
	}
	if (machine->is_cancel_asked) {
		machine_close_job(machine, END_CANCELLED, NULL, NULL);
		return;
	}
	machine_ask_publish(machine);
}

static void on_published(struct lucius_machine *machine)
{
	if (!machine_apply_early(machine)) {
		machine_wait(machine);
	}
}

/* Answers that a lease and a publish are given alike. Failed: the code if it came to nothing. */
static void on_attempt_refused(
        struct lucius_machine *machine, const struct answer *answer, const char *failed)
{
	switch (answer->kind) {
	case ANSWER_OK:
	case ANSWER_CONFLICT:
		on_published(machine);
		break;
	case ANSWER_FAILED:
		fail_unless_early(machine, failed, answer->error.message);
		break;
	case ANSWER_JOB_CLOSED:
		on_job_closed(machine, answer);
		break;
	case ANSWER_STEP_TERMINAL:
		machine_apply(machine, &answer->verdict);
		break;
	case ANSWER_JOB_CANCELLING:
		machine->is_cancel_asked = true;
		machine_close_job(machine, END_CANCELLED, NULL, NULL);
		break;
	case ANSWER_SUPERSEDED:
		on_superseded(machine, &answer->verdict);
		break;
	case ANSWER_JOB_UNKNOWN:
	case ANSWER_NOT_FOUND:
		on_job_unknown(machine, answer);
		break;
	case ANSWER_UNROUTABLE:
		fail_unless_early(machine, "UNROUTABLE", answer->error.message);
		break;
	case ANSWER_TOO_LARGE:
		machine_close_job(machine, END_FAILED, "TOO_LARGE", answer->error.message);
		break;
	case ANSWER_REFUSED:
		fail_unless_early(machine, "STEP_FAILED", answer->error.message);
		break;
	}
}

/*
 * The outcome was refused and nothing said that helps. If a success may still be on its way, waits
 * for it, and asks anew when none comes; else nothing is left to be done.
 */
static void on_outcome_conflict(struct lucius_machine *machine)
{
	if (machine->outcome != END_FAILED || machine->is_failure_recorded) {
		machine_end(machine, machine->outcome);
		return;
	}
	machine->phase = PHASE_REFUSED;
	if (!machine_apply_early(machine)) {
		machine_arm(machine, machine_result_timeout_ms(machine));
	}
}

/* The ledger has another end of the step than the outcome that was asked for. */
static void on_outcome_terminal(struct lucius_machine *machine, const struct verdict *verdict)
{
	bool has_step = machine->step_index < machine->n_steps;
	bool is_news = verdict->status == VERDICT_SUCCEEDED ||
	        (verdict->status == VERDICT_CANCELLED && machine->outcome == END_FAILED);
	if (!has_step || !is_news || !machine_apply(machine, verdict)) {
		machine_end(machine, machine->outcome);
	}
}

static void on_outcome_answer(struct lucius_machine *machine, const struct answer *answer)
{
	switch (answer->kind) {
	case ANSWER_JOB_CLOSED:
		on_job_closed(machine, answer);
		break;
	case ANSWER_STEP_TERMINAL:
		on_outcome_terminal(machine, &answer->verdict);
		break;
	case ANSWER_JOB_CANCELLING:
		machine->is_cancel_asked = true;
		if (machine->outcome == END_CANCELLED) {
			machine_end(machine, END_CANCELLED);
		} else {
			machine_close_job(machine, END_CANCELLED, NULL, NULL);
		}
		break;
	case ANSWER_SUPERSEDED:
	case ANSWER_CONFLICT:
		on_outcome_conflict(machine);
		break;
	case ANSWER_JOB_UNKNOWN:
		on_job_unknown(machine, answer);
		break;
	case ANSWER_OK:
	case ANSWER_FAILED:
	case ANSWER_NOT_FOUND:
	case ANSWER_UNROUTABLE:
	case ANSWER_TOO_LARGE:
	case ANSWER_REFUSED:
		/* What stays open is closed by the sweeper, which finds the workflow ended. */
		machine_end(machine, machine->outcome);
		break;
	}
}

void machine_on_answer(struct lucius_machine *machine, const struct answer *answer)
{
	machine->activity = 0;
	if (machine->job_state != END_NONE) {
		machine_end(machine, machine->job_state);
	} else if (machine->phase == PHASE_CLOSING) {
		on_outcome_answer(machine, answer);
	} else if (machine->phase == PHASE_PUBLISHING) {
		on_attempt_refused(machine, answer, "PUBLISH_FAILED");
	} else if (answer->kind == ANSWER_OK) {
		on_leased(machine);
	} else {
		on_attempt_refused(machine, answer, "LEDGER_UNAVAILABLE");
	}
}
