/* SPDX-License-Identifier: MIT */
/* Sockets of peers are events of the server's own base, so that one thread plays both sides. */
#include "tests/support/http_world.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop.h"
#include "support/base/memory.h"
#include "tests/support/suite.h"

enum { WAIT_SECONDS = 60, BIG_SIZE = 1048576, BORROWED_SIZE = 16777216 };

static void handle_hello(void *user, struct http_request *request)
{
	struct world *world = user;
	world->n_handled++;
	http_reply(request, 200, "text/plain", "hello", 5);
}

static void handle_echo(void *user, struct http_request *request)
{
	struct world *world = user;
	world->n_handled++;
	size_t size;
	const char *body = http_request_body(request, &size);
	http_reply(request, 200, "text/plain", body, size);
}

static void handle_later(void *user, struct http_request *request)
{
	struct world *world = user;
	world->n_handled++;
	assert(world->n_later < WORLD_LATER_MAX);
	world->later[world->n_later++] = request;
}

static void handle_big(void *user, struct http_request *request)
{
	struct world *world = user;
	world->n_handled++;
	char *body = must_calloc(1, BIG_SIZE);
	memset(body, 'x', BIG_SIZE);
	http_reply_owned(request, 200, "text/plain", body, BIG_SIZE);
}

static void handle_borrowed(void *user, struct http_request *request)
{
	struct world *world = user;
	world->n_handled++;
	char *body = must_calloc(1, BORROWED_SIZE);
	memset(body, 'z', BORROWED_SIZE);
	http_reply(request, 200, "text/plain", body, BORROWED_SIZE);
	memset(body, '!', BORROWED_SIZE);
	free(body);
}

static void handle_item(void *user, struct http_request *request)
{
	struct world *world = user;
	world->n_handled++;
	json_t *value = json_pack("{s:s, s:s, s:s}", "id", http_request_parameter(request, "id"),
	        "pattern", http_request_pattern(request), "method", http_request_method(request));
	http_reply_json(request, 200, value);
	json_decref(value);
}

static void handle_query(void *user, struct http_request *request)
{
	struct world *world = user;
	world->n_handled++;
	const char *value = http_request_query(request, "q");
	json_t *json = json_pack("{s:s?}", "q", value);
	http_reply_json(request, 200, json);
	json_decref(json);
}

static void handle_nothing(void *user, struct http_request *request)
{
	struct world *world = user;
	world->n_handled++;
	http_reply(request, 204, NULL, "left out", 8);
}

static void handle_unchanged(void *user, struct http_request *request)
{
	struct world *world = user;
	world->n_handled++;
	http_reply(request, 304, NULL, NULL, 0);
}

static bool admit_token(void *user, struct http_request *request)
{
	(void)user;
	const char *token = http_request_header(request, "authorization");
	if (token != NULL && strcmp(token, "Bearer letmein") == 0) {
		return true;
	}
	http_reply_problemf(request, &http_problem_unauthorized, "There is no valid token.");
	return false;
}

static const struct http_route routes[] = {
	{ .method = "GET", .pattern = "/hello", .handle = handle_hello },
	{ .method = "POST", .pattern = "/echo", .handle = handle_echo },
	{ .method = "POST", .pattern = "/later", .handle = handle_later },
	{ .method = "GET", .pattern = "/big", .handle = handle_big },
	{ .method = "POST", .pattern = "/small", .handle = handle_echo, .max_body = 8 },
	{ .method = "POST",
	        .pattern = "/json",
	        .handle = handle_echo,
	        .body_type = "application/json" },
	{ .method = "POST",
	        .pattern = "/secret",
	        .handle = handle_echo,
	        .admit = admit_token,
	        .max_body = 8,
	        .body_type = "application/json" },
	{ .method = "GET", .pattern = "/items/{id}", .handle = handle_item },
	{ .method = "POST", .pattern = "/items/{id}:cancel", .handle = handle_item },
	{ .method = "GET", .pattern = "/borrowed", .handle = handle_borrowed },
	{ .method = "GET", .pattern = "/query", .handle = handle_query },
	{ .method = "GET", .pattern = "/nothing", .handle = handle_nothing },
	{ .method = "GET", .pattern = "/unchanged", .handle = handle_unchanged },
	{ .method = "GET", .pattern = "/both", .handle = handle_hello },
	{ .method = "POST", .pattern = "/both", .handle = handle_hello },
	{ .method = "GET", .pattern = "/order/{id}:b", .handle = handle_item },
	{ .method = "GET", .pattern = "/order/{id}", .handle = handle_item },
};

static void on_report(void *user, const struct http_report *report)
{
	struct world *world = user;
	world->n_reports++;
	world->last_status = report->status;
}

struct http_settings world_settings(void)
{
	struct http_settings settings = http_settings_default();
	settings.linger_ms = 200;
	return settings;
}

static void start(struct world *world, struct http_settings *settings)
{
	world->router = http_router_create();
	http_router_add(world->router, routes, sizeof(routes) / sizeof(routes[0]), world);
	settings->router = world->router;
	settings->report = on_report;
	settings->report_user = world;
	world->server = http_server_create(world->base, settings);
	char *error = NULL;
	int listening = http_server_listen(world->server, "127.0.0.1:0", &error);
	assert(listening == 0);
	(void)listening;
}

void world_start(struct world *world, const struct http_settings *settings)
{
	*world = (struct world){ .loop = loop_create() };
	world->base = loop_base(world->loop);
	struct http_settings own = settings != NULL ? *settings : world_settings();
	own.loop = world->loop;
	start(world, &own);
}

void world_start_alone(struct world *world)
{
	*world = (struct world){ .loop = loop_create() };
	world->base = loop_base(world->loop);
	struct http_settings own = world_settings();
	start(world, &own);
}

