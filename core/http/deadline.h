/* SPDX-License-Identifier: MIT */
/*
 * A deadline that is moved far more often than it passes: moving it later costs nothing, since the
 * timer beneath is only set again when it has run out too early.
 */
#ifndef CORE_HTTP_DEADLINE_H
#define CORE_HTTP_DEADLINE_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

struct event_base;

struct http_deadline {
	struct event timer;
	uint64_t due_us; /* 0: none */
	uint64_t armed_us; /* when the timer runs out; 0: it does not run */
	void (*on_passed)(void *user);
	void *user;
};

/* Microseconds of a clock that never jumps. */
uint64_t http_now_us(void);

void http_deadline_init(struct http_deadline *deadline, struct event_base *base,
        void (*on_passed)(void *user), void *user);
void http_deadline_finish(struct http_deadline *deadline);

/* In this many milliseconds from from_us on (http_now_us()); 0 is never. Replaces the one before.
 */
void http_deadline_set(struct http_deadline *deadline, uint64_t from_us, uint64_t after_ms);

#endif
