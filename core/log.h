/* SPDX-License-Identifier: MIT */
/*
 * Log lines (SPEC 9): one JSON object a line on standard error, or text for people. Lines are
 * built without the JSON library and written in batches by the loop; what a slow reader does not
 * take beyond a bound is dropped and counted. One log a process.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <lucius/plugin.h>

struct loop;

/* One member of a line: a text, or (text NULL) an integer. A text of size 0 is left out. */
struct log_field {
	const char *name;
	const char *text;
	size_t size;
	int64_t integer;
};
static inline struct log_field log_text_field(const char *name, const char *bytes, size_t size)
{
	return (struct log_field){ name, bytes != NULL ? bytes : "", size, 0 };
}
static inline struct log_field log_string_field(const char *name, const char *string)
{
	const char *text = string != NULL ? string : "";
	return (struct log_field){ name, text, strlen(text), 0 };
}
static inline struct log_field log_integer_field(const char *name, int64_t value)
{
	return (struct log_field){ name, NULL, 0, value };
}
#define LOG_TEXT(name, bytes, size) log_text_field(name, bytes, size)
#define LOG_STRING(name, string) log_string_field(name, string)
#define LOG_INTEGER(name, value) log_integer_field(name, value)

/* Log(LEVEL, "event", sentence or NULL, fields…), one field at least. Arguments are not evaluated
 * below the level. */
#define LOG(level, event, sentence, ...)                                        \
	do {                                                                    \
		if (log_is_on(level)) {                                         \
			const struct log_field log_fields_[] = { __VA_ARGS__ }; \
			log_write(level, event, sentence, log_fields_,          \
			        sizeof(log_fields_) / sizeof(log_fields_[0]));  \
		}                                                               \
	} while (0)

/* Format: "json", "text" or "auto". Role is borrowed for good. Before log_start lines go out at
 * once, as JSON, from level INFO on. */
void log_start(struct loop *loop, const char *format, const char *role);
void log_set_level(uint32_t level);
/* Bytes that wait for a slow reader at most; 1 MiB at first. */
void log_set_limit(size_t most_waiting);
/* The level of a name ("debug", "info", "warning", "error"); 0 if there is none. */
uint32_t log_level_of(const char *name);
int log_is_on(uint32_t level);
void log_write(uint32_t level, const char *event, const char *sentence,
        const struct log_field *fields, size_t n_fields);
/* Writes what is waiting; the last thing before exit, too. */
void log_flush(void);
void log_stop(void);

#endif
