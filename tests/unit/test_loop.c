/* SPDX-License-Identifier: MIT */
/* The loop, real and simulated: order of deferred calls and timers, clocks, posts, randomness. */
#include "core/loop.h"

#include <event2/event.h>
#include <pthread.h>
#include <unistd.h>

#include "tests/support/suite.h"

enum { START_US = 1700000000 };

static char trace[64];

struct mark {
	struct loop *loop;
	char letter;
	unsigned n_again; /* times it defers itself again */
	struct timer *stops; /* a timer that it stops */
};

static void write_letter(char letter)
{
	size_t size = strlen(trace);
	if (size + 1 < sizeof(trace)) {
		trace[size] = letter;
		trace[size + 1] = '\0';
	}
}

static void on_mark(void *user)
{
	struct mark *mark = user;
	write_letter(mark->letter);
	timer_stop(mark->stops);
	if (mark->n_again != 0) {
		mark->n_again--;
		loop_defer(mark->loop, on_mark, mark);
	}
}

static void on_break(void *user)
{
	loop_break(user);
}

static struct loop *simulated(void)
{
	trace[0] = '\0';
	return loop_create_simulated(1, (int64_t)START_US * 1000000);
}

static void timers_fire_in_the_order_of_their_time_and_then_of_their_start(void)
{
	struct loop *loop = simulated();
	struct mark a = { loop, 'a', 0, NULL };
	struct mark b = { loop, 'b', 0, NULL };
	struct mark c = { loop, 'c', 0, NULL };
	timer_start(loop, 20, on_mark, &c);
	timer_start(loop, 10, on_mark, &a);
	timer_start(loop, 10, on_mark, &b);
	loop_advance(loop, 9);
	CHECK_TEXT(trace, "");
	loop_advance(loop, 1);
	CHECK_TEXT(trace, "ab");
	loop_advance(loop, 100);
	CHECK_TEXT(trace, "abc");
	loop_destroy(loop);
}

static void advancing_moves_both_clocks_alike(void)
{
	struct loop *loop = simulated();
	uint64_t before_ms = loop_now_ms(loop);
	CHECK_INT(loop_clock_us(loop), (int64_t)START_US * 1000000);
	loop_advance(loop, 1500);
	CHECK_INT(loop_now_ms(loop) - before_ms, 1500);
	CHECK_INT(loop_clock_us(loop), (int64_t)START_US * 1000000 + 1500000);
	loop_destroy(loop);
}

static void deferred_calls_run_after_the_timer_that_made_them_and_before_the_next(void)
{
	struct loop *loop = simulated();
	struct mark a = { loop, 'a', 2, NULL };
	struct mark b = { loop, 'b', 0, NULL };
	timer_start(loop, 5, on_mark, &a);
	timer_start(loop, 5, on_mark, &b);
	loop_advance(loop, 5);
	CHECK_TEXT(trace, "aaab");
	loop_destroy(loop);
}

static void a_deferred_call_that_is_taken_back_does_not_run(void)
{
	struct loop *loop = simulated();
	struct mark a = { loop, 'a', 0, NULL };
	struct mark b = { loop, 'b', 0, NULL };
	loop_defer(loop, on_mark, &a);
	loop_defer(loop, on_mark, &b);
	loop_defer(loop, on_break, loop);
	loop_cancel(loop, on_mark, &a);
	loop_cancel(loop, on_break, &a);
	loop_advance(loop, 0);
	CHECK_TEXT(trace, "b");
	loop_destroy(loop);
}

static void a_timer_stopped_by_an_earlier_one_does_not_fire(void)
{
	struct loop *loop = simulated();
	struct mark b = { loop, 'b', 0, NULL };
	struct mark a = { loop, 'a', 0, timer_start(loop, 2, on_mark, &b) };
	timer_start(loop, 1, on_mark, &a);
	timer_stop(NULL);
	loop_advance(loop, 10);
	CHECK_TEXT(trace, "a");
	loop_destroy(loop);
}

struct clocked {
	struct loop *loop;
	struct timer *timer;
	uint64_t due_ms;
};
static unsigned n_clocked;
static unsigned n_at_wrong_time;

static void on_clocked(void *user)
{
	const struct clocked *clocked = user;
	n_clocked++;
	n_at_wrong_time += loop_now_ms(clocked->loop) != clocked->due_ms ? 1 : 0;
}

static void start_clocked(struct clocked *clocked, struct loop *loop, uint64_t after_ms)
{
	clocked->loop = loop;
	clocked->due_ms = loop_now_ms(loop) + after_ms;
	clocked->timer = timer_start(loop, after_ms, on_clocked, clocked);
}

static void thousands_of_timers_started_and_stopped_at_random_fire_each_at_its_time(void)
{
	enum { N = 5000 };
	static struct clocked all[N];
	struct loop *loop = simulated();
	uint32_t value = 1;
	n_clocked = 0;
	n_at_wrong_time = 0;
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = round; i < N; i += round + 1) {
			value = value * 1664525 + 1013904223;
			timer_stop(all[i].timer);
			start_clocked(&all[i], loop, 100 + (value >> 20));
		}
		loop_advance(loop, 9);
	}
	loop_advance(loop, 5000);
	CHECK_INT(n_clocked, N);
	CHECK_INT(n_at_wrong_time, 0);
	memset(all, 0, sizeof(all));
	loop_destroy(loop);
}

