/* SPDX-License-Identifier: MIT */
/*
 * Decodes the chunked transfer coding (RFC 9112 §7.1) in place: the data of the chunks moves down
 * to form one piece, extensions and trailers are checked and dropped.
 */
#ifndef CORE_HTTP_CHUNKED_H
#define CORE_HTTP_CHUNKED_H

#include <stddef.h>
#include <stdint.h>

enum http_chunked_phase {
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_BYTES,
	HTTP_CHUNK_END,
	HTTP_CHUNK_TRAILERS,
	HTTP_CHUNK_DONE
};

enum http_chunked_result {
	HTTP_CHUNKED_MORE,
	HTTP_CHUNKED_DONE,
	HTTP_CHUNKED_TOO_LARGE, /* the body is over its limit */
	HTTP_CHUNKED_BAD /* reason says why; trailers over their limit too */
};

struct http_chunked {
	enum http_chunked_phase phase;
	size_t body_size; /* decoded so far; it stands at the start of the text */
	size_t at; /* what comes next of the undecoded bytes */
	size_t scanned; /* of the line that starts there */
	uint64_t left; /* of the chunk */
	size_t overhead; /* extensions and trailers so far */
	size_t n_trailers;
	const char *reason; /* static sentence */
};

struct http_chunked_limits {
	size_t max_body;
	size_t max_overhead; /* bytes of extensions and trailers */
	size_t max_trailers;
};

/*
 * Decodes what is there of the body that begins at body_at of a message. *size: the bytes of the
 * message in memory; on return it is less by those that were dropped. Start with a zeroed decoder.
 * When done, body_size is the body, and what follows it up to *size belongs to the next message.
 */
enum http_chunked_result http_chunked_decode(struct http_chunked *chunked,
        const struct http_chunked_limits *limits, char *message, size_t body_at, size_t *size);

#endif
