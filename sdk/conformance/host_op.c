/* SPDX-License-Identifier: MIT */
/* Operations of the test host: asked by the test or opened by a plugin, finished exactly once. */
#include "sdk/conformance/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sdk/conformance/check.h"
#include "sdk/conformance/host_private.h"
#include "support/base/memory.h"

#define WAIT_S 30

const char *status_text(uint32_t status)
{
	static const char *const names[LUCIUS_N_STATUSES + 1] = { "OK", "DUPLICATE", "NOT_FOUND",
		"CONFLICT", "KEY_CONFLICT", "TENANT_FULL", "LOCK_LOST", "UNROUTABLE", "TOO_LARGE",
		"UNAVAILABLE", "UNKNOWN", "DENIED", "UNSUPPORTED", "INTERNAL", "(not finished)" };
	return status <= LUCIUS_N_STATUSES ? names[status] : "(no status of the ABI)";
}

static size_t free_place(struct host *host)
{
	while (host->maybe_free < host->n_places && host->asked[host->maybe_free] != NULL) {
		host->maybe_free++;
	}
	if (host->maybe_free == host->n_places) {
		host->asked =
		        must_resize(host->asked, host->n_places * 2 + 16, sizeof(struct asked *));
		memset(&host->asked[host->n_places], 0,
		        (host->n_places + 16) * sizeof(struct asked *));
		host->n_places = host->n_places * 2 + 16;
	}
	return host->maybe_free;
}

static struct asked *add_asked(struct host *host, const char *name, item_copy_fn copy)
{
	struct asked *asked = must_calloc(1, sizeof(*asked));
	size_t place = free_place(host);
	host->asked[place] = asked;
	asked->host = host;
	asked->name = name;
	asked->copy = copy;
	asked->status = LUCIUS_N_STATUSES;
	asked->id = (uint64_t)++host->last_generation << 32 | place;
	return asked;
}

struct asked *asked_begin(struct instance *instance, const char *name, item_copy_fn copy)
{
	struct asked *asked = add_asked(instance->host, name, copy);
	asked->instance = instance;
	instance->n_open++;
	return asked;
}

static struct asked *find(struct host *host, struct lucius_op op)
{
	size_t place = op.id & 0xffffffffu;
	struct asked *asked = place < host->n_places ? host->asked[place] : NULL;
	return asked != NULL && asked->id == op.id && !asked->is_finished ? asked : NULL;
}

/* The plugin's own running operation; anything else is its bug. */
static struct asked *own_asked(
        const struct lucius_host *table, struct lucius_op op, const char *member)
{
	char sentence[128];
	host_check_thread(table, member);
	struct asked *asked = find(host_instance(table)->host, op);
	if (asked == NULL || asked->instance != host_instance(table)) {
		(void)snprintf(sentence, sizeof(sentence),
		        "calls %s for an operation that is finished or not its own.", member);
		host_accuse(table, sentence);
	}
	return asked;
}

static void add_item(struct asked *asked, const void *item)
{
	if (asked->copy == NULL) {
		CHECK_FAILED("\"%s\" gives something, though it has nothing to give", asked->name);
		return;
	}
	asked->items = must_resize(asked->items, asked->n_items + 1, sizeof(asked->items[0]));
	asked->items[asked->n_items++] = asked->copy(&asked->results, item);
}

/* An operation by its id, because it may be gone when the call comes. */
struct later {
	struct host *host;
	struct lucius_op op;
};

static void call_later(struct asked *asked, lucius_fn fn)
{
	struct later *later = must_calloc(1, sizeof(*later));
	*later = (struct later){ asked->host, { asked->id } };
	host_defer(asked->host, fn, later);
}

/* The plugin hears of what came for an operation that it has opened. */
static void on_answer(void *user)
{
	struct later *later = user;
	size_t place = later->op.id & 0xffffffffu;
	struct asked *asked = later->host->asked[place];
	uint64_t id = later->op.id;
	free(later);
	if (asked == NULL || asked->id != id) {
		return;
	}
	while (!asked->is_given_up && asked->n_told < asked->n_items) {
		const void *item = asked->items[asked->n_told++];
		if (asked->question.on_item != NULL) {
			asked->question.on_item(asked->question.user, item);
		}
	}
	if (asked->is_finished && !asked->is_given_up) {
		asked->question.on_done(asked->question.user, asked->status, asked->sentence);
	}
	if (asked->is_finished) {
		asked_free(asked);
	}
}

/* The plugin that has asked gave up: it is told so; who was asked has still to finish. */
static void on_given_up(void *user)
{
	struct later *later = user;
	struct asked *asked = find(later->host, later->op);
	free(later);
	if (asked != NULL && !asked->is_given_up) {
		asked->is_given_up = true;
		asked->question.on_done(asked->question.user, LUCIUS_UNKNOWN, "It was cancelled.");
	}
}

/* True if a plugin has opened it, and is to hear of it. */
static bool is_opened(const struct asked *asked)
{
	return asked->question.on_done != NULL;
}

static void table_give(const struct lucius_host *table, struct lucius_op op, const void *item)
{
	struct asked *asked = own_asked(table, op, "give");
	/* Who has given up hears no more. */
	if (!asked->is_cancelled) {
		add_item(asked, item);
		if (is_opened(asked)) {
			call_later(asked, on_answer);
		}
	}
}

