/* SPDX-License-Identifier: MIT */
/*
 * Publishing an attempt:
 *
 *   glance at the job → on_glance ─┬→ bus → on_published → ledger (rule_published) → answer
 *                                  └→ it is not to be: read the job → on_job → bus, or answer
 *
 * The lease was saved here a moment ago as a rule: then nothing is read.
 * The message id is the attempt's, so that a repeat is dropped by the bus or answered alike by the
 * consumer; a crash between bus and ledger is mended by the repeat.
 */
#include <inttypes.h>
#include <string.h>

#include "core/backend.h"
#include "core/field_names.h"
#include "core/invoker_internal.h"
#include "core/job_log.h"
#include "core/loop.h"
#include "core/rfc3339.h"
#include "support/base/decimal.h"

#define TOPIC_PREFIX "global-bus-p"
#define MAX_PROPERTIES 12u
#define US_PER_MS 1000

struct directive_message {
	struct lucius_message message;
	struct lucius_field properties[MAX_PROPERTIES];
	char attempt_no[DECIMAL_SIZE];
	char lane[DECIMAL_SIZE];
};

static enum rule change_published(void *user, struct job *job, const char *now)
{
	struct invoker_chain *chain = user;
	return rule_published(job, &chain->lease, now);
}

static void on_recorded(void *user, const struct ledger_result *result)
{
	struct invoker_chain *chain = user;
	if (result->status != LUCIUS_OK) {
		invoker_fail(chain, result->status, result->sentence);
		return;
	}
	job_log_step(LUCIUS_LOG_INFO, "directive.published", result->job,
	        job_find_step(result->job, chain->lease.step_id), NULL);
	invoker_finish_ok(chain);
}

static void on_published(void *user, uint32_t status, const char *sentence)
{
	struct invoker_chain *chain = user;
	switch (status) {
	case LUCIUS_OK:
	case LUCIUS_DUPLICATE:
		ledger_update_patiently(chain->invoker->parts.ledger, chain->job_id,
		        change_published, on_recorded, chain);
		break;
	case LUCIUS_UNROUTABLE:
		invoker_refuse_reason(chain, "unroutable",
		        sentence != NULL ? sentence : "nobody takes messages of this topic");
		break;
	case LUCIUS_TOO_LARGE:
		invoker_refuse_reason(chain, "too-large",
		        sentence != NULL ? sentence : "the directive is too large for the bus");
		break;
	default:
		invoker_fail(chain, LUCIUS_UNAVAILABLE, sentence);
		break;
	}
}

static void add_property(
        struct directive_message *directive, const char *name, const char *text, uint32_t type)
{
	if (text == NULL) {
		return;
	}
	directive->properties[directive->message.n_properties++] = (struct lucius_field){
		.name = name, .value = text, .value_size = (uint32_t)strlen(text), .type = type
	};
}

static void add_properties(struct directive_message *message, const struct invoker_chain *chain)
{
	const struct invoker_directive *directive = &chain->directive;
	add_property(message, field_names.tenant_id, chain->lease.tenant_id, LUCIUS_FIELD_STRING);
	add_property(message, field_names.step_type, directive->step_type, LUCIUS_FIELD_STRING);
	add_property(message, field_names.service, directive->service, LUCIUS_FIELD_STRING);
	add_property(message, field_names.mode, directive->mode, LUCIUS_FIELD_STRING);
	add_property(message, field_names.lease_id, chain->lease.lease_id, LUCIUS_FIELD_STRING);
	add_property(message, field_names.traceparent, directive->traceparent, LUCIUS_FIELD_STRING);
	add_property(message, "Diagnostic-Id", directive->traceparent, LUCIUS_FIELD_STRING);
	add_property(message, field_names.job_id, chain->job_id, LUCIUS_FIELD_STRING);
	add_property(message, field_names.step_id, chain->lease.step_id, LUCIUS_FIELD_STRING);
	add_property(message, field_names.attempt_no, message->attempt_no, LUCIUS_FIELD_INTEGER);
	add_property(message, field_names.lane, message->lane, LUCIUS_FIELD_INTEGER);
}

