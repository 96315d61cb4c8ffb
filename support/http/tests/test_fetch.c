/* SPDX-License-Identifier: MIT */
/* The client against a server that does what a script says: repeats, their budget and their waits,
 * what libcurl sends again by itself, lines, limits, and what an answer says of the server. */
#include "support/http/fetch.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/base/memory.h"
#include "support/http/call.h"
#include "support/http/tests/fake_server.h"
#include "tests/support/suite.h"

#define BOUND_S 20
#define MAX_CALLS 128

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Own:  a b \r\n\r\nhi"
#define BUSY_ANSWER "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"

struct call_seen {
	bool is_answered;
	enum fetch_outcome outcome;
	int status;
	bool is_repeated;
	char body[64];
	char sentence[400];
	char own[32]; /* the value of X-Own */
};

struct client_world {
	struct event_base *base;
	struct fake_server *server;
	struct fetch_client *client;
	char url[64];
	struct call_seen seen[MAX_CALLS];
	size_t n_asked;
	size_t n_answered;
};

static void world_open(struct client_world *world, const char *const *script, size_t n,
        struct fetch_settings settings)
{
	memset(world, 0, sizeof(*world));
	world->base = must_have(event_base_new());
	world->server = fake_server_create(world->base, script, n);
	settings.base = world->base;
	world->client = must_have(fetch_client_create(&settings));
	(void)snprintf(world->url, sizeof(world->url), "http://127.0.0.1:%u/a?b=c",
	        (unsigned)fake_server_port(world->server));
}

static void world_close(struct client_world *world)
{
	fetch_client_destroy(world->client);
	fake_server_destroy(world->server);
	event_base_free(world->base);
}

static struct client_world *this_world;

static void on_answer(void *user, const struct fetch_answer *answer)
{
	struct call_seen *seen = user;
	size_t size = 0;
	const char *own = fetch_answer_header(answer, "x-own", &size);
	CHECK(!seen->is_answered);
	seen->is_answered = true;
	seen->outcome = answer->outcome;
	seen->status = answer->status;
	seen->is_repeated = answer->is_repeated;
	(void)snprintf(seen->body, sizeof(seen->body), "%s", answer->body);
	(void)snprintf(seen->sentence, sizeof(seen->sentence), "%s",
	        answer->sentence != NULL ? answer->sentence : "");
	(void)snprintf(seen->own, sizeof(seen->own), "%.*s", own != NULL ? (int)size : 0,
	        own != NULL ? own : "");
	this_world->n_answered++;
}

/* Asks with a body of two bytes. */
static struct fetch_call *ask(struct client_world *world, bool is_repeatable, uint32_t timeout_ms)
{
	this_world = world;
	return fetch_client_ask(world->client,
	        &(struct fetch_request){
	                .method = "POST",
	                .url = world->url,
	                .body = "{}",
	                .body_size = 2,
	                .timeout_ms = timeout_ms,
	                .is_repeatable = is_repeatable,
	        },
	        on_answer, &world->seen[world->n_asked++]);
}

static void wait_for(struct client_world *world, size_t n_answered)
{
	time_t until = time(NULL) + BOUND_S;
	struct timeval tick = { 0, 50000 };
	while (world->n_answered < n_answered && time(NULL) < until) {
		(void)event_base_loopexit(world->base, &tick);
		(void)event_base_dispatch(world->base);
	}
	CHECK_INT(world->n_answered, n_answered);
}

#define OPEN(world, ...)                                     \
	static const char *const script[] = { __VA_ARGS__ }; \
	static struct client_world world;                    \
	world_open(&world, script, sizeof(script) / sizeof(script[0]), (struct fetch_settings){ 0 })

static void an_answer_has_status_headers_and_body(void)
{
	OPEN(world, OK_ANSWER);
	(void)ask(&world, false, 0);
	CHECK_INT(world.n_answered, 0);
	wait_for(&world, 1);
	CHECK_INT(world.seen[0].outcome, FETCH_ANSWERED);
	CHECK_INT(world.seen[0].status, 200);
	CHECK_TEXT(world.seen[0].body, "hi");
	CHECK_TEXT(world.seen[0].own, "a b");
	CHECK(!world.seen[0].is_repeated);
	world_close(&world);
}

