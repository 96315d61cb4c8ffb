/* SPDX-License-Identifier: MIT */
/*
 * Loads and looks for changes stand in line, one under way at a time:
 *
 *   load ─► walk ─► on_walked ─► secrets ─► on_resolved ─► give all, OK
 *                       └─► fail: at the start again and again, then the last-known-good file
 *   look ─► walk ─► on_walked ─► (something has changed: a hint to whoever watches)
 */
#include <stdio.h>
#include <string.h>

#include "plugins/config-appconfig/source.h"
#include "plugins/config-appconfig/waits.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define MS_PER_SECOND 1000u
#define TRIES_BEFORE_FILE 2
#define LIMIT_LEAST_MS 10000u /* that a task has, however short a start may wait */

struct task {
	struct task *next;
	struct lucius_op op; /* of a load; id 0: a look for changes */
};

static void begin_task(struct source *source);

static void stop_timer(const struct source *source, struct lucius_timer *timer)
{
	if (timer != NULL) {
		source->host->timer_stop(source->host, timer);
	}
}

void load_add(struct source *source, struct lucius_op op)
{
	if (op.id != 0 && source->tasks != NULL && source->tasks->op.id == 0) {
		/* A look that nobody has asked for: what it has read is older than the question. */
		source->tasks->op = op;
		walk_cancel(source);
		begin_task(source);
		return;
	}
	struct task **last = &source->tasks;
	while (*last != NULL) {
		last = &(*last)->next;
	}
	*last = must_calloc(1, sizeof(**last));
	(*last)->op = op;
	if (source->tasks == *last) {
		begin_task(source);
	}
}

/* The one under way; what waits behind it begins. */
static void end_task(struct source *source, uint32_t status, const char *sentence)
{
	struct task *task = source->tasks;
	stop_timer(source, steal(source->limit));
	source->tasks = task->next;
	if (task->op.id != 0) {
		source->host->finish(source->host, task->op, status, sentence);
	}
	free(task);
	if (source->tasks != NULL) {
		begin_task(source);
	} else {
		load_arm(source);
	}
}

/* Giving */

static void give(struct source *source, const struct found *found)
{
	const struct setting *from = found->setting;
	CLEANUP_FREE char *plain = found->value == NULL ? setting_text(from) : NULL;
	const char *value = found->value != NULL ? found->value : plain;
	const struct lucius_setting setting = {
		.size = sizeof(setting),
		.key = { from->key, strlen(from->key) },
		.label = { from->label, strlen(from->label) },
		.value = { value, strlen(value) },
		.content_type = { from->content_type, strlen(from->content_type) },
		.flags = found->flags,
	};
	source->host->give(source->host, source->tasks->op, &setting);
}

static void give_all(struct source *source, const struct found_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		give(source, &list->items[i]);
	}
	source->has_given = true;
	source->is_in_force = false;
	end_task(source, LUCIUS_OK, NULL);
}

/* The last-known-good file */

static void on_kept_resolved(struct source *source, struct found_list *list)
{
	source->is_kept_given = true;
	give_all(source, list);
	page_destroy(steal(source->kept_page));
}

static void leave_out(struct found_list *list)
{
	static const char sentence[] = "the store is not reached, and the last-known-good file "
	                               "holds no secrets; give it by its variable, or as a Key "
	                               "Vault reference";
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->items[i].setting->content_type, kept_left_out) == 0) {
			list->items[i].value = must_copy(sentence, sizeof(sentence) - 1);
			list->items[i].flags = LUCIUS_SETTING_FAILED;
		}
	}
}

static void on_limit(void *user);

static uint64_t limit_ms(const struct source *source)
{
	uint64_t start_ms = (uint64_t)source->options->startup_seconds * MS_PER_SECOND;
	return start_ms > LIMIT_LEAST_MS ? start_ms : LIMIT_LEAST_MS;
}

static void arm_limit(struct source *source)
{
	stop_timer(source, source->limit);
	source->limit = source->host->timer_start(source->host, limit_ms(source), on_limit, source);
}

/* False: there is none, or none that may be used. */
static bool use_kept(struct source *source, const char *why)
{
	char error[500] = "";
	struct found_list list = { 0 };
	if (source->options->cache_file == NULL) {
		return false;
	}
	source->kept_page = kept_read(source, error, sizeof(error));
	if (source->kept_page == NULL) {
		lucius_log(source->host, LUCIUS_LOG_WARNING, "config.no_last_known_good", error);
		return false;
	}
	CLEANUP_FREE char *sentence = must_print("starting with the last-known-good file '%s': %s",
	        source->options->cache_file, why);
	lucius_log(source->host, LUCIUS_LOG_WARNING, "config.last_known_good", sentence);
	const struct page *page = source->kept_page;
	found_collect(&list, &page, 1);
	leave_out(&list);
	arm_limit(source);
	secrets_start(source, &list, on_kept_resolved);
	return true;
}

