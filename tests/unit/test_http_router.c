/* SPDX-License-Identifier: MIT */
/* Targets taken apart, and the choice of a route, over a real server. */
#include <stdlib.h>

#include "core/http/address.h"
#include "core/http/target.h"
#include "support/base/memory.h"
#include "tests/support/http_world.h"
#include "tests/support/suite.h"

/* The path's segments as "a|b|", its query as "?a=b&", or the sentence. */
static void print_target(const char *text, char *ret_text, size_t size)
{
	char *scratch = must_calloc(1, http_target_scratch(strlen(text)));
	struct http_target target;
	const char *wrong = http_target_parse(text, strlen(text), scratch, &target);
	size_t at = 0;
	ret_text[0] = '\0';
	if (wrong != NULL || target.query_error != NULL) {
		snprintf(ret_text, size, "%s", wrong != NULL ? wrong : target.query_error);
		free(scratch);
		return;
	}
	for (size_t i = 0; i < target.n_segments; i++) {
		at += (size_t)snprintf(ret_text + at, size - at, "%s|", target.segments[i]);
	}
	for (size_t i = 0; i < target.n_query; i++) {
		at += (size_t)snprintf(ret_text + at, size - at, "%c%s=%s", i == 0 ? '?' : '&',
		        target.query[i].name, target.query[i].value);
	}
	free(scratch);
}

static void targets_are_decoded_after_they_are_split(void)
{
	static const char *const cases[][2] = {
		{ "/", "|" },
		{ "/a/b", "a|b|" },
		{ "/a/", "a||" },
		{ "//a", "|a|" },
		{ "/a%2Fb/c", "a/b|c|" },
		{ "/a/../b/.", "a|..|b|.|" },
		{ "/%C3%A9?x=%e2%82%ac", "é|?x=€" },
		{ "/a+b?c+d=e+f%2B", "a+b|?c d=e f+" },
		{ "/a?b", "a|?b=" },
		{ "/a?b=", "a|?b=" },
		{ "/a?b==c", "a|?b==c" },
		{ "/a?&&b=1&", "a|?b=1" },
		{ "/a?", "a|" },
		{ "/a?b=/c?d", "a|?b=/c?d" },
		{ "/a%3Fb", "a?b|" },
		{ "http://host:80/a?b=c", "a|?b=c" },
		{ "HTTPS://host", "|" },
		{ "http://host?b=c", "|?b=c" },
		{ "*", "" },
		{ "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", "" },
		{ "/%", "a '%' is not followed by two hexadecimal digits" },
		{ "/%4", "a '%' is not followed by two hexadecimal digits" },
		{ "/a?b=%zz", "a '%' is not followed by two hexadecimal digits" },
		{ "/a%/b", "a '%' is not followed by two hexadecimal digits" },
		{ "/%00", "there is an encoded NUL (%00)" },
		{ "/a?b=%00", "there is an encoded NUL (%00)" },
		{ "/%FF", "what is percent-encoded is not UTF-8" },
		{ "/%C0%AF", "what is percent-encoded is not UTF-8" },
		{ "/%ED%A0%80", "what is percent-encoded is not UTF-8" },
		{ "/%F4%90%80%80", "what is percent-encoded is not UTF-8" },
		{ "/%E2%82", "what is percent-encoded is not UTF-8" },
		{ "/a?b=1&%62=2", "the query has the same parameter twice" },
		{ "/a|b", "the target has a character that must be percent-encoded" },
		{ "a", "the target is not a path" },
		{ "*a", "the target is not a path" },
		{ "", "the target is not a path" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];
		print_target(cases[i][0], text, sizeof(text));
		CHECK_TEXT(text, cases[i][1]);
	}
}

static void query_parameters_are_limited(void)
{
	char text[1024] = "/a?";
	for (int i = 0; i < 33; i++) {
		char pair[16];
		snprintf(pair, sizeof(pair), "p%d=1&", i);
		strncat(text, pair, sizeof(text) - strlen(text) - 1);
	}
	char printed[1024];
	print_target(text, printed, sizeof(printed));
	CHECK_TEXT(printed, "the query has more parameters than this server takes");
}