static void a_connection_is_kept_for_the_next_request(void)
{
	OPEN(world, OK_ANSWER);
	for (size_t i = 1; i <= 3; i++) {
		(void)ask(&world, false, 0);
		wait_for(&world, i);
	}
	CHECK_INT(fake_server_n_requests(world.server), 3);
	CHECK_INT(fake_server_n_connections(world.server), 1);
	world_close(&world);
}

static void what_may_be_repeated_is_repeated_until_it_is_answered(void)
{
	OPEN(world, BUSY_ANSWER, "HTTP/1.1 500 X\r\nContent-Length: 1\r\n\r\nx", FAKE_CLOSE,
	        OK_ANSWER);
	(void)ask(&world, true, 0);
	wait_for(&world, 1);
	CHECK_INT(world.seen[0].status, 200);
	CHECK_TEXT(world.seen[0].body, "hi");
	CHECK(world.seen[0].is_repeated);
	CHECK_INT(fake_server_n_requests(world.server), 4);
	world_close(&world);
}

static void what_must_not_be_repeated_is_sent_once(void)
{
	OPEN(world, BUSY_ANSWER, FAKE_CLOSE, OK_ANSWER);
	(void)ask(&world, false, 0);
	wait_for(&world, 1);
	CHECK_INT(world.seen[0].status, 503);
	(void)ask(&world, false, 0);
	wait_for(&world, 2);
	CHECK_INT(world.seen[1].outcome, FETCH_UNKNOWN);
	CHECK(world.seen[1].sentence[0] != '\0');
	CHECK_INT(fake_server_n_requests(world.server), 2);
	world_close(&world);
}

/* libcurl sends a request again when a kept connection dies under it, although the server may have
 * done what it asks. */
static void a_request_on_a_dying_connection_is_not_sent_again(void)
{
	OPEN(world, OK_ANSWER, FAKE_CLOSE, OK_ANSWER);
	(void)ask(&world, false, 0);
	wait_for(&world, 1);
	(void)ask(&world, false, 0);
	wait_for(&world, 2);
	CHECK_INT(world.seen[1].outcome, FETCH_UNKNOWN);
	CHECK_INT(fake_server_n_requests(world.server), 2);
	world_close(&world);
}

static void a_request_that_was_sent_again_says_so(void)
{
	OPEN(world, OK_ANSWER, FAKE_CLOSE, OK_ANSWER);
	(void)ask(&world, true, 0);
	wait_for(&world, 1);
	(void)ask(&world, true, 0);
	wait_for(&world, 2);
	CHECK_INT(world.seen[1].status, 200);
	CHECK(world.seen[1].is_repeated);
	CHECK_INT(fake_server_n_requests(world.server), 3);
	world_close(&world);
}

static void check_wait(const char *const *script, int64_t least_ms)
{
	static struct client_world world;
	world_open(&world, script, 2, (struct fetch_settings){ 0 });
	(void)ask(&world, true, 0);
	wait_for(&world, 1);
	CHECK_INT(world.seen[0].status, 200);
	CHECK(fake_server_spread_ms(world.server) >= least_ms);
	world_close(&world);
}

static void the_wait_that_the_server_asks_for_is_kept(void)
{
	static const char *const in_ms[] = {
		"HTTP/1.1 503 B\r\nx-ms-retry-after-ms: 150\r\nContent-Length: 0\r\n\r\n", OK_ANSWER
	};
	static const char *const in_s[] = {
		"HTTP/1.1 429 B\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", OK_ANSWER
	};
	check_wait(in_ms, 150);
	check_wait(in_s, 1000);
	char busy[160];
	char date[40];
	time_t at = time(NULL) + 2;
	struct tm parts;
	(void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &parts));
	(void)snprintf(busy, sizeof(busy),
	        "HTTP/1.1 503 B\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", date);
	const char *const until[] = { busy, OK_ANSWER };
	check_wait(until, 0);
	CHECK(time(NULL) >= at);
}

