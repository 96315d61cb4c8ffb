/* SPDX-License-Identifier: MIT */
/*
 * A pass, one job at a time:
 *
 *   timer → scan a page → on_page → for each job: describe → on_described → act → on_acted → next
 *     ^                                                                                     |
 *     └── repair ← last page ───────────────────────────────────────────────────────────────┘
 *
 * A job is acted upon only if its row is still the one that the scan gave (same revision).
 */
#include "core/sweeper.h"

#include <stdlib.h>
#include <string.h>

#include "core/backend.h"
#include "core/job_log.h"
#include "core/job_rules.h"
#include "core/job_runs.h"
#include "core/ledger.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/rfc3339.h"
#include "core/signals.h"
#include "core/sweeper_rules.h"
#include "support/base/fault.h"
#include "support/base/memory.h"

#define PAGE_SIZE 100u
#define REPAIR_LIMIT 1000u
#define US_PER_MS 1000
#define SECONDS_PER_DAY INT64_C(86400)

struct sweeper {
	struct sweeper_parts parts;
	struct timer *timer; /* of the next pass */
	int64_t period_seconds; /* that it was set with */
	struct job *page[PAGE_SIZE]; /* owned */
	size_t n_page;
	size_t at; /* the job of the page that is looked at */
	char *cursor; /* owned; of the page after this; NULL: this is the last */
	uint32_t run_state;
	struct sweep_decision decision;
	int64_t pass_us; /* when this pass began; 0: none yet */
	int64_t last_pass_us;
	bool is_passing;
	lucius_fn on_stopped;
	void *user;
};

static void next_job(struct sweeper *sweeper);
static void scan(struct sweeper *sweeper);

static struct job *current(struct sweeper *sweeper)
{
	return sweeper->page[sweeper->at];
}

static void drop_page(struct sweeper *sweeper)
{
	for (size_t i = 0; i < sweeper->n_page; i++) {
		job_destroy(steal(sweeper->page[i]));
	}
	sweeper->n_page = 0;
	sweeper->at = 0;
}

static void on_time(void *user)
{
	struct sweeper *sweeper = user;
	sweeper->timer = NULL;
	sweeper->is_passing = true;
	sweeper->last_pass_us = sweeper->pass_us;
	sweeper->pass_us = loop_clock_us(sweeper->parts.loop);
	free(steal(sweeper->cursor));
	scan(sweeper);
}

/* The period with up to a fifth less or more, so that processes do not sweep in step. */
static void wait_for_time(struct sweeper *sweeper)
{
	sweeper->period_seconds = *sweeper->parts.period_seconds;
	uint64_t period_ms = (uint64_t)sweeper->period_seconds * 1000;
	uint64_t random = 0;
	loop_random(sweeper->parts.loop, &random, sizeof(random));
	uint64_t wait_ms = period_ms - period_ms / 5 + random % (period_ms / 5 * 2 + 1);
	sweeper->timer = timer_start(sweeper->parts.loop, wait_ms, on_time, sweeper);
}

void sweeper_reconfigure(struct sweeper *sweeper)
{
	if (sweeper->timer != NULL && sweeper->period_seconds != *sweeper->parts.period_seconds) {
		timer_stop(steal(sweeper->timer));
		wait_for_time(sweeper);
	}
}

static void end_pass(struct sweeper *sweeper)
{
	drop_page(sweeper);
	free(steal(sweeper->cursor));
	sweeper->is_passing = false;
	if (sweeper->on_stopped != NULL) {
		lucius_fn on_stopped = sweeper->on_stopped;
		sweeper->on_stopped = NULL;
		on_stopped(sweeper->user);
	} else {
		wait_for_time(sweeper);
	}
}

static void on_report(void *user, const void *item)
{
	(void)user;
	const struct lucius_repair_report *report = item;
	if (report->n_purged + report->n_orphans + report->n_slots != 0) {
		LOG(LUCIUS_LOG_INFO, "storage.repaired", NULL,
		        LOG_INTEGER("purged", report->n_purged),
		        LOG_INTEGER("orphans", report->n_orphans),
		        LOG_INTEGER("slots", report->n_slots));
	}
}

static void on_repaired(void *user, uint32_t status, const char *sentence)
{
	if (status != LUCIUS_OK && status != LUCIUS_UNSUPPORTED) {
		LOG(LUCIUS_LOG_WARNING, "storage.not_repaired", sentence,
		        LOG_STRING("status", status_name(status)));
	}
	end_pass(user);
}

