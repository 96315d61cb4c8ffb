/* SPDX-License-Identifier: MIT */
/*
 * The client: a call waits in its host's line, runs on one of the host's connections, and either
 * pauses before the next attempt or is done. All moves happen in `on_turn`, outside of every call
 * of the user and of libcurl.
 *
 *   ask ─► waiting ─► running ─► done ─► on_answer
 *             ▲          └─► paused ┐
 *             └─────────────────────┘
 */
#include "support/http/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "support/base/memory.h"
#include "support/http/call.h"

#define DEFAULT_TIMEOUT_MS 20000u

static void list_append(struct call_list *list, struct fetch_call *call)
{
	call->next = NULL;
	call->before = list->last;
	if (list->last != NULL) {
		list->last->next = call;
	} else {
		list->first = call;
	}
	list->last = call;
}

static void list_prepend(struct call_list *list, struct fetch_call *call)
{
	call->next = list->first;
	call->before = NULL;
	if (list->first != NULL) {
		list->first->before = call;
	} else {
		list->last = call;
	}
	list->first = call;
}

static void list_take(struct call_list *list, struct fetch_call *call)
{
	if (call->before != NULL) {
		call->before->next = call->next;
	} else {
		list->first = call->next;
	}
	if (call->next != NULL) {
		call->next->before = call->before;
	} else {
		list->last = call->before;
	}
	call->next = NULL;
	call->before = NULL;
}

static struct call_list *list_of(struct fetch_call *call)
{
	switch (call->state) {
	case CALL_WAITING:
		return &call->host->waiting;
	case CALL_RUNNING:
		return &call->client->running;
	case CALL_PAUSED:
		return &call->client->paused;
	case CALL_DONE:
		return &call->client->done;
	}
	return NULL;
}

/* Where its state wants it. */
static void put(struct fetch_call *call)
{
	if (call->state == CALL_WAITING && call->is_urgent) {
		list_prepend(list_of(call), call);
	} else {
		list_append(list_of(call), call);
	}
}

static void count(struct fetch_call *call, int change)
{
	if (call->state == CALL_WAITING) {
		call->host->n_waiting += (uint32_t)change;
	} else if (call->state == CALL_RUNNING) {
		call->host->n_running += (uint32_t)change;
	}
}

static void move(struct fetch_call *call, enum call_state state)
{
	list_take(list_of(call), call);
	count(call, -1);
	call->state = state;
	put(call);
	count(call, 1);
}

static void wake(struct fetch_client *client)
{
	event_active(client->turn, EV_TIMEOUT, 1);
}

static uint32_t next_random(struct fetch_client *client)
{
	client->random = client->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(client->random >> 32);
}

static void end_early(struct fetch_call *call, const char *what)
{
	call->outcome = call->n_all_sends == 0 ? FETCH_NOT_SENT : FETCH_UNKNOWN;
	(void)snprintf(
	        call->sentence, sizeof(call->sentence), "\"%s\": %s.", call->host->origin, what);
	move(call, CALL_DONE);
	wake(call->client);
}

static void on_pause_over(evutil_socket_t fd, short what, void *user);

static void arm_pause(struct fetch_call *call)
{
	int64_t now_ms = call_now_ms();
	int64_t left_ms = call->pause_until_ms > now_ms ? call->pause_until_ms - now_ms : 0;
	struct timeval delay = { left_ms / 1000, (suseconds_t)(left_ms % 1000) * 1000 };
	if (evtimer_add(call->pause, &delay) != 0) {
		abort(); /* out of memory */
	}
}

/* The loop's clock is a coarse one: what a server asks for is measured by the other. */
static void on_pause_over(evutil_socket_t fd, short what, void *user)
{
	struct fetch_call *call = user;
	(void)fd;
	(void)what;
	if (call_now_ms() < call->pause_until_ms) {
		arm_pause(call);
		return;
	}
	move(call, CALL_WAITING);
	wake(call->client);
}

static void pause_for(struct fetch_call *call, uint32_t ms)
{
	if (call->pause == NULL) {
		call->pause =
		        must_have(evtimer_new(call->client->settings.base, on_pause_over, call));
	}
	move(call, CALL_PAUSED);
	call->pause_until_ms = call_now_ms() + ms;
	arm_pause(call);
}

static bool may_repeat(const struct fetch_call *call)
{
	if (call->max_attempts != 0 && call->n_attempts >= call->max_attempts) {
		return false;
	}
	if (call->outcome == FETCH_NOT_SENT) {
		return true;
	}
	return call->is_repeatable && !call->is_too_large &&
	        (call->outcome == FETCH_UNKNOWN || retry_is_worthwhile(call->status));
}

