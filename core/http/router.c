/* SPDX-License-Identifier: MIT */
/*
 * Patterns are taken apart once, when they are added; a request is compared segment by segment with
 * each. Tables are short (some twenty routes), so nothing cleverer pays.
 */
#include "core/http/router.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/http/exchange.h"
#include "core/http/problem.h"
#include "core/http/reply.h"
#include "core/http/syntax.h"
#include "support/base/memory.h"

/* A segment of a pattern: text alone, or {name} with text behind it. */
struct piece {
	char *name; /* owned; NULL: text alone */
	char *text; /* owned */
	size_t text_size;
};

struct entry {
	struct http_route route;
	void *user; /* borrowed */
	size_t n_pieces;
	struct piece *pieces; /* owned */
	size_t weight; /* bytes of text: of two patterns that fit the heavier one is meant */
};

struct http_router {
	struct entry *entries; /* owned */
	size_t n_entries;
};

struct http_router *http_router_create(void)
{
	return must_calloc(1, sizeof(struct http_router));
}

void http_router_destroy(struct http_router *router)
{
	if (router == NULL) {
		return;
	}
	for (size_t i = 0; i < router->n_entries; i++) {
		struct entry *entry = &router->entries[i];
		for (size_t k = 0; k < entry->n_pieces; k++) {
			free(entry->pieces[k].name);
			free(entry->pieces[k].text);
		}
		free(entry->pieces);
	}
	free(router->entries);
	free(router);
}

static struct piece make_piece(const char *text, size_t size)
{
	struct piece piece = { 0 };
	if (size != 0 && text[0] == '{') {
		const char *end = memchr(text, '}', size);
		assert(end != NULL && end > text + 1);
		piece.name = must_copy(text + 1, (size_t)(end - text) - 1);
		size -= (size_t)(end - text) + 1;
		text = end + 1;
	}
	assert(memchr(text, '{', size) == NULL);
	piece.text = must_copy(text, size);
	piece.text_size = size;
	return piece;
}

static void add_entry(struct http_router *router, const struct http_route *route, void *user)
{
	assert(route->pattern[0] == '/' && route->handle != NULL);
	for (size_t i = 0; i < router->n_entries; i++) {
		const struct http_route *other = &router->entries[i].route;
		assert(strcmp(other->method, route->method) != 0 ||
		        strcmp(other->pattern, route->pattern) != 0);
	}
	struct entry entry = { .route = *route, .user = user };
	entry.pieces = must_calloc(HTTP_SEGMENTS_MAX, sizeof(*entry.pieces));
	size_t n_names = 0;
	const char *rest = route->pattern;
	while (*rest == '/') {
		assert(entry.n_pieces < HTTP_SEGMENTS_MAX);
		rest++;
		size_t size = strcspn(rest, "/");
		struct piece piece = make_piece(rest, size);
		entry.pieces[entry.n_pieces++] = piece;
		entry.weight += piece.text_size;
		n_names += piece.name != NULL ? 1 : 0;
		rest += size;
	}
	assert(n_names <= HTTP_PARAMETERS_MAX);
	router->entries =
	        must_resize(router->entries, router->n_entries + 1, sizeof(*router->entries));
	router->entries[router->n_entries++] = entry;
}

void http_router_add(
        struct http_router *router, const struct http_route *routes, size_t n_routes, void *user)
{
	for (size_t i = 0; i < n_routes; i++) {
		add_entry(router, &routes[i], user);
	}
}

size_t http_router_n_routes(const struct http_router *router)
{
	return router->n_entries;
}

const struct http_route *http_router_route(const struct http_router *router, size_t index)
{
	assert(index < router->n_entries);
	return &router->entries[index].route;
}

static bool fits_piece(const struct piece *piece, const char *segment)
{
	if (piece->name == NULL) {
		return strcmp(piece->text, segment) == 0;
	}
	size_t size = strlen(segment);
	return size > piece->text_size &&
	        strcmp(segment + size - piece->text_size, piece->text) == 0;
}

static bool fits(const struct entry *entry, const struct http_target *target)
{
	if (entry->n_pieces != target->n_segments) {
		return false;
	}
	for (size_t i = 0; i < entry->n_pieces; i++) {
		if (!fits_piece(&entry->pieces[i], target->segments[i])) {
			return false;
		}
	}
	return true;
}

/* The heaviest pattern that fits, under whichever method; NULL if none does. */
static const struct entry *find_path(
        const struct http_router *router, const struct http_target *target)
{
	const struct entry *best = NULL;
	for (size_t i = 0; i < router->n_entries; i++) {
		const struct entry *entry = &router->entries[i];
		if (fits(entry, target) && (best == NULL || entry->weight > best->weight)) {
			best = entry;
		}
	}
	return best;
}

