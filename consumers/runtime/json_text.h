/* SPDX-License-Identifier: MIT */
/* JSON written straight into a buffer, for what is written thousands of times a second. */
#ifndef CONSUMERS_RUNTIME_JSON_TEXT_H
#define CONSUMERS_RUNTIME_JSON_TEXT_H

#include "support/amqp/buffer.h"

#include <stdint.h>

/* The text in quotes, escaped; it must be UTF-8. */
void json_text_string(struct amqp_buffer *buffer, const char *text);

/* `"name":"text"` and `"name":number`, with a comma in front unless a brace stands there. Names
 * need no escapes. A text that is NULL is left out. */
void json_text_member(struct amqp_buffer *buffer, const char *name, const char *text);
void json_text_number(struct amqp_buffer *buffer, const char *name, int64_t number);
/* The same with a value that is JSON already. */
void json_text_raw(struct amqp_buffer *buffer, const char *name, const char *json);

void json_text_append(struct amqp_buffer *buffer, const char *text);

enum { JSON_TEXT_TIME_SIZE = 32 };
/* Now, as RFC 3339 in UTC with microseconds. */
void json_text_now(char ret_text[static JSON_TEXT_TIME_SIZE]);

#endif
