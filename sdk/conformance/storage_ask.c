/* SPDX-License-Identifier: MIT */
/* Asking a storage backend, and reading what it answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/conformance/storage_copy.h"
#include "sdk/conformance/storage_world.h"

struct asked *ask_create(struct world *world, struct instance *instance, struct draft *draft)
{
	struct asked *asked = asked_begin(instance, "create", copy_job_item);
	world->storage->create(instance_self(instance),
	        copy_command(asked_arguments(asked), draft_command(draft)), asked_op(asked));
	return asked;
}

struct asked *ask_load(struct world *world, const char *job_id)
{
	struct asked *asked = asked_begin(world->instance, "load", copy_job_item);
	world->storage->load(instance_self(world->instance),
	        arena_text(asked_arguments(asked), text_of(job_id)), asked_op(asked));
	return asked;
}

struct asked *ask_save(struct world *world, struct instance *instance, const struct lucius_job *job)
{
	struct asked *asked = asked_begin(instance, "save", copy_job_item);
	world->storage->save(
	        instance_self(instance), copy_job(asked_arguments(asked), job), asked_op(asked));
	return asked;
}

struct asked *ask_release(struct world *world, const struct lucius_job *job)
{
	struct asked *asked = asked_begin(world->instance, "release", NULL);
	world->storage->release(instance_self(world->instance),
	        copy_job(asked_arguments(asked), job), asked_op(asked));
	return asked;
}

struct asked *ask_scan(struct world *world, const char *cursor, uint32_t limit)
{
	struct asked *asked = asked_begin(world->instance, "scan", copy_found_item);
	world->storage->scan(instance_self(world->instance),
	        arena_text(asked_arguments(asked), text_of(cursor)), limit, asked_op(asked));
	return asked;
}

struct asked *ask_repair(struct world *world, const struct lucius_repair *repair)
{
	struct asked *asked = asked_begin(world->instance, "repair", copy_report_item);
	world->storage->repair(instance_self(world->instance),
	        arena_struct(asked_arguments(asked), repair, repair->size, sizeof(*repair)),
	        asked_op(asked));
	return asked;
}

struct asked *ask_own(
        struct world *world, struct instance *instance, const char *name, const char *owner)
{
	struct asked *asked = asked_begin(instance, "own", copy_text_item);
	struct lucius_ownership ownership = {
		.size = sizeof(ownership),
		.lease_ms = 15000,
		.name = arena_text(asked_arguments(asked), text_of(name)),
		.owner = arena_text(asked_arguments(asked), text_of(owner)),
	};
	world->storage->own(instance_self(instance),
	        arena_struct(
	                asked_arguments(asked), &ownership, sizeof(ownership), sizeof(ownership)),
	        asked_op(asked));
	return asked;
}

struct asked *ask_list(struct world *world, const struct lucius_listing *listing)
{
	struct asked *asked = asked_begin(world->instance, "list", copy_found_item);
	world->storage->list(instance_self(world->instance),
	        copy_listing(asked_arguments(asked), listing), asked_op(asked));
	return asked;
}

struct asked *ask_events(struct world *world, const char *job_id)
{
	struct asked *asked = asked_begin(world->instance, "events", copy_event_item);
	world->storage->events(instance_self(world->instance),
	        arena_text(asked_arguments(asked), text_of(job_id)), asked_op(asked));
	return asked;
}

const struct lucius_job *job_of(const struct asked *asked)
{
	static const struct lucius_job none = { .size = sizeof(none),
		.job_id = { "", 0 },
		.tenant_id = { "", 0 },
		.tenant_bucket = { "", 0 },
		.created_at = { "", 0 },
		.state = { "", 0 },
		.revision = { "", 0 } };
	const struct lucius_job *job = asked_item(asked, 0);
	return job != NULL ? job : &none;
}

const struct lucius_job *create_ok(struct world *world, struct draft *draft)
{
	struct asked *asked = ask_create(world, world->instance, draft);
	CHECK_STATUS(asked, LUCIUS_OK);
	CHECK_INT(asked_n_items(asked), 1);
	CHECK_TEXT(job_of(asked)->job_id.data, draft->job_id);
	return job_of(asked);
}

const struct lucius_job *load_ok(struct world *world, const char *id)
{
	struct asked *asked = ask_load(world, id);
	CHECK_STATUS(asked, LUCIUS_OK);
	CHECK_INT(asked_n_items(asked), 1);
	CHECK_TEXT(job_of(asked)->job_id.data, id);
	return job_of(asked);
}

const struct lucius_job *save_ok(struct world *world, const struct change *change)
{
	struct asked *asked = ask_save(world, world->instance, &change->job);
	CHECK_STATUS(asked, LUCIUS_OK);
	CHECK_INT(asked_n_items(asked), 1);
	return job_of(asked);
}

void end_job(struct world *world, const char *id, const char *state)
{
	struct change change;
	change_init(&change, load_ok(world, id));
	change_state(&change, state, true);
	(void)save_ok(world, &change);
}

void release_job(struct world *world, const char *id)
{
	CHECK_STATUS(ask_release(world, load_ok(world, id)), LUCIUS_OK);
}

const char *value_of(const struct lucius_field *fields, uint64_t n_fields, const char *name)
{
	for (uint64_t i = 0; i < n_fields; i++) {
		if (strcmp(fields[i].name, name) == 0) {
			return fields[i].value;
		}
	}
	return NULL;
}

const char *job_value(const struct lucius_job *job, const char *name)
{
	return value_of(job->fields, job->n_fields, name);
}

const char *step_value(const struct lucius_job *job, size_t n, const char *name)
{
	return n < job->n_steps ? value_of(job->steps[n]->fields, job->steps[n]->n_fields, name)
	                        : NULL;
}
