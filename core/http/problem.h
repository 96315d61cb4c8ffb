/* SPDX-License-Identifier: MIT */
/*
 * Error answers as application/problem+json (RFC 9457): type `urn:lucius:problem:<name>`, title,
 * status, detail, `errors` and further members. The HTTP layer's own kinds stand here; the API's
 * stand with the API.
 */
#ifndef CORE_HTTP_PROBLEM_H
#define CORE_HTTP_PROBLEM_H

#include <jansson.h>
#include <stddef.h>

struct http_request;

/* One kind for each thing that a program could tell apart. Static storage. */
struct http_problem_kind {
	unsigned status;
	const char *name; /* "job-not-found" */
	const char *title; /* the same for each problem of the kind */
};

extern const struct http_problem_kind http_problem_bad_request; /* 400 */
extern const struct http_problem_kind http_problem_unauthorized; /* 401 */
extern const struct http_problem_kind http_problem_forbidden; /* 403 */
extern const struct http_problem_kind http_problem_not_found; /* 404, no such path */
extern const struct http_problem_kind http_problem_method_not_allowed; /* 405 */
extern const struct http_problem_kind http_problem_request_timeout; /* 408 */
extern const struct http_problem_kind http_problem_body_too_large; /* 413 */
extern const struct http_problem_kind http_problem_uri_too_long; /* 414 */
extern const struct http_problem_kind http_problem_unsupported_media_type; /* 415 */
extern const struct http_problem_kind http_problem_expectation_failed; /* 417 */
extern const struct http_problem_kind http_problem_headers_too_large; /* 431 */
extern const struct http_problem_kind http_problem_internal; /* 500 */
extern const struct http_problem_kind http_problem_unavailable; /* 503 */
extern const struct http_problem_kind http_problem_version_not_supported; /* 505 */

/* All of the above, to be listed in the OpenAPI file. */
extern const struct http_problem_kind *const http_problem_kinds[];
extern const size_t http_problem_n_kinds;

struct http_problem_error {
	const char *pointer; /* JSON Pointer into the body, "/payload/steps/ocr" */
	const char *message;
};

/* Everything is borrowed for the call. */
struct http_problem {
	const struct http_problem_kind *kind;
	const char *detail; /* one sentence for a person; NULL: the title */
	const struct http_problem_error *errors;
	size_t n_errors;
	const json_t *members; /* an object of further members; may be NULL */
	unsigned retry_after_seconds; /* 0: no Retry-After */
};

/* The problem as JSON text (owned, from malloc). Bytes of detail that are not UTF-8 become U+FFFD.
 */
char *http_problem_print(const struct http_problem *problem, size_t *ret_size);

/* Answers with it. 401 gets `WWW-Authenticate: Bearer` besides. */
void http_reply_problem(struct http_request *request, const struct http_problem *problem);

/* The short form: a kind and its detail. */
__attribute__((format(printf, 3, 4))) void http_reply_problemf(struct http_request *request,
        const struct http_problem_kind *kind, const char *format, ...);

#endif
