/* SPDX-License-Identifier: MIT */
/* Calls, the queue of each host, and who is told what became of them; links are in client_link.c.
 */
#include "core/http/client.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/http/client_inside.h"
#include "core/http/syntax.h"
#include "core/version.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

enum { TIMEOUT_DEFAULT_MS = 30000 };

struct http_client_settings http_client_settings_default(void)
{
	return (struct http_client_settings){
		.max_connections = 8,
		.max_queued = 1024,
		.max_body = 8388608,
		.connect_ms = 5000,
		.idle_ms = 30000,
	};
}

struct http_client *http_client_create(
        struct event_base *base, const struct http_client_settings *settings)
{
	struct http_client *client = must_calloc(1, sizeof(*client));
	client->base = base;
	client->settings = *settings;
	SLIST_INIT(&client->hosts);
	TAILQ_INIT(&client->failed);
	return client;
}

static void free_call(struct http_call *call)
{
	http_deadline_finish(&call->deadline);
	(void)event_del(&call->failed);
	free(call->head);
	free(call->body);
	free(call->error);
	free(call);
}

static void free_calls(struct http_call_list *calls)
{
	while (!TAILQ_EMPTY(calls)) {
		struct http_call *call = TAILQ_FIRST(calls);
		TAILQ_REMOVE(calls, call, links);
		free_call(call);
	}
}

static void destroy_host(struct http_host *host)
{
	while (!LIST_EMPTY(&host->open)) {
		struct http_link *link = LIST_FIRST(&host->open);
		struct http_call *call = steal(link->call);
		if (call != NULL) {
			free_call(call);
		}
		http_link_destroy(link);
	}
	free_calls(&host->waiting);
	free(host);
}

void http_client_destroy(struct http_client *client)
{
	if (client == NULL) {
		return;
	}
	while (!SLIST_EMPTY(&client->hosts)) {
		struct http_host *host = SLIST_FIRST(&client->hosts);
		SLIST_REMOVE_HEAD(&client->hosts, links);
		destroy_host(host);
	}
	free_calls(&client->failed);
	free(client);
}

static void enqueue(struct http_call *call, bool is_first)
{
	struct http_host *host = call->host;
	call->state = HTTP_CALL_WAITING;
	host->n_waiting++;
	call->client->n_waiting++;
	if (is_first) {
		TAILQ_INSERT_HEAD(&host->waiting, call, links);
	} else {
		TAILQ_INSERT_TAIL(&host->waiting, call, links);
	}
}

static void dequeue(struct http_call *call)
{
	TAILQ_REMOVE(&call->host->waiting, call, links);
	call->host->n_waiting--;
	call->client->n_waiting--;
}

static struct http_link *idle_link(const struct http_host *host)
{
	struct http_link *link;
	LIST_FOREACH(link, &host->open, links)
	{
		if (link->state == HTTP_LINK_IDLE) {
			return link;
		}
	}
	return NULL;
}

void http_host_serve(struct http_host *host)
{
	if (host->is_delivering) {
		return;
	}
	for (;;) {
		struct http_call *call = TAILQ_FIRST(&host->waiting);
		struct http_link *link = idle_link(host);
		if (call == NULL || link == NULL) {
			break;
		}
		dequeue(call);
		http_link_run(link, call);
	}
	while (host->n_links < host->client->settings.max_connections &&
	        host->n_opening < host->n_waiting) {
		http_link_open(host);
	}
}

void http_host_unreachable(struct http_host *host, const char *error)
{
	if (host->n_links != 0) {
		/* Another link is there, or will say the same. */
		return;
	}
	while (!TAILQ_EMPTY(&host->waiting)) {
		http_call_fail(TAILQ_FIRST(&host->waiting), true, error);
	}
}

void http_call_again(struct http_call *call)
{
	call->link = NULL;
	enqueue(call, true);
}

void http_call_fail(struct http_call *call, bool is_unsent, const char *error)
{
	if (call->state == HTTP_CALL_WAITING && call->host != NULL) {
		dequeue(call);
	}
	call->state = HTTP_CALL_FAILED;
	call->link = NULL;
	call->is_unsent = is_unsent;
	call->error = must_copy(error, strlen(error));
	http_deadline_finish(&call->deadline);
	TAILQ_INSERT_TAIL(&call->client->failed, call, links);
	event_active(&call->failed, EV_TIMEOUT, 1);
}

void http_call_deliver(struct http_call *call, const struct http_response *response)
{
	http_response_fn on_response = call->on_response;
	void *user = call->user;
	free_call(call);
	on_response(user, response);
}

static void on_failed(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct http_call *call = user;
	TAILQ_REMOVE(&call->client->failed, call, links);
	CLEANUP_FREE char *error = steal(call->error);
	const struct http_response response = { .error = error, .is_unsent = call->is_unsent };
	http_call_deliver(call, &response);
}

