/* SPDX-License-Identifier: MIT */
/*
 * The loop that everything runs on: descriptors, timers, clocks, randomness and deferred calls.
 * Real, or simulated for tests: then time stands still until loop_advance moves it, and randomness
 * comes from a seed.
 */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H

#include <stddef.h>
#include <stdint.h>

#include <lucius/plugin.h>

struct event_base;
struct loop;
struct timer;

/* A real one over a new event base; aborts when out of memory. */
struct loop *loop_create(void);
/* Time starts at start_us (Unix, microseconds). The event base exists, for descriptors. */
struct loop *loop_create_simulated(uint64_t seed, int64_t start_us);
void loop_destroy(struct loop *loop);

struct event_base *loop_base(struct loop *loop);
/* Runs until loop_break. */
void loop_run(struct loop *loop);
void loop_break(struct loop *loop);
/* One turn: descriptors that are ready, deferred calls, timers that are due. Blocks if asked to
 * until there is something. For tests. */
void loop_turn(struct loop *loop, int is_blocking);
/* Simulated only: runs all that is due up to ms from now, in order of time. */
void loop_advance(struct loop *loop, uint64_t ms);
/* Simulated only: the process stood still for so long; then runs all that is due, late. */
void loop_jump(struct loop *loop, uint64_t ms);
/* Simulated only: somebody set the wall clock by so much; what is due comes when it would have. */
void loop_set_clock(struct loop *loop, int64_t by_ms);
/* Simulated only: milliseconds until something is due; UINT64_MAX if nothing is. */
uint64_t loop_due_in_ms(const struct loop *loop);

/* Milliseconds of a clock that never jumps; callbacks that run together see one reading. */
uint64_t loop_now_ms(struct loop *loop);
/* The same in microseconds. */
uint64_t loop_now_us(struct loop *loop);
/* Microseconds since 1970-01-01T00:00:00Z. */
int64_t loop_clock_us(struct loop *loop);
void loop_random(struct loop *loop, void *bytes, size_t size);

/* Fn runs once, after_ms from now or later, never within this call. The handle is gone when fn is
 * called; timer_stop takes NULL. */
struct timer *timer_start(struct loop *loop, uint64_t after_ms, lucius_fn fn, void *user);
void timer_stop(struct timer *timer);

/* Runs fn in this turn, after the running callback has returned; in the order of the calls. */
void loop_defer(struct loop *loop, lucius_fn fn, void *user);
/* Takes back what loop_defer was given and has not run yet. */
void loop_cancel(struct loop *loop, lucius_fn fn, void *user);
/* From any thread: runs fn on the loop. */
void loop_post(struct loop *loop, lucius_fn fn, void *user);

/* Measures from now on, twice a second, how late timers are, as metric and (if much) in the log. */
void loop_watch_lag(struct loop *loop);

#endif
