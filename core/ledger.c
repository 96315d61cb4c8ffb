/* SPDX-License-Identifier: MIT */
/*
 * The chain of an update:
 *
 *   ledger_update → (its turn) → load, or the cache → apply → save → on_saved → finish
 *                                  ^                            | CONFLICT, UNKNOWN
 *                                  +---- again, a bounded number of times
 *
 * A copy from the cache is good enough for a change, since the save is against its revision. A
 * change that says anything else is believed only if nobody but this process writes to the storage.
 * So is a read, but for a glance.
 *
 * Updates that wait for the same job hang behind the first one in a chain of its bucket.
 */
#include "core/ledger.h"

#include <stdint.h>
#include <string.h>

#include "core/backend.h"
#include "core/job_cache.h"
#include "core/loop.h"
#include "support/base/fault.h"
#include "support/base/memory.h"

#define N_BUCKETS 1024u
#define JOB_ID_SIZE 32u
#define MAX_TRIES 20u
/* From this try on it waits a moment, so that processes do not race in step. */
#define FIRST_WAITING_TRY 3u
#define MAX_WAIT_MS 50u
/* As long as a publish may take that was begun right after the load. */
#define RECENT_MS 1000u

struct update {
	struct ledger *ledger;
	struct update *next; /* in its bucket, in the order of arrival */
	char job_id[JOB_ID_SIZE + 1];
	ledger_change_fn change; /* NULL: a read */
	ledger_done_fn done;
	void *user;
	struct job *job; /* owned */
	enum rule rule;
	uint32_t n_tries;
	bool is_running;
	bool is_cached; /* the job came from the cache */
	bool is_glance; /* a read that takes what was saved here a moment ago */
};

struct ledger {
	struct loop *loop;
	struct backend *storage;
	struct job_cache *cache; /* owned */
	bool is_exact; /* nobody else writes: what the cache has is so */
	size_t n_open;
	struct update *buckets[N_BUCKETS];
};

static void ask_storage(struct update *update);
static void load(struct update *update);

bool ledger_is_job_id(const char *text)
{
	return text != NULL && strspn(text, "0123456789abcdef") == JOB_ID_SIZE &&
	        text[JOB_ID_SIZE] == '\0';
}

static struct update **bucket_of(struct ledger *ledger, const char *job_id)
{
	uint32_t hash = 0;
	for (size_t i = 0; i < 8; i++) {
		hash = hash * 31 + (unsigned char)job_id[i];
	}
	return &ledger->buckets[hash % N_BUCKETS];
}

/* The first one in the bucket that is for this job. */
static struct update *first_of(struct update *bucket, const char *job_id)
{
	while (bucket != NULL && strcmp(bucket->job_id, job_id) != 0) {
		bucket = bucket->next;
	}
	return bucket;
}

static void enqueue(struct update *update)
{
	struct update **place = bucket_of(update->ledger, update->job_id);
	bool is_first = first_of(*place, update->job_id) == NULL;
	while (*place != NULL) {
		place = &(*place)->next;
	}
	*place = update;
	if (is_first) {
		load(update);
	}
}

static void dequeue(struct update *update)
{
	struct update **bucket = bucket_of(update->ledger, update->job_id);
	struct update **place = bucket;
	while (*place != update) {
		place = &(*place)->next;
	}
	*place = update->next;
	struct update *next = first_of(*bucket, update->job_id);
	if (next != NULL && !next->is_running) {
		load(next);
	}
}

static void finish(struct update *update, uint32_t status, const char *sentence)
{
	struct ledger_result result = {
		.status = status,
		.rule = update->rule,
		.sentence = sentence,
		.job = status == LUCIUS_OK ? update->job : NULL,
	};
	update->ledger->n_open--;
	update->done(update->user, &result);
	if (update->change != NULL) {
		if (result.job != NULL) {
			job_cache_put(update->ledger->cache, steal(update->job),
			        loop_now_ms(update->ledger->loop));
		}
		dequeue(update);
	}
	job_destroy(update->job);
	free(update);
}

static void on_again(void *user)
{
	load(user);
}

static void try_again(struct update *update, uint32_t status, const char *sentence)
{
	job_destroy(steal(update->job));
	if (++update->n_tries >= MAX_TRIES) {
		finish(update, status == LUCIUS_CONFLICT ? LUCIUS_UNAVAILABLE : status,
		        sentence != NULL ? sentence : "the job is being changed by others");
		return;
	}
	if (update->n_tries < FIRST_WAITING_TRY) {
		load(update);
		return;
	}
	uint32_t wait = 0;
	loop_random(update->ledger->loop, &wait, sizeof(wait));
	(void)timer_start(update->ledger->loop, 1 + wait % MAX_WAIT_MS, on_again, update);
}

static void on_saved_row(void *user, const void *item)
{
	struct update *update = user;
	const struct lucius_job *head = item;
	job_mark_saved(update->job, head->revision);
}

static void on_saved(void *user, uint32_t status, const char *sentence)
{
	struct update *update = user;
	if (FAULT(unknown_save_taken_as_done) && status == LUCIUS_UNKNOWN) {
		finish(update, LUCIUS_OK, sentence);
		return;
	}
	if (FAULT(conflict_taken_as_done) && status == LUCIUS_CONFLICT) {
		finish(update, LUCIUS_OK, sentence);
		return;
	}
	if (status == LUCIUS_CONFLICT || status == LUCIUS_UNKNOWN) {
		try_again(update, status, sentence);
		return;
	}
	finish(update, status, sentence);
}

