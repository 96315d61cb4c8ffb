/* SPDX-License-Identifier: MIT */
/*
 * The world of one storage test: a host, a backend or two of it, drafts of commands, and the
 * operations with their arguments copied as a daemon copies them. Tenants and ids are new in each
 * world, so that a store that is not empty does no harm.
 */
#ifndef SDK_CONFORMANCE_STORAGE_WORLD_H
#define SDK_CONFORMANCE_STORAGE_WORLD_H

#include <lucius/storage.h>

#include "sdk/conformance/check.h"
#include "sdk/conformance/host.h"

struct world {
	struct host *host;
	struct instance *instance;
	struct instance *second; /* NULL, or another backend over the same store */
	const struct lucius_storage *storage;
	uint32_t traits;
	unsigned n_drafts;
	char tenant[64]; /* a name that nobody else has */
};

/* Loads, starts and listens; ends the test's process if that fails. */
void world_open(struct world *world);
/* As world_open; second is another instance if the backend is shared, else the same. */
void world_open_twice(struct world *world);
/* Stops and destroys what runs. */
void world_close(struct world *world);

#define DRAFT_N_FIELDS 48
#define DRAFT_N_STEPS 2

/* A command in the making. Texts that are set from outside are borrowed. */
struct draft {
	char job_id[33];
	char hash[65];
	char created_at[28];
	char bucket[640];
	char tenant[600];
	const char *key; /* NULL: none */
	uint32_t max_inflight;
	struct lucius_field fields[DRAFT_N_FIELDS];
	uint64_t n_fields;
	struct lucius_field step_fields[DRAFT_N_STEPS][DRAFT_N_FIELDS];
	struct lucius_step steps[DRAFT_N_STEPS];
	const struct lucius_step *step_list[DRAFT_N_STEPS];
	const struct lucius_job_event *const *events; /* borrowed */
	uint64_t n_events;
	struct lucius_job job;
	struct lucius_command command;
};
/* A QUEUED job with two steps, a new id and a new hash. */
void draft_init(struct draft *draft, struct world *world, const char *tenant);
/* Sets the hash to what that text stands for. */
void draft_set_hash(struct draft *draft, const char *text);
/* Name and value are borrowed. */
void draft_set(struct draft *draft, const char *name, const char *value);
/* Borrowed until the draft changes. */
const struct lucius_command *draft_command(struct draft *draft);

/* A change of a job in the making: what save is given. */
struct change {
	struct lucius_job job;
	struct lucius_field fields[DRAFT_N_FIELDS];
	struct lucius_step step; /* one step at most */
	struct lucius_field step_fields[DRAFT_N_FIELDS];
	const struct lucius_step *step_list[1];
};
/* From what load or create gave, whose texts are borrowed; changes nothing as yet. */
void change_init(struct change *change, const struct lucius_job *job);
void change_state(struct change *change, const char *state, bool is_terminal);
void change_set(struct change *change, const char *name, const char *value);
void change_set_step(
        struct change *change, const struct lucius_step *step, const char *name, const char *value);

struct lucius_field text_field(const char *name, const char *value);
struct lucius_text text_of(const char *text);

/* Begin an operation; the answer belongs to the host. */
struct asked *ask_create(struct world *world, struct instance *instance, struct draft *draft);
struct asked *ask_load(struct world *world, const char *job_id);
struct asked *ask_save(
        struct world *world, struct instance *instance, const struct lucius_job *job);
struct asked *ask_release(struct world *world, const struct lucius_job *job);
struct asked *ask_scan(struct world *world, const char *cursor, uint32_t limit);
struct asked *ask_repair(struct world *world, const struct lucius_repair *repair);
struct asked *ask_own(
        struct world *world, struct instance *instance, const char *name, const char *owner);
struct asked *ask_list(struct world *world, const struct lucius_listing *listing);
struct asked *ask_events(struct world *world, const char *job_id);

/* Do it and wait; complain unless the answer is OK. Never NULL: what went wrong gives an empty job,
 * so that the test can go on to its end. Borrowed until the world is closed. */
const struct lucius_job *create_ok(struct world *world, struct draft *draft);
const struct lucius_job *load_ok(struct world *world, const char *job_id);
const struct lucius_job *save_ok(struct world *world, const struct change *change);
/* Takes a job to a terminal state, and frees its slot. */
void end_job(struct world *world, const char *job_id, const char *state);
void release_job(struct world *world, const char *job_id);

/* The first item as a job; never NULL. */
const struct lucius_job *job_of(const struct asked *asked);
/* NULL: there is no such field. */
const char *value_of(const struct lucius_field *fields, uint64_t n_fields, const char *name);
const char *job_value(const struct lucius_job *job, const char *name);
/* By place in the list of steps. */
const char *step_value(const struct lucius_job *job, size_t n, const char *name);

#endif
