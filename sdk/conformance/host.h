/* SPDX-License-Identifier: MIT */
/*
 * A small daemon for tests of plugins: loads one by its path, leads it through its life, asks it
 * and keeps what it answers. Knows the ABI and nothing of the core. Its clocks stand still while a
 * test computes, go on while it waits, and jump ahead with host_advance. Breaking a rule of
 * operations (finishing twice, calling from another thread) aborts with the plugin's name.
 */
#ifndef SDK_CONFORMANCE_HOST_H
#define SDK_CONFORMANCE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lucius/plugin.h>

#include "sdk/conformance/arena.h"

struct asked;
struct host;
struct instance;

/* Copies an item of a result into the arena. */
typedef void *(*item_copy_fn)(struct arena *arena, const void *item);

/* start_us: Unix time at which the clock begins. Is_loud: log lines go to standard error. */
struct host *host_create(int64_t start_us, bool is_loud);
/* All instances must be destroyed; frees everything that was ever asked. */
void host_destroy(struct host *host);
int64_t host_clock_us(const struct host *host);
/* The loop, for what a test runs beside the plugin (a server); borrowed. */
struct event_base *host_base(const struct host *host);
/* Lets that much time pass at once and runs what falls due, in order. */
void host_advance(struct host *host, uint64_t ms);
/* Lets things happen for at most so much real time; returns sooner, and true, if something has. */
bool host_turn(struct host *host, int real_ms);
/* Lets things happen until nothing has for that much real time: a backend with threads has then had
 * its chance. */
void host_settle(struct host *host, int quiet_ms);

/* What to load. Options: `name=value`, the rest has its default; unknown names are an error. */
struct instance_spec {
	const char *path;
	uint32_t kind;
	const char *const *options;
	size_t n_options;
};
/* Loads, fills the options, calls create. NULL: a sentence in error. */
struct instance *instance_create(
        struct host *host, const struct instance_spec *spec, char *error, size_t error_size);
/* Takes NULL. Complains (and counts as a failed check) if an operation is open. */
void instance_destroy(struct instance *instance);
const struct lucius_plugin *instance_plugin(const struct instance *instance);
void *instance_self(const struct instance *instance);
const char *instance_not_ready(const struct instance *instance); /* NULL: it is ready */
struct asked *instance_start(struct instance *instance);
struct asked *instance_listen(struct instance *instance);
struct asked *instance_stop(struct instance *instance);
struct asked *instance_health(struct instance *instance); /* items: struct lucius_text */

/*
 * One operation and its answer, owned by the host. Begin it, copy the arguments into its arena,
 * call the plugin with asked_op; the arguments are gone when it is finished.
 */
struct asked *asked_begin(struct instance *instance, const char *name, item_copy_fn copy);
struct arena *asked_arguments(struct asked *asked);
struct lucius_op asked_op(const struct asked *asked);
/* Gives up, as the core does at a deadline. The operation lives until it is finished. */
void asked_cancel(struct asked *asked);
bool asked_is_finished(const struct asked *asked);
/* Waits until it is finished; false (and a failed check) if that takes 30 s of real time. */
bool asked_wait(struct asked *asked);
/* Waits until it has given n items or is finished; as above. */
bool asked_wait_items(struct asked *asked, size_t n);
const char *asked_name(const struct asked *asked);
/* LUCIUS_N_STATUSES while it is not finished. */
uint32_t asked_status(const struct asked *asked);
const char *asked_sentence(const struct asked *asked); /* may be NULL */
size_t asked_n_items(const struct asked *asked);
/* NULL: there are not so many. */
const void *asked_item(const struct asked *asked, size_t n);
/* Frees it before the host goes; it must be finished. */
void asked_free(struct asked *asked);

/*
 * The test as the answering side of an operation that a plugin has opened (an activity). Items are
 * texts. The plugin hears of it in a later turn.
 */
void host_answer_give(struct host *host, struct lucius_op op, const struct lucius_text *item);
void host_answer_finish(
        struct host *host, struct lucius_op op, uint32_t status, const char *sentence);

/* "OK", "CONFLICT", …; static storage. */
const char *status_text(uint32_t status);
/* A copier of struct lucius_text. */
void *copy_text_item(struct arena *arena, const void *item);

#endif
