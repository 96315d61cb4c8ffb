/* SPDX-License-Identifier: MIT */
/* The request parser on bytes alone: cut at every place, mutated at random, at its limits. */
#include <stdlib.h>

#include "core/http/parser.h"
#include "support/base/memory.h"
#include "tests/support/suite.h"

static const struct http_parser_limits limits = {
	.max_request_line = 256,
	.max_headers_size = 512,
	.max_headers = 10,
};

/* What a parser has made of some bytes. */
struct understood {
	enum http_parse result;
	unsigned status;
	char text[2048]; /* method, target, headers, body */
	size_t text_size;
	size_t n_rest; /* bytes of the next request */
};

static void note(struct understood *understood, const char *text, size_t size)
{
	CHECK(understood->text_size + size + 1 < sizeof(understood->text));
	memcpy(understood->text + understood->text_size, text, size);
	understood->text_size += size;
	understood->text[understood->text_size++] = '|';
}

static void note_all(struct understood *understood, const struct http_parser *parser,
        const char *text, size_t size)
{
	note(understood, text + parser->method_at, strlen(text + parser->method_at));
	note(understood, text + parser->target_at, strlen(text + parser->target_at));
	for (size_t i = 0; i < parser->n_fields; i++) {
		const struct http_field *field = &parser->fields[i];
		CHECK_INT(strlen(text + field->name_at), field->name_size);
		CHECK_INT(strlen(text + field->value_at), field->value_size);
		note(understood, text + field->name_at, field->name_size);
		note(understood, text + field->value_at, field->value_size);
	}
	note(understood, text + parser->body_at, parser->body_size);
	understood->n_rest = size - parser->message_size;
}

/*
 * Gives the bytes in pieces that end at each of the cuts. The text is a fresh allocation for each
 * piece, of exactly its size, so that a read beyond what was received is found.
 */
static void understand(const char *bytes, size_t size, const size_t *cuts, size_t n_cuts,
        struct understood *ret_understood)
{
	struct http_parser parser;
	*ret_understood = (struct understood){ .result = HTTP_PARSE_MORE };
	http_parser_init(&parser, &limits);
	char *text = NULL;
	size_t text_size = 0;
	size_t from = 0;
	for (size_t i = 0; i <= n_cuts && ret_understood->result != HTTP_PARSE_REFUSED; i++) {
		size_t to = i < n_cuts ? cuts[i] : size;
		char *longer = must_calloc(1, text_size + to - from);
		if (text_size != 0) {
			memcpy(longer, text, text_size);
		}
		memcpy(longer + text_size, bytes + from, to - from);
		free(text);
		text = longer;
		text_size += to - from;
		from = to;
		if (ret_understood->result == HTTP_PARSE_DONE) {
			continue;
		}
		do {
			ret_understood->result = http_parser_advance(&parser, text, &text_size);
			parser.max_body = 64;
		} while (ret_understood->result == HTTP_PARSE_HEAD);
	}
	if (ret_understood->result == HTTP_PARSE_DONE) {
		note_all(ret_understood, &parser, text, text_size);
	}
	ret_understood->status = parser.status;
	free(text);
	http_parser_finish(&parser);
}