static void a_seed_gives_the_same_randomness_again(void)
{
	struct loop *one = loop_create_simulated(7, 0);
	struct loop *two = loop_create_simulated(7, 0);
	struct loop *other = loop_create_simulated(8, 0);
	unsigned char a[300];
	unsigned char b[300];
	unsigned char c[300];
	loop_random(one, a, sizeof(a));
	for (size_t i = 0; i < sizeof(b); i++) {
		loop_random(two, b + i, 1);
	}
	loop_random(other, c, sizeof(c));
	CHECK_INT(memcmp(a, b, sizeof(a)), 0);
	CHECK(memcmp(a, c, sizeof(a)) != 0);
	loop_destroy(one);
	loop_destroy(two);
	loop_destroy(other);
}

static void a_real_timer_is_never_early(void)
{
	struct loop *loop = loop_create();
	uint64_t start_us = loop_now_us(loop);
	timer_start(loop, 12, on_break, loop);
	loop_run(loop);
	CHECK(loop_now_us(loop) - start_us >= 12000);
	loop_destroy(loop);
}

static void an_endless_chain_of_deferred_calls_leaves_descriptors_their_turn(void)
{
	struct loop *loop = loop_create();
	trace[0] = '\0';
	struct mark endless = { loop, '.', UINT32_MAX, NULL };
	loop_defer(loop, on_mark, &endless);
	timer_start(loop, 1, on_break, loop);
	loop_run(loop);
	CHECK(endless.n_again < UINT32_MAX);
	CHECK(endless.n_again > 0);
	loop_destroy(loop);
}

static void on_again(void *user)
{
	struct mark *mark = user;
	mark->n_again++;
	mark->stops = timer_start(mark->loop, 0, on_again, mark);
}

static void a_timer_of_no_length_that_starts_itself_lets_the_turn_end(void)
{
	struct loop *loop = loop_create();
	struct mark again = { loop, '.', 0, NULL };
	timer_start(loop, 0, on_again, &again);
	loop_turn(loop, 1);
	loop_turn(loop, 1);
	CHECK_INT(again.n_again, 2);
	loop_destroy(loop);
}

static void *post_from_outside(void *user)
{
	struct loop *loop = user;
	static struct mark a = { NULL, 'a', 0, NULL };
	static struct mark b = { NULL, 'b', 0, NULL };
	loop_post(loop, on_mark, &a);
	loop_post(loop, on_mark, &b);
	loop_post(loop, on_break, loop);
	return NULL;
}

static void what_another_thread_posts_wakes_the_loop_in_order(void)
{
	struct loop *loop = loop_create();
	pthread_t thread;
	trace[0] = '\0';
	CHECK_INT(pthread_create(&thread, NULL, post_from_outside, loop), 0);
	loop_run(loop);
	pthread_join(thread, NULL);
	CHECK_TEXT(trace, "ab");
	loop_destroy(loop);
}

static void on_readable(evutil_socket_t fd, short what, void *user)
{
	char letter;
	(void)what;
	(void)user;
	if (read(fd, &letter, 1) == 1) {
		write_letter(letter);
	}
}

static void a_simulated_loop_looks_at_descriptors_too(void)
{
	struct loop *loop = simulated();
	int ends[2];
	CHECK_INT(pipe(ends), 0);
	struct event *event =
	        event_new(loop_base(loop), ends[0], EV_READ | EV_PERSIST, on_readable, NULL);
	event_add(event, NULL);
	CHECK_INT(write(ends[1], "x", 1), 1);
	loop_turn(loop, 1);
	CHECK_TEXT(trace, "x");
	event_free(event);
	close(ends[0]);
	close(ends[1]);
	loop_destroy(loop);
}

static void a_simulated_run_goes_from_timer_to_timer_until_broken(void)
{
	struct loop *loop = simulated();
	struct mark a = { loop, 'a', 0, NULL };
	uint64_t start_ms = loop_now_ms(loop);
	timer_start(loop, 3600000, on_mark, &a);
	timer_start(loop, 7200000, on_break, loop);
	loop_run(loop);
	CHECK_TEXT(trace, "a");
	CHECK_INT(loop_now_ms(loop) - start_ms, 7200000);
	loop_destroy(loop);
}

static void the_longest_time_does_not_overflow(void)
{
	struct loop *loop = simulated();
	struct mark a = { loop, 'a', 0, NULL };
	struct timer *timer = timer_start(loop, UINT64_MAX, on_mark, &a);
	loop_advance(loop, 86400000);
	CHECK_TEXT(trace, "");
	timer_stop(timer);
	loop_destroy(loop);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(timers_fire_in_the_order_of_their_time_and_then_of_their_start),
		SUITE_TEST(advancing_moves_both_clocks_alike),
		SUITE_TEST(deferred_calls_run_after_the_timer_that_made_them_and_before_the_next),
		SUITE_TEST(a_deferred_call_that_is_taken_back_does_not_run),
		SUITE_TEST(a_timer_stopped_by_an_earlier_one_does_not_fire),
		SUITE_TEST(thousands_of_timers_started_and_stopped_at_random_fire_each_at_its_time),
		SUITE_TEST(a_seed_gives_the_same_randomness_again),
		SUITE_TEST(a_real_timer_is_never_early),
		SUITE_TEST(an_endless_chain_of_deferred_calls_leaves_descriptors_their_turn),
		SUITE_TEST(a_timer_of_no_length_that_starts_itself_lets_the_turn_end),
		SUITE_TEST(what_another_thread_posts_wakes_the_loop_in_order),
		SUITE_TEST(a_simulated_loop_looks_at_descriptors_too),
		SUITE_TEST(a_simulated_run_goes_from_timer_to_timer_until_broken),
		SUITE_TEST(the_longest_time_does_not_overflow),
	};
	return suite_run("loop", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
