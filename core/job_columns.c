/* SPDX-License-Identifier: MIT */
/* The two tables, and nothing else. */
#include "core/job_columns.h"

#include "core/field_names.h"
#include "core/job.h"

#define COLUMN(owner, name, kind)                                                     \
	{                                                                             \
		field_names.name, (uint32_t)offsetof(struct owner, name), kind, false \
	}

#define INTERNAL(owner, name, kind)                                                  \
	{                                                                            \
		field_names.name, (uint32_t)offsetof(struct owner, name), kind, true \
	}

static const struct column job_list[] = {
	COLUMN(job, job_id, COLUMN_VALUE),
	COLUMN(job, tenant_id, COLUMN_VALUE),
	COLUMN(job, tenant_bucket, COLUMN_VALUE),
	COLUMN(job, request_type, COLUMN_VALUE),
	COLUMN(job, doc_id, COLUMN_VALUE),
	COLUMN(job, protocol_id, COLUMN_VALUE),
	COLUMN(job, mode, COLUMN_VALUE),
	COLUMN(job, state, COLUMN_JOB_STATE),
	COLUMN(job, idempotency_key, COLUMN_VALUE),
	COLUMN(job, idempotency_hash, COLUMN_VALUE),
	COLUMN(job, current_step_id, COLUMN_VALUE),
	COLUMN(job, current_step_index, COLUMN_INTEGER),
	COLUMN(job, attempts_total, COLUMN_INTEGER),
	COLUMN(job, created_at, COLUMN_VALUE),
	COLUMN(job, updated_at, COLUMN_VALUE),
	COLUMN(job, completed_at, COLUMN_VALUE),
	COLUMN(job, error_code, COLUMN_VALUE),
	COLUMN(job, error_message, COLUMN_VALUE),
	COLUMN(job, correlation_id, COLUMN_VALUE),
	COLUMN(job, traceparent, COLUMN_VALUE),
	COLUMN(job, final_output, COLUMN_VALUE),
	COLUMN(job, options, COLUMN_VALUE),
	COLUMN(job, control_seq, COLUMN_INTEGER),
	INTERNAL(job, event_seq, COLUMN_INTEGER),
	INTERNAL(job, is_answered, COLUMN_INTEGER),
};

static const struct column step_list[] = {
	COLUMN(step, job_id, COLUMN_VALUE),
	COLUMN(step, step_index, COLUMN_INTEGER),
	COLUMN(step, step_id, COLUMN_VALUE),
	COLUMN(step, step_type, COLUMN_VALUE),
	COLUMN(step, service, COLUMN_VALUE),
	COLUMN(step, state, COLUMN_STEP_STATE),
	COLUMN(step, attempt_no, COLUMN_INTEGER),
	COLUMN(step, lease_id, COLUMN_VALUE),
	COLUMN(step, lease_expires_at, COLUMN_VALUE),
	COLUMN(step, attempt_started_at, COLUMN_VALUE),
	COLUMN(step, timer_started_at, COLUMN_VALUE),
	COLUMN(step, input_ref, COLUMN_VALUE),
	COLUMN(step, workspace_ref, COLUMN_VALUE),
	COLUMN(step, output_ref, COLUMN_VALUE),
	COLUMN(step, payload, COLUMN_VALUE),
	COLUMN(step, resolved_mode, COLUMN_VALUE),
	COLUMN(step, lane, COLUMN_INTEGER),
	COLUMN(step, routing_key_used, COLUMN_VALUE),
	COLUMN(step, decision_source, COLUMN_VALUE),
	COLUMN(step, decision_reason, COLUMN_VALUE),
	COLUMN(step, result_ref, COLUMN_VALUE),
	COLUMN(step, last_error_code, COLUMN_VALUE),
	COLUMN(step, last_error_message, COLUMN_VALUE),
	COLUMN(step, created_at, COLUMN_VALUE),
	COLUMN(step, updated_at, COLUMN_VALUE),
	COLUMN(step, completed_at, COLUMN_VALUE),
};

const struct columns job_columns = { job_list, sizeof(job_list) / sizeof(job_list[0]) };
const struct columns step_columns = { step_list, sizeof(step_list) / sizeof(step_list[0]) };
