/* SPDX-License-Identifier: MIT */
/* The execution timeout counts from the job's creation and is part of its `options`. */
#include "core/job_runs.h"

#include <string.h>

#include "core/backend.h"
#include "core/job_json.h"
#include "core/json_composed.h"
#include "core/json_slice.h"
#include "core/rfc3339.h"

#define US_PER_MS 1000
#define MS_PER_SECOND 1000

static uint64_t execution_timeout_ms(const struct job *job)
{
	static const char *const name = "execution_timeout_seconds";
	struct json_slice value;
	int64_t seconds = 0;
	(void)json_slice_read(value_text(&job->options), job->options.size, &name, 1, &value);
	(void)json_slice_integer(value, &seconds);
	return seconds > 0 ? (uint64_t)seconds * MS_PER_SECOND : 0;
}

static struct lucius_field attribute(const char *name, const struct value *value)
{
	return (struct lucius_field){
		.name = name,
		.value = value_text(value),
		.value_size = (uint32_t)value->size,
		.type = LUCIUS_FIELD_STRING,
	};
}

static void start(struct backend *workflow, const struct job *job, struct json_writer *input,
        struct json_writer *snapshot, const struct op_caller *caller)
{
	int64_t created_us = 0;
	char summary[512];
	(void)rfc3339_parse(job->created_at.text, job->created_at.size, &created_us);
	size_t summary_size = 0;
	if (job->request_type.size + job->tenant_id.size + sizeof(" for ") <= sizeof(summary)) {
		char *end = stpcpy(summary, value_text(&job->request_type));
		end = stpcpy(stpcpy(end, " for "), value_text(&job->tenant_id));
		summary_size = (size_t)(end - summary);
	}
	struct lucius_text job_id = value_as_text(&job->job_id);
	const struct lucius_field attributes[] = {
		attribute("tenant", &job->tenant_id),
		attribute("request_type", &job->request_type),
	};
	struct lucius_run run = {
		.size = sizeof(run),
		.is_restored = snapshot != NULL,
		.workflow_id = job_id,
		.input = { json_writer_text(input), input->size },
		.request_id = job_id,
		.summary = { summary, summary_size },
		.started_at_ms = created_us / US_PER_MS,
		.execution_timeout_ms = execution_timeout_ms(job),
		.attributes = attributes,
		.n_attributes = sizeof(attributes) / sizeof(attributes[0]),
	};
	if (snapshot != NULL) {
		run.snapshot = (struct lucius_text){ json_writer_text(snapshot), snapshot->size };
	}
	(void)workflow_start(workflow, &run, caller);
}

void job_run_start_new(
        struct backend *workflow, const struct job *job, const struct op_caller *caller)
{
	CLEANUP_JSON_WRITER struct json_writer input = { 0 };
	job_json_workflow_input(&input, job);
	json_composed_keep(json_writer_text(&input), input.size);
	start(workflow, job, &input, NULL, caller);
}

void job_run_start(struct backend *workflow, const struct job *job, const struct op_caller *caller)
{
	CLEANUP_JSON_WRITER struct json_writer input = { 0 };
	job_json_workflow_input(&input, job);
	start(workflow, job, &input, NULL, caller);
}

void job_run_restore(struct backend *workflow, const struct job *job, bool bus_is_durable,
        const struct op_caller *caller)
{
	CLEANUP_JSON_WRITER struct json_writer snapshot = { 0 };
	CLEANUP_JSON_WRITER struct json_writer input = { 0 };
	job_json_snapshot(&snapshot, job, bus_is_durable);
	job_json_workflow_input(&input, job);
	start(workflow, job, &input, &snapshot, caller);
}

size_t job_run_input_size(const struct job *job)
{
	CLEANUP_JSON_WRITER struct json_writer input = { 0 };
	job_json_workflow_input(&input, job);
	return input.size;
}
