/* SPDX-License-Identifier: MIT */
/* Reads directives, lenient where others may leave something out; see directive.h. */
#include "consumers/runtime/directive.h"

#include "consumers/runtime/json_scan.h"
#include "consumers/runtime/topics.h"
#include "support/base/memory.h"
#include "support/rows/time_text.h"

#include <string.h>

struct reader {
	struct directive directive;
	char *to; /* where the next text goes */
	const char *lease_end;
	bool is_broken; /* a text that can be no text */
};

static const struct {
	const char *name;
	size_t offset; /* of a const char * in struct reader */
} texts[] = {
	{ "type", offsetof(struct reader, directive.type) },
	{ "jobId", offsetof(struct reader, directive.job_id) },
	{ "stepId", offsetof(struct reader, directive.step_id) },
	{ "lease_id", offsetof(struct reader, directive.lease_id) },
	{ "tenant_id", offsetof(struct reader, directive.tenant_id) },
	{ "step_type", offsetof(struct reader, directive.step_type) },
	{ "correlation_id", offsetof(struct reader, directive.correlation_id) },
	{ "traceparent", offsetof(struct reader, directive.traceparent) },
	{ "lease_expires_at", offsetof(struct reader, lease_end) },
};

static bool is_named(struct json_slice name, const char *wanted)
{
	return strlen(wanted) == name.size && memcmp(name.start, wanted, name.size) == 0;
}

/* An empty text is none. */
static void take_text(struct reader *reader, struct json_slice value, const char **text)
{
	long length = json_scan_decode(value, reader->to);
	if (length < 0) {
		reader->is_broken = true;
		return;
	}
	*text = length > 0 ? reader->to : NULL;
	reader->to += length + 1;
}

static void take_number(struct reader *reader, struct json_slice name, struct json_slice value)
{
	int64_t number = 0;
	if (!json_scan_integer(value, &number)) {
		return;
	}
	if (is_named(name, "attempt_no")) {
		reader->directive.has_attempt_no = true;
		reader->directive.attempt_no = number;
	} else if (is_named(name, "lane") && number >= 0 && number <= LANE_MAX) {
		reader->directive.lane = (int)number;
	}
}

static void on_member(void *user, struct json_slice name, struct json_slice value)
{
	struct reader *reader = user;
	if (value.kind == JSON_KIND_NUMBER) {
		take_number(reader, name, value);
	}
	if (value.kind != JSON_KIND_TEXT) {
		return;
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (is_named(name, texts[i].name)) {
			take_text(reader, value,
			        (const char **)(void *)((char *)reader + texts[i].offset));
			return;
		}
	}
}

static const char *check(const struct reader *reader)
{
	const struct directive *directive = &reader->directive;
	if (reader->is_broken) {
		return "a text of its body is not UTF-8 or holds a NUL";
	}
	if (directive->type != NULL && strcmp(directive->type, "DIRECTIVE") != 0) {
		return "its type is not DIRECTIVE";
	}
	if (directive->job_id == NULL || directive->step_id == NULL ||
	        directive->lease_id == NULL || !directive->has_attempt_no) {
		return "jobId, stepId, attempt_no or lease_id is missing";
	}
	return NULL;
}

bool directive_parse(
        struct amqp_bytes body, struct directive *ret_directive, const char **ret_reason)
{
	struct reader reader = { .directive = { .lane = LANE_NONE } };
	/* Without its quotes a text has room for the NUL, so that all together fit. */
	reader.directive.texts = must_calloc(body.size + 1, 1);
	reader.to = reader.directive.texts;
	const char *reason = "its body is no JSON object";
	if (json_scan_object((const char *)body.start, body.size, on_member, &reader)) {
		reason = check(&reader);
	}
	if (reason != NULL) {
		directive_finish(&reader.directive);
		*ret_reason = reason;
		return false;
	}
	if (reader.lease_end != NULL) {
		struct lucius_text time = { reader.lease_end, strlen(reader.lease_end) };
		reader.directive.has_lease_end =
		        time_text_read(time, &reader.directive.lease_end_us);
	}
	*ret_directive = reader.directive;
	return true;
}

void directive_finish(struct directive *directive)
{
	free(directive->texts);
	*directive = (struct directive){ 0 };
}
