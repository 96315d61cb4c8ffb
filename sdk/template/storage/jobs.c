/* SPDX-License-Identifier: MIT */
/* Jobs in a list: short rather than fast. Each lookup walks it. */
#include "jobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"
#include "support/rows/fields.h"
#include "support/rows/time_text.h"

struct step {
	uint32_t step_index;
	char *step_id;
	struct bytes fields; /* packed */
};

struct job {
	struct job *next;
	uint64_t serial; /* counts up from 1 */
	uint64_t revision;
	char revision_text[24];
	char *job_id, *tenant_id, *tenant_bucket, *created_at, *state; /* owned */
	char *claim; /* owned; "k<key>" or "h<hash>"; empty: another job has taken it over */
	char *hash; /* owned */
	struct bytes fields; /* packed */
	struct step *steps; /* owned; by step_index */
	size_t n_steps;
	bool is_terminal;
	bool has_slot;
	int64_t ended_us; /* Unix time */
};

static bool is_text(const char *text, struct lucius_text other)
{
	return strlen(text) == other.size && memcmp(text, other.data, other.size) == 0;
}

static char *copy_text(struct lucius_text text)
{
	return must_copy(text.data, text.size);
}

/* Lays the changes over a packed row: fields that they do not name stay. */
static void merge(struct bytes *row, const struct lucius_field *changes, uint64_t n_changes)
{
	struct bytes merged = { 0 };
	(void)fields_merge(bytes_text(row), changes, n_changes, &merged);
	bytes_finish(row);
	*row = merged;
}

static void put_step(struct job *job, const struct lucius_step *given)
{
	size_t place = 0;
	while (place < job->n_steps && job->steps[place].step_index < given->step_index) {
		place++;
	}
	if (place == job->n_steps || job->steps[place].step_index != given->step_index) {
		job->steps = must_resize(job->steps, job->n_steps + 1, sizeof(struct step));
		memmove(&job->steps[place + 1], &job->steps[place],
		        (job->n_steps - place) * sizeof(struct step));
		job->steps[place] = (struct step){ .step_index = given->step_index,
			.step_id = copy_text(given->step_id) };
		job->n_steps++;
	}
	merge(&job->steps[place].fields, given->fields, given->n_fields);
}

/* What create and save have in common. */
static void put_row(struct job *job, const struct lucius_job *given)
{
	free(job->state);
	job->state = copy_text(given->state);
	job->is_terminal = given->is_terminal != 0;
	job->revision++;
	(void)snprintf(job->revision_text, sizeof(job->revision_text), "%" PRIu64, job->revision);
	merge(&job->fields, given->fields, given->n_fields);
	for (uint64_t i = 0; i < given->n_steps; i++) {
		put_step(job, given->steps[i]);
	}
}

void job_destroy(struct job *job)
{
	for (size_t i = 0; i < job->n_steps; i++) {
		free(job->steps[i].step_id);
		bytes_finish(&job->steps[i].fields);
	}
	free(job->steps);
	bytes_finish(&job->fields);
	free(job->job_id);
	free(job->tenant_id);
	free(job->tenant_bucket);
	free(job->created_at);
	free(job->state);
	free(job->claim);
	free(job->hash);
	free(job);
}

static struct bytes clone_bytes(const struct bytes *bytes)
{
	struct bytes copy = { 0 };
	bytes_add(&copy, bytes->start, bytes->size);
	return copy;
}

static char *clone_text(const char *text)
{
	return must_copy(text, strlen(text));
}

struct job *job_clone(const struct job *job)
{
	struct job *copy = must_calloc(1, sizeof(*copy));
	*copy = *job;
	copy->job_id = clone_text(job->job_id);
	copy->tenant_id = clone_text(job->tenant_id);
	copy->tenant_bucket = clone_text(job->tenant_bucket);
	copy->created_at = clone_text(job->created_at);
	copy->state = clone_text(job->state);
	copy->claim = clone_text(job->claim);
	copy->hash = clone_text(job->hash);
	copy->fields = clone_bytes(&job->fields);
	copy->steps = must_calloc(job->n_steps, sizeof(struct step));
	for (size_t i = 0; i < job->n_steps; i++) {
		copy->steps[i] = (struct step){ job->steps[i].step_index,
			clone_text(job->steps[i].step_id), clone_bytes(&job->steps[i].fields) };
	}
	return copy;
}

void jobs_finish(struct jobs *jobs)
{
	while (jobs->first != NULL) {
		struct job *job = jobs->first;
		jobs->first = job->next;
		job_destroy(job);
	}
	*jobs = (struct jobs){ 0 };
}

/* The key decides where there is one, else the hash. */
static char *claim_of(const struct lucius_command *command)
{
	bool has_key = command->idempotency_key.size != 0;
	return must_print("%c%s", has_key ? 'k' : 'h',
	        has_key ? command->idempotency_key.data : command->idempotency_hash.data);
}

/* A hash claim of a job that ended in vain is free; a key claim never is. */
static bool gives_claim_up(const struct job *job)
{
	return job->is_terminal && job->claim[0] == 'h' &&
	        (strcmp(job->state, "FAILED_FINAL") == 0 || strcmp(job->state, "CANCELLED") == 0);
}

static struct job *find_claim(
        const struct jobs *jobs, struct lucius_text tenant_id, const char *claim)
{
	struct job *job = jobs->first;
	while (job != NULL &&
	        (strcmp(job->claim, claim) != 0 || !is_text(job->tenant_id, tenant_id))) {
		job = job->next;
	}
	return job;
}