static void escaped_text_decodes_to_itself(void)
{
	const char *text = "a b/ü?&=%+~._-\n";
	char escaped[128];
	size_t needed = http_escape(text, escaped, sizeof(escaped));
	CHECK_TEXT(escaped, "a%20b%2F%C3%BC%3F%26%3D%25%2B~._-%0A");
	CHECK_INT(needed, strlen(escaped) + 1);
	char small[6];
	CHECK_INT(http_escape(text, small, sizeof(small)), needed);
	CHECK_TEXT(small, "a%20b");
	CHECK_INT(http_escape("", small, sizeof(small)), 1);
	CHECK_TEXT(small, "");
	char target[160];
	snprintf(target, sizeof(target), "/%s?q=%s", escaped, escaped);
	char printed[160];
	char expected[160];
	print_target(target, printed, sizeof(printed));
	snprintf(expected, sizeof(expected), "%s|?q=%s", text, text);
	CHECK_TEXT(printed, expected);
}

/* The answer to one request on a connection of its own, that must have the status and the words. */
static void expect(struct world *world, const char *line, const char *status, const char *words)
{
	struct peer *peer = peer_create(world);
	char text[512];
	snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", line);
	peer_send(peer, text);
	CHECK(peer_wait_closed(peer));
	if (strncmp(peer->received + 9, status, 3) != 0 || strstr(peer->received, words) == NULL) {
		fprintf(stderr, "%s: not %s with %s:\n%s\n", line, status, words, peer->received);
		CHECK(false);
	}
	peer_destroy(peer);
}

static void most_specific_pattern_wins_whatever_its_method(void)
{
	struct world world;
	world_start(&world, NULL);
	expect(&world, "GET /items/7", "200", "\"id\":\"7\",\"pattern\":\"/items/{id}\"");
	expect(&world, "HEAD /items/7", "200", "Content-Length: 50\r\n");
	expect(&world, "POST /items/7:cancel", "200",
	        "\"id\":\"7\",\"pattern\":\"/items/{id}:cancel\"");
	expect(&world, "POST /items/7%3Acancel", "200", "\"id\":\"7\"");
	expect(&world, "POST /items/a%2Fb:c:cancel", "200", "\"id\":\"a/b:c\"");
	expect(&world, "GET /items/7:cancel", "405", "\r\nAllow: POST\r\n");
	expect(&world, "POST /items/7", "405", "\r\nAllow: GET, HEAD\r\n");
	expect(&world, "GET /items/7:start", "200", "\"id\":\"7:start\"");
	expect(&world, "PUT /items/7", "405", "urn:lucius:problem:method-not-allowed");
	expect(&world, "BREW /items/7", "405", "Allow: GET, HEAD\r\n");
	expect(&world, "get /items/7", "405", "Allow: GET, HEAD\r\n");
	expect(&world, "GET /items/", "404", "urn:lucius:problem:not-found");
	expect(&world, "POST /items/:cancel", "405", "Allow: GET, HEAD\r\n");
	expect(&world, "GET /items", "404", "'/items'");
	expect(&world, "GET /items/7/8", "404", "not-found");
	expect(&world, "GET /ITEMS/7", "404", "not-found");
	expect(&world, "GET //items/7", "404", "not-found");
	expect(&world, "BREW /none", "404", "not-found");
	expect(&world, "OPTIONS *", "404", "not-found");
	expect(&world, "GET /items/%ff", "400", "not UTF-8");
	expect(&world, "GET /items/7?a=%ff", "400", "not UTF-8");
	expect(&world, "GET /query?q=a+b%26", "200", "{\"q\":\"a b&\"}");
	expect(&world, "GET /query?q=", "200", "{\"q\":\"\"}");
	expect(&world, "GET /query?p=1", "200", "{\"q\":null}");
	expect(&world, "GET /query?q=1&q=2", "400", "twice");
	world_stop(&world);
}

