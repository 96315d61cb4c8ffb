/* SPDX-License-Identifier: MIT */
/* Members that nobody knows are left alone; null counts as absent; of a member that is there twice
 * the last one counts. */
#include "core/reply.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json_slice.h"

enum reply_member {
	TYPE,
	JOB_ID,
	TENANT_ID,
	STEP_ID,
	ATTEMPT_NO,
	LEASE_ID,
	STATUS,
	FAILURE_CLASS,
	ERROR,
	OUTPUT_REF,
	N_MEMBERS
};
static const char *const member_names[N_MEMBERS] = { "type", "jobId", "tenant_id", "stepId",
	"attempt_no", "lease_id", "status", "failure_class", "error", "output_ref" };

static bool refuse(struct reply *reply, const char *what)
{
	(void)snprintf(reply->sentence, sizeof(reply->sentence), "%s", what);
	return false;
}

/* FAILED says by its class whether another attempt may help. */
static bool read_status(struct reply *reply, struct json_slice status, struct json_slice class)
{
	if (status.size == 0 || status.text[0] != '"') {
		return refuse(reply, "a RESULT needs a status");
	}
	if (json_slice_is_text(status, "SUCCEEDED")) {
		reply->facts.kind = REPLY_SUCCEEDED;
	} else if (json_slice_is_text(status, "FAILED_RETRY")) {
		reply->facts.kind = REPLY_FAILED_RETRY;
	} else if (json_slice_is_text(status, "FAILED_FINAL")) {
		reply->facts.kind = REPLY_FAILED_FINAL;
	} else if (json_slice_is_text(status, "FAILED")) {
		reply->facts.kind = json_slice_is_text(class, "RETRYABLE") ? REPLY_FAILED_RETRY
		                                                           : REPLY_FAILED_FINAL;
	} else {
		return refuse(reply,
		        "status is none of SUCCEEDED, FAILED_RETRY, FAILED_FINAL and FAILED");
	}
	return true;
}

/* What is no string is kept as JSON as we print it: no white space, each member once. */
static bool read_output_json(struct reply *reply, struct json_slice output)
{
	json_t *tree = json_loadb(output.text, output.size, JSON_DECODE_ANY, NULL);
	char *text = tree != NULL ? json_dumps(tree, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	json_decref(tree);
	if (text == NULL) {
		return refuse(reply, "output_ref holds a number that is too large, or is too deep");
	}
	size_t size = strlen(text);
	reply->facts.output_ref = (struct value){ arena_copy(&reply->arena, text, size),
		(uint32_t)size, LUCIUS_FIELD_JSON };
	free(text);
	return true;
}

static bool read_output_ref(struct reply *reply, struct json_slice output)
{
	const char *string = json_slice_copy(output, &reply->arena);
	if (string == NULL) {
		return json_slice_is_null(output) || read_output_json(reply, output);
	}
	if (string[0] != '\0') {
		reply->facts.output_ref =
		        (struct value){ string, (uint32_t)strlen(string), LUCIUS_FIELD_STRING };
	}
	return true;
}

static bool read_result(struct reply *reply, const struct json_slice *members)
{
	if (!read_status(reply, members[STATUS], members[FAILURE_CLASS])) {
		return false;
	}
	struct arena *arena = &reply->arena;
	reply->facts.error_code = json_slice_copy(json_slice_member(members[ERROR], "code"), arena);
	reply->facts.error_message =
	        json_slice_copy(json_slice_member(members[ERROR], "message"), arena);
	return read_output_ref(reply, members[OUTPUT_REF]);
}

static bool read_identity(struct reply *reply, const struct json_slice *members)
{
	struct arena *arena = &reply->arena;
	bool is_integer = json_slice_integer(members[ATTEMPT_NO], &reply->facts.attempt_no);
	reply->job_id = json_slice_copy(members[JOB_ID], arena);
	reply->facts.tenant_id = json_slice_copy(members[TENANT_ID], arena);
	reply->facts.step_id = json_slice_copy(members[STEP_ID], arena);
	reply->facts.lease_id = json_slice_copy(members[LEASE_ID], arena);
	if (reply->job_id == NULL || reply->facts.step_id == NULL ||
	        reply->facts.lease_id == NULL || !is_integer) {
		return refuse(reply, "a reply needs jobId, stepId, attempt_no and lease_id");
	}
	return true;
}

bool reply_read(struct lucius_text body, struct reply *ret_reply)
{
	*ret_reply = (struct reply){ 0 };
	struct json_slice members[N_MEMBERS];
	struct json_slice object =
	        json_slice_read(body.data, body.size, member_names, N_MEMBERS, members);
	if (!json_slice_is_object(object)) {
		return refuse(ret_reply, "the body is not a JSON object");
	}
	if (!read_identity(ret_reply, members)) {
		return false;
	}
	if (json_slice_is_text(members[TYPE], "ACK")) {
		ret_reply->facts.kind = REPLY_ACK;
		return true;
	}
	if (json_slice_is_text(members[TYPE], "RESULT")) {
		return read_result(ret_reply, members);
	}
	return refuse(ret_reply, "type is neither ACK nor RESULT");
}

void reply_finish(struct reply *reply)
{
	arena_finish(&reply->arena);
	*reply = (struct reply){ 0 };
}
