/* SPDX-License-Identifier: MIT */
/* The parts of gRPC over HTTP/2 that are only bytes and numbers ("gRPC over HTTP2"). */
#ifndef SUPPORT_GRPC_WIRE_H
#define SUPPORT_GRPC_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/grpc/grpc.h"

#define GRPC_PREFIX_SIZE 5u /* flag and length in front of a message */
#define GRPC_TIMEOUT_SIZE 12 /* bytes that a grpc-timeout text needs, NUL included */

/* Writes the prefix of an uncompressed message. */
void grpc_prefix_write(uint8_t prefix[GRPC_PREFIX_SIZE], uint32_t message_size);

/* The value of a grpc-timeout header: at most eight digits and a unit. */
void grpc_timeout_print(uint32_t timeout_ms, char ret_text[GRPC_TIMEOUT_SIZE]);

/* Undoes percent-encoding in place; what is no encoding stays. Returns the new size. */
size_t grpc_percent_decode(char *text, size_t size);

/* Decodes base64 with or without padding into room for size bytes. False: it is none. */
bool grpc_base64_decode(const char *text, size_t size, uint8_t *ret_bytes, size_t *ret_size);

/* The value of a grpc-status header. False: it is no number from 0 to 16. */
bool grpc_status_parse(const char *text, size_t size, enum grpc_status *ret_status);

/* What an HTTP status means where there is no grpc-status. */
enum grpc_status grpc_status_of_http(int http_status);

/* The bytes of one answer as they come. All zeros is empty. */
struct grpc_body {
	uint8_t *bytes; /* owned */
	size_t size;
	size_t room;
};
/* False: the message would be larger than max. */
bool grpc_body_append(struct grpc_body *body, const uint8_t *bytes, size_t size, size_t max);
void grpc_body_finish(struct grpc_body *body);

enum grpc_body_state {
	GRPC_BODY_EMPTY,
	GRPC_BODY_PARTIAL,
	GRPC_BODY_ONE, /* exactly one whole message */
	GRPC_BODY_COMPRESSED,
	GRPC_BODY_MORE /* something follows the first message */
};
enum grpc_body_state grpc_body_state(const struct grpc_body *body);

#endif
