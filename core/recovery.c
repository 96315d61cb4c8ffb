/* SPDX-License-Identifier: MIT */
/*
 *   own → on_owned → scan a page → on_found: restore or release each job (side by side)
 *                      ^                    → on_page and all answered → next page, or done
 */
#include "core/recovery.h"

#include <stdlib.h>
#include <string.h>

#include "core/backend.h"
#include "core/job_log.h"
#include "core/job_runs.h"
#include "core/ledger.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/random_id.h"
#include "support/base/fault.h"
#include "support/base/memory.h"

#define PAGE_SIZE 500u
#define AGAIN_MS 1000u

struct recovery {
	struct recovery_parts parts;
	char owner[RANDOM_ID_SIZE];
	struct lucius_op ownership; /* id 0: none */
	struct timer *again;
	char *cursor; /* owned; NULL: from the start, or no page after this */
	size_t n_waiting; /* answers of this page, and the page itself */
	size_t n_restored;
	bool is_owned;
	bool has_more;
	bool has_failed; /* something of this page: it is read again */
};

static void own(struct recovery *recovery);
static void scan(struct recovery *recovery);

static void on_scan_again(void *user)
{
	struct recovery *recovery = user;
	recovery->again = NULL;
	free(steal(recovery->cursor));
	scan(recovery);
}

static void page_part_done(struct recovery *recovery)
{
	if (--recovery->n_waiting != 0 || !recovery->is_owned) {
		return;
	}
	if (recovery->has_failed) {
		recovery->again =
		        timer_start(recovery->parts.loop, AGAIN_MS, on_scan_again, recovery);
	} else if (recovery->has_more) {
		scan(recovery);
	} else {
		LOG(LUCIUS_LOG_INFO, "recovery.done", NULL,
		        LOG_INTEGER("jobs", (int64_t)recovery->n_restored));
		recovery->parts.on_recovered(recovery->parts.user);
	}
}

static void on_restored(void *user, uint32_t status, const char *sentence)
{
	struct recovery *recovery = user;
	if (status == LUCIUS_OK) {
		recovery->n_restored++;
	} else if (status != LUCIUS_DUPLICATE) {
		LOG(LUCIUS_LOG_ERROR, "recovery.job_failed", sentence,
		        LOG_STRING("status", status_name(status)));
		recovery->has_failed = recovery->has_failed || status == LUCIUS_UNAVAILABLE ||
		        status == LUCIUS_UNKNOWN;
	}
	page_part_done(recovery);
}

/* A slot that stays is the sweeper's. */
static void on_released(void *user, uint32_t status, const char *sentence)
{
	(void)status;
	(void)sentence;
	page_part_done(user);
}

static void take(struct recovery *recovery, struct job *job)
{
	recovery->n_waiting++;
	if (job_state_is_terminal(job->state)) {
		/* Nobody is left who would have to be told of its end. */
		const struct op_caller caller = { NULL, on_released, recovery, 0 };
		ledger_release(recovery->parts.ledger, job, &caller);
		return;
	}
	if (FAULT(recovery_restores_nothing)) {
		page_part_done(recovery);
		return;
	}
	const struct op_caller caller = { NULL, on_restored, recovery, 0 };
	job_run_restore(recovery->parts.workflow, job, recovery->parts.bus_is_durable, &caller);
}

static void on_found(void *user, const void *item)
{
	struct recovery *recovery = user;
	const struct lucius_found *found = item;
	if (found->job != NULL) {
		CLEANUP(cleanup_job) struct job *job = job_decode(found->job);
		take(recovery, job);
	}
	free(recovery->cursor);
	recovery->has_more = found->cursor.size != 0;
	recovery->cursor =
	        recovery->has_more ? must_copy(found->cursor.data, found->cursor.size) : NULL;
}

static void on_page(void *user, uint32_t status, const char *sentence)
{
	struct recovery *recovery = user;
	if (status != LUCIUS_OK) {
		LOG(LUCIUS_LOG_ERROR, "recovery.scan_failed", sentence,
		        LOG_STRING("status", status_name(status)));
		recovery->has_failed = true;
	}
	page_part_done(recovery);
}

static void scan(struct recovery *recovery)
{
	char *cursor CLEANUP_FREE = steal(recovery->cursor);
	struct lucius_text from = { cursor, cursor != NULL ? strlen(cursor) : 0 };
	const struct op_caller caller = { on_found, on_page, recovery, 0 };
	recovery->n_waiting = 1;
	recovery->has_failed = false;
	recovery->has_more = false;
	(void)storage_scan(ledger_storage(recovery->parts.ledger), from, PAGE_SIZE, &caller);
}

static void on_owned(void *user, const void *item)
{
	struct recovery *recovery = user;
	(void)item;
	if (!recovery->is_owned) {
		recovery->is_owned = true;
		scan(recovery);
	}
}

static void on_own_again(void *user)
{
	struct recovery *recovery = user;
	recovery->again = NULL;
	own(recovery);
}

static void on_ownership_ended(void *user, uint32_t status, const char *sentence)
{
	struct recovery *recovery = user;
	recovery->ownership.id = 0;
	LOG(LUCIUS_LOG_WARNING, "recovery.not_owned", sentence,
	        LOG_STRING("status", status_name(status)));
	if (recovery->is_owned) {
		recovery->is_owned = false;
		recovery->parts.on_lost(recovery->parts.user);
		return;
	}
	recovery->again = timer_start(recovery->parts.loop, AGAIN_MS, on_own_again, recovery);
}

static void own(struct recovery *recovery)
{
	static const char name[] = "workflow-local";
	struct lucius_ownership ownership = {
		.size = sizeof(ownership),
		.lease_ms = recovery->parts.lease_ms,
		.name = { name, sizeof(name) - 1 },
		.owner = { recovery->owner, RANDOM_ID_SIZE - 1 },
	};
	const struct op_caller caller = { on_owned, on_ownership_ended, recovery, OP_NO_DEADLINE };
	recovery->ownership =
	        storage_own(ledger_storage(recovery->parts.ledger), &ownership, &caller);
}

struct recovery *recovery_create(const struct recovery_parts *parts)
{
	struct recovery *recovery = must_calloc(1, sizeof(*recovery));
	recovery->parts = *parts;
	random_id(parts->loop, recovery->owner);
	return recovery;
}

void recovery_start(struct recovery *recovery)
{
	if (FAULT(recovery_does_not_own)) {
		on_owned(recovery, NULL);
		return;
	}
	own(recovery);
}

bool recovery_has_name(const struct recovery *recovery)
{
	return recovery->is_owned;
}

void recovery_stop(struct recovery *recovery)
{
	timer_stop(steal(recovery->again));
	if (recovery->ownership.id != 0) {
		op_forget(recovery->ownership);
		recovery->ownership.id = 0;
	}
	recovery->is_owned = false;
}

void recovery_destroy(struct recovery *recovery)
{
	if (recovery != NULL) {
		free(recovery->cursor);
		free(recovery);
	}
}
