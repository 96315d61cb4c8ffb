/* SPDX-License-Identifier: MIT */
/* The loop of the test host: posted and deferred calls, timers, clocks, and what a table offers
 * besides operations. */
#include "sdk/conformance/host.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "sdk/conformance/host_private.h"
#include "support/base/memory.h"

struct call {
	struct call *next;
	lucius_fn fn;
	void *user;
};

struct lucius_metric {
	struct lucius_metric *next; /* the instance's */
	uint32_t type;
	double value;
};

struct instance *host_instance(const struct lucius_host *table)
{
	return (struct instance *)(uintptr_t)table;
}

void host_accuse(const struct lucius_host *table, const char *sentence)
{
	const struct lucius_plugin *plugin = host_instance(table)->plugin;
	(void)fflush(stdout);
	fprintf(stderr, "plugin \"%s\" %s\n", plugin->prefix.name, sentence);
	abort();
}

void host_check_thread(const struct lucius_host *table, const char *member)
{
	char sentence[128];
	if (pthread_equal(host_instance(table)->host->thread, pthread_self()) == 0) {
		(void)snprintf(sentence, sizeof(sentence),
		        "calls %s from a thread of its own; only post may be.", member);
		host_accuse(table, sentence);
	}
}

static void on_wake(evutil_socket_t fd, short what, void *user)
{
	char bytes[64];
	(void)what;
	(void)user;
	while (read(fd, bytes, sizeof(bytes)) > 0) {
	}
}

static void on_pause(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	(void)user;
}

static void require(bool is_done, const char *what)
{
	if (!is_done) {
		fprintf(stderr, "the test host has no %s: %s\n", what, strerror(errno));
		abort();
	}
}

struct host *host_create(int64_t start_us, bool is_loud)
{
	struct host *host = must_calloc(1, sizeof(*host));
	host->start_us = start_us;
	host->is_loud = is_loud;
	host->thread = pthread_self();
	host->last_posted = &host->posted;
	host->last_deferred = &host->deferred;
	require(pthread_mutex_init(&host->lock, NULL) == 0, "lock");
	require(pipe2(host->wake_fds, O_NONBLOCK | O_CLOEXEC) == 0, "pipe");
	host->base = event_base_new();
	require(host->base != NULL, "event base");
	host->wake = event_new(host->base, host->wake_fds[0], EV_READ | EV_PERSIST, on_wake, host);
	host->pause = evtimer_new(host->base, on_pause, host);
	require(host->wake != NULL && host->pause != NULL, "event");
	require(event_add(host->wake, NULL) == 0, "event");
	return host;
}

static void free_calls(struct call *call)
{
	while (call != NULL) {
		struct call *next = call->next;
		free(call);
		call = next;
	}
}

void host_destroy(struct host *host)
{
	for (size_t i = 0; i < host->n_places; i++) {
		if (host->asked[i] != NULL) {
			asked_free(host->asked[i]);
		}
	}
	free(host->asked);
	while (host->timers != NULL) {
		struct lucius_timer *timer = host->timers;
		host->timers = timer->next;
		free(timer);
	}
	free_calls(host->posted);
	free_calls(host->deferred);
	event_free(host->wake);
	event_free(host->pause);
	event_base_free(host->base);
	(void)close(host->wake_fds[0]);
	(void)close(host->wake_fds[1]);
	(void)pthread_mutex_destroy(&host->lock);
	free(host);
}

static void add_call(struct call ***last, lucius_fn fn, void *user)
{
	struct call *call = must_calloc(1, sizeof(*call));
	call->fn = fn;
	call->user = user;
	**last = call;
	*last = &call->next;
}

void host_defer(struct host *host, lucius_fn fn, void *user)
{
	add_call(&host->last_deferred, fn, user);
}

static void host_post(const struct lucius_host *table, lucius_fn fn, void *user)
{
	struct host *host = host_instance(table)->host;
	(void)pthread_mutex_lock(&host->lock);
	add_call(&host->last_posted, fn, user);
	(void)pthread_mutex_unlock(&host->lock);
	/* A full pipe wakes the loop as well. */
	ssize_t n_written = write(host->wake_fds[1], "", 1);
	(void)n_written;
}

/* Runs the calls that are in line now, not those that they add; true if there was one. */
static bool run_calls(struct call *call)
{
	bool has_run = call != NULL;
	while (call != NULL) {
		struct call *next = call->next;
		call->fn(call->user);
		free(call);
		call = next;
	}
	return has_run;
}

static bool run_deferred(struct host *host)
{
	struct call *first = host->deferred;
	host->deferred = NULL;
	host->last_deferred = &host->deferred;
	return run_calls(first);
}

static bool run_posted(struct host *host)
{
	(void)pthread_mutex_lock(&host->lock);
	struct call *first = host->posted;
	host->posted = NULL;
	host->last_posted = &host->posted;
	(void)pthread_mutex_unlock(&host->lock);
	return run_calls(first);
}

static uint64_t now_ms(const struct host *host)
{
	return host->passed_us / 1000;
}

static bool run_timers(struct host *host)
{
	bool has_run = false;
	while (host->timers != NULL && host->timers->due_ms <= now_ms(host)) {
		struct lucius_timer *timer = host->timers;
		host->timers = timer->next;
		lucius_fn fn = timer->fn;
		void *user = timer->user;
		free(timer);
		fn(user);
		has_run = true;
	}
	return has_run;
}

static bool run_ready(struct host *host)
{
	bool has_posted = run_posted(host);
	bool has_deferred = run_deferred(host);
	return run_timers(host) || has_posted || has_deferred;
}

