/* SPDX-License-Identifier: MIT */
/*
 * The handler of OCR steps. One directive in, one reference to the text out:
 * request -> fetch -> document -> pages -> pictures -> texts -> result -> output.
 */
#include "consumers/common/environment.h"
#include "consumers/handlers/common/fetch.h"
#include "consumers/handlers/common/handler.h"
#include "consumers/handlers/common/output.h"
#include "consumers/handlers/common/workspace.h"
#include "consumers/handlers/ocr/page_range.h"
#include "consumers/handlers/ocr/result.h"
#include "support/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { USUAL_MAX_MIB = 256 };

static const char help[] =
        "Usage: lucius-consumer --step-type OCR -- lucius-handler-ocr\n"
        "\n"
        "Reads a directive on standard input, reads the text of the PNG, JPEG, TIFF or PDF that "
        "its\n"
        "input_ref names, and prints a reference to the text. Needs tesseract and poppler-utils.\n"
        "\n"
        "payload: output_format TEXT (default) or JSON; language_hint, such as eng, de, deu+eng;\n"
        "page_range, such as 1-3,5; ocr_engine tesseract.\n"
        "\n"
        "  LUCIUS_INPUT_ROOT           files outside this directory are refused\n"
        "  LUCIUS_INPUT_MAX_MIB        largest document (256)\n"
        "  LUCIUS_FETCH_SECONDS        longest download (60)\n"
        "  LUCIUS_OUTPUT_DIR           results whose output_ref is no path of this machine\n"
        "  LUCIUS_OUTPUT_ROOT          results outside this directory are refused\n"
        "  LUCIUS_OCR_LANGUAGE         language without a hint (eng)\n"
        "  LUCIUS_OCR_SECONDS          longest run (600)\n"
        "  LUCIUS_OCR_MAX_PAGES        most pages of one run (200)\n"
        "  LUCIUS_OCR_MAX_MEGAPIXELS   largest page (100)\n"
        "  LUCIUS_OCR_MEMORY_MIB       most memory of each program (4096)\n"
        "  LUCIUS_OCR_DPI              resolution of PDF pages (300)\n"
        "  OMP_THREAD_LIMIT            threads of tesseract (1)\n";

struct request {
	const char *page_range; /* borrowed from the directive, may be NULL */
	const char *language_hint;
	bool is_json;
};

static int check_engine(const char *engine, struct fault *fault)
{
	if (engine == NULL || strcasecmp(engine, "tesseract") == 0 ||
	        strcasecmp(engine, "default") == 0 || strcasecmp(engine, "auto") == 0) {
		return 0;
	}
	return fault_final(fault, "PAYLOAD_INVALID",
	        "ocr_engine is '%s'; this consumer has 'tesseract'.", engine);
}

static int check_format(const char *format, struct fault *fault, bool *ret_is_json)
{
	*ret_is_json = format != NULL && strcasecmp(format, "JSON") == 0;
	if (format == NULL || *ret_is_json || strcasecmp(format, "TEXT") == 0) {
		return 0;
	}
	return fault_final(fault, "PAYLOAD_INVALID",
	        "output_format is '%s'; TEXT or JSON is accepted.", format);
}

static int request_read(
        const struct directive *directive, struct fault *fault, struct request *ret_request)
{
	struct request request = { 0 };
	const char *format = NULL;
	const char *engine = NULL;
	int status = directive_text(directive, "page_range", fault, &request.page_range);
	if (status == 0) {
		status = directive_text(directive, "language_hint", fault, &request.language_hint);
	}
	if (status == 0) {
		status = directive_text(directive, "output_format", fault, &format);
	}
	if (status == 0) {
		status = directive_text(directive, "ocr_engine", fault, &engine);
	}
	if (status == 0) {
		status = check_format(format, fault, &request.is_json);
	}
	if (status == 0) {
		status = check_engine(engine, fault);
	}
	if (request.language_hint == NULL) {
		const char *language = environment_text("LUCIUS_OCR_LANGUAGE");
		request.language_hint = language != NULL ? language : "eng";
	}
	*ret_request = request;
	return status;
}

