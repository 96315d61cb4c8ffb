/* SPDX-License-Identifier: MIT */
/* Runs tesseract on one picture and collects text and confidence; see tesseract.h. */
#include "consumers/handlers/ocr/tesseract.h"

#include "consumers/common/text.h"
#include "consumers/handlers/common/child.h"
#include "consumers/handlers/common/workspace.h"
#include "consumers/handlers/ocr/tool.h"
#include "support/base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum {
	PAGE_TEXT_MAX_BYTES = 16 * 1024 * 1024,
	TSV_COLUMN_CONFIDENCE = 10,
	TSV_LEVEL_WORD = '5',
};

CLEANUP_DEFINE(FILE *, file, fclose)

/*
 * The picture goes in by standard input, never by name: tesseract takes a named file that it
 * cannot recognise for a list of other files, and reads those.
 */
static void run(const struct document *document, const struct page_picture *picture,
        const char *languages, struct child_end *end)
{
	char dpi[16];
	char page_number[48];
	CLEANUP_FREE char *base = workspace_file(document->workspace, "text");
	(void)snprintf(dpi, sizeof(dpi), "%" PRIu32, picture->dpi);
	(void)snprintf(page_number, sizeof(page_number), "tessedit_page_number=%" PRIu32,
	        picture->picture_number - 1);
	const char *argv[20] = { "tesseract", "stdin", base, "-l", languages, "-c",
		"page_separator=", "-c", "tessedit_create_txt=1", "-c", "tessedit_create_tsv=1" };
	size_t n_arguments = 11;
	if (picture->dpi > 0) {
		argv[n_arguments++] = "--dpi";
		argv[n_arguments++] = dpi;
	}
	if (picture->kind == DOCUMENT_TIFF) {
		argv[n_arguments++] = "-c";
		argv[n_arguments++] = page_number;
	}
	struct child_limits limits = tool_limits(document->settings);
	limits.input_path = picture->path;
	child_run(argv, &limits, end);
}

/* Reads a file that tesseract has made and removes it. */
static int take_file(const char *workspace, const char *name, struct fault *fault, char **ret_text)
{
	CLEANUP_FREE char *path = workspace_file(workspace, name);
	CLEANUP(cleanup_file) FILE *file = fopen(path, "re");
	CLEANUP_FREE char *text = must_calloc(PAGE_TEXT_MAX_BYTES + 1, 1);
	size_t size = file != NULL ? fread(text, 1, PAGE_TEXT_MAX_BYTES, file) : 0;
	if (file == NULL || ferror(file) != 0) {
		return fault_temporary(fault, "NO_WORKSPACE",
		        "What tesseract has written cannot be read: %s.", strerror(errno));
	}
	(void)unlink(path);
	text[size] = '\0';
	*ret_text = must_copy(text, strlen(text));
	return 0;
}

static void trim_end(char *text)
{
	size_t size = strlen(text);
	while (size > 0 && strchr(" \t\r\n\f", text[size - 1]) != NULL) {
		size--;
	}
	text[size] = '\0';
}

static const char *column(const char *line, int number)
{
	for (; number > 0 && line != NULL; number--) {
		line = strchr(line, '\t');
		line = line != NULL ? line + 1 : NULL;
	}
	return line;
}

static double mean_confidence(const char *table)
{
	double sum = 0;
	unsigned n_words = 0;
	for (const char *line = table; line != NULL && *line != '\0';) {
		const char *value = column(line, TSV_COLUMN_CONFIDENCE);
		double confidence = value != NULL ? strtod(value, NULL) : -1;
		if (line[0] == TSV_LEVEL_WORD && line[1] == '\t' && confidence >= 0) {
			sum += confidence;
			n_words++;
		}
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
	return n_words > 0 ? sum / n_words : -1;
}

static int not_read(
        const struct document *document, const struct page_picture *picture, struct fault *fault)
{
	return fault_final(fault, "BROKEN_DOCUMENT",
	        "Page %" PRIu32 " of '%s' cannot be unpacked: the %s is broken or cut.",
	        picture->number, document->shown, picture_kind_name(document->kind));
}

static int take_result(const struct document *document, const struct page_picture *picture,
        struct fault *fault, struct page_text *text)
{
	CLEANUP_FREE char *table = NULL;
	int status = take_file(document->workspace, "text.txt", fault, &text->text);
	if (status == 0) {
		status = take_file(document->workspace, "text.tsv", fault, &table);
	}
	if (status != 0) {
		return status;
	}
	trim_end(text->text);
	text->confidence = mean_confidence(table);
	/* A page that lost what it shows must not pass for one that was blank. */
	if (text->text[0] == '\0' && picture->has_complaint) {
		return not_read(document, picture, fault);
	}
	return 0;
}

int tesseract_read(const struct document *document, const struct page_picture *picture,
        const char *languages, struct fault *fault, struct page_text *ret_text)
{
	CLEANUP(child_end_finish) struct child_end end;
	run(document, picture, languages, &end);
	int status = tool_check("tesseract", &end, document->shown, fault);
	if (status != 0) {
		return status;
	}
	if (end.value != 0) {
		return not_read(document, picture, fault);
	}
	struct page_text text = { .number = picture->number, .size = picture->size };
	status = take_result(document, picture, fault, &text);
	if (status != 0) {
		page_text_finish(&text);
		return status;
	}
	*ret_text = text;
	return 0;
}

void page_text_finish(struct page_text *text)
{
	free(text->text);
	*text = (struct page_text){ 0 };
}
