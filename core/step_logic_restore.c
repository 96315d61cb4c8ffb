/* SPDX-License-Identifier: MIT */
/*
 * Takes a run up again from the rows of its job (SPEC 5, Engines): reads them when the machine is
 * opened, and goes on when STARTED tells what time it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/step_logic_state.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

static bool is_state(struct json_slice row, const char *state)
{
	return json_slice_is_text(json_slice_member(row, "state"), state);
}

static void read_job(struct lucius_machine *machine, struct json_slice job)
{
	struct restore *restore = machine->restore;
	machine->is_paused = is_state(job, "PAUSED");
	machine->is_cancel_asked = is_state(job, "CANCELLING");
	(void)json_slice_integer(json_slice_member(job, "control_seq"), &machine->control_seq);
	restore->end = job_end_of(json_slice_member(job, "state"));
	if (restore->end != END_NONE) {
		restore->point = RESTORE_JOB_OVER;
		fault_read(&machine->error, job, "error_code", "error_message");
	}
}

static enum restore_point point_of(struct json_slice step, enum verdict_status status)
{
	if (status == VERDICT_FAILED_RETRY) {
		return RESTORE_BACKOFF;
	}
	if (status != VERDICT_NONE) {
		return RESTORE_STEP_OVER;
	}
	return is_state(step, "INITIATED") || is_state(step, "PROCESSING") ? RESTORE_OUT
	                                                                   : RESTORE_BETWEEN;
}

/* The step that is not over, with what is known of its newest attempt. */
static void read_step_row(struct lucius_machine *machine, struct json_slice step)
{
	struct restore *restore = machine->restore;
	struct verdict *verdict = &restore->verdict;
	verdict_read(step, "state", verdict);
	fault_read(&verdict->error, step, "last_error_code", "last_error_message");
	restore->timer_started_ms = time_ms_of(json_slice_member(step, "timer_started_at"));
	if (restore->point == RESTORE_NONE) {
		restore->point = point_of(step, verdict->status);
	}
	machine->attempt = verdict->attempt;
	machine->recorded = verdict->attempt;
	machine->is_recorded_failed = verdict->status == VERDICT_FAILED_RETRY;
	machine->has_ack = verdict->is_processing;
	machine->lease_expires_ms = verdict->lease_expires_ms;
}

static bool read_steps(
        struct lucius_machine *machine, struct json_slice steps, char *error, size_t error_size)
{
	struct json_slice_walk walk = json_slice_elements(steps);
	for (size_t i = 0; i < machine->n_steps; i++) {
		struct json_slice step = { 0 };
		(void)json_slice_next_element(&walk, &step);
		if (!json_slice_is_text(
		            json_slice_member(step, "step_id"), machine->steps[i].step_id)) {
			(void)snprintf(error, error_size,
			        "Row %zu of the job is not step '%s', which the workflow has "
			        "there.",
			        i, machine->steps[i].step_id);
			return false;
		}
		if (!is_state(step, "SUCCEEDED")) {
			read_step_row(machine, step);
			return true;
		}
		CLEANUP(verdict_finish) struct verdict done = { 0 };
		verdict_read(step, "state", &done);
		free(machine->previous_result_ref);
		machine->previous_result_ref = steal(done.result_ref);
		machine->step_index = i + 1;
	}
	if (machine->restore->point == RESTORE_NONE) {
		machine->restore->point = RESTORE_BETWEEN;
	}
	return true;
}

bool machine_read_snapshot(
        struct lucius_machine *machine, struct lucius_text snapshot, char *error, size_t error_size)
{
	struct json_slice rows = json_slice_of(snapshot.data, snapshot.size);
	if (!json_slice_is_object(rows)) {
		(void)snprintf(error, error_size, "The snapshot is no JSON object.");
		return false;
	}
	machine->restore = must_calloc(1, sizeof(*machine->restore));
	machine->restore->is_bus_durable =
	        json_slice_is_true(json_slice_member(rows, "bus_is_durable"));
	read_job(machine, json_slice_member(rows, "job"));
	return read_steps(machine, json_slice_member(rows, "steps"), error, error_size);
}

/* An attempt is out. What has run out meanwhile has failed at the time at which it did. */
static void take_up_attempt(struct lucius_machine *machine, const struct restore *restore)
{
	uint64_t now_ms = machine->now_ms;
	uint64_t started_ms = restore->timer_started_ms;
	uint64_t due_ms = started_ms != 0 ? started_ms + machine_result_timeout_ms(machine) : 0;
	if (machine->lease_expires_ms == 0) {
		machine->lease_expires_ms =
		        now_ms + (uint64_t)machine_step(machine)->lease_seconds * 1000;
	}
	machine->result_due_ms = due_ms;
	if (due_ms != 0 && due_ms <= now_ms) {
		machine_fail_attempt(machine, "STEP_TIMEOUT", "No RESULT came in time.", due_ms);
	} else if (machine->lease_expires_ms <= now_ms) {
		machine_fail_attempt(machine, due_ms != 0 ? "STEP_TIMEOUT" : "PUBLISH_FAILED",
		        "The lease ended before a RESULT came.", machine->lease_expires_ms);
	} else if (restore->is_bus_durable && machine->has_ack) {
		machine_wait(machine);
	} else {
		machine_ask_publish(machine);
	}
}

static void take_up_backoff(struct lucius_machine *machine, const struct restore *restore)
{
	const struct fault *error = &restore->verdict.error;
	machine_fail_attempt(machine, error->code != NULL ? error->code : "STEP_FAILED",
	        error->message,
	        restore->timer_started_ms != 0 ? restore->timer_started_ms : machine->now_ms);
}

void machine_take_up(struct lucius_machine *machine)
{
	const struct restore *restore = machine->restore;
	switch (restore->point) {
	case RESTORE_NONE:
	case RESTORE_BETWEEN:
		if (machine->step_index == machine->n_steps) {
			machine_close_complete(machine);
		} else {
			machine_begin_attempt(machine);
		}
		break;
	case RESTORE_OUT:
		take_up_attempt(machine, restore);
		break;
	case RESTORE_BACKOFF:
		take_up_backoff(machine, restore);
		break;
	case RESTORE_STEP_OVER:
		machine_apply(machine, &restore->verdict);
		break;
	case RESTORE_JOB_OVER:
		machine_end(machine, restore->end);
		break;
	}
}