static void end(struct asked *asked, uint32_t status, const char *sentence)
{
	asked->is_finished = true;
	asked->status = status;
	if (sentence != NULL) {
		asked->sentence = arena_copy(&asked->results, sentence, strlen(sentence));
	}
	arena_finish(&asked->arguments);
}

static void table_finish(
        const struct lucius_host *table, struct lucius_op op, uint32_t status, const char *sentence)
{
	struct asked *asked = own_asked(table, op, "finish");
	if (status >= LUCIUS_N_STATUSES) {
		CHECK_FAILED("\"%s\" ends with status %u, which the ABI has not", asked->name,
		        (unsigned)status);
	}
	asked->instance->n_open--;
	end(asked, status, sentence);
	if (is_opened(asked)) {
		call_later(asked, on_answer);
	}
}

static void on_cancel_due(void *user)
{
	struct later *later = user;
	struct asked *asked = find(later->host, later->op);
	free(later);
	if (asked != NULL && asked->on_cancel != NULL) {
		lucius_fn fn = asked->on_cancel;
		asked->on_cancel = NULL;
		fn(asked->on_cancel_user);
	}
}

static void table_on_cancel(
        const struct lucius_host *table, struct lucius_op op, lucius_fn fn, void *user)
{
	struct asked *asked = own_asked(table, op, "on_cancel");
	asked->on_cancel = fn;
	asked->on_cancel_user = user;
	if (asked->is_cancelled) {
		call_later(asked, on_cancel_due);
	}
}

void asked_cancel(struct asked *asked)
{
	if (!asked->is_finished && !asked->is_cancelled) {
		asked->is_cancelled = true;
		call_later(asked, on_cancel_due);
	}
}

static struct lucius_op table_open(
        const struct lucius_host *table, const struct lucius_question *question)
{
	host_check_thread(table, "open");
	struct asked *asked = add_asked(host_instance(table)->host, "an operation that was opened",
	        host_copy_of(question->operation));
	if (question->asked != NULL) {
		asked->instance = host_instance(question->asked->host);
		asked->instance->n_open++;
	}
	memcpy(&asked->question, question,
	        question->size < sizeof(*question) ? question->size : sizeof(*question));
	return (struct lucius_op){ asked->id };
}

static void table_cancel(const struct lucius_host *table, struct lucius_op op)
{
	host_check_thread(table, "cancel");
	struct asked *asked = find(host_instance(table)->host, op);
	if (asked != NULL && asked->instance == NULL) {
		end(asked, LUCIUS_UNKNOWN, "It was cancelled.");
		call_later(asked, on_answer);
	} else if (asked != NULL) {
		asked_cancel(asked);
		call_later(asked, on_given_up);
	}
}

void host_answer_give(struct host *host, struct lucius_op op, const struct lucius_text *item)
{
	struct asked *asked = find(host, op);
	if (asked != NULL && asked->instance == NULL) {
		add_item(asked, item);
		call_later(asked, on_answer);
	}
}

void host_answer_finish(
        struct host *host, struct lucius_op op, uint32_t status, const char *sentence)
{
	struct asked *asked = find(host, op);
	if (asked != NULL && asked->instance == NULL) {
		end(asked, status, sentence);
		call_later(asked, on_answer);
	}
}

void host_fill_operations(struct lucius_host *table)
{
	table->give = table_give;
	table->finish = table_finish;
	table->on_cancel = table_on_cancel;
	table->open = table_open;
	table->cancel = table_cancel;
}

struct arena *asked_arguments(struct asked *asked)
{
	return &asked->arguments;
}

struct lucius_op asked_op(const struct asked *asked)
{
	return (struct lucius_op){ asked->id };
}

bool asked_is_finished(const struct asked *asked)
{
	return asked->is_finished;
}

bool asked_wait_items(struct asked *asked, size_t n)
{
	time_t until = time(NULL) + WAIT_S;
	while (!asked->is_finished && asked->n_items < n) {
		if (time(NULL) > until) {
			CHECK_FAILED("\"%s\" is not answered after %d s", asked->name, WAIT_S);
			return false;
		}
		host_turn(asked->host, 100);
	}
	return true;
}

bool asked_wait(struct asked *asked)
{
	return asked_wait_items(asked, SIZE_MAX);
}

const char *asked_name(const struct asked *asked)
{
	return asked->name;
}

uint32_t asked_status(const struct asked *asked)
{
	return asked->status;
}

const char *asked_sentence(const struct asked *asked)
{
	return asked->sentence;
}

size_t asked_n_items(const struct asked *asked)
{
	return asked->n_items;
}

const void *asked_item(const struct asked *asked, size_t n)
{
	return n < asked->n_items ? asked->items[n] : NULL;
}

void asked_free(struct asked *asked)
{
	size_t place = asked->id & 0xffffffffu;
	asked->host->asked[place] = NULL;
	if (place < asked->host->maybe_free) {
		asked->host->maybe_free = place;
	}
	arena_finish(&asked->arguments);
	arena_finish(&asked->results);
	free(asked->items);
	free(asked);
}

void *copy_text_item(struct arena *arena, const void *item)
{
	struct lucius_text text = arena_text(arena, *(const struct lucius_text *)item);
	return arena_copy(arena, &text, sizeof(text));
}
