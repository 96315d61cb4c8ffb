/* SPDX-License-Identifier: MIT */
/*
 * A job with its steps in memory (SPEC 3): states with their legal transitions, and the way to and
 * from the rows that a storage backend keeps. A job is a working copy: changing it changes nothing
 * until the ledger saves it.
 */
#ifndef CORE_JOB_H
#define CORE_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lucius/storage.h>

#include "core/arena.h"
#include "core/rfc3339.h"

enum job_state {
	JOB_QUEUED,
	JOB_IN_PROGRESS,
	JOB_PAUSED,
	JOB_CANCELLING,
	JOB_SUCCEEDED,
	JOB_FAILED_FINAL,
	JOB_CANCELLED
};
#define JOB_N_STATES 7
enum step_state {
	STEP_PENDING,
	STEP_INITIATED,
	STEP_PROCESSING,
	STEP_SUCCEEDED,
	STEP_FAILED_RETRY,
	STEP_FAILED_FINAL,
	STEP_CANCELLED
};
#define STEP_N_STATES 7

/* "IN_PROGRESS"; static. */
const char *job_state_text(enum job_state state);
const char *step_state_text(enum step_state state);
/* False if no state has this name. */
bool job_state_parse(const char *text, size_t size, enum job_state *ret_state);
bool job_state_is_terminal(enum job_state state);
bool step_state_is_terminal(enum step_state state);
bool job_state_may_become(enum job_state from, enum job_state to);
bool step_state_may_become(enum step_state from, enum step_state to);

/* A value of a row: text of a type LUCIUS_FIELD_…; text NULL is a missing one (null in the API). */
struct value {
	const char *text; /* ends with a NUL; lives in the job's arena or for good */
	uint32_t size;
	uint32_t type;
};

#define JOB_NO_INTEGER (-1) /* an integer that is missing */

struct step {
	struct value job_id, step_id, step_type, service, lease_id, lease_expires_at;
	struct value attempt_started_at, timer_started_at, input_ref, workspace_ref, output_ref;
	struct value payload, resolved_mode, routing_key_used, decision_source, decision_reason;
	struct value result_ref, last_error_code, last_error_message;
	struct value created_at, updated_at, completed_at;
	int64_t step_index, attempt_no, lane;
	enum step_state state;
};

struct job_event {
	const char *event; /* static */
	const char *detail; /* in the arena; may be NULL */
	const struct step *step; /* may be NULL */
	int64_t attempt_no; /* of the step, as it was then */
	const char *state; /* static: of the step if there is one, else of the job */
};
#define JOB_MAX_NEW_EVENTS 8
#define JOB_MAX_EVENTS_OF_A_CHANGE 2

struct job {
	struct arena arena;
	uint32_t n_owners;
	struct value job_id, tenant_id, tenant_bucket, request_type, doc_id, protocol_id, mode;
	struct value idempotency_key, idempotency_hash, current_step_id;
	struct value created_at, updated_at, completed_at, error_code, error_message;
	struct value correlation_id, traceparent, final_output, options;
	int64_t current_step_index, attempts_total, control_seq;
	int64_t event_seq; /* of the last event; internal */
	int64_t is_answered; /* 1 once a step has had an ACK or RESULT; internal */
	enum job_state state;
	uint32_t n_new_events;
	struct job_event new_events[JOB_MAX_NEW_EVENTS];
	struct lucius_text revision;
	struct step *steps; /* in the arena, by step_index */
	size_t n_steps;
	const struct lucius_field *foreign; /* the backend's own fields of the job's row */
	uint64_t n_foreign;
	/* What the backend holds, to tell what has changed: values by their place in the arena. */
	const struct job *saved; /* in the arena */
	const struct step *saved_steps;
	uint32_t n_changes; /* saves since it was loaded */
};

/* An empty job. Owned. */
struct job *job_create(void);
/* A copy of what a backend gave. Owned; never NULL: fields that are not known are left out. */
struct job *job_decode(const struct lucius_job *row);
/* The same job, with one owner more. */
struct job *job_share(struct job *job);
/* It has one owner less; the last one ends it. Takes NULL. */
void job_destroy(struct job *job);
CLEANUP_DEFINE(struct job *, job, job_destroy)

/* Each row lives in that arena, and so do its texts, but for those of job_encode_loaded, which are
 * the job's. */
/* Of a new job, with all steps. */
const struct lucius_job *job_encode_new(const struct job *job, struct arena *arena);
/* Of a changed one: the fields of job and steps that changed, and the new events. A value that is
 * missing now is an empty field, so that the backend removes it. */
const struct lucius_job *job_encode_change(const struct job *job, struct arena *arena);
/* It is in the backend as it stands now, with this revision. */
void job_mark_saved(struct job *job, struct lucius_text revision);
/* How the job stands now: a copy in that arena which shares the job's texts. It is only read, and
 * neither shared nor destroyed. */
struct job *job_freeze(const struct job *job, struct arena *arena);
/* The job stands again as it did then. */
void job_thaw(struct job *job, const struct job *frozen);
/* Whether what has happened since the last save may be one: each state may become what it is. */
bool job_may_be_saved(const struct job *job);
/* For the events of one more change. */
bool job_has_room(const struct job *job);
/* The job's row as the backend gave it, its own fields too, without steps. */
const struct lucius_job *job_encode_loaded(const struct job *job, struct arena *arena);

/* NULL if there is none. */
struct step *job_find_step(const struct job *job, const char *step_id);
/* The step that is INITIATED, PROCESSING or FAILED_RETRY; NULL if there is none. */
struct step *job_step_under_way(const struct job *job);
bool job_all_succeeded(const struct job *job);

/* Setters for the arena; a NULL text makes a missing value. */
void job_set(struct job *job, struct value *value, const char *text);
void job_set_sized(
        struct job *job, struct value *value, const char *text, size_t size, uint32_t type);
void value_clear(struct value *value);
bool value_is(const struct value *value, const char *text);
/* The text, or "" if it is missing. */
const char *value_text(const struct value *value);
struct lucius_text value_as_text(const struct value *value);

/* Change a state (an illegal transition is a bug and aborts), and with it updated_at. */
void job_become(struct job *job, enum job_state state, const char *now);
void step_become(struct job *job, struct step *step, enum step_state state, const char *now);
/* Appends to the history that the next save writes. Detail is copied, may be NULL. */
void job_add_event(struct job *job, const char *event, const struct step *step, const char *detail);

#endif
