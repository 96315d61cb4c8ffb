/* SPDX-License-Identifier: MIT */
/* What the workflow of a job is told, always out of what the ledger holds (SPEC 4, 5). */
#ifndef CORE_SIGNALS_H
#define CORE_SIGNALS_H

#include "core/job.h"
#include "core/op.h"

struct backend;
struct loop;

struct signals {
	struct loop *loop;
	struct backend *workflow;
};

/*
 * Each sends one signal with a request id of its own (so a repeat is seen again) and answers as
 * workflow_signal does: OK, NOT_FOUND (no such run, or it has ended), or a failure.
 */
void signals_ack(const struct signals *signals, const struct job *job, const struct step *step,
        const struct op_caller *caller);
/* With `job_state` if the job is closed. Step NULL: the job's current or first one. */
void signals_result(const struct signals *signals, const struct job *job, const struct step *step,
        const struct op_caller *caller);
/* What the job's state asks for: pause, cancel, or resume, with its control_seq. */
void signals_control(
        const struct signals *signals, const struct job *job, const struct op_caller *caller);

#endif
