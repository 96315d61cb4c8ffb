/* SPDX-License-Identifier: MIT */
/* Jobs, steps and events as the API shows them (SPEC 2, 3). */
#ifndef CORE_JOB_JSON_H
#define CORE_JOB_JSON_H

#include <lucius/storage.h>

#include "core/job.h"
#include "core/json_writer.h"

/* Each writes one JSON value. */
void job_json_value(struct json_writer *writer, const struct value *value);
void job_json_job(struct json_writer *writer, const struct job *job);
void job_json_step(struct json_writer *writer, const struct step *step);
void job_json_steps(struct json_writer *writer, const struct job *job);
/* {"job": …, "steps": […]}; also what a machine is restored from, with bus_is_durable then. */
void job_json_whole(struct json_writer *writer, const struct job *job);
void job_json_snapshot(struct json_writer *writer, const struct job *job, bool bus_is_durable);
/* An event row as the backend gave it. */
void job_json_event(struct json_writer *writer, const struct lucius_job_event *event);

/* The input of the job's workflow (SPEC 5). Made from the rows, so that a repeat gives the same. */
void job_json_workflow_input(struct json_writer *writer, const struct job *job);

#endif
