/* SPDX-License-Identifier: MIT */
/*
 * The handler of EMBEDDING steps. One directive in, one reference to vectors out:
 * request -> fetch -> text -> chunks -> calls in batches -> result -> output.
 */
#include "consumers/common/text.h"
#include "consumers/handlers/common/fetch.h"
#include "consumers/handlers/common/handler.h"
#include "consumers/handlers/common/output.h"
#include "consumers/handlers/common/workspace.h"
#include "consumers/handlers/embedding/input.h"
#include "consumers/handlers/embedding/result.h"

#include <inttypes.h>
#include <string.h>

enum { USUAL_MAX_MIB = 16 };

static const char help[] =
        "Usage: lucius-consumer --step-type EMBEDDING -- lucius-handler-embedding\n"
        "\n"
        "Reads a directive on standard input, embeds the text of the step before (else of "
        "input_ref)\n"
        "by a service with OpenAI's /v1/embeddings, and prints a reference to the vectors.\n"
        "\n"
        "payload: model; normalize; dimensions; chunking {strategy fixed (default), sentence,\n"
        "paragraph or none; max_tokens (512); overlap_tokens (0)}. A token is counted as four "
        "letters.\n"
        "\n"
        "  EMBEDDING_URL               https://api.openai.com/v1, http://host:port, or the whole\n"
        "                              address of a call (else OPENAI_BASE_URL)\n"
        "  EMBEDDING_API_KEY(_FILE)    the key, or a file that holds it (else "
        "OPENAI_API_KEY(_FILE))\n"
        "  EMBEDDING_MODEL             model of payloads that name none\n"
        "  LUCIUS_EMBEDDING_SECONDS    longest run (300)\n"
        "  LUCIUS_EMBEDDING_BATCH      texts of one call (64)\n"
        "  LUCIUS_EMBEDDING_MAX_CHUNKS most chunks of a document (10000)\n"
        "  LUCIUS_INPUT_ROOT           files outside this directory are refused\n"
        "  LUCIUS_INPUT_MAX_MIB        largest text (16)\n"
        "  LUCIUS_FETCH_SECONDS        longest download (60)\n"
        "  LUCIUS_OUTPUT_DIR           results whose output_ref is no path of this machine\n"
        "  LUCIUS_OUTPUT_ROOT          results outside this directory are refused\n";

static int fetch_text(const struct directive *directive, struct fault *fault, struct source *source,
        char **ret_text)
{
	CLEANUP(cleanup_workspace) char *workspace = NULL;
	struct fetch_limits limits;
	bool is_result = directive->previous_result_ref != NULL;
	int status =
	        source_resolve(is_result ? directive->previous_result_ref : directive->input_ref,
	                is_result ? "previous_result_ref" : "input_ref", fault, source);
	source->is_result = is_result;
	if (status == 0) {
		status = fetch_limits_read(USUAL_MAX_MIB, fault, &limits);
	}
	if (status == 0) {
		status = workspace_create(fault, &workspace);
	}
	if (status != 0) {
		return status;
	}
	CLEANUP_FREE char *path = workspace_file(workspace, "input");
	status = fetch(source, &limits, path, fault);
	return status == 0 ? input_read(path, source, fault, ret_text) : status;
}

static json_t *chunk_texts(
        const char *text, const struct chunk_list *chunks, size_t first, size_t n_texts)
{
	json_t *texts = json_array();
	for (size_t i = first; i < first + n_texts; i++) {
		const struct chunk *chunk = &chunks->chunks[i];
		json_t *value = json_stringn(text + chunk->begin, chunk->end - chunk->begin);
		if (json_array_append_new(texts, value) != 0) {
			text_abort_no_memory();
		}
	}
	return texts;
}

static int embed_chunks(const struct settings *settings, const struct request *request,
        const char *text, const struct chunk_list *chunks, struct fault *fault,
        struct vectors *vectors)
{
	size_t batch_size = (size_t)settings->batch_size;
	for (size_t first = 0; first < chunks->n_chunks; first += batch_size) {
		size_t left = chunks->n_chunks - first;
		json_t *texts =
		        chunk_texts(text, chunks, first, left < batch_size ? left : batch_size);
		struct client_request call = { request->model, texts, request->dimensions };
		int status = client_embed(settings, &call, fault, vectors);
		json_decref(texts);
		if (status != 0) {
			return status;
		}
	}
	if (request->is_normalized) {
		result_normalize(vectors);
	}
	return 0;
}

static int embed_text(const struct settings *settings, const struct request *request,
        const char *text, struct fault *fault, struct output *output, json_t **ret_metadata)
{
	CLEANUP(chunk_list_finish) struct chunk_list chunks = { 0 };
	CLEANUP(vectors_finish) struct vectors vectors = { 0 };
	if (!chunk_text(text, strlen(text), &request->chunking, (size_t)settings->max_chunks,
	            &chunks)) {
		return fault_final(fault, "TOO_MANY_CHUNKS",
		        "The text makes more than %" PRId64
		        " chunks; raise chunking.max_tokens or LUCIUS_EMBEDDING_MAX_CHUNKS.",
		        settings->max_chunks);
	}
	int status = embed_chunks(settings, request, text, &chunks, fault, &vectors);
	if (status == 0) {
		output->bytes = result_json(request, &chunks, &vectors, &output->size);
		*ret_metadata = result_metadata(request, &vectors);
	}
	return status;
}

static int run(const struct directive *directive, struct fault *fault, json_t **ret_reference)
{
	CLEANUP(settings_finish) struct settings settings = { 0 };
	CLEANUP(source_finish) struct source source = { 0 };
	CLEANUP_FREE char *text = NULL;
	struct request request;
	json_t *metadata = NULL;
	struct output output = { .suffix = ".json", .content_type = "application/json" };
	int status = settings_read(fault, &settings);
	if (status == 0) {
		status = request_read(directive, settings.model, fault, &request);
	}
	if (status == 0) {
		status = fetch_text(directive, fault, &source, &text);
	}
	if (status == 0) {
		status = embed_text(&settings, &request, text, fault, &output, &metadata);
	}
	if (status == 0) {
		status = output_write(directive, &source, &output, metadata, fault, ret_reference);
	}
	free((char *)output.bytes);
	return status;
}

int main(int argc, char **argv)
{
	static const struct handler handler = { "lucius-handler-embedding", help, run };
	return handler_main(&handler, argc, argv);
}
