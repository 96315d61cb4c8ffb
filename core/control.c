/* SPDX-License-Identifier: MIT */
/*
 *   ledger (rule_control) → on_written → signal, also if nothing changed → on_told → done
 */
#include "core/control.h"

#include <stdlib.h>
#include <string.h>

#include "core/job_log.h"
#include "core/log.h"
#include "core/op.h"
#include "support/base/memory.h"

struct control_chain {
	const struct signals *signals;
	enum control control;
	char *tenant_id; /* owned */
	struct job *job; /* owned; what is answered with */
	enum rule rule;
	ledger_done_fn done;
	void *user;
};

static void finish(struct control_chain *chain, const struct ledger_result *result)
{
	chain->done(chain->user, result);
	job_destroy(chain->job);
	free(chain->tenant_id);
	free(chain);
}

static void on_told(void *user, uint32_t status, const char *sentence)
{
	struct control_chain *chain = user;
	if (status != LUCIUS_OK) {
		LOG(LUCIUS_LOG_WARNING, "control.not_told", sentence,
		        LOG_STRING("job_id", value_text(&chain->job->job_id)),
		        LOG_STRING("status", status_name(status)));
	}
	const struct ledger_result result = { LUCIUS_OK, chain->rule, NULL, chain->job };
	finish(chain, &result);
}

/* A repeat that found the state already there tells the workflow once more. */
static bool is_to_be_told(const struct control_chain *chain, const struct job *job)
{
	switch (chain->control) {
	case CONTROL_PAUSE:
		return job->state == JOB_PAUSED;
	case CONTROL_CANCEL:
		return job->state == JOB_CANCELLING;
	case CONTROL_RESUME:
		return !job_state_is_terminal(job->state) && job->control_seq > 0;
	}
	return false;
}

static struct job *job_copy_of(const struct job *job)
{
	CLEANUP_ARENA struct arena arena = { 0 };
	struct lucius_job row = *job_encode_new(job, &arena);
	row.revision = job->revision;
	return job_decode(&row);
}

static void on_written(void *user, const struct ledger_result *result)
{
	struct control_chain *chain = user;
	bool is_done = result->rule == RULE_CHANGED || result->rule == RULE_UNCHANGED;
	if (result->status != LUCIUS_OK || !is_done || !is_to_be_told(chain, result->job)) {
		finish(chain, result);
		return;
	}
	if (result->rule == RULE_CHANGED) {
		job_log_step(LUCIUS_LOG_INFO, "job.control", result->job, NULL, NULL);
	}
	chain->rule = result->rule;
	chain->job = job_copy_of(result->job);
	const struct op_caller caller = { NULL, on_told, chain, 0 };
	signals_control(chain->signals, chain->job, &caller);
}

static enum rule change(void *user, struct job *job, const char *now)
{
	struct control_chain *chain = user;
	if (!value_is(&job->tenant_id, chain->tenant_id)) {
		return RULE_JOB_UNKNOWN;
	}
	return rule_control(job, chain->control, now);
}

void control_job(struct ledger *ledger, const struct signals *signals, enum control control,
        const char *job_id, const char *tenant_id, ledger_done_fn done, void *user)
{
	struct control_chain *chain = must_calloc(1, sizeof(*chain));
	chain->signals = signals;
	chain->control = control;
	chain->tenant_id = must_copy(tenant_id, strlen(tenant_id));
	chain->done = done;
	chain->user = user;
	ledger_update(ledger, job_id, change, on_written, chain);
}