/* Pauses before another attempt, if one is allowed, affordable and in time. */
static bool repeat(struct fetch_call *call)
{
	if (!may_repeat(call)) {
		return false;
	}
	struct fetch_answer answer = attempt_answer(call);
	uint32_t asked_ms = retry_after_ms(&answer, (int64_t)time(NULL));
	call->is_told_to_wait = asked_ms != 0;
	uint32_t delay_ms = asked_ms + retry_delay_ms(call->n_attempts, next_random(call->client));
	if (delay_ms >= call_left_ms(call) || !retry_budget_spend(&call->host->budget)) {
		return false;
	}
	pause_for(call, delay_ms);
	return true;
}

static void give_back(struct fetch_client *client, struct fetch_call *call)
{
	client->easies[client->n_easies++] = call->easy;
	call->easy = NULL;
}

static void on_attempt_done(void *user, CURL *easy, CURLcode result)
{
	struct fetch_client *client = user;
	char *private = NULL;
	if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private) != CURLE_OK || private == NULL) {
		abort(); /* not a handle of ours */
	}
	struct fetch_call *call = (struct fetch_call *)(void *)private;
	attempt_end(call, result);
	give_back(client, call);
	if (!repeat(call)) {
		move(call, CALL_DONE);
	}
	wake(client);
}

/* A handle for an attempt, with room to give it back. */
static CURL *take_easy(struct fetch_client *client)
{
	if (client->n_easies != 0) {
		return client->easies[--client->n_easies];
	}
	return must_have(curl_easy_init());
}

static void start(struct fetch_call *call)
{
	if (call_left_ms(call) == 0) {
		end_early(call, "the time was over before a connection was free");
		return;
	}
	CURL *easy = take_easy(call->client);
	move(call, CALL_RUNNING);
	call->easy = easy;
	if (!attempt_start(call, easy)) {
		give_back(call->client, call);
		end_early(call, "libcurl does not take the request");
	}
}

static void pump(struct fetch_client *client)
{
	for (struct host *host = client->hosts; host != NULL; host = host->next) {
		while (host->waiting.first != NULL &&
		        host->n_running < client->settings.max_connections) {
			start(host->waiting.first);
		}
	}
}

static void call_destroy(struct fetch_call *call)
{
	if (call->pause != NULL) {
		event_free(call->pause);
	}
	curl_slist_free_all(call->headers);
	free(call->method);
	free(call->url);
	free(call->body);
	free(call->answer_headers.start);
	free(call->answer_body.start);
	free(call);
}

static void on_turn(evutil_socket_t fd, short what, void *user)
{
	struct fetch_client *client = user;
	(void)fd;
	(void)what;
	pump(client);
	/* What is done during this goes in the next turn: others want the loop too. */
	struct fetch_call *last = client->done.last;
	bool is_last = last == NULL;
	while (!is_last && client->done.first != NULL) {
		struct fetch_call *call = client->done.first;
		is_last = call == last;
		list_take(&client->done, call);
		struct fetch_answer answer = attempt_answer(call);
		call->on_answer(call->user, &answer);
		call_destroy(call);
	}
	if (client->done.first != NULL) {
		wake(client);
	}
}

/* Scheme, name and port: what stands before the path. */
static struct host *find_host(struct fetch_client *client, const char *url)
{
	const char *authority = strstr(url, "://");
	authority = authority != NULL ? authority + 3 : url;
	size_t size = (size_t)(authority - url) + strcspn(authority, "/?#");
	for (struct host *host = client->hosts; host != NULL; host = host->next) {
		if (strlen(host->origin) == size && memcmp(host->origin, url, size) == 0) {
			return host;
		}
	}
	struct host *host = must_calloc(1, sizeof(*host) + size + 1);
	memcpy(host->origin, url, size);
	retry_budget_init(&host->budget);
	host->next = client->hosts;
	client->hosts = host;
	/* Each running call holds one handle, so that this much room is enough for giving back. */
	size_t n_hosts = 0;
	for (struct host *each = client->hosts; each != NULL; each = each->next) {
		n_hosts++;
	}
	client->easies = must_resize(client->easies, n_hosts * client->settings.max_connections,
	        sizeof(client->easies[0]));
	return host;
}

static void add_header(struct fetch_call *call, const char *header)
{
	call->headers = must_have(curl_slist_append(call->headers, header));
}

