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
	TSV_COLUMN_TEXT = 11,
	TSV_LEVEL_WORD = '5',
	POOR_CONFIDENCE = 60, /* below it a second way is tried, above it taken */
};

CLEANUP_DEFINE(FILE *, file, fclose)

/* How the gray picture becomes black and white. */
enum threshold {
	THRESHOLD_GLOBAL,
	THRESHOLD_LOCAL, /* Sauvola's: for pages in uneven light */
};

/*
 * The picture goes in by standard input, never by name: tesseract takes a named file that it
 * cannot recognise for a list of other files, and reads those.
 */
static void run(const struct document *document, const struct page_picture *picture,
        const char *languages, enum threshold threshold, struct child_end *end)
{
	char dpi[16];
	char page_number[48];
	CLEANUP_FREE char *base = workspace_file(document->workspace, "text");
	(void)snprintf(dpi, sizeof(dpi), "%" PRIu32, picture->dpi);
	(void)snprintf(page_number, sizeof(page_number), "tessedit_page_number=%" PRIu32,
	        picture->picture_number - 1);
	const char *argv[20] = { "tesseract", "stdin", base, "-l", languages, "-c",
		"page_separator=", "-c", "tessedit_create_txt=1", "-c", "tessedit_create_tsv=1",
		"-c",
		threshold == THRESHOLD_LOCAL ? "thresholding_method=2" : "thresholding_method=0" };
	size_t n_arguments = 13;
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

/* Tesseract passes over a picture of a TIFF that it cannot unpack and says nothing. */
static bool has_page(const char *table)
{
	return strstr(table, "\n1\t") != NULL;
}

/* The confidence of a line of the table; below 0 if it is no word, or one of blanks. */
static double word_confidence(const char *line)
{
	const char *value = column(line, TSV_COLUMN_CONFIDENCE);
	const char *word = column(line, TSV_COLUMN_TEXT);
	if (line[0] != TSV_LEVEL_WORD || line[1] != '\t' || value == NULL || word == NULL) {
		return -1;
	}
	word += strspn(word, " ");
	return *word == '\n' || *word == '\0' ? -1 : strtod(value, NULL);
}

static double mean_confidence(const char *table)
{
	double sum = 0;
	unsigned n_words = 0;
	for (const char *line = table; line != NULL && *line != '\0';) {
		double confidence = word_confidence(line);
		if (confidence >= 0) {
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
	return has_page(table) ? 0 : not_read(document, picture, fault);
}

static int read_once(const struct document *document, const struct page_picture *picture,
        const char *languages, enum threshold threshold, struct fault *fault,
        struct page_text *ret_text)
{
	CLEANUP(child_end_finish) struct child_end end;
	run(document, picture, languages, threshold, &end);
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

/* Where a photo's shadow makes half of the page black, the words are found at second sight. */
static int read_again(const struct document *document, const struct page_picture *picture,
        const char *languages, struct fault *fault, struct page_text *text)
{
	struct page_text second = { 0 };
	int status = read_once(document, picture, languages, THRESHOLD_LOCAL, fault, &second);
	if (status == 0 && second.confidence >= POOR_CONFIDENCE) {
		page_text_finish(text);
		*text = second;
	} else {
		page_text_finish(&second);
	}
	return status;
}

int tesseract_read(const struct document *document, const struct page_picture *picture,
        const char *languages, struct fault *fault, struct page_text *ret_text)
{
	struct page_text text = { 0 };
	int status = read_once(document, picture, languages, THRESHOLD_GLOBAL, fault, &text);
	if (status == 0 && text.confidence < POOR_CONFIDENCE) {
		status = read_again(document, picture, languages, fault, &text);
	}
	/* A page that lost what it shows must not pass for one that was blank. */
	if (status == 0 && text.text[0] == '\0' && picture->has_complaint) {
		status = not_read(document, picture, fault);
	}
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
