/* SPDX-License-Identifier: MIT */
/*
 * The loop over libevent: one event wakes the whole run queue, one timer the whole timer heap, so
 * that deferred calls and timers cost no event each. Simulated, it does without both and moves a
 * clock of its own.
 */
#include "core/loop.h"

#include <assert.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "core/heap.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/timer_heap.h"
#include "support/base/memory.h"

enum {
	CALLS_A_TURN = 1024, /* deferred calls before descriptors are looked at again */
	CALLS_A_CLOCK = 32, /* callbacks that see one reading of the clock */
	N_RANDOM_BYTES = 256, /* as much as getrandom gives in one piece */
	LAG_EVERY_MS = 500,
	LAG_WARNING_MS = 250,
};

/* Some 100 years: beyond it sums of times would overflow. */
#define LONGEST_MS (UINT64_C(100) * 366 * 86400 * 1000)

struct call {
	lucius_fn fn;
	void *user;
};

struct post {
	struct post *next;
	struct call call;
};

struct loop {
	struct event_base *base;
	bool is_simulated;
	bool is_broken;

	struct call *calls; /* owned; a ring whose size is a power of two */
	size_t n_call_room;
	size_t first_call;
	size_t n_calls;
	struct event *run;

	struct timer_heap timers;
	struct event *wake;
	uint64_t wake_us; /* when `wake` will fire; 0: it is not armed */

	uint64_t now_us;
	unsigned n_now_good; /* callbacks for which now_us still holds */
	int64_t clock_offset_us; /* Unix time less now_us, while that holds */

	uint64_t seed;
	size_t n_random_left;
	unsigned char random[N_RANDOM_BYTES];

	pthread_mutex_t post_lock;
	struct post *posts;
	struct post **last_post;
	atomic_bool has_posts;
	int post_fd;
	struct event *posted;

	struct metric *lag;
	uint64_t lag_due_us;
};