/* Failing */

static uint64_t now_ms(const struct source *source)
{
	return source->host->now_ms(source->host);
}

static void on_walked(struct source *source, const struct ending *ending);

static void on_again(void *user)
{
	struct source *source = user;
	source->again = NULL;
	walk_start(source, on_walked);
}

/* A load at the start: again, until the time is over. */
static void fail_start(struct source *source, const struct ending *ending)
{
	uint64_t elapsed_ms = now_ms(source) - source->began_ms;
	uint64_t wait_ms = wait_at_start_ms(elapsed_ms);
	wait_ms = ending->wait_ms > wait_ms ? ending->wait_ms : wait_ms;
	bool is_over =
	        elapsed_ms + wait_ms > (uint64_t)source->options->startup_seconds * MS_PER_SECOND;
	source->n_failed++;
	if ((is_over || source->n_failed == TRIES_BEFORE_FILE) &&
	        use_kept(source, ending->sentence)) {
		return;
	}
	if (is_over) {
		CLEANUP_FREE char *sentence = must_print("%s; given up (tries: %u, see "
		                                         "LUCIUS_APPCONFIG_STARTUP_SECONDS)",
		        ending->sentence, source->n_failed);
		end_task(source, LUCIUS_UNAVAILABLE, sentence);
		return;
	}
	CLEANUP_FREE char *sentence = must_print("%s; next try in %llu s", ending->sentence,
	        (unsigned long long)(wait_ms + 999) / 1000);
	lucius_log(source->host, LUCIUS_LOG_WARNING, "config.waiting", sentence);
	source->again = source->host->timer_start(source->host, wait_ms, on_again, source);
}

static void fail_task(struct source *source, const struct ending *ending)
{
	bool is_load = source->tasks->op.id != 0;
	source->host->record(source->host, source->n_bad, 1);
	source->asked_wait_ms = ending->wait_ms;
	if (is_load && !source->has_given && ending->status == LUCIUS_UNAVAILABLE) {
		fail_start(source, ending);
		return;
	}
	source->n_failed++;
	if (!is_load) {
		/* Once is enough: the options stay as they are. */
		lucius_log(source->host,
		        source->n_failed == 1 ? LUCIUS_LOG_WARNING : LUCIUS_LOG_DEBUG,
		        "config.not_seen", ending->sentence);
	}
	end_task(source, ending->status, ending->sentence);
}

/* Succeeding */

static const struct found *find_passing(const struct found_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->items[i].is_passing) {
			return &list->items[i];
		}
	}
	return NULL;
}

static void on_resolved(struct source *source, struct found_list *list)
{
	const struct found *passing = find_passing(list);
	if (passing != NULL && !source->has_given) {
		CLEANUP_FREE char *sentence =
		        must_print("key '%s': %s", passing->setting->key, passing->value);
		fail_start(source, &(struct ending){ LUCIUS_UNAVAILABLE, sentence, 0 });
		return;
	}
	/* Where a vault is away, the next look says again that something has changed. */
	source->is_stale = passing != NULL;
	source->has_loaded = true;
	source->is_kept_given = false;
	give_all(source, list);
}

static bool has_settings(const struct source *source, size_t selector)
{
	for (size_t i = 0; i < source->n_pages; i++) {
		if (source->pages[i]->selector == selector && source->pages[i]->n_settings != 0) {
			return true;
		}
	}
	return false;
}

/* A wrong store, other letters in the keys, or a label that is not quite right: nobody would see.
 */
static void warn_of_nothing(struct source *source, size_t n_found)
{
	if (source->has_warned) {
		return;
	}
	source->has_warned = true;
	if (n_found == 0) {
		lucius_log(source->host, LUCIUS_LOG_WARNING, "config.nothing_found",
		        "the store gives nothing: no key begins with 'Lucius:' (in these very "
		        "letters) and has no label or one of LUCIUS_APPCONFIG_LABEL");
		return;
	}
	for (size_t i = 1; i < source->n_selectors; i++) {
		if (!has_settings(source, i)) {
			CLEANUP_FREE char *sentence =
			        must_print("LUCIUS_APPCONFIG_LABEL: no key of Lucius has the "
			                   "label '%s'",
			                source->selectors[i].label);
			lucius_log(
			        source->host, LUCIUS_LOG_WARNING, "config.nothing_found", sentence);
		}
	}
}