static void media_type_is_compared_with_its_charset(void)
{
	static const char *const cases[][2] = {
		{ "application/json", "200" },
		{ "Application/JSON ; charset=utf-8", "200" },
		{ "application/json;charset=\"UTF-8\"", "200" },
		{ "application/json; charset=latin1", "415" },
		{ "application/jsonp", "415" },
		{ "text/plain", "415" },
		{ "", "415" },
	};
	struct world world;
	world_start(&world, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer *peer = peer_create(&world);
		char text[256];
		snprintf(text, sizeof(text),
		        "POST /json HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: "
		        "%s\r\n"
		        "Content-Length: 2\r\n\r\n{}",
		        cases[i][0]);
		peer_send(peer, text);
		CHECK(peer_wait_closed(peer));
		CHECK(strncmp(peer->received + 9, cases[i][1], 3) == 0);
		peer_destroy(peer);
	}
	world_stop(&world);
}

static void routes_can_be_listed(void)
{
	struct world world;
	world_start(&world, NULL);
	CHECK_INT(http_router_n_routes(world.router), 17);
	CHECK_TEXT(http_router_route(world.router, 0)->pattern, "/hello");
	CHECK_TEXT(http_router_route(world.router, 8)->method, "POST");
	CHECK_TEXT(http_router_route(world.router, 8)->pattern, "/items/{id}:cancel");
	world_stop(&world);
}

static void problem_has_its_members(void)
{
	const struct http_problem_error errors[] = { { "/a", "is \"bad\"" }, { "/b/0", "too" } };
	json_t *members = json_pack("{s:s}", "reason", "job-closed");
	const struct http_problem problem = {
		.kind = &http_problem_bad_request,
		.detail = "It is so.",
		.errors = errors,
		.n_errors = 2,
		.members = members,
	};
	size_t size;
	char *text = http_problem_print(&problem, &size);
	CHECK_TEXT(text,
	        "{\"type\":\"urn:lucius:problem:bad-request\","
	        "\"title\":\"The request cannot be understood\",\"status\":400,"
	        "\"detail\":\"It is so.\",\"errors\":[{\"pointer\":\"/a\",\"message\":"
	        "\"is \\\"bad\\\"\"},{\"pointer\":\"/b/0\",\"message\":\"too\"}],"
	        "\"reason\":\"job-closed\"}");
	CHECK_INT(size, strlen(text));
	free(text);
	json_decref(members);
	for (size_t i = 0; i < http_problem_n_kinds; i++) {
		CHECK(http_problem_kinds[i]->status >= 400 && http_problem_kinds[i]->status < 600);
	}
}

static void addresses_and_urls_are_taken_apart(void)
{
	struct http_url url;
	char *error = NULL;
	CHECK_INT(http_url_parse("http://[::1]:8001/v1?x=1", &url, &error), 0);
	CHECK_TEXT(url.address.host, "::1");
	CHECK_INT(url.address.port, 8001);
	CHECK_TEXT(url.target, "/v1?x=1");
	CHECK_INT(http_url_parse("HTTPS://host", &url, &error), 0);
	CHECK_INT(url.address.port, 443);
	CHECK(url.is_tls);
	CHECK_TEXT(url.target, "/");
	static const char *const bad[] = { "", "http://", "http://:80", "http://h:", "http://h:x",
		"host:80", "http://h/a b", "http://h?a=b", "http://[::1", "http://h#f" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_INT(http_url_parse(bad[i], &url, &error), -1);
		CHECK(error != NULL && strstr(error, "is not a URL") != NULL);
		free(error);
		error = NULL;
	}
}

static const struct suite_test tests[] = {
	SUITE_TEST(targets_are_decoded_after_they_are_split),
	SUITE_TEST(query_parameters_are_limited),
	SUITE_TEST(escaped_text_decodes_to_itself),
	SUITE_TEST(most_specific_pattern_wins_whatever_its_method),
	SUITE_TEST(media_type_is_compared_with_its_charset),
	SUITE_TEST(routes_can_be_listed),
	SUITE_TEST(problem_has_its_members),
	SUITE_TEST(addresses_and_urls_are_taken_apart),
};

int main(int argc, char **argv)
{
	return suite_run("http_router", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
