/* SPDX-License-Identifier: MIT */
/* Written straight from the columns; no JSON tree in between. */
#include "core/job_json.h"

#include <string.h>

#include "core/job_columns.h"

void job_json_value(struct json_writer *writer, const struct value *value)
{
	if (value->text == NULL) {
		json_writer_null(writer);
	} else if (value->type == LUCIUS_FIELD_STRING) {
		json_writer_string_sized(writer, value->text, value->size);
	} else {
		json_writer_raw(writer, value->text, value->size);
	}
}

static void member(struct json_writer *writer, const char *name, const struct value *value)
{
	json_writer_name(writer, name);
	job_json_value(writer, value);
}

static void column_json(struct json_writer *writer, const struct column *column, const void *owner)
{
	const void *place = (const char *)owner + column->offset;
	json_writer_name(writer, column->name);
	switch (column->kind) {
	case COLUMN_VALUE:
		job_json_value(writer, place);
		break;
	case COLUMN_INTEGER:
		if (*(const int64_t *)place == JOB_NO_INTEGER) {
			json_writer_null(writer);
		} else {
			json_writer_int(writer, *(const int64_t *)place);
		}
		break;
	case COLUMN_JOB_STATE:
		json_writer_string(writer, job_state_text(*(const enum job_state *)place));
		break;
	case COLUMN_STEP_STATE:
		json_writer_string(writer, step_state_text(*(const enum step_state *)place));
		break;
	}
}

static void row_json(struct json_writer *writer, const struct columns *columns, const void *owner)
{
	json_writer_begin_object(writer);
	for (size_t i = 0; i < columns->n; i++) {
		if (!columns->list[i].is_internal) {
			column_json(writer, &columns->list[i], owner);
		}
	}
	json_writer_end_object(writer);
}

void job_json_job(struct json_writer *writer, const struct job *job)
{
	row_json(writer, &job_columns, job);
}

void job_json_step(struct json_writer *writer, const struct step *step)
{
	row_json(writer, &step_columns, step);
}

void job_json_steps(struct json_writer *writer, const struct job *job)
{
	json_writer_begin_array(writer);
	for (size_t i = 0; i < job->n_steps; i++) {
		job_json_step(writer, &job->steps[i]);
	}
	json_writer_end_array(writer);
}

static void whole_members(struct json_writer *writer, const struct job *job)
{
	json_writer_name(writer, "job");
	job_json_job(writer, job);
	json_writer_name(writer, "steps");
	job_json_steps(writer, job);
}

void job_json_whole(struct json_writer *writer, const struct job *job)
{
	json_writer_begin_object(writer);
	whole_members(writer, job);
	json_writer_end_object(writer);
}

void job_json_snapshot(struct json_writer *writer, const struct job *job, bool bus_is_durable)
{
	json_writer_begin_object(writer);
	whole_members(writer, job);
	json_writer_bool_member(writer, "bus_is_durable", bus_is_durable);
	json_writer_end_object(writer);
}

static void event_member(
        struct json_writer *writer, const struct lucius_job_event *event, const char *name)
{
	json_writer_name(writer, name);
	for (uint64_t i = 0; i < event->n_fields; i++) {
		const struct lucius_field *field = &event->fields[i];
		if (strcmp(field->name, name) == 0 && field->value_size != 0) {
			struct value value = { field->value, field->value_size, field->type };
			job_json_value(writer, &value);
			return;
		}
	}
	json_writer_null(writer);
}

void job_json_event(struct json_writer *writer, const struct lucius_job_event *event)
{
	static const char *const names[] = { "at", "event", "step_id", "attempt_no", "state",
		"detail" };
	json_writer_begin_object(writer);
	json_writer_int_member(writer, "seq", event->seq);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		event_member(writer, event, names[i]);
	}
	json_writer_end_object(writer);
}

static void input_steps(struct json_writer *writer, const struct job *job)
{
	json_writer_begin_array(writer);
	for (size_t i = 0; i < job->n_steps; i++) {
		const struct step *step = &job->steps[i];
		json_writer_begin_object(writer);
		member(writer, "step_id", &step->step_id);
		member(writer, "step_type", &step->step_type);
		member(writer, "service", &step->service);
		member(writer, "payload", &step->payload);
		member(writer, "input_ref", &step->input_ref);
		member(writer, "workspace_ref", &step->workspace_ref);
		member(writer, "output_ref", &step->output_ref);
		json_writer_end_object(writer);
	}
	json_writer_end_array(writer);
}

void job_json_workflow_input(struct json_writer *writer, const struct job *job)
{
	const struct step *first = &job->steps[0];
	json_writer_begin_object(writer);
	member(writer, "job_id", &job->job_id);
	member(writer, "tenant_id", &job->tenant_id);
	member(writer, "protocol_id", &job->protocol_id);
	json_writer_name(writer, "steps");
	input_steps(writer, job);
	json_writer_int_member(writer, "lane", first->lane);
	member(writer, "routing_key_used", &first->routing_key_used);
	member(writer, "mode", &first->resolved_mode);
	member(writer, "correlation_id", &job->correlation_id);
	member(writer, "traceparent", &job->traceparent);
	member(writer, "options", &job->options);
	json_writer_end_object(writer);
}
