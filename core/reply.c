/* SPDX-License-Identifier: MIT */
/* Members that nobody knows are left alone; null counts as absent. */
#include "core/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json_strict.h"

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static bool refuse(struct reply *reply, const char *what)
{
	(void)snprintf(reply->sentence, sizeof(reply->sentence), "%s", what);
	return false;
}

/* FAILED says by its class whether another attempt may help. */
static bool read_status(struct reply *reply)
{
	const char *status = text_of(reply->body, "status");
	const char *class = text_of(reply->body, "failure_class");
	if (status == NULL) {
		return refuse(reply, "a RESULT needs a status");
	}
	if (strcmp(status, "SUCCEEDED") == 0) {
		reply->facts.kind = REPLY_SUCCEEDED;
	} else if (strcmp(status, "FAILED_RETRY") == 0) {
		reply->facts.kind = REPLY_FAILED_RETRY;
	} else if (strcmp(status, "FAILED_FINAL") == 0) {
		reply->facts.kind = REPLY_FAILED_FINAL;
	} else if (strcmp(status, "FAILED") == 0) {
		bool is_retryable = class != NULL && strcmp(class, "RETRYABLE") == 0;
		reply->facts.kind = is_retryable ? REPLY_FAILED_RETRY : REPLY_FAILED_FINAL;
	} else {
		return refuse(reply,
		        "status is none of SUCCEEDED, FAILED_RETRY, FAILED_FINAL and FAILED");
	}
	return true;
}

static void read_output_ref(struct reply *reply)
{
	json_t *output = json_object_get(reply->body, "output_ref");
	if (json_is_string(output)) {
		reply->facts.output_ref = (struct value){ json_string_value(output),
			(uint32_t)json_string_length(output), LUCIUS_FIELD_STRING };
	} else if (output != NULL && !json_is_null(output)) {
		reply->output_ref = json_dumps(output, JSON_COMPACT | JSON_ENCODE_ANY);
		if (reply->output_ref != NULL) {
			reply->facts.output_ref = (struct value){ reply->output_ref,
				(uint32_t)strlen(reply->output_ref), LUCIUS_FIELD_JSON };
		}
	}
	if (reply->facts.output_ref.size == 0) {
		value_clear(&reply->facts.output_ref);
	}
}

static bool read_result(struct reply *reply)
{
	const json_t *error = json_object_get(reply->body, "error");
	if (!read_status(reply)) {
		return false;
	}
	reply->facts.error_code = text_of(error, "code");
	reply->facts.error_message = text_of(error, "message");
	read_output_ref(reply);
	return true;
}

static bool read_identity(struct reply *reply)
{
	const json_t *attempt_no = json_object_get(reply->body, "attempt_no");
	reply->job_id = text_of(reply->body, "jobId");
	reply->facts.tenant_id = text_of(reply->body, "tenant_id");
	reply->facts.step_id = text_of(reply->body, "stepId");
	reply->facts.lease_id = text_of(reply->body, "lease_id");
	reply->facts.attempt_no = json_integer_value(attempt_no);
	if (reply->job_id == NULL || reply->facts.step_id == NULL ||
	        reply->facts.lease_id == NULL || !json_is_integer(attempt_no)) {
		return refuse(reply, "a reply needs jobId, stepId, attempt_no and lease_id");
	}
	return true;
}

/* The strict reader is the quicker one; what it refuses may still be good enough from others (a
 * member twice). */
static json_t *parse(struct lucius_text body)
{
	struct json_fault fault;
	json_t *parsed = json_strict_parse(body.data, body.size, NULL, &fault);
	return parsed != NULL ? parsed : json_loadb(body.data, body.size, 0, NULL);
}

bool reply_read(struct lucius_text body, struct reply *ret_reply)
{
	*ret_reply = (struct reply){ 0 };
	ret_reply->body = parse(body);
	if (!json_is_object(ret_reply->body)) {
		return refuse(ret_reply, "the body is not a JSON object");
	}
	const char *type = text_of(ret_reply->body, "type");
	if (!read_identity(ret_reply)) {
		return false;
	}
	if (type != NULL && strcmp(type, "ACK") == 0) {
		ret_reply->facts.kind = REPLY_ACK;
		return true;
	}
	if (type != NULL && strcmp(type, "RESULT") == 0) {
		return read_result(ret_reply);
	}
	return refuse(ret_reply, "type is neither ACK nor RESULT");
}

void reply_finish(struct reply *reply)
{
	json_decref(reply->body);
	free(reply->output_ref);
	*reply = (struct reply){ 0 };
}

const char *reply_type(const struct reply *reply)
{
	return reply->facts.kind == REPLY_ACK ? "ACK" : "RESULT";
}
