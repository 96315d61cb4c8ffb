/* SPDX-License-Identifier: MIT */
/*
 * Two chains over the backends and the service, and the signals that begin the second.
 *
 *   start: start_next (config source aside, in order) → on_service_started → listen_next →
 *          on_service_listening → ready
 *   stop:  begin_stop → on_service_stopped → stop_next (against the order) → wait_for_open → end
 *
 * A stop may begin at any point of the start: it forgets the stage of a backend that is under way;
 * callbacks of the service then find is_stopping.
 */
#include "core/daemon.h"

#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/backend.h"
#include "core/backends.h"
#include "core/config_source.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/notify.h"
#include "core/options.h"
#include "core/service.h"
#include "core/settings.h"
#include "core/version.h"
#include "support/base/memory.h"

enum { N_SIGNALS = 3, OPEN_EVERY_MS = 10 };

struct daemon {
	struct daemon_parts parts;
	struct service *service;
	struct notify *notify;
	enum daemon_exit exit_status;
	bool is_stopping;
	enum backend_place place; /* of the chain under way */
	struct lucius_op stage; /* of the chain under way */
	struct event *signals[N_SIGNALS];
	struct timer *bound;
	struct timer *open;
};

static void start_next(struct daemon *daemon);
static void listen_next(struct daemon *daemon);
static void begin_stop(struct daemon *daemon);
static void stop_next(struct daemon *daemon);
static void wait_for_open(void *user);

static struct backend *backend_at(const struct daemon *daemon, size_t place)
{
	return daemon->parts.backends->all[place];
}

static void fail(struct daemon *daemon, const char *event, const char *sentence)
{
	log_write(LUCIUS_LOG_ERROR, event, sentence, NULL, 0);
	daemon->exit_status = EXIT_FAILED;
	begin_stop(daemon);
}

/* Start */

static void on_service_listening(void *user, uint32_t status, const char *sentence)
{
	struct daemon *daemon = user;
	if (daemon->is_stopping) {
		return;
	}
	if (status != LUCIUS_OK) {
		fail(daemon, "daemon.listen_failed", sentence);
		return;
	}
	uint64_t now_us = loop_now_us(daemon->parts.loop);
	LOG(LUCIUS_LOG_INFO, "daemon.ready", NULL,
	        LOG_INTEGER("start_ms", (int64_t)(now_us - daemon->parts.began_us) / 1000),
	        LOG_STRING("version", release_version()));
	notify_ready(daemon->notify);
}

static void on_listening(void *user, uint32_t status, const char *sentence)
{
	struct daemon *daemon = user;
	daemon->stage = (struct lucius_op){ 0 };
	if (status != LUCIUS_OK) {
		fail(daemon, "backend.listen_failed", sentence);
		return;
	}
	daemon->place++;
	listen_next(daemon);
}

static void listen_next(struct daemon *daemon)
{
	while (daemon->place < N_BACKENDS && backend_at(daemon, daemon->place) == NULL) {
		daemon->place++;
	}
	if (daemon->place == N_BACKENDS) {
		service_listen(daemon->service, on_service_listening, daemon);
		return;
	}
	const struct op_caller caller = { .on_done = on_listening, .user = daemon };
	daemon->stage = backend_listen(backend_at(daemon, daemon->place), &caller);
}

static void on_service_started(void *user, uint32_t status, const char *sentence)
{
	struct daemon *daemon = user;
	if (daemon->is_stopping) {
		return;
	}
	if (status != LUCIUS_OK) {
		fail(daemon, "daemon.recovery_failed", sentence);
		return;
	}
	daemon->place = BACKEND_STORAGE;
	listen_next(daemon);
}

/* A backend that cannot reach its server yet is no reason to go: /readyz says so. */
static void on_started(void *user, uint32_t status, const char *sentence)
{
	struct daemon *daemon = user;
	daemon->stage = (struct lucius_op){ 0 };
	if (status == LUCIUS_INTERNAL || status == LUCIUS_UNSUPPORTED) {
		fail(daemon, "backend.start_failed", sentence);
		return;
	}
	/* Most have said so themselves. */
	if (status != LUCIUS_OK && backend_not_ready(backend_at(daemon, daemon->place)) == NULL) {
		LOG(LUCIUS_LOG_WARNING, "backend.not_ready", sentence,
		        LOG_STRING("backend", backend_title(backend_at(daemon, daemon->place))),
		        LOG_STRING("status", status_name(status)));
	}
	daemon->place++;
	start_next(daemon);
}

static void start_next(struct daemon *daemon)
{
	while (daemon->place < N_BACKENDS && backend_at(daemon, daemon->place) == NULL) {
		daemon->place++;
	}
	if (daemon->place == N_BACKENDS) {
		service_start(daemon->service, on_service_started, daemon);
		return;
	}
	const struct op_caller caller = { .on_done = on_started, .user = daemon };
	daemon->stage = backend_start(backend_at(daemon, daemon->place), &caller);
}

