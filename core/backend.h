/* SPDX-License-Identifier: MIT */
/*
 * A running backend, and one function for each operation of each kind. All copy their arguments
 * into the operation, check that the backend has the operation (else UNSUPPORTED) and that it is
 * not over its bound of running ones (else UNAVAILABLE), and call it. What on_item is given and
 * which statuses come back stands in include/lucius/.
 */
#ifndef CORE_BACKEND_H
#define CORE_BACKEND_H

#include <lucius/bus.h>
#include <lucius/config.h>
#include <lucius/storage.h>
#include <lucius/workflow.h>

#include "core/op.h"

struct arena;
struct backend;
struct loop;

/* What a backend is made from; all borrowed until backend_destroy. */
struct backend_parts {
	struct loop *loop;
	const struct lucius_plugin *plugin; /* from loader_load */
	const void *options; /* the plugin's struct; NULL: its rows' defaults */
	const char *plugins_dir; /* where `wrap` finds others; NULL: it finds none */
	size_t max_operations; /* running at once; 0: 10000 */
	/* The options of a wrapped backend; NULL, or a result of NULL with an empty error: the
	 * defaults. */
	const void *(*options_of)(
	        void *user, const struct lucius_plugin *plugin, char *error, size_t error_size);
	void *user;
};

/* Calls the plugin's create. NULL: a sentence in error, and the plugin's destroy has been called.
 */
struct backend *backend_create(const struct backend_parts *parts, char *error, size_t error_size);
/* Calls the plugin's destroy. Returns 0, or -1 and has done nothing while an operation is open.
 * Takes NULL. The handle is void then. */
int backend_destroy(struct backend *backend);

/* "memory"; static storage. */
const char *backend_name(const struct backend *backend);
/* "storage-memory"; good for ever. */
const char *backend_title(const struct backend *backend);

struct lucius_op backend_start(struct backend *backend, const struct op_caller *caller);
struct lucius_op backend_listen(struct backend *backend, const struct op_caller *caller);
struct lucius_op backend_stop(struct backend *backend, const struct op_caller *caller);
/* on_item: struct lucius_text. A backend without `health` answers from its last `ready`. */
struct lucius_op backend_health(struct backend *backend, const struct op_caller *caller);
/* What the backend has said last of why it is not ready; NULL: it is. */
const char *backend_not_ready(const struct backend *backend);
/* Options marked LIVE have changed in place. */
void backend_reconfigure(struct backend *backend);
/* Operations open on the backend and on what it wraps, streams too. */
size_t backend_n_open(const struct backend *backend);
/* The backend, or one that it wraps, that has an operation open; NULL: none has. */
const struct backend *backend_find_open(const struct backend *backend);
/* The name of one that is open ("subscribe"); NULL: there is none. */
const char *backend_open_operation(const struct backend *backend);

/* Zero where the backend says nothing. */
struct lucius_storage_info storage_info(struct backend *storage);
int storage_has_list(const struct backend *storage);
int storage_has_events(const struct backend *storage);
/* The command lies in the arena with all that it points to (or stays for ever): the operation takes
 * over what is in the arena. So with the job of storage_save. */
struct lucius_op storage_create(struct backend *storage, struct arena *arena,
        const struct lucius_command *command, const struct op_caller *caller);
struct lucius_op storage_load(
        struct backend *storage, struct lucius_text job_id, const struct op_caller *caller);
struct lucius_op storage_save(struct backend *storage, struct arena *arena,
        const struct lucius_job *job, const struct op_caller *caller);
struct lucius_op storage_release(
        struct backend *storage, const struct lucius_job *job, const struct op_caller *caller);
struct lucius_op storage_scan(struct backend *storage, struct lucius_text cursor, uint32_t limit,
        const struct op_caller *caller);
struct lucius_op storage_repair(struct backend *storage, const struct lucius_repair *repair,
        const struct op_caller *caller);
struct lucius_op storage_own(struct backend *storage, const struct lucius_ownership *ownership,
        const struct op_caller *caller);
struct lucius_op storage_list(struct backend *storage, const struct lucius_listing *listing,
        const struct op_caller *caller);
struct lucius_op storage_events(
        struct backend *storage, struct lucius_text job_id, const struct op_caller *caller);

struct lucius_bus_info bus_info(struct backend *bus);
/* For buses that want to know it; between start and stop. */
void bus_expect(struct backend *bus, const struct lucius_topology *topology);
struct lucius_op bus_publish(struct backend *bus, struct lucius_text topic,
        const struct lucius_message *message, const struct op_caller *caller);
struct lucius_op bus_subscribe(struct backend *bus, const struct lucius_subscription *subscription,
        const struct op_caller *caller);
struct lucius_op bus_settle(struct backend *bus, const struct lucius_settlement *settlement,
        const struct op_caller *caller);
struct lucius_op bus_unsubscribe(
        struct backend *bus, struct lucius_op subscription, const struct op_caller *caller);
struct lucius_op bus_provision(struct backend *bus, const struct lucius_topology *topology,
        const struct op_caller *caller);

struct lucius_workflow_info workflow_info(struct backend *workflow);
struct lucius_op workflow_start(
        struct backend *workflow, const struct lucius_run *run, const struct op_caller *caller);
struct lucius_op workflow_signal(struct backend *workflow, const struct lucius_signal *signal,
        const struct op_caller *caller);
struct lucius_op workflow_cancel(struct backend *workflow, struct lucius_text workflow_id,
        struct lucius_text request_id, const struct op_caller *caller);
struct lucius_op workflow_describe(
        struct backend *workflow, struct lucius_text workflow_id, const struct op_caller *caller);
struct lucius_op workflow_work(struct backend *workflow, const struct lucius_definition *definition,
        const struct op_caller *caller);

struct lucius_op config_load(struct backend *config, const struct op_caller *caller);
struct lucius_op config_watch(struct backend *config, const struct op_caller *caller);
void config_keep(struct backend *config, const struct lucius_text *keys, uint64_t n_keys);

#endif