static int64_t real_us(void)
{
	struct timespec now;
	require(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock");
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

bool host_turn(struct host *host, int real_ms)
{
	if (run_ready(host)) {
		(void)event_base_loop(host->base, EVLOOP_NONBLOCK);
		return true;
	}
	uint64_t wait_ms = (uint64_t)real_ms;
	if (host->timers != NULL && host->timers->due_ms - now_ms(host) < wait_ms) {
		wait_ms = host->timers->due_ms - now_ms(host);
	}
	int64_t before_us = real_us();
	struct timeval wait = { (time_t)(wait_ms / 1000), (suseconds_t)(wait_ms % 1000 * 1000) };
	(void)evtimer_add(host->pause, &wait);
	(void)event_base_loop(host->base, EVLOOP_ONCE);
	(void)evtimer_del(host->pause);
	host->passed_us += (uint64_t)(real_us() - before_us);
	return run_ready(host);
}

void host_settle(struct host *host, int quiet_ms)
{
	while (host_turn(host, quiet_ms)) {
	}
}

void host_advance(struct host *host, uint64_t ms)
{
	uint64_t until_us = host->passed_us + ms * 1000;
	while (host->timers != NULL && host->timers->due_ms * 1000 <= until_us) {
		if (host->timers->due_ms * 1000 > host->passed_us) {
			host->passed_us = host->timers->due_ms * 1000;
		}
		(void)run_ready(host);
		(void)event_base_loop(host->base, EVLOOP_NONBLOCK);
	}
	if (until_us > host->passed_us) {
		host->passed_us = until_us;
	}
	(void)run_ready(host);
}

struct event_base *host_base(const struct host *host)
{
	return host->base;
}

int64_t host_clock_us(const struct host *host)
{
	return host->start_us + (int64_t)host->passed_us;
}

static const char *level_name(uint32_t level)
{
	static const char *const names[] = { "other", "debug", "info", "warning", "error" };
	return level < sizeof(names) / sizeof(names[0]) ? names[level] : names[0];
}

static void table_log(const struct lucius_host *table, uint32_t level, const char *event,
        const char *sentence, const struct lucius_field *fields, uint64_t n_fields)
{
	host_check_thread(table, "log");
	if (!host_instance(table)->host->is_loud) {
		return;
	}
	fprintf(stderr, "%s: %s: %s", level_name(level), event, sentence != NULL ? sentence : "");
	for (uint64_t i = 0; i < n_fields; i++) {
		fprintf(stderr, " %s=\"%s\"", fields[i].name, fields[i].value);
	}
	fprintf(stderr, "\n");
}

static void table_ready(const struct lucius_host *table, const char *sentence)
{
	host_check_thread(table, "ready");
	struct instance *instance = host_instance(table);
	free(instance->not_ready);
	instance->not_ready = sentence != NULL ? must_copy(sentence, strlen(sentence)) : NULL;
	if (instance->host->is_loud) {
		fprintf(stderr, "ready: %s\n", sentence != NULL ? sentence : "yes");
	}
}

static struct lucius_timer *table_timer_start(
        const struct lucius_host *table, uint64_t after_ms, lucius_fn fn, void *user)
{
	host_check_thread(table, "timer_start");
	struct host *host = host_instance(table)->host;
	struct lucius_timer *timer = must_calloc(1, sizeof(*timer));
	*timer = (struct lucius_timer){ NULL, now_ms(host) + after_ms, fn, user };
	struct lucius_timer **at = &host->timers;
	while (*at != NULL && (*at)->due_ms <= timer->due_ms) {
		at = &(*at)->next;
	}
	timer->next = *at;
	*at = timer;
	return timer;
}

static void table_timer_stop(const struct lucius_host *table, struct lucius_timer *timer)
{
	host_check_thread(table, "timer_stop");
	struct lucius_timer **at = &host_instance(table)->host->timers;
	while (*at != NULL && *at != timer) {
		at = &(*at)->next;
	}
	if (*at == NULL) {
		host_accuse(table, "stops a timer that has fired or was stopped before.");
	}
	*at = timer->next;
	free(timer);
}

static uint64_t table_now_ms(const struct lucius_host *table)
{
	return now_ms(host_instance(table)->host);
}

static int64_t table_clock_us(const struct lucius_host *table)
{
	return host_clock_us(host_instance(table)->host);
}

static void table_random(const struct lucius_host *table, void *bytes, size_t size)
{
	(void)table;
	require(getrandom(bytes, size, 0) == (ssize_t)size, "randomness");
}

static struct lucius_metric *table_metric(
        const struct lucius_host *table, const struct lucius_metric_spec *spec)
{
	host_check_thread(table, "metric");
	struct instance *instance = host_instance(table);
	bool is_odd = spec->name == NULL || spec->name[0] == '\0' || spec->help == NULL ||
	        spec->type < LUCIUS_METRIC_COUNTER || spec->type > LUCIUS_METRIC_HISTOGRAM;
	if (is_odd) {
		host_accuse(table, "asks for a metric without name, help or known type.");
	}
	struct lucius_metric *metric = arena_take(&instance->option_texts, 1, sizeof(*metric));
	metric->type = spec->type;
	return metric;
}

static void table_record(
        const struct lucius_host *table, struct lucius_metric *metric, double value)
{
	host_check_thread(table, "record");
	if (metric->type == LUCIUS_METRIC_COUNTER && value < 0) {
		host_accuse(table, "takes something away from a counter.");
	}
	metric->value = value;
}

void host_fill_services(struct lucius_host *table)
{
	table->log = table_log;
	table->ready = table_ready;
	table->wrap = host_wrap;
	table->timer_start = table_timer_start;
	table->timer_stop = table_timer_stop;
	table->now_ms = table_now_ms;
	table->clock_us = table_clock_us;
	table->random = table_random;
	table->metric = table_metric;
	table->record = table_record;
	table->post = host_post;
}
