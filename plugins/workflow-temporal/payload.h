/* SPDX-License-Identifier: MIT */
/* Temporal's payloads: JSON texts in an envelope that says so (`json/plain`). */
#ifndef WORKFLOW_TEMPORAL_PAYLOAD_H
#define WORKFLOW_TEMPORAL_PAYLOAD_H

#include <lucius/plugin.h>

#include "messages.pb-c.h"
#include "plugins/workflow-temporal/pool.h"

/* The largest one that a server takes; a larger one in a command ends the workflow. */
#define PAYLOAD_MAX ((size_t)2 * 1024 * 1024)

/* One argument; the text is borrowed while the message is used. */
Wire__Payloads *payload_json(struct pool *pool, struct lucius_text json);
/* The same with another encoding ("json/protobuf") and, unless NULL, its type. */
Wire__Payloads *payload_encoded(
        struct pool *pool, struct lucius_text text, const char *encoding, const char *message_type);
/* A JSON string that holds the text, as summaries are; the text is cut to most bytes. */
Wire__Payload *payload_string(struct pool *pool, struct lucius_text text, size_t most);

/* The same as the value of a search attribute of type Keyword. */
Wire__Payload *payload_keyword(struct pool *pool, struct lucius_text text);

/*
 * The first argument as JSON text; empty: there is none. Borrowed from the message. False: it is
 * of an encoding that cannot be read here.
 */
bool payload_read(const Wire__Payloads *payloads, struct lucius_text *ret_json);

void duration_set(Wire__Duration *duration, uint64_t ms);
uint64_t duration_ms(const Wire__Duration *duration); /* NULL is 0 */

/* A text as a text of C with its size. */
struct lucius_text text_of(const char *text);

#endif
