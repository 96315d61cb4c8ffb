/* SPDX-License-Identifier: MIT */
/* Answers as bytes: what is taken, and what ends the connection with a sentence. */
#include <stdlib.h>

#include "core/http/address.h"
#include "core/http/answer_parser.h"
#include "core/http/exchange.h"
#include "core/http/server.h"
#include "core/http/status.h"
#include "support/base/memory.h"
#include "tests/support/suite.h"

static struct http_answer_parser parser;

static void begin(bool is_head)
{
	parser = (struct http_answer_parser){ .max_body = 64, .is_head = is_head };
}

/* In one piece, or byte by byte: both must come to the same. */
static enum http_answer_parse parse(const char *given, bool is_in_pieces, bool is_ended)
{
	size_t whole = strlen(given);
	char *text = must_copy(given, whole);
	size_t size = 0;
	enum http_answer_parse result = HTTP_ANSWER_MORE;
	for (size_t at = 0; at < whole && result == HTTP_ANSWER_MORE;) {
		size_t n = is_in_pieces ? 1 : whole;
		memmove(text + size, given + at, n);
		at += n;
		size += n;
		result = http_answer_parser_advance(&parser, text, &size);
	}
	if (is_ended && result == HTTP_ANSWER_MORE) {
		result = http_answer_parser_end(&parser, size);
	}
	free(text);
	return result;
}

static void expect_done(const char *given, unsigned status, size_t body_size, bool is_kept)
{
	for (int i = 0; i < 2; i++) {
		begin(false);
		CHECK_INT(parse(given, i != 0, true), HTTP_ANSWER_DONE);
		CHECK_TEXT(parser.reason, NULL);
		CHECK_INT(parser.status, status);
		CHECK_INT(parser.body_size, body_size);
		CHECK_INT(parser.is_keep_alive, is_kept);
	}
}

static void expect_bad(const char *given, const char *reason)
{
	for (int i = 0; i < 2; i++) {
		begin(false);
		CHECK_INT(parse(given, i != 0, true), HTTP_ANSWER_BAD);
		CHECK_TEXT(parser.reason, reason);
	}
	/* It stays so, whatever comes behind it. */
	char rest[] = "HTTP/1.1 200 OK\r\n\r\n";
	size_t size = strlen(rest);
	CHECK_INT(http_answer_parser_advance(&parser, rest, &size), HTTP_ANSWER_BAD);
}

