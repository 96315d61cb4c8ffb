/* SPDX-License-Identifier: MIT */
/* What the sweeper decides, as pure functions. */
#ifndef CORE_SWEEPER_RULES_H
#define CORE_SWEEPER_RULES_H

#include <lucius/workflow.h>

#include "core/job.h"

/* A job that has not changed for less is left alone. */
#define SWEEP_QUIET_US INT64_C(60000000)

enum sweep_action {
	SWEEP_LEAVE,
	SWEEP_START, /* never started */
	SWEEP_TELL_CONTROL, /* pause, cancel or resume once more */
	SWEEP_TELL_RESULT, /* the current step's result once more */
	SWEEP_TELL_BOTH, /* resume, then the result that waits behind it */
	SWEEP_TELL_END, /* closed, and its slot is still held: tell, then release */
	SWEEP_CLOSE /* the engine has ended it, the ledger has not */
};

struct sweep_decision {
	enum sweep_action action;
	enum job_state state; /* SWEEP_CLOSE */
	const char *error_code; /* SWEEP_CLOSE with FAILED_FINAL; static */
};

/* Run_state: LUCIUS_RUN_…, or 0 if the engine knows no such run. Is_due: see sweep_is_due. */
struct sweep_decision sweep_decide(const struct job *job, uint32_t run_state, bool is_due);

/* Is a repeat due now that was not at the last pass? Repeats come 60 s after the last change and
 * then in gaps that double up to 15 min. Ages in microseconds; last < 0: there was no pass. */
bool sweep_is_due(int64_t age_us, int64_t age_at_last_pass_us);

#endif