static void save(struct update *update)
{
	const struct op_caller caller = { on_saved_row, on_saved, update, 0 };
	CLEANUP_ARENA struct arena arena = { 0 };
	(void)storage_save(
	        update->ledger->storage, job_encode_change(update->job, &arena), &caller);
}

static void on_unchanged(void *user)
{
	finish(user, LUCIUS_OK, NULL);
}

static void apply(struct update *update)
{
	char now[RFC3339_SIZE];
	rfc3339_print(loop_clock_us(update->ledger->loop), now);
	update->rule = update->change(update->user, update->job, now);
	if (update->rule == RULE_CHANGED) {
		save(update);
	} else if (!update->is_cached || update->ledger->is_exact) {
		loop_defer(update->ledger->loop, on_unchanged, update);
	} else {
		ask_storage(update);
	}
}

static void on_loaded_row(void *user, const void *item)
{
	struct update *update = user;
	job_destroy(update->job);
	update->job = job_decode(item);
}

static void on_loaded(void *user, uint32_t status, const char *sentence)
{
	struct update *update = user;
	if (status == LUCIUS_OK && update->job == NULL) {
		finish(update, LUCIUS_INTERNAL, "the storage backend gave no job");
		return;
	}
	if (status != LUCIUS_OK || update->change == NULL) {
		finish(update, status, sentence);
		return;
	}
	apply(update);
}

static void ask_storage(struct update *update)
{
	const struct op_caller caller = { on_loaded_row, on_loaded, update, 0 };
	struct lucius_text job_id = { update->job_id, JOB_ID_SIZE };
	update->is_cached = false;
	(void)storage_load(update->ledger->storage, job_id, &caller);
}

static void on_read(void *user)
{
	struct update *update = user;
	uint64_t now_ms = loop_now_ms(update->ledger->loop);
	bool is_any = update->ledger->is_exact || now_ms < RECENT_MS;
	struct job *job = job_cache_peek(
	        update->ledger->cache, update->job_id, is_any ? 0 : now_ms - RECENT_MS);
	if (job == NULL) {
		ask_storage(update);
		return;
	}
	const struct ledger_result result = { LUCIUS_OK, RULE_UNCHANGED, NULL, job };
	update->ledger->n_open--;
	update->done(update->user, &result);
	free(update);
}

static void load(struct update *update)
{
	struct ledger *ledger = update->ledger;
	bool is_first = !update->is_running;
	update->is_running = true;
	bool is_from_cache = ledger->is_exact || update->is_glance;
	if (is_first && update->change == NULL && is_from_cache) {
		loop_defer(ledger->loop, on_read, update);
		return;
	}
	if (is_first && update->change != NULL) {
		update->job = job_cache_take(ledger->cache, update->job_id);
	}
	update->is_cached = update->job != NULL;
	if (update->is_cached) {
		apply(update);
	} else {
		ask_storage(update);
	}
}

static void on_no_job_id(void *user)
{
	struct update *update = user;
	update->change = NULL;
	finish(update, LUCIUS_NOT_FOUND, NULL);
}

static struct update *make(
        struct ledger *ledger, ledger_change_fn change, ledger_done_fn done, void *user)
{
	struct update *update = must_calloc(1, sizeof(*update));
	*update = (struct update){ .ledger = ledger,
		.change = change,
		.done = done,
		.user = user,
		.rule = RULE_UNCHANGED };
	return update;
}

static void begin(struct update *update, const char *job_id)
{
	struct ledger *ledger = update->ledger;
	ledger->n_open++;
	if (!ledger_is_job_id(job_id)) {
		loop_defer(ledger->loop, on_no_job_id, update);
		return;
	}
	memcpy(update->job_id, job_id, JOB_ID_SIZE);
	if (update->change != NULL) {
		enqueue(update);
	} else {
		load(update);
	}
}

void ledger_update(struct ledger *ledger, const char *job_id, ledger_change_fn change,
        ledger_done_fn done, void *user)
{
	begin(make(ledger, change, done, user), job_id);
}

void ledger_read(struct ledger *ledger, const char *job_id, ledger_done_fn done, void *user)
{
	begin(make(ledger, NULL, done, user), job_id);
}

void ledger_glance(struct ledger *ledger, const char *job_id, ledger_done_fn done, void *user)
{
	struct update *update = make(ledger, NULL, done, user);
	update->is_glance = true;
	begin(update, job_id);
}

void ledger_remember(struct ledger *ledger, struct job *job)
{
	job_cache_put(ledger->cache, job_share(job), loop_now_ms(ledger->loop));
}

void ledger_release(struct ledger *ledger, const struct job *job, const struct op_caller *caller)
{
	CLEANUP_ARENA struct arena arena = { 0 };
	(void)storage_release(ledger->storage, job_encode_loaded(job, &arena), caller);
}

struct ledger *ledger_create(struct loop *loop, struct backend *storage)
{
	struct ledger *ledger = must_calloc(1, sizeof(*ledger));
	ledger->loop = loop;
	ledger->storage = storage;
	ledger->cache = job_cache_create();
	ledger->is_exact = (storage_info(storage).traits & LUCIUS_STORAGE_SHARED) == 0 ||
	        FAULT(cache_believed);
	return ledger;
}

void ledger_destroy(struct ledger *ledger)
{
	if (ledger != NULL) {
		job_cache_destroy(ledger->cache);
		free(ledger);
	}
}

struct backend *ledger_storage(const struct ledger *ledger)
{
	return ledger->storage;
}

size_t ledger_n_open(const struct ledger *ledger)
{
	return ledger->n_open;
}
