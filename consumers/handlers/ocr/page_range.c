/* SPDX-License-Identifier: MIT */
/* Parses page ranges; see page_range.h. */
#include "consumers/handlers/ocr/page_range.h"

#include "consumers/common/text.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

struct parser {
	const char *text;
	const char *at;
	uint32_t n_pages;
	bool *is_wanted; /* by page number - 1 */
	struct fault *fault;
};

static void skip_blanks(struct parser *parser)
{
	parser->at += strspn(parser->at, " \t");
}

static int invalid(struct parser *parser)
{
	return fault_final(parser->fault, "PAGE_RANGE_INVALID",
	        "page_range is '%s'; numbers from 1 and ranges such as '1-3,5' or '7-' are "
	        "accepted.",
	        parser->text);
}

/* Numbers of any length stay within 32 bits: they are outside every document anyway. */
static bool read_number(struct parser *parser, uint32_t *ret_number)
{
	const char *begin = parser->at;
	uint32_t number = 0;
	for (; *parser->at >= '0' && *parser->at <= '9'; parser->at++) {
		uint32_t digit = (uint32_t)(*parser->at - '0');
		number = number > 100000000 ? 1000000000 : number * 10 + digit;
	}
	*ret_number = number;
	skip_blanks(parser);
	return parser->at != begin && number > 0;
}

static int read_item(struct parser *parser)
{
	uint32_t first = 0;
	uint32_t last = 0;
	skip_blanks(parser);
	if (!read_number(parser, &first)) {
		return invalid(parser);
	}
	last = first;
	if (*parser->at == '-') {
		parser->at++;
		skip_blanks(parser);
		last = parser->n_pages > first ? parser->n_pages : first;
		if (*parser->at != ',' && *parser->at != '\0' && !read_number(parser, &last)) {
			return invalid(parser);
		}
	}
	if (last < first) {
		return invalid(parser);
	}
	if (last > parser->n_pages) {
		return fault_final(parser->fault, "PAGE_RANGE_INVALID",
		        "page_range '%s' asks for page %" PRIu32 ", but the document has %" PRIu32
		        ".",
		        parser->text, first > parser->n_pages ? first : last, parser->n_pages);
	}
	for (uint32_t page = first; page <= last; page++) {
		parser->is_wanted[page - 1] = true;
	}
	return 0;
}

static int read_items(struct parser *parser)
{
	for (;;) {
		int status = read_item(parser);
		if (status != 0 || *parser->at == '\0') {
			return status;
		}
		if (*parser->at != ',') {
			return invalid(parser);
		}
		parser->at++;
	}
}

static void collect(const bool *is_wanted, uint32_t n_pages, struct page_list *list)
{
	list->numbers = must_calloc(n_pages, sizeof(list->numbers[0]));
	for (uint32_t i = 0; i < n_pages; i++) {
		if (is_wanted[i]) {
			list->numbers[list->n_pages++] = i + 1;
		}
	}
}

int page_range_read(const char *text, uint32_t n_pages, int64_t max_pages, struct fault *fault,
        struct page_list *ret_list)
{
	CLEANUP_FREE bool *is_wanted = must_calloc((size_t)n_pages + 1, sizeof(bool));
	struct parser parser = { text, text, n_pages, is_wanted, fault };
	if (text == NULL) {
		memset(is_wanted, true, n_pages);
	} else {
		int status = read_items(&parser);
		if (status != 0) {
			return status;
		}
	}
	struct page_list list = { 0 };
	collect(is_wanted, n_pages, &list);
	if ((int64_t)list.n_pages > max_pages) {
		size_t n_wanted = list.n_pages;
		page_list_finish(&list);
		return fault_final(fault, "TOO_MANY_PAGES",
		        "%zu pages are asked for and %" PRId64
		        " are read at most; give a page_range or raise LUCIUS_OCR_MAX_PAGES.",
		        n_wanted, max_pages);
	}
	*ret_list = list;
	return 0;
}

void page_list_finish(struct page_list *list)
{
	free(list->numbers);
	*list = (struct page_list){ 0 };
}
