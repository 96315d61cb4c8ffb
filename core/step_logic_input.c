/* SPDX-License-Identifier: MIT */
/*
 * The input of a workflow, read once: what a machine decides by is kept as numbers, what it only
 * passes on is kept as the JSON text of the directives to come, and the tree is let go.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/json_writer.h"
#include "core/step_logic_state.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

/* More is taken for this: 30 years in seconds, so that no sum of times overflows. */
#define SECONDS_MAX 1000000000

CLEANUP_DEFINE(json_t *, json, json_decref)

__attribute__((format(printf, 3, 4))) static bool fail(
        char *error, size_t error_size, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(error, error_size, format, arguments);
	va_end(arguments);
	return false;
}

/* A positive number of an object, else what there was. */
static uint32_t number_or(const json_t *object, const char *name, uint32_t otherwise)
{
	json_int_t value = json_integer_value(json_object_get(object, name));
	if (value < 1) {
		return otherwise;
	}
	return value < SECONDS_MAX ? (uint32_t)value : SECONDS_MAX;
}

static void read_options(const json_t *options, struct step_options *used)
{
	used->max_attempts = number_or(options, "max_attempts", used->max_attempts);
	used->step_result_timeout_seconds = number_or(
	        options, "step_result_timeout_seconds", used->step_result_timeout_seconds);
	used->lease_seconds = number_or(options, "lease_seconds", used->lease_seconds);
	used->retry_initial_seconds =
	        number_or(options, "retry_initial_seconds", used->retry_initial_seconds);
	used->retry_max_seconds = number_or(options, "retry_max_seconds", used->retry_max_seconds);
}

static void write_head(const json_t *input, const json_t *step, struct json_writer *writer)
{
	json_writer_begin_object(writer);
	json_writer_json_member(writer, "lane", json_object_get(input, "lane"));
	json_writer_name(writer, "directive");
	json_writer_begin_object(writer);
	json_writer_string_member(writer, "type", "DIRECTIVE");
	json_writer_json_member(writer, "jobId", json_object_get(input, "job_id"));
	json_writer_json_member(writer, "tenant_id", json_object_get(input, "tenant_id"));
	json_writer_json_member(writer, "stepId", json_object_get(step, "step_id"));
	json_writer_json_member(writer, "protocol_id", json_object_get(input, "protocol_id"));
	json_writer_json_member(writer, "step_type", json_object_get(step, "step_type"));
	json_writer_json_member(writer, "service", json_object_get(step, "service"));
	json_writer_name(writer, "attempt_no");
}

static void write_tail(const json_t *input, const json_t *step, struct json_writer *writer)
{
	static const char *const of_step[] = { "input_ref", "workspace_ref", "output_ref",
		"payload" };
	static const char *const of_job[] = { "mode", "lane", "routing_key_used", "correlation_id",
		"traceparent" };
	writer->needs_comma = true;
	for (size_t i = 0; i < sizeof(of_step) / sizeof(of_step[0]); i++) {
		json_writer_json_member(writer, of_step[i], json_object_get(step, of_step[i]));
	}
	for (size_t i = 0; i < sizeof(of_job) / sizeof(of_job[0]); i++) {
		json_writer_json_member(writer, of_job[i], json_object_get(input, of_job[i]));
	}
	json_writer_name(writer, "previous_result_ref");
}

static bool read_step(const json_t *input, const json_t *step, const struct step_options *options,
        struct machine_step *ret_step)
{
	const json_t *step_id = json_object_get(step, "step_id");
	if (!json_is_string(step_id) || json_string_length(step_id) == 0) {
		return false;
	}
	const json_t *overrides =
	        json_object_get(json_object_get(json_object_get(input, "options"), "steps"),
	                json_string_value(step_id));
	uint32_t lease_minutes = number_or(overrides, "lease_minutes", 0);
	CLEANUP_JSON_WRITER struct json_writer head = { 0 };
	CLEANUP_JSON_WRITER struct json_writer tail = { 0 };
	write_head(input, step, &head);
	write_tail(input, step, &tail);
	*ret_step = (struct machine_step){
		.step_id = must_copy(json_string_value(step_id), json_string_length(step_id)),
		.max_attempts = number_or(overrides, "max_attempts", options->max_attempts),
		.result_timeout_seconds = number_or(overrides, "step_result_timeout_seconds",
		        options->step_result_timeout_seconds),
		.lease_seconds = lease_minutes == 0        ? options->lease_seconds
		        : lease_minutes < SECONDS_MAX / 60 ? lease_minutes * 60
		                                           : SECONDS_MAX,
	};
	ret_step->head = json_writer_steal(&head, &ret_step->head_size);
	ret_step->tail = json_writer_steal(&tail, &ret_step->tail_size);
	return true;
}

static bool read_steps(struct lucius_machine *machine, const json_t *input,
        const struct step_options *options, char *error, size_t error_size)
{
	const json_t *steps = json_object_get(input, "steps");
	size_t n_steps = json_array_size(steps);
	if (n_steps == 0) {
		return fail(error, error_size, "The workflow input has no steps.");
	}
	machine->steps = must_calloc(n_steps, sizeof(*machine->steps));
	for (size_t i = 0; i < n_steps; i++) {
		if (!read_step(input, json_array_get(steps, i), options, &machine->steps[i])) {
			return fail(error, error_size,
			        "Step %zu of the workflow input has no 'step_id'.", i);
		}
		machine->n_steps++;
	}
	return true;
}

static char *read_text(const json_t *input, const char *name, struct lucius_text otherwise)
{
	const json_t *text = json_object_get(input, name);
	return json_is_string(text) ? must_copy(json_string_value(text), json_string_length(text))
	                            : must_copy(otherwise.data, otherwise.size);
}

bool machine_read_input(struct lucius_machine *machine, const struct step_options *defaults,
        const struct lucius_run *run, char *error, size_t error_size)
{
	json_error_t fault;
	CLEANUP(cleanup_json)
	json_t *input = json_loadb(
	        run->input.data != NULL ? run->input.data : "", run->input.size, 0, &fault);
	if (!json_is_object(input)) {
		return fail(error, error_size, "The workflow input is no JSON object: %s.",
		        input == NULL ? fault.text : "it is another value");
	}
	const json_t *options = json_object_get(input, "options");
	const json_t *definition = json_object_get(options, "definition");
	if (json_is_integer(definition) && json_integer_value(definition) != STEP_LOGIC_VERSION) {
		return fail(error, error_size,
		        "The job was made for version '%" JSON_INTEGER_FORMAT
		        "' of the step logic and this program knows version '%d': run a newer one.",
		        json_integer_value(definition), STEP_LOGIC_VERSION);
	}
	struct step_options used = *defaults;
	read_options(options, &used);
	machine->retry_initial_seconds = used.retry_initial_seconds;
	machine->retry_max_seconds = used.retry_max_seconds;
	machine->job_id = read_text(input, "job_id", run->workflow_id);
	machine->tenant_id = read_text(input, "tenant_id", (struct lucius_text){ "", 0 });
	return read_steps(machine, input, &used, error, error_size);
}
