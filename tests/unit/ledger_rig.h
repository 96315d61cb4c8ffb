/* SPDX-License-Identifier: MIT */
/*
 * A ledger and one job of the steps "ocr" and "embedding", over a storage that the test answers
 * for: updates go in by rule, and what each was told is kept to be looked at.
 */
#ifndef TESTS_UNIT_LEDGER_RIG_H
#define TESTS_UNIT_LEDGER_RIG_H

#include <stddef.h>
#include <stdint.h>

#include "core/job_rules.h"
#include "core/ledger.h"

#define LINE_JOB "0123456789abcdef0123456789abcdef"

enum { LINE_N_CALLS = 16 };

typedef enum rule line_rule(struct job *job, const char *now);

/* One update and what it was told. */
struct line_call {
	line_rule *rule;
	unsigned n_tried;
	unsigned n_done;
	unsigned place; /* in the order of the answers, from 1 */
	uint32_t status;
	enum rule said;
	enum job_state job_state;
	enum step_state step_state;
	int64_t control_seq;
	char revision[16];
};

struct ledger_rig {
	struct ledger *ledger; /* owned, from line_begin to line_end */
	struct line_call calls[LINE_N_CALLS];
	unsigned n_calls;
	unsigned n_answered;
	char seen_revision[16]; /* by play_look_at_revision */
};
extern struct ledger_rig line;

/* Each plays one rule on the job: of the step "ocr" and its attempt 1, lease "a", or (_2) attempt
 * 2, lease "b". */
line_rule play_lease_1, play_lease_2, play_published, play_ack, play_ack_2, play_success,
        play_retry;
line_rule play_pause, play_resume, play_cancel, play_look_at_revision;
/* A job that has its first lease, for line_loaded. */
extern line_rule *const line_leased[];

/* Traits: LUCIUS_STORAGE_... of the storage. */
void line_begin(uint32_t traits);
/* Checks that each update was answered once and that nothing more is asked. */
void line_end(void);

/* The next of line.calls, for that rule; ledger_update takes it with line_change and line_on_done.
 */
struct line_call *line_next_call(line_rule *rule);
enum rule line_change(void *user, struct job *job, const char *now);
void line_on_done(void *user, const struct ledger_result *result);
struct line_call *line_update(line_rule *rule);
struct line_call *line_update_patiently(line_rule *rule);

/* Answer what the storage was asked last: a load, by the job as those rules leave it; a save;
 * either, by a failure. */
void line_loaded(line_rule *const *rules, size_t n_rules, const char *revision);
void line_saved(const char *revision);
void line_refused(uint32_t status);

/* Of the save under way; NULL: it has no such field. Borrowed. */
const char *line_job_field(const char *name);
const char *line_step_field(const char *name);
const char *line_event_field(size_t number, const char *name);

#endif