static void wait_for_pause(struct client_world *world)
{
	time_t until = time(NULL) + BOUND_S;
	while (world->client->paused.first == NULL && time(NULL) < until) {
		(void)event_base_loop(world->base, EVLOOP_ONCE);
	}
	CHECK(world->client->paused.first != NULL);
}

static void a_pause_ends_when_the_server_is_known_to_answer(void)
{
	OPEN(world, BUSY_ANSWER, OK_ANSWER);
	(void)ask(&world, true, 0);
	wait_for_pause(&world);
	fetch_client_hurry(world.client);
	CHECK(world.client->paused.first == NULL);
	wait_for(&world, 1);
	CHECK_INT(world.seen[0].status, 200);
	CHECK_INT(fake_server_n_requests(world.server), 2);
	world_close(&world);
}

static void a_pause_that_the_server_asked_for_does_not_end_early(void)
{
	OPEN(world, "HTTP/1.1 503 B\r\nx-ms-retry-after-ms: 300\r\nContent-Length: 0\r\n\r\n",
	        OK_ANSWER);
	(void)ask(&world, true, 0);
	wait_for_pause(&world);
	fetch_client_hurry(world.client);
	CHECK(world.client->paused.first != NULL);
	wait_for(&world, 1);
	CHECK_INT(world.seen[0].status, 200);
	CHECK(fake_server_spread_ms(world.server) >= 300);
	world_close(&world);
}

static void a_wait_beyond_the_deadline_is_not_begun(void)
{
	OPEN(world, "HTTP/1.1 503 B\r\nRetry-After: 3000\r\nContent-Length: 0\r\n\r\n", OK_ANSWER);
	(void)ask(&world, true, 0);
	wait_for(&world, 1);
	CHECK_INT(world.seen[0].status, 503);
	CHECK_INT(fake_server_n_requests(world.server), 1);
	world_close(&world);
}

/* A reserve of 30 repeats, and a tenth of one for each request. */
static void a_server_in_trouble_gets_little_more_than_the_usual(void)
{
	OPEN(world, BUSY_ANSWER);
	for (size_t i = 0; i < 100; i++) {
		(void)ask(&world, true, 0);
	}
	wait_for(&world, 100);
	for (size_t i = 0; i < 100; i++) {
		CHECK_INT(world.seen[i].status, 503);
	}
	CHECK(fake_server_n_requests(world.server) > 100);
	CHECK(fake_server_n_requests(world.server) <= 140);
	world_close(&world);
}

static void a_line_has_an_end(void)
{
	static const char *const script[] = { FAKE_STALL };
	static struct client_world world;
	world_open(&world, script, 1,
	        (struct fetch_settings){
	                .max_connections = 1, .max_waiting = 2, .attempt_timeout_ms = 200 });
	for (size_t i = 0; i < 5; i++) {
		(void)ask(&world, false, 300);
	}
	wait_for(&world, 5);
	size_t n_not_sent = 0;
	for (size_t i = 0; i < 5; i++) {
		CHECK(world.seen[i].outcome != FETCH_ANSWERED);
		n_not_sent += strstr(world.seen[i].sentence, "in line") != NULL ? 1 : 0;
	}
	CHECK_INT(n_not_sent, 3);
	CHECK_INT(world.seen[0].outcome, FETCH_UNKNOWN);
	CHECK(fake_server_n_connections(world.server) <= 2);
	world_close(&world);
}

/* The first is under way when the others come. */
static void what_is_urgent_goes_before_those_in_line(void)
{
	static struct client_world world;
	static const char *const script[] = { OK_ANSWER };
	world_open(&world, script, 1,
	        (struct fetch_settings){ .max_connections = 1, .max_waiting = 3 });
	for (size_t i = 0; i < 4; i++) {
		(void)ask(&world, false, 0);
	}
	struct call_seen *urgent = &world.seen[world.n_asked++];
	(void)fetch_client_ask(world.client,
	        &(struct fetch_request){ .method = "GET", .url = world.url, .is_urgent = true },
	        on_answer, urgent);
	while (!urgent->is_answered && world.n_answered < world.n_asked) {
		(void)event_base_loop(world.base, EVLOOP_ONCE);
	}
	CHECK_INT(urgent->status, 200);
	CHECK_TEXT(urgent->body, "hi");
	/* The fourth had found the line full, which is said at once. */
	CHECK(world.n_answered <= 2);
	wait_for(&world, 5);
	world_close(&world);
}

