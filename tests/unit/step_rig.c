/* SPDX-License-Identifier: MIT */
/* The bench for one machine of the step logic; see the header. */
#include "tests/unit/step_rig.h"

#include <stdio.h>
#include <string.h>

#include "support/base/memory.h"

static const struct step_options defaults = {
	.max_attempts = 3,
	.step_result_timeout_seconds = 900,
	.lease_seconds = 900,
	.retry_initial_seconds = 1,
	.retry_max_seconds = 60,
};

static struct lucius_text text_of(const char *text)
{
	return (struct lucius_text){ text, text != NULL ? strlen(text) : 0 };
}

static void copy_text(char *target, size_t size, struct lucius_text text)
{
	(void)snprintf(target, size, "%.*s", (int)text.size, text.data != NULL ? text.data : "");
}

char *rig_input(const char *options)
{
	static const char format[] =
	        "{\"job_id\": \"" RIG_JOB "\", \"tenant_id\": \"t1\", \"protocol_id\": "
	        "\"ocr-embedding.v1\", \"lane\": 7, \"routing_key_used\": \"t1\", \"mode\": "
	        "\"DEFAULT\", \"correlation_id\": null, \"traceparent\": \"00-a-b-01\", "
	        "\"options\": %s, \"steps\": ["
	        "{\"step_id\": \"ocr\", \"step_type\": \"OCR\", \"service\": \"platform-ocr\", "
	        "\"payload\": {\"a\": 1.5}, \"input_ref\": \"in\", \"workspace_ref\": null, "
	        "\"output_ref\": {\"uri\": \"out\"}}, "
	        "{\"step_id\": \"embedding\", \"step_type\": \"EMBEDDING\", \"service\": "
	        "\"platform-embedding\", \"payload\": {}, \"input_ref\": \"in\", "
	        "\"workspace_ref\": {\"uri\": \"w\"}, \"output_ref\": \"out\"}]}";
	char *input = must_calloc(1, sizeof(format) + strlen(options));
	(void)snprintf(input, sizeof(format) + strlen(options), format, options);
	return input;
}

struct rig rig_open(const char *input, const char *snapshot)
{
	struct rig rig = { .now_ms = RIG_EPOCH_MS };
	step_logic_init(&rig.logic, &defaults);
	struct lucius_run run = {
		.size = sizeof(run),
		.is_restored = snapshot != NULL,
		.workflow_id = text_of(RIG_JOB),
		.input = text_of(input),
		.snapshot = text_of(snapshot),
	};
	rig.machine = rig.logic.table.open(&rig.logic.table, &run, rig.error, sizeof(rig.error));
	return rig;
}

struct rig rig_start_with(const char *options)
{
	CLEANUP_FREE char *input = rig_input(options);
	struct rig rig = rig_open(input, NULL);
	rig_started(&rig, "seed");
	return rig;
}

struct rig rig_start(void)
{
	return rig_start_with("null");
}

struct rig rig_restore(const char *job, const char *steps, bool is_bus_durable)
{
	char snapshot[4096];
	(void)snprintf(snapshot, sizeof(snapshot),
	        "{\"job\": {%s}, \"steps\": [%s], \"bus_is_durable\": %s}", job, steps,
	        is_bus_durable ? "true" : "false");
	CLEANUP_FREE char *input = rig_input("null");
	struct rig rig = rig_open(input, snapshot);
	rig_started(&rig, "seed");
	return rig;
}

void rig_finish(struct rig *rig)
{
	rig->logic.table.close(rig->machine);
	json_decref(rig->payload);
	rig->machine = NULL;
	rig->payload = NULL;
}

static void remember_attempt(struct rig *rig)
{
	json_t *directive = json_object_get(rig->payload, "directive");
	json_t *source = directive != NULL ? directive : rig->payload;
	copy_text(rig->step_id, sizeof(rig->step_id),
	        text_of(json_string_value(json_object_get(source, "stepId"))));
	copy_text(rig->lease_id, sizeof(rig->lease_id),
	        text_of(json_string_value(json_object_get(source, "lease_id"))));
	rig->attempt_no = (int)json_integer_value(json_object_get(source, "attempt_no"));
}

static void on_run(struct rig *rig, const struct lucius_action *action)
{
	copy_text(rig->name, sizeof(rig->name), action->name);
	json_decref(rig->payload);
	rig->payload = json_loadb(
	        action->payload.data, action->payload.size, JSON_REJECT_DUPLICATES, NULL);
	rig->activity = action->number;
	rig->give_up_after_ms = action->give_up_after_ms;
	rig->start_to_close_ms = action->start_to_close_ms;
	rig->retry_initial_ms = action->retry_initial_ms;
	rig->retry_max_ms = action->retry_max_ms;
	if (strcmp(rig->name, STEP_ACTIVITY_OUTCOME) == 0) {
		rig->n_outcomes++;
		return;
	}
	rig->n_leases += strcmp(rig->name, STEP_ACTIVITY_LEASE) == 0;
	rig->n_publishes += strcmp(rig->name, STEP_ACTIVITY_PUBLISH) == 0;
	remember_attempt(rig);
}

