/* SPDX-License-Identifier: MIT */
/* The texts of all pages as one result, in plain text or JSON. */
#ifndef CONSUMERS_HANDLERS_OCR_RESULT_H
#define CONSUMERS_HANDLERS_OCR_RESULT_H

#include "consumers/handlers/ocr/tesseract.h"

#include <jansson.h>

struct result {
	const struct document *document; /* borrowed */
	const char *languages; /* borrowed */
	struct page_text *pages; /* owned */
	size_t n_pages;
};

/* Pages one behind the other, with a form feed between two; owned by the caller. */
char *result_text(const struct result *result);

/* {"language", "text", "pages": [{"page", "width", "height", "confidence", "text"}]}; owned. */
char *result_json(const struct result *result);

/* What the reference's `metadata` says; owned. */
json_t *result_metadata(const struct result *result);

void result_finish(struct result *result);

#endif
