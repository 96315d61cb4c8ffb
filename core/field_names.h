/* SPDX-License-Identifier: MIT */
/*
 * The names of the fields that the core itself writes: columns of rows, members of events and
 * properties of messages. They lie in one place and for ever, so that a copy of fields can tell
 * them by where they are and need not copy them.
 */
#ifndef CORE_FIELD_NAMES_H
#define CORE_FIELD_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
#define FIELD_NAMES(NAME) \
	NAME(at) NAME(attempt_no) NAME(attempt_started_at) NAME(attempts_total) \
	NAME(completed_at) NAME(control_seq) NAME(correlation_id) NAME(created_at) \
	NAME(current_step_id) NAME(current_step_index) NAME(decision_reason) \
	NAME(decision_source) NAME(detail) NAME(doc_id) NAME(error_code) NAME(error_message) \
	NAME(event) NAME(event_seq) NAME(final_output) NAME(idempotency_hash) \
	NAME(idempotency_key) NAME(input_ref) NAME(is_answered) NAME(job_id) NAME(lane) \
	NAME(last_error_code) NAME(last_error_message) NAME(lease_expires_at) NAME(lease_id) \
	NAME(mode) NAME(options) NAME(output_ref) NAME(payload) NAME(protocol_id) \
	NAME(request_type) NAME(resolved_mode) NAME(result_ref) NAME(routing_key_used) \
	NAME(service) NAME(state) NAME(step_id) NAME(step_index) NAME(step_type) \
	NAME(tenant_bucket) NAME(tenant_id) NAME(timer_started_at) NAME(traceparent) \
	NAME(updated_at) NAME(workspace_ref)
/* clang-format on */

#define FIELD_NAME_MEMBER(name) char name[sizeof(#name)];
struct field_names {
	FIELD_NAMES(FIELD_NAME_MEMBER)
};
extern const struct field_names field_names;

/* The text is one of them, not only one that reads alike. */
static inline bool field_name_is_kept(const char *text)
{
	return (uintptr_t)text - (uintptr_t)&field_names < sizeof(field_names);
}

#endif