static void a_server_that_stalls_is_given_up(void)
{
	static const char *const script[] = { FAKE_STALL, OK_ANSWER };
	static struct client_world world;
	world_open(&world, script, 2, (struct fetch_settings){ .attempt_timeout_ms = 150 });
	(void)ask(&world, false, 0);
	wait_for(&world, 1);
	CHECK_INT(world.seen[0].outcome, FETCH_UNKNOWN);
	(void)ask(&world, true, 0);
	wait_for(&world, 2);
	CHECK_INT(world.seen[1].status, 200);
	world_close(&world);
}

static void a_port_where_nobody_listens_has_not_got_it(void)
{
	OPEN(world, OK_ANSWER);
	fake_server_destroy(world.server);
	(void)ask(&world, false, 400);
	wait_for(&world, 1);
	CHECK_INT(world.seen[0].outcome, FETCH_NOT_SENT);
	CHECK(world.seen[0].sentence[0] != '\0');
	static const char *const again[] = { OK_ANSWER };
	world.server = fake_server_create(world.base, again, 1);
	world_close(&world);
}

static void an_answer_that_is_too_large_is_none(void)
{
	static const char *const script[] = { OK_ANSWER };
	static struct client_world world;
	world_open(&world, script, 1, (struct fetch_settings){ .max_answer = 1 });
	(void)ask(&world, true, 0);
	wait_for(&world, 1);
	CHECK_INT(world.seen[0].outcome, FETCH_UNKNOWN);
	CHECK(strstr(world.seen[0].sentence, "larger than 1 bytes") != NULL);
	CHECK_INT(fake_server_n_requests(world.server), 1);
	world_close(&world);
}

static void an_answer_that_is_cut_is_no_answer(void)
{
	OPEN(world, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\nhi");
	(void)ask(&world, false, 300);
	wait_for(&world, 1);
	CHECK_INT(world.seen[0].outcome, FETCH_UNKNOWN);
	CHECK_TEXT(world.seen[0].body, "");
	world_close(&world);
}

static void who_has_given_up_hears_nothing(void)
{
	OPEN(world, OK_ANSWER);
	fetch_call_cancel(ask(&world, true, 0));
	(void)ask(&world, true, 0);
	wait_for(&world, 1);
	CHECK(!world.seen[0].is_answered);
	CHECK(world.seen[1].is_answered);
	world_close(&world);
}

static const struct suite_test tests[] = {
	SUITE_TEST(an_answer_has_status_headers_and_body),
	SUITE_TEST(a_connection_is_kept_for_the_next_request),
	SUITE_TEST(what_may_be_repeated_is_repeated_until_it_is_answered),
	SUITE_TEST(what_must_not_be_repeated_is_sent_once),
	SUITE_TEST(a_request_on_a_dying_connection_is_not_sent_again),
	SUITE_TEST(a_request_that_was_sent_again_says_so),
	SUITE_TEST(the_wait_that_the_server_asks_for_is_kept),
	SUITE_TEST(a_pause_ends_when_the_server_is_known_to_answer),
	SUITE_TEST(a_pause_that_the_server_asked_for_does_not_end_early),
	SUITE_TEST(a_wait_beyond_the_deadline_is_not_begun),
	SUITE_TEST(a_server_in_trouble_gets_little_more_than_the_usual),
	SUITE_TEST(a_line_has_an_end),
	SUITE_TEST(what_is_urgent_goes_before_those_in_line),
	SUITE_TEST(a_server_that_stalls_is_given_up),
	SUITE_TEST(a_port_where_nobody_listens_has_not_got_it),
	SUITE_TEST(an_answer_that_is_too_large_is_none),
	SUITE_TEST(an_answer_that_is_cut_is_no_answer),
	SUITE_TEST(who_has_given_up_hears_nothing),
};

int main(int argc, char **argv)
{
	return suite_run("http fetch", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