static void repair(struct sweeper *sweeper)
{
	struct lucius_repair repair = {
		.size = sizeof(repair),
		.limit = REPAIR_LIMIT,
		.now_us = loop_clock_us(sweeper->parts.loop),
		.retention_s = (uint64_t)(*sweeper->parts.retention_days * SECONDS_PER_DAY),
	};
	const struct op_caller caller = { on_report, on_repaired, sweeper, 0 };
	(void)storage_repair(ledger_storage(sweeper->parts.ledger), &repair, &caller);
}

static void on_acted(void *user, uint32_t status, const char *sentence)
{
	struct sweeper *sweeper = user;
	if (status != LUCIUS_OK && status != LUCIUS_NOT_FOUND && status != LUCIUS_DUPLICATE) {
		job_log_step(
		        LUCIUS_LOG_WARNING, "sweep.postponed", current(sweeper), NULL, sentence);
	}
	sweeper->at++;
	next_job(sweeper);
}

static void release(struct sweeper *sweeper, struct job *job)
{
	const struct op_caller caller = { NULL, on_acted, sweeper, 0 };
	ledger_release(sweeper->parts.ledger, job, &caller);
}

static enum rule change_close(void *user, struct job *job, const char *now)
{
	struct sweeper *sweeper = user;
	const struct job *seen = current(sweeper);
	if (job->revision.size != seen->revision.size ||
	        memcmp(job->revision.data, seen->revision.data, seen->revision.size) != 0) {
		if (!FAULT(sweeper_ignores_revision)) {
			return RULE_STALE;
		}
	}
	return rule_close(job, sweeper->decision.state, sweeper->decision.error_code,
	        "the workflow ended without closing the job", now);
}

static void on_closed(void *user, const struct ledger_result *result)
{
	struct sweeper *sweeper = user;
	if (result->status != LUCIUS_OK || result->rule != RULE_CHANGED) {
		on_acted(sweeper, result->status, result->sentence);
		return;
	}
	job_log_finished(result->job);
	release(sweeper, result->job);
}

static void close_job(struct sweeper *sweeper)
{
	ledger_update(sweeper->parts.ledger, value_text(&current(sweeper)->job_id), change_close,
	        on_closed, sweeper);
}

static void on_started(void *user, uint32_t status, const char *sentence)
{
	struct sweeper *sweeper = user;
	if (status == LUCIUS_DENIED || status == LUCIUS_TOO_LARGE) {
		sweeper->decision = (struct sweep_decision){ SWEEP_CLOSE, JOB_FAILED_FINAL,
			"WORKFLOW_START_REFUSED" };
		close_job(sweeper);
		return;
	}
	on_acted(sweeper, status, sentence);
}

static void on_end_told(void *user, uint32_t status, const char *sentence)
{
	struct sweeper *sweeper = user;
	if (status == LUCIUS_OK || status == LUCIUS_NOT_FOUND) {
		release(sweeper, current(sweeper));
	} else {
		on_acted(sweeper, status, sentence);
	}
}

static void on_control_told(void *user, uint32_t status, const char *sentence)
{
	struct sweeper *sweeper = user;
	const struct op_caller acted = { NULL, on_acted, sweeper, 0 };
	if (status == LUCIUS_OK) {
		signals_result(sweeper->parts.signals, current(sweeper), NULL, &acted);
	} else {
		on_acted(sweeper, status, sentence);
	}
}

static void act(struct sweeper *sweeper)
{
	struct job *job = current(sweeper);
	const struct op_caller acted = { NULL, on_acted, sweeper, 0 };
	const struct op_caller started = { NULL, on_started, sweeper, 0 };
	const struct op_caller control_told = { NULL, on_control_told, sweeper, 0 };
	const struct op_caller end_told = { NULL, on_end_told, sweeper, 0 };
	switch (sweeper->decision.action) {
	case SWEEP_LEAVE:
		on_acted(sweeper, LUCIUS_OK, NULL);
		break;
	case SWEEP_START:
		if (FAULT(sweeper_does_not_start)) {
			on_acted(sweeper, LUCIUS_OK, NULL);
			break;
		}
		job_log_step(LUCIUS_LOG_INFO, "sweep.started", job, NULL, NULL);
		job_run_start(sweeper->parts.workflow, job, &started);
		break;
	case SWEEP_TELL_CONTROL:
		signals_control(sweeper->parts.signals, job, &acted);
		break;
	case SWEEP_TELL_RESULT:
		signals_result(sweeper->parts.signals, job, NULL, &acted);
		break;
	case SWEEP_TELL_BOTH:
		signals_control(sweeper->parts.signals, job, &control_told);
		break;
	case SWEEP_TELL_END:
		if (FAULT(sweeper_leaves_slots)) {
			on_acted(sweeper, LUCIUS_OK, NULL);
			break;
		}
		signals_result(sweeper->parts.signals, job, NULL, &end_told);
		break;
	case SWEEP_CLOSE:
		close_job(sweeper);
		break;
	}
}

