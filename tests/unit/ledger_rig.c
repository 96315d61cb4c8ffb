/* SPDX-License-Identifier: MIT */
/* Rules that are played on the job, and the storage's answers, which the test gives by hand. */
#include "tests/unit/ledger_rig.h"

#include <stdio.h>
#include <string.h>

#include "core/job_rules.h"
#include "tests/support/storage_world.h"
#include "tests/support/suite.h"

#define LEASE_END "2026-11-24T12:15:00.000000Z"

struct ledger_rig line;

static enum rule reply(struct job *job, int64_t attempt_no, enum reply_kind kind, const char *now)
{
	const struct reply_facts facts = {
		.kind = kind,
		.tenant_id = "t1",
		.step_id = "ocr",
		.attempt_no = attempt_no,
		.lease_id = attempt_no == 1 ? "a" : "b",
		.error_code = kind >= REPLY_FAILED_RETRY ? "BAD_SCAN" : NULL,
	};
	return rule_reply(job, &facts, now);
}

static enum rule lease(struct job *job, int64_t attempt_no, const char *now)
{
	const struct lease_request request = { "t1", "ocr", attempt_no, attempt_no == 1 ? "a" : "b",
		LEASE_END };
	return rule_lease(job, &request, now);
}

enum rule play_lease_1(struct job *job, const char *now)
{
	return lease(job, 1, now);
}

enum rule play_lease_2(struct job *job, const char *now)
{
	return lease(job, 2, now);
}

enum rule play_published(struct job *job, const char *now)
{
	const struct lease_request request = { "t1", "ocr", 1, "a", LEASE_END };
	return rule_published(job, &request, now);
}

enum rule play_ack(struct job *job, const char *now)
{
	return reply(job, 1, REPLY_ACK, now);
}

enum rule play_ack_2(struct job *job, const char *now)
{
	return reply(job, 2, REPLY_ACK, now);
}

enum rule play_success(struct job *job, const char *now)
{
	return reply(job, 1, REPLY_SUCCEEDED, now);
}

enum rule play_retry(struct job *job, const char *now)
{
	return reply(job, 1, REPLY_FAILED_RETRY, now);
}

enum rule play_pause(struct job *job, const char *now)
{
	return rule_control(job, CONTROL_PAUSE, now);
}

enum rule play_resume(struct job *job, const char *now)
{
	return rule_control(job, CONTROL_RESUME, now);
}

enum rule play_cancel(struct job *job, const char *now)
{
	return rule_control(job, CONTROL_CANCEL, now);
}

enum rule play_look_at_revision(struct job *job, const char *now)
{
	(void)now;
	(void)snprintf(line.seen_revision, sizeof(line.seen_revision), "%.*s",
	        (int)job->revision.size, job->revision.data);
	return RULE_STALE;
}

enum rule line_change(void *user, struct job *job, const char *now)
{
	struct line_call *call = user;
	call->n_tried++;
	return call->rule(job, now);
}

void line_on_done(void *user, const struct ledger_result *result)
{
	struct line_call *call = user;
	call->n_done++;
	call->place = ++line.n_answered;
	call->status = result->status;
	call->said = result->rule;
	CHECK_INT(result->job != NULL, result->status == LUCIUS_OK);
	if (result->job != NULL) {
		call->job_state = result->job->state;
		call->step_state = result->job->steps[0].state;
		call->control_seq = result->job->control_seq;
		(void)snprintf(call->revision, sizeof(call->revision), "%.*s",
		        (int)result->job->revision.size, result->job->revision.data);
	}
}

struct line_call *line_next_call(line_rule *rule)
{
	struct line_call *call = &line.calls[line.n_calls++];
	*call = (struct line_call){ .rule = rule };
	return call;
}

struct line_call *line_update(line_rule *rule)
{
	struct line_call *call = line_next_call(rule);
	ledger_update(line.ledger, LINE_JOB, line_change, line_on_done, call);
	return call;
}

struct line_call *line_update_patiently(line_rule *rule)
{
	struct line_call *call = line_next_call(rule);
	ledger_update_patiently(line.ledger, LINE_JOB, line_change, line_on_done, call);
	return call;
}

void line_begin(uint32_t traits)
{
	world_begin();
	fake->traits = traits;
	line.ledger = ledger_create(world.loop, world.storage);
	line.n_calls = 0;
	line.n_answered = 0;
}

void line_end(void)
{
	unsigned n_asked = fake->n_asked;
	loop_advance(world.loop, 1000);
	CHECK_INT(fake->n_asked, n_asked);
	CHECK_INT(ledger_n_open(line.ledger), 0);
	for (unsigned i = 0; i < line.n_calls; i++) {
		CHECK_INT(line.calls[i].n_done, 1);
	}
	ledger_destroy(line.ledger);
	world_end();
}

static struct lucius_op last_asked(void)
{
	return fake->asked[fake->n_asked - 1];
}

/* A job of two steps, on which these rules were played. */
static struct job *job_after(line_rule *const *rules, size_t n_rules)
{
	struct job *job = job_create();
	job_set(job, &job->job_id, LINE_JOB);
	job_set(job, &job->tenant_id, "t1");
	job->n_steps = 2;
	job->steps = arena_zalloc(&job->arena, 2 * sizeof(*job->steps));
	for (size_t i = 0; i < 2; i++) {
		job->steps[i].step_index = (int64_t)i;
		job_set(job, &job->steps[i].step_id, i == 0 ? "ocr" : "embedding");
		job_set(job, &job->steps[i].output_ref, "out");
	}
	for (size_t i = 0; i < n_rules; i++) {
		CHECK_INT(rules[i](job, "2026-11-24T12:00:00.000000Z"), RULE_CHANGED);
	}
	job->n_new_events = 0;
	return job;
}

static void give_row(const struct job *job, const char *revision)
{
	CLEANUP_ARENA struct arena arena = { 0 };
	struct lucius_job row = *job_encode_new(job, &arena);
	row.revision = world_text(revision);
	fake->host->give(fake->host, last_asked(), &row);
}

/* Answers a load. */
void line_loaded(line_rule *const *rules, size_t n_rules, const char *revision)
{
	CLEANUP(cleanup_job) struct job *job = job_after(rules, n_rules);
	give_row(job, revision);
	world_finish(last_asked(), LUCIUS_OK, NULL);
	world_turn();
}

line_rule *const line_leased[] = { play_lease_1 };

void line_saved(const char *revision)
{
	CLEANUP(cleanup_job) struct job *job = job_after(line_leased, 1);
	give_row(job, revision);
	world_finish(last_asked(), LUCIUS_OK, NULL);
	world_turn();
}

void line_refused(uint32_t status)
{
	world_finish(last_asked(), status, NULL);
	world_turn();
}

static const char *field_of(const struct lucius_field *fields, uint64_t n_fields, const char *name)
{
	for (uint64_t i = 0; i < n_fields; i++) {
		if (strcmp(fields[i].name, name) == 0) {
			return fields[i].value;
		}
	}
	return NULL;
}

/* Of the save under way. */
const char *line_job_field(const char *name)
{
	return field_of(fake->job->fields, fake->job->n_fields, name);
}

const char *line_step_field(const char *name)
{
	return fake->job->n_steps != 0
	        ? field_of(fake->job->steps[0]->fields, fake->job->steps[0]->n_fields, name)
	        : NULL;
}

const char *line_event_field(size_t number, const char *name)
{
	return number < fake->job->n_events ? field_of(fake->job->events[number]->fields,
	                                              fake->job->events[number]->n_fields, name)
	                                    : NULL;
}
