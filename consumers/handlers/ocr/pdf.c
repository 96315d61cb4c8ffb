/* SPDX-License-Identifier: MIT */
/* PDFs by poppler's programs: pdfinfo counts and measures, pdftoppm draws one page at a time. */
#include "consumers/common/text.h"
#include "consumers/handlers/common/child.h"
#include "consumers/handlers/common/workspace.h"
#include "consumers/handlers/ocr/document.h"
#include "consumers/handlers/ocr/tool.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum {
	POINTS_AN_INCH = 72,
	LOWEST_DPI = 50, /* below it letters are no longer read */
	LONGEST_DRAWN_SIDE = 32000,
};

/* The value behind `name:` at the beginning of a line, NULL if there is none. */
static const char *info_value(const char *info, const char *name)
{
	size_t name_size = strlen(name);
	for (const char *line = info; line != NULL;) {
		if (strncmp(line, name, name_size) == 0) {
			return line + name_size;
		}
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
	return NULL;
}

static int run_info(const struct document *document, uint32_t number, struct child_end *end,
        struct fault *fault)
{
	char page[16];
	(void)snprintf(page, sizeof(page), "%" PRIu32, number);
	const char *const argv[] = { "pdfinfo", "-f", page, "-l", page, "--", document->path,
		NULL };
	struct child_limits limits = tool_limits(document->settings);
	child_run(argv, &limits, end);
	return tool_check("pdfinfo", end, document->shown, fault);
}

static int not_read(
        const struct document *document, const struct child_end *end, struct fault *fault)
{
	if (strstr(end->complaint, "Incorrect password") != NULL) {
		return fault_final(fault, "ENCRYPTED_PDF",
		        "The PDF '%s' opens with a password only; send one without.",
		        document->shown);
	}
	return fault_final(fault, "BROKEN_DOCUMENT", "The PDF '%s' is broken or cut: %s.",
	        document->shown, end->complaint[0] != '\0' ? end->complaint : "it has no pages");
}

int pdf_count_pages(struct document *document, struct fault *fault)
{
	CLEANUP(child_end_finish) struct child_end end;
	int status = run_info(document, 1, &end, fault);
	if (status != 0) {
		return status;
	}
	const char *value = info_value(end.output, "Pages:");
	unsigned long n_pages = value != NULL ? strtoul(value, NULL, 10) : 0;
	if (end.value != 0 || n_pages == 0 || n_pages > INT32_MAX) {
		return not_read(document, &end, fault);
	}
	document->n_pages = (uint32_t)n_pages;
	return 0;
}

/* The resolution at which the page stays below the bound on pixels; 0 if it has to be too low. */
static uint32_t choose_dpi(const struct settings *settings, double width, double height)
{
	double n_pixels = (double)settings->max_pixels * 0.99;
	double area = width * height / (POINTS_AN_INCH * POINTS_AN_INCH);
	double side = fmax(width, height) / POINTS_AN_INCH;
	double dpi = fmin((double)settings->dpi, sqrt(n_pixels / area));
	dpi = floor(fmin(dpi, LONGEST_DRAWN_SIDE / side));
	return dpi >= LOWEST_DPI ? (uint32_t)dpi : 0;
}

static int measure(
        const struct document *document, uint32_t number, struct fault *fault, uint32_t *ret_dpi)
{
	CLEANUP(child_end_finish) struct child_end end;
	double width = 0;
	double height = 0;
	int status = run_info(document, number, &end, fault);
	if (status != 0) {
		return status;
	}
	const char *value = info_value(end.output, "Page ");
	if (end.value != 0 || value == NULL ||
	        sscanf(value, "%*u size: %lf x %lf", &width, &height) != 2 || width <= 0 ||
	        height <= 0) {
		return not_read(document, &end, fault);
	}
	*ret_dpi = choose_dpi(document->settings, width, height);
	if (*ret_dpi == 0) {
		return fault_final(fault, "PAGE_TOO_LARGE",
		        "Page %" PRIu32 " of '%s' measures %.0f x %.0f points; within the bound of "
		        "LUCIUS_OCR_MAX_MEGAPIXELS its text would be too small to read.",
		        number, document->shown, width, height);
	}
	return 0;
}

static bool read_size(struct page_picture *picture)
{
	int fd = open(picture->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return false;
	}
	bool is_read = picture_size(fd, DOCUMENT_PNG, 1, &picture->size);
	close(fd);
	return is_read;
}

int pdf_draw_page(const struct document *document, uint32_t number, struct fault *fault,
        struct page_picture *picture)
{
	int status = measure(document, number, fault, &picture->dpi);
	if (status != 0) {
		return status;
	}
	char page[16];
	char dpi[16];
	(void)snprintf(page, sizeof(page), "%" PRIu32, number);
	(void)snprintf(dpi, sizeof(dpi), "%" PRIu32, picture->dpi);
	CLEANUP_FREE char *base = workspace_file(document->workspace, "page");
	picture->path = workspace_file(document->workspace, "page.png");
	picture->is_temporary = true;
	picture->kind = DOCUMENT_PNG;
	picture->picture_number = 1;
	const char *const argv[] = { "pdftoppm", "-r", dpi, "-gray", "-png", "-f", page, "-l", page,
		"-singlefile", document->path, base, NULL };
	struct child_limits limits = tool_limits(document->settings);
	CLEANUP(child_end_finish) struct child_end end;
	child_run(argv, &limits, &end);
	status = tool_check("pdftoppm", &end, document->shown, fault);
	if (status == 0 && (end.value != 0 || !read_size(picture))) {
		status = not_read(document, &end, fault);
	}
	picture->has_complaint = strstr(end.complaint, "Error") != NULL;
	return status;
}
