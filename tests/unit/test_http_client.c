/* SPDX-License-Identifier: MIT */
/* The client against our server, and against a server of raw bytes that misbehaves. */
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/http/client.h"
#include "support/base/memory.h"
#include "tests/support/http_world.h"
#include "tests/support/suite.h"

/* What a call came to. */
struct outcome {
	bool is_done;
	unsigned status;
	bool is_unsent;
	char *error;
	char *body;
	size_t body_size;
	char *content_type;
	uint32_t retry_after_seconds;
};

static void on_response(void *user, const struct http_response *response)
{
	struct outcome *outcome = user;
	outcome->is_done = true;
	outcome->status = response->status;
	outcome->is_unsent = response->is_unsent;
	outcome->retry_after_seconds = response->retry_after_seconds;
	if (response->error != NULL) {
		outcome->error = must_copy(response->error, strlen(response->error));
	}
	if (response->body != NULL) {
		outcome->body = must_copy(response->body, response->body_size);
		CHECK_INT(response->body[response->body_size], 0);
	}
	outcome->body_size = response->body_size;
	if (response->content_type != NULL) {
		outcome->content_type =
		        must_copy(response->content_type, strlen(response->content_type));
	}
}

static void outcome_finish(struct outcome *outcome)
{
	free(outcome->error);
	free(outcome->body);
	free(outcome->content_type);
	*outcome = (struct outcome){ 0 };
}

static bool is_done(void *subject)
{
	return ((const struct outcome *)subject)->is_done;
}

static struct http_call_options options_for(
        const char *method, uint16_t port, const char *path, char url[128])
{
	snprintf(url, 128, "http://127.0.0.1:%u%s", port, path);
	return (struct http_call_options){ .method = method, .url = url, .timeout_ms = 5000 };
}

static struct http_client *client_for(struct world *world)
{
	struct http_client_settings settings = http_client_settings_default();
	settings.max_connections = 2;
	return http_client_create(world->base, &settings);
}

static void calls_share_a_kept_connection(void)
{
	struct world world;
	world_start(&world, NULL);
	struct http_client *client = client_for(&world);
	char url[128];
	for (int i = 0; i < 5; i++) {
		struct outcome outcome = { 0 };
		struct http_call_options options =
		        options_for("POST", http_server_port(world.server), "/echo", url);
		options.content_type = "text/plain";
		options.body = "payload";
		options.body_size = 7;
		http_client_call(client, &options, on_response, &outcome);
		CHECK(!outcome.is_done);
		CHECK(world_wait(&world, is_done, &outcome));
		CHECK_INT(outcome.status, 200);
		CHECK_TEXT(outcome.body, "payload");
		CHECK_TEXT(outcome.content_type, "text/plain");
		outcome_finish(&outcome);
	}
	CHECK_INT(http_server_counters(world.server)->connections, 1);
	http_client_destroy(client);
	world_stop(&world);
}

static void connections_to_a_host_are_bounded(void)
{
	struct world world;
	world_start(&world, NULL);
	struct http_client *client = client_for(&world);
	char url[128];
	struct outcome outcomes[6] = { 0 };
	struct http_call_options options =
	        options_for("POST", http_server_port(world.server), "/later", url);
	for (int i = 0; i < 6; i++) {
		http_client_call(client, &options, on_response, &outcomes[i]);
	}
	for (int i = 0; i < 6; i++) {
		while (world.n_later == 0) {
			event_base_loop(world.base, EVLOOP_ONCE);
		}
		CHECK(http_server_counters(world.server)->connections <= 2);
		world_reply_later(&world, "done");
	}
	for (int i = 0; i < 6; i++) {
		CHECK(world_wait(&world, is_done, &outcomes[i]));
		CHECK_TEXT(outcomes[i].body, "done");
		outcome_finish(&outcomes[i]);
	}
	CHECK_INT(http_server_counters(world.server)->connections, 2);
	http_client_destroy(client);
	world_stop(&world);
}