static const char *const samples[] = {
	"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
	"\r\nPOST /a/b?c=d HTTP/1.1\r\nHost: h\r\nX-Empty:\r\nContent-Length: 5\r\n\r\nhelloREST",
	("POST /a HTTP/1.1\r\nhost:h\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "3\r\nabc\r\n00a;x=y\r\n0123456789\r\n1\r\n!\r\n0\r\nT: 1\r\nU: 2\r\n\r\nREST"),
	"GET /a HTTP/1.0\r\nConnection: keep-alive\r\nAccept:  a, b \t\r\n\r\nREST",
	"GET / HTTP/1.1\r\nHost: h\r\nBad\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n41\r\n",
};

static void check_same(const struct understood *actual, const struct understood *expected)
{
	CHECK_INT(actual->result, expected->result);
	CHECK_INT(actual->status, expected->status);
	CHECK_INT(actual->n_rest, expected->n_rest);
	CHECK_INT(actual->text_size, expected->text_size);
	CHECK(memcmp(actual->text, expected->text, expected->text_size) == 0);
}

static void cut_at_any_byte_changes_nothing(void)
{
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		size_t size = strlen(samples[i]);
		struct understood whole;
		understand(samples[i], size, NULL, 0, &whole);
		CHECK(whole.result != HTTP_PARSE_MORE);
		for (size_t cut = 1; cut < size; cut++) {
			struct understood cut_once;
			understand(samples[i], size, &cut, 1, &cut_once);
			check_same(&cut_once, &whole);
		}
		size_t cuts[512];
		for (size_t k = 0; k < size - 1; k++) {
			cuts[k] = k + 1;
		}
		struct understood byte_by_byte;
		understand(samples[i], size, cuts, size - 1, &byte_by_byte);
		check_same(&byte_by_byte, &whole);
	}
}

static void parts_of_a_request_are_found(void)
{
	struct understood whole;
	understand(samples[1], strlen(samples[1]), NULL, 0, &whole);
	CHECK_INT(whole.result, HTTP_PARSE_DONE);
	whole.text[whole.text_size] = '\0';
	CHECK_TEXT(whole.text, "POST|/a/b?c=d|Host|h|X-Empty||Content-Length|5|hello|");
	CHECK_INT(whole.n_rest, 4);
	understand(samples[2], strlen(samples[2]), NULL, 0, &whole);
	whole.text[whole.text_size] = '\0';
	CHECK_TEXT(whole.text, "POST|/a|host|h|Transfer-Encoding|chunked|abc0123456789!|");
	CHECK_INT(whole.n_rest, 4);
	understand(samples[3], strlen(samples[3]), NULL, 0, &whole);
	whole.text[whole.text_size] = '\0';
	CHECK_TEXT(whole.text, "GET|/a|Connection|keep-alive|Accept|a, b||");
}

static unsigned status_of(const char *bytes)
{
	struct understood understood;
	understand(bytes, strlen(bytes), NULL, 0, &understood);
	return understood.result == HTTP_PARSE_REFUSED ? understood.status : 0;
}

/* A request line and headers of exactly those sizes. */
static unsigned status_of_sizes(size_t line_size, size_t headers_size)
{
	char text[2048];
	int target_size = (int)(line_size - strlen("GET / HTTP/1.1"));
	int value_size = (int)(headers_size - strlen("Host: h\r\nX: \r\n"));
	snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\nHost: h\r\nX: %0*d\r\n\r\n",
	        target_size, 1, value_size, 1);
	return status_of(text);
}

