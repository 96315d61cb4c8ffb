/* SPDX-License-Identifier: MIT */
/* Log lines about jobs, with the members that SPEC 9 wants on them. */
#ifndef CORE_JOB_LOG_H
#define CORE_JOB_LOG_H

#include <lucius/plugin.h>

#include "core/job.h"

/* Step and sentence may be NULL. */
void job_log_step(uint32_t level, const char *event, const struct job *job, const struct step *step,
        const char *sentence);
/* job.finished, and the count of ended jobs by state. */
void job_log_finished(const struct job *job);

#endif