static struct lucius_text text_of(const char *text)
{
	return (struct lucius_text){ text, text != NULL ? strlen(text) : 0 };
}

static void fill(struct directive_message *message, struct invoker_chain *chain)
{
	const struct invoker_directive *directive = &chain->directive;
	(void)decimal_print(message->attempt_no, chain->lease.attempt_no);
	(void)decimal_print(message->lane, directive->lane);
	message->message = (struct lucius_message){
		.size = sizeof(message->message),
		.body = { directive->json.text, directive->json.size },
		.message_id = text_of(arena_join(&chain->arena, chain->job_id, ":",
		        chain->lease.step_id, ":", message->attempt_no, NULL)),
		.subject = text_of(directive->step_type),
		.content_type = text_of("application/json"),
		.correlation_id = text_of(directive->correlation_id),
		.properties = message->properties,
	};
	add_properties(message, chain);
}

/* Time to live: until the lease ends; false if it has ended. A foreign lease may say no end. */
static bool set_ttl(struct directive_message *directive, const struct invoker_chain *chain)
{
	const char *text = chain->lease.lease_expires_at;
	int64_t end_us;
	if (text == NULL || !rfc3339_parse(text, strlen(text), &end_us)) {
		return true;
	}
	int64_t left_us = end_us - loop_clock_us(chain->invoker->parts.loop);
	if (left_us < US_PER_MS) {
		return false;
	}
	directive->message.ttl_ms = (uint64_t)left_us / US_PER_MS;
	return true;
}

void invoker_expect(const struct invoker *invoker)
{
	CLEANUP_ARENA struct arena arena = { 0 };
	uint32_t n = invoker->parts.n_lanes;
	struct lucius_text *topics = arena_zalloc(&arena, n * sizeof(*topics));
	for (uint32_t i = 0; i < n; i++) {
		topics[i] = text_of(arena_printf(&arena, TOPIC_PREFIX "%" PRIu32, i));
	}
	const struct lucius_topology topology = {
		.size = sizeof(topology), .topics = topics, .n_topics = n
	};
	bus_expect(invoker->parts.bus, &topology);
}

static void publish(struct invoker_chain *chain)
{
	struct directive_message directive;
	fill(&directive, chain);
	if (!set_ttl(&directive, chain)) {
		invoker_refuse_reason(
		        chain, "lease-over", "the lease has ended before the publish");
		return;
	}
	char *topic = arena_join(&chain->arena, TOPIC_PREFIX, directive.lane, NULL);
	const struct op_caller caller = { NULL, on_published, chain, 0 };
	(void)bus_publish(chain->invoker->parts.bus, text_of(topic), &directive.message, &caller);
}

static void on_job(void *user, const struct ledger_result *result)
{
	struct invoker_chain *chain = user;
	if (result->status != LUCIUS_OK) {
		invoker_fail(chain, result->status, result->sentence);
		return;
	}
	enum rule rule = rule_publish(result->job, &chain->lease);
	if (rule == RULE_CHANGED) {
		publish(chain);
	} else if (rule == RULE_UNCHANGED) {
		invoker_finish_ok(chain);
	} else {
		invoker_refuse(chain, rule, result->job);
	}
}

static void on_glance(void *user, const struct ledger_result *result)
{
	struct invoker_chain *chain = user;
	if (result->status != LUCIUS_OK) {
		invoker_fail(chain, result->status, result->sentence);
	} else if (rule_publish(result->job, &chain->lease) == RULE_CHANGED) {
		publish(chain);
	} else {
		ledger_read(chain->invoker->parts.ledger, chain->job_id, on_job, chain);
	}
}

void invoker_publish(struct invoker_chain *chain)
{
	ledger_glance(chain->invoker->parts.ledger, chain->job_id, on_glance, chain);
}