void world_stop(struct world *world)
{
	http_server_destroy(world->server);
	while (world->n_later != 0) {
		world_reply_later(world, "");
	}
	http_router_destroy(world->router);
	loop_destroy(world->loop);
}

static void on_bound(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	*(bool *)user = true;
}

bool world_wait(struct world *world, bool (*is_so)(void *subject), void *subject)
{
	bool is_over = false;
	struct event *bound = evtimer_new(world->base, on_bound, &is_over);
	const struct timeval wait = { .tv_sec = WAIT_SECONDS };
	evtimer_add(bound, &wait);
	while (!is_so(subject) && !is_over) {
		event_base_loop(world->base, EVLOOP_ONCE);
	}
	event_free(bound);
	return is_so(subject);
}

void world_settle(struct world *world)
{
	for (int i = 0; i < 20; i++) {
		event_base_loop(world->base, EVLOOP_NONBLOCK);
	}
}

void world_reply_later(struct world *world, const char *text)
{
	assert(world->n_later != 0);
	struct http_request *request = world->later[0];
	world->n_later--;
	for (unsigned i = 0; i < world->n_later; i++) {
		world->later[i] = world->later[i + 1];
	}
	http_reply(request, 200, "text/plain", text, strlen(text));
}

static void on_received(evutil_socket_t fd, short what, void *user)
{
	(void)what;
	struct peer *peer = user;
	char bytes[65536];
	ssize_t n_bytes = recv(fd, bytes, sizeof(bytes), 0);
	if (n_bytes <= 0) {
		peer->is_closed = true;
		peer->is_reset = n_bytes < 0;
		event_del(peer->readable);
		return;
	}
	if (peer->room < peer->size + (size_t)n_bytes + 1) {
		peer->room = 2 * (peer->size + (size_t)n_bytes + 1);
		peer->received = must_resize(peer->received, peer->room, 1);
	}
	memcpy(peer->received + peer->size, bytes, (size_t)n_bytes);
	peer->size += (size_t)n_bytes;
	peer->received[peer->size] = '\0';
}

struct peer *peer_create(struct world *world)
{
	return peer_create_slow(world, 0);
}

struct peer *peer_create_slow(struct world *world, int buffer_size)
{
	struct peer *peer = must_calloc(1, sizeof(*peer));
	peer->world = world;
	peer->received = must_copy("", 0);
	peer->room = 1;
	peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(http_server_port(world->server)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (buffer_size != 0) {
		int set = setsockopt(
		        peer->fd, SOL_SOCKET, SO_RCVBUF, &buffer_size, sizeof(buffer_size));
		assert(set == 0);
		(void)set;
	}
	int connected = connect(peer->fd, (const struct sockaddr *)&address, sizeof(address));
	assert(connected == 0);
	(void)connected;
	evutil_make_socket_nonblocking(peer->fd);
	peer->readable = event_new(world->base, peer->fd, EV_READ | EV_PERSIST, on_received, peer);
	event_add(peer->readable, NULL);
	return peer;
}

void peer_destroy(struct peer *peer)
{
	event_free(peer->readable);
	close(peer->fd);
	free(peer->received);
	free(peer);
}

void peer_send_bytes(struct peer *peer, const void *bytes, size_t size)
{
	const char *rest = bytes;
	while (size != 0) {
		ssize_t n_bytes = send(peer->fd, rest, size, MSG_NOSIGNAL);
		if (n_bytes < 0 && errno == EAGAIN) {
			event_base_loop(peer->world->base, EVLOOP_ONCE);
			continue;
		}
		if (n_bytes < 0) {
			return;
		}
		rest += n_bytes;
		size -= (size_t)n_bytes;
	}
}

void peer_send(struct peer *peer, const char *text)
{
	peer_send_bytes(peer, text, strlen(text));
}

void peer_end(struct peer *peer)
{
	(void)shutdown(peer->fd, SHUT_WR);
}

struct awaited {
	const struct peer *peer;
	const char *text; /* NULL: the end */
};

static bool has_text(const struct awaited *awaited)
{
	return awaited->text != NULL &&
	        memmem(awaited->peer->received, awaited->peer->size, awaited->text,
	                strlen(awaited->text)) != NULL;
}

static bool has_come(void *subject)
{
	const struct awaited *awaited = subject;
	return awaited->peer->is_closed || has_text(awaited);
}

bool peer_wait_text(struct peer *peer, const char *text)
{
	struct awaited awaited = { .peer = peer, .text = text };
	world_wait(peer->world, has_come, &awaited);
	return has_text(&awaited);
}

bool peer_wait_closed(struct peer *peer)
{
	struct awaited awaited = { .peer = peer };
	return world_wait(peer->world, has_come, &awaited);
}

unsigned peer_count(const struct peer *peer, const char *text)
{
	unsigned n_found = 0;
	const char *at = peer->received;
	while ((at = strstr(at, text)) != NULL) {
		n_found++;
		at += strlen(text);
	}
	return n_found;
}

void peer_clear(struct peer *peer)
{
	peer->size = 0;
	peer->received[0] = '\0';
}

void peer_expect_refusal(struct world *world, const char *text, const char *status)
{
	struct peer *peer = peer_create(world);
	peer_send(peer, text);
	CHECK(peer_wait_closed(peer));
	CHECK(strncmp(peer->received + 9, status, 3) == 0);
	CHECK_INT(peer_count(peer, "HTTP/1.1 "), 1);
	CHECK_INT(peer_count(peer, "Connection: close\r\n"), 1);
	CHECK_INT(peer_count(peer, "application/problem+json"), 1);
	CHECK(!peer->is_reset);
	peer_destroy(peer);
}
