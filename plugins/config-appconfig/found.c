/* SPDX-License-Identifier: MIT */
/* The settings that count: of those with one key the last, as selectors come in their order. */
#include <string.h>

#include "plugins/config-appconfig/source.h"
#include "support/base/memory.h"

static int compare(const void *a, const void *b)
{
	const struct found *left = a;
	const struct found *right = b;
	int order = strcmp(left->setting->key, right->setting->key);
	return order != 0 ? order : left->place < right->place ? -1 : 1;
}

static void fill(struct found_list *list, const struct page *const *pages, size_t n_pages)
{
	for (size_t i = 0; i < n_pages; i++) {
		for (size_t k = 0; k < pages[i]->n_settings; k++) {
			list->items[list->n] = (struct found){ .setting = &pages[i]->settings[k],
				.place = list->n };
			list->n++;
		}
	}
}

void found_collect(struct found_list *ret_list, const struct page *const *pages, size_t n_pages)
{
	struct found_list list = { 0 };
	size_t n = 0;
	for (size_t i = 0; i < n_pages; i++) {
		n += pages[i]->n_settings;
	}
	list.items = must_calloc(n + 1, sizeof(list.items[0]));
	fill(&list, pages, n_pages);
	qsort(list.items, list.n, sizeof(list.items[0]), compare);
	size_t n_kept = 0;
	for (size_t i = 0; i < list.n; i++) {
		bool is_last = i + 1 == list.n ||
		        strcmp(list.items[i].setting->key, list.items[i + 1].setting->key) != 0;
		if (is_last) {
			list.items[n_kept++] = list.items[i];
		}
	}
	list.n = n_kept;
	*ret_list = list;
}

void found_finish(struct found_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->items[i].value != NULL) {
			explicit_bzero(list->items[i].value, strlen(list->items[i].value));
		}
		free(list->items[i].value);
	}
	free(list->items);
	*list = (struct found_list){ 0 };
}