static void on_deadline(void *user)
{
	struct http_call *call = user;
	struct http_host *host = call->host;
	struct http_link *link = call->link;
	bool is_unsent = link == NULL || link->n_sent == 0;
	char error[HTTP_HOST_MAX + 64];
	(void)snprintf(error, sizeof(error), "'%s' port %u did not answer in time",
	        host->address.host, host->address.port);
	if (link != NULL) {
		link->call = NULL;
		http_link_destroy(link);
	}
	http_call_fail(call, is_unsent, error);
	http_host_serve(host);
}

void http_call_cancel(struct http_call *call)
{
	struct http_host *host = call->host;
	struct http_link *link = call->link;
	switch (call->state) {
	case HTTP_CALL_WAITING:
		dequeue(call);
		free_call(call);
		return;
	case HTTP_CALL_FAILED:
		TAILQ_REMOVE(&call->client->failed, call, links);
		free_call(call);
		return;
	case HTTP_CALL_RUNNING:
		break;
	}
	link->call = NULL;
	http_link_destroy(link);
	free_call(call);
	http_host_serve(host);
}

static struct http_host *host_of(struct http_client *client, const struct http_url *url)
{
	struct http_host *host;
	SLIST_FOREACH(host, &client->hosts, links)
	{
		if (host->is_tls == url->is_tls && host->address.port == url->address.port &&
		        strcasecmp(host->address.host, url->address.host) == 0) {
			return host;
		}
	}
	host = must_calloc(1, sizeof(*host));
	host->client = client;
	host->address = url->address;
	host->is_tls = url->is_tls;
	TAILQ_INIT(&host->waiting);
	LIST_INIT(&host->open);
	SLIST_INSERT_HEAD(&client->hosts, host, links);
	return host;
}

static void print_head(
        struct http_call *call, const struct http_url *url, const struct http_call_options *options)
{
	struct http_output head = { 0 };
	size_t authority_size = strcspn(strstr(options->url, "//") + 2, "/");
	http_output_text(&head, options->method);
	http_output_text(&head, " ");
	http_output_text(&head, url->target);
	http_output_text(&head, " HTTP/1.1\r\nHost: ");
	http_output_bytes(&head, strstr(options->url, "//") + 2, authority_size);
	http_output_text(&head, "\r\nUser-Agent: lucius/");
	http_output_text(&head, release_version());
	http_output_text(&head, "\r\n");
	if (options->authorization != NULL) {
		http_output_text(&head, "Authorization: ");
		http_output_text(&head, options->authorization);
		http_output_text(&head, "\r\n");
	}
	if (options->content_type != NULL) {
		http_output_text(&head, "Content-Type: ");
		http_output_text(&head, options->content_type);
		http_output_text(&head, "\r\n");
	}
	if (!call->is_head_method && strcmp(options->method, "GET") != 0) {
		http_output_text(&head, "Content-Length: ");
		http_output_number(&head, call->body_size);
		http_output_text(&head, "\r\n");
	}
	http_output_text(&head, "\r\n");
	call->head = must_copy(head.head, head.head_size);
	call->head_size = head.head_size;
	http_output_finish(&head);
}

/* What would make a request that says something else than was meant. NULL, or a sentence. */
static const char *check(const struct http_client *client, const struct http_url *url,
        const struct http_call_options *options)
{
	const char *texts[] = { url->target, options->authorization, options->content_type };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i] != NULL && !http_is_field_text(texts[i], strlen(texts[i]))) {
			return "the URL, the token or the content type has a control character";
		}
	}
	if (url->is_tls && client->settings.tls == NULL) {
		return "https is not set up for this client";
	}
	if (client->n_waiting >= client->settings.max_queued) {
		return "too many calls are waiting for a connection";
	}
	return NULL;
}

static void start(struct http_call *call, const struct http_call_options *options)
{
	struct http_url url;
	CLEANUP_FREE char *error = NULL;
	if (http_url_parse(options->url, &url, &error) != 0) {
		http_call_fail(call, true, error);
		return;
	}
	const char *wrong = check(call->client, &url, options);
	if (wrong != NULL) {
		http_call_fail(call, true, wrong);
		return;
	}
	if (options->content_type != NULL && options->body_size != 0) {
		call->body = must_copy(options->body, options->body_size);
		call->body_size = options->body_size;
	}
	print_head(call, &url, options);
	call->host = host_of(call->client, &url);
	http_deadline_set(&call->deadline, http_now_us(),
	        options->timeout_ms != 0 ? options->timeout_ms : TIMEOUT_DEFAULT_MS);
	enqueue(call, false);
	http_host_serve(call->host);
}

struct http_call *http_client_call(struct http_client *client,
        const struct http_call_options *options, http_response_fn on_response, void *user)
{
	assert(http_is_token(options->method, strlen(options->method)));
	struct http_call *call = must_calloc(1, sizeof(*call));
	call->client = client;
	call->on_response = on_response;
	call->user = user;
	call->is_head_method = strcmp(options->method, "HEAD") == 0;
	call->is_repeatable = options->is_repeatable || call->is_head_method ||
	        strcmp(options->method, "GET") == 0;
	http_deadline_init(&call->deadline, client->base, on_deadline, call);
	int assigned = event_assign(&call->failed, client->base, -1, 0, on_failed, call);
	assert(assigned == 0);
	(void)assigned;
	start(call, options);
	return call;
}
