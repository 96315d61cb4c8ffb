/* SPDX-License-Identifier: MIT */
/*
 * The input of a workflow, read once: what a machine decides by is kept as numbers, and what it
 * only passes on is put unread into the texts of the directives to come.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/json_composed.h"
#include "core/json_writer.h"
#include "core/step_logic_state.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

/* More is taken for this: 30 years in seconds, so that no sum of times overflows. */
#define SECONDS_MAX 1000000000

__attribute__((format(printf, 3, 4))) static bool fail(
        char *error, size_t error_size, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(error, error_size, format, arguments);
	va_end(arguments);
	return false;
}

/* The value as a positive number that is not absurd, else what there was. */
static uint32_t number_or(struct json_slice value, uint32_t otherwise)
{
	int64_t number;
	if (!json_slice_integer(value, &number) || number < 1) {
		return otherwise;
	}
	return number < SECONDS_MAX ? (uint32_t)number : SECONDS_MAX;
}

/* The members of the options that are looked at. */
enum option_member {
	OPTION_DEFINITION,
	OPTION_MAX_ATTEMPTS,
	OPTION_RESULT_TIMEOUT,
	OPTION_LEASE,
	OPTION_RETRY_INITIAL,
	OPTION_RETRY_MAX,
	OPTION_STEPS,
	N_OPTION
};

static void read_options(const struct json_slice *given, struct step_options *used)
{
	used->max_attempts = number_or(given[OPTION_MAX_ATTEMPTS], used->max_attempts);
	used->step_result_timeout_seconds =
	        number_or(given[OPTION_RESULT_TIMEOUT], used->step_result_timeout_seconds);
	used->lease_seconds = number_or(given[OPTION_LEASE], used->lease_seconds);
	used->retry_initial_seconds =
	        number_or(given[OPTION_RETRY_INITIAL], used->retry_initial_seconds);
	used->retry_max_seconds = number_or(given[OPTION_RETRY_MAX], used->retry_max_seconds);
}

/* The members of the input that are looked at, and of one of its steps. */
enum input_member {
	IN_JOB_ID,
	IN_TENANT_ID,
	IN_PROTOCOL_ID,
	IN_STEPS,
	IN_LANE,
	IN_ROUTING_KEY_USED,
	IN_MODE,
	IN_CORRELATION_ID,
	IN_TRACEPARENT,
	IN_OPTIONS,
	N_IN
};
enum step_member {
	STEP_ID,
	STEP_TYPE,
	STEP_SERVICE,
	STEP_INPUT_REF,
	STEP_WORKSPACE_REF,
	STEP_OUTPUT_REF,
	STEP_PAYLOAD,
	N_STEP
};

struct input {
	struct json_slice of[N_IN];
	struct json_slice overrides; /* options.steps */
	struct step_options options;
};

/* A member as it stands in the input. */
static void pass_on(struct json_writer *writer, const char *name, struct json_slice value)
{
	json_writer_name(writer, name);
	if (value.size == 0) {
		json_writer_null(writer);
	} else {
		json_writer_raw(writer, value.text, value.size);
	}
}

static void write_head(
        const struct input *input, const struct json_slice *step, struct json_writer *writer)
{
	json_writer_begin_object(writer);
	pass_on(writer, "lane", input->of[IN_LANE]);
	json_writer_name(writer, "directive");
	json_writer_begin_object(writer);
	json_writer_string_member(writer, "type", "DIRECTIVE");
	pass_on(writer, "jobId", input->of[IN_JOB_ID]);
	pass_on(writer, "tenant_id", input->of[IN_TENANT_ID]);
	pass_on(writer, "stepId", step[STEP_ID]);
	pass_on(writer, "protocol_id", input->of[IN_PROTOCOL_ID]);
	pass_on(writer, "step_type", step[STEP_TYPE]);
	pass_on(writer, "service", step[STEP_SERVICE]);
	json_writer_name(writer, "attempt_no");
}

static void write_tail(
        const struct input *input, const struct json_slice *step, struct json_writer *writer)
{
	writer->needs_comma = true;
	pass_on(writer, "input_ref", step[STEP_INPUT_REF]);
	pass_on(writer, "workspace_ref", step[STEP_WORKSPACE_REF]);
	pass_on(writer, "output_ref", step[STEP_OUTPUT_REF]);
	pass_on(writer, "payload", step[STEP_PAYLOAD]);
	pass_on(writer, "mode", input->of[IN_MODE]);
	pass_on(writer, "lane", input->of[IN_LANE]);
	pass_on(writer, "routing_key_used", input->of[IN_ROUTING_KEY_USED]);
	pass_on(writer, "correlation_id", input->of[IN_CORRELATION_ID]);
	pass_on(writer, "traceparent", input->of[IN_TRACEPARENT]);
	json_writer_name(writer, "previous_result_ref");
}

