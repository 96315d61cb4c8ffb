/* SPDX-License-Identifier: MIT */
/* What the loop and the listener do when the system refuses what they ask for. */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/http/address.h"
#include "core/loop.h"
#include "support/base/memory.h"
#include "tests/support/child.h"
#include "tests/support/http_world.h"
#include "tests/support/refusals.h"
#include "tests/support/suite.h"

static void do_nothing(void *user)
{
	(void)user;
}

static void act_without_descriptor(void)
{
	refuse("eventfd", EMFILE);
	(void)loop_create();
}

static void act_without_event(void)
{
	refuse_nth("event_new", 3, 1, ENOMEM); /* after those of calls and timers */
	(void)loop_create();
}

static void act_without_watching(void)
{
	refuse("event_add", ENOMEM);
	(void)loop_create();
}

static void act_without_clock(void)
{
	struct loop *loop = loop_create();
	refuse("clock_gettime", EINVAL);
	(void)loop_now_us(loop);
}

static void act_without_random(void)
{
	char bytes[8];
	struct loop *loop = loop_create();
	refuse("getrandom", ENOSYS);
	loop_random(loop, bytes, sizeof(bytes));
}

static void act_without_timer(void)
{
	struct loop *loop = loop_create();
	refuse("event_add", ENOMEM);
	(void)timer_start(loop, 5, do_nothing, NULL);
}

static void act_without_wake(void)
{
	struct loop *loop = loop_create();
	refuse("eventfd_write", EBADF);
	loop_post(loop, do_nothing, NULL);
}

static void act_without_next_turn(void)
{
	struct loop *loop = loop_create();
	for (int i = 0; i < 2000; i++) {
		loop_defer(loop, do_nothing, NULL);
	}
	refuse("event_add", ENOMEM);
	loop_turn(loop, 0);
}

static void a_loop_that_cannot_go_on_ends_the_process_instead_of_losing_calls(void)
{
	static void (*const acts[])(void) = { act_without_descriptor, act_without_event,
		act_without_watching, act_without_clock, act_without_random, act_without_timer,
		act_without_wake, act_without_next_turn };
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		char said[4096];
		CHECK_INT(child_signal(acts[i], said, sizeof(said)), SIGABRT);
		if (i < 3) {
			CHECK(strstr(said, "raise the limit of open files") != NULL);
		}
	}
}

static void count(void *user)
{
	++*(unsigned *)user;
}

static void a_wake_that_brings_nothing_leaves_the_posts_for_the_next(void)
{
	unsigned n_run = 0;
	struct loop *loop = loop_create();
	loop_post(loop, count, &n_run);
	refuse("read", EAGAIN);
	loop_turn(loop, 0);
	CHECK(refuse_end());
	for (int i = 0; i < 100 && n_run == 0; i++) {
		loop_turn(loop, 0);
	}
	CHECK_INT(n_run, 1);
	loop_destroy(loop);
}

static void posts_that_nobody_takes_are_freed_with_the_loop(void)
{
	unsigned n_run = 0;
	struct loop *loop = loop_create();
	loop_post(loop, count, &n_run);
	loop_post(loop, count, &n_run);
	loop_destroy(loop);
	CHECK_INT(n_run, 0);
}

static void a_simulated_loop_can_be_turned_a_piece_at_a_time(void)
{
	unsigned n_run = 0;
	struct loop *loop = loop_create_simulated(1, 0);
	CHECK(loop_due_in_ms(loop) == UINT64_MAX);
	loop_defer(loop, count, &n_run);
	CHECK_INT(loop_due_in_ms(loop), 0);
	loop_turn(loop, 1);
	CHECK_INT(n_run, 1);
	(void)timer_start(loop, 3, count, &n_run);
	CHECK_INT(loop_due_in_ms(loop), 3);
	loop_turn(loop, 0);
	CHECK_INT(n_run, 1);
	(void)timer_start(loop, 0, count, &n_run);
	CHECK_INT(loop_due_in_ms(loop), 0);
	loop_turn(loop, 1);
	CHECK_INT(n_run, 2);
	loop_post(loop, count, &n_run);
	loop_turn(loop, 1);
	CHECK_INT(n_run, 3);
	loop_set_clock(loop, 5000);
	CHECK_INT(loop_clock_us(loop), 5000000);
	loop_advance(loop, 3);
	CHECK_INT(n_run, 4);
	loop_destroy(loop);
}

static void stop_loop(void *user)
{
	loop_break(user);
}

static void a_simulated_loop_runs_until_it_is_broken_and_stands_still_from_then_on(void)
{
	unsigned n_run = 0;
	struct loop *loop = loop_create_simulated(1, 0);
	(void)timer_start(loop, 10, count, &n_run);
	(void)timer_start(loop, 10, stop_loop, loop);
	(void)timer_start(loop, 10, count, &n_run);
	loop_run(loop);
	CHECK_INT(n_run, 1);
	uint64_t now_ms = loop_now_ms(loop);
	(void)timer_start(loop, 0, stop_loop, loop);
	loop_advance(loop, 1000);
	CHECK_INT(loop_now_ms(loop), now_ms);
	loop_advance(loop, 1000);
	CHECK_INT(loop_now_ms(loop), now_ms + 1000);
	CHECK_INT(n_run, 2);
	loop_destroy(loop);
}