static void take_pages(struct source *source)
{
	struct found_list list = { 0 };
	found_collect(&list, (const struct page *const *)source->pages, source->n_pages);
	if (list.n > MAX_SETTINGS) {
		found_finish(&list);
		end_task(source, LUCIUS_DENIED, "the store has more than 5000 keys of Lucius");
		return;
	}
	warn_of_nothing(source, list.n);
	secrets_start(source, &list, on_resolved);
}

static void note_success(struct source *source)
{
	if (source->n_failed != 0) {
		lucius_log(source->host, LUCIUS_LOG_INFO, "config.seen_again", NULL);
	}
	source->n_failed = 0;
	source->asked_wait_ms = 0;
	source->host->record(source->host, source->n_good, 1);
	source->host->record(source->host, source->seen_at,
	        (double)(source->host->clock_us(source->host) / 1000000));
	if (!source->is_stale && source->is_in_force) {
		kept_touch(source);
	}
}

static void on_walked(struct source *source, const struct ending *ending)
{
	if (ending->status != LUCIUS_OK) {
		fail_task(source, ending);
		return;
	}
	note_success(source);
	if (source->tasks->op.id != 0) {
		take_pages(source);
		return;
	}
	if (source->is_stale && source->watch.id != 0) {
		const struct lucius_setting hint = { .size = sizeof(hint) };
		source->host->give(source->host, source->watch, &hint);
	}
	end_task(source, LUCIUS_OK, NULL);
}

/* What neither fails nor ends: a store or a vault that answers bit by bit, or page by page. */
static void on_limit(void *user)
{
	struct source *source = user;
	source->limit = NULL;
	CLEANUP_FREE char *sentence = must_print(
	        "%s not answered in full after %llu s (see LUCIUS_APPCONFIG_STARTUP_SECONDS)",
	        source->walk != NULL ? "App Configuration has" : "the Key Vault references are",
	        (unsigned long long)limit_ms(source) / MS_PER_SECOND);
	walk_cancel(source);
	secrets_cancel(source);
	stop_timer(source, steal(source->again));
	if (source->has_given) {
		fail_task(source, &(struct ending){ LUCIUS_UNAVAILABLE, sentence, 0 });
		return;
	}
	if (source->kept_page == NULL && use_kept(source, sentence)) {
		return;
	}
	page_destroy(steal(source->kept_page));
	end_task(source, LUCIUS_UNAVAILABLE, sentence);
}

static void begin_task(struct source *source)
{
	if (!source->has_given && source->began_ms == 0) {
		source->began_ms = now_ms(source);
	}
	arm_limit(source);
	walk_start(source, on_walked);
}

/* Looking for changes */

static void on_poll(void *user)
{
	struct source *source = user;
	source->poll = NULL;
	if (source->tasks == NULL) {
		load_add(source, (struct lucius_op){ 0 });
	}
}

static uint64_t poll_wait_ms(const struct source *source)
{
	uint32_t number = 0;
	source->host->random(source->host, &number, sizeof(number));
	return wait_for_look_ms((uint64_t)source->options->refresh_seconds * MS_PER_SECOND,
	        source->has_loaded, source->n_failed, source->asked_wait_ms, number);
}

void load_disarm(struct source *source)
{
	stop_timer(source, steal(source->poll));
}

void load_arm(struct source *source)
{
	bool may_look = source->watch.id != 0 && !source->is_stopped && source->poll == NULL &&
	        source->tasks == NULL;
	uint64_t wait_ms = may_look ? poll_wait_ms(source) : 0;
	if (wait_ms != 0) {
		source->poll = source->host->timer_start(source->host, wait_ms, on_poll, source);
	}
}

void load_stop(struct source *source)
{
	walk_cancel(source);
	secrets_cancel(source);
	load_disarm(source);
	stop_timer(source, steal(source->again));
	stop_timer(source, steal(source->limit));
	while (source->tasks != NULL) {
		struct task *task = source->tasks;
		source->tasks = task->next;
		if (task->op.id != 0) {
			lucius_fail(source->host, task->op, LUCIUS_UNAVAILABLE,
			        "the source has been stopped");
		}
		free(task);
	}
}
