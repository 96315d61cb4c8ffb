/* SPDX-License-Identifier: MIT */
/*
 * Requests a second of our server beside a bare evhttp, both with a handler that parses the body
 * with jansson and answers 36 bytes of JSON. Each server is a process of its own on one thread;
 * rounds alternate, so that both see the same machine; the best round of each counts.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <inttypes.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/http/reply.h"
#include "core/http/request.h"
#include "core/http/router.h"
#include "core/http/server.h"
#include "tests/bench/load.h"

enum { BODY_SIZE = 512, N_CONNECTIONS = 64, ROUND_MS = 1000, N_ROUNDS = 5 };

static const char answer[] = "{\"jobId\":\"0123456789abcdef01234567\"}";

static bool parse(const char *body, size_t size)
{
	json_t *value = json_loadb(body, size, 0, NULL);
	bool is_object = json_is_object(value);
	json_decref(value);
	return is_object;
}

static void handle_ours(void *user, struct http_request *request)
{
	(void)user;
	size_t size;
	const char *body = http_request_body(request, &size);
	bool is_good = body == NULL || parse(body, size);
	http_reply(request, is_good ? 202 : 400, "application/json", answer, sizeof(answer) - 1);
}

static const struct http_route routes[] = {
	{ .method = "GET", .pattern = "/v1/jobs/{job_id}", .handle = handle_ours },
	{ .method = "POST",
	        .pattern = "/v1/orchestrate",
	        .handle = handle_ours,
	        .body_type = "application/json" },
};

/* Serves for ever, after it has written its port to the pipe. */
static void serve_ours(int port_fd)
{
	struct http_settings settings = http_settings_default();
	struct http_router *router = http_router_create();
	http_router_add(router, routes, sizeof(routes) / sizeof(routes[0]), NULL);
	settings.router = router;
	struct event_base *base = event_base_new();
	struct http_server *server = http_server_create(base, &settings);
	char *error = NULL;
	if (http_server_listen(server, "127.0.0.1:0", &error) != 0) {
		fprintf(stderr, "%s\n", error);
		_exit(1);
	}
	uint16_t port = http_server_port(server);
	if (write(port_fd, &port, sizeof(port)) == (ssize_t)sizeof(port)) {
		event_base_dispatch(base);
	}
	_exit(1);
}

static void handle_evhttp(struct evhttp_request *request, void *user)
{
	(void)user;
	struct evbuffer *input = evhttp_request_get_input_buffer(request);
	size_t size = evbuffer_get_length(input);
	bool is_good =
	        size == 0 || parse((const char *)evbuffer_pullup(input, (ev_ssize_t)size), size);
	struct evbuffer *output = evbuffer_new();
	evbuffer_add(output, answer, sizeof(answer) - 1);
	evhttp_add_header(
	        evhttp_request_get_output_headers(request), "Content-Type", "application/json");
	evhttp_send_reply(request, is_good ? 202 : 400, is_good ? "Accepted" : "Bad", output);
	evbuffer_free(output);
}

static void serve_evhttp(int port_fd)
{
	struct event_base *base = event_base_new();
	struct evhttp *server = evhttp_new(base);
	struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(server, "127.0.0.1", 0);
	if (bound == NULL) {
		_exit(1);
	}
	evhttp_set_gencb(server, handle_evhttp, NULL);
	struct sockaddr_in address = { 0 };
	socklen_t size = sizeof(address);
	if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &size) !=
	        0) {
		_exit(1);
	}
	uint16_t port = ntohs(address.sin_port);
	if (write(port_fd, &port, sizeof(port)) == (ssize_t)sizeof(port)) {
		event_base_dispatch(base);
	}
	_exit(1);
}

/* The same request each time, printed once. */
struct sample {
	const char *name;
	size_t size;
	char text[LOAD_REQUEST_MAX];
};

