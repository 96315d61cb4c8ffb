/* SPDX-License-Identifier: MIT */
/* Reads directives, lenient where others may leave something out; see directive.h. */
#include "consumers/runtime/directive.h"

#include "consumers/runtime/topics.h"
#include "support/rows/time_text.h"

#include <string.h>

static const char *text_member(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));
	return text != NULL && text[0] != '\0' ? text : NULL;
}

static void read_lease_end(struct directive *directive)
{
	const char *text = text_member(directive->json, "lease_expires_at");
	if (text != NULL) {
		struct lucius_text time = { text, strlen(text) };
		directive->has_lease_end = time_text_read(time, &directive->lease_end_us);
	}
}

static int read_lane(const json_t *json)
{
	const json_t *lane = json_object_get(json, "lane");
	json_int_t number = json_is_integer(lane) ? json_integer_value(lane) : LANE_NONE;
	return number >= 0 && number <= LANE_MAX ? (int)number : LANE_NONE;
}

static const char *fill(struct directive *directive)
{
	const json_t *json = directive->json;
	const char *type = text_member(json, "type");
	const json_t *attempt_no = json_object_get(json, "attempt_no");
	if (type != NULL && strcmp(type, "DIRECTIVE") != 0) {
		return "its type is not DIRECTIVE";
	}
	directive->job_id = text_member(json, "jobId");
	directive->step_id = text_member(json, "stepId");
	directive->lease_id = text_member(json, "lease_id");
	if (directive->job_id == NULL || directive->step_id == NULL ||
	        directive->lease_id == NULL || !json_is_integer(attempt_no)) {
		return "jobId, stepId, attempt_no or lease_id is missing";
	}
	directive->attempt_no = json_integer_value(attempt_no);
	directive->tenant_id = text_member(json, "tenant_id");
	directive->step_type = text_member(json, "step_type");
	directive->correlation_id = text_member(json, "correlation_id");
	directive->traceparent = text_member(json, "traceparent");
	directive->lane = read_lane(json);
	read_lease_end(directive);
	return NULL;
}

bool directive_parse(
        struct amqp_bytes body, struct directive *ret_directive, const char **ret_reason)
{
	struct directive directive = {
		.json = json_loadb((const char *)body.start, body.size, 0, NULL),
	};
	const char *reason =
	        json_is_object(directive.json) ? fill(&directive) : "its body is no JSON object";
	if (reason != NULL) {
		directive_finish(&directive);
		*ret_reason = reason;
		return false;
	}
	*ret_directive = directive;
	return true;
}

void directive_finish(struct directive *directive)
{
	json_decref(directive->json);
	*directive = (struct directive){ 0 };
}
