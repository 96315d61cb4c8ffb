/* SPDX-License-Identifier: MIT */
/* A server against bytes that no client of ours would write, or not in that order. */
#ifndef SUPPORT_AMQP_TESTS_RAW_H
#define SUPPORT_AMQP_TESTS_RAW_H

#include "support/amqp/tests/pair.h"

#define RAW(pair, text) raw_write(pair, text, sizeof(text) - 1)
/* open: container "c"; begin on channel 3; end; detach of handle 0; close */
#define RAW_HEADER "AMQP\0\1\0\0"
#define RAW_OPEN "\0\0\0\x11\2\0\0\0\0\x53\x10\xc0\4\1\xa1\1c"
#define RAW_BEGIN "\0\0\0\x16\2\0\0\3\0\x53\x11\xc0\x09\4\x40\x43\x70\0\0\0\xff\x43"
#define RAW_END "\0\0\0\xc\2\0\0\3\0\x53\x17\x45"
#define RAW_DETACH "\0\0\0\x10\2\0\0\3\0\x53\x16\xc0\3\2\x43\x41"
#define RAW_CLOSE "\0\0\0\xc\2\0\0\0\0\x53\x18\x45"

void raw_start(struct pair *pair, const struct amqp_connection_settings *server);
void raw_write(struct pair *pair, const void *bytes, size_t size);
/* Whether the bytes come within the bound. */
bool raw_expect(struct pair *pair, const void *bytes, size_t size);
/* For on_event: begins what the peer begins, and ends what it ends. */
void raw_answer_sessions(struct side *side, pn_event_t *event);

#endif