static int read_page(const struct document *document, uint32_t number, const char *languages,
        struct fault *fault, struct page_text *ret_text)
{
	CLEANUP(page_picture_finish) struct page_picture picture = { 0 };
	int status = document_page(document, number, fault, &picture);
	return status == 0 ? tesseract_read(document, &picture, languages, fault, ret_text)
	                   : status;
}

static int read_pages(const struct document *document, const struct page_list *pages,
        struct fault *fault, struct result *result)
{
	result->pages = must_calloc(pages->n_pages, sizeof(result->pages[0]));
	for (size_t i = 0; i < pages->n_pages; i++) {
		int status = read_page(
		        document, pages->numbers[i], result->languages, fault, &result->pages[i]);
		if (status != 0) {
			return status;
		}
		result->n_pages++;
	}
	return 0;
}

static int read_document(struct document *document, const struct request *request,
        struct fault *fault, struct result *result)
{
	CLEANUP(page_list_finish) struct page_list pages = { 0 };
	int status = document_open(document, fault);
	if (status == 0) {
		status = page_range_read(request->page_range, document->n_pages,
		        document->settings->max_pages, fault, &pages);
	}
	return status == 0 ? read_pages(document, &pages, fault, result) : status;
}

static int write_result(const struct directive *directive, const struct source *source,
        const struct result *result, bool is_json, struct fault *fault, json_t **ret_reference)
{
	CLEANUP_FREE char *bytes = is_json ? result_json(result) : result_text(result);
	struct output output = {
		.suffix = is_json ? ".json" : ".txt",
		.content_type = is_json ? "application/json" : "text/plain; charset=utf-8",
		.bytes = bytes,
		.size = strlen(bytes),
	};
	return output_write(
	        directive, source, &output, result_metadata(result), fault, ret_reference);
}

static int fetch_source(const struct directive *directive, const char *path, struct fault *fault,
        struct source *source)
{
	struct fetch_limits limits;
	int status = source_resolve(directive->input_ref, "input_ref", fault, source);
	if (status == 0) {
		status = fetch_limits_read(USUAL_MAX_MIB, fault, &limits);
	}
	return status == 0 ? fetch(source, &limits, path, fault) : status;
}

static int run(const struct directive *directive, struct fault *fault, json_t **ret_reference)
{
	struct request request;
	struct settings settings;
	CLEANUP_FREE char *languages = NULL;
	CLEANUP(cleanup_workspace) char *workspace = NULL;
	CLEANUP(source_finish) struct source source = { 0 };
	int status = request_read(directive, fault, &request);
	if (status == 0) {
		status = settings_read(fault, &settings);
	}
	if (status == 0) {
		status = tesseract_languages(request.language_hint, &settings, fault, &languages);
	}
	if (status == 0) {
		status = workspace_create(fault, &workspace);
	}
	if (status != 0) {
		return status;
	}
	CLEANUP_FREE char *path = workspace_file(workspace, "input");
	status = fetch_source(directive, path, fault, &source);
	CLEANUP(document_close)
	struct document document = { .path = path,
		.shown = source.shown,
		.workspace = workspace,
		.settings = &settings,
		.fd = -1 };
	CLEANUP(result_finish)
	struct result result = { .document = &document, .languages = languages };
	if (status == 0) {
		status = read_document(&document, &request, fault, &result);
	}
	return status != 0
	        ? status
	        : write_result(directive, &source, &result, request.is_json, fault, ret_reference);
}

int main(int argc, char **argv)
{
	static const struct handler handler = { "lucius-handler-ocr", help, run };
	/* Threads of tesseract cost more than they bring, and several handlers share the machine.
	 */
	if (setenv("OMP_THREAD_LIMIT", "1", 0) != 0 || setenv("LC_ALL", "C", 1) != 0) {
		return EX_OSERR;
	}
	return handler_main(&handler, argc, argv);
}
