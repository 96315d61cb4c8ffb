/* SPDX-License-Identifier: MIT */
/*
 * The protocols: which steps a request type stands for, each with the compiled schema of its
 * payload. Immutable once loaded and counted, so that a reload leaves running requests alone.
 */
#ifndef CORE_REGISTRY_H
#define CORE_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

#include "core/json_schema.h"
#include "support/base/cleanup.h"

struct registry;

/* 0 where the protocol leaves the configured value. */
struct timeout_overrides {
	uint32_t step_result_timeout_seconds;
	uint32_t lease_minutes;
	uint32_t max_attempts;
};

/* All texts are owned by the registry. */
struct protocol_step {
	const char *step_id;
	const char *step_type;
	const char *service;
	const char *payload_schema_ref;
	const struct json_schema *schema;
	struct timeout_overrides overrides;
};

struct protocol {
	const char *protocol_id;
	const struct protocol_step *steps;
	size_t n_steps; /* at least 1 */
};

/*
 * Reads the protocols file and the schemas that it names from `schemas_dir` (NULL: "schemas/steps"
 * beside the protocols file). Returns an owned reference, or NULL with one owned sentence that
 * names file and JSON pointer.
 */
struct registry *registry_load(
        const char *protocols_file, const char *schemas_dir, char **ret_sentence);
/* As registry_load, of a text; where says in sentences where it comes from, and the schemas are
 * those beside the file. */
struct registry *registry_parse(
        const char *text, const char *where, const char *protocols_file, char **ret_sentence);
/* One more owned reference to the same object. */
struct registry *registry_ref(struct registry *registry);
/* Gives a reference back; takes NULL. The last one frees. */
void registry_unref(struct registry *registry);

/* The protocol of a request type ("→" is taken for "->"), borrowed from the registry, or NULL. */
const struct protocol *registry_resolve(const struct registry *registry, const char *request_type);
/* The protocol with this id, or NULL. */
const struct protocol *registry_find(const struct registry *registry, const char *protocol_id);

/* The request type with each "→" written as "->", owned. */
char *registry_normalise_request_type(const char *request_type);

/* All request types for a sentence, OCR, SIS and so on, cut where it gets long; owned. */
char *registry_request_types(const struct registry *registry);

/* All protocols, in the order of the file. */
const struct protocol *registry_protocols(const struct registry *registry, size_t *ret_n);

CLEANUP_DEFINE(struct registry *, registry, registry_unref)

#endif
