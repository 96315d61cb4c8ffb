/* SPDX-License-Identifier: MIT */
/* Microseconds from the bytes of a usual request to a command, and the parts; jansson beside it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/envelope.h"
#include "core/json_arena.h"
#include "core/json_writer.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

enum { N_RUNS = 200000 };

static const char body[] =
        "{\"tenant_id\": \"tenant-0042\", \"request_type\": \"OCR->EMBEDDING\", \"input_ref\": "
        "{\"uri\": "
        "\"https://storage.example/in/4711.pdf\", \"size_bytes\": 123456, \"content_type\": "
        "\"application/pdf\"}, \"output_ref\": \"https://storage.example/out/4711\", \"payload\": "
        "{\"steps\": {\"ocr\": {\"output_format\": \"TEXT\", \"language_hint\": \"de\"}, "
        "\"embedding\": "
        "{\"model\": \"text-embedding-3-large\", \"chunking\": {\"max_tokens\": 512, "
        "\"overlap_tokens\": "
        "64}}}}, \"schema_version\": \"v1\", \"doc_id\": \"4711\"}";

static const struct routing_config routing = { 0 };
static struct registry *registry;

static void run_command(void)
{
	struct command_refusal refusal CLEANUP_COMMAND_REFUSAL = { 0 };
	struct command *command CLEANUP(cleanup_command) = NULL;
	if (command_read(body, sizeof(body) - 1, NULL, NULL, &command, &refusal) != COMMAND_OK ||
	        command_resolve(command, registry, &routing, &refusal) != COMMAND_OK) {
		abort();
	}
}

static void run_strict(void)
{
	struct json_fault fault;
	json_decref(must_have(json_strict_parse(body, sizeof(body) - 1, NULL, &fault)));
}

static void run_jansson(void)
{
	json_decref(must_have(json_loadb(body, sizeof(body) - 1, JSON_REJECT_DUPLICATES, NULL)));
}

static json_t *tree;

static void run_writer(void)
{
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	json_writer_json(&writer, tree);
}

static void run_dumps(void)
{
	char *text CLEANUP_FREE = json_dumps(tree, JSON_COMPACT);
	(void)must_have(text);
}

static void run_hash(void)
{
	const struct idempotency_input input = {
		.tenant_id = "tenant-0042",
		.request_type = "OCR->EMBEDDING",
		.doc_id = "4711",
		.input_ref = json_object_get(tree, "input_ref"),
		.output_ref = json_object_get(tree, "output_ref"),
		.payload = json_object_get(tree, "payload"),
		.schema_version = "v1",
	};
	char hash[IDEMPOTENCY_HASH_SIZE];
	idempotency_hash(&input, hash);
}

static double seconds(void)
{
	struct timespec now;
	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
		abort();
	}
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void measure(const char *what, void (*run)(void))
{
	double start = seconds();
	for (int i = 0; i < N_RUNS; i++) {
		run();
	}
	printf("%-28s %6.2f us\n", what, (seconds() - start) / N_RUNS * 1e6);
}

int main(void)
{
	char *sentence CLEANUP_FREE = NULL;
	json_arena_install();
	registry = must_have(registry_load(SOURCE_ROOT "/etc/protocols.json", NULL, &sentence));
	tree = must_have(json_loadb(body, sizeof(body) - 1, 0, NULL));
	printf("a request of %zu bytes\n", sizeof(body) - 1);
	measure("request to command", run_command);
	measure("  strict parse", run_strict);
	measure("  idempotency hash", run_hash);
	measure("parse by jansson", run_jansson);
	measure("write a tree", run_writer);
	measure("json_dumps of the tree", run_dumps);
	json_decref(tree);
	registry_unref(registry);
	return 0;
}
