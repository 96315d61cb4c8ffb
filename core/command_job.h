/* SPDX-License-Identifier: MIT */
/* The rows of a new job, made from a command (SPEC 3, 5 `options`). */
#ifndef CORE_COMMAND_JOB_H
#define CORE_COMMAND_JOB_H

#include "core/envelope.h"
#include "core/job.h"

struct loop;
struct settings;

/* Owned; with a fresh job id. The command has been resolved. */
struct job *command_job_create(
        const struct command *command, const struct settings *settings, struct loop *loop);

#endif
