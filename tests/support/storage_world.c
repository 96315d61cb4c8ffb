/* SPDX-License-Identifier: MIT */
/* See the header; the storage answers when the test says so. */
#include "tests/support/storage_world.h"

#include <stdlib.h>

#include "tests/support/suite.h"

struct world world;

void world_begin_with(size_t max_operations)
{
	char error[256] = "";
	world = (struct world){ .loop = loop_create_simulated(1, 0) };
	const struct backend_parts parts = {
		.loop = world.loop, .plugin = &fake_plugin, .max_operations = max_operations
	};
	world.storage = backend_create(&parts, error, sizeof(error));
	CHECK_TEXT(error, "");
	if (world.storage == NULL) {
		abort();
	}
}

void world_begin(void)
{
	world_begin_with(0);
}

void world_end(void)
{
	CHECK_INT(backend_n_open(world.storage), 0);
	CHECK_INT(backend_destroy(world.storage), 0);
	loop_destroy(world.loop);
}

void world_turn(void)
{
	loop_advance(world.loop, 0);
}

static void keep(const char *bytes, size_t size)
{
	size_t n = size < sizeof(world.last_item) - 1 ? size : sizeof(world.last_item) - 1;
	memcpy(world.last_item, bytes, n);
	world.last_item[n] = '\0';
}

void world_on_job(void *user, const void *item)
{
	const struct lucius_job *job = item;
	(void)user;
	world.n_items++;
	keep(job->job_id.data, job->job_id.size);
}

void world_on_text(void *user, const void *item)
{
	const struct lucius_text *text = item;
	(void)user;
	world.n_items++;
	keep(text->data, text->size);
	if (world.to_forget.id != 0) {
		op_forget(world.to_forget);
	}
}

void world_on_done(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	world.n_done++;
	world.status = status;
	(void)snprintf(
	        world.sentence, sizeof(world.sentence), "%s", sentence != NULL ? sentence : "");
}

struct lucius_text world_text(const char *string)
{
	return (struct lucius_text){ string, strlen(string) };
}

struct lucius_op world_load(const char *job_id, uint64_t timeout_ms)
{
	const struct op_caller caller = {
		.on_item = world_on_job, .on_done = world_on_done, .timeout_ms = timeout_ms
	};
	return storage_load(world.storage, world_text(job_id), &caller);
}

struct lucius_op world_own(void)
{
	const struct op_caller caller = { .on_item = world_on_text, .on_done = world_on_done };
	const struct lucius_ownership ownership = {
		.size = sizeof(ownership), .name = world_text("engine"), .owner = world_text("me")
	};
	return storage_own(world.storage, &ownership, &caller);
}

void world_give_job(struct lucius_op op, const char *job_id)
{
	const struct lucius_job job = { .size = sizeof(job), .job_id = world_text(job_id) };
	fake->host->give(fake->host, op, &job);
}

void world_finish(struct lucius_op op, uint32_t status, const char *sentence)
{
	fake->host->finish(fake->host, op, status, sentence);
}
