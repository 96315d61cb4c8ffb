/* SPDX-License-Identifier: MIT */
/*
 * Reads; updates stand in their job's line (core/ledger_line.c).
 *
 * What is in the cache is believed only if nobody but this process writes to the storage; for a
 * glance what was saved here a moment ago will do.
 */
#include "core/ledger.h"

#include <string.h>

#include "core/backend.h"
#include "core/job_cache.h"
#include "core/ledger_internal.h"
#include "core/loop.h"
#include "support/base/fault.h"
#include "support/base/memory.h"

/* As long as a publish may take that was begun right after the load. */
#define RECENT_MS 1000u

struct read {
	struct ledger *ledger;
	char job_id[JOB_ID_SIZE + 1];
	ledger_done_fn done;
	void *user;
	struct job *job; /* owned */
	bool is_glance; /* it takes what was saved here a moment ago */
};

bool ledger_is_job_id(const char *text)
{
	return text != NULL && strspn(text, "0123456789abcdef") == JOB_ID_SIZE &&
	        text[JOB_ID_SIZE] == '\0';
}

static void answer(struct read *read, uint32_t status, const char *sentence, struct job *job)
{
	const struct ledger_result result = { status, RULE_UNCHANGED, sentence, job };
	read->ledger->n_open--;
	read->done(read->user, &result);
	job_destroy(read->job);
	free(read);
}

static void on_loaded_row(void *user, const void *item)
{
	struct read *read = user;
	job_destroy(read->job);
	read->job = job_decode(item);
}

static void on_loaded(void *user, uint32_t status, const char *sentence)
{
	struct read *read = user;
	if (status == LUCIUS_OK && read->job == NULL) {
		answer(read, LUCIUS_INTERNAL, "the storage backend gave no job", NULL);
	} else {
		answer(read, status, sentence, status == LUCIUS_OK ? read->job : NULL);
	}
}

static void ask_storage(struct read *read)
{
	const struct op_caller caller = { on_loaded_row, on_loaded, read, 0 };
	const struct lucius_text job_id = { read->job_id, JOB_ID_SIZE };
	(void)storage_load(read->ledger->storage, job_id, &caller);
}

static void on_read(void *user)
{
	struct read *read = user;
	uint64_t now_ms = loop_now_ms(read->ledger->loop);
	bool is_any = read->ledger->is_exact || now_ms < RECENT_MS;
	struct job *job =
	        job_cache_peek(read->ledger->cache, read->job_id, is_any ? 0 : now_ms - RECENT_MS);
	if (job == NULL) {
		ask_storage(read);
	} else {
		answer(read, LUCIUS_OK, NULL, job);
	}
}

static void on_no_job_id(void *user)
{
	answer(user, LUCIUS_NOT_FOUND, NULL, NULL);
}

static void begin(struct ledger *ledger, const char *job_id, const struct read *asked)
{
	struct read *read = must_calloc(1, sizeof(*read));
	*read = *asked;
	read->ledger = ledger;
	ledger->n_open++;
	if (!ledger_is_job_id(job_id)) {
		loop_defer(ledger->loop, on_no_job_id, read);
		return;
	}
	memcpy(read->job_id, job_id, JOB_ID_SIZE);
	if (ledger->is_exact || read->is_glance) {
		loop_defer(ledger->loop, on_read, read);
	} else {
		ask_storage(read);
	}
}

void ledger_read(struct ledger *ledger, const char *job_id, ledger_done_fn done, void *user)
{
	begin(ledger, job_id, &(struct read){ .done = done, .user = user });
}

void ledger_glance(struct ledger *ledger, const char *job_id, ledger_done_fn done, void *user)
{
	begin(ledger, job_id, &(struct read){ .done = done, .user = user, .is_glance = true });
}

static void join(struct ledger *ledger, const char *job_id, const struct update *asked)
{
	if (!ledger_is_job_id(job_id)) {
		ledger_read(ledger, job_id, asked->done, asked->user);
		return;
	}
	struct update *update = must_calloc(1, sizeof(*update));
	*update = *asked;
	ledger->n_open++;
	ledger_line_join(ledger, job_id, update);
}

void ledger_update(struct ledger *ledger, const char *job_id, ledger_change_fn change,
        ledger_done_fn done, void *user)
{
	join(ledger, job_id, &(struct update){ .change = change, .done = done, .user = user });
}

void ledger_update_patiently(struct ledger *ledger, const char *job_id, ledger_change_fn change,
        ledger_done_fn done, void *user)
{
	join(ledger, job_id,
	        &(struct update){
	                .change = change, .done = done, .user = user, .is_patient = true });
}

void ledger_hurry(struct ledger *ledger)
{
	ledger->is_hurried = true;
	timer_stop(steal(ledger->patience));
	ledger_lines_hurry(ledger);
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
		timer_stop(ledger->patience);
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