static void problems_and_large_bodies_come_whole(void)
{
	struct world world;
	world_start(&world, NULL);
	struct http_client *client = client_for(&world);
	char url[128];
	struct outcome outcome = { 0 };
	struct http_call_options options =
	        options_for("GET", http_server_port(world.server), "/big", url);
	http_client_call(client, &options, on_response, &outcome);
	CHECK(world_wait(&world, is_done, &outcome));
	CHECK_INT(outcome.body_size, 1048576);
	CHECK(outcome.body != NULL && strspn(outcome.body, "x") == 1048576);
	outcome_finish(&outcome);
	options = options_for("HEAD", http_server_port(world.server), "/big", url);
	http_client_call(client, &options, on_response, &outcome);
	CHECK(world_wait(&world, is_done, &outcome));
	CHECK_INT(outcome.status, 200);
	CHECK_INT(outcome.body_size, 0);
	outcome_finish(&outcome);
	options = options_for("GET", http_server_port(world.server), "/none", url);
	http_client_call(client, &options, on_response, &outcome);
	CHECK(world_wait(&world, is_done, &outcome));
	CHECK_INT(outcome.status, 404);
	CHECK_TEXT(outcome.content_type, "application/problem+json");
	outcome_finish(&outcome);
	CHECK_INT(http_server_counters(world.server)->connections, 1);
	http_client_destroy(client);
	world_stop(&world);
}

/* The sentence has these words. */
static void check_words(const char *sentence, const char *words)
{
	if (sentence == NULL || strstr(sentence, words) == NULL) {
		CHECK_TEXT(sentence, words);
	}
}

static void expect_failure(struct world *world, struct http_client *client, const char *url,
        bool is_unsent, const char *words)
{
	struct outcome outcome = { 0 };
	const struct http_call_options options = {
		.method = "GET", .url = url, .timeout_ms = 5000
	};
	http_client_call(client, &options, on_response, &outcome);
	CHECK(!outcome.is_done);
	CHECK(world_wait(world, is_done, &outcome));
	CHECK_INT(outcome.status, 0);
	CHECK_INT(outcome.is_unsent, is_unsent);
	check_words(outcome.error, words);
	outcome_finish(&outcome);
}

static void what_cannot_be_called_fails_with_a_sentence(void)
{
	struct world world;
	world_start(&world, NULL);
	struct http_client *client = client_for(&world);
	expect_failure(&world, client, "ftp://127.0.0.1/", true, "'ftp://127.0.0.1/'");
	expect_failure(&world, client, "http://127.0.0.1:99999/", true, "is not a URL");
	expect_failure(&world, client, "http://user@127.0.0.1/", true, "is not a URL");
	expect_failure(&world, client, "https://127.0.0.1/", true, "https is not set up");
	expect_failure(&world, client, "http://127.0.0.1:1/", true, "Connection refused");
	expect_failure(
	        &world, client, "http://no-such-host.invalid:80/", true, "cannot be resolved");
	http_client_destroy(client);
	world_stop(&world);
}

static void answer_that_does_not_come_in_time_fails(void)
{
	struct world world;
	world_start(&world, NULL);
	struct http_client *client = client_for(&world);
	char url[128];
	struct outcome outcomes[3] = { 0 };
	struct http_call_options options =
	        options_for("POST", http_server_port(world.server), "/later", url);
	options.timeout_ms = 50;
	for (int i = 0; i < 3; i++) {
		http_client_call(client, &options, on_response, &outcomes[i]);
	}
	for (int i = 0; i < 3; i++) {
		CHECK(world_wait(&world, is_done, &outcomes[i]));
		CHECK(outcomes[i].error != NULL &&
		        strstr(outcomes[i].error, "did not answer in time") != NULL);
		/* The third had no connection. */
		CHECK_INT(outcomes[i].is_unsent, i == 2);
		outcome_finish(&outcomes[i]);
	}
	http_client_destroy(client);
	world_stop(&world);
}

static void cancelled_call_is_not_called_back(void)
{
	struct world world;
	world_start(&world, NULL);
	struct http_client *client = client_for(&world);
	char url[128];
	struct outcome outcomes[4] = { 0 };
	struct http_call *calls[4];
	struct http_call_options options =
	        options_for("POST", http_server_port(world.server), "/later", url);
	for (int i = 0; i < 3; i++) {
		calls[i] = http_client_call(client, &options, on_response, &outcomes[i]);
	}
	while (world.n_later < 2) {
		event_base_loop(world.base, EVLOOP_ONCE);
	}
	options.url = "nonsense";
	calls[3] = http_client_call(client, &options, on_response, &outcomes[3]);
	http_call_cancel(calls[3]); /* failed, not delivered yet */
	http_call_cancel(calls[2]); /* waiting */
	http_call_cancel(calls[0]); /* running */
	world_reply_later(&world, "one");
	world_reply_later(&world, "two");
	CHECK(world_wait(&world, is_done, &outcomes[1]));
	CHECK(!outcomes[0].is_done && !outcomes[2].is_done && !outcomes[3].is_done);
	outcome_finish(&outcomes[1]);
	http_client_destroy(client);
	world_stop(&world);
}

