/* SPDX-License-Identifier: MIT */
/*
 * The inside of the step logic, shared by its files alone: what a machine knows, and the functions
 * by which one file hands over to another. Who looks for the rules starts at step_logic_moves.c.
 */
#ifndef CORE_STEP_LOGIC_STATE_H
#define CORE_STEP_LOGIC_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/json_slice.h"
#include "core/step_logic.h"

/* A lease id of others is any non-empty string up to this many bytes. */
#define LEASE_ID_MAX 64

/* What a machine waits for. All but NEW, PAUSED and OVER have an activity running or a timer. */
enum machine_phase {
	PHASE_NEW, /* STARTED has not come yet */
	PHASE_LEASING, /* activity record_attempt_lease */
	PHASE_PUBLISHING, /* activity publish_to_bus */
	PHASE_WAITING, /* for the RESULT; timer */
	PHASE_BACKOFF, /* for the next attempt; timer */
	PHASE_PAUSED, /* before an attempt, for resume or cancel */
	PHASE_CLOSING, /* activity record_job_outcome */
	PHASE_REFUSED, /* the outcome was not taken and no reason given; timer */
	PHASE_OVER
};

/* How a job ends, and how a workflow does. */
enum job_end { END_NONE, END_SUCCEEDED, END_FAILED, END_CANCELLED };

enum verdict_status {
	VERDICT_NONE,
	VERDICT_SUCCEEDED,
	VERDICT_FAILED_RETRY,
	VERDICT_FAILED_FINAL,
	VERDICT_CANCELLED
};

/* Why something failed; both owned, may be NULL. */
struct fault {
	char *code;
	char *message;
};

struct attempt {
	uint32_t number; /* from 1; 0: there is none */
	char lease_id[LEASE_ID_MAX + 1];
};

/* What the ledger says of one attempt, by a signal or in a refusal. All zeros is none. */
struct verdict {
	enum verdict_status status;
	bool is_processing; /* of a step that is out: its ACK has been seen */
	struct attempt attempt;
	uint64_t lease_expires_ms; /* Unix; 0: not said */
	char *result_ref; /* owned JSON text; NULL: none */
	struct fault error;
};

/* The answer to an activity. */
enum answer_kind {
	ANSWER_OK,
	ANSWER_FAILED, /* the engine has given up, or it failed for good */
	ANSWER_JOB_CLOSED, /* `end` */
	ANSWER_STEP_TERMINAL, /* `verdict` */
	ANSWER_JOB_CANCELLING,
	ANSWER_SUPERSEDED, /* `verdict`, of the ledger's attempt */
	ANSWER_CONFLICT, /* a 409 that tells nothing more */
	ANSWER_JOB_UNKNOWN,
	ANSWER_NOT_FOUND, /* a 404 that does not say what is missing */
	ANSWER_UNROUTABLE,
	ANSWER_TOO_LARGE,
	ANSWER_REFUSED /* any other 4xx; `error` */
};

struct answer {
	enum answer_kind kind;
	enum job_end end;
	struct fault error; /* message: the sentence or detail that came with it */
	struct verdict verdict;
};

/* One step as the input has it. Texts are owned. */
struct machine_step {
	char *step_id;
	char *head; /* payload of a publish as JSON text, up to the attempt's number */
	char *tail; /* and from behind lease_expires_at up to the result before */
	size_t head_size;
	size_t tail_size;
	uint32_t max_attempts;
	uint32_t result_timeout_seconds;
	uint32_t lease_seconds;
};

/* How far the ledger says a restored run had come. */
enum restore_point {
	RESTORE_NONE,
	RESTORE_BETWEEN, /* no attempt of the step is out */
	RESTORE_OUT, /* an attempt is out */
	RESTORE_BACKOFF,
	RESTORE_STEP_OVER, /* the step has ended for good and the job has not: `verdict` */
	RESTORE_JOB_OVER /* `end` */
};

struct restore {
	enum restore_point point;
	enum job_end end;
	bool is_bus_durable;
	uint64_t timer_started_ms; /* Unix; 0: not said */
	struct verdict verdict;
};

struct lucius_machine {
	char *job_id; /* owned, as the other texts */
	char *tenant_id;
	char *seed;
	struct machine_step *steps;
	size_t n_steps;
	struct step_options options; /* what a step's own limits do not say otherwise */
	bool has_own_options; /* from the input; else from defaults or what was pinned */

	enum machine_phase phase;
	size_t step_index; /* n_steps: all have succeeded */
	struct attempt attempt; /* the newest that was tried, out or not */
	struct attempt recorded; /* the newest of this step that the ledger is known to have */
	bool is_recorded_failed; /* its FAILED_RETRY has been taken */
	bool has_ack; /* of `attempt` */
	uint64_t lease_expires_ms; /* Unix */
	uint64_t result_due_ms; /* Unix; of an attempt taken up after a restore; 0: count anew */
	struct verdict early; /* a RESULT that came while an activity was running */
	char *previous_result_ref; /* JSON text; NULL: null */