static size_t make(void *user, uint64_t n, char ret_text[LOAD_REQUEST_MAX])
{
	(void)n;
	const struct sample *sample = user;
	memcpy(ret_text, sample->text, sample->size);
	return sample->size;
}

static void print_post(struct sample *sample)
{
	char body[BODY_SIZE + 1];
	int head = snprintf(body, sizeof(body),
	        "{\"tenant_id\":\"t1\",\"request_type\":\"OCR\",\"input_ref\":\"blob://in/1\","
	        "\"output_ref\":\"blob://out/1\",\"schema_version\":\"v1\",\"payload\":{"
	        "\"language_hint\":\"de\",\"pages\":[1,2,3,4],\"output_format\":\"JSON\"},"
	        "\"workspace_ref\":\"");
	memset(body + head, 'w', (size_t)(BODY_SIZE - head - 2));
	memcpy(body + BODY_SIZE - 2, "\"}", 3);
	sample->name = "POST";
	sample->size = (size_t)snprintf(sample->text, sizeof(sample->text),
	        "POST /v1/orchestrate HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n"
	        "Accept: */*\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
	        BODY_SIZE, body);
}

static void print_get(struct sample *sample)
{
	sample->name = "GET";
	sample->size = (size_t)snprintf(sample->text, sizeof(sample->text),
	        "GET /v1/jobs/0123456789abcdef0123456789abcdef?tenant_id=t1 HTTP/1.1\r\n"
	        "Host: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n");
}

struct server {
	const char *name;
	void (*serve)(int port_fd);
	pid_t pid;
	uint16_t port;
};

static int start(struct server *server)
{
	int ends[2];
	if (pipe(ends) != 0) {
		return -1;
	}
	server->pid = fork();
	if (server->pid == 0) {
		close(ends[0]);
		server->serve(ends[1]);
	}
	close(ends[1]);
	ssize_t n_read = read(ends[0], &server->port, sizeof(server->port));
	close(ends[0]);
	return server->pid > 0 && n_read == (ssize_t)sizeof(server->port) ? 0 : -1;
}

static void stop(const struct server *server)
{
	if (server->pid > 0) {
		(void)kill(server->pid, SIGTERM);
		(void)waitpid(server->pid, NULL, 0);
	}
}

static double rate(const struct load_result *result)
{
	return result->seconds > 0 ? (double)result->n_answers / result->seconds : 0;
}

static void print_result(
        const struct server *server, const char *what, const struct load_result *best)
{
	printf("%-6s %-4s %8.0f requests/s   p50 %5u us   p99 %5u us   refused %" PRIu64
	       "   broken %" PRIu64 "\n",
	        server->name, what, rate(best), best->p50_us, best->p99_us, best->n_refusals,
	        best->n_broken);
}

static void measure(const struct server servers[2], struct sample *sample)
{
	struct load_result best[2] = { 0 };
	for (int round = 0; round < 2 * N_ROUNDS; round++) {
		const struct load_options options = {
			.port = servers[round % 2].port,
			.n_connections = N_CONNECTIONS,
			.duration_ms = ROUND_MS,
			.make = make,
			.user = sample,
		};
		struct load_result result;
		load_run(&options, &result);
		if (rate(&result) > rate(&best[round % 2])) {
			best[round % 2] = result;
		}
	}
	print_result(&servers[0], sample->name, &best[0]);
	print_result(&servers[1], sample->name, &best[1]);
	printf("ours / evhttp, %s: %.2f\n", sample->name, rate(&best[0]) / rate(&best[1]));
}

int main(void)
{
	struct server servers[2] = {
		{ .name = "ours", .serve = serve_ours },
		{ .name = "evhttp", .serve = serve_evhttp },
	};
	static struct sample post;
	static struct sample get;
	print_post(&post);
	print_get(&get);
	int status = 1;
	if (start(&servers[0]) == 0 && start(&servers[1]) == 0) {
		measure(servers, &post);
		measure(servers, &get);
		status = 0;
	}
	stop(&servers[0]);
	stop(&servers[1]);
	return status;
}
