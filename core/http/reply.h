/* SPDX-License-Identifier: MIT */
/*
 * Answers a request: exactly once, in the handler's call or at any later time. The reply ends the
 * request: the pointer and all that was read from it are invalid afterwards. Replying to a peer
 * that has gone, or after the server was destroyed, is right and has no effect but to free it.
 * Everything is called on the loop's thread. No handler runs inside these calls.
 */
#ifndef CORE_HTTP_REPLY_H
#define CORE_HTTP_REPLY_H

#include <jansson.h>
#include <stddef.h>

struct http_request;

/*
 * Adds a header to the reply that will be given (Location, Retry-After, Allow, …). Content-Type,
 * Content-Length, Connection and Date are the server's. Both are copied. A value that may not stand
 * in a header (control characters) or that goes over 2 KiB of headers is a bug and aborts: escape
 * what comes from outside with http_escape().
 */
void http_reply_header(struct http_request *request, const char *name, const char *value);

/*
 * The reply. The body is copied as far as it cannot be written at once; it is not sent for HEAD.
 * content_type may be NULL if size is 0.
 */
void http_reply(struct http_request *request, unsigned status, const char *content_type,
        const void *body, size_t size);

/* As http_reply(), but takes the body (owned, from malloc; may be NULL if size is 0). */
void http_reply_owned(struct http_request *request, unsigned status, const char *content_type,
        char *body, size_t size);

/* The reply as compact application/json; the value is borrowed. */
void http_reply_json(struct http_request *request, unsigned status, const json_t *value);

#endif
