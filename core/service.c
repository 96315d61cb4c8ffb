/* SPDX-License-Identifier: MIT */
/*
 * Makes the parts that the process's roles need and leads them through start and stop.
 *
 *   start:  recovery (an engine of this process only), awaited for a moment: if another process
 * owns the engine's name, this one stands by and takes over when it gets it listen: engine,
 * replies, sweeper (unless it stands by), then HTTP stop:   HTTP, then replies and sweeper; the
 * backends are the daemon's
 */
#include "core/service.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/access.h"
#include "core/backend.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/registry.h"
#include "core/service_internal.h"
#include "core/settings.h"
#include "core/shipped_file.h"
#include "support/base/fault.h"
#include "support/base/memory.h"

#define START_BOUND_MS 1000u
#define MS_PER_SECOND 1000
#define SECONDS_PER_MINUTE 60
#define ROLES_WITH_ENGINE (ROLE_ORCHESTRATOR | ROLE_WORKER)
#define ROLES_WITH_LEDGER (ROLE_ORCHESTRATOR | ROLE_INVOKER)

static void on_work_ended(void *user, uint32_t status, const char *sentence)
{
	struct service *service = user;
	service->work.id = 0;
	if (!service->api.is_stopping) {
		LOG(LUCIUS_LOG_ERROR, "workflow.work_ended", sentence,
		        LOG_STRING("status", status_name(status)));
	}
}

void service_activate(struct service *service)
{
	if (service->is_working) {
		return;
	}
	service->is_working = true;
	if (service->activities != NULL) {
		const struct op_caller caller = { NULL, on_work_ended, service, OP_NO_DEADLINE };
		service->work = workflow_work(service->parts.workflow,
		        activities_definition(service->activities), &caller);
	}
	if (service->replies != NULL) {
		invoker_expect(service->invoker);
		replies_start(service->replies);
	}
	if (service->sweeper != NULL) {
		sweeper_start(service->sweeper);
	}
	service->api.is_active = true;
	LOG(LUCIUS_LOG_INFO, "service.active", NULL, LOG_INTEGER("roles", service->parts.roles));
}

static void end_start(struct service *service)
{
	timer_stop(steal(service->start_bound));
	lucius_done_fn on_started = service->on_started;
	service->on_started = NULL;
	if (on_started != NULL) {
		on_started(service->user, LUCIUS_OK, NULL);
	}
}

static void on_recovered(void *user)
{
	struct service *service = user;
	service->is_recovered = true;
	if (service->is_listening && !service->api.is_stopping) {
		service_activate(service);
	}
	end_start(service);
}

static void on_start_bound(void *user)
{
	struct service *service = user;
	service->start_bound = NULL;
	log_write(LUCIUS_LOG_WARNING, "service.standing_by",
	        "the engine's name is not owned yet, perhaps by another process", NULL, 0);
	end_start(service);
}

/* Another process thinks that this one is dead: going on would mean two engines for one job. */
static void on_lost(void *user)
{
	struct service *service = user;
	/* At once: an engine that is nobody's any more must not say that it knows no such run. */
	if (!FAULT(engine_kept_after_loss)) {
		op_cancel(service->work);
	}
	log_write(LUCIUS_LOG_ERROR, "service.ownership_lost",
	        "another process has taken over the workflow engine; this one stops", NULL, 0);
	(void)raise(SIGTERM);
}

static void on_nothing_to_recover(void *user)
{
	on_recovered(user);
}

void service_start(struct service *service, lucius_done_fn on_started, void *user)
{
	service->on_started = on_started;
	service->user = user;
	if (service->recovery == NULL) {
		loop_defer(service->parts.loop, on_nothing_to_recover, service);
		return;
	}
	service->start_bound =
	        timer_start(service->parts.loop, START_BOUND_MS, on_start_bound, service);
	recovery_start(service->recovery);
}

struct listening {
	struct service *service;
	lucius_done_fn on_listening;
	void *user;
};

static void on_listen(void *user)
{
	struct listening listening = *(struct listening *)user;
	struct service *service = listening.service;
	char error[512] = "";
	free(user);
	service->is_listening = true;
	if (service->is_recovered) {
		service_activate(service);
	}
	bool is_good = service_listen_http(service, error, sizeof(error));
	listening.on_listening(
	        listening.user, is_good ? LUCIUS_OK : LUCIUS_DENIED, is_good ? NULL : error);
}

