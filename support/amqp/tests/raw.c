/* SPDX-License-Identifier: MIT */
/* A server that a test writes bytes to. */
#include "support/amqp/tests/raw.h"
#include "tests/support/suite.h"

#include <poll.h>
#include <proton/session.h>
#include <string.h>
#include <unistd.h>

void raw_start(struct pair *pair, const struct amqp_connection_settings *server)
{
	pair_start(pair, &(struct pair_options){ .is_raw = true, .server = *server });
}

void raw_write(struct pair *pair, const void *bytes, size_t size)
{
	CHECK_INT(write(pair->raw, bytes, size), size);
	pair_settle(pair);
}

bool raw_expect(struct pair *pair, const void *bytes, size_t size)
{
	static uint8_t got[65536];
	size_t n_got = 0;
	for (int i = 0; i < 500; i++) {
		pair_settle(pair);
		struct pollfd poll_fd = { .fd = pair->raw, .events = POLLIN };
		if (poll(&poll_fd, 1, 10) == 1) {
			ssize_t n = read(pair->raw, got + n_got, sizeof(got) - n_got);
			if (n <= 0) {
				break;
			}
			n_got += (size_t)n;
		}
		if (memmem(got, n_got, bytes, size) != NULL) {
			return true;
		}
	}
	return false;
}

void raw_answer_sessions(struct side *side, pn_event_t *event)
{
	(void)side;
	pn_session_t *session = pn_event_session(event);
	if (pn_event_type(event) == PN_SESSION_REMOTE_OPEN) {
		pn_session_open(session);
	} else if (pn_event_type(event) == PN_SESSION_REMOTE_CLOSE) {
		pn_session_close(session);
		pn_session_free(session);
	}
}
