/* SPDX-License-Identifier: MIT */
/* Which pages of a document are wanted: "1-3,5", "7-". */
#ifndef CONSUMERS_HANDLERS_OCR_PAGE_RANGE_H
#define CONSUMERS_HANDLERS_OCR_PAGE_RANGE_H

#include "consumers/common/fault.h"

#include <stdint.h>

struct page_list {
	uint32_t *numbers; /* owned, from 1, ascending, each once */
	size_t n_pages;
};

/*
 * Reads numbers and ranges, separated by commas, with blanks between; `7-` goes to the last page.
 * text may be NULL: all pages. A page that the document of n_pages does not have, a range that
 * runs backwards and anything else is final, PAGE_RANGE_INVALID; over max_pages TOO_MANY_PAGES.
 */
int page_range_read(const char *text, uint32_t n_pages, int64_t max_pages, struct fault *fault,
        struct page_list *ret_list);

void page_list_finish(struct page_list *list);

#endif
