/* SPDX-License-Identifier: MIT */
/*
 * `state` is what the definition says of itself; the two names with underscores are asked by
 * Temporal's CLI and UI, which show the answers as text.
 */
#include "plugins/workflow-temporal/query.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/workflow-temporal/engine.h"
#include "plugins/workflow-temporal/payload.h"
#include "support/base/cleanup.h"

enum result_type { RESULT_ANSWERED = 1, RESULT_FAILED = 2 };

CLEANUP_DEFINE(json_t *, json, json_decref)

static json_t *inspect(const struct replay *replay, const struct lucius_definition *definition)
{
	struct lucius_text text = replay_inspect(replay, definition);
	return text.size != 0 ? json_loadb(text.data, text.size, 0, NULL) : NULL;
}

static struct lucius_text dump(struct pool *pool, const json_t *value)
{
	char *text CLEANUP_FREE = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	size_t size = text != NULL ? strlen(text) : 0;
	return (struct lucius_text){ pool_copy(pool, text, size), size };
}

/* "phase: waiting", a line a member that says something. */
static json_t *describe(const json_t *state, const char *line_end)
{
	char text[1024] = "";
	size_t size = 0;
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)state, name, value)
	{
		char *shown CLEANUP_FREE = json_is_string(value)
		        ? strdup(json_string_value(value))
		        : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		if (json_is_null(value) || shown == NULL || size >= sizeof(text) - 1) {
			continue;
		}
		int added = snprintf(
		        text + size, sizeof(text) - size, "%s: %.200s%s", name, shown, line_end);
		size += added > 0 ? (size_t)added : 0;
	}
	json_t *string = json_string(text);
	return string != NULL ? string : json_string("");
}

static struct lucius_text metadata(struct pool *pool, const json_t *state)
{
	static const struct {
		const char *name;
		const char *description;
	} queries[] = { { "state", "Where the job stands, as JSON." },
		{ "__stack_trace", "What the workflow waits for." } };
	static const char *const signals[] = { "step_ack", "step_result", "pause", "resume" };
	CLEANUP(cleanup_json) json_t *query_list = json_array();
	CLEANUP(cleanup_json) json_t *signal_list = json_array();
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		(void)json_array_append_new(query_list,
		        json_pack("{s:s, s:s}", "name", queries[i].name, "description",
		                queries[i].description));
	}
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		(void)json_array_append_new(signal_list, json_pack("{s:s}", "name", signals[i]));
	}
	CLEANUP(cleanup_json)
	json_t *all = json_pack("{s:{s:s, s:O, s:O}, s:o}", "definition", "type", WORKFLOW_TYPE,
	        "queryDefinitions", query_list, "signalDefinitions", signal_list, "currentDetails",
	        describe(state, "  \n"));
	return dump(pool, all);
}

static struct lucius_text stack_trace(struct pool *pool, const json_t *state)
{
	CLEANUP(cleanup_json) json_t *text = describe(state, "\n");
	return dump(pool, text);
}

static Wire__QueryResult *failed(Wire__QueryResult *result, const char *message)
{
	result->result_type = RESULT_FAILED;
	result->error_message = (char *)(uintptr_t)message;
	return result;
}

Wire__QueryResult *query_answer(struct pool *pool, const struct replay *replay,
        const struct lucius_definition *definition, const Wire__Query *query)
{
	Wire__QueryResult *result = pool_take(pool, sizeof(*result));
	CLEANUP(cleanup_json) json_t *state = inspect(replay, definition);
	wire__query_result__init(result);
	if (replay->outcome != REPLAY_DONE) {
		return failed(result, replay->sentence);
	}
	if (state == NULL) {
		return failed(result, "The workflow has not begun to run yet.");
	}
	result->result_type = RESULT_ANSWERED;
	if (strcmp(query->query_type, "state") == 0) {
		result->answer = payload_json(pool, replay_inspect(replay, definition));
	} else if (strcmp(query->query_type, "__stack_trace") == 0) {
		result->answer = payload_json(pool, stack_trace(pool, state));
	} else if (strcmp(query->query_type, "__temporal_workflow_metadata") == 0) {
		result->answer = payload_encoded(pool, metadata(pool, state), "json/protobuf",
		        "temporal.api.sdk.v1.WorkflowMetadata");
	} else {
		return failed(result,
		        "There is no such query; known are 'state', '__stack_trace' and "
		        "'__temporal_workflow_metadata'.");
	}
	return result;
}

struct lucius_text query_pinned(
        struct pool *pool, const struct replay *replay, const struct lucius_definition *definition)
{
	CLEANUP(cleanup_json) json_t *state = inspect(replay, definition);
	const json_t *pinned = json_object_get(state, "pinned");
	return json_is_object(pinned) ? dump(pool, pinned) : (struct lucius_text){ "", 0 };
}
