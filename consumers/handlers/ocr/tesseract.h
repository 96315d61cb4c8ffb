/* SPDX-License-Identifier: MIT */
/* Reads the text of one picture with the program tesseract. */
#ifndef CONSUMERS_HANDLERS_OCR_TESSERACT_H
#define CONSUMERS_HANDLERS_OCR_TESSERACT_H

#include "consumers/handlers/ocr/document.h"

struct page_text {
	uint32_t number;
	struct picture_size size;
	char *text; /* owned, UTF-8, without blanks at its end; "" for a blank page */
	double confidence; /* mean of the words, 0..100; below 0 if there are no words */
};

/*
 * The languages of a hint as tesseract names them ("deu+eng"), owned: two-letter codes ("de",
 * "de-AT") are translated, several separated by `+` or `,`. Final: LANGUAGE_INVALID, and
 * LANGUAGE_UNAVAILABLE for one that is not installed.
 */
int tesseract_languages(const char *hint, const struct settings *settings, struct fault *fault,
        char **ret_languages);

/* Outcomes: BROKEN_DOCUMENT, or what tool_check gives. On success to be given to page_text_finish.
 */
int tesseract_read(const struct document *document, const struct page_picture *picture,
        const char *languages, struct fault *fault, struct page_text *ret_text);

void page_text_finish(struct page_text *text);

#endif