static uint32_t count_slots(const struct jobs *jobs, struct lucius_text tenant_id)
{
	uint32_t n_slots = 0;
	for (const struct job *job = jobs->first; job != NULL; job = job->next) {
		n_slots += job->has_slot && is_text(job->tenant_id, tenant_id) ? 1 : 0;
	}
	return n_slots;
}

/* Takes the claim over. */
static struct job *append(struct jobs *jobs, const struct lucius_command *command, char *claim)
{
	const struct lucius_job *given = command->job;
	struct job *job = must_calloc(1, sizeof(*job));
	job->serial = ++jobs->last_serial;
	job->job_id = copy_text(given->job_id);
	job->tenant_id = copy_text(given->tenant_id);
	job->tenant_bucket = copy_text(given->tenant_bucket);
	job->created_at = copy_text(given->created_at);
	job->claim = claim;
	job->hash = copy_text(command->idempotency_hash);
	job->has_slot = true;
	put_row(job, given);
	if (jobs->last != NULL) {
		jobs->last->next = job;
	} else {
		jobs->first = job;
	}
	jobs->last = job;
	return job;
}

uint32_t jobs_add(
        struct jobs *jobs, const struct lucius_command *command, const struct job **ret_job)
{
	struct lucius_text tenant_id = command->job->tenant_id;
	char *claim = claim_of(command);
	struct job *holder = find_claim(jobs, tenant_id, claim);
	bool is_free = holder == NULL || gives_claim_up(holder);
	if (!is_free || count_slots(jobs, tenant_id) >= command->max_inflight) {
		free(claim);
		*ret_job = is_free ? NULL : holder;
		return is_free                                             ? LUCIUS_TENANT_FULL
		        : is_text(holder->hash, command->idempotency_hash) ? LUCIUS_DUPLICATE
		                                                           : LUCIUS_KEY_CONFLICT;
	}
	if (holder != NULL) {
		holder->claim[0] = '\0';
	}
	*ret_job = append(jobs, command, claim);
	return LUCIUS_OK;
}

static struct job *find(const struct jobs *jobs, struct lucius_text job_id)
{
	struct job *job = jobs->first;
	while (job != NULL && !is_text(job->job_id, job_id)) {
		job = job->next;
	}
	return job;
}

const struct job *jobs_find(const struct jobs *jobs, struct lucius_text job_id)
{
	return find(jobs, job_id);
}

/* The row says when it ended; if it does not, it was now. */
static int64_t end_of(const struct job *job, int64_t now_us)
{
	struct lucius_field completed;
	int64_t end_us = now_us;
	if (fields_find(bytes_text(&job->fields), "completed_at", &completed)) {
		(void)time_text_read(
		        (struct lucius_text){ completed.value, completed.value_size }, &end_us);
	}
	return end_us;
}

uint32_t jobs_change(struct jobs *jobs, const struct lucius_job *changed, int64_t now_us,
        const struct job **ret_job)
{
	struct job *job = find(jobs, changed->job_id);
	if (job == NULL) {
		return LUCIUS_NOT_FOUND;
	}
	if (!is_text(job->revision_text, changed->revision)) {
		return LUCIUS_CONFLICT;
	}
	put_row(job, changed);
	job->ended_us = end_of(job, now_us);
	*ret_job = job;
	return LUCIUS_OK;
}

void jobs_release(struct jobs *jobs, struct lucius_text job_id)
{
	struct job *job = find(jobs, job_id);
	if (job != NULL && job->is_terminal) {
		job->has_slot = false;
	}
}

const struct job *jobs_next_holder(const struct jobs *jobs, uint64_t serial)
{
	const struct job *job = jobs->first;
	while (job != NULL && (job->serial <= serial || !job->has_slot)) {
		job = job->next;
	}
	return job;
}

static bool is_over(const struct job *job, const struct lucius_repair *repair)
{
	int64_t age_us = repair->now_us - job->ended_us;
	return repair->retention_s != 0 && job->is_terminal && !job->has_slot && age_us >= 0 &&
	        (uint64_t)age_us / 1000000 >= repair->retention_s;
}

uint32_t jobs_purge(struct jobs *jobs, const struct lucius_repair *repair)
{
	uint32_t n_purged = 0;
	struct job **at = &jobs->first;
	jobs->last = NULL;
	while (*at != NULL) {
		struct job *job = *at;
		if (n_purged < repair->limit && is_over(job, repair)) {
			*at = job->next;
			job_destroy(job);
			n_purged++;
		} else {
			jobs->last = job;
			at = &job->next;
		}
	}
	return n_purged;
}

uint64_t job_serial(const struct job *job)
{
	return job->serial;
}

static struct lucius_text text_of(const char *text)
{
	return (struct lucius_text){ text, strlen(text) };
}

const struct lucius_job *job_show(const struct job *job, struct job_view *view, bool is_whole)
{
	const struct lucius_job head = {
		.is_terminal = job->is_terminal,
		.job_id = text_of(job->job_id),
		.tenant_id = text_of(job->tenant_id),
		.tenant_bucket = text_of(job->tenant_bucket),
		.created_at = text_of(job->created_at),
		.state = text_of(job->state),
		.revision = text_of(job->revision_text),
	};
	struct lucius_text none = { 0 };
	(void)job_view_begin(view, &head, is_whole ? bytes_text(&job->fields) : none);
	for (size_t i = 0; is_whole && i < job->n_steps; i++) {
		const struct step *step = &job->steps[i];
		(void)job_view_add_step(
		        view, step->step_index, text_of(step->step_id), bytes_text(&step->fields));
	}
	return job_view_job(view);
}