struct fetch_call *fetch_client_ask(struct fetch_client *client,
        const struct fetch_request *request, fetch_answer_fn on_answer, void *user)
{
	struct fetch_call *call = must_calloc(1, sizeof(*call));
	uint32_t timeout_ms = request->timeout_ms != 0 ? request->timeout_ms : DEFAULT_TIMEOUT_MS;
	call->client = client;
	call->host = find_host(client, request->url);
	call->method = must_copy(request->method, strlen(request->method));
	call->url = must_copy(request->url, strlen(request->url));
	call->body = request->body != NULL ? must_copy(request->body, request->body_size) : NULL;
	call->body_size = request->body_size;
	call->is_repeatable = request->is_repeatable;
	call->is_urgent = request->is_urgent;
	call->max_attempts = request->max_attempts;
	call->on_answer = on_answer;
	call->user = user;
	call->deadline_ms = call_now_ms() + timeout_ms;
	for (size_t i = 0; i < request->n_headers; i++) {
		add_header(call, request->headers[i]);
	}
	add_header(call, "Expect:"); /* libcurl would wait for a 100 Continue */
	call->state = CALL_WAITING;
	put(call);
	count(call, 1);
	retry_budget_earn(&call->host->budget);
	if (call->host->n_waiting > client->settings.max_waiting && !call->is_urgent) {
		end_early(call, "too many requests are in line");
	}
	wake(client);
	return call;
}

void fetch_call_cancel(struct fetch_call *call)
{
	struct fetch_client *client = call->client;
	if (call->easy != NULL) {
		curl_loop_remove(&client->loop, call->easy);
		give_back(client, call);
	}
	list_take(list_of(call), call);
	count(call, -1);
	call_destroy(call);
	wake(client);
}

void fetch_client_hurry(struct fetch_client *client)
{
	struct fetch_call *next = NULL;
	for (struct fetch_call *call = client->paused.first; call != NULL; call = next) {
		next = call->next;
		if (!call->is_told_to_wait) {
			(void)evtimer_del(call->pause);
			move(call, CALL_WAITING);
		}
	}
	wake(client);
}

static char *copy_text(const char *text)
{
	return text != NULL ? must_copy(text, strlen(text)) : NULL;
}

static void fill_settings(struct fetch_settings *settings, const struct fetch_settings *given)
{
	*settings = *given;
	settings->user_agent = copy_text(given->user_agent);
	settings->ca_file = copy_text(given->ca_file);
	settings->max_connections = given->max_connections != 0 ? given->max_connections : 16;
	settings->max_waiting = given->max_waiting != 0 ? given->max_waiting : 4096;
	settings->connect_timeout_ms =
	        given->connect_timeout_ms != 0 ? given->connect_timeout_ms : 3000;
	settings->attempt_timeout_ms =
	        given->attempt_timeout_ms != 0 ? given->attempt_timeout_ms : 10000;
	settings->idle_seconds = given->idle_seconds != 0 ? given->idle_seconds : 3;
	settings->max_answer = given->max_answer != 0 ? given->max_answer : (size_t)16 << 20;
}

struct fetch_client *fetch_client_create(const struct fetch_settings *settings)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return NULL;
	}
	struct fetch_client *client = must_calloc(1, sizeof(*client));
	fill_settings(&client->settings, settings);
	if (getrandom(&client->random, sizeof(client->random), 0) !=
	        (ssize_t)sizeof(client->random)) {
		client->random = (uint64_t)call_now_ms();
	}
	client->turn = event_new(settings->base, -1, 0, on_turn, client);
	if (client->turn == NULL ||
	        !curl_loop_init(&client->loop, settings->base,
	                (long)client->settings.max_connections + 4, on_attempt_done, client)) {
		fetch_client_destroy(client);
		return NULL;
	}
	return client;
}

static void destroy_hosts(struct fetch_client *client)
{
	while (client->hosts != NULL) {
		struct host *host = client->hosts;
		while (host->waiting.first != NULL) {
			fetch_call_cancel(host->waiting.first);
		}
		client->hosts = host->next;
		free(host);
	}
}

void fetch_client_destroy(struct fetch_client *client)
{
	if (client == NULL) {
		return;
	}
	struct call_list *lists[] = { &client->running, &client->paused, &client->done };
	for (size_t i = 0; i < 3; i++) {
		while (lists[i]->first != NULL) {
			fetch_call_cancel(lists[i]->first);
		}
	}
	destroy_hosts(client);
	for (size_t i = 0; i < client->n_easies; i++) {
		curl_easy_cleanup(client->easies[i]);
	}
	free(client->easies);
	curl_loop_finish(&client->loop);
	if (client->turn != NULL) {
		event_free(client->turn);
	}
	free((void *)(uintptr_t)client->settings.user_agent);
	free((void *)(uintptr_t)client->settings.ca_file);
	free(client);
	curl_global_cleanup();
}
