/* SPDX-License-Identifier: MIT */
/* A fetched document and its pages, each of which can be had as a picture. */
#ifndef CONSUMERS_HANDLERS_OCR_DOCUMENT_H
#define CONSUMERS_HANDLERS_OCR_DOCUMENT_H

#include "consumers/common/fault.h"
#include "consumers/handlers/ocr/picture.h"
#include "consumers/handlers/ocr/settings.h"

struct document {
	const char *path; /* borrowed, in the workspace */
	const char *shown; /* borrowed, for messages */
	const char *workspace; /* borrowed, where pictures of pages are made */
	const struct settings *settings;
	int fd;
	enum document_kind kind;
	uint32_t n_pages;
};

/* One page as a file that tesseract reads. */
struct page_picture {
	uint32_t number; /* of the page in the document, from 1 */
	char *path; /* owned */
	enum document_kind kind; /* of the file */
	uint32_t picture_number; /* within the file, from 1 */
	uint32_t dpi; /* 0 if the file itself has to say */
	struct picture_size size;
	bool is_temporary; /* the file is to be removed */
	bool has_complaint; /* the page was drawn, but parts of it are broken */
};

/*
 * Finds kind and number of pages. The first four members are the caller's. Outcomes:
 * UNSUPPORTED_FORMAT, BROKEN_DOCUMENT, ENCRYPTED_PDF (all final). To be given to document_close
 * either way.
 */
int document_open(struct document *document, struct fault *fault);

void document_close(struct document *document);

/*
 * The picture of a page (1..n_pages): PAGE_TOO_LARGE over LUCIUS_OCR_MAX_MEGAPIXELS, or
 * BROKEN_DOCUMENT. On success to be given to page_picture_finish.
 */
int document_page(const struct document *document, uint32_t number, struct fault *fault,
        struct page_picture *ret_picture);

void page_picture_finish(struct page_picture *picture);

/* For document.c: the same of a PDF. */
int pdf_count_pages(struct document *document, struct fault *fault);
int pdf_draw_page(const struct document *document, uint32_t number, struct fault *fault,
        struct page_picture *picture);

/* PAGE_TOO_LARGE if a picture has more pixels or longer sides than are read. */
int document_check_size(const struct document *document, uint32_t number,
        const struct picture_size *size, struct fault *fault);

#endif
