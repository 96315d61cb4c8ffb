/* SPDX-License-Identifier: MIT */
/*
 * A recursive-descent reader. The whole text is checked to be UTF-8 first, so that the rest may
 * walk over bytes; numbers and strings stand in json_token.c.
 */
#include "core/json_strict.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistr.h>

#include "core/json_token.h"
#include "core/plain_span.h"
#include "core/quote.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

enum {
	DEFAULT_DEPTH = 64,
	HIGHEST_DEPTH = 1024, /* keeps the recursion within some 200 KiB of stack */
	DEFAULT_VALUES = 65536
};

struct parser {
	struct json_token_reader reader;
	size_t max_depth;
	size_t max_values;
	size_t depth;
	size_t n_values;
	const char
	        *twice; /* where the outermost member stands that its object had already, or NULL */
	struct quote twice_name;
};

static json_t *parse_value(struct parser *parser);

static bool is_space(char byte)
{
	return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static void skip_space(struct parser *parser)
{
	struct json_token_reader *reader = &parser->reader;
	while (reader->at < reader->end && is_space(*reader->at)) {
		reader->at++;
	}
}

/* The next byte that is no white space, or 0 at the end of the text (a zero byte is no JSON). */
static char peek(struct parser *parser)
{
	skip_space(parser);
	return (char)(parser->reader.at < parser->reader.end ? *parser->reader.at : 0);
}

static void *refuse_here(struct parser *parser, const char *expected)
{
	struct json_token_reader *reader = &parser->reader;
	if (reader->at == reader->end) {
		return json_token_refuse(
		        reader, reader->at, "the text ends where %s should be", expected);
	}
	size_t size =
	        (size_t)u8_mblen((const uint8_t *)reader->at, (size_t)(reader->end - reader->at));
	if (size == 0) {
		return json_token_refuse(
		        reader, reader->at, "a zero byte stands where %s should be", expected);
	}
	return json_token_refuse(reader, reader->at, "\"%s\" stands where %s should be",
	        quote_sized(reader->at, size).text, expected);
}

static bool enter(struct parser *parser)
{
	if (parser->depth >= parser->max_depth) {
		json_token_refuse(&parser->reader, parser->reader.at,
		        "arrays and objects are nested deeper than %zu", parser->max_depth);
		return false;
	}
	parser->depth++;
	parser->reader.at++;
	return true;
}

/* After an element: true if another one follows, false with *ret_is_ok at the end of the container.
 */
static bool has_more(struct parser *parser, char end, bool *ret_is_ok)
{
	char next = peek(parser);
	*ret_is_ok = next == end;
	if (next != ',' && next != end) {
		refuse_here(parser, end == ']' ? "\",\" or \"]\"" : "\",\" or \"}\"");
		return false;
	}
	parser->reader.at++;
	return next == ',';
}

static json_t *parse_array(struct parser *parser)
{
	if (!enter(parser)) {
		return NULL;
	}
	json_t *array CLEANUP(json_decrefp) = must_have(json_array());
	bool is_ok = peek(parser) == ']';
	bool is_open = !is_ok;
	parser->reader.at += is_ok ? 1 : 0;
	while (is_open) {
		json_t *element = parse_value(parser);
		if (element == NULL) {
			return NULL;
		}
		must_have(json_array_append_new(array, element) == 0 ? array : NULL);
		is_open = has_more(parser, ']', &is_ok);
	}
	parser->depth--;
	return is_ok ? steal(array) : NULL;
}

/* The value behind the name, or NULL; whether the name was there before is the caller's to ask. */
static json_t *parse_member_value(struct parser *parser)
{
	if (peek(parser) != ':') {
		return refuse_here(parser, "\":\"");
	}
	parser->reader.at++;
	return parse_value(parser);
}

/* An object that did not grow had the name already: no look-up is needed where all is well. */
static bool add_member(json_t *object, const struct json_token_text *name, json_t *value)
{
	size_t n_members = json_object_size(object);
	int status = json_object_setn_new_nocheck(object, name->text, name->size, value);
	must_have(status == 0 ? object : NULL);
	return json_object_size(object) != n_members;
}

static bool parse_member(struct parser *parser, json_t *object)
{
	if (peek(parser) != '"') {
		refuse_here(parser, "the name of a member");
		return false;
	}
	const char *start = parser->reader.at;
	struct json_token_text name;
	if (!json_token_string(&parser->reader, &name)) {
		return false;
	}
	/* A name that had escapes lies in the scratch buffer, which the value will use again. */
	bool is_scratch = name.text == parser->reader.scratch;
	char *copy CLEANUP_FREE = is_scratch ? must_copy(name.text, name.size) : NULL;
	name.text = is_scratch ? copy : name.text;
	json_t *value = parse_member_value(parser);
	if (value != NULL && add_member(object, &name, value)) {
		return true;
	}
	/* Of two faults the first is told, and the name stands before its value. */
	if (json_object_getn(object, name.text, name.size) != NULL) {
		parser->twice = start;
		parser->twice_name = quote_sized(name.text, name.size);
	}
	return false;
}

static json_t *parse_object(struct parser *parser)
{
	if (!enter(parser)) {
		return NULL;
	}
	json_t *object CLEANUP(json_decrefp) = must_have(json_object());
	bool is_ok = peek(parser) == '}';
	bool is_open = !is_ok;
	parser->reader.at += is_ok ? 1 : 0;
	while (is_open) {
		if (!parse_member(parser, object)) {
			return NULL;
		}
		is_open = has_more(parser, '}', &is_ok);
	}
	parser->depth--;
	return is_ok ? steal(object) : NULL;
}

static json_t *parse_string(struct parser *parser)
{
	struct json_token_text string;
	if (!json_token_string(&parser->reader, &string)) {
		return NULL;
	}
	return must_have(json_stringn_nocheck(string.text, string.size));
}

static json_t *parse_word(struct parser *parser, const char *word, json_t *value)
{
	struct json_token_reader *reader = &parser->reader;
	size_t size = strlen(word);
	if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, word, size) != 0) {
		return refuse_here(parser, "a JSON value");
	}
	reader->at += size;
	return value;
}