/* A server whose listening is refused at one point, and what it says of that. */
static void expect_no_listener(
        const char *name, unsigned nth, int error, const char *address, const char *words)
{
	struct world world;
	char *sentence = NULL;
	world_start(&world, NULL);
	struct http_settings settings = world_settings();
	settings.router = world.router;
	struct http_server *server = http_server_create(world.base, &settings);
	refuse_nth(name, nth, 1, error);
	CHECK_INT(http_server_listen(server, address, &sentence), -1);
	CHECK(refuse_end());
	if (sentence == NULL || strstr(sentence, words) == NULL) {
		CHECK_TEXT(sentence, words);
	}
	CHECK_INT(http_server_port(server), 0);
	free(sentence);
	http_server_destroy(server);
	world_stop(&world);
}

static void an_address_that_cannot_be_listened_at_is_explained(void)
{
	static const char any[] = "127.0.0.1:0";
	expect_no_listener("socket", 1, EMFILE, any, "Too many open files");
	expect_no_listener("setsockopt", 1, ENOMEM, any, "Cannot allocate memory");
	expect_no_listener("setsockopt", 2, ENOMEM, any, "Cannot allocate memory");
	expect_no_listener("bind", 1, EADDRINUSE, any, "another process listens there");
	expect_no_listener("bind", 1, EADDRNOTAVAIL, any, "this machine has no such address");
	expect_no_listener("bind", 1, EACCES, any, "the port needs more rights");
	expect_no_listener("listen", 1, EADDRINUSE, any, "another process listens there");
}

static bool has_ip6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sockaddr_in6 address = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	bool is_there =
	        fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
	(void)close(fd);
	return is_there;
}

static void a_listener_of_both_families_has_one_port(void)
{
	struct world world;
	char *sentence = NULL;
	if (!has_ip6()) {
		printf("(this machine has no IPv6)\n");
		return;
	}
	expect_no_listener("setsockopt", 3, ENOMEM, "[::1]:0", "Cannot allocate memory");
	world_start(&world, NULL);
	CHECK_INT(http_server_listen(world.server, "[::1]:0", &sentence), 0);
	CHECK_TEXT(sentence, NULL);
	world_stop(&world);
}

static void addresses_of_each_family_are_printed(void)
{
	char text[64];
	const struct sockaddr_in ip4 = { .sin_family = AF_INET,
		.sin_port = htons(80),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct sockaddr_in6 ip6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(443), .sin6_addr = IN6ADDR_LOOPBACK_INIT
	};
	const struct sockaddr local = { .sa_family = AF_UNIX };
	http_address_print((const struct sockaddr *)&ip4, text, sizeof(text));
	CHECK_TEXT(text, "127.0.0.1:80");
	http_address_print((const struct sockaddr *)&ip6, text, sizeof(text));
	CHECK_TEXT(text, "[::1]:443");
	http_address_print(&local, text, sizeof(text));
	CHECK_TEXT(text, "local");
}

/* A port that nobody can name is still one that is listened at. */
static void a_listener_whose_port_cannot_be_asked_has_none_to_show(void)
{
	struct world world;
	char *sentence = NULL;
	world_start(&world, NULL);
	struct http_settings settings = world_settings();
	settings.router = world.router;
	struct http_server *server = http_server_create(world.base, &settings);
	refuse("getsockname", ENOBUFS);
	CHECK_INT(http_server_listen(server, "127.0.0.1:0", &sentence), 0);
	CHECK(refuse_end());
	CHECK_INT(http_server_port(server), 0);
	http_server_destroy(server);
	world_stop(&world);
}

static void accepting_goes_on_after_each_error_that_passes(void)
{
	static const int passing[] = { EINTR, ECONNABORTED, EAGAIN, EMFILE, ENFILE, ENOBUFS,
		ENOMEM };
	struct world world;
	world_start(&world, NULL);
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		refuse("accept4", passing[i]);
		struct peer *peer = peer_create(&world);
		peer_send(peer, "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
		CHECK(peer_wait_text(peer, "hello"));
		CHECK(refuse_end());
		peer_destroy(peer);
	}
	CHECK_INT(world.n_handled, 7);
	world_stop(&world);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(a_loop_that_cannot_go_on_ends_the_process_instead_of_losing_calls),
		SUITE_TEST(a_wake_that_brings_nothing_leaves_the_posts_for_the_next),
		SUITE_TEST(posts_that_nobody_takes_are_freed_with_the_loop),
		SUITE_TEST(a_simulated_loop_can_be_turned_a_piece_at_a_time),
		SUITE_TEST(a_simulated_loop_runs_until_it_is_broken_and_stands_still_from_then_on),
		SUITE_TEST(an_address_that_cannot_be_listened_at_is_explained),
		SUITE_TEST(a_listener_of_both_families_has_one_port),
		SUITE_TEST(addresses_of_each_family_are_printed),
		SUITE_TEST(a_listener_whose_port_cannot_be_asked_has_none_to_show),
		SUITE_TEST(accepting_goes_on_after_each_error_that_passes),
	};
	return suite_run("refused_loop", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
