/* SPDX-License-Identifier: MIT */
/* Joins the texts of pages; see result.h. */
#include "consumers/handlers/ocr/result.h"

#include "consumers/common/text.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

char *result_text(const struct result *result)
{
	size_t size = 1;
	for (size_t i = 0; i < result->n_pages; i++) {
		size += strlen(result->pages[i].text) + 2;
	}
	char *text = must_calloc(size, 1);
	char *end = text;
	for (size_t i = 0; i < result->n_pages; i++) {
		const char *page = result->pages[i].text;
		end = stpcpy(end, i > 0 ? "\f" : "");
		end = stpcpy(end, page);
		end = stpcpy(end, page[0] != '\0' ? "\n" : "");
	}
	return text;
}

/* Two decimals are all that a confidence means. */
static json_t *confidence(double value)
{
	return value < 0 ? json_null() : json_real(round(value * 100) / 100);
}

static json_t *page_object(const struct page_text *page)
{
	return json_pack("{s:I, s:I, s:I, s:o, s:s}", "page", (json_int_t)page->number, "width",
	        (json_int_t)page->size.width, "height", (json_int_t)page->size.height, "confidence",
	        confidence(page->confidence), "text", page->text);
}

char *result_json(const struct result *result)
{
	CLEANUP_FREE char *text = result_text(result);
	json_t *pages = json_array();
	for (size_t i = 0; i < result->n_pages; i++) {
		if (json_array_append_new(pages, page_object(&result->pages[i])) != 0) {
			text_abort_no_memory();
		}
	}
	json_t *json = json_pack(
	        "{s:s, s:s, s:o}", "language", result->languages, "text", text, "pages", pages);
	char *printed =
	        json != NULL ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
	if (printed == NULL) {
		text_abort_no_memory();
	}
	json_decref(json);
	return printed;
}

static size_t count_characters(const char *text)
{
	size_t n_characters = 0;
	for (; *text != '\0'; text++) {
		n_characters += ((unsigned char)*text & 0xc0U) != 0x80U ? 1 : 0;
	}
	return n_characters;
}

json_t *result_metadata(const struct result *result)
{
	size_t n_characters = 0;
	for (size_t i = 0; i < result->n_pages; i++) {
		n_characters += count_characters(result->pages[i].text);
	}
	return json_pack("{s:I, s:I, s:I, s:s, s:s, s:s}", "pages", (json_int_t)result->n_pages,
	        "document_pages", (json_int_t)result->document->n_pages, "characters",
	        (json_int_t)n_characters, "language", result->languages, "source_content_type",
	        picture_content_type(result->document->kind), "engine", "tesseract");
}

void result_finish(struct result *result)
{
	for (size_t i = 0; i < result->n_pages; i++) {
		page_text_finish(&result->pages[i]);
	}
	free(result->pages);
	*result = (struct result){ 0 };
}
