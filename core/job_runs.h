/* SPDX-License-Identifier: MIT */
/* How a job becomes a run of the workflow engine. */
#ifndef CORE_JOB_RUNS_H
#define CORE_JOB_RUNS_H

#include "core/job.h"
#include "core/op.h"

struct backend;

/* Starts the job's workflow (id = job id, request id from the job id, so that repeats are one).
 * Answers as workflow_start does. */
void job_run_start(struct backend *workflow, const struct job *job, const struct op_caller *caller);
/* The same for a job that has just been made from a command: its values need no check. */
void job_run_start_new(
        struct backend *workflow, const struct job *job, const struct op_caller *caller);
/* Hands a live job to an engine of this process, to be taken up where its rows stand. */
void job_run_restore(struct backend *workflow, const struct job *job, bool bus_is_durable,
        const struct op_caller *caller);
/* Bytes of the workflow input that job_run_start would send. */
size_t job_run_input_size(const struct job *job);

#endif
