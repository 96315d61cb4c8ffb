/* SPDX-License-Identifier: MIT */
/* One log line as bytes, JSON or text for people; what log.c writes. */
#ifndef CORE_LOG_LINE_H
#define CORE_LOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/log.h"

/* A buffer that keeps its room. */
struct log_bytes {
	char *bytes; /* owned */
	size_t size;
	size_t n_room;
};

void log_bytes_finish(struct log_bytes *bytes);

struct log_line {
	uint32_t level;
	int64_t clock_us; /* Unix time */
	const char *event;
	const char *sentence; /* NULL: none */
	const char *role; /* NULL: none */
	const struct log_field *fields;
	size_t n_fields;
};

/* Append the line with its line feed. What is not UTF-8 becomes U+FFFD; text for people has its
 * control characters escaped, so that a line stays a line and a terminal is left alone. */
void log_line_json(struct log_bytes *bytes, const struct log_line *line);
void log_line_text(struct log_bytes *bytes, const struct log_line *line);

#endif