	bool is_paused;
	bool is_cancel_asked;
	int64_t control_seq; /* the highest seen */
	enum job_end job_state; /* a signal said so while an activity was running */
	enum job_end outcome; /* what CLOSING and REFUSED ask for */
	bool is_failure_recorded; /* the ledger has said that the step has failed for good */
	struct fault error; /* of the outcome, or of the job */
	struct restore *restore; /* owned; NULL once STARTED has come, and for a new run */

	uint64_t last_number;
	uint64_t activity; /* number of the one that is running; 0: none */
	uint64_t timer; /* number of the one that is armed; 0: none */

	/* For the length of one feed. */
	uint64_t now_ms;
	lucius_action_fn on_action;
	void *user;
};

/* step_logic_input.c: from the input of a run to a machine in PHASE_NEW. False: a sentence. */
bool machine_read_input(struct lucius_machine *machine, const struct step_options *defaults,
        const struct lucius_run *run, char *error, size_t error_size);

/* step_logic_restore.c */
/* Fills machine->restore and what else the rows say. False: a sentence. */
bool machine_read_snapshot(struct lucius_machine *machine, struct lucius_text snapshot, char *error,
        size_t error_size);
/* STARTED has come: goes on from where the rows say the run stood. */
void machine_take_up(struct lucius_machine *machine);

/* step_logic_read.c: JSON from outside, leniently. Missing and wrong members are left out. */
void fault_finish(struct fault *fault);
/* Copies both texts over those that are there; they may be NULL, and may be those. */
void fault_set(struct fault *fault, const char *code, const char *message);
/* The strings under those names over those that are there. */
void fault_read(struct fault *fault, struct json_slice object, const char *code_name,
        const char *message_name);
void verdict_finish(struct verdict *verdict);
/* Status_name: which member holds the status ("status" of a RESULT, "state" of a step). */
void verdict_read(struct json_slice object, const char *status_name, struct verdict *ret_verdict);
enum job_end job_end_of(struct json_slice state);
/* Takes over attempt number and lease id, if both are there and good. */
void attempt_read(
        struct json_slice attempt_no, struct json_slice lease_id, struct attempt *ret_attempt);
void answer_read(struct lucius_text payload, struct answer *ret_answer);
void answer_finish(struct answer *answer);
/* Unix milliseconds of an RFC 3339 text; 0 if it is none. */
uint64_t time_ms_of(struct json_slice text);

/* step_logic_actions.c: what a machine wants done. */
void machine_arm(struct lucius_machine *machine, uint64_t after_ms);
/* Takes back the timer, if one is armed. */
void machine_disarm(struct lucius_machine *machine);
void machine_ask_lease(struct lucius_machine *machine);
void machine_ask_publish(struct lucius_machine *machine);
void machine_ask_outcome(struct lucius_machine *machine);
/* Ends the workflow; the error is machine->error. */
void machine_end(struct lucius_machine *machine, enum job_end end);
/* Gives the attempt its lease id and the time at which its lease ends. */
void machine_make_lease(struct lucius_machine *machine);

/* step_logic_moves.c: from one phase to the next. */
/* The step under way; only before all have succeeded. */
const struct machine_step *machine_step(const struct lucius_machine *machine);
/* The next attempt of the step, unless the job is cancelled or paused. */
void machine_begin_attempt(struct lucius_machine *machine);
/* The attempt has failed: back-off, or the outcome when it was the last. Failed_at_ms: when. */
void machine_fail_attempt(struct lucius_machine *machine, const char *code, const char *message,
        uint64_t failed_at_ms);
/* The ledger has accepted the newest attempt. */
bool machine_is_out(const struct lucius_machine *machine);
/* Waits for a RESULT; with none out and the job cancelled for nothing. */
void machine_wait(struct lucius_machine *machine);
/* Leaves it to the ledger to close the job; the workflow ends when it has. */
void machine_close_job(struct lucius_machine *machine, enum job_end outcome, const char *code,
        const char *message);
/* All steps have succeeded, and nobody has said that the job is closed. */
void machine_close_complete(struct lucius_machine *machine);
/* A step's time for the RESULT. */
uint64_t machine_result_timeout_ms(const struct lucius_machine *machine);
/* False also if there is no attempt. */
bool attempt_is_same(const struct attempt *one, const struct attempt *other);
/* True: the verdict is on the attempt under way, or on the ledger's. */
bool machine_is_concerned(const struct lucius_machine *machine, const struct verdict *verdict);
/* Follows a verdict on this step; no activity is running. False: it changes nothing. */
bool machine_apply(struct lucius_machine *machine, const struct verdict *verdict);
/* Applies the RESULT that came while the activity was running, if it is one that counts. */
bool machine_apply_early(struct lucius_machine *machine);

/* step_logic_answers.c */
void machine_on_answer(struct lucius_machine *machine, const struct answer *answer);

/* step_logic_adopt.c: takes over what a history has as the payload of the activity that is running.
 * False: a sentence. */
bool machine_adopt(struct lucius_machine *machine, uint64_t number, struct lucius_text payload,
        char *error, size_t error_size);

/* step_logic_signals.c */
void machine_on_signal(struct lucius_machine *machine, const struct lucius_event *event);
void machine_on_cancel(struct lucius_machine *machine);

#endif
