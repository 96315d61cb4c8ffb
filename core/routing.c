/* SPDX-License-Identifier: MIT */
/* Mode, key and lane; how a key's parts are lower-cased stands in strip_lower.c. */
#include "core/routing.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "core/strip_lower.h"
#include "support/base/memory.h"

enum { DEFAULT_LANES = 16 };

const char *routing_mode_text(enum routing_mode mode)
{
	return mode == ROUTING_BURST ? "BURST" : "DEFAULT";
}

enum routing_mode routing_mode_from_text(const char *text)
{
	if (strcmp(text, "BURST") == 0) {
		return ROUTING_BURST;
	}
	return strcmp(text, "DEFAULT") == 0 ? ROUTING_DEFAULT : ROUTING_UNSET;
}

static uint32_t crc_table[256];

static void fill_crc_table(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t remainder = byte;
		for (int bit = 0; bit < 8; bit++) {
			uint32_t divisor = (remainder & 1) != 0 ? UINT32_C(0xedb88320) : 0;
			remainder = (remainder >> 1) ^ divisor;
		}
		crc_table[byte] = remainder;
	}
}

uint32_t routing_crc32(const void *bytes, size_t size)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, fill_crc_table);
	uint32_t crc = UINT32_MAX;
	for (const uint8_t *at = bytes, *end = at + size; at < end; at++) {
		crc = (crc >> 8) ^ crc_table[(crc ^ *at) & 0xff];
	}
	return ~crc;
}

enum routing_mode routing_mode_resolve(
        enum routing_mode requested, const struct routing_config *config)
{
	if (requested != ROUTING_UNSET) {
		return requested;
	}
	return config->default_mode == ROUTING_BURST ? ROUTING_BURST : ROUTING_DEFAULT;
}

static char *make_key(enum routing_mode mode, const char *tenant_id, const char *doc_id)
{
	char *tenant_norm CLEANUP_FREE = strip_lower(tenant_id);
	if (mode == ROUTING_DEFAULT) {
		return steal(tenant_norm);
	}
	assert(doc_id != NULL);
	char *doc_norm CLEANUP_FREE = strip_lower(doc_id);
	return must_print("%s%s", tenant_norm, doc_norm);
}

void routing_decide(enum routing_mode requested, const char *tenant_id, const char *doc_id,
        const struct routing_config *config, struct routing *ret_routing)
{
	enum routing_mode mode = routing_mode_resolve(requested, config);
	uint32_t n_lanes = config->n_lanes != 0 ? config->n_lanes : DEFAULT_LANES;
	char *key = make_key(mode, tenant_id, doc_id);
	*ret_routing = (struct routing){
		.mode = mode,
		.lane = routing_crc32(key, strlen(key)) % n_lanes,
		.key = key,
		.decision_source = requested != ROUTING_UNSET ? "REQUEST" : "GLOBAL_CONFIG",
		.decision_reason = requested != ROUTING_UNSET ? "request.mode" : "default",
	};
}

void routing_finish(struct routing *routing)
{
	free(steal(routing->key));
}
