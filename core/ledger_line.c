/* SPDX-License-Identifier: MIT */
/*
 * The updates of one job, one behind the other. Those that wait together share one save:
 *
 *   join → (the turn's end, or a moment) → begin → load, or the cache → apply each → save
 *                                                     ^                               |
 *                                                     +-- CONFLICT, UNKNOWN: again ---+→ finish
 * each
 *
 * Each change sees what those before it have left, and each is answered, after the save, with the
 * job as it left it. So the shared save looks from outside as if they had been saved one after
 * another in no time: nothing of it is known to anybody before all of it is in the storage, and if
 * it did not go through, each change decides anew on what is there. Two changes of which the states
 * in between must be seen are not put together, and if the storage refuses what they have come to,
 * each is tried by itself.
 *
 * A copy from the cache is good enough for a change, since the save is against its revision. A
 * change that says anything else is believed only if it is saved with one that is, or if nobody but
 * this process writes to the storage.
 */
#include <string.h>

#include "core/backend.h"
#include "core/job_cache.h"
#include "core/ledger_internal.h"
#include "core/loop.h"
#include "support/base/fault.h"
#include "support/base/memory.h"

#define MAX_TRIES 20u
/* From this try on it waits a moment, so that processes do not race in step. */
#define FIRST_WAITING_TRY 3u
#define MAX_WAIT_MS 50u
#define MAX_SHARING 16u
/* How long a patient update waits at most for one to share its save: consumers that answer at once
 * do it within, and nobody notices that it was late. One timer is for all of them, so that those
 * which wait in vain share a turn. */
#define PATIENCE_MS 5u

struct updates {
	struct update *first;
	struct update **last;
};

struct ledger_line {
	struct ledger *ledger;
	struct ledger_line *next; /* in its bucket */
	char job_id[JOB_ID_SIZE + 1];
	struct updates waiting;
	struct updates batch; /* what is under way */
	struct job *job; /* owned; the working copy */
	struct arena frozen; /* the job as changes have left it */
	uint32_t n_tries;
	uint32_t n_alone; /* so many come next that are not to share a save */
	bool is_due; /* it begins at the turn's end */
	bool is_running;
	bool is_cached; /* the job came from the cache */
};

static void load(struct ledger_line *line);
static void ask_storage(struct ledger_line *line);

static void updates_init(struct updates *updates)
{
	updates->first = NULL;
	updates->last = &updates->first;
}

static void updates_add(struct updates *updates, struct update *update)
{
	update->next = NULL;
	*updates->last = update;
	updates->last = &update->next;
}

static struct update *updates_take(struct updates *updates)
{
	struct update *update = updates->first;
	updates->first = update->next;
	if (updates->first == NULL) {
		updates->last = &updates->first;
	}
	return update;
}

/* Puts those behind a place of the one in front of the other. */
static void updates_give_back(
        struct updates *updates, struct update **behind, struct updates *waiting)
{
	if (*behind == NULL) {
		return;
	}
	*updates->last = waiting->first;
	if (waiting->first == NULL) {
		waiting->last = updates->last;
	}
	waiting->first = *behind;
	*behind = NULL;
	updates->last = behind;
}

static struct ledger_line **bucket_of(struct ledger *ledger, const char *job_id)
{
	uint32_t hash = 0;
	for (size_t i = 0; i < 8; i++) {
		hash = hash * 31 + (unsigned char)job_id[i];
	}
	return &ledger->buckets[hash % LEDGER_N_BUCKETS];
}

static struct ledger_line *line_create(struct ledger *ledger, const char *job_id)
{
	struct ledger_line *line = must_calloc(1, sizeof(*line));
	line->ledger = ledger;
	memcpy(line->job_id, job_id, JOB_ID_SIZE);
	updates_init(&line->waiting);
	updates_init(&line->batch);
	return line;
}

static void line_end(struct ledger_line *line)
{
	struct ledger_line **place = bucket_of(line->ledger, line->job_id);
	while (*place != line) {
		place = &(*place)->next;
	}
	*place = line->next;
	free(line);
}

/* The first of those that wait begin what comes next: all, or one by itself. */
static void begin(struct ledger_line *line)
{
	uint32_t n = line->n_alone != 0 ? 1 : MAX_SHARING;
	line->n_alone -= line->n_alone != 0;
	for (; n != 0 && line->waiting.first != NULL; n--) {
		updates_add(&line->batch, updates_take(&line->waiting));
	}
	line->is_running = true;
	line->n_tries = 0;
	line->job = job_cache_take(line->ledger->cache, line->job_id);
	load(line);
}

