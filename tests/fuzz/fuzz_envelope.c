/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a request through reader, envelope, schemas, hash and routing. What is taken must,
 * written out and read again, be the same command.
 */
#include <assert.h>
#include <string.h>

#include "core/envelope.h"
#include "core/json_arena.h"
#include "core/json_writer.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/fuzz/fuzz.h"

static const struct routing_config routing = { 0 };

static struct registry *shared_registry(void)
{
	static struct registry *registry;
	if (registry == NULL) {
		json_arena_install();
		char *sentence CLEANUP_FREE = NULL;
		registry = must_have(
		        registry_load(SOURCE_ROOT "/etc/protocols.json", NULL, &sentence));
	}
	return registry;
}

/* The command, or NULL where the request is refused; a refusal always has its sentence. */
static struct command *take(const char *text, size_t size)
{
	struct command_refusal refusal CLEANUP_COMMAND_REFUSAL = { 0 };
	struct command *command CLEANUP(cleanup_command) = NULL;
	enum command_fault fault = command_read(text, size, NULL, NULL, &command, &refusal);
	if (fault == COMMAND_OK) {
		fault = command_resolve(command, shared_registry(), &routing, &refusal);
	}
	assert((fault == COMMAND_OK) == (refusal.detail == NULL));
	return fault == COMMAND_OK ? steal(command) : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	(void)shared_registry(); /* and with it the place of the trees */
	struct command *command CLEANUP(cleanup_command) = take((const char *)bytes, size);
	if (command == NULL) {
		return 0;
	}
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	json_writer_json(&writer, command->envelope);
	struct command *again CLEANUP(cleanup_command) = take(writer.text, writer.size);
	assert(again != NULL);
	assert(strcmp(again->idempotency_hash, command->idempotency_hash) == 0);
	assert(strcmp(again->routing.key, command->routing.key) == 0);
	return 0;
}