static bool takes_method(const struct http_route *route, const char *method)
{
	return strcmp(route->method, method) == 0 ||
	        (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static const struct entry *find_method(
        const struct http_router *router, const struct entry *path, const char *method)
{
	for (size_t i = 0; i < router->n_entries; i++) {
		const struct entry *entry = &router->entries[i];
		if (strcmp(entry->route.pattern, path->route.pattern) == 0 &&
		        takes_method(&entry->route, method)) {
			return entry;
		}
	}
	return NULL;
}

static void refuse_method(
        const struct http_router *router, const struct entry *path, struct http_request *request)
{
	char allow[256] = "";
	size_t size = 0;
	for (size_t i = 0; i < router->n_entries; i++) {
		const struct http_route *route = &router->entries[i].route;
		if (strcmp(route->pattern, path->route.pattern) != 0) {
			continue;
		}
		int n_printed = snprintf(allow + size, sizeof(allow) - size, "%s%s%s",
		        size != 0 ? ", " : "", route->method,
		        strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
		assert(n_printed > 0 && (size_t)n_printed < sizeof(allow) - size);
		size += (size_t)n_printed;
	}
	http_request_refused(request, HTTP_REFUSED_NO_ROUTE);
	http_reply_header(request, "Allow", allow);
	http_reply_problemf(request, &http_problem_method_not_allowed,
	        "This path takes %s, not %s.", allow, http_request_method(request));
}

static void choose(struct http_request *request, const struct entry *entry)
{
	request->route = &entry->route;
	request->route_user = entry->user;
	for (size_t i = 0; i < entry->n_pieces; i++) {
		const struct piece *piece = &entry->pieces[i];
		if (piece->name == NULL) {
			continue;
		}
		char *segment = request->target.segments[i];
		segment[strlen(segment) - piece->text_size] = '\0';
		request->parameters[request->n_parameters++] =
		        (struct http_pair){ .name = piece->name, .value = segment };
	}
}

/* JSON is UTF-8 (RFC 8259 §8.1): a charset that says something else is another type. */
static bool is_media_type(const char *value, const char *expected)
{
	size_t size = strcspn(value, "; \t");
	if (!http_text_is(value, size, expected)) {
		return false;
	}
	const char *charset = strcasestr(value + size, "charset=");
	if (charset == NULL) {
		return true;
	}
	charset += sizeof("charset=") - 1;
	charset += *charset == '"' ? 1 : 0;
	return http_text_is(charset, strcspn(charset, "\"; \t"), "utf-8");
}

static bool admit_body(struct http_request *request)
{
	struct http_parser *parser = &request->parser;
	const struct http_route *route = request->route;
	if (route->max_body != 0) {
		parser->max_body = route->max_body;
	}
	if (parser->length > parser->max_body) {
		http_request_refused(request, HTTP_REFUSED_TOO_LARGE);
		http_reply_problemf(request, &http_problem_body_too_large,
		        "The body has %llu bytes, at most %zu are taken.",
		        (unsigned long long)parser->length, parser->max_body);
		return false;
	}
	const char *type = http_request_header(request, "Content-Type");
	if (route->body_type != NULL && (type == NULL || !is_media_type(type, route->body_type))) {
		http_request_refused(request, HTTP_REFUSED_MEDIA_TYPE);
		http_reply_problemf(request, &http_problem_unsupported_media_type,
		        "Content-Type is '%s', send the body as '%s'.", type != NULL ? type : "",
		        route->body_type);
		return false;
	}
	return true;
}

bool http_router_admit(const struct http_router *router, struct http_request *request)
{
	const struct entry *path = find_path(router, &request->target);
	if (path == NULL) {
		http_request_refused(request, HTTP_REFUSED_NO_ROUTE);
		http_reply_problemf(request, &http_problem_not_found, "There is nothing at '%s'.",
		        http_request_path(request));
		return false;
	}
	const struct entry *entry = find_method(router, path, http_request_method(request));
	if (entry == NULL) {
		refuse_method(router, path, request);
		return false;
	}
	choose(request, entry);
	if (entry->route.admit != NULL && !entry->route.admit(entry->user, request)) {
		return false;
	}
	return admit_body(request);
}

void http_router_handle(struct http_request *request)
{
	if (request->target.query_error != NULL) {
		http_request_refused(request, HTTP_REFUSED_MALFORMED);
		http_reply_problemf(request, &http_problem_bad_request,
		        "The request is refused: %s.", request->target.query_error);
		return;
	}
	request->route->handle(request->route_user, request);
}
