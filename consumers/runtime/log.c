/* SPDX-License-Identifier: MIT */
/* Writes log lines; see log.h. */
#include "consumers/runtime/log.h"

#include "consumers/common/text.h"
#include "consumers/runtime/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const level_names[] = { "debug", "info", "warning", "error" };

static enum log_level least_level = LOG_INFO;
static enum log_format line_format = LOG_JSON;

void log_configure(enum log_level level, enum log_format format)
{
	least_level = level;
	line_format = format;
	if (format == LOG_AUTO) {
		line_format = isatty(STDERR_FILENO) == 1 ? LOG_TEXT : LOG_JSON;
	}
}

bool log_is_on(enum log_level level)
{
	return level >= least_level;
}

static void append_json_field(struct amqp_buffer *line, const struct log_field *field)
{
	if (field->is_number) {
		json_text_number(line, field->name, field->number);
	} else if (field->text != NULL && field->text[0] != '\0') {
		/* Sentences may quote what came from outside. */
		char *text = text_copy(field->text);
		text_make_printable(text);
		json_text_member(line, field->name, text);
		free(text);
	}
}

static void append_text_field(struct amqp_buffer *line, const struct log_field *field)
{
	char *text = field->is_number ? text_format("%" PRId64, field->number)
	                              : text_copy(field->text != NULL ? field->text : "");
	if (text[0] != '\0') {
		text_make_printable(text);
		json_text_append(line, " ");
		json_text_append(line, field->name);
		json_text_append(line, "=");
		json_text_append(line, text);
	}
	free(text);
}

static void append_fields(struct amqp_buffer *line, const struct log_field *fields,
        void (*append)(struct amqp_buffer *, const struct log_field *))
{
	for (; fields != NULL && fields->name != NULL; fields++) {
		append(line, fields);
	}
}

static void write_json(struct amqp_buffer *line, enum log_level level, const char *event,
        const char *sentence, const struct log_field *fields)
{
	char now[JSON_TEXT_TIME_SIZE];
	json_text_now(now);
	json_text_append(line, "{");
	json_text_member(line, "ts", now);
	json_text_member(line, "level", level_names[level]);
	json_text_member(line, "event", event);
	json_text_member(line, "role", "consumer");
	append_json_field(line, &(struct log_field){ .name = "message", .text = sentence });
	append_fields(line, fields, append_json_field);
	json_text_append(line, "}\n");
}

static void write_text(struct amqp_buffer *line, enum log_level level, const char *event,
        const char *sentence, const struct log_field *fields)
{
	char now[JSON_TEXT_TIME_SIZE];
	json_text_now(now);
	char *head = text_format("%.19s %-7s %s", now, level_names[level], event);
	json_text_append(line, head);
	free(head);
	if (sentence != NULL && sentence[0] != '\0') {
		char *text = text_format(": %s", sentence);
		text_make_printable(text);
		json_text_append(line, text);
		free(text);
	}
	append_fields(line, fields, append_text_field);
	json_text_append(line, "\n");
}

void log_write(enum log_level level, const char *event, const char *sentence,
        const struct log_field *fields)
{
	if (!log_is_on(level)) {
		return;
	}
	struct amqp_buffer line = { 0 };
	if (line_format == LOG_TEXT) {
		write_text(&line, level, event, sentence, fields);
	} else {
		write_json(&line, level, event, sentence, fields);
	}
	/* A log that nobody takes is no reason to stop working. */
	ssize_t written = write(STDERR_FILENO, line.start, line.size);
	(void)written;
	amqp_buffer_finish(&line);
}
