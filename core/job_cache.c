/* SPDX-License-Identifier: MIT */
/* One place a job by a hash of its id: who comes later takes it. Ids are random, so this is fair.
 */
#include "core/job_cache.h"

#include <stdlib.h>

#include "support/base/memory.h"

#define N_PLACES 2048u
#define HASHED_DIGITS 8u
/* Each change leaves its old values in the job's arena: then it is loaded anew. */
#define MAX_CHANGES 64u

struct place {
	struct job *job; /* owned; NULL: none */
	uint64_t put_ms;
};

struct job_cache {
	struct place places[N_PLACES];
};

static size_t number_of(const char *job_id)
{
	uint32_t hash = 0;
	for (size_t i = 0; i < HASHED_DIGITS && job_id[i] != '\0'; i++) {
		hash = hash * 31 + (unsigned char)job_id[i];
	}
	return hash % N_PLACES;
}

struct job_cache *job_cache_create(void)
{
	return must_calloc(1, sizeof(struct job_cache));
}

void job_cache_destroy(struct job_cache *cache)
{
	if (cache == NULL) {
		return;
	}
	for (size_t i = 0; i < N_PLACES; i++) {
		job_destroy(cache->places[i].job);
	}
	free(cache);
}

struct job *job_cache_peek(const struct job_cache *cache, const char *job_id, uint64_t since_ms)
{
	const struct place *place = &cache->places[number_of(job_id)];
	bool is_there = place->job != NULL && place->put_ms >= since_ms &&
	        value_is(&place->job->job_id, job_id);
	return is_there ? place->job : NULL;
}

struct job *job_cache_take(struct job_cache *cache, const char *job_id)
{
	struct job *job = job_cache_peek(cache, job_id, 0);
	if (job != NULL) {
		cache->places[number_of(job_id)].job = NULL;
	}
	return job;
}

void job_cache_put(struct job_cache *cache, struct job *job, uint64_t now_ms)
{
	struct place *place = &cache->places[number_of(value_text(&job->job_id))];
	job_destroy(steal(place->job));
	if (job_state_is_terminal(job->state) || job->n_changes >= MAX_CHANGES) {
		job_destroy(job);
	} else {
		*place = (struct place){ job, now_ms };
	}
}
