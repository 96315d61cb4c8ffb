/* SPDX-License-Identifier: MIT */
/*
 * What may happen to a job, as pure functions on its working copy (SPEC 3 to 5): an attempt gets
 * its lease, a reply comes, an outcome is recorded, somebody pauses, resumes or cancels, the
 * sweeper closes. Each says what became of it; only RULE_CHANGED is worth a save.
 */
#ifndef CORE_JOB_RULES_H
#define CORE_JOB_RULES_H

#include "core/job.h"

enum rule {
	RULE_CHANGED,
	RULE_UNCHANGED, /* a repeat: success without effect */
	/* Refusals of the internal API, in the order in which they are looked at. */
	RULE_JOB_UNKNOWN, /* no such job, or another tenant's */
	RULE_STEP_UNKNOWN, /* the protocol has no such step */
	RULE_JOB_CLOSED,
	RULE_STEP_TERMINAL,
	RULE_JOB_CANCELLING,
	RULE_SUPERSEDED,
	RULE_OUT_OF_ORDER, /* another step is under way, or an earlier one has not succeeded */
	RULE_LEASE_OVER, /* it ends before it is recorded */
	RULE_NOT_SUCCEEDED, /* outcome SUCCEEDED while a step has not */
	/* Replies that change nothing. */
	RULE_STALE, /* not the current attempt, or the step is terminal */
	RULE_DUPLICATE, /* the ledger holds the answer to this very lease already */
	RULE_INVALID, /* makes no sense: no such step, another tenant */
};

/* Texts are borrowed for the call. Now: RFC 3339 text of the present. */

struct lease_request {
	const char *tenant_id; /* NULL: not compared */
	const char *step_id;
	int64_t attempt_no;
	const char *lease_id;
	const char *lease_expires_at;
};
/* Whoever asks with a lease that is over has stood still: its workflow has gone on without it. */
enum rule rule_lease(struct job *job, const struct lease_request *request, const char *now);

/* May this attempt be published? RULE_CHANGED: yes; RULE_UNCHANGED: done with already. */
enum rule rule_publish(const struct job *job, const struct lease_request *request);
/* It has been published: the step's timer counts from now. */
enum rule rule_published(struct job *job, const struct lease_request *request, const char *now);

struct outcome_request {
	const char *tenant_id; /* NULL: not compared */
	const char *step_id; /* may be NULL */
	enum job_state state; /* a terminal one */
	const char *error_code; /* may be NULL */
	const char *error_message; /* may be NULL */
};
enum rule rule_outcome(struct job *job, const struct outcome_request *request, const char *now);

enum reply_kind { REPLY_ACK, REPLY_SUCCEEDED, REPLY_FAILED_RETRY, REPLY_FAILED_FINAL };
struct reply_facts {
	enum reply_kind kind;
	const char *tenant_id; /* NULL: not compared */
	const char *step_id;
	int64_t attempt_no;
	const char *lease_id;
	const char *error_code; /* may be NULL */
	const char *error_message; /* may be NULL */
	struct value output_ref; /* missing: the step's */
};
enum rule rule_reply(struct job *job, const struct reply_facts *reply, const char *now);

/* Bytes of a result_ref at most; a longer one fails the step, RESULT_TOO_LARGE. */
#define RULE_RESULT_REF_MAX 16384u

enum control { CONTROL_PAUSE, CONTROL_RESUME, CONTROL_CANCEL };
/* RULE_UNCHANGED: nothing to do. RULE_JOB_CANCELLING: pause or resume of a CANCELLING job. */
enum rule rule_control(struct job *job, enum control control, const char *now);

/* Closes a live job from outside of its workflow. A CANCELLING one becomes CANCELLED whatever
 * is asked. */
enum rule rule_close(struct job *job, enum job_state state, const char *error_code,
        const char *error_message, const char *now);

#endif
