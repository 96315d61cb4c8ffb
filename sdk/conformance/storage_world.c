/* SPDX-License-Identifier: MIT */
/* Worlds, drafts and changes of storage tests. */
#include "sdk/conformance/storage_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define START_US 1767225600000000 /* 2026-01-01T00:00:00Z */

static void make_hex(char *text, size_t n_digits)
{
	unsigned char bytes[64];
	size_t n_bytes = (n_digits + 1) / 2;
	if (getrandom(bytes, n_bytes, 0) != (ssize_t)n_bytes) {
		abort();
	}
	for (size_t i = 0; i < n_digits; i++) {
		text[i] = "0123456789abcdef"[bytes[i / 2] >> (i % 2 * 4) & 15];
	}
	text[n_digits] = '\0';
}

static struct instance *open_instance(struct host *host)
{
	const struct conformance_run *run = conformance_run();
	struct instance_spec spec = { run->path, run->kind, run->options, run->n_options };
	char error[512] = "";
	struct instance *instance = instance_create(host, &spec, error, sizeof(error));
	if (instance == NULL) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	CHECK_STATUS(instance_start(instance), LUCIUS_OK);
	CHECK_STATUS(instance_listen(instance), LUCIUS_OK);
	return instance;
}

void world_open(struct world *world)
{
	char tag[13];
	make_hex(tag, 12);
	*world = (struct world){ .host = host_create(START_US, conformance_run()->is_loud) };
	(void)snprintf(world->tenant, sizeof(world->tenant), "tenant-%s", tag);
	world->instance = open_instance(world->host);
	world->second = world->instance;
	world->storage = instance_plugin(world->instance)->storage;
	struct lucius_storage_info info = { .size = sizeof(info) };
	if (LUCIUS_HAS(world->storage, info)) {
		world->storage->info(instance_self(world->instance), &info);
	}
	world->traits = info.traits;
}

void world_open_twice(struct world *world)
{
	world_open(world);
	if ((world->traits & LUCIUS_STORAGE_SHARED) != 0) {
		world->second = open_instance(world->host);
	}
}

static void close_instance(struct instance *instance)
{
	CHECK_STATUS(instance_stop(instance), LUCIUS_OK);
	instance_destroy(instance);
}

void world_close(struct world *world)
{
	if (world->second != world->instance) {
		close_instance(world->second);
	}
	close_instance(world->instance);
	host_destroy(world->host);
}

struct lucius_field text_field(const char *name, const char *value)
{
	return (struct lucius_field){ name, value, (uint32_t)strlen(value), LUCIUS_FIELD_STRING };
}

struct lucius_text text_of(const char *text)
{
	return (struct lucius_text){ text, strlen(text) };
}

static void write_time(char text[28], int64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm parts;
	(void)gmtime_r(&seconds, &parts);
	size_t size = strftime(text, 28, "%Y-%m-%dT%H:%M:%S", &parts);
	(void)snprintf(text + size, 28 - size, ".%06dZ", (int)(us % 1000000));
}

void draft_set(struct draft *draft, const char *name, const char *value)
{
	draft->fields[draft->n_fields++] = text_field(name, value);
}

static void draft_step(struct draft *draft, uint32_t n, const char *step_id)
{
	struct lucius_field *fields = draft->step_fields[n];
	fields[0] = text_field("step_id", step_id);
	fields[1] = text_field("state", "PENDING");
	fields[2] =
	        (struct lucius_field){ "step_index", n == 0 ? "0" : "1", 1, LUCIUS_FIELD_INTEGER };
	fields[3] = (struct lucius_field){ "payload", "{\"page_range\":\"1-3\"}", 20,
		LUCIUS_FIELD_JSON };
	draft->steps[n] = (struct lucius_step){
		.size = sizeof(struct lucius_step),
		.step_index = n,
		.step_id = text_of(step_id),
		.fields = fields,
		.n_fields = 4,
	};
	draft->step_list[n] = &draft->steps[n];
}

void draft_init(struct draft *draft, struct world *world, const char *tenant)
{
	memset(draft, 0, sizeof(*draft));
	make_hex(draft->job_id, 32);
	make_hex(draft->hash, 64);
	/* Each draft is a millisecond younger, so that the order of creation is told by the time.
	 */
	write_time(
	        draft->created_at, host_clock_us(world->host) + INT64_C(1000) * world->n_drafts++);
	(void)snprintf(draft->tenant, sizeof(draft->tenant), "%s", tenant);
	(void)snprintf(draft->bucket, sizeof(draft->bucket), "%s#202601", tenant);
	draft->max_inflight = 100;
	draft_set(draft, "job_id", draft->job_id);
	draft_set(draft, "tenant_id", draft->tenant);
	draft_set(draft, "tenant_bucket", draft->bucket);
	draft_set(draft, "state", "QUEUED");
	draft_set(draft, "idempotency_hash", draft->hash);
	draft_set(draft, "created_at", draft->created_at);
	draft->fields[draft->n_fields++] =
	        (struct lucius_field){ "attempts_total", "0", 1, LUCIUS_FIELD_INTEGER };
	draft_step(draft, 0, "ocr");
	draft_step(draft, 1, "embedding");
}

void draft_set_hash(struct draft *draft, const char *text)
{
	uint64_t word = 0xcbf29ce484222325u;
	for (const char *at = text; *at != '\0'; at++) {
		word = (word ^ (unsigned char)*at) * 0x100000001b3u;
	}
	for (size_t i = 0; i < 64; i++) {
		word = word * 6364136223846793005u + 1442695040888963407u;
		draft->hash[i] = "0123456789abcdef"[word >> 60];
	}
}

const struct lucius_command *draft_command(struct draft *draft)
{
	draft->job = (struct lucius_job){
		.size = sizeof(struct lucius_job),
		.job_id = text_of(draft->job_id),
		.tenant_id = text_of(draft->tenant),
		.tenant_bucket = text_of(draft->bucket),
		.created_at = text_of(draft->created_at),
		.state = text_of("QUEUED"),
		.fields = draft->fields,
		.n_fields = draft->n_fields,
		.steps = draft->step_list,
		.n_steps = DRAFT_N_STEPS,
		.events = draft->events,
		.n_events = draft->n_events,
	};
	draft->command = (struct lucius_command){
		.size = sizeof(struct lucius_command),
		.max_inflight = draft->max_inflight,
		.idempotency_key = text_of(draft->key != NULL ? draft->key : ""),
		.idempotency_hash = text_of(draft->hash),
		.job = &draft->job,
	};
	return &draft->command;
}

void change_init(struct change *change, const struct lucius_job *job)
{
	memset(change, 0, sizeof(*change));
	change->job = *job;
	change->job.fields = change->fields;
	change->job.n_fields = 0;
	change->job.steps = change->step_list;
	change->job.n_steps = 0;
	change->job.events = NULL;
	change->job.n_events = 0;
}

void change_set(struct change *change, const char *name, const char *value)
{
	change->fields[change->job.n_fields++] = text_field(name, value);
}

void change_state(struct change *change, const char *state, bool is_terminal)
{
	change->job.state = text_of(state);
	change->job.is_terminal = is_terminal;
	change_set(change, "state", state);
}

void change_set_step(
        struct change *change, const struct lucius_step *step, const char *name, const char *value)
{
	if (change->job.n_steps == 0) {
		change->step = *step;
		change->step.fields = change->step_fields;
		change->step.n_fields = 0;
		change->step_list[0] = &change->step;
		change->job.n_steps = 1;
	}
	change->step_fields[change->step.n_fields++] = text_field(name, value);
}
