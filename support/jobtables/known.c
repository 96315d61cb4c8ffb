/* SPDX-License-Identifier: MIT */
/* A hash table with a chain in the order of use; what was not used for longest makes room. */
#include "support/jobtables/known.h"

#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"

#define N_BUCKETS 8192u

struct known {
	struct known_job *buckets[N_BUCKETS]; /* owned */
	struct known_job *oldest, *youngest;
	size_t n_jobs;
	size_t max_jobs;
};

struct known *known_create(size_t max_jobs)
{
	struct known *known = must_calloc(1, sizeof(*known));
	known->max_jobs = max_jobs;
	return known;
}

static void job_destroy(struct known_job *job)
{
	for (size_t i = 0; i < job->n_steps; i++) {
		free(job->steps[i].row);
		free(job->steps[i].etag);
		free(job->steps[i].delta);
	}
	free(job->steps);
	free(job->bucket);
	free(job->etag);
	free(job->slot_row);
	free(job->slot_etag);
	free(job);
}

void known_destroy(struct known *known)
{
	if (known == NULL) {
		return;
	}
	while (known->oldest != NULL) {
		struct known_job *job = known->oldest;
		known->oldest = job->younger;
		job_destroy(job);
	}
	free(known);
}

static struct known_job **bucket_of(struct known *known, struct lucius_text job_id)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < job_id.size; i++) {
		hash = (hash ^ (unsigned char)job_id.data[i]) * 16777619u;
	}
	return &known->buckets[(hash ^ hash >> 15) % N_BUCKETS];
}

static void unchain(struct known *known, struct known_job *job)
{
	*(job->older != NULL ? &job->older->younger : &known->oldest) = job->younger;
	*(job->younger != NULL ? &job->younger->older : &known->youngest) = job->older;
}

static void chain(struct known *known, struct known_job *job)
{
	job->older = known->youngest;
	job->younger = NULL;
	*(known->youngest != NULL ? &known->youngest->younger : &known->oldest) = job;
	known->youngest = job;
}

static bool is_of(const struct known_job *job, struct lucius_text job_id)
{
	return strlen(job->job_id) == job_id.size &&
	        memcmp(job->job_id, job_id.data, job_id.size) == 0;
}

struct known_job *known_find(struct known *known, struct lucius_text job_id)
{
	struct known_job *job = *bucket_of(known, job_id);
	while (job != NULL && !is_of(job, job_id)) {
		job = job->next;
	}
	if (job != NULL) {
		unchain(known, job);
		chain(known, job);
	}
	return job;
}

static void remove_job(struct known *known, struct known_job *job)
{
	struct known_job **at =
	        bucket_of(known, (struct lucius_text){ job->job_id, strlen(job->job_id) });
	while (*at != job) {
		at = &(*at)->next;
	}
	*at = job->next;
	unchain(known, job);
	known->n_jobs--;
	job_destroy(job);
}

struct known_job *known_put(struct known *known, struct lucius_text job_id)
{
	struct known_job *job = known_find(known, job_id);
	if (job != NULL || job_id.size > KNOWN_JOB_ID_MAX || job_id.size == 0) {
		return job;
	}
	if (known->n_jobs == known->max_jobs) {
		remove_job(known, known->oldest);
	}
	struct known_job **bucket = bucket_of(known, job_id);
	job = must_calloc(1, sizeof(*job));
	memcpy(job->job_id, job_id.data, job_id.size);
	job->next = *bucket;
	*bucket = job;
	chain(known, job);
	known->n_jobs++;
	return job;
}

void known_drop(struct known *known, struct lucius_text job_id)
{
	struct known_job *job = known_find(known, job_id);
	if (job != NULL) {
		remove_job(known, job);
	}
}

struct known_step *known_step_find(const struct known_job *job, uint32_t step_index)
{
	for (size_t i = 0; i < job->n_steps; i++) {
		if (job->steps[i].step_index == step_index) {
			return &job->steps[i];
		}
	}
	return NULL;
}

struct known_step *known_step_put(struct known_job *job, uint32_t step_index, const char *row)
{
	struct known_step *step = known_step_find(job, step_index);
	if (step == NULL) {
		job->steps = must_resize(job->steps, job->n_steps + 1, sizeof(*job->steps));
		step = &job->steps[job->n_steps++];
		*step = (struct known_step){
			.step_index = step_index,
			.row = must_copy(row, strlen(row)),
			.row_change = -1,
		};
	}
	return step;
}

void known_set(char **owned, const char *text)
{
	char *copy = text != NULL ? must_copy(text, strlen(text)) : NULL;
	free(*owned);
	*owned = copy;
}