static void each_form_of_an_answer_is_taken(void)
{
	expect_done("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, 2, true);
	expect_done(
	        "HTTP/1.1 200\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", 200, 2, true);
	expect_done("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 0, false);
	expect_done("HTTP/1.1 204 \r\n\r\n", 204, 0, true);
	expect_done("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, 0, true);
	expect_done("HTTP/1.1 200 OK\r\nConnection: x, close\r\nConnection: y\r\n"
	            "Content-Length: 0\r\n\r\n",
	        200, 0, false);
	expect_done("HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, 13, false);
	expect_done("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
	        200, 2, true);
	expect_done("HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nHTTP/1.1 102 P\r\n\r\n"
	            "HTTP/1.1 599 X\r\nContent-Length: 1\r\n\r\na",
	        599, 1, true);
}

static void an_answer_that_is_not_of_http_1_is_refused(void)
{
	static const char *const lines[] = { "HTTP/1.1 20", "HTTQ/1.1 200 OK", "HTTP/1.1-200 OK",
		"HTTP/1.2 200 OK", "HTTP/1.1 200OK", "HTTP/1.1 2x0 OK", "HTTP/1.1 099 OK",
		"HTTP/1.1 600 OK", "" };
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char text[64];
		(void)snprintf(text, sizeof(text), "%s\r\n\r\n", lines[i]);
		expect_bad(text, "the answer is not HTTP/1.1");
	}
}

static void unclear_framing_is_refused(void)
{
#define OK "HTTP/1.1 200 OK\r\n"
	expect_bad(OK "Content-Length: x\r\n\r\n", "Content-Length is not one number");
	expect_bad(OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
	        "Content-Length is not one number");
	expect_bad(OK "Transfer-Encoding: gzip\r\n\r\n",
	        "Transfer-Encoding is something else than chunked");
	expect_bad(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	        "Transfer-Encoding is something else than chunked");
	expect_bad(OK "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
	        "there are both Content-Length and Transfer-Encoding");
	expect_bad(OK "Content-Length: 65\r\n\r\n", "the body is larger than this client takes");
	expect_bad(OK "Transfer-Encoding: chunked\r\n\r\n41\r\n",
	        "the body is larger than this client takes");
	expect_bad(OK "Transfer-Encoding: chunked\r\n\r\nx\r\n",
	        "a chunk's size is not a hexadecimal number");
	expect_bad(OK "\r\n0123456789012345678901234567890123456789012345678901234567890123456789",
	        "the body is larger than this client takes");
	expect_bad("HTTP/1.1 101 Switching\r\n\r\n", "the server wants to change the protocol");
	expect_bad("HTTP/1.1 200 OK\nX: y\r\n\r\n", "a line does not end with CRLF");
	expect_bad(OK "X\r\n\r\n", "a header line has no valid name and colon");
	expect_bad(OK "Content-Length: 5\r\n\r\nab",
	        "the connection was closed before the answer was complete");
	expect_bad(OK "Transfer-Encoding: chunked\r\n\r\n2\r\na",
	        "the connection was closed before the answer was complete");
	expect_bad("HTTP/1.1 20", "the connection was closed before the answer was complete");
}

static void headers_have_a_bound_in_number_and_size(void)
{
	char *text = must_calloc(1, 80000);
	char *end = stpcpy(text, OK);
	for (int i = 0; i < 101; i++) {
		end = stpcpy(end, "X: y\r\n");
	}
	(void)stpcpy(end, "\r\n");
	expect_bad(text, "there are too many headers");
	end = stpcpy(text, OK "X: ");
	memset(end, 'x', 40000);
	(void)stpcpy(end + 40000, "\r\n\r\n");
	expect_bad(text, "the headers are too large");
	/* A line that fits, with a CRLF that does not. */
	end = stpcpy(text, OK "X: ");
	memset(end, 'x', 32768 - strlen(OK) - 4);
	(void)stpcpy(end + 32768 - strlen(OK) - 4, "\r\n\r\n");
	expect_bad(text, "the headers are too large");
	free(text);
}

static void head_has_no_body_and_retry_after_is_bounded(void)
{
	begin(true);
	CHECK_INT(parse(OK "Content-Length: 500\r\nRetry-After: 99999999\r\n\r\n", false, false),
	        HTTP_ANSWER_DONE);
	CHECK_INT(parser.body_size, 0);
	CHECK_INT(parser.retry_after_seconds, 86400);
	/* Done is done. */
	char nothing[] = "x";
	size_t size = 0;
	CHECK_INT(http_answer_parser_advance(&parser, nothing, &size), HTTP_ANSWER_DONE);
	CHECK_INT(http_answer_parser_end(&parser, size), HTTP_ANSWER_DONE);
	begin(false);
	CHECK_INT(parse(OK "Content-Type: a/b\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n",
	                  true, false),
	        HTTP_ANSWER_DONE);
	CHECK_INT(parser.retry_after_seconds, 0);
	CHECK(parser.type_at != 0);
}

static void addresses_and_urls_have_bounds(void)
{
	static const char *const wrong[] = { "", ":80", "host", "host:", "host:x", "host:65536",
		"[::1]", "[::1", "[]:80", "[::1]x80",
		"0123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789:80" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct http_address address;
		char *error = NULL;
		CHECK_INT(http_address_parse(wrong[i], &address, &error), -1);
		CHECK(error != NULL && strstr(error, "is not an address") != NULL);
		free(error);
	}
}

static void what_has_no_name_is_called_something(void)
{
	CHECK_TEXT(http_status_phrase(200), "OK");
	CHECK_TEXT(http_status_phrase(299), "Status");
	for (int i = 0; i < HTTP_N_REFUSALS; i++) {
		CHECK(strlen(http_refusal_name((enum http_refusal)i)) != 0);
	}
	http_server_destroy(NULL);
	http_request_destroy(NULL);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(each_form_of_an_answer_is_taken),
		SUITE_TEST(an_answer_that_is_not_of_http_1_is_refused),
		SUITE_TEST(unclear_framing_is_refused),
		SUITE_TEST(headers_have_a_bound_in_number_and_size),
		SUITE_TEST(head_has_no_body_and_retry_after_is_bounded),
		SUITE_TEST(addresses_and_urls_have_bounds),
		SUITE_TEST(what_has_no_name_is_called_something),
	};
	return suite_run("http_answers", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
