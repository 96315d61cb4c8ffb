/* SPDX-License-Identifier: MIT */
/* Decides once, when a command is accepted, which lane its steps take and why (SPEC 2, Routing). */
#ifndef CORE_ROUTING_H
#define CORE_ROUTING_H

#include <stddef.h>
#include <stdint.h>

#include "support/base/cleanup.h"

enum routing_mode {
	ROUTING_UNSET, /* the request names none */
	ROUTING_DEFAULT,
	ROUTING_BURST
};

struct routing_config {
	enum routing_mode default_mode; /* LUCIUS_DEFAULT_MODE; ROUTING_UNSET means DEFAULT */
	uint32_t n_lanes; /* LUCIUS_SERVICEBUS_LANES; 0 means 16 */
};

struct routing {
	enum routing_mode mode; /* never ROUTING_UNSET */
	uint32_t lane;
	char *key; /* owned; routing_key_used */
	const char *decision_source; /* static: "REQUEST" or "GLOBAL_CONFIG" */
	const char *decision_reason; /* static: "request.mode" or "default" */
};

/* "DEFAULT" or "BURST"; static. */
const char *routing_mode_text(enum routing_mode mode);
/* ROUTING_UNSET for any other text. */
enum routing_mode routing_mode_from_text(const char *text);

/* The mode that holds for a request with this mode (ROUTING_UNSET: it names none). */
enum routing_mode routing_mode_resolve(
        enum routing_mode requested, const struct routing_config *config);

/*
 * Fills *ret_routing (owned, routing_finish). `doc_id` may be NULL unless the resolved mode is
 * BURST. Both texts are valid UTF-8.
 */
void routing_decide(enum routing_mode requested, const char *tenant_id, const char *doc_id,
        const struct routing_config *config, struct routing *ret_routing);
void routing_finish(struct routing *routing);

/* CRC-32 as zlib's crc32(): reflected polynomial 0xedb88320, start and end inverted. */
uint32_t routing_crc32(const void *bytes, size_t size);

#endif
