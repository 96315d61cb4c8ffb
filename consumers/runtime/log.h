/* SPDX-License-Identifier: MIT */
/* Log lines (one JSON object each, or text for people) on standard error. One log a process. */
#ifndef CONSUMERS_RUNTIME_LOG_H
#define CONSUMERS_RUNTIME_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARNING,
	LOG_ERROR,
};

enum log_format {
	LOG_JSON,
	LOG_TEXT,
	LOG_AUTO, /* text on a terminal */
};

/* One member of a line: a text (left out if NULL or empty) or, with is_number, a number. */
struct log_field {
	const char *name;
	const char *text;
	int64_t number;
	bool is_number;
};

/* Before it: JSON, from info on. */
void log_configure(enum log_level level, enum log_format format);

bool log_is_on(enum log_level level);

/* Event: dotted name. Sentence may be NULL. Fields end with one without a name; may be NULL. */
void log_write(enum log_level level, const char *event, const char *sentence,
        const struct log_field *fields);

#endif
