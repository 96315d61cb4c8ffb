/* SPDX-License-Identifier: MIT */
/* What a job runs with is decided here once and kept on its row. */
#include "core/command_job.h"

#include <stdlib.h>
#include <string.h>

#include "core/json_kind.h"
#include "core/json_writer.h"
#include "core/loop.h"
#include "core/random_id.h"
#include "core/rfc3339.h"
#include "core/settings.h"
#include "core/step_logic.h"
#include "support/base/memory.h"

#define SECONDS_PER_MINUTE 60
/* What a workflow gets when neither option nor protocol ask for more. */
#define LEAST_EXECUTION_SECONDS INT64_C(3600)
/* Publishing and recording of an attempt, generously. */
#define ATTEMPT_OVERHEAD_SECONDS 120

/* What the options of a job say beside the numbers of single steps. */
struct option_numbers {
	int64_t max_attempts;
	int64_t step_result_timeout_seconds;
	int64_t lease_seconds;
	int64_t retry_initial_seconds;
	int64_t retry_max_seconds;
	int64_t execution_timeout_seconds;
};

static void set_json(struct job *job, struct value *value, const json_t *json)
{
	if (json == NULL || json_kind_is(json, JSON_NULL)) {
		return;
	}
	if (json_kind_is(json, JSON_STRING)) {
		job_set_sized(job, value, json_string_value(json), json_string_length(json),
		        LUCIUS_FIELD_STRING);
		return;
	}
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	json_writer_json(&writer, json);
	job_set_sized(job, value, json_writer_text(&writer), writer.size, LUCIUS_FIELD_JSON);
}

static int64_t backoff_seconds(const struct settings *settings, int64_t n_attempts)
{
	int64_t total = 0;
	int64_t wait = settings->retry_initial_seconds;
	for (int64_t i = 1; i < n_attempts; i++) {
		total += wait;
		wait = wait * 2 > settings->retry_max_seconds ? settings->retry_max_seconds
		                                              : wait * 2;
	}
	return total;
}

/* How long the protocol can take at the very most: each attempt timed out after its ACK. */
static int64_t worst_case_seconds(const struct command *command, const struct settings *settings)
{
	int64_t total = 0;
	for (size_t i = 0; i < command->protocol->n_steps; i++) {
		const struct timeout_overrides *overrides = &command->protocol->steps[i].overrides;
		int64_t n_attempts = overrides->max_attempts != 0 ? overrides->max_attempts
		                                                  : settings->max_attempts;
		int64_t timeout = overrides->step_result_timeout_seconds != 0
		        ? overrides->step_result_timeout_seconds
		        : settings->step_result_timeout_seconds;
		total += n_attempts * (2 * timeout + ATTEMPT_OVERHEAD_SECONDS) +
		        backoff_seconds(settings, n_attempts);
	}
	return total;
}

static int64_t execution_seconds(const struct command *command, const struct settings *settings)
{
	if (settings->temporal_workflow_execution_timeout >= 0) {
		return settings->temporal_workflow_execution_timeout;
	}
	int64_t worst = worst_case_seconds(command, settings);
	return worst > LEAST_EXECUTION_SECONDS ? worst : LEAST_EXECUTION_SECONDS;
}

static void override_member(struct json_writer *writer, const char *name, uint32_t value)
{
	if (value != 0) {
		json_writer_int_member(writer, name, value);
	}
}

static bool has_overrides(const struct timeout_overrides *overrides)
{
	return overrides->step_result_timeout_seconds != 0 || overrides->lease_minutes != 0 ||
	        overrides->max_attempts != 0;
}

static bool has_any_overrides(const struct protocol *protocol)
{
	bool is_found = false;
	for (size_t i = 0; i < protocol->n_steps && !is_found; i++) {
		is_found = has_overrides(&protocol->steps[i].overrides);
	}
	return is_found;
}

static void write_overrides(struct json_writer *writer, const struct protocol *protocol)
{
	json_writer_name(writer, "steps");
	json_writer_begin_object(writer);
	for (size_t i = 0; i < protocol->n_steps; i++) {
		const struct timeout_overrides *overrides = &protocol->steps[i].overrides;
		if (!has_overrides(overrides)) {
			continue;
		}
		json_writer_name(writer, protocol->steps[i].step_id);
		json_writer_begin_object(writer);
		override_member(writer, "step_result_timeout_seconds",
		        overrides->step_result_timeout_seconds);
		override_member(writer, "lease_minutes", overrides->lease_minutes);
		override_member(writer, "max_attempts", overrides->max_attempts);
		json_writer_end_object(writer);
	}
	json_writer_end_object(writer);
}