static void destroy_ends_calls_in_every_state(void)
{
	struct world world;
	world_start(&world, NULL);
	struct http_client *client = client_for(&world);
	char url[128];
	struct outcome outcome = { 0 };
	struct http_call_options options =
	        options_for("POST", http_server_port(world.server), "/later", url);
	for (int i = 0; i < 4; i++) {
		http_client_call(client, &options, on_response, &outcome);
	}
	while (world.n_later < 2) {
		event_base_loop(world.base, EVLOOP_ONCE);
	}
	options.url = "http://localhost:1/";
	http_client_call(client, &options, on_response, &outcome);
	options.url = "nonsense";
	http_client_call(client, &options, on_response, &outcome);
	http_client_destroy(client);
	CHECK(!outcome.is_done);
	world_stop(&world);
}

/* A server that reads what comes and answers each connection with a text of its own, then closes.
 */
struct script {
	struct event *acceptable;
	struct event *readable;
	int fd;
	int accepted;
	const char *const *answers;
	size_t n_answers;
	size_t n_requests; /* reads that brought something */
	size_t n_accepted;
};

static void on_scripted(evutil_socket_t fd, short what, void *user)
{
	(void)what;
	struct script *script = user;
	char bytes[4096];
	if (recv(fd, bytes, sizeof(bytes), 0) > 0) {
		const char *answer = script->n_requests < script->n_answers
		        ? script->answers[script->n_requests]
		        : "";
		script->n_requests++;
		CHECK(send(fd, answer, strlen(answer), MSG_NOSIGNAL) == (ssize_t)strlen(answer));
		if (strstr(answer, "keep") != NULL) {
			return;
		}
	}
	event_free(script->readable);
	script->readable = NULL;
	close(fd);
	script->accepted = -1;
}

static void on_acceptable(evutil_socket_t fd, short what, void *user)
{
	(void)what;
	struct script *script = user;
	if (script->readable != NULL) {
		event_free(script->readable);
		close(script->accepted);
	}
	script->n_accepted++;
	script->accepted = accept(fd, NULL, NULL);
	script->readable = event_new(event_get_base(script->acceptable), script->accepted,
	        EV_READ | EV_PERSIST, on_scripted, script);
	event_add(script->readable, NULL);
}

static uint16_t script_start(struct script *script, struct event_base *base,
        const char *const *answers, size_t n_answers)
{
	*script = (struct script){ .answers = answers, .n_answers = n_answers, .accepted = -1 };
	script->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);
	int failed = bind(script->fd, (struct sockaddr *)&address, size);
	failed |= listen(script->fd, 8);
	failed |= getsockname(script->fd, (struct sockaddr *)&address, &size);
	assert(failed == 0);
	script->acceptable =
	        event_new(base, script->fd, EV_READ | EV_PERSIST, on_acceptable, script);
	event_add(script->acceptable, NULL);
	return ntohs(address.sin_port);
}

static void script_stop(struct script *script)
{
	if (script->readable != NULL) {
		event_free(script->readable);
		close(script->accepted);
	}
	event_free(script->acceptable);
	close(script->fd);
}

#define KEPT "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkeep"

static void stale_connection_is_tried_again_only_where_that_is_harmless(void)
{
	struct world world;
	world_start(&world, NULL);
	static const char *const answers[] = { KEPT, "", KEPT, "" };
	struct script script;
	uint16_t port = script_start(&script, world.base, answers, 4);
	struct http_client *client = client_for(&world);
	char url[128];
	struct outcome outcome = { 0 };
	struct http_call_options options = options_for("GET", port, "/", url);
	for (int i = 0; i < 2; i++) {
		/* The second is read by a server that then closes: it is sent once more. */
		http_client_call(client, &options, on_response, &outcome);
		CHECK(world_wait(&world, is_done, &outcome));
		CHECK_TEXT(outcome.body, "keep");
		outcome_finish(&outcome);
	}
	CHECK_INT(script.n_requests, 3);
	options = options_for("POST", port, "/", url);
	http_client_call(client, &options, on_response, &outcome);
	CHECK(world_wait(&world, is_done, &outcome));
	CHECK_INT(outcome.status, 0);
	CHECK_INT(outcome.is_unsent, false);
	CHECK_INT(script.n_requests, 4);
	outcome_finish(&outcome);
	http_client_destroy(client);
	script_stop(&script);
	world_stop(&world);
}