static void on_action(void *user, const struct lucius_action *action)
{
	struct rig *rig = user;
	switch (action->type) {
	case LUCIUS_ACTION_RUN_ACTIVITY:
		on_run(rig, action);
		break;
	case LUCIUS_ACTION_START_TIMER:
		rig->timer = action->number;
		rig->after_ms = action->after_ms;
		break;
	case LUCIUS_ACTION_CANCEL_TIMER:
		rig->timer = rig->timer == action->number ? 0 : rig->timer;
		break;
	default:
		rig->end = action->type;
		copy_text(rig->code, sizeof(rig->code), action->name);
		copy_text(rig->sentence, sizeof(rig->sentence), action->payload);
		copy_text(rig->result, sizeof(rig->result), action->payload);
		break;
	}
}

static void feed(struct rig *rig, struct lucius_event event)
{
	event.size = sizeof(event);
	event.time_ms = rig->now_ms;
	rig->logic.table.feed(rig->machine, &event, on_action, rig);
}

void rig_started(struct rig *rig, const char *seed)
{
	if (rig->machine != NULL) {
		feed(rig,
		        (struct lucius_event){
		                .type = LUCIUS_EVENT_STARTED, .payload = text_of(seed) });
	}
}

static void answer(struct rig *rig, uint32_t type, const char *payload)
{
	uint64_t number = rig->activity;
	rig->activity = 0;
	feed(rig,
	        (struct lucius_event){
	                .type = type, .number = number, .payload = text_of(payload) });
}

void rig_ok(struct rig *rig)
{
	answer(rig, LUCIUS_EVENT_ACTIVITY_DONE, "{\"status\": \"ok\"}");
}

void rig_refuse(struct rig *rig, const char *body)
{
	answer(rig, LUCIUS_EVENT_ACTIVITY_DONE, body);
}

void rig_activity_failed(struct rig *rig)
{
	answer(rig, LUCIUS_EVENT_ACTIVITY_FAILED, "The invoker does not answer.");
}

void rig_fire(struct rig *rig)
{
	uint64_t number = rig->timer;
	rig->timer = 0;
	rig->now_ms += rig->after_ms;
	feed(rig, (struct lucius_event){ .type = LUCIUS_EVENT_TIMER_FIRED, .number = number });
}

void rig_signal(struct rig *rig, const char *name, const char *argument)
{
	feed(rig,
	        (struct lucius_event){
	                .type = LUCIUS_EVENT_SIGNAL,
	                .name = text_of(name),
	                .payload = text_of(argument),
	        });
}

void rig_cancel(struct rig *rig)
{
	feed(rig, (struct lucius_event){ .type = LUCIUS_EVENT_CANCEL_ASKED });
}

void rig_ack(struct rig *rig)
{
	char argument[256];
	(void)snprintf(argument, sizeof(argument),
	        "{\"stepId\": \"%s\", \"attempt_no\": %d, \"lease_id\": \"%s\"}", rig->step_id,
	        rig->attempt_no, rig->lease_id);
	rig_signal(rig, STEP_SIGNAL_ACK, argument);
}

void rig_result_of(
        struct rig *rig, int attempt_no, const char *lease_id, const char *status, const char *more)
{
	char argument[1024];
	(void)snprintf(argument, sizeof(argument),
	        "{\"stepId\": \"%s\", \"attempt_no\": %d, \"lease_id\": \"%s\", \"status\": "
	        "\"%s\"%s}",
	        rig->step_id, attempt_no, lease_id, status, more);
	rig_signal(rig, STEP_SIGNAL_RESULT, argument);
}

void rig_result(struct rig *rig, const char *status, const char *more)
{
	rig_result_of(rig, rig->attempt_no, rig->lease_id, status, more);
}

void rig_put_out(struct rig *rig)
{
	rig_ok(rig);
	rig_ok(rig);
}

const char *rig_member(struct rig *rig, const char *path)
{
	static char text[512];
	const json_t *value = rig->payload;
	while (*path != '\0' && value != NULL) {
		size_t size = strcspn(path, ".");
		value = json_object_getn(value, path, size);
		path += path[size] == '.' ? size + 1 : size;
	}
	text[0] = '\0';
	if (json_is_string(value)) {
		copy_text(text, sizeof(text), text_of(json_string_value(value)));
	} else if (value != NULL) {
		size_t size = json_dumpb(value, text, sizeof(text) - 1,
		        JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
		text[size < sizeof(text) ? size : 0] = '\0';
	}
	return text;
}
