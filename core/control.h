/* SPDX-License-Identifier: MIT */
/* Pause, resume and cancel: the ledger first, then the workflow is told (SPEC 5, Control). */
#ifndef CORE_CONTROL_H
#define CORE_CONTROL_H

#include "core/job_rules.h"
#include "core/ledger.h"
#include "core/signals.h"

/* Answers through done as ledger_update does, once the workflow has been told or could not be
 * (then the sweeper tells it). RULE_JOB_UNKNOWN: the job is another tenant's. */
void control_job(struct ledger *ledger, const struct signals *signals, enum control control,
        const char *job_id, const char *tenant_id, ledger_done_fn done, void *user);

#endif
