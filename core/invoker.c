/* SPDX-License-Identifier: MIT */
/*
 * The chains of attempt and outcome; publish has its own file.
 *
 *   attempt:  ledger (rule_lease) → on_leased ─┬─ job is paused: signal `pause` → on_pause_told →
 * again └─ answer outcome:  ledger (rule_outcome) → on_outcome → release the slot → on_released →
 * answer
 */
#include "core/invoker.h"

#include <stdlib.h>

#include "core/backend.h"
#include "core/invoker_internal.h"
#include "core/job_log.h"
#include "core/loop.h"
#include "support/base/fault.h"
#include "support/base/memory.h"

static void lease(struct invoker_chain *chain);

/* A paused job's workflow is told so once more before it gets its lease, and of this very pause: of
 * an older one it knows that it is over. */
static enum rule change_lease(void *user, struct job *job, const char *now)
{
	struct invoker_chain *chain = user;
	bool is_told = chain->is_pause_told && chain->control_seq == job->control_seq;
	chain->needs_pause = job->state == JOB_PAUSED && !is_told;
	return chain->needs_pause ? RULE_UNCHANGED : rule_lease(job, &chain->lease, now);
}

static void on_pause_told(void *user, uint32_t status, const char *sentence)
{
	struct invoker_chain *chain = user;
	if (status != LUCIUS_OK && status != LUCIUS_NOT_FOUND && !FAULT(pause_not_told)) {
		invoker_fail(chain, status, sentence);
		return;
	}
	chain->is_pause_told = true;
	lease(chain);
}

static void on_leased(void *user, const struct ledger_result *result)
{
	struct invoker_chain *chain = user;
	if (result->status != LUCIUS_OK) {
		invoker_fail(chain, result->status, result->sentence);
	} else if (chain->needs_pause) {
		const struct op_caller caller = { NULL, on_pause_told, chain, 0 };
		chain->control_seq = result->job->control_seq;
		chain->is_pause_told = false;
		signals_control(chain->invoker->parts.signals, result->job, &caller);
	} else if (result->rule == RULE_CHANGED || result->rule == RULE_UNCHANGED) {
		if (result->rule == RULE_CHANGED) {
			job_log_step(LUCIUS_LOG_INFO, "step.initiated", result->job,
			        job_find_step(result->job, chain->lease.step_id), NULL);
		}
		invoker_finish_ok(chain);
	} else {
		invoker_refuse(chain, result->rule, result->job);
	}
}

static void lease(struct invoker_chain *chain)
{
	ledger_update(chain->invoker->parts.ledger, chain->job_id, change_lease, on_leased, chain);
}

static enum rule change_outcome(void *user, struct job *job, const char *now)
{
	struct invoker_chain *chain = user;
	return rule_outcome(job, &chain->outcome, now);
}

/* The slot that could not be freed now is the sweeper's. */
static void on_released(void *user, uint32_t status, const char *sentence)
{
	(void)status;
	(void)sentence;
	invoker_finish_ok(user);
}

static void on_outcome(void *user, const struct ledger_result *result)
{
	struct invoker_chain *chain = user;
	if (result->status != LUCIUS_OK) {
		invoker_fail(chain, result->status, result->sentence);
		return;
	}
	if (result->rule != RULE_CHANGED && result->rule != RULE_UNCHANGED) {
		invoker_refuse(chain, result->rule, result->job);
		return;
	}
	if (result->rule == RULE_CHANGED) {
		job_log_finished(result->job);
	}
	const struct op_caller caller = { NULL, on_released, chain, 0 };
	ledger_release(chain->invoker->parts.ledger, result->job, &caller);
}

static void on_unreadable(void *user)
{
	struct invoker_chain *chain = user;
	invoker_fail(chain, LUCIUS_OK, chain->failure_detail);
}

void invoker_handle(struct invoker *invoker, enum invoker_call call, const char *body, size_t size,
        invoker_done_fn done, void *user)
{
	struct arena arena = { 0 };
	struct invoker_chain *chain = arena_zalloc(&arena, sizeof(*chain));
	chain->arena = arena;
	chain->invoker = invoker;
	chain->call = call;
	chain->done = done;
	chain->user = user;
	invoker->n_open++;
	invoker_read(chain, body, size);
	if (chain->failure != 0) {
		loop_defer(invoker->parts.loop, on_unreadable, chain);
		return;
	}
	switch (call) {
	case INVOKER_ATTEMPT:
		lease(chain);
		break;
	case INVOKER_PUBLISH:
		invoker_publish(chain);
		break;
	case INVOKER_OUTCOME:
		ledger_update(
		        invoker->parts.ledger, chain->job_id, change_outcome, on_outcome, chain);
		break;
	}
}

struct invoker *invoker_create(const struct invoker_parts *parts)
{
	struct invoker *invoker = must_calloc(1, sizeof(*invoker));
	invoker->parts = *parts;
	return invoker;
}

void invoker_destroy(struct invoker *invoker)
{
	free(invoker);
}

size_t invoker_n_open(const struct invoker *invoker)
{
	return invoker->n_open;
}
