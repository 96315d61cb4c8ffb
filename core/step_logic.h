/* SPDX-License-Identifier: MIT */
/*
 * The workflow of a job (SPEC 5) as a pure state machine: events in, actions out. No clock but the
 * events' times, no randomness but the seed of STARTED, no I/O, no log, so that an engine may
 * replay it. It takes the place of `open`, `feed`, `close` and `inspect` in a lucius_definition;
 * `run`, which carries out the activities, is set by its owner.
 */
#ifndef CORE_STEP_LOGIC_H
#define CORE_STEP_LOGIC_H

#include <stdbool.h>
#include <stdint.h>

#include <lucius/workflow.h>

/* The version of the logic that `options.definition` of the workflow input names. */
#define STEP_LOGIC_VERSION 1

/* Activities, with the payloads of SPEC 5. */
#define STEP_ACTIVITY_LEASE "record_attempt_lease"
#define STEP_ACTIVITY_PUBLISH "publish_to_bus"
#define STEP_ACTIVITY_OUTCOME "record_job_outcome"

/* Signals. Cancel is no signal but LUCIUS_EVENT_CANCEL_ASKED. */
#define STEP_SIGNAL_ACK "step_ack"
#define STEP_SIGNAL_RESULT "step_result"
#define STEP_SIGNAL_PAUSE "pause"
#define STEP_SIGNAL_RESUME "resume"

/* What a job runs with, where its input names nothing else. Times in seconds. */
struct step_options {
	uint32_t max_attempts; /* at least 1 */
	uint32_t step_result_timeout_seconds;
	uint32_t lease_seconds;
	uint32_t retry_initial_seconds;
	uint32_t retry_max_seconds;
};

/*
 * The definition that an engine is handed. Its table comes first, so that `open` and `run` find
 * the rest; who needs more in `run` embeds this struct as his own first member.
 */
struct step_logic {
	struct lucius_definition table;
	struct step_options defaults;
};

/*
 * Fills the table but for `run`. Defaults are copied.
 *
 * Open: run->input is the workflow input of SPEC 5, for a restored run too. Run->snapshot of a
 * restored run is `{"job": {...}, "steps": [...], "bus_is_durable": false}`, job and steps with the
 * members of SPEC 3 (as the API shows them, all steps by step_index); what is read is state,
 * control_seq, error_code and error_message of the job, and step_id, state, attempt_no, lease_id,
 * lease_expires_at, timer_started_at, result_ref, last_error_code and last_error_message of each
 * step. A restored machine is fed STARTED as well, with the present time and a seed that no
 * earlier run of the job has had.
 *
 * Inspect: an object with where the run stands. Its member `pinned` is null, or, where the input
 * names no options, an object with those that are used instead. An engine that replays records it
 * with the first task and gives it as the snapshot of a run that is not restored: then a change of
 * the defaults, or another worker's, does not change the run.
 *
 * ACTIVITY_DONE: payload `{"status": "ok"}` or a refusal: the problem body of the internal API
 * with `status` (a number from 400 to 499), and where SPEC 5 has them `reason`, `job` (`state`,
 * `error_code`?, `error_message`?), `step` (`state`, `attempt_no`, `lease_id`, `lease_expires_at`?,
 * `result_ref`, `error`). A 404 to an outcome is taken for a missing path, after which the workflow
 * ends as if the outcome had been taken, unless its `reason` is `job-unknown`. What is to be
 * tried again is no result: `run` then finishes with UNAVAILABLE or UNKNOWN.
 *
 * FAIL: name is the error code of the job.
 */
void step_logic_init(struct step_logic *logic, const struct step_options *defaults);

/* True while nothing is armed and none is needed: paused before an attempt, or over. For tests. */
bool step_logic_is_waiting_by_rule(const struct lucius_machine *machine);
/* True once COMPLETE, FAIL or CANCEL has come out; what is fed afterwards has no effect. */
bool step_logic_is_over(const struct lucius_machine *machine);

#endif
