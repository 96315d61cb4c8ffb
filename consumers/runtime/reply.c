/* SPDX-License-Identifier: MIT */
/* Builds replies; see reply.h. */
#include "consumers/runtime/reply.h"

#include "consumers/runtime/json_text.h"
#include "support/amqp/message.h"

static void append_common(
        struct amqp_buffer *buffer, const char *type, const struct directive *directive)
{
	char now[JSON_TEXT_TIME_SIZE];
	json_text_now(now);
	json_text_append(buffer, "{");
	json_text_member(buffer, "type", type);
	json_text_member(buffer, "jobId", directive->job_id);
	json_text_member(buffer, "stepId", directive->step_id);
	json_text_member(buffer, "tenant_id", directive->tenant_id);
	json_text_number(buffer, "attempt_no", directive->attempt_no);
	json_text_member(buffer, "lease_id", directive->lease_id);
	json_text_member(buffer, "correlation_id", directive->correlation_id);
	json_text_member(buffer, "timestamp", now);
}

void reply_ack_body(struct amqp_buffer *buffer, const struct directive *directive)
{
	append_common(buffer, "ACK", directive);
	json_text_append(buffer, "}");
}

void reply_result_body(
        struct amqp_buffer *buffer, const struct directive *directive, const struct result *result)
{
	append_common(buffer, "RESULT", directive);
	json_text_member(buffer, "status", result_status_name(result->status));
	if (result->code != NULL) {
		json_text_raw(buffer, "error", "{");
		json_text_member(buffer, "code", result->code);
		json_text_member(buffer, "message", result->message);
		json_text_append(buffer, "}");
	}
	if (result->output_ref != NULL) {
		json_text_raw(buffer, "output_ref", result->output_ref);
	}
	json_text_append(buffer, "}");
}

static struct amqp_application_property text_property(const char *name, const char *text)
{
	return (struct amqp_application_property){ .name = amqp_text(name),
		.text = amqp_text(text) };
}

static struct amqp_application_property number_property(const char *name, int64_t number)
{
	return (struct amqp_application_property){
		.name = amqp_text(name), .number = number, .is_number = true
	};
}

void reply_message(
        struct amqp_buffer *buffer, const struct directive *directive, const struct reply *reply)
{
	struct amqp_application_property properties[8];
	size_t n_properties = 0;
	properties[n_properties++] = text_property("type", reply->type);
	properties[n_properties++] = text_property("job_id", directive->job_id);
	properties[n_properties++] = text_property("step_id", directive->step_id);
	properties[n_properties++] = text_property("lease_id", directive->lease_id);
	properties[n_properties++] = number_property("attempt_no", directive->attempt_no);
	properties[n_properties++] = number_property("lane", reply->lane);
	if (directive->tenant_id != NULL) {
		properties[n_properties++] = text_property("tenant_id", directive->tenant_id);
	}
	if (directive->traceparent != NULL) {
		properties[n_properties++] = text_property("traceparent", directive->traceparent);
	}
	struct amqp_draft draft = {
		.is_durable = true,
		.message_id = amqp_text(reply->message_id),
		.subject = amqp_text(reply->type),
		.correlation_id = amqp_text(directive->correlation_id),
		.content_type = amqp_text("application/json"),
		.properties = properties,
		.n_properties = n_properties,
		.body = reply->body,
	};
	amqp_message_write(buffer, &draft);
}
