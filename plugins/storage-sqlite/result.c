/* SPDX-License-Identifier: MIT */
/* Found rows, kept outside of the database. */
#include "result.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database.h"
#include "schema.h"
#include "support/base/memory.h"

void result_finish(struct result *result)
{
	bytes_finish(&result->heap);
	free(result->jobs);
	free(result->parts);
	*result = (struct result){ 0 };
}

struct kept result_keep(struct result *result, struct lucius_text text)
{
	struct kept kept = { result->heap.size, text.size };
	bytes_add(&result->heap, text.data, text.size);
	bytes_add(&result->heap, "", 1);
	return kept;
}

struct lucius_text result_text(const struct result *result, struct kept kept)
{
	return (struct lucius_text){ (const char *)result->heap.start + kept.start, kept.size };
}

void revision_write(char text[REVISION_SIZE], int64_t revision)
{
	(void)snprintf(text, REVISION_SIZE, "%" PRId64, revision);
}

static struct kept_job *add_job(struct result *result)
{
	if (result->n_jobs == result->jobs_capacity) {
		result->jobs_capacity = result->jobs_capacity * 2 + 1;
		result->jobs =
		        must_resize(result->jobs, result->jobs_capacity, sizeof(result->jobs[0]));
	}
	return &result->jobs[result->n_jobs++];
}

static struct kept keep_revision(struct result *result, int64_t revision)
{
	char text[REVISION_SIZE];
	revision_write(text, revision);
	return result_keep(result, (struct lucius_text){ text, strlen(text) });
}

void result_add_head(struct result *result, sqlite3_stmt *statement, bool has_fields)
{
	struct kept_job *job = add_job(result);
	*job = (struct kept_job){
		.job_id = result_keep(result, column_text(statement, HEAD_JOB_ID)),
		.tenant_id = result_keep(result, column_text(statement, HEAD_TENANT_ID)),
		.tenant_bucket = result_keep(result, column_text(statement, HEAD_TENANT_BUCKET)),
		.created_at = result_keep(result, column_text(statement, HEAD_CREATED_AT)),
		.state = result_keep(result, column_text(statement, HEAD_STATE)),
		.serial = column_integer(statement, HEAD_SERIAL),
		.revision = keep_revision(result, column_integer(statement, HEAD_REVISION)),
		.is_terminal = column_integer(statement, HEAD_IS_TERMINAL) != 0,
		.first_step = result->n_parts,
	};
	if (has_fields) {
		job->fields = result_keep(result, column_blob(statement, HEAD_FIELDS));
	}
}

void result_add_new(struct result *result, const struct lucius_job *given)
{
	struct kept_job *job = add_job(result);
	*job = (struct kept_job){
		.job_id = result_keep(result, given->job_id),
		.tenant_id = result_keep(result, given->tenant_id),
		.tenant_bucket = result_keep(result, given->tenant_bucket),
		.created_at = result_keep(result, given->created_at),
		.state = result_keep(result, given->state),
		.revision = keep_revision(result, 1),
		.is_terminal = given->is_terminal != 0,
		.first_step = result->n_parts,
	};
}

void result_change_head(
        struct result *result, struct lucius_text state, bool is_terminal, int64_t revision)
{
	struct kept_job *job = &result->jobs[result->n_jobs - 1];
	job->state = result_keep(result, state);
	job->is_terminal = is_terminal;
	job->revision = keep_revision(result, revision);
}

void result_add_part(struct result *result, uint32_t index, struct lucius_text step_id,
        struct lucius_text fields)
{
	if (result->n_parts == result->parts_capacity) {
		result->parts_capacity = result->parts_capacity * 2 + 4;
		result->parts = must_resize(
		        result->parts, result->parts_capacity, sizeof(result->parts[0]));
	}
	result->parts[result->n_parts++] = (struct kept_part){
		.index = index,
		.step_id = result_keep(result, step_id),
		.fields = result_keep(result, fields),
	};
	if (result->n_jobs != 0) {
		result->jobs[result->n_jobs - 1].n_steps++;
	}
}

bool result_show(const struct result *result, size_t n, struct job_view *view,
        const struct lucius_job **ret_job)
{
	const struct kept_job *job = &result->jobs[n];
	struct lucius_job head = {
		.is_terminal = job->is_terminal,
		.job_id = result_text(result, job->job_id),
		.tenant_id = result_text(result, job->tenant_id),
		.tenant_bucket = result_text(result, job->tenant_bucket),
		.created_at = result_text(result, job->created_at),
		.state = result_text(result, job->state),
		.revision = result_text(result, job->revision),
	};
	if (!job_view_begin(view, &head, result_text(result, job->fields))) {
		return false;
	}
	for (size_t i = 0; i < job->n_steps; i++) {
		const struct kept_part *part = &result->parts[job->first_step + i];
		if (!job_view_add_step(view, part->index, result_text(result, part->step_id),
		            result_text(result, part->fields))) {
			return false;
		}
	}
	*ret_job = job_view_job(view);
	return true;
}
