/* SPDX-License-Identifier: MIT */
/* A hash table with a queue of what is done through it, oldest first; see seen.h. */
#include "consumers/runtime/seen.h"

#include "support/base/memory.h"

#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

enum { FIRST_BUCKETS = 1024 };

struct seen_entry {
	struct seen_entry *next; /* in the bucket */
	TAILQ_ENTRY(seen_entry) queue;
	uint64_t hash;
	int64_t attempt_no;
	void *run; /* NULL once it is done */
	int64_t done_ms;
	char *result; /* owned */
	size_t result_size;
	char *job_id; /* owned; step and lease stand behind it in the same memory */
	const char *step_id;
	const char *lease_id;
};

struct seen {
	struct seen_limits limits;
	uint64_t seed; /* so that nobody can choose ids that fall together */
	struct seen_entry **buckets;
	size_t n_buckets; /* a power of two */
	size_t n_entries;
	size_t n_done;
	TAILQ_HEAD(, seen_entry) done;
};

/* FNV-1a over the text and the NUL at its end, so that a boundary cannot move. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	do {
		hash = (hash ^ *at) * UINT64_C(0x100000001b3);
	} while (*at++ != 0);
	return hash;
}

static uint64_t hash_of(const struct seen *seen, const struct directive *directive)
{
	uint64_t hash = hash_text(seen->seed, directive->job_id);
	hash = hash_text(hash, directive->step_id);
	hash = hash_text(hash, directive->lease_id) ^ (uint64_t)directive->attempt_no;
	return hash ^ (hash >> 29U);
}

static bool is_same(
        const struct seen_entry *entry, uint64_t hash, const struct directive *directive)
{
	return entry->hash == hash && entry->attempt_no == directive->attempt_no &&
	        strcmp(entry->job_id, directive->job_id) == 0 &&
	        strcmp(entry->step_id, directive->step_id) == 0 &&
	        strcmp(entry->lease_id, directive->lease_id) == 0;
}

struct seen *seen_create(const struct seen_limits *limits)
{
	struct seen *seen = must_calloc(1, sizeof(*seen));
	seen->limits = *limits;
	seen->n_buckets = FIRST_BUCKETS;
	seen->buckets = must_calloc(seen->n_buckets, sizeof(struct seen_entry *));
	TAILQ_INIT(&seen->done);
	if (getrandom(&seen->seed, sizeof(seen->seed), 0) != (ssize_t)sizeof(seen->seed)) {
		seen->seed = UINT64_C(0xcbf29ce484222325);
	}
	return seen;
}

static void entry_destroy(struct seen_entry *entry)
{
	free(entry->result);
	free(entry->job_id);
	free(entry);
}

void seen_destroy(struct seen *seen)
{
	if (seen == NULL) {
		return;
	}
	for (size_t i = 0; i < seen->n_buckets; i++) {
		struct seen_entry *entry = seen->buckets[i];
		while (entry != NULL) {
			struct seen_entry *next = entry->next;
			entry_destroy(entry);
			entry = next;
		}
	}
	free(seen->buckets);
	free(seen);
}

static struct seen_entry **bucket_of(const struct seen *seen, uint64_t hash)
{
	return &seen->buckets[hash & (seen->n_buckets - 1)];
}

static void grow(struct seen *seen)
{
	struct seen_entry **old = seen->buckets;
	size_t n_old = seen->n_buckets;
	seen->n_buckets *= 2;
	seen->buckets = must_calloc(seen->n_buckets, sizeof(struct seen_entry *));
	for (size_t i = 0; i < n_old; i++) {
		struct seen_entry *entry = old[i];
		while (entry != NULL) {
			struct seen_entry *next = entry->next;
			struct seen_entry **bucket = bucket_of(seen, entry->hash);
			entry->next = *bucket;
			*bucket = entry;
			entry = next;
		}
	}
	free(old);
}

void seen_remove(struct seen *seen, struct seen_entry *entry)
{
	struct seen_entry **at = bucket_of(seen, entry->hash);
	while (*at != entry) {
		at = &(*at)->next;
	}
	*at = entry->next;
	seen->n_entries--;
	entry_destroy(entry);
}

static void forget(struct seen *seen, int64_t now_ms)
{
	struct seen_entry *oldest = TAILQ_FIRST(&seen->done);
	while (oldest != NULL &&
	        (seen->n_done > seen->limits.max_done ||
	                now_ms - oldest->done_ms > seen->limits.max_age_ms)) {
		struct seen_entry *next = TAILQ_NEXT(oldest, queue);
		TAILQ_REMOVE(&seen->done, oldest, queue);
		seen->n_done--;
		seen_remove(seen, oldest);
		oldest = next;
	}
}

struct seen_entry *seen_find(struct seen *seen, const struct directive *directive, int64_t now_ms)
{
	forget(seen, now_ms);
	uint64_t hash = hash_of(seen, directive);
	struct seen_entry *entry = *bucket_of(seen, hash);
	while (entry != NULL && !is_same(entry, hash, directive)) {
		entry = entry->next;
	}
	return entry;
}

static void copy_ids(struct seen_entry *entry, const struct directive *directive)
{
	size_t job_size = strlen(directive->job_id) + 1;
	size_t step_size = strlen(directive->step_id) + 1;
	size_t lease_size = strlen(directive->lease_id) + 1;
	char *ids = must_calloc(job_size + step_size + lease_size, 1);
	memcpy(ids, directive->job_id, job_size);
	memcpy(ids + job_size, directive->step_id, step_size);
	memcpy(ids + job_size + step_size, directive->lease_id, lease_size);
	entry->job_id = ids;
	entry->step_id = ids + job_size;
	entry->lease_id = ids + job_size + step_size;
}

struct seen_entry *seen_add(struct seen *seen, const struct directive *directive, void *run)
{
	if (seen->n_entries >= seen->n_buckets) {
		grow(seen);
	}
	struct seen_entry *entry = must_calloc(1, sizeof(*entry));
	entry->hash = hash_of(seen, directive);
	entry->attempt_no = directive->attempt_no;
	entry->run = run;
	copy_ids(entry, directive);
	struct seen_entry **bucket = bucket_of(seen, entry->hash);
	entry->next = *bucket;
	*bucket = entry;
	seen->n_entries++;
	return entry;
}

void *seen_run(const struct seen_entry *entry)
{
	return entry->run;
}

void seen_finish(
        struct seen *seen, struct seen_entry *entry, struct amqp_bytes result, int64_t now_ms)
{
	entry->run = NULL;
	entry->done_ms = now_ms;
	entry->result = must_copy(result.start, result.size);
	entry->result_size = result.size;
	TAILQ_INSERT_TAIL(&seen->done, entry, queue);
	seen->n_done++;
	forget(seen, now_ms);
}

struct amqp_bytes seen_result(const struct seen_entry *entry)
{
	return amqp_bytes(entry->result, entry->result_size);
}

size_t seen_n_done(const struct seen *seen)
{
	return seen->n_done;
}