static void limits_are_met_exactly(void)
{
	CHECK_INT(status_of_sizes(256, 512), 0);
	CHECK_INT(status_of_sizes(257, 512), 414);
	CHECK_INT(status_of_sizes(256, 513), 431);
	CHECK_INT(status_of("GET / HTTP/1.1\r\nHost: h\r\n"
	                    "1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n9:\r\n\r\n"),
	        0);
	CHECK_INT(status_of("GET / HTTP/1.1\r\nHost: h\r\n"
	                    "1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n9:\r\na:\r\n\r\n"),
	        431);
	CHECK_INT(
	        status_of("GET_A_METHOD_THAT_GOES_ON_AND_ON_ / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
}

static void chunks_have_limits_beside_the_body(void)
{
	char text[2048];
#define CHUNKED "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	snprintf(text, sizeof(text), CHUNKED "1;%0400d\r\na\r\n1;%0200d\r\na\r\n", 1, 1);
	CHECK_INT(status_of(text), 400);
	snprintf(text, sizeof(text), CHUNKED "0\r\nT: %0600d", 1);
	CHECK_INT(status_of(text), 400);
	snprintf(text, sizeof(text), CHUNKED "0\r\nT: %0400d\r\nT: %0200d\r\n\r\n", 1, 1);
	CHECK_INT(status_of(text), 400);
	CHECK_INT(status_of(CHUNKED "0\r\n1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n9:\r\n"
	                            "a:\r\n11:\r\n\r\n"),
	        400);
	CHECK_INT(status_of(CHUNKED "20\r\n0123456789abcdef0123456789abcdef\r\n"
	                            "20\r\n0123456789abcdef0123456789abcdef\r\n0\r\n\r\n"),
	        0);
	CHECK_INT(status_of(CHUNKED "20\r\n0123456789abcdef0123456789abcdef\r\n21\r\n"), 413);
	CHECK_INT(status_of(CHUNKED "fffffffffffffff\r\n"), 413);
}

static void connection_header_decides_with_the_version(void)
{
	static const struct {
		const char *text;
		bool is_keep_alive;
	} cases[] = {
		{ "GET / HTTP/1.1\r\nHost: h\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\nHost: h\r\nConnection: x,close\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\nHost: h\r\nConnection: closed\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nConnection: "
		  "keep-alive\r\n\r\n",
		        false },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_parser parser;
		http_parser_init(&parser, &limits);
		size_t size = strlen(cases[i].text);
		char *text = must_copy(cases[i].text, size);
		CHECK_INT(http_parser_advance(&parser, text, &size), HTTP_PARSE_HEAD);
		CHECK_INT(parser.is_keep_alive, cases[i].is_keep_alive);
		free(text);
		http_parser_finish(&parser);
	}
}

/* A small generator of one's own, so that a seed means the same everywhere. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static size_t mutate(char *bytes, size_t size, size_t capacity, uint32_t *random)
{
	static const char pieces[] = "\r\n\0 \t:;,0123456789abcfGETxX/%?=";
	for (uint32_t n = next_random(random) % 4 + 1; n != 0; n--) {
		size_t at = next_random(random) % size;
		char byte = pieces[next_random(random) % (sizeof(pieces) - 1)];
		switch (next_random(random) % 3) {
		case 0:
			bytes[at] = byte;
			break;
		case 1:
			memmove(bytes + at, bytes + at + 1, size - at - 1);
			size -= size > 1 ? 1 : 0;
			break;
		case 2:
			if (size < capacity) {
				memmove(bytes + at + 1, bytes + at, size - at);
				bytes[at] = byte;
				size++;
			}
			break;
		}
	}
	return size;
}

static void mutated_requests_are_understood_the_same_however_cut(void)
{
	uint32_t random = 20260101;
	size_t n_done = 0;
	size_t n_refused = 0;
	for (int round = 0; round < 20000; round++) {
		char bytes[512];
		const char *sample =
		        samples[next_random(&random) % (sizeof(samples) / sizeof(samples[0]))];
		size_t size = (size_t)snprintf(bytes, sizeof(bytes), "%s", sample);
		size = mutate(bytes, size, sizeof(bytes), &random);
		struct understood whole;
		understand(bytes, size, NULL, 0, &whole);
		size_t cuts[3];
		cuts[0] = next_random(&random) % size;
		cuts[1] = cuts[0] + next_random(&random) % (size - cuts[0]);
		cuts[2] = cuts[1] + next_random(&random) % (size - cuts[1]);
		struct understood in_pieces;
		understand(bytes, size, cuts, 3, &in_pieces);
		check_same(&in_pieces, &whole);
		n_done += whole.result == HTTP_PARSE_DONE ? 1 : 0;
		n_refused += whole.result == HTTP_PARSE_REFUSED ? 1 : 0;
	}
	CHECK(n_done > 1000);
	CHECK(n_refused > 5000);
}

static const struct suite_test tests[] = {
	SUITE_TEST(cut_at_any_byte_changes_nothing),
	SUITE_TEST(parts_of_a_request_are_found),
	SUITE_TEST(limits_are_met_exactly),
	SUITE_TEST(chunks_have_limits_beside_the_body),
	SUITE_TEST(connection_header_decides_with_the_version),
	SUITE_TEST(mutated_requests_are_understood_the_same_however_cut),
};

int main(int argc, char **argv)
{
	return suite_run("http_parser", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
