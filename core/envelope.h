/* SPDX-License-Identifier: MIT */
/*
 * From the bytes of a request to a command that can be stored: envelope v1, protocol, step
 * payloads, hash and routing (SPEC 2). Two calls, since access is decided between them.
 */
#ifndef CORE_ENVELOPE_H
#define CORE_ENVELOPE_H

#include <jansson.h>
#include <stddef.h>

#include "core/idempotency.h"
#include "core/json_strict.h"
#include "core/registry.h"
#include "core/routing.h"
#include "core/traceparent.h"
#include "core/violations.h"
#include "support/base/cleanup.h"

/* In the order in which they are decided. */
enum command_fault {
	COMMAND_OK,
	COMMAND_MALFORMED_JSON, /* 400 malformed-json */
	COMMAND_INVALID_ENVELOPE, /* 422 invalid-envelope, with violations */
	COMMAND_UNKNOWN_REQUEST_TYPE, /* 400 unknown-request-type */
	COMMAND_MISSING_DOC_ID, /* 400 missing-doc-id */
	COMMAND_INVALID_STEPS /* 422 invalid-steps, with violations */
};

/* Why a request is no command. All zeros is empty. */
struct command_refusal {
	enum command_fault fault;
	char *detail; /* owned; one sentence */
	struct violations violations;
};

struct command_step {
	const struct protocol_step *definition; /* borrowed from the command's registry */
	json_t *payload; /* owned reference, an object */
};

struct command {
	json_t *envelope; /* owned; borrowed texts and values below live as long as it */
	const char *tenant_id;
	char *request_type; /* owned; written with "->" */
	const char *doc_id; /* may be NULL */
	const char *idempotency_key; /* may be NULL */
	const char *correlation_id; /* may be NULL */
	enum routing_mode mode; /* as requested, ROUTING_UNSET if it names none */
	json_t *input_ref; /* string or object */
	json_t *output_ref; /* string or object */
	json_t *workspace_ref; /* string or object; may be NULL */
	json_t *payload; /* object */
	char traceparent[TRACEPARENT_SIZE];

	/* Filled by command_resolve. */
	struct registry *registry; /* owned reference */
	const struct protocol *protocol; /* borrowed from the registry */
	struct command_step *steps; /* owned; protocol->n_steps of them, in order */
	struct routing routing; /* owned */
	char idempotency_hash[IDEMPOTENCY_HASH_SIZE];
};

/* What fills a buffer with random bytes. */
struct command_random {
	void (*fill)(void *user, void *buffer, size_t size);
	void *user;
};

/*
 * Parses and validates an envelope; COMMAND_OK, COMMAND_MALFORMED_JSON or COMMAND_INVALID_ENVELOPE.
 * On COMMAND_OK *ret_command is owned; otherwise *ret_refusal says why. An optional member that is
 * null counts as absent. A traceparent that is absent, or a text that W3C Trace Context calls
 * malformed, is made anew from `random` (NULL: the system's); one that is no text is a violation.
 * `limits` may be NULL.
 */
enum command_fault command_read(const char *text, size_t size, const struct json_limits *limits,
        const struct command_random *random, struct command **ret_command,
        struct command_refusal *ret_refusal);

/*
 * Finds the protocol and the payload of each step, checks them, hashes and routes; COMMAND_OK,
 * COMMAND_UNKNOWN_REQUEST_TYPE, COMMAND_MISSING_DOC_ID or COMMAND_INVALID_STEPS. Called once.
 */
enum command_fault command_resolve(struct command *command, struct registry *registry,
        const struct routing_config *config, struct command_refusal *ret_refusal);

/* Takes NULL. */
void command_destroy(struct command *command);
void command_refusal_finish(struct command_refusal *refusal);

/* The name after "urn:lucius:problem:" and the HTTP status of a fault; NULL and 0 for COMMAND_OK.
 */
const char *command_fault_problem(enum command_fault fault);
int command_fault_status(enum command_fault fault);

CLEANUP_DEFINE(struct command *, command, command_destroy)
#define CLEANUP_COMMAND_REFUSAL CLEANUP(command_refusal_finish)

#endif
