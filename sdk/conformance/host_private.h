/* SPDX-License-Identifier: MIT */
/* What the files of the test host share. */
#ifndef SDK_CONFORMANCE_HOST_PRIVATE_H
#define SDK_CONFORMANCE_HOST_PRIVATE_H

#include <pthread.h>

#include "sdk/conformance/host.h"

struct call; /* fn with its user, in line */

struct lucius_timer {
	struct lucius_timer *next; /* by due_ms, then in the order of starting */
	uint64_t due_ms;
	lucius_fn fn;
	void *user;
};

struct asked {
	struct host *host;
	struct instance *instance; /* who finishes it; NULL: the test, through host_answer */
	const char *name;
	item_copy_fn copy;
	struct arena arguments;
	struct arena results;
	const void **items; /* owned; in results */
	size_t n_items;
	uint64_t id; /* generation << 32 | place */
	uint32_t status;
	const char *sentence; /* in results */
	lucius_fn on_cancel;
	void *on_cancel_user;
	bool is_cancelled;
	bool is_finished;
	bool is_given_up; /* by the plugin that has opened it: told so, and hears no more */
	struct lucius_question question; /* of one that a plugin has opened; else zeros */
	size_t n_told; /* items that its on_item has heard of */
};

#define N_WRAPPED 4

struct instance {
	struct lucius_host table; /* first: the plugin's pointer is ours */
	struct host *host;
	const struct lucius_plugin *plugin;
	void *self; /* owned */
	void *options; /* owned; its texts too */
	struct arena option_texts;
	char *not_ready; /* owned; NULL: ready */
	size_t n_open;
	const struct instance_spec *spec; /* while it is created; else NULL */
	struct lucius_backend shown; /* what a wrapper sees */
	struct instance *wrapped[N_WRAPPED]; /* owned; led through life together with this one */
	size_t n_wrapped;
};

struct host {
	struct event_base *base;
	struct event *wake; /* of post, from other threads */
	struct event *pause; /* ends a wait */
	int wake_fds[2];
	pthread_t thread;
	pthread_mutex_t lock; /* of posted */
	struct call *posted, **last_posted;
	struct call *deferred, **last_deferred;
	struct lucius_timer *timers;
	struct asked **asked; /* owned; by place; NULL: free */
	size_t n_places;
	size_t maybe_free; /* no place below it is free */
	uint32_t last_generation;
	int64_t start_us;
	uint64_t passed_us; /* since start_us, simulated */
	bool is_loud;
};

/* Fills the part of the table that is about operations, or about the rest. */
void host_fill_operations(struct lucius_host *table);
void host_fill_services(struct lucius_host *table);
/* Runs fn in the next turn. */
void host_defer(struct host *host, lucius_fn fn, void *user);
/* Aborts with the plugin's name and that sentence. */
_Noreturn void host_accuse(const struct lucius_host *table, const char *sentence);
/* Accuses if this is not the loop's thread. */
void host_check_thread(const struct lucius_host *table, const char *member);
/* Copies the items of that operation (LUCIUS_OP_…). */
item_copy_fn host_copy_of(uint32_t operation);
/* `wrap` of the table. */
const struct lucius_backend *host_wrap(const struct lucius_host *table, const char *name);
struct instance *host_instance(const struct lucius_host *table);

#endif
