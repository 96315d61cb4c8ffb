/* SPDX-License-Identifier: MIT */
/*
 * Jobs as they were last saved here, so that the next change of one needs no load: its save is
 * against the revision all the same, and tells when another process was faster. Bounded; a job
 * that has ended is not kept.
 */
#ifndef CORE_JOB_CACHE_H
#define CORE_JOB_CACHE_H

#include <stdint.h>

#include "core/job.h"

struct job_cache;

struct job_cache *job_cache_create(void);
/* Takes NULL. */
void job_cache_destroy(struct job_cache *cache);
/* The job, owned by the caller from now on; NULL: it is not there. */
struct job *job_cache_take(struct job_cache *cache, const char *job_id);
/* The job, borrowed until the loop's next turn or the next put; NULL: it is not there, or was put
 * there before that time. */
struct job *job_cache_peek(const struct job_cache *cache, const char *job_id, uint64_t since_ms);
/* Takes the job over; another one may be dropped for it, or it may not be kept at all. */
void job_cache_put(struct job_cache *cache, struct job *job, uint64_t now_ms);

#endif