/* Changed options */

static struct backend *find_backend(const struct daemon *daemon, const char *title)
{
	for (size_t i = 0; i < N_BACKENDS; i++) {
		struct backend *backend = backend_at(daemon, i);
		if (backend != NULL && strcmp(backend_title(backend), title) == 0) {
			return backend;
		}
	}
	return NULL;
}

/* The files that options name may have changed where the options have not. */
static void tell_changes(struct daemon *daemon)
{
	const struct option_set *set = options_first(daemon->parts.options);
	for (; set != NULL; set = set->next) {
		struct backend *backend = set->is_changed ? find_backend(daemon, set->title) : NULL;
		if (backend != NULL) {
			backend_reconfigure(backend);
		}
	}
	log_set_level(log_level_of(daemon->parts.settings->log_level));
	service_reconfigure(daemon->service);
}

/* The protocols are checked before anything is taken up: all or nothing. */
static bool prepare_service(struct daemon *daemon)
{
	char error[1024] = "";
	struct option_entry entry = { 0 };
	if (options_find_core(daemon->parts.options, "protocols", &entry) < 0) {
		return false;
	}
	bool is_good =
	        service_prepare(daemon->service, entry.text, entry.where, error, sizeof(error));
	if (!is_good) {
		log_write(LUCIUS_LOG_ERROR, "service.not_reconfigured", error, NULL, 0);
	}
	return is_good;
}

static void settle_source(struct daemon *daemon, bool is_good)
{
	if (daemon->parts.source == NULL) {
		return;
	}
	if (is_good) {
		config_source_accept(daemon->parts.source);
	} else {
		config_source_reject(daemon->parts.source);
	}
}

static void take_options(struct daemon *daemon)
{
	struct options *options = daemon->parts.options;
	bool is_good = options_check_names(options) == 0 && prepare_service(daemon) &&
	        options_resolve(options, true) == 0;
	if (is_good) {
		options_say_unused(options);
		tell_changes(daemon);
	}
	settle_source(daemon, is_good);
	log_write(is_good ? LUCIUS_LOG_INFO : LUCIUS_LOG_ERROR, "config.read",
	        is_good ? NULL : "the options stay as they were", NULL, 0);
	notify_reloaded(daemon->notify);
}

static void on_source_loaded(void *user, uint32_t status, const char *sentence)
{
	struct daemon *daemon = user;
	if (daemon->is_stopping) {
		return;
	}
	if (status != LUCIUS_OK) {
		LOG(LUCIUS_LOG_WARNING, "config.source_failed", sentence,
		        LOG_STRING("status", status_name(status)));
	}
	take_options(daemon);
}

static void reload(void *user)
{
	struct daemon *daemon = user;
	if (daemon->is_stopping) {
		return;
	}
	notify_reloading(daemon->notify);
	if (options_read_file(daemon->parts.options) != 0) {
		notify_reloaded(daemon->notify);
		return;
	}
	if (daemon->parts.source != NULL) {
		config_source_load(daemon->parts.source, on_source_loaded, daemon);
	} else {
		take_options(daemon);
	}
}

/* Stop */

static void on_bound(void *user)
{
	struct daemon *daemon = user;
	const struct backend *backend = backends_find_open(daemon->parts.backends);
	const char *title = backend != NULL ? backend_title(backend) : "";
	const char *operation = backend != NULL ? backend_open_operation(backend) : NULL;
	operation = operation != NULL ? operation : "";
	daemon->bound = NULL;
	LOG(LUCIUS_LOG_ERROR, "daemon.stuck",
	        backend != NULL
	                ? "an operation was still open at the end of LUCIUS_SHUTDOWN_SECONDS"
	                : "requests were still open at the end of LUCIUS_SHUTDOWN_SECONDS",
	        LOG_STRING("backend", title), LOG_STRING("operation", operation));
	log_flush();
	_exit(EXIT_STUCK);
}

static void end(struct daemon *daemon)
{
	service_destroy(steal(daemon->service));
	config_source_destroy(steal(daemon->parts.source));
	if (backends_destroy(daemon->parts.backends) != 0) {
		on_bound(daemon);
	}
	timer_stop(steal(daemon->bound));
	loop_break(daemon->parts.loop);
}

/* Stop has ended; what was cancelled may still be on its way to its end. */
static void wait_for_open(void *user)
{
	struct daemon *daemon = user;
	daemon->open = NULL;
	if (backends_find_open(daemon->parts.backends) == NULL) {
		end(daemon);
		return;
	}
	daemon->open = timer_start(daemon->parts.loop, OPEN_EVERY_MS, wait_for_open, daemon);
}

