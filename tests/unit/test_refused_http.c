/* SPDX-License-Identifier: MIT */
/* The HTTP layer without TLS where the system refuses something in the middle of it. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/http/client.h"
#include "core/http/stream.h"
#include "support/base/memory.h"
#include "tests/support/http_world.h"
#include "tests/support/refusals.h"
#include "tests/support/suite.h"

struct outcome {
	bool is_done;
	unsigned status;
	bool is_unsent;
	size_t body_size;
	char error[256];
};

static struct world world;
static struct http_client *client;
static uint32_t timeout_ms = 20000; /* of a call */

static void begin(void)
{
	world_start(&world, NULL);
	struct http_client_settings settings = http_client_settings_default();
	client = http_client_create(world.base, &settings);
}

static void end(void)
{
	http_client_destroy(client);
	world_stop(&world);
}

static void on_response(void *user, const struct http_response *response)
{
	struct outcome *outcome = user;
	outcome->is_done = true;
	outcome->status = response->status;
	outcome->is_unsent = response->is_unsent;
	outcome->body_size = response->body_size;
	(void)snprintf(outcome->error, sizeof(outcome->error), "%s",
	        response->error != NULL ? response->error : "");
}

static bool is_done(void *subject)
{
	return ((const struct outcome *)subject)->is_done;
}

static struct outcome call_host(const char *host, const char *path, const char *body)
{
	char url[128];
	(void)snprintf(
	        url, sizeof(url), "http://%s:%u%s", host, http_server_port(world.server), path);
	const struct http_call_options options = { .method = body != NULL ? "POST" : "GET",
		.url = url,
		.authorization = "Bearer letmein",
		.content_type = body != NULL ? "application/json" : NULL,
		.body = body,
		.body_size = body != NULL ? strlen(body) : 0,
		.timeout_ms = timeout_ms };
	struct outcome outcome = { 0 };
	http_client_call(client, &options, on_response, &outcome);
	CHECK(world_wait(&world, is_done, &outcome));
	return outcome;
}

static struct outcome call(const char *path)
{
	return call_host("127.0.0.1", path, NULL);
}

static void check_error(const struct outcome *outcome, const char *words)
{
	CHECK_INT(outcome->status, 0);
	CHECK(outcome->is_unsent);
	if (strstr(outcome->error, words) == NULL) {
		CHECK_TEXT(outcome->error, words);
	}
}

static void a_connection_that_cannot_be_made_is_told_with_the_reason(void)
{
	static const struct {
		const char *name;
		int error;
		const char *words;
	} cases[] = {
		{ "socket", EMFILE, "Too many open files" },
		{ "connect", ENETUNREACH, "Network is unreachable" },
		{ "getsockopt", ENOBUFS, "No buffer space available" },
		{ "eventfd", EMFILE, "cannot be resolved: Memory allocation failure" },
	};
	begin();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		refuse(cases[i].name, cases[i].error);
		struct outcome outcome = call("/hello");
		CHECK(refuse_end());
		check_error(&outcome, cases[i].words);
	}
	CHECK_INT(call("/hello").status, 200);
	end();
}

static void a_name_needs_a_thread_and_says_so_where_there_is_none(void)
{
	begin();
	refuse("pthread_create", EAGAIN);
	struct outcome outcome = call_host("localhost", "/hello", NULL);
	CHECK(refuse_end());
	check_error(&outcome, "cannot be resolved: Memory allocation failure");
	/* The names of both families are tried in turn: the server has one of them only. */
	CHECK_INT(call_host("localhost", "/hello", NULL).status, 200);
	end();
}

/* The third event is the lookup's, after the deadlines of the call and of its connection. */
static void a_lookup_that_cannot_be_waited_for_is_told_of(void)
{
	begin();
	refuse_nth("event_add", 3, 1, ENOMEM);
	struct outcome outcome = call("/hello");
	CHECK(refuse_end());
	check_error(&outcome, "cannot be resolved: Memory allocation failure");
	CHECK_INT(call("/hello").status, 200);
	end();
}

static void what_is_interrupted_is_tried_again(void)
{
	static const struct {
		const char *name;
		unsigned nth;
		int error;
	} cases[] = {
		{ "sendmsg", 1, EINTR },
		{ "sendmsg", 1, EAGAIN },
		{ "sendmsg", 2, EAGAIN },
		{ "recv", 1, EINTR },
		{ "recv", 2, EAGAIN },
	};
	begin();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		refuse_nth(cases[i].name, cases[i].nth, 1, cases[i].error);
		struct outcome outcome = call("/big");
		CHECK(refuse_end());
		CHECK_TEXT(outcome.error, "");
		CHECK_INT(outcome.body_size, 1048576);
	}
	/* With a body that goes out behind its head. */
	refuse("sendmsg", EAGAIN);
	CHECK_INT(call_host("127.0.0.1", "/secret", "{}").status, 200);
	CHECK(refuse_end());
	end();
}

/* The other end knows nothing of what is refused here, so that the time of the call may have to end
 * it: that is short then. */
static void call_with(const char *name, unsigned nth, int error)
{
	timeout_ms = 100;
	refuse_nth(name, nth, 1, error);
	struct outcome outcome = call("/hello");
	CHECK(refuse_end());
	CHECK(outcome.status == 200 || outcome.error[0] != '\0');
	timeout_ms = 20000;
	CHECK_INT(call("/hello").status, 200);
}

