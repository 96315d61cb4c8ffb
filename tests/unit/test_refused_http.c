/* SPDX-License-Identifier: MIT */
/* The HTTP layer without TLS where the system refuses something in the middle of it. */
#include <errno.h>
#include <stdlib.h>

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
		.timeout_ms = 20000 };
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

static void a_reset_is_told_or_the_call_goes_out_once_more(void)
{
	begin();
	CHECK_INT(call("/hello").status, 200);
	/* Over the kept connection, which may merely have been too old. */
	refuse_nth("sendmsg", 1, 1, EPIPE);
	struct outcome outcome = call("/hello");
	CHECK(refuse_end());
	CHECK(outcome.status == 200 || outcome.error[0] != '\0');
	CHECK_INT(call("/hello").status, 200);
	/* The answer cannot be sent. */
	refuse_nth("sendmsg", 2, 1, ECONNRESET);
	outcome = call("/hello");
	CHECK(refuse_end());
	CHECK(outcome.status == 200 || outcome.error[0] != '\0');
	CHECK_INT(call("/hello").status, 200);
	refuse_nth("recv", 1, 1, ECONNRESET);
	outcome = call("/hello");
	CHECK(refuse_end());
	CHECK(outcome.status == 200 || outcome.error[0] != '\0');
	CHECK_INT(call("/hello").status, 200);
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
	};
	return suite_run("refused_http", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