static void on_stopped(void *user, uint32_t status, const char *sentence)
{
	struct daemon *daemon = user;
	daemon->stage = (struct lucius_op){ 0 };
	if (status != LUCIUS_OK) {
		LOG(LUCIUS_LOG_WARNING, "backend.stop_failed", sentence,
		        LOG_STRING("backend", backend_title(backend_at(daemon, daemon->place))),
		        LOG_STRING("status", status_name(status)));
	}
	stop_next(daemon);
}

static void stop_next(struct daemon *daemon)
{
	while (daemon->place > 0 && backend_at(daemon, daemon->place - 1) == NULL) {
		daemon->place--;
	}
	if (daemon->place == 0) {
		wait_for_open(daemon);
		return;
	}
	daemon->place--;
	const struct op_caller caller = {
		.on_done = on_stopped, .user = daemon, .timeout_ms = OP_NO_DEADLINE
	};
	daemon->stage = backend_stop(backend_at(daemon, daemon->place), &caller);
}

static void on_service_stopped(void *user, uint32_t status, const char *sentence)
{
	struct daemon *daemon = user;
	if (status != LUCIUS_OK) {
		LOG(LUCIUS_LOG_WARNING, "daemon.stop_failed", sentence,
		        LOG_STRING("status", status_name(status)));
	}
	config_source_destroy(steal(daemon->parts.source));
	daemon->place = N_BACKENDS;
	stop_next(daemon);
}

/* Once: whoever calls it has looked whether the daemon is stopping. */
static void begin_stop(struct daemon *daemon)
{
	daemon->is_stopping = true;
	notify_stopping(daemon->notify);
	op_forget(daemon->stage);
	uint64_t bound_ms = (uint64_t)daemon->parts.settings->shutdown_seconds * 1000;
	daemon->bound = timer_start(daemon->parts.loop, bound_ms, on_bound, daemon);
	service_stop(daemon->service, on_service_stopped, daemon);
}

static void on_signal(evutil_socket_t number, short what, void *user)
{
	struct daemon *daemon = user;
	(void)what;
	if (number == SIGHUP) {
		reload(daemon);
		return;
	}
	LOG(LUCIUS_LOG_INFO, daemon->is_stopping ? "daemon.stop_at_once" : "daemon.stopping", NULL,
	        LOG_STRING("signal", number == SIGINT ? "SIGINT" : "SIGTERM"));
	if (daemon->is_stopping) {
		log_flush();
		_exit(128 + (int)number);
	}
	begin_stop(daemon);
}

static void catch_signals(struct daemon *daemon)
{
	static const int numbers[N_SIGNALS] = { SIGTERM, SIGINT, SIGHUP };
	for (size_t i = 0; i < N_SIGNALS; i++) {
		daemon->signals[i] = memory_checked(
		        evsignal_new(loop_base(daemon->parts.loop), numbers[i], on_signal, daemon),
		        1, 1);
		if (event_add(daemon->signals[i], NULL) != 0) {
			abort();
		}
	}
}

static struct service *make_service(const struct daemon *daemon, char *error, size_t error_size)
{
	const struct service_parts parts = {
		.loop = daemon->parts.loop,
		.settings = daemon->parts.settings,
		.storage = backend_at(daemon, BACKEND_STORAGE),
		.bus = backend_at(daemon, BACKEND_BUS),
		.workflow = backend_at(daemon, BACKEND_WORKFLOW),
		.roles = daemon->parts.roles,
	};
	return service_create(&parts, error, error_size);
}

enum daemon_exit daemon_run(const struct daemon_parts *parts)
{
	char error[1024] = "";
	struct daemon daemon = { .parts = *parts, .place = BACKEND_STORAGE };
	daemon.service = make_service(&daemon, error, sizeof(error));
	if (daemon.service == NULL) {
		log_write(LUCIUS_LOG_ERROR, "daemon.config_wrong", error, NULL, 0);
		config_source_destroy(daemon.parts.source);
		return EXIT_CONFIG; /* the caller destroys what has not started */
	}
	daemon.notify = notify_create(parts->loop);
	settle_source(&daemon, true);
	options_say_unused(parts->options);
	catch_signals(&daemon);
	loop_watch_lag(parts->loop);
	if (parts->source != NULL) {
		config_source_watch(parts->source, reload, &daemon);
	}
	start_next(&daemon);
	loop_run(parts->loop);
	for (size_t i = 0; i < N_SIGNALS; i++) {
		event_free(daemon.signals[i]);
	}
	notify_destroy(daemon.notify);
	log_write(LUCIUS_LOG_INFO, "daemon.stopped", NULL, NULL, 0);
	return daemon.exit_status;
}
