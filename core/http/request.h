/* SPDX-License-Identifier: MIT */
/*
 * One request as a handler sees it. Everything returned here is borrowed and stays as it is until
 * the reply is given (core/http/reply.h), also when the peer has gone meanwhile.
 */
#ifndef CORE_HTTP_REQUEST_H
#define CORE_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_request;

/* "GET", "POST", …; a HEAD request arrives at the GET route as "HEAD". */
const char *http_request_method(const struct http_request *request);

/* The path as it was sent (still percent-encoded, without the query): for logs. */
const char *http_request_path(const struct http_request *request);

/* The pattern of the route that was chosen, "/v1/jobs/{job_id}"; NULL if none was. */
const char *http_request_pattern(const struct http_request *request);

/* The decoded value of `{name}` of the route's pattern; never empty; NULL if it has no such name.
 */
const char *http_request_parameter(const struct http_request *request, const char *name);

/*
 * The decoded value of a query parameter (may be ""), NULL if it was not sent. Valid UTF-8 without
 * U+0000. A query that names a parameter twice never reaches a handler (400).
 */
const char *http_request_query(const struct http_request *request, const char *name);

/*
 * The value of a header without the white space around it, NULL if it was not sent. Names are
 * compared without regard to case. Of a header sent several times the first; Host, Content-Length,
 * Content-Type, Authorization, Transfer-Encoding and Expect cannot be sent twice (400).
 */
const char *http_request_header(const struct http_request *request, const char *name);

/* The body, decoded from chunks if it came so. Not terminated by NUL; NULL if there is none. */
const char *http_request_body(const struct http_request *request, size_t *ret_size);

/* Like "127.0.0.1:50412" or "[::1]:50412". */
const char *http_request_peer(const struct http_request *request);

/* The peer will not see the reply (it has gone, or was answered that it took too long). */
bool http_request_is_gone(const struct http_request *request);

/* Since the first byte of the request came, in microseconds. */
uint64_t http_request_age_us(const struct http_request *request);

#endif
