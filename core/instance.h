/* SPDX-License-Identifier: MIT */
/*
 * What a backend is inside the runtime: the plugin's instance with its host table. Everybody else
 * has core/backend.h. Never freed, so that a late call of a plugin still finds its name.
 */
#ifndef CORE_INSTANCE_H
#define CORE_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/backend.h"
#include "core/op_deadline.h"
#include "core/op_state.h"

struct metric;

enum backend_stage {
	BACKEND_CREATING,
	BACKEND_CREATED, /* until it stops */
	BACKEND_STOPPING,
	BACKEND_DESTROYED
};

enum { N_WRAPPED = 4 };

struct backend {
	struct lucius_host host; /* first: the plugin's pointer is ours */
	struct lucius_backend shown; /* what a wrapper sees */
	const struct lucius_plugin *plugin;
	char *title; /* owned: "storage-memory" */
	void *self; /* owned until destroy */
	void *own_options; /* owned; NULL where the caller has given them */
	struct backend_parts parts;
	enum backend_stage stage;
	size_t n_open; /* operations that it has not finished */
	size_t max_open;
	struct deadlines deadlines;
	char *not_ready; /* owned: why it is not ready; NULL: it is */
	struct backend *wrapped[N_WRAPPED];
	size_t n_wrapped;
	uint64_t entered_ms; /* real time of the newest call into it */
	struct metric *asked;
	struct metric *late;
	struct metric *expired;
	struct metric *refused;
	struct backend *next;
};

/* All that were ever made; the newest first. */
struct backend *instance_first(void);
/* The backend with that host table; aborts with the table's owner unknown if there is none. */
struct backend *instance_of(const struct lucius_host *host);
/* Fills in all members of the host table. */
void host_init(struct backend *backend);
/* Host table's `wrap`. NULL: a sentence in error. */
struct backend *instance_wrap(
        struct backend *outer, const char *name, char *error, size_t error_size);
/* Ends the process: the plugin has broken a rule that leaves nothing to go on with. */
void instance_abort(const struct backend *backend, const char *fact) __attribute__((noreturn));

/*
 * Opens an operation on the backend. NULL: it is refused and will be answered so (the backend has
 * no such member, is stopping, or has as many running as it may). Ret_handle is set either way.
 */
struct op *backend_ask(struct backend *backend, uint32_t operation, bool has_member,
        const struct op_caller *caller, struct lucius_op *ret_handle);
/* The call that backend_ask has opened has returned: names the plugin if it has held the loop up.
 */
void backend_left(struct backend *backend, uint32_t operation);

#endif