static void on_due(void *user)
{
	struct ledger_line *line = user;
	line->is_due = false;
	begin(line);
}

static bool is_anybody_impatient(const struct updates *updates)
{
	const struct update *update = updates->first;
	while (update != NULL && update->is_patient) {
		update = update->next;
	}
	return update != NULL;
}

static bool is_waiting(const struct ledger_line *line)
{
	return !line->is_running && !line->is_due;
}

static void on_patience_ended(void *user)
{
	struct ledger *ledger = user;
	ledger->patience = NULL;
	for (size_t i = 0; i < LEDGER_N_BUCKETS; i++) {
		struct ledger_line *line = ledger->buckets[i];
		for (; line != NULL; line = line->next) {
			if (is_waiting(line)) {
				begin(line);
			}
		}
	}
}

/* Begins at the end of the turn, so that what comes in one turn shares a save. */
static void schedule(struct ledger_line *line)
{
	struct ledger *ledger = line->ledger;
	if (!is_waiting(line)) {
		return;
	}
	if (line->n_alone != 0 || ledger->is_hurried || is_anybody_impatient(&line->waiting)) {
		line->is_due = true;
		loop_defer(ledger->loop, on_due, line);
	} else if (ledger->patience == NULL) {
		ledger->patience =
		        timer_start(ledger->loop, PATIENCE_MS, on_patience_ended, ledger);
	}
}

static void update_finish(
        struct ledger_line *line, struct update *update, uint32_t status, const char *sentence)
{
	struct job *seen = (struct job *)(uintptr_t)update->seen;
	struct ledger_result result = {
		.status = status, .rule = update->rule, .sentence = sentence
	};
	if (status == LUCIUS_OK) {
		seen->revision = line->job->revision;
		result.job = seen;
	}
	line->ledger->n_open--;
	update->done(update->user, &result);
	free(update);
}

static void finish(struct ledger_line *line, uint32_t status, const char *sentence)
{
	struct ledger *ledger = line->ledger;
	while (line->batch.first != NULL) {
		update_finish(line, updates_take(&line->batch), status, sentence);
		if (FAULT(shared_failure_told_to_one) && line->job != NULL) {
			status = LUCIUS_OK;
		}
	}
	arena_finish(&line->frozen);
	if (status == LUCIUS_OK) {
		job_cache_put(ledger->cache, steal(line->job), loop_now_ms(ledger->loop));
	} else {
		job_destroy(steal(line->job));
	}
	line->is_running = false;
	if (line->waiting.first == NULL) {
		line_end(line);
	} else {
		schedule(line);
	}
}

static void on_again(void *user)
{
	load(user);
}

static void try_again(struct ledger_line *line, uint32_t status, const char *sentence)
{
	job_destroy(steal(line->job));
	if (++line->n_tries >= MAX_TRIES) {
		finish(line, status == LUCIUS_CONFLICT ? LUCIUS_UNAVAILABLE : status,
		        sentence != NULL ? sentence : "the job is being changed by others");
		return;
	}
	if (line->n_tries < FIRST_WAITING_TRY) {
		load(line);
		return;
	}
	uint32_t wait = 0;
	loop_random(line->ledger->loop, &wait, sizeof(wait));
	(void)timer_start(line->ledger->loop, 1 + wait % MAX_WAIT_MS, on_again, line);
}

static void on_saved_row(void *user, const void *item)
{
	struct ledger_line *line = user;
	const struct lucius_job *head = item;
	job_mark_saved(line->job, head->revision);
}

/* What the storage has against the row may be the work of one of them. */
static bool may_go_one_by_one(const struct ledger_line *line, uint32_t status)
{
	return line->batch.first->next != NULL && status != LUCIUS_OK &&
	        status != LUCIUS_UNAVAILABLE && status != LUCIUS_NOT_FOUND;
}

static void go_one_by_one(struct ledger_line *line)
{
	for (const struct update *at = line->batch.first; at != NULL; at = at->next) {
		line->n_alone++;
	}
	updates_give_back(&line->batch, &line->batch.first, &line->waiting);
	arena_finish(&line->frozen);
	job_destroy(steal(line->job));
	line->is_running = false;
	schedule(line);
}

