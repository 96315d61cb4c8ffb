/* SPDX-License-Identifier: MIT */
/*
 * Histories of other workers (SPEC 10): their leases are their own, so a replay takes attempts and
 * leases from what is recorded. What names another step, attempt or end is another history.
 */
#include <stdio.h>
#include <string.h>

#include "core/step_logic_state.h"
#include "support/base/cleanup.h"

enum member { STEP_ID, ATTEMPT_NO, LEASE_ID, EXPIRES_AT, STATUS, DIRECTIVE, N_MEMBERS };

static bool refuse(char *error, size_t error_size, const char *what)
{
	(void)snprintf(error, error_size, "it is recorded with another %s.", what);
	return false;
}

/* A member that is missing says nothing. */
static bool is_other(struct json_slice value, const char *expected)
{
	return !json_slice_is_null(value) && !json_slice_is_text(value, expected);
}

static bool adopt_attempt(struct lucius_machine *machine, const struct json_slice *members,
        char *error, size_t error_size)
{
	struct attempt recorded = { 0 };
	uint64_t expires_ms = time_ms_of(members[EXPIRES_AT]);
	if (is_other(members[STEP_ID], machine_step(machine)->step_id)) {
		return refuse(error, error_size, "step");
	}
	attempt_read(members[ATTEMPT_NO], members[LEASE_ID], &recorded);
	if (recorded.number == 0 || recorded.lease_id[0] == '\0') {
		(void)snprintf(error, error_size, "it is recorded without an attempt or lease.");
		return false;
	}
	if (recorded.number != machine->attempt.number) {
		return refuse(error, error_size, "attempt");
	}
	if (attempt_is_same(&machine->attempt, &machine->recorded)) {
		machine->recorded = recorded;
	}
	machine->attempt = recorded;
	if (expires_ms != 0) {
		machine->lease_expires_ms = expires_ms;
	}
	return true;
}

static bool adopt_outcome(const struct lucius_machine *machine, const struct json_slice *members,
        char *error, size_t error_size)
{
	enum job_end end = job_end_of(members[STATUS]);
	return end == machine->outcome || refuse(error, error_size, "status");
}

bool machine_adopt(struct lucius_machine *machine, uint64_t number, struct lucius_text payload,
        char *error, size_t error_size)
{
	static const char *const names[N_MEMBERS] = { "stepId", "attempt_no", "lease_id",
		"lease_expires_at", "status", "directive" };
	struct json_slice members[N_MEMBERS];
	if (machine->activity == 0 || machine->activity != number) {
		return refuse(error, error_size, "number");
	}
	(void)json_slice_read(payload.data, payload.size, names, N_MEMBERS, members);
	if (json_slice_is_object(members[DIRECTIVE])) {
		json_slice_collect(members[DIRECTIVE], names, N_MEMBERS, members);
	}
	return machine->phase == PHASE_CLOSING ? adopt_outcome(machine, members, error, error_size)
	                                       : adopt_attempt(machine, members, error, error_size);
}
