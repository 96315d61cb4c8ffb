/* SPDX-License-Identifier: MIT */
/*
 * A workflow engine: drives a definition that the core hands it, durable as far as the engine is,
 * and knows nothing of jobs or steps.
 */
#ifndef LUCIUS_WORKFLOW_H
#define LUCIUS_WORKFLOW_H

#include <lucius/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lucius_machine; /* one run of the definition; the core's, opaque */

/* What happens to a machine. */
#define LUCIUS_EVENT_STARTED 1 /* the first one; payload: a seed text for made-up ids */
#define LUCIUS_EVENT_ACTIVITY_DONE 2 /* number; payload: what run gave */
#define LUCIUS_EVENT_ACTIVITY_FAILED 3 /* number; payload: the sentence; it is not tried again */
#define LUCIUS_EVENT_SIGNAL 4 /* name; payload: its one argument */
#define LUCIUS_EVENT_TIMER_FIRED 5 /* number */
#define LUCIUS_EVENT_CANCEL_ASKED 6
struct lucius_event {
	uint32_t size;
	uint32_t type;
	uint64_t number; /* of the action that it answers; 0: none */
	uint64_t time_ms; /* Unix time at which the engine recorded it: the machine's only clock */
	struct lucius_text name;
	struct lucius_text payload; /* JSON unless the event says otherwise */
};

/* What a machine wants done. COMPLETE, FAIL and CANCEL end it: nothing is fed afterwards. */
#define LUCIUS_ACTION_RUN_ACTIVITY 1 /* number, name, payload, the four times below */
#define LUCIUS_ACTION_START_TIMER 2 /* number, after_ms */
#define LUCIUS_ACTION_CANCEL_TIMER 3 /* number of the timer; harmless if it has fired */
#define LUCIUS_ACTION_COMPLETE 4 /* payload: the result */
#define LUCIUS_ACTION_FAIL 5 /* name: the error code; payload: a sentence as plain text */
#define LUCIUS_ACTION_CANCEL 6 /* ends as cancelled */
struct lucius_action {
	uint32_t size;
	uint32_t type;
	uint64_t number; /* counted by the machine from 1, over activities and timers alike */
	uint64_t after_ms;
	uint64_t start_to_close_ms; /* bound of one try of an activity */
	uint64_t retry_initial_ms; /* wait before the second try; doubles */
	uint64_t retry_max_ms;
	uint64_t give_up_after_ms; /* since the action: then ACTIVITY_FAILED; 0: never */
	struct lucius_text name;
	struct lucius_text payload; /* JSON */
	struct lucius_text summary; /* of an activity or timer: a line for people; may be empty */
};
typedef void (*lucius_action_fn)(void *user, const struct lucius_action *action);
typedef void (*lucius_text_fn)(void *user, struct lucius_text text);

struct lucius_run {
	uint32_t size;
	uint32_t is_restored; /* snapshot is set: take the run up where it stands */
	struct lucius_text workflow_id; /* the job id */
	struct lucius_text input; /* JSON */
	struct lucius_text snapshot; /* JSON, the definition's own; empty: a new run */
	struct lucius_text request_id; /* the same over repeats of one start */
	struct lucius_text summary; /* one line for people; may be empty */
	int64_t started_at_ms; /* Unix time the execution timeout counts from */
	uint64_t execution_timeout_ms; /* 0: none */
	/* What to find the run by, where the engine can: `tenant`, `request_type`. */
	const struct lucius_field *attributes;
	uint64_t n_attributes;
};

/* The step logic, as the core hands it to `work`. Pure, but for `run`. */
struct lucius_definition {
	uint64_t size;
	/* A machine for a run. NULL: this version cannot run it, with a sentence into error; then
	 * the task has failed, not the workflow. */
	struct lucius_machine *(*open)(const struct lucius_definition *definition,
	        const struct lucius_run *run, char *error, size_t error_size);
	/* Calls on_action for each action before it returns; has no other effect. */
	void (*feed)(struct lucius_machine *machine, const struct lucius_event *event,
	        lucius_action_fn on_action, void *user);
	void (*close)(struct lucius_machine *machine);
	/* Where the run stands, for people, as JSON text. */
	void (*inspect)(const struct lucius_machine *machine, lucius_text_fn on_text, void *user);
	/*
	 * Runs an activity once. Op is the engine's own (`open` with LUCIUS_OP_DEFINITION_RUN,
	 * asked NULL, timeout start_to_close_ms). Payload is copied. OK: gives a lucius_text, the
	 * result. UNAVAILABLE, UNKNOWN: to be tried again. Anything else: failed for good.
	 */
	void (*run)(const struct lucius_definition *definition, struct lucius_text name,
	        struct lucius_text payload, struct lucius_op op);
	/*
	 * For engines that replay: the history has another payload for that activity, the newest,
	 * than the machine made, as where another worker has made its own ids. The machine goes on
	 * with what is recorded. 0: it cannot be its own activity, with a sentence into error.
	 */
	uint32_t (*adopt)(struct lucius_machine *machine, uint64_t number,
	        struct lucius_text payload, char *error, size_t error_size);
};

struct lucius_signal {
	uint64_t size;
	struct lucius_text workflow_id;
	struct lucius_text name;
	struct lucius_text argument; /* JSON: exactly one argument */
	struct lucius_text request_id; /* a repeat with the same one is a no-op */
};

#define LUCIUS_RUN_RUNNING 1
#define LUCIUS_RUN_COMPLETED 2
#define LUCIUS_RUN_FAILED 3
#define LUCIUS_RUN_CANCELLED 4
#define LUCIUS_RUN_TIMED_OUT 5
#define LUCIUS_RUN_TERMINATED 6
struct lucius_run_state {
	uint32_t size;
	uint32_t state;
};

/* The engine lives in this process alone: the core owns its name in the storage while it works,
 * and after a start hands it each live job with a snapshot. */
#define LUCIUS_WORKFLOW_IN_PROCESS 1u
struct lucius_workflow_info {
	uint32_t size;
	uint32_t traits;
	uint64_t max_input_size; /* bytes of the input; 0: no limit */
};

/* UNAVAILABLE, UNKNOWN, DENIED, UNSUPPORTED and INTERNAL may come from each operation. */
struct lucius_workflow {
	uint64_t size;
	/* Fills what it knows of info, whose size the caller has set. No I/O. */
	void (*info)(void *self, struct lucius_workflow_info *info);
	/* OK. DUPLICATE: a run of that id exists or has existed. TOO_LARGE. DENIED: never. */
	void (*start)(void *self, const struct lucius_run *run, struct lucius_op op);
	/* OK: the run will see it. NOT_FOUND: no such run, or it has ended. */
	void (*signal)(void *self, const struct lucius_signal *signal, struct lucius_op op);
	/* OK: the run will see CANCEL_ASKED. NOT_FOUND. A repeat is a no-op. */
	void (*cancel)(void *self, struct lucius_text workflow_id, struct lucius_text request_id,
	        struct lucius_op op);
	/* OK: gives a lucius_run_state. NOT_FOUND: no such run is known (any more). */
	void (*describe)(void *self, struct lucius_text workflow_id, struct lucius_op op);
	/* Runs the definition until stop or cancel. A stream without items or deadline. The
	 * definition stays good until destroy. */
	void (*work)(void *self, const struct lucius_definition *definition, struct lucius_op op);
};

#ifdef __cplusplus
}
#endif
#endif