static void on_saved(void *user, uint32_t status, const char *sentence)
{
	struct ledger_line *line = user;
	if (FAULT(unknown_save_taken_as_done) && status == LUCIUS_UNKNOWN) {
		finish(line, LUCIUS_OK, sentence);
	} else if (FAULT(conflict_taken_as_done) && status == LUCIUS_CONFLICT) {
		finish(line, LUCIUS_OK, sentence);
	} else if (status == LUCIUS_CONFLICT || status == LUCIUS_UNKNOWN) {
		try_again(line, status, sentence);
	} else if (may_go_one_by_one(line, status)) {
		go_one_by_one(line);
	} else {
		finish(line, status, sentence);
	}
}

static void save(struct ledger_line *line)
{
	const struct op_caller caller = { on_saved_row, on_saved, line, 0 };
	CLEANUP_ARENA struct arena arena = { 0 };
	(void)storage_save(
	        line->ledger->storage, &arena, job_encode_change(line->job, &arena), &caller);
}

static void on_unchanged(void *user)
{
	finish(user, LUCIUS_OK, NULL);
}

/* False: the change is not to share the save of those before it, and the job stands as they left
 * it. Before: the last one of them; NULL: it is the first. */
static bool apply(
        struct ledger_line *line, struct update *before, struct update *update, const char *now)
{
	struct job *job = line->job;
	if (before != NULL && !job_has_room(job)) {
		return false;
	}
	if (before != NULL) {
		before->seen = job_freeze(job, &line->frozen);
	}
	update->rule = update->change(update->user, job, now);
	if (before != NULL && update->rule == RULE_CHANGED && !job_may_be_saved(job)) {
		job_thaw(job, before->seen);
		return false;
	}
	return true;
}

/* Whether there is something to save. */
static bool apply_all(struct ledger_line *line, const char *now)
{
	struct job *job = line->job;
	struct update *before = NULL;
	struct lucius_text revision = job->revision;
	bool is_changed = false;
	arena_finish(&line->frozen);
	for (struct update *update = line->batch.first; update != NULL; update = update->next) {
		if (!apply(line, before, update, now)) {
			updates_give_back(&line->batch, &before->next, &line->waiting);
			break;
		}
		before = update;
		if (update->rule == RULE_CHANGED) {
			/* To those behind it is no revision that anybody has read. */
			is_changed = true;
			job->revision = (struct lucius_text){ "", 0 };
		}
	}
	before->seen = job;
	job->revision = revision;
	return is_changed;
}

static void work(struct ledger_line *line)
{
	struct ledger *ledger = line->ledger;
	char now[RFC3339_SIZE];
	rfc3339_print(loop_clock_us(ledger->loop), now);
	if (apply_all(line, now)) {
		save(line);
	} else if (!line->is_cached || ledger->is_exact) {
		loop_defer(ledger->loop, on_unchanged, line);
	} else {
		ask_storage(line);
	}
}

static void on_loaded_row(void *user, const void *item)
{
	struct ledger_line *line = user;
	job_destroy(line->job);
	line->job = job_decode(item);
}

static void on_loaded(void *user, uint32_t status, const char *sentence)
{
	struct ledger_line *line = user;
	if (status == LUCIUS_OK && line->job == NULL) {
		finish(line, LUCIUS_INTERNAL, "the storage backend gave no job");
	} else if (status != LUCIUS_OK) {
		finish(line, status, sentence);
	} else {
		work(line);
	}
}

static void ask_storage(struct ledger_line *line)
{
	const struct op_caller caller = { on_loaded_row, on_loaded, line, 0 };
	const struct lucius_text job_id = { line->job_id, JOB_ID_SIZE };
	line->is_cached = false;
	(void)storage_load(line->ledger->storage, job_id, &caller);
}

static void load(struct ledger_line *line)
{
	line->is_cached = line->job != NULL;
	if (line->is_cached) {
		work(line);
	} else {
		ask_storage(line);
	}
}

void ledger_line_join(struct ledger *ledger, const char *job_id, struct update *update)
{
	struct ledger_line **place = bucket_of(ledger, job_id);
	while (*place != NULL && strcmp((*place)->job_id, job_id) != 0) {
		place = &(*place)->next;
	}
	if (*place == NULL) {
		*place = line_create(ledger, job_id);
	}
	updates_add(&(*place)->waiting, update);
	schedule(*place);
}

void ledger_lines_hurry(struct ledger *ledger)
{
	for (size_t i = 0; i < LEDGER_N_BUCKETS; i++) {
		struct ledger_line *line = ledger->buckets[i];
		for (; line != NULL; line = line->next) {
			schedule(line);
		}
	}
}
