/* SPDX-License-Identifier: MIT */
/*
 * Requests that two servers could understand differently, sent over a real socket with a second
 * request hidden in what one of them would take for a body: it must never run.
 */
#include <stdlib.h>

#include "tests/support/http_world.h"
#include "tests/support/suite.h"

#define HIDDEN "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
#define HIDDEN_SIZE "32"

struct row {
	const char *what;
	const char *head; /* NULs are written as '@' */
	const char *rest;
	unsigned status; /* of the only answer */
};

static const struct row refused[] = {
	{ "Transfer-Encoding and Content-Length",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: "
	        "chunked\r\n\r\n",
	        "0\r\n\r\n" HIDDEN, 400 },
	{ "Content-Length and Transfer-Encoding, the other way round",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: "
	        "5\r\n\r\n",
	        "0\r\n\r\n" HIDDEN, 400 },
	{ "two codings",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
	        "0\r\n\r\n" HIDDEN, 400 },
	{ "two Transfer-Encoding headers",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
	        "Transfer-Encoding: identity\r\n\r\n",
	        "0\r\n\r\n" HIDDEN, 400 },
	{ "a coding that is not ours",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", HIDDEN, 400 },
	{ "a coding of a similar name",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n", HIDDEN,
	        400 },
	{ "a quoted coding",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"chunked\"\r\n\r\n",
	        "0\r\n\r\n" HIDDEN, 400 },
	{ "an empty coding", "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n", HIDDEN,
	        400 },
	{ "coding behind a vertical tab",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \vchunked\r\n\r\n",
	        "0\r\n\r\n" HIDDEN, 400 },
	{ "Transfer-Encoding in HTTP/1.0",
	        "POST /echo HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
	        "Connection: keep-alive\r\n\r\n",
	        "0\r\n\r\n" HIDDEN, 400 },
	{ "two lengths, equal",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n",
	        "ab" HIDDEN, 400 },
	{ "two lengths, different",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: "
	        "0\r\nContent-Length: " HIDDEN_SIZE "\r\n\r\n",
	        HIDDEN, 400 },
	{ "a list of lengths", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 0\r\n\r\n",
	        HIDDEN, 400 },
	{ "a length with a sign", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\n",
	        "abc" HIDDEN, 400 },
	{ "a negative length", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
	        HIDDEN, 400 },
	{ "a hexadecimal length", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0x3\r\n\r\n",
	        "abc" HIDDEN, 400 },
	{ "an empty length", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: \r\n\r\n", HIDDEN,
	        400 },
	{ "a length that overflows",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551616\r\n\r\n",
	        HIDDEN, 400 },
	{ "space before the colon of Content-Length",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length : " HIDDEN_SIZE "\r\n\r\n",
	        HIDDEN, 400 },
	{ "space before the colon of Transfer-Encoding",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n",
	        "0\r\n\r\n" HIDDEN, 400 },
	{ "HEAD with a body",
	        "HEAD /hello HTTP/1.1\r\nHost: h\r\nContent-Length: " HIDDEN_SIZE "\r\n\r\n",
	        HIDDEN, 400 },
	{ "HEAD with chunks",
	        "HEAD /hello HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	        "0\r\n\r\n" HIDDEN, 400 },
	{ "NUL in Content-Length",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0@" HIDDEN_SIZE "\r\n\r\n",
	        HIDDEN, 400 },
	{ "NUL in Transfer-Encoding",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked@x\r\n\r\n",
	        "0\r\n\r\n" HIDDEN, 400 },
	{ "NUL in another header", "GET /none HTTP/1.1\r\nHost: h\r\nX: a@b\r\n\r\n", HIDDEN, 400 },
	{ "NUL in a header name", "GET /none HTTP/1.1\r\nHost: h\r\nX@: a\r\n\r\n", HIDDEN, 400 },
	{ "NUL in the target", "GET /no@ne HTTP/1.1\r\nHost: h\r\n\r\n", HIDDEN, 400 },
	{ "line feed alone after the request line", "GET /none HTTP/1.1\nHost: h\r\n\r\n", HIDDEN,
	        400 },
	{ "line feed alone after a header", "GET /none HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", HIDDEN,
	        400 },
	{ "line feed alone at the end of headers", "GET /none HTTP/1.1\r\nHost: h\r\n\n", HIDDEN,
	        400 },
	{ "carriage return alone in a header", "GET /none HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n",
	        HIDDEN, 400 },
	{ "two carriage returns", "GET /none HTTP/1.1\r\r\nHost: h\r\n\r\n", HIDDEN, 400 },
	{ "a folded header", "GET /none HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", HIDDEN, 400 },
	{ "a folded Content-Length",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n 0\r\n\r\n", HIDDEN, 400 },
	{ "white space before the first header", "GET /none HTTP/1.1\r\n Host: h\r\n\r\n", HIDDEN,
	        400 },
	{ "a chunk size with 0x",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	        "0x3\r\nabc\r\n0\r\n\r\n" HIDDEN, 400 },
	{ "a chunk size with a sign",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	        "+3\r\nabc\r\n0\r\n\r\n" HIDDEN, 400 },
	{ "words behind a chunk size",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	        "3 zzz\r\nabc\r\n0\r\n\r\n" HIDDEN, 400 },
	{ "an empty chunk size",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	        "\r\nabc\r\n0\r\n\r\n" HIDDEN, 400 },
	{ "a chunk size that overflows",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	        "10000000000000003\r\nabc\r\n0\r\n\r\n" HIDDEN, 400 },
	{ "chunk data without CRLF",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	        "3\r\nabc0\r\n\r\n" HIDDEN, 400 },
	{ "line feed alone after a chunk size",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	        "3\nabc\r\n0\r\n\r\n" HIDDEN, 400 },
	{ "line feed alone after chunk data",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	        "3\r\nabc\n0\r\n\r\n" HIDDEN, 400 },
	{ "line feed alone in an extension",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	        "3;a\nb\r\nabc\r\n0\r\n\r\n" HIDDEN, 400 },
	{ "a trailer that is no header",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	        "0\r\nnonsense\r\n\r\n" HIDDEN, 400 },
	{ "a trailer with space before its colon",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	        "0\r\nX : y\r\n\r\n" HIDDEN, 400 },
	{ "no Host in HTTP/1.1", "GET /none HTTP/1.1\r\n\r\n", HIDDEN, 400 },
	{ "two Hosts", "GET /none HTTP/1.1\r\nHost: h\r\nHost: g\r\n\r\n", HIDDEN, 400 },
	{ "a Host with a space", "GET /none HTTP/1.1\r\nHost: h g\r\n\r\n", HIDDEN, 400 },
	{ "a Host with a path", "GET /none HTTP/1.1\r\nHost: h/g\r\n\r\n", HIDDEN, 400 },
	{ "HTTP/1.9", "GET /none HTTP/1.9\r\nHost: h\r\n\r\n", HIDDEN, 505 },
	{ "HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HIDDEN, 505 },
	{ "HTTP/0.9", "GET /none\r\n", HIDDEN, 400 },
	{ "lower-case http", "GET /none http/1.1\r\nHost: h\r\n\r\n", HIDDEN, 400 },
	{ "a space in the target", "GET /no ne HTTP/1.1\r\nHost: h\r\n\r\n", HIDDEN, 400 },
	{ "two spaces", "GET  /none HTTP/1.1\r\nHost: h\r\n\r\n", HIDDEN, 400 },
	{ "a tab instead of a space", "GET\t/none HTTP/1.1\r\nHost: h\r\n\r\n", HIDDEN, 400 },
	{ "a space behind the version", "GET /none HTTP/1.1 \r\nHost: h\r\n\r\n", HIDDEN, 400 },
	{ "a method that is no token", "G{T /none HTTP/1.1\r\nHost: h\r\n\r\n", HIDDEN, 400 },
	{ "a header name that is no token", "GET /none HTTP/1.1\r\nHost: h\r\nX(: y\r\n\r\n",
	        HIDDEN, 400 },
	{ "a header without a name", "GET /none HTTP/1.1\r\nHost: h\r\n: y\r\n\r\n", HIDDEN, 400 },
	{ "a header without a colon", "GET /none HTTP/1.1\r\nHost: h\r\nnonsense\r\n\r\n", HIDDEN,
	        400 },
	{ "a fragment", "GET /none#x HTTP/1.1\r\nHost: h\r\n\r\n", HIDDEN, 400 },
	{ "bytes beyond ASCII in the target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n", HIDDEN,
	        400 },
	{ "CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", HIDDEN, 400 },
	{ "an unknown expectation",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: miracles\r\nContent-Length: " HIDDEN_SIZE
	        "\r\n\r\n",
	        HIDDEN, 417 },
	{ "two empty lines before the request", "\r\n\r\nGET /none HTTP/1.1\r\nHost: h\r\n\r\n",
	        HIDDEN, 400 },
	{ "two Authorization headers",
	        "GET /none HTTP/1.1\r\nHost: h\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n",
	        HIDDEN, 400 },
	{ "a TLS handshake", "\x16\x03\x01\x02", HIDDEN, 400 },
};

static void send_row(struct peer *peer, const struct row *row)
{
	char bytes[1024];
	int size = snprintf(bytes, sizeof(bytes), "%s%s", row->head, row->rest);
	for (int i = 0; i < size; i++) {
		bytes[i] = (char)(bytes[i] == '@' ? '\0' : bytes[i]);
	}
	peer_send_bytes(peer, bytes, (size_t)size);
}

static void ambiguous_request_is_refused_and_nothing_behind_it_runs(void)
{
	struct world world;
	world_start(&world, NULL);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct peer *peer = peer_create(&world);
		send_row(peer, &refused[i]);
		bool is_closed = peer_wait_closed(peer);
		unsigned status =
		        peer->size > 12 ? (unsigned)strtoul(peer->received + 9, NULL, 10) : 0;
		if (!is_closed || status != refused[i].status ||
		        peer_count(peer, "\r\nDate: ") != 1 || world.n_handled != 0) {
			fprintf(stderr, "%s:\n%s\n", refused[i].what, peer->received);
		}
		CHECK(is_closed);
		CHECK_INT(status, refused[i].status);
		CHECK_INT(peer_count(peer, "\r\nDate: "), 1);
		CHECK_INT(peer_count(peer, "Connection: close\r\n"), 1);
		CHECK_INT(world.n_handled, 0);
		world.n_handled = 0;
		peer_destroy(peer);
	}
	world_stop(&world);
}

/* Unusual, yet with one meaning only: the body is read as a body and the next request runs. */
static const struct row taken[] = {
	{ "GET with a body",
	        "GET /none HTTP/1.1\r\nHost: h\r\nContent-Length: " HIDDEN_SIZE "\r\n\r\n", HIDDEN,
	        404 },
	{ "TRACE with a body",
	        "TRACE /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " HIDDEN_SIZE "\r\n\r\n",
	        HIDDEN, 405 },
	{ "a chunk extension",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n",
	        "20;foo=bar;x=\"y\"\r\n" HIDDEN "\r\n0\r\n\r\n", 200 },
	{ "trailers that look like framing",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	        "20\r\n" HIDDEN "\r\n0\r\nContent-Length: 5\r\nHost: g\r\n\r\n", 200 },
	{ "a length with leading zeros",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0032\r\n\r\n", HIDDEN, 200 },
	{ "white space around a value",
	        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: \t " HIDDEN_SIZE " \t\r\n\r\n",
	        HIDDEN, 200 },
	{ "the absolute form",
	        "POST http://other/echo HTTP/1.1\r\nHost: h\r\nContent-Length: " HIDDEN_SIZE
	        "\r\n\r\n",
	        HIDDEN, 200 },
	{ "one empty line before the request",
	        "\r\nPOST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " HIDDEN_SIZE "\r\n\r\n",
	        HIDDEN, 200 },
};

static void unambiguous_body_is_never_taken_for_a_request(void)
{
	struct world world;
	world_start(&world, NULL);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		struct peer *peer = peer_create(&world);
		world.n_handled = 0;
		send_row(peer, &taken[i]);
		peer_send(peer, "GET /items/end HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
		CHECK(peer_wait_closed(peer));
		unsigned status =
		        peer->size > 12 ? (unsigned)strtoul(peer->received + 9, NULL, 10) : 0;
		unsigned n_expected = status == 200 ? 2 : 0;
		if (status != taken[i].status || world.n_handled != n_expected) {
			fprintf(stderr, "%s:\n%s\n", taken[i].what, peer->received);
		}
		CHECK_INT(status, taken[i].status);
		CHECK_INT(world.n_handled, n_expected);
		CHECK_INT(peer_count(peer, "\r\n\r\nhello"), 0);
		peer_destroy(peer);
	}
	world_stop(&world);
}

static const struct suite_test tests[] = {
	SUITE_TEST(ambiguous_request_is_refused_and_nothing_behind_it_runs),
	SUITE_TEST(unambiguous_body_is_never_taken_for_a_request),
};

int main(int argc, char **argv)
{
	return suite_run("http_smuggling", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