void service_listen(struct service *service, lucius_done_fn on_listening, void *user)
{
	struct listening *listening = must_calloc(1, sizeof(*listening));
	*listening = (struct listening){ service, on_listening, user };
	loop_defer(service->parts.loop, on_listen, listening);
}

static void part_stopped(void *user);

static void stop_takers(struct service *service)
{
	if (service->replies != NULL) {
		service->n_stopping++;
		replies_stop(service->replies, part_stopped, service);
	}
	if (service->sweeper != NULL) {
		service->n_stopping++;
		sweeper_stop(service->sweeper, part_stopped, service);
	}
	service->is_working = false;
}

/* Runs once for HTTP, and again for what reads from the bus. */
static void part_stopped(void *user)
{
	struct service *service = user;
	if (--service->n_stopping != 0) {
		return;
	}
	if (service->is_working) {
		service->n_stopping = 1;
		stop_takers(service);
		part_stopped(service);
		return;
	}
	/* The engine first, then its name: another process may take the runs up from now on. */
	op_cancel(service->work);
	if (service->recovery != NULL) {
		recovery_stop(service->recovery);
	}
	lucius_done_fn on_stopped = service->on_stopped;
	on_stopped(service->user, LUCIUS_OK, NULL);
}

static void on_nothing_to_stop(void *user)
{
	part_stopped(user);
}

void service_stop(struct service *service, lucius_done_fn on_stopped, void *user)
{
	uint32_t bound_ms = (uint32_t)service->parts.settings->shutdown_seconds * MS_PER_SECOND;
	service->api.is_stopping = true;
	service->on_stopped = on_stopped;
	service->user = user;
	service->on_started = NULL;
	timer_stop(steal(service->start_bound));
	if (service->ledger != NULL) {
		ledger_hurry(service->ledger);
	}
	service->n_stopping = 1;
	for (int i = 0; i < 2; i++) {
		if (service->servers[i] != NULL) {
			service->n_stopping++;
			http_server_stop(service->servers[i], bound_ms, part_stopped, service);
		}
	}
	loop_defer(service->parts.loop, on_nothing_to_stop, service);
}

static struct step_options default_options(const struct settings *settings)
{
	return (struct step_options){
		.max_attempts = (uint32_t)settings->max_attempts,
		.step_result_timeout_seconds = (uint32_t)settings->step_result_timeout_seconds,
		.lease_seconds = (uint32_t)(settings->lease_minutes * SECONDS_PER_MINUTE),
		.retry_initial_seconds = (uint32_t)settings->retry_initial_seconds,
		.retry_max_seconds = (uint32_t)settings->retry_max_seconds,
	};
}

static void create_invoker(struct service *service)
{
	const struct service_parts *parts = &service->parts;
	const struct settings *settings = parts->settings;
	const struct invoker_parts invoker = { parts->loop, service->ledger, parts->bus,
		&service->signals, (uint32_t)settings->servicebus_lanes };
	const struct replies_parts replies = {
		.loop = parts->loop,
		.ledger = service->ledger,
		.bus = parts->bus,
		.signals = &service->signals,
		.n_lanes = (uint32_t)settings->servicebus_lanes,
		.topic_prefix = settings->servicebus_reply_prefix,
		.subscription = settings->servicebus_reply_subscription,
		.dlq_seconds = &settings->reply_dlq_seconds,
	};
	service->invoker = invoker_create(&invoker);
	service->replies = replies_create(&replies);
}

static void create_worker(struct service *service)
{
	const struct service_parts *parts = &service->parts;
	const struct activities_parts activities = {
		.loop = parts->loop,
		.invoker = service->invoker,
		.urls = parts->settings->invoker_url,
		.token = parts->settings->invoker_token,
		.defaults = default_options(parts->settings),
	};
	service->activities = activities_create(&activities);
}

static void create_recovery(struct service *service)
{
	const struct service_parts *parts = &service->parts;
	const struct recovery_parts recovery = {
		.loop = parts->loop,
		.ledger = service->ledger,
		.workflow = parts->workflow,
		.lease_ms = (uint32_t)parts->settings->own_lease_seconds * MS_PER_SECOND,
		.bus_is_durable = (bus_info(parts->bus).traits & LUCIUS_BUS_DURABLE) != 0,
		.on_recovered = on_recovered,
		.on_lost = on_lost,
		.user = service,
	};
	service->recovery = recovery_create(&recovery);
}