/* `overriding` is NULL where no step has numbers of its own. */
static void write_options(struct json_writer *writer, const struct option_numbers *numbers,
        const struct protocol *overriding)
{
	json_writer_begin_object(writer);
	json_writer_int_member(writer, "definition", STEP_LOGIC_VERSION);
	json_writer_int_member(writer, "max_attempts", numbers->max_attempts);
	json_writer_int_member(
	        writer, "step_result_timeout_seconds", numbers->step_result_timeout_seconds);
	json_writer_int_member(writer, "lease_seconds", numbers->lease_seconds);
	json_writer_int_member(writer, "retry_initial_seconds", numbers->retry_initial_seconds);
	json_writer_int_member(writer, "retry_max_seconds", numbers->retry_max_seconds);
	json_writer_int_member(
	        writer, "execution_timeout_seconds", numbers->execution_timeout_seconds);
	if (overriding != NULL) {
		write_overrides(writer, overriding);
	}
	json_writer_end_object(writer);
}

/* The text is the same for nearly all jobs of a process, so the last one is kept. */
static void set_usual_options(struct job *job, const struct option_numbers *numbers)
{
	static struct option_numbers last;
	static char *text;
	static size_t size;
	if (text == NULL || memcmp(&last, numbers, sizeof(last)) != 0) {
		CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
		write_options(&writer, numbers, NULL);
		free(text);
		text = must_copy(writer.text, writer.size);
		size = writer.size;
		last = *numbers;
	}
	job_set_sized(job, &job->options, text, size, LUCIUS_FIELD_JSON);
}

static void set_options(
        struct job *job, const struct command *command, const struct settings *settings)
{
	const struct option_numbers numbers = {
		.max_attempts = settings->max_attempts,
		.step_result_timeout_seconds = settings->step_result_timeout_seconds,
		.lease_seconds = settings->lease_minutes * SECONDS_PER_MINUTE,
		.retry_initial_seconds = settings->retry_initial_seconds,
		.retry_max_seconds = settings->retry_max_seconds,
		.execution_timeout_seconds = execution_seconds(command, settings),
	};
	if (!has_any_overrides(command->protocol)) {
		set_usual_options(job, &numbers);
		return;
	}
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	write_options(&writer, &numbers, command->protocol);
	job_set_sized(
	        job, &job->options, json_writer_text(&writer), writer.size, LUCIUS_FIELD_JSON);
}

/* "<tenant_id>#<YYYYMM>" of an RFC 3339 text. */
static void set_bucket(struct job *job, const char *tenant_id, const char *now)
{
	char month[] = "YYYYMM";
	memcpy(month, now, 4);
	memcpy(month + 4, now + strlen("2026-"), 2);
	job_set(job, &job->tenant_bucket, arena_join(&job->arena, tenant_id, "#", month, NULL));
}

static void fill_step(struct job *job, size_t index, const struct command *command)
{
	const struct protocol_step *definition = &command->protocol->steps[index];
	struct step *step = &job->steps[index];
	step->job_id = job->job_id;
	step->step_index = (int64_t)index;
	job_set(job, &step->step_id, definition->step_id);
	job_set(job, &step->step_type, definition->step_type);
	job_set(job, &step->service, definition->service);
	set_json(job, &step->input_ref, command->input_ref);
	set_json(job, &step->workspace_ref, command->workspace_ref);
	set_json(job, &step->output_ref, command->output_ref);
	set_json(job, &step->payload, command->steps[index].payload);
	job_set(job, &step->resolved_mode, routing_mode_text(command->routing.mode));
	step->lane = command->routing.lane;
	job_set(job, &step->routing_key_used, command->routing.key);
	job_set(job, &step->decision_source, command->routing.decision_source);
	job_set(job, &step->decision_reason, command->routing.decision_reason);
	step->created_at = job->created_at;
	step->updated_at = job->created_at;
}

static void fill_job(struct job *job, const struct command *command, const char *now)
{
	job_set(job, &job->tenant_id, command->tenant_id);
	set_bucket(job, command->tenant_id, now);
	job_set(job, &job->request_type, command->request_type);
	job_set(job, &job->doc_id, command->doc_id);
	job_set(job, &job->protocol_id, command->protocol->protocol_id);
	job_set(job, &job->mode, routing_mode_text(command->routing.mode));
	job_set(job, &job->idempotency_key, command->idempotency_key);
	job_set(job, &job->idempotency_hash, command->idempotency_hash);
	job_set(job, &job->created_at, now);
	job->updated_at = job->created_at;
	job_set(job, &job->correlation_id, command->correlation_id);
	job_set(job, &job->traceparent, command->traceparent);
}

struct job *command_job_create(
        const struct command *command, const struct settings *settings, struct loop *loop)
{
	char job_id[RANDOM_ID_SIZE];
	char now[RFC3339_SIZE];
	struct job *job = job_create();
	random_id(loop, job_id);
	rfc3339_print(loop_clock_us(loop), now);
	job_set(job, &job->job_id, job_id);
	fill_job(job, command, now);
	set_options(job, command, settings);
	job->n_steps = command->protocol->n_steps;
	job->steps = arena_zalloc(&job->arena, job->n_steps * sizeof(*job->steps));
	for (size_t i = 0; i < job->n_steps; i++) {
		fill_step(job, i, command);
	}
	job->current_step_id = job->steps[0].step_id;
	job->current_step_index = 0;
	job_add_event(job, "job.created", NULL, NULL);
	return job;
}