static void read_limits(const struct input *input, struct machine_step *step)
{
	static const char *const names[] = { "max_attempts", "step_result_timeout_seconds",
		"lease_minutes" };
	const struct step_options *options = &input->options;
	struct json_slice overrides[3];
	json_slice_collect(json_slice_member(input->overrides, step->step_id), names, 3, overrides);
	uint32_t lease_minutes = number_or(overrides[2], 0);
	step->max_attempts = number_or(overrides[0], options->max_attempts);
	step->result_timeout_seconds =
	        number_or(overrides[1], options->step_result_timeout_seconds);
	step->lease_seconds = options->lease_seconds;
	if (lease_minutes != 0) {
		step->lease_seconds =
		        lease_minutes < SECONDS_MAX / 60 ? lease_minutes * 60 : SECONDS_MAX;
	}
}

static bool read_step(
        const struct input *input, const struct json_slice *step, struct machine_step *ret_step)
{
	ret_step->step_id = json_slice_string(step[STEP_ID]);
	if (ret_step->step_id == NULL || ret_step->step_id[0] == '\0') {
		return false;
	}
	CLEANUP_JSON_WRITER struct json_writer head = { 0 };
	CLEANUP_JSON_WRITER struct json_writer tail = { 0 };
	write_head(input, step, &head);
	write_tail(input, step, &tail);
	ret_step->head = json_writer_steal(&head, &ret_step->head_size);
	ret_step->tail = json_writer_steal(&tail, &ret_step->tail_size);
	read_limits(input, ret_step);
	return true;
}

static bool read_steps(
        struct lucius_machine *machine, const struct input *input, char *error, size_t error_size)
{
	static const char *const names[N_STEP] = { "step_id", "step_type", "service", "input_ref",
		"workspace_ref", "output_ref", "payload" };
	struct json_slice_walk walk = json_slice_elements(input->of[IN_STEPS]);
	struct json_slice given;
	struct json_slice step[N_STEP];
	while (json_slice_collect_next(&walk, names, N_STEP, step, &given)) {
		if (!json_slice_is_object(given)) {
			/* Others may give the step's name and nothing else. */
			step[STEP_ID] = given;
		}
		machine->steps = must_resize(
		        machine->steps, machine->n_steps + 1, sizeof(machine->steps[0]));
		struct machine_step *added = &machine->steps[machine->n_steps++];
		*added = (struct machine_step){ 0 };
		if (!read_step(input, step, added)) {
			return fail(error, error_size,
			        "Step %zu of the workflow input has no 'step_id'.",
			        machine->n_steps - 1);
		}
	}
	if (machine->n_steps == 0) {
		return fail(error, error_size, "The workflow input has no steps.");
	}
	return true;
}

static char *read_text(struct json_slice value, struct lucius_text otherwise)
{
	char *text = json_slice_string(value);
	return text != NULL ? text : must_copy(otherwise.data, otherwise.size);
}

/* False: the options are of a version that this program does not know. */
static bool read_all_options(
        struct json_slice given, struct input *input, char *error, size_t error_size)
{
	static const char *const names[N_OPTION] = { "definition", "max_attempts",
		"step_result_timeout_seconds", "lease_seconds", "retry_initial_seconds",
		"retry_max_seconds", "steps" };
	struct json_slice options[N_OPTION];
	int64_t definition = STEP_LOGIC_VERSION;
	json_slice_collect(given, names, N_OPTION, options);
	(void)json_slice_integer(options[OPTION_DEFINITION], &definition);
	if (definition != STEP_LOGIC_VERSION) {
		return fail(error, error_size,
		        "The job was made for version '%" PRId64
		        "' of the step logic and this program knows version '%d': run a newer one.",
		        definition, STEP_LOGIC_VERSION);
	}
	read_options(options, &input->options);
	input->overrides = options[OPTION_STEPS];
	return true;
}

bool machine_read_input(struct lucius_machine *machine, const struct step_options *defaults,
        const struct lucius_run *run, char *error, size_t error_size)
{
	static const char *const names[N_IN] = { "job_id", "tenant_id", "protocol_id", "steps",
		"lane", "routing_key_used", "mode", "correlation_id", "traceparent", "options" };
	struct input input = { .options = *defaults };
	struct json_slice object =
	        json_composed_read(run->input.data, run->input.size, names, N_IN, input.of);
	if (!json_slice_is_object(object)) {
		return fail(error, error_size, "The workflow input is no JSON object.");
	}
	struct json_slice options = input.of[IN_OPTIONS];
	machine->has_own_options = json_slice_is_object(options);
	if (!machine->has_own_options && run->is_restored == 0) {
		options = json_slice_of(run->snapshot.data, run->snapshot.size);
	}
	if (!read_all_options(options, &input, error, error_size)) {
		return false;
	}
	machine->options = input.options;
	machine->job_id = read_text(input.of[IN_JOB_ID], run->workflow_id);
	machine->tenant_id = read_text(input.of[IN_TENANT_ID], (struct lucius_text){ "", 0 });
	return read_steps(machine, &input, error, error_size);
}