static void a_reset_is_told_or_the_call_goes_out_once_more(void)
{
	begin();
	CHECK_INT(call("/hello").status, 200);
	call_with("sendmsg", 1, EPIPE); /* over a kept connection, which may have been too old */
	call_with("sendmsg", 2, ECONNRESET); /* the answer cannot be sent */
	call_with("recv", 1, ECONNRESET);
	end();
}

static void a_peer_that_is_gone_is_told_apart_from_one_that_is_silent(void)
{
	static const struct {
		int error;
		bool is_broken;
	} cases[] = { { EAGAIN, false }, { EINTR, false }, { ECONNRESET, true } };
	const struct http_stream stream = { .fd = -1 };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		refuse("recv", cases[i].error);
		CHECK_INT(http_stream_is_broken(&stream), cases[i].is_broken);
		CHECK(refuse_end());
	}
}

/* A 100 that cannot be sent ends the connection: the peer would wait for it in vain. */
static void a_continue_that_cannot_be_sent_closes_the_connection(void)
{
	begin();
	refuse("sendmsg", EPIPE);
	struct peer *peer = peer_create(&world);
	peer_send(peer,
	        "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
	        "Content-Length: 4\r\n\r\n");
	CHECK(peer_wait_closed(peer));
	CHECK(refuse_end());
	CHECK_INT(world.n_handled, 0);
	peer_destroy(peer);
	end();
}

static void what_would_say_something_else_is_not_sent(void)
{
	static const char *const odd[] = { "Bearer a\r\nX: y", "Bearer \x7f" };
	begin();
	for (size_t i = 0; i < 2; i++) {
		char url[128];
		(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/hello",
		        http_server_port(world.server));
		const struct http_call_options options = {
			.method = "GET", .url = url, .authorization = odd[i]
		};
		struct outcome outcome = { 0 };
		http_client_call(client, &options, on_response, &outcome);
		CHECK(world_wait(&world, is_done, &outcome));
		check_error(&outcome, "has a control character");
	}
	CHECK_INT(world.n_handled, 0);
	end();
	http_client_destroy(NULL);
}

static void calls_over_the_bound_of_those_that_wait_fail_at_once(void)
{
	world_start(&world, NULL);
	struct http_client_settings settings = http_client_settings_default();
	settings.max_connections = 1;
	settings.max_queued = 2;
	client = http_client_create(world.base, &settings);
	char url[128];
	(void)snprintf(
	        url, sizeof(url), "http://127.0.0.1:%u/hello", http_server_port(world.server));
	const struct http_call_options options = { .method = "GET", .url = url };
	struct outcome outcomes[3] = { 0 };
	for (int i = 0; i < 3; i++) {
		http_client_call(client, &options, on_response, &outcomes[i]);
	}
	for (int i = 0; i < 3; i++) {
		CHECK(world_wait(&world, is_done, &outcomes[i]));
		CHECK_INT(outcomes[i].status, i < 2 ? 200 : 0);
	}
	check_error(&outcomes[2], "too many calls are waiting");
	end();
}

static bool has_no_connection(void *subject)
{
	const struct world *of = subject;
	return http_server_counters(of->server)->connections_open == 0;
}

static void a_kept_connection_that_nobody_uses_is_closed(void)
{
	world_start(&world, NULL);
	struct http_client_settings settings = http_client_settings_default();
	settings.idle_ms = 1;
	client = http_client_create(world.base, &settings);
	CHECK_INT(call("/hello").status, 200);
	CHECK(world_wait(&world, has_no_connection, &world));
	CHECK_INT(call("/hello").status, 200);
	CHECK_INT(http_server_counters(world.server)->connections, 2);
	end();
}

/* A listener whose queue is full, so that nobody answers the next one. */
static void a_connection_that_does_not_come_in_time_is_told(void)
{
	world_start(&world, NULL);
	struct http_client_settings settings = http_client_settings_default();
	settings.connect_ms = 20;
	client = http_client_create(world.base, &settings);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	CHECK_INT(bind(fd, (const struct sockaddr *)&address, size), 0);
	CHECK_INT(listen(fd, 0), 0);
	CHECK_INT(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	int fillers[4];
	for (size_t i = 0; i < 4; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(fillers[i], (const struct sockaddr *)&address, size);
	}
	char url[128];
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
	const struct http_call_options options = { .method = "GET", .url = url };
	struct outcome outcome = { 0 };
	http_client_call(client, &options, on_response, &outcome);
	CHECK(world_wait(&world, is_done, &outcome));
	check_error(&outcome, "no connection in time");
	for (size_t i = 0; i < 4; i++) {
		(void)close(fillers[i]);
	}
	(void)close(fd);
	end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(a_connection_that_cannot_be_made_is_told_with_the_reason),
		SUITE_TEST(a_name_needs_a_thread_and_says_so_where_there_is_none),
		SUITE_TEST(a_lookup_that_cannot_be_waited_for_is_told_of),
		SUITE_TEST(what_is_interrupted_is_tried_again),
		SUITE_TEST(a_reset_is_told_or_the_call_goes_out_once_more),
		SUITE_TEST(a_peer_that_is_gone_is_told_apart_from_one_that_is_silent),
		SUITE_TEST(a_continue_that_cannot_be_sent_closes_the_connection),
		SUITE_TEST(what_would_say_something_else_is_not_sent),
		SUITE_TEST(calls_over_the_bound_of_those_that_wait_fail_at_once),
		SUITE_TEST(a_kept_connection_that_nobody_uses_is_closed),
		SUITE_TEST(a_connection_that_does_not_come_in_time_is_told),
	};
	return suite_run("refused_http", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
