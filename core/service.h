/* SPDX-License-Identifier: MIT */
/*
 * What Lucius does once its backends run: the API, the invoker, the worker and the sweeper of the
 * roles that this process has. The daemon (core/daemon.c) makes it when all plugins are created,
 * and leads it through the same stages as they.
 */
#ifndef CORE_SERVICE_H
#define CORE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lucius/plugin.h>

struct backend;
struct loop;
struct registry;
struct service;
struct settings;

#define ROLE_ORCHESTRATOR 1u
#define ROLE_WORKER 2u
#define ROLE_INVOKER 4u
#define ROLE_BUS 8u

struct service_parts {
	struct loop *loop; /* borrowed, as all others, until service_destroy */
	const struct settings *settings;
	struct backend *storage; /* NULL where no role of this process needs it */
	struct backend *bus;
	struct backend *workflow;
	uint32_t roles; /* ROLE_… */
};

/* Checks what can be checked without I/O to the backends (role splits that a backend cannot serve,
 * the protocol registry, the tokens file). NULL: a sentence in error. */
struct service *service_create(const struct service_parts *parts, char *error, size_t error_size);
/* Callbacks run later, never within the call; status LUCIUS_OK, or a failure with a sentence. */
/* After all backends have started: recovery. */
void service_start(struct service *service, lucius_done_fn on_started, void *user);
/* After `listen` of the backends: subscriptions, pollers, then the HTTP listeners. */
void service_listen(struct service *service, lucius_done_fn on_listening, void *user);
/* HTTP listeners closed, requests under way answered, subscriptions drained. The caller bounds it.
 */
void service_stop(struct service *service, lucius_done_fn on_stopped, void *user);
void service_destroy(struct service *service);
/* Reads what may change while it runs (protocols, tokens) without taking it up. Protocols: JSON, or
 * NULL for the file; where: where it comes from. False: a sentence. */
bool service_prepare(struct service *service, const char *protocols, const char *where, char *error,
        size_t error_size);
/* Options marked LIVE have changed: takes up what has been prepared. */
void service_reconfigure(struct service *service);

#endif
