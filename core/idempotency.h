/* SPDX-License-Identifier: MIT */
/* The hash by which a repeat of a command is recognised (SPEC 2, Idempotency). */
#ifndef CORE_IDEMPOTENCY_H
#define CORE_IDEMPOTENCY_H

#include <jansson.h>

enum {
	IDEMPOTENCY_HASH_SIZE = 65 /* 64 hexadecimal digits and a zero */
};

/* What is hashed, all borrowed. `request_type` is the one written with "->". */
struct idempotency_input {
	const char *tenant_id;
	const char *request_type;
	const char *doc_id; /* may be NULL */
	const json_t *input_ref;
	const json_t *output_ref;
	const json_t *payload;
	const char *schema_version;
};

/* Writes the lower-case hexadecimal SHA-256 of the canonical JSON of the input. */
void idempotency_hash(const struct idempotency_input *input, char ret_hash[IDEMPOTENCY_HASH_SIZE]);

#endif