static void create_parts(struct service *service)
{
	const struct service_parts *parts = &service->parts;
	if ((parts->roles & ROLES_WITH_LEDGER) != 0) {
		service->ledger = ledger_create(parts->loop, parts->storage);
		const struct sweeper_parts sweeper = { parts->loop, service->ledger,
			parts->workflow, &service->signals, &parts->settings->retention_days,
			&parts->settings->sweep_seconds };
		service->sweeper = sweeper_create(&sweeper);
	}
	if ((parts->roles & ROLE_INVOKER) != 0) {
		create_invoker(service);
	}
	if ((parts->roles & ROLE_WORKER) != 0) {
		create_worker(service);
	}
	if ((parts->roles & ROLES_WITH_ENGINE) != 0 &&
	        (workflow_info(parts->workflow).traits & LUCIUS_WORKFLOW_IN_PROCESS) != 0) {
		create_recovery(service);
	}
	service->api = (struct api){
		.loop = parts->loop,
		.settings = parts->settings,
		.ledger = service->ledger,
		.storage = parts->storage,
		.bus = parts->bus,
		.workflow = parts->workflow,
		.signals = &service->signals,
		.invoker = service->invoker,
		.recovery = service->recovery,
	};
}

static void forget_prepared(struct service *service)
{
	registry_unref(steal(service->next_registry));
	access_destroy(steal(service->next_access));
}

static struct registry *read_protocols(
        const struct settings *settings, const char *text, const char *where, char **ret_sentence)
{
	char *file CLEANUP_FREE = shipped_file_find(settings->protocols_file);
	return text != NULL ? registry_parse(text, where, file, ret_sentence)
	                    : registry_load(file, NULL, ret_sentence);
}

bool service_prepare(struct service *service, const char *protocols, const char *where, char *error,
        size_t error_size)
{
	const struct settings *settings = service->parts.settings;
	char *sentence CLEANUP_FREE = NULL;
	forget_prepared(service);
	if ((service->parts.roles & ROLE_ORCHESTRATOR) == 0) {
		return true;
	}
	service->next_registry = read_protocols(settings, protocols, where, &sentence);
	if (service->next_registry == NULL) {
		(void)snprintf(error, error_size, "%s", sentence);
		return false;
	}
	if (settings->api_tokens_file != NULL) {
		service->next_access = access_load(settings->api_tokens_file, error, error_size);
		if (service->next_access == NULL) {
			forget_prepared(service);
			return false;
		}
	}
	return true;
}

void service_reconfigure(struct service *service)
{
	if (service->activities != NULL) {
		const struct step_options defaults = default_options(service->parts.settings);
		activities_set_defaults(service->activities, &defaults);
	}
	if (service->sweeper != NULL) {
		sweeper_reconfigure(service->sweeper);
	}
	if (service->replies != NULL) {
		replies_reconfigure(service->replies);
	}
	if (service->next_registry == NULL) {
		return;
	}
	registry_unref(service->api.registry);
	access_destroy(service->access);
	service->api.registry = steal(service->next_registry);
	service->access = steal(service->next_access);
	service->api.access = service->access;
}

struct service *service_create(const struct service_parts *parts, char *error, size_t error_size)
{
	if (!service_check(parts, error, error_size)) {
		return NULL;
	}
	struct service *service = must_calloc(1, sizeof(*service));
	service->parts = *parts;
	service->signals = (struct signals){ parts->loop, parts->workflow };
	create_parts(service);
	if (!service_prepare(
	            service, parts->settings->protocols, "LUCIUS_PROTOCOLS", error, error_size)) {
		service_destroy(service);
		return NULL;
	}
	service_reconfigure(service);
	return service;
}

void service_destroy(struct service *service)
{
	if (service == NULL) {
		return;
	}
	service_destroy_http(service);
	replies_destroy(service->replies);
	sweeper_destroy(service->sweeper);
	recovery_destroy(service->recovery);
	activities_destroy(service->activities);
	invoker_destroy(service->invoker);
	ledger_destroy(service->ledger);
	forget_prepared(service);
	registry_unref(service->api.registry);
	access_destroy(service->access);
	free(service);
}