static json_t *parse_value(struct parser *parser)
{
	char next = peek(parser);
	if (++parser->n_values > parser->max_values) {
		return json_token_refuse(&parser->reader, parser->reader.at,
		        "the text holds more than %zu values", parser->max_values);
	}
	switch (next) {
	case '{':
		return parse_object(parser);
	case '[':
		return parse_array(parser);
	case '"':
		return parse_string(parser);
	case 't':
		return parse_word(parser, "true", json_true());
	case 'f':
		return parse_word(parser, "false", json_false());
	case 'n':
		return parse_word(parser, "null", json_null());
	default:
		if (next != '-' && (next < '0' || next > '9')) {
			return refuse_here(parser, "a JSON value");
		}
		return json_token_number(&parser->reader);
	}
}

static bool is_utf8(struct parser *parser)
{
	struct json_token_reader *reader = &parser->reader;
	size_t size = (size_t)(reader->end - reader->at);
	size_t ascii = plain_ascii_span(reader->at, size);
	const uint8_t *wrong =
	        ascii < size ? u8_check((const uint8_t *)reader->at + ascii, size - ascii) : NULL;
	if (wrong != NULL) {
		json_token_refuse(
		        reader, (const char *)wrong, "the byte 0x%02x is not valid UTF-8", *wrong);
		return false;
	}
	if (size >= 3 && memcmp(reader->at, "\xef\xbb\xbf", 3) == 0) {
		json_token_refuse(reader, reader->at,
		        "the text begins with a byte order mark, which JSON does not have");
		return false;
	}
	return true;
}

static json_t *parse_text(struct parser *parser)
{
	if (!is_utf8(parser)) {
		return NULL;
	}
	json_t *root CLEANUP(json_decrefp) = parse_value(parser);
	if (root == NULL) {
		return NULL;
	}
	skip_space(parser);
	if (parser->reader.at != parser->reader.end) {
		return refuse_here(parser, "the end of the text");
	}
	return steal(root);
}

json_t *json_strict_parse(const char *text, size_t size, const struct json_limits *limits,
        struct json_fault *ret_fault)
{
	const struct json_limits given = limits != NULL ? *limits : (struct json_limits){ 0 };
	size_t depth = given.max_depth != 0 ? given.max_depth : DEFAULT_DEPTH;
	struct parser parser = {
		.reader = { .start = text, .at = text, .end = text + size, .fault = ret_fault },
		.max_depth = depth < HIGHEST_DEPTH ? depth : HIGHEST_DEPTH,
		.max_values = given.max_values != 0 ? given.max_values : DEFAULT_VALUES,
	};
	json_t *root = parse_text(&parser);
	if (parser.twice != NULL) {
		json_token_refuse(&parser.reader, parser.twice,
		        "the member \"%s\" is there twice in one object", parser.twice_name.text);
	}
	json_token_reader_finish(&parser.reader);
	return root;
}
