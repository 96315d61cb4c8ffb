/* SPDX-License-Identifier: MIT */
/* Keep-alive traffic moves a connection's deadline twice a request; the timer's heap sees none. */
#include "core/http/deadline.h"

#include <assert.h>
#include <event2/event.h>
#include <time.h>

uint64_t http_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void arm(struct http_deadline *deadline, uint64_t now_us)
{
	uint64_t wait_us = deadline->due_us > now_us ? deadline->due_us - now_us : 0;
	struct timeval wait = {
		.tv_sec = (time_t)(wait_us / 1000000),
		.tv_usec = (suseconds_t)(wait_us % 1000000),
	};
	int added = evtimer_add(&deadline->timer, &wait);
	assert(added == 0);
	(void)added;
	deadline->armed_us = now_us + wait_us;
}

static void on_timer(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct http_deadline *deadline = user;
	deadline->armed_us = 0;
	if (deadline->due_us == 0) {
		return;
	}
	uint64_t now_us = http_now_us();
	if (now_us < deadline->due_us) {
		arm(deadline, now_us);
		return;
	}
	deadline->due_us = 0;
	deadline->on_passed(deadline->user);
}

void http_deadline_init(struct http_deadline *deadline, struct event_base *base,
        void (*on_passed)(void *user), void *user)
{
	*deadline = (struct http_deadline){ .on_passed = on_passed, .user = user };
	int assigned = evtimer_assign(&deadline->timer, base, on_timer, deadline);
	assert(assigned == 0);
	(void)assigned;
}

void http_deadline_finish(struct http_deadline *deadline)
{
	(void)evtimer_del(&deadline->timer);
	deadline->due_us = 0;
	deadline->armed_us = 0;
}

void http_deadline_set(struct http_deadline *deadline, uint64_t from_us, uint64_t after_ms)
{
	deadline->due_us = after_ms != 0 ? from_us + after_ms * 1000 : 0;
	if (deadline->due_us != 0 &&
	        (deadline->armed_us == 0 || deadline->armed_us > deadline->due_us)) {
		arm(deadline, http_now_us());
	}
}
