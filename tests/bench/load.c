/* SPDX-License-Identifier: MIT */
/* One epoll set; an answer is known to be whole by its Content-Length, nothing else is parsed. */
#include "tests/bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "support/base/memory.h"

enum {
	ANSWER_MAX = 65536,
	EVENTS_MAX = 256,
	/* Latencies are counted in steps of 10 µs up to 1 s. */
	STEP_US = 10,
	N_STEPS = 100000
};

struct connection {
	int fd;
	uint64_t sent_us;
	size_t answer_size;
	char answer[ANSWER_MAX];
};

struct load {
	const struct load_options *options;
	struct load_result result;
	int epoll_fd;
	uint64_t n_sent;
	uint64_t *steps; /* owned */
	char request[LOAD_REQUEST_MAX];
};

static uint64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void must(bool is_so, const char *what)
{
	if (!is_so) {
		perror(what);
		abort();
	}
}

static void send_next(struct load *load, struct connection *connection)
{
	size_t size = load->options->make(load->options->user, load->n_sent++, load->request);
	connection->answer_size = 0;
	connection->sent_us = now_us();
	/* A request is smaller than what a socket takes at once; a broken one shows when read. */
	(void)send(connection->fd, load->request, size, MSG_NOSIGNAL);
}

static void open_connection(struct load *load, struct connection *connection)
{
	static const int yes = 1;
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(load->options->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(connection->fd >= 0, "socket");
	must(connect(connection->fd, (const struct sockaddr *)&address, sizeof(address)) == 0,
	        "connect");
	(void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
	must(epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) == 0, "epoll_ctl");
	send_next(load, connection);
}

/* The size of the whole answer, 0 while its headers are not complete. */
static size_t whole_size(struct connection *connection)
{
	connection->answer[connection->answer_size] = '\0';
	const char *end = strstr(connection->answer, "\r\n\r\n");
	if (end == NULL) {
		return 0;
	}
	const char *length = strcasestr(connection->answer, "\r\nContent-Length:");
	size_t head_size = (size_t)(end - connection->answer) + 4;
	return head_size + (length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0);
}

static void take_answer(struct load *load, struct connection *connection)
{
	uint64_t step = (now_us() - connection->sent_us) / STEP_US;
	load->steps[step < N_STEPS ? step : N_STEPS - 1]++;
	if (connection->answer[9] == '2') {
		load->result.n_answers++;
	} else {
		load->result.n_refusals++;
	}
	send_next(load, connection);
}

static void receive(struct load *load, struct connection *connection)
{
	ssize_t n_bytes = recv(connection->fd, connection->answer + connection->answer_size,
	        ANSWER_MAX - 1 - connection->answer_size, MSG_DONTWAIT);
	if (n_bytes < 0 && errno == EAGAIN) {
		return;
	}
	if (n_bytes <= 0) {
		load->result.n_broken++;
		close(connection->fd);
		open_connection(load, connection);
		return;
	}
	connection->answer_size += (size_t)n_bytes;
	size_t size = whole_size(connection);
	if (size != 0 && connection->answer_size >= size) {
		take_answer(load, connection);
	}
}

static unsigned percentile_us(const struct load *load, double share)
{
	uint64_t n_all = load->result.n_answers + load->result.n_refusals;
	uint64_t n_below = (uint64_t)((double)n_all * share);
	uint64_t n_counted = 0;
	for (unsigned i = 0; i < N_STEPS; i++) {
		n_counted += load->steps[i];
		if (n_counted > n_below) {
			return i * STEP_US;
		}
	}
	return N_STEPS * STEP_US;
}

static bool is_over(const struct load *load, uint64_t end_us)
{
	uint64_t n_all = load->result.n_answers + load->result.n_refusals;
	return now_us() >= end_us ||
	        (load->options->max_requests != 0 && n_all >= load->options->max_requests);
}

void load_run(const struct load_options *options, struct load_result *ret_result)
{
	struct load load = { .options = options };
	load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	must(load.epoll_fd >= 0, "epoll_create1");
	load.steps = must_calloc(N_STEPS, sizeof(*load.steps));
	struct connection *connections = must_calloc(options->n_connections, sizeof(*connections));
	uint64_t start_us = now_us();
	for (unsigned i = 0; i < options->n_connections; i++) {
		open_connection(&load, &connections[i]);
	}
	uint64_t end_us = start_us + options->duration_ms * UINT64_C(1000);
	while (!is_over(&load, end_us)) {
		struct epoll_event events[EVENTS_MAX];
		int n_events = epoll_wait(load.epoll_fd, events, EVENTS_MAX, 100);
		for (int i = 0; i < n_events; i++) {
			receive(&load, events[i].data.ptr);
		}
	}
	load.result.seconds = (double)(now_us() - start_us) / 1e6;
	load.result.p50_us = percentile_us(&load, 0.50);
	load.result.p99_us = percentile_us(&load, 0.99);
	for (unsigned i = 0; i < options->n_connections; i++) {
		close(connections[i].fd);
	}
	close(load.epoll_fd);
	free(connections);
	free(load.steps);
	*ret_result = load.result;
}
