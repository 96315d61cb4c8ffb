/* SPDX-License-Identifier: MIT */
/*
 * The platform's consumers: most do what they are told, some are slow, dead, double or lie. What
 * one does with a directive follows from the command, the step and the attempt alone, so that a
 * repeat of it is answered alike, whatever engine sent it.
 */
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/sim/system/world.h"

enum { QUICK_MS = 5000 };

/* What is to be sent, after a while. */
struct reply_plan {
	struct queue *queue;
	char *body; /* owned */
	struct reply_note note;
};

/* One directive as its consumer sees it. */
struct directive {
	struct world *world;
	struct queue *replies;
	struct sim_random random;
	const char *job_id, *step_id, *tenant_id, *lease_id;
	int64_t attempt_no;
};

static void drop(void *user)
{
	struct reply_plan *plan = user;
	free(plan->body);
	free(plan);
}

static void on_send(struct world *world, void *user)
{
	struct reply_plan *plan = user;
	unsigned n = world_fails(world, world->climate.repeated) ? 2 : 1;
	world_say(world, plan->note.job_id, "consumer: %s", plan->body);
	for (unsigned i = 0; i < n; i++) {
		bus_put(world, plan->queue, plan->body, strlen(plan->body), "", 0, &plan->note);
	}
	drop(plan);
}

static void send(const struct directive *directive, uint64_t after_ms, bool is_result, char *body,
        bool is_honest)
{
	struct reply_plan *plan = must_calloc(1, sizeof(*plan));
	plan->queue = directive->replies;
	plan->body = body;
	plan->note.is_result = is_result;
	plan->note.is_honest = is_honest;
	plan->note.attempt_no = directive->attempt_no;
	(void)snprintf(plan->note.job_id, sizeof(plan->note.job_id), "%s", directive->job_id);
	(void)snprintf(plan->note.step_id, sizeof(plan->note.step_id), "%s", directive->step_id);
	(void)snprintf(plan->note.lease_id, sizeof(plan->note.lease_id), "%s", directive->lease_id);
	world_at_with(directive->world, after_ms, on_send, plan, drop);
}

static char *print_ack(const struct directive *d)
{
	return must_print("{\"type\": \"ACK\", \"jobId\": \"%s\", \"stepId\": \"%s\", "
	                  "\"tenant_id\": \"%s\", \"attempt_no\": %lld, \"lease_id\": \"%s\", "
	                  "\"timestamp\": \"2026-03-01T12:00:00Z\"}",
	        d->job_id, d->step_id, d->tenant_id, (long long)d->attempt_no, d->lease_id);
}

static char *print_result(const struct directive *d, const char *status, const char *variant)
{
	return must_print("{\"type\": \"RESULT\", \"jobId\": \"%s\", \"stepId\": \"%s\", "
	                  "\"tenant_id\": \"%s\", \"attempt_no\": %lld, \"lease_id\": \"%s\", "
	                  "\"timestamp\": \"2026-03-01T12:00:00.5+00:00\", \"status\": %s, "
	                  "\"error\": {\"code\": \"E%s\", \"message\": \"m\"}, "
	                  "\"output_ref\": \"mem://%s/%s\"}",
	        d->job_id, d->step_id, d->tenant_id, (long long)d->attempt_no, d->lease_id, status,
	        variant, d->lease_id, variant);
}

static const char *choose_status(struct directive *directive)
{
	const struct climate *climate = &directive->world->climate;
	bool is_calm = world_is_calm(directive->world);
	if (!is_calm && sim_random_is(&directive->random, climate->consumer_retries)) {
		return sim_random_is(&directive->random, 50)
		        ? "\"FAILED_RETRY\""
		        : "\"FAILED\", \"failure_class\": \"RETRYABLE\"";
	}
	if (!is_calm && sim_random_is(&directive->random, climate->consumer_fails)) {
		return sim_random_is(&directive->random, 50)
		        ? "\"FAILED_FINAL\""
		        : "\"FAILED\", \"failure_class\": \"NON_RETRYABLE\"";
	}
	return "\"SUCCEEDED\"";
}

