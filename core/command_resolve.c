/* SPDX-License-Identifier: MIT */
/* What a valid envelope stands for: its protocol, the payload of each step, hash and lane. */
#include "core/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "core/command_refusal.h"
#include "core/json_arena.h"
#include "core/json_kind.h"
#include "core/json_path.h"
#include "core/quote.h"
#include "support/base/memory.h"

static enum command_fault refuse_request_type(const struct command *command,
        struct registry *registry, struct command_refusal *ret_refusal)
{
	char *known CLEANUP_FREE = registry_request_types(registry);
	return command_refuse(ret_refusal, COMMAND_UNKNOWN_REQUEST_TYPE,
	        "The request type \"%s\" is not known; this service knows %s.",
	        quote(command->request_type).text, known);
}

static bool has_step(const struct protocol *protocol, const char *step_id)
{
	for (size_t i = 0; i < protocol->n_steps; i++) {
		if (strcmp(protocol->steps[i].step_id, step_id) == 0) {
			return true;
		}
	}
	return false;
}

/* The object `steps` of the payload, or NULL: then the whole payload is each step's. */
static json_t *steps_of(const struct command *command)
{
	json_t *steps = json_object_get(command->payload, "steps");
	return json_is_object(steps) ? steps : NULL;
}

static void check_names(const struct command *command, json_t *given, struct violations *violations)
{
	static const struct json_path payload = { .name = "payload" };
	static const struct json_path steps = { .parent = &payload, .name = "steps" };
	const char *name;
	json_t *value;
	json_object_foreach(given, name, value)
	{
		if (!has_step(command->protocol, name)) {
			const struct json_path here = { .parent = &steps, .name = name };
			char *pointer CLEANUP_FREE = json_path_print(&here, "");
			violations_add(violations, pointer, "is no step of the protocol \"%s\"",
			        quote(command->protocol->protocol_id).text);
		}
	}
}

static json_t *payload_of(const struct command *command, json_t *steps, const char *step_id)
{
	if (steps == NULL) {
		return json_incref(command->payload);
	}
	json_t *payload = json_object_get(steps, step_id);
	bool is_given = payload != NULL && !json_kind_is(payload, JSON_NULL);
	return is_given ? json_incref(payload) : must_have(json_object());
}

/* Joined by hand: printing costs as much as checking a usual payload. */
static char *pointer_of(const char *step_id)
{
	static const char payload[] = "/payload";
	static const char steps[] = "/payload/steps/";
	if (step_id == NULL) {
		return must_copy(payload, sizeof(payload) - 1);
	}
	char *pointer = must_resize(NULL, sizeof(steps) + strlen(step_id), 1);
	(void)stpcpy(stpcpy(pointer, steps), step_id);
	return pointer;
}

static void check_step(
        const struct command_step *step, bool is_named, struct violations *violations)
{
	char *prefix CLEANUP_FREE = pointer_of(is_named ? step->definition->step_id : NULL);
	if (!json_kind_is(step->payload, JSON_OBJECT)) {
		violations_add(violations, prefix, "must be an object");
		return;
	}
	(void)json_schema_validate(step->definition->schema, step->payload, prefix, violations);
}

static void fill_steps(struct command *command, struct violations *violations)
{
	const struct protocol *protocol = command->protocol;
	json_t *steps = steps_of(command);
	command->steps = must_calloc(protocol->n_steps, sizeof(*command->steps));
	check_names(command, steps, violations);
	for (size_t i = 0; i < protocol->n_steps; i++) {
		struct command_step *step = &command->steps[i];
		step->definition = &protocol->steps[i];
		step->payload = payload_of(command, steps, step->definition->step_id);
		check_step(step, steps != NULL, violations);
	}
}

static void fill_hash(struct command *command)
{
	const struct idempotency_input input = {
		.tenant_id = command->tenant_id,
		.request_type = command->request_type,
		.doc_id = command->doc_id,
		.input_ref = command->input_ref,
		.output_ref = command->output_ref,
		.payload = command->payload,
		.schema_version = "v1",
	};
	idempotency_hash(&input, command->idempotency_hash);
}

enum command_fault command_resolve(struct command *command, struct registry *registry,
        const struct routing_config *config, struct command_refusal *ret_refusal)
{
	command->registry = registry_ref(registry);
	command->protocol = registry_resolve(registry, command->request_type);
	if (command->protocol == NULL) {
		return refuse_request_type(command, registry, ret_refusal);
	}
	if (command->doc_id == NULL &&
	        routing_mode_resolve(command->mode, config) == ROUTING_BURST) {
		return command_refuse(ret_refusal, COMMAND_MISSING_DOC_ID,
		        "The mode BURST needs a \"doc_id\", by which the document is routed.");
	}
	struct violations violations CLEANUP_VIOLATIONS = { 0 };
	fill_steps(command, &violations);
	if (violations.n_found > 0) {
		return command_refuse_list(ret_refusal, COMMAND_INVALID_STEPS,
		        "The payload does not fit the steps", &violations);
	}
	fill_hash(command);
	routing_decide(
	        command->mode, command->tenant_id, command->doc_id, config, &command->routing);
	return COMMAND_OK;
}

void command_destroy(struct command *command)
{
	if (command == NULL) {
		return;
	}
	for (size_t i = 0; command->steps != NULL && i < command->protocol->n_steps; i++) {
		json_decref(command->steps[i].payload);
	}
	free(command->steps);
	routing_finish(&command->routing);
	registry_unref(command->registry);
	free(command->request_type);
	json_arena_drop(command->envelope);
	free(command);
}
