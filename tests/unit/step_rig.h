/* SPDX-License-Identifier: MIT */
/*
 * One machine of the step logic on a bench: events go in by hand, and what it wants done last is
 * kept to be looked at. The job has the steps "ocr" and "embedding" unless a test says otherwise.
 */
#ifndef TESTS_UNIT_STEP_RIG_H
#define TESTS_UNIT_STEP_RIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/step_logic.h"
#include "support/base/cleanup.h"

#define RIG_JOB "0123456789abcdef0123456789abcdef"
/* 2026-03-01T12:00:00Z */
#define RIG_EPOCH_MS UINT64_C(1772366400000)

struct rig {
	struct step_logic logic;
	struct lucius_machine *machine;
	uint64_t now_ms;
	char error[256]; /* why no machine was opened */

	uint64_t activity; /* 0: none is running */
	char name[32]; /* of the activity that was asked for last */
	json_t *payload; /* owned */
	uint64_t give_up_after_ms;
	uint64_t start_to_close_ms;
	uint64_t retry_initial_ms;
	uint64_t retry_max_ms;
	uint64_t timer; /* 0: none is armed */
	uint64_t after_ms;
	unsigned n_leases;
	unsigned n_publishes;
	unsigned n_outcomes;
	uint32_t end; /* LUCIUS_ACTION_COMPLETE, FAIL, CANCEL; 0: it goes on */
	char code[64];
	char sentence[256];
	char result[64];

	char step_id[65]; /* of the attempt that was asked for or published last */
	int attempt_no;
	char lease_id[65];
};

/* The workflow input with a member `options` of that JSON ("null" leaves it out). */
char *rig_input(const char *options);
/* A new machine that has had STARTED. */
struct rig rig_start(void);
struct rig rig_start_with(const char *options);
/* The same, taken up from rows. Job: members of the job row; steps: the two rows, as JSON. */
struct rig rig_restore(const char *job, const char *steps, bool is_bus_durable);
/* Opened only; machine may be NULL. */
struct rig rig_open(const char *input, const char *snapshot);
void rig_finish(struct rig *rig);
#define CLEANUP_RIG CLEANUP(rig_finish)

/* A rig_open has had no STARTED yet. */
void rig_started(struct rig *rig, const char *seed);
/* An answer to the running activity: {"status":"ok"}, or a refusal. */
void rig_ok(struct rig *rig);
void rig_refuse(struct rig *rig, const char *body);
void rig_activity_failed(struct rig *rig);
/* Time goes on until the timer fires. */
void rig_fire(struct rig *rig);
void rig_signal(struct rig *rig, const char *name, const char *argument);
void rig_cancel(struct rig *rig);
/* ACK and RESULT of the newest attempt. More: further members (", \"job_state\": …") or "". */
void rig_ack(struct rig *rig);
void rig_result(struct rig *rig, const char *status, const char *more);
void rig_result_of(struct rig *rig, int attempt_no, const char *lease_id, const char *status,
        const char *more);
/* Lease and publish are answered: the attempt is out. */
void rig_put_out(struct rig *rig);

/* The member of the last payload, dots between names; "null" if it is null, "" if not there. */
const char *rig_member(struct rig *rig, const char *path);

#endif
