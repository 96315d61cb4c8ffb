/* SPDX-License-Identifier: MIT */
/*
 * The target of a request line taken apart: decoded path segments and query parameters. Nothing is
 * normalised: "//", "." and ".." stay segments, "%2F" becomes a '/' inside one segment.
 */
#ifndef CORE_HTTP_TARGET_H
#define CORE_HTTP_TARGET_H

#include <stddef.h>

enum { HTTP_SEGMENTS_MAX = 16, HTTP_QUERY_MAX = 32 };

struct http_pair {
	const char *name;
	const char *value;
};

struct http_target {
	const char *path; /* as sent, without query */
	size_t n_segments;
	char *segments[HTTP_SEGMENTS_MAX]; /* n_segments is 0 if there are more than that */
	size_t n_query;
	struct http_pair query[HTTP_QUERY_MAX];
	const char *query_error; /* a sentence if the query cannot be decoded; static */
};

/* Bytes of scratch memory that http_target_parse() needs for a target of this size. */
size_t http_target_scratch(size_t target_size);

/*
 * Takes "/a/b?c=d", "http://host/a/b" (the authority is dropped) or "*". All pointers of the result
 * lie in scratch. Returns NULL, or a sentence (static) if the path is not valid.
 */
const char *http_target_parse(
        const char *text, size_t size, char *scratch, struct http_target *ret_target);

/*
 * Percent-encodes all but unreserved characters (RFC 3986 §2.3), so that the text can stand in a
 * path segment or a query value. Returns the size needed with NUL, like snprintf() writes no more
 * than size.
 */
size_t http_escape(const char *text, char *ret_text, size_t size);

#endif