static void connection_with_an_unclear_end_is_not_used_again(void)
{
	/* The server keeps all of them open. */
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: x, close\r\n\r\nkeep",
		"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nkeep",
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkeepHTTP/1.1 200 OK\r\n\r\n",
		KEPT,
		KEPT,
	};
	struct world world;
	world_start(&world, NULL);
	struct script script;
	uint16_t port = script_start(&script, world.base, answers, 5);
	struct http_client *client = client_for(&world);
	char url[128];
	static const size_t n_accepted[] = { 1, 2, 3, 4, 4 };
	for (int i = 0; i < 5; i++) {
		struct outcome outcome = { 0 };
		struct http_call_options options = options_for("GET", port, "/", url);
		http_client_call(client, &options, on_response, &outcome);
		CHECK(world_wait(&world, is_done, &outcome));
		CHECK_TEXT(outcome.body, "keep");
		CHECK_INT(script.n_accepted, n_accepted[i]);
		outcome_finish(&outcome);
	}
	http_client_destroy(client);
	script_stop(&script);
	world_stop(&world);
}

struct case_of_answer {
	const char *answer;
	unsigned status;
	const char *body_or_error;
};

static const struct case_of_answer cases[] = {
	{ "HTTP/1.1 200 OK\r\n\r\nto the end", 200, "to the end" },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok" },
	{ "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, "ok" },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\n1", 201,
	        "1" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, "ok" },
	{ "HTTP/1.1 204 No Content\r\n\r\n", 204, NULL },
	{ "HTTP/1.1 503 Later\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 503, NULL },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", 0, "before the answer was complete" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", 0,
	        "before the answer was complete" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", 0,
	        "not one number" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", 0, "both" },
	{ "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok", 0, "CRLF" },
	{ "HTTP/2 200 OK\r\n\r\n", 0, "not HTTP/1.1" },
	{ "HTTP/1.1 101 Switching\r\n\r\n", 0, "change the protocol" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", 0, "larger" },
	{ "SSH-2.0-OpenSSH\r\n", 0, "not HTTP/1.1" },
	{ "", 0, "closed" },
};

static void check_case(const struct outcome *outcome, const struct case_of_answer *expected)
{
	CHECK_INT(outcome->status, expected->status);
	CHECK_INT(outcome->retry_after_seconds, expected->status == 503 ? 7 : 0);
	if (expected->status != 0) {
		CHECK_TEXT(outcome->body, expected->body_or_error);
	} else {
		check_words(outcome->error, expected->body_or_error);
	}
}

/* One call to a server that answers so. */
static struct outcome ask(struct world *world, struct http_client *client, const char *answer)
{
	struct script script;
	uint16_t port = script_start(&script, world->base, &answer, 1);
	char url[128];
	struct outcome outcome = { 0 };
	struct http_call_options options = options_for("POST", port, "/", url);
	http_client_call(client, &options, on_response, &outcome);
	CHECK(world_wait(world, is_done, &outcome));
	script_stop(&script);
	return outcome;
}

static void answers_are_read_strictly(void)
{
	struct world world;
	world_start(&world, NULL);
	struct http_client *client = client_for(&world);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outcome outcome = ask(&world, client, cases[i].answer);
		check_case(&outcome, &cases[i]);
		outcome_finish(&outcome);
	}
	http_client_destroy(client);
	world_stop(&world);
}

static void names_are_resolved_off_the_loop(void)
{
	struct world world;
	world_start(&world, NULL);
	char *error = NULL;
	CHECK_INT(http_server_listen(world.server, "localhost:0", &error), 0);
	struct http_client *client = client_for(&world);
	char url[128];
	snprintf(url, sizeof(url), "http://localhost:%u/hello", http_server_port(world.server));
	struct outcome outcome = { 0 };
	const struct http_call_options options = { .method = "GET", .url = url };
	http_client_call(client, &options, on_response, &outcome);
	CHECK(world_wait(&world, is_done, &outcome));
	CHECK_TEXT(outcome.body, "hello");
	outcome_finish(&outcome);
	http_client_destroy(client);
	world_stop(&world);
}

static const struct suite_test tests[] = {
	SUITE_TEST(calls_share_a_kept_connection),
	SUITE_TEST(connections_to_a_host_are_bounded),
	SUITE_TEST(problems_and_large_bodies_come_whole),
	SUITE_TEST(what_cannot_be_called_fails_with_a_sentence),
	SUITE_TEST(answer_that_does_not_come_in_time_fails),
	SUITE_TEST(cancelled_call_is_not_called_back),
	SUITE_TEST(destroy_ends_calls_in_every_state),
	SUITE_TEST(stale_connection_is_tried_again_only_where_that_is_harmless),
	SUITE_TEST(connection_with_an_unclear_end_is_not_used_again),
	SUITE_TEST(answers_are_read_strictly),
	SUITE_TEST(names_are_resolved_off_the_loop),
};

int main(int argc, char **argv)
{
	return suite_run("http_client", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
