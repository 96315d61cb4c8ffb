/* SPDX-License-Identifier: MIT */
/* Writes JSON; see json_text.h. */
#include "consumers/runtime/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

void json_text_append(struct amqp_buffer *buffer, const char *text)
{
	amqp_buffer_append(buffer, text, strlen(text));
}

static void append_escape(struct amqp_buffer *buffer, unsigned char byte)
{
	char escape[8];
	if (byte == '"' || byte == '\\') {
		(void)snprintf(escape, sizeof(escape), "\\%c", byte);
	} else if (byte == '\n') {
		(void)snprintf(escape, sizeof(escape), "\\n");
	} else {
		(void)snprintf(escape, sizeof(escape), "\\u%04x", byte);
	}
	json_text_append(buffer, escape);
}

void json_text_string(struct amqp_buffer *buffer, const char *text)
{
	json_text_append(buffer, "\"");
	const char *plain = text;
	for (; *text != '\0'; text++) {
		unsigned char byte = (unsigned char)*text;
		if (byte < 0x20 || byte == '"' || byte == '\\') {
			amqp_buffer_append(buffer, plain, (size_t)(text - plain));
			append_escape(buffer, byte);
			plain = text + 1;
		}
	}
	amqp_buffer_append(buffer, plain, (size_t)(text - plain));
	json_text_append(buffer, "\"");
}

static void append_name(struct amqp_buffer *buffer, const char *name)
{
	bool is_first = buffer->size == 0 || buffer->start[buffer->size - 1] == '{';
	json_text_append(buffer, is_first ? "\"" : ",\"");
	json_text_append(buffer, name);
	json_text_append(buffer, "\":");
}

void json_text_member(struct amqp_buffer *buffer, const char *name, const char *text)
{
	if (text != NULL) {
		append_name(buffer, name);
		json_text_string(buffer, text);
	}
}

void json_text_number(struct amqp_buffer *buffer, const char *name, int64_t number)
{
	char digits[24];
	(void)snprintf(digits, sizeof(digits), "%" PRId64, number);
	append_name(buffer, name);
	json_text_append(buffer, digits);
}

void json_text_raw(struct amqp_buffer *buffer, const char *name, const char *json)
{
	append_name(buffer, name);
	json_text_append(buffer, json);
}

/* The date changes once a second at most, the microseconds are put behind it. */
void json_text_now(char ret_text[static JSON_TEXT_TIME_SIZE])
{
	static time_t shown_second = -1;
	static char shown[JSON_TEXT_TIME_SIZE];
	struct timespec now = { 0 };
	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != shown_second) {
		struct tm parts;
		gmtime_r(&now.tv_sec, &parts);
		(void)strftime(shown, sizeof(shown), "%Y-%m-%dT%H:%M:%S", &parts);
		shown_second = now.tv_sec;
	}
	(void)snprintf(ret_text, JSON_TEXT_TIME_SIZE, "%.19s.%06uZ", shown,
	        (unsigned)(now.tv_nsec / 1000) % 1000000);
}