static uint64_t read_clock_us(clockid_t clock)
{
	struct timespec time;
	if (clock_gettime(clock, &time) != 0) {
		abort();
	}
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

uint64_t loop_now_us(struct loop *loop)
{
	if (!loop->is_simulated && loop->n_now_good == 0) {
		return read_clock_us(CLOCK_MONOTONIC);
	}
	return loop->now_us;
}

uint64_t loop_now_ms(struct loop *loop)
{
	return loop_now_us(loop) / 1000;
}

int64_t loop_clock_us(struct loop *loop)
{
	if (loop->is_simulated || loop->n_now_good != 0) {
		return (int64_t)loop->now_us + loop->clock_offset_us;
	}
	return (int64_t)read_clock_us(CLOCK_REALTIME);
}

/* Called before each callback of ours: one reading serves a few of them. */
static void refresh_now(struct loop *loop)
{
	if (loop->is_simulated) {
		return;
	}
	if (loop->n_now_good <= 1) {
		loop->now_us = read_clock_us(CLOCK_MONOTONIC);
		loop->clock_offset_us =
		        (int64_t)read_clock_us(CLOCK_REALTIME) - (int64_t)loop->now_us;
		loop->n_now_good = CALLS_A_CLOCK;
	}
	loop->n_now_good--;
}

static void run_call(struct loop *loop)
{
	struct call call = loop->calls[loop->first_call];
	loop->first_call = (loop->first_call + 1) & (loop->n_call_room - 1);
	loop->n_calls--;
	call.fn(call.user);
}

static void on_run(evutil_socket_t fd, short what, void *user)
{
	struct loop *loop = user;
	(void)fd;
	(void)what;
	for (int i = 0; loop->n_calls != 0 && i < CALLS_A_TURN; i++) {
		refresh_now(loop);
		run_call(loop);
	}
	loop->n_now_good = 0;
	heap_follow();
	if (loop->n_calls != 0) {
		/* As a timer of no length, not as active: else libevent would not poll. */
		struct timeval at_once = { 0, 0 };
		if (event_add(loop->run, &at_once) != 0) {
			abort();
		}
	}
}

static void grow_calls(struct loop *loop)
{
	size_t n_room = loop->n_call_room != 0 ? loop->n_call_room * 2 : 256;
	struct call *calls = must_calloc(n_room, sizeof(*calls));
	for (size_t i = 0; i < loop->n_calls; i++) {
		calls[i] = loop->calls[(loop->first_call + i) & (loop->n_call_room - 1)];
	}
	free(loop->calls);
	loop->calls = calls;
	loop->n_call_room = n_room;
	loop->first_call = 0;
}

void loop_defer(struct loop *loop, lucius_fn fn, void *user)
{
	if (loop->n_calls == loop->n_call_room) {
		grow_calls(loop);
	}
	size_t place = (loop->first_call + loop->n_calls) & (loop->n_call_room - 1);
	loop->calls[place] = (struct call){ fn, user };
	loop->n_calls++;
	if (loop->n_calls == 1 && !loop->is_simulated) {
		event_active(loop->run, EV_TIMEOUT, 0);
	}
}

static void do_nothing(void *user)
{
	(void)user;
}

void loop_cancel(struct loop *loop, lucius_fn fn, void *user)
{
	for (size_t i = 0; i < loop->n_calls; i++) {
		struct call *call = &loop->calls[(loop->first_call + i) & (loop->n_call_room - 1)];
		if (call->fn == fn && call->user == user) {
			*call = (struct call){ do_nothing, NULL };
		}
	}
}

/* Sees to it that `wake` fires no later than the first timer is due. */
static void arm(struct loop *loop)
{
	struct timer *first = timer_heap_first(&loop->timers);
	if (loop->is_simulated || first == NULL) {
		return;
	}
	if (loop->wake_us != 0 && loop->wake_us <= first->due_us) {
		return;
	}
	uint64_t now_us = loop_now_us(loop);
	uint64_t after_us = first->due_us > now_us ? first->due_us - now_us : 0;
	struct timeval after = { (time_t)(after_us / 1000000), (suseconds_t)(after_us % 1000000) };
	if (evtimer_add(loop->wake, &after) != 0) {
		abort();
	}
	loop->wake_us = first->due_us;
}

static void fire(struct loop *loop, struct timer *timer)
{
	lucius_fn fn = timer->fn;
	void *user = timer->user;
	timer_heap_remove(&loop->timers, timer);
	fn(user);
}

static void on_wake(evutil_socket_t fd, short what, void *user)
{
	struct loop *loop = user;
	(void)fd;
	(void)what;
	loop->wake_us = 0;
	loop->n_now_good = 0;
	/* What is started while these run has its turn in the next one: time of no length would
	 * otherwise never end. */
	uint64_t n_started = loop->timers.n_started;
	for (;;) {
		refresh_now(loop);
		struct timer *first = timer_heap_first(&loop->timers);
		if (first == NULL || first->due_us > loop->now_us || first->serial >= n_started) {
			break;
		}
		fire(loop, first);
	}
	loop->n_now_good = 0;
	arm(loop);
}

struct timer *timer_start(struct loop *loop, uint64_t after_ms, lucius_fn fn, void *user)
{
	uint64_t after_us = (after_ms < LONGEST_MS ? after_ms : LONGEST_MS) * 1000;
	struct timer *timer = timer_heap_add(&loop->timers, loop_now_us(loop) + after_us);
	timer->loop = loop;
	timer->fn = fn;
	timer->user = user;
	if (timer->place == 0) {
		arm(loop);
	}
	return timer;
}

void timer_stop(struct timer *timer)
{
	if (timer != NULL) {
		timer_heap_remove(&timer->loop->timers, timer);
	}
}

static void take_posts(struct loop *loop)
{
	pthread_mutex_lock(&loop->post_lock);
	struct post *posts = loop->posts;
	loop->posts = NULL;
	loop->last_post = &loop->posts;
	atomic_store(&loop->has_posts, false);
	pthread_mutex_unlock(&loop->post_lock);
	for (struct post *post = posts, *next; post != NULL; post = next) {
		next = post->next;
		loop_defer(loop, post->call.fn, post->call.user);
		free(post);
	}
}

static void on_posted(evutil_socket_t fd, short what, void *user)
{
	uint64_t n_wakes;
	(void)what;
	if (read(fd, &n_wakes, sizeof(n_wakes)) < 0) {
		return; /* somebody was faster: the list is the truth, not the counter */
	}
	take_posts(user);
}

void loop_post(struct loop *loop, lucius_fn fn, void *user)
{
	struct post *post = must_calloc(1, sizeof(*post));
	post->call = (struct call){ fn, user };
	pthread_mutex_lock(&loop->post_lock);
	bool is_first = loop->posts == NULL;
	*loop->last_post = post;
	loop->last_post = &post->next;
	atomic_store(&loop->has_posts, true);
	if (is_first && eventfd_write(loop->post_fd, 1) != 0) {
		abort();
	}
	pthread_mutex_unlock(&loop->post_lock);
}

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static uint64_t next_of_seed(struct loop *loop)
{
	uint64_t z = loop->seed += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void fill_random(struct loop *loop)
{
	for (size_t i = 0; loop->is_simulated && i < sizeof(loop->random); i += sizeof(uint64_t)) {
		uint64_t value = next_of_seed(loop);
		memcpy(loop->random + i, &value, sizeof(value));
	}
	if (!loop->is_simulated &&
	        getrandom(loop->random, sizeof(loop->random), 0) != sizeof(loop->random)) {
		abort();
	}
	loop->n_random_left = sizeof(loop->random);
}

void loop_random(struct loop *loop, void *bytes, size_t size)
{
	for (unsigned char *to = bytes; size != 0;) {
		if (loop->n_random_left == 0) {
			fill_random(loop);
		}
		size_t n = size < loop->n_random_left ? size : loop->n_random_left;
		unsigned char *from = loop->random + sizeof(loop->random) - loop->n_random_left;
		memcpy(to, from, n);
		memset(from, 0, n);
		loop->n_random_left -= n;
		to += n;
		size -= n;
	}
}

static void on_lag(void *user)
{
	struct loop *loop = user;
	uint64_t now_us = read_clock_us(CLOCK_MONOTONIC);
	uint64_t late_us = now_us > loop->lag_due_us ? now_us - loop->lag_due_us : 0;
	metric_record(loop->lag, (double)late_us / 1e6);
	if (late_us / 1000 > LAG_WARNING_MS) {
		LOG(LUCIUS_LOG_WARNING, "loop.lag", "a callback held the loop up",
		        LOG_INTEGER("late_ms", (int64_t)(late_us / 1000)));
	}
	loop_watch_lag(loop);
}

void loop_watch_lag(struct loop *loop)
{
	loop->lag = metrics_series(LUCIUS_METRIC_HISTOGRAM, "lucius_loop_lag_seconds",
	        "How late a timer of the loop was, sampled twice a second.", NULL, NULL);
	loop->lag_due_us = timer_start(loop, LAG_EVERY_MS, on_lag, loop)->due_us;
}

/* Simulated only: deferred calls and descriptors until nothing is left of them. */
static void settle(struct loop *loop)
{
	do {
		while (loop->n_calls != 0) {
			run_call(loop);
		}
		bool has_descriptors =
		        event_base_get_num_events(
		                loop->base, EVENT_BASE_COUNT_ADDED | EVENT_BASE_COUNT_ACTIVE) > 1;
		if (has_descriptors || atomic_load(&loop->has_posts)) {
			event_base_loop(loop->base, EVLOOP_NONBLOCK);
		}
	} while (loop->n_calls != 0);
}

/* Simulated only: runs one timer if it is due until then. */
static bool step_to(struct loop *loop, uint64_t until_us)
{
	settle(loop);
	struct timer *first = timer_heap_first(&loop->timers);
	if (first == NULL || first->due_us > until_us || loop->is_broken) {
		return false;
	}
	if (first->due_us > loop->now_us) {
		loop->now_us = first->due_us;
	}
	fire(loop, first);
	return true;
}

void loop_advance(struct loop *loop, uint64_t ms)
{
	assert(loop->is_simulated);
	loop->is_broken = false;
	uint64_t until_us = loop->now_us + (ms < LONGEST_MS ? ms : LONGEST_MS) * 1000;
	while (step_to(loop, until_us)) {
	}
	if (!loop->is_broken) {
		loop->now_us = until_us;
	}
}

void loop_jump(struct loop *loop, uint64_t ms)
{
	assert(loop->is_simulated);
	loop->now_us += (ms < LONGEST_MS ? ms : LONGEST_MS) * 1000;
	loop_advance(loop, 0);
}

void loop_set_clock(struct loop *loop, int64_t by_ms)
{
	assert(loop->is_simulated);
	loop->clock_offset_us += by_ms * 1000;
}

uint64_t loop_due_in_ms(const struct loop *loop)
{
	assert(loop->is_simulated);
	const struct timer *first = timer_heap_first(&loop->timers);
	if (loop->n_calls != 0 || (first != NULL && first->due_us <= loop->now_us)) {
		return 0;
	}
	return first != NULL ? (first->due_us - loop->now_us + 999) / 1000 : UINT64_MAX;
}

void loop_turn(struct loop *loop, int is_blocking)
{
	if (!loop->is_simulated) {
		event_base_loop(loop->base, is_blocking ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
		return;
	}
	struct timer *first = timer_heap_first(&loop->timers);
	bool has_due = loop->n_calls != 0 || (first != NULL && first->due_us <= loop->now_us);
	event_base_loop(loop->base, is_blocking && !has_due ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
	while (step_to(loop, loop->now_us)) {
	}
}

static void run_simulated(struct loop *loop)
{
	while (!loop->is_broken) {
		if (!step_to(loop, UINT64_MAX) && !loop->is_broken) {
			event_base_loop(loop->base, EVLOOP_ONCE);
		}
	}
}

void loop_run(struct loop *loop)
{
	loop->is_broken = false;
	if (loop->is_simulated) {
		run_simulated(loop);
		return;
	}
	while (!loop->is_broken) {
		event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
	}
}

void loop_break(struct loop *loop)
{
	loop->is_broken = true;
	event_base_loopbreak(loop->base);
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}

static struct loop *create(bool is_simulated)
{
	struct loop *loop = must_calloc(1, sizeof(*loop));
	loop->is_simulated = is_simulated;
	loop->base = memory_checked(event_base_new(), 1, 1);
	loop->run = memory_checked(event_new(loop->base, -1, 0, on_run, loop), 1, 1);
	loop->wake = memory_checked(evtimer_new(loop->base, on_wake, loop), 1, 1);
	loop->last_post = &loop->posts;
	pthread_mutex_init(&loop->post_lock, NULL);
	loop->post_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->posted = event_new(loop->base, loop->post_fd, EV_READ | EV_PERSIST, on_posted, loop);
	if (loop->post_fd < 0 || loop->posted == NULL || event_add(loop->posted, NULL) != 0) {
		fprintf(stderr,
		        "no descriptor for the event loop: raise the limit of open files\n");
		abort();
	}
	return loop;
}

struct loop *loop_create(void)
{
	return create(false);
}

struct loop *loop_create_simulated(uint64_t seed, int64_t start_us)
{
	struct loop *loop = create(true);
	loop->seed = seed;
	loop->now_us = 1000000; /* not 0, so that "never" and "now" stay two things */
	loop->clock_offset_us = start_us - (int64_t)loop->now_us;
	return loop;
}

void loop_destroy(struct loop *loop)
{
	if (loop == NULL) {
		return;
	}
	for (struct post *post = loop->posts, *next; post != NULL; post = next) {
		next = post->next;
		free(post);
	}
	event_free(loop->posted);
	event_free(loop->wake);
	event_free(loop->run);
	close(loop->post_fd);
	pthread_mutex_destroy(&loop->post_lock);
	timer_heap_finish(&loop->timers);
	free(loop->calls);
	event_base_free(loop->base);
	free(loop);
}
