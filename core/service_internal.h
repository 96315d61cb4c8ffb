/* SPDX-License-Identifier: MIT */
/* The parts of the service, as core/service*.c share them. */
#ifndef CORE_SERVICE_INTERNAL_H
#define CORE_SERVICE_INTERNAL_H

#include "core/activities.h"
#include "core/api.h"
#include "core/http/server.h"
#include "core/invoker.h"
#include "core/recovery.h"
#include "core/replies.h"
#include "core/service.h"
#include "core/signals.h"
#include "core/sweeper.h"

struct service {
	struct service_parts parts;
	struct api api;
	struct signals signals;
	struct ledger *ledger; /* owned, as all below; NULL where no role needs it */
	struct invoker *invoker;
	struct activities *activities;
	struct replies *replies;
	struct sweeper *sweeper;
	struct recovery *recovery; /* NULL: the engine needs none */
	struct access_list *access;
	struct registry *next_registry; /* prepared; NULL: nothing is */
	struct access_list *next_access;
	struct http_router *routers[2];
	struct http_server *servers[2]; /* public, internal */
	struct http_tls *tls;
	struct lucius_op work; /* the engine's, id 0: none */
	struct timer *start_bound;
	lucius_done_fn on_started; /* while service_start waits */
	lucius_done_fn on_stopped;
	void *user;
	size_t n_stopping; /* parts that have not stopped yet */
	bool is_recovered;
	bool is_listening;
	bool is_working;
};

/* False and a sentence: the backends cannot serve these roles. Warns of what is odd. */
bool service_check(const struct service_parts *parts, char *error, size_t error_size);

/* Makes routers and servers of the process's roles and listens. False and a sentence. */
bool service_listen_http(struct service *service, char *error, size_t error_size);
void service_destroy_http(struct service *service);

/* Begins to work: engine, replies, sweeper. */
void service_activate(struct service *service);

#endif
