/* SPDX-License-Identifier: MIT */
/* Goes back to the last % only, so that the time is bounded by text times pattern. */
#include "plugins/bus-local/model/sql.h"

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
};

/* The length of the UTF-8 character there, taken as one byte where it is malformed. */
static size_t character_size(struct cursor text)
{
	size_t size = 1;
	if ((*text.at & 0xc0) == 0xc0) {
		while (text.at + size < text.end && (text.at[size] & 0xc0) == 0x80 && size < 4) {
			size++;
		}
	}
	return size;
}

/* Matches one pattern element other than % and moves both on; false: does not match. */
static bool match_one(struct cursor *text, struct cursor *pattern, char escape)
{
	if (text->at == text->end || pattern->at == pattern->end) {
		return false;
	}
	bool is_escaped =
	        escape != 0 && *pattern->at == (uint8_t)escape && pattern->at + 1 < pattern->end;
	if (!is_escaped && *pattern->at == '_') {
		pattern->at++;
		text->at += character_size(*text);
		return true;
	}
	pattern->at += is_escaped ? 1 : 0;
	if (*pattern->at != *text->at) {
		return false;
	}
	pattern->at++;
	text->at++;
	return true;
}

static struct cursor cursor_of(struct amqp_bytes bytes)
{
	struct amqp_reader reader = amqp_reader(bytes);
	return (struct cursor){ .at = reader.at, .end = reader.end };
}

bool sql_like(struct amqp_bytes whole_text, struct amqp_bytes whole_pattern, char escape)
{
	struct cursor text = cursor_of(whole_text);
	struct cursor pattern = cursor_of(whole_pattern);
	struct cursor retry_text = { 0 };
	struct cursor retry_pattern = { 0 };
	while (text.at < text.end || pattern.at < pattern.end) {
		if (pattern.at < pattern.end && *pattern.at == '%' && escape != '%') {
			pattern.at++;
			retry_pattern = pattern;
			retry_text = text;
			continue;
		}
		if (match_one(&text, &pattern, escape)) {
			continue;
		}
		if (retry_pattern.at == NULL || retry_text.at == retry_text.end) {
			return false;
		}
		retry_text.at += character_size(retry_text);
		text = retry_text;
		pattern = retry_pattern;
	}
	return true;
}