static void on_run_state(void *user, const void *item)
{
	struct sweeper *sweeper = user;
	sweeper->run_state = ((const struct lucius_run_state *)item)->state;
}

static void on_described(void *user, uint32_t status, const char *sentence)
{
	struct sweeper *sweeper = user;
	const struct job *job = current(sweeper);
	if (status != LUCIUS_OK && status != LUCIUS_NOT_FOUND) {
		on_acted(sweeper, status, sentence);
		return;
	}
	int64_t updated_us = sweeper->pass_us;
	(void)rfc3339_parse(job->updated_at.text, job->updated_at.size, &updated_us);
	int64_t age_at_last = sweeper->last_pass_us == 0 ? -1 : sweeper->last_pass_us - updated_us;
	sweeper->decision = sweep_decide(
	        job, sweeper->run_state, sweep_is_due(sweeper->pass_us - updated_us, age_at_last));
	act(sweeper);
}

static bool is_quiet(const struct sweeper *sweeper, const struct job *job)
{
	int64_t updated_us;
	return rfc3339_parse(value_text(&job->updated_at), job->updated_at.size, &updated_us) &&
	        sweeper->pass_us - updated_us >= SWEEP_QUIET_US;
}

static void next_job(struct sweeper *sweeper)
{
	while (sweeper->at < sweeper->n_page && !is_quiet(sweeper, current(sweeper))) {
		sweeper->at++;
	}
	if (sweeper->on_stopped != NULL) {
		end_pass(sweeper);
	} else if (sweeper->at < sweeper->n_page) {
		sweeper->run_state = 0;
		if (FAULT(sweeper_does_not_ask)) {
			on_described(sweeper, LUCIUS_NOT_FOUND, NULL);
			return;
		}
		const struct op_caller caller = { on_run_state, on_described, sweeper, 0 };
		(void)workflow_describe(
		        sweeper->parts.workflow, value_as_text(&current(sweeper)->job_id), &caller);
	} else if (sweeper->cursor != NULL) {
		scan(sweeper);
	} else {
		repair(sweeper);
	}
}

static void on_found(void *user, const void *item)
{
	struct sweeper *sweeper = user;
	const struct lucius_found *found = item;
	if (found->job != NULL && sweeper->n_page < PAGE_SIZE) {
		sweeper->page[sweeper->n_page++] = job_decode(found->job);
	}
	free(sweeper->cursor);
	sweeper->cursor =
	        found->cursor.size != 0 ? must_copy(found->cursor.data, found->cursor.size) : NULL;
}

static void on_page(void *user, uint32_t status, const char *sentence)
{
	struct sweeper *sweeper = user;
	if (status != LUCIUS_OK) {
		LOG(LUCIUS_LOG_WARNING, "sweep.failed", sentence,
		        LOG_STRING("status", status_name(status)));
		end_pass(sweeper);
		return;
	}
	next_job(sweeper);
}

static void scan(struct sweeper *sweeper)
{
	drop_page(sweeper);
	char *cursor CLEANUP_FREE = steal(sweeper->cursor);
	struct lucius_text from = { cursor, cursor != NULL ? strlen(cursor) : 0 };
	const struct op_caller caller = { on_found, on_page, sweeper, 0 };
	(void)storage_scan(ledger_storage(sweeper->parts.ledger), from, PAGE_SIZE, &caller);
}

struct sweeper *sweeper_create(const struct sweeper_parts *parts)
{
	struct sweeper *sweeper = must_calloc(1, sizeof(*sweeper));
	sweeper->parts = *parts;
	return sweeper;
}

void sweeper_start(struct sweeper *sweeper)
{
	wait_for_time(sweeper);
}

static void on_nothing_to_stop(void *user)
{
	struct sweeper *sweeper = user;
	sweeper->is_passing = false;
	lucius_fn on_stopped = sweeper->on_stopped;
	sweeper->on_stopped = NULL;
	on_stopped(sweeper->user);
}

void sweeper_stop(struct sweeper *sweeper, lucius_fn on_stopped, void *user)
{
	sweeper->on_stopped = on_stopped;
	sweeper->user = user;
	timer_stop(steal(sweeper->timer));
	if (!sweeper->is_passing) {
		loop_defer(sweeper->parts.loop, on_nothing_to_stop, sweeper);
	}
}

void sweeper_destroy(struct sweeper *sweeper)
{
	if (sweeper != NULL) {
		drop_page(sweeper);
		free(sweeper->cursor);
		free(sweeper);
	}
}