static uint64_t within(struct directive *directive, uint64_t n)
{
	return sim_random_below(&directive->random, n + 1);
}

/* What nobody may believe: another lease, attempt, tenant, step, job, or no JSON at all. */
static void lie(struct directive *directive)
{
	struct directive d = *directive;
	uint64_t after_ms = within(directive, 2 * QUICK_MS);
	char *body = NULL;
	switch (within(directive, 6)) {
	case 0:
		d.lease_id = "00000000000000000000000000000000";
		break;
	case 1:
		d.attempt_no += within(directive, 1) == 0 ? 1 : -1;
		break;
	case 2:
		d.tenant_id = "somebody else";
		break;
	case 3:
		d.step_id = "no-such-step";
		break;
	case 4:
		d.job_id = "0123456789abcdef0123456789abcdef";
		break;
	case 5:
		body = must_print("{\"type\": \"RESULT\", \"jobId\": ");
		break;
	default:
		body = must_print("{\"type\": \"RESULT\", \"jobId\": \"%s\", \"stepId\": 7}",
		        directive->job_id);
		break;
	}
	send(directive, after_ms, true,
	        body != NULL ? body : print_result(&d, "\"SUCCEEDED\"", "lie"), false);
}

static void answer(struct directive *directive)
{
	const struct climate *climate = &directive->world->climate;
	bool is_calm = world_is_calm(directive->world);
	bool is_slow = !is_calm && sim_random_is(&directive->random, climate->consumer_slow);
	uint64_t ack_ms = within(directive, is_slow ? climate->slow_ms : QUICK_MS);
	uint64_t result_ms = ack_ms + within(directive, is_slow ? climate->slow_ms : QUICK_MS);
	bool is_mute = !is_calm && sim_random_is(&directive->random, climate->consumer_dead);
	bool is_half = is_mute && sim_random_is(&directive->random, 50);
	bool has_ack = !sim_random_is(&directive->random, climate->consumer_skips_ack);
	if (has_ack && (!is_mute || is_half)) {
		send(directive, ack_ms, false, print_ack(directive), true);
	}
	if (is_mute) {
		return;
	}
	send(directive, result_ms, true, print_result(directive, choose_status(directive), "a"),
	        true);
	if (!is_calm && sim_random_is(&directive->random, climate->consumer_doubles)) {
		uint64_t again_ms = within(directive, is_slow ? climate->slow_ms : 2 * QUICK_MS);
		send(directive, again_ms, true,
		        print_result(directive, choose_status(directive), "b"), true);
	}
}

static uint64_t hash(uint64_t value, const char *text)
{
	for (; *text != '\0'; text++) {
		value = (value ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	}
	return value;
}

static const char *text_of(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));
	return text != NULL ? text : "";
}

void consumer_take(struct world *world, struct queue *queue, struct message *message)
{
	json_t *json = json_loadb(message->body, message->body_size, 0, NULL);
	struct directive directive = {
		.world = world,
		.replies = &world->bus->replies[queue->lane],
		.job_id = text_of(json, "jobId"),
		.step_id = text_of(json, "stepId"),
		.tenant_id = text_of(json, "tenant_id"),
		.lease_id = text_of(json, "lease_id"),
		.attempt_no = json_integer_value(json_object_get(json, "attempt_no")),
	};
	uint64_t seed = hash(world->request.seed, text_of(json, "correlation_id"));
	seed = hash(seed, directive.step_id) + (uint64_t)directive.attempt_no;
	directive.random.state = seed;
	world_say(world, directive.job_id, "consumer: got %s attempt %lld (%s)", directive.step_id,
	        (long long)directive.attempt_no, directive.lease_id);
	if (strcmp(directive.step_id, "") == 0) {
		world_violate(world, directive.job_id, "a directive names no step");
	}
	bool is_lied_to = !world_is_calm(world) &&
	        sim_random_is(&directive.random, world->climate.consumer_lies);
	if (is_lied_to) {
		lie(&directive);
	}
	answer(&directive);
	json_decref(json);
}
