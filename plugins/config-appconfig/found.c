/* SPDX-License-Identifier: MIT */
/* The settings that count: of those with one key the last, as selectors come in their order. */
#include <string.h>

#include "plugins/config-appconfig/source.h"
#include "support/base/memory.h"

void found_add(struct found_list *list, const struct setting *setting)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->items[i].setting->key, setting->key) == 0) {
			list->items[i].setting = setting;
			return;
		}
	}
	if (list->n % 16 == 0) {
		list->items = must_resize(list->items, list->n + 16, sizeof(list->items[0]));
	}
	list->items[list->n++] = (struct found){ .setting = setting };
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
