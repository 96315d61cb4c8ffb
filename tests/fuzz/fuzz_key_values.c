/* SPDX-License-Identifier: MIT */
/* A page of key-values as an App Configuration store, or whoever is in its place, may send it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plugins/config-appconfig/page.h"
#include "support/base/memory.h"
#include "tests/fuzz/fuzz.h"

/* A token must never go anywhere but to a vault of Azure's. */
static void check_reference(const struct setting *setting)
{
	struct reference reference = { 0 };
	char error[300] = "";
	if (!reference_parse(setting->value, &reference, error, sizeof(error))) {
		if (error[0] == '\0') {
			abort();
		}
		return;
	}
	size_t host_size = strcspn(reference.url + 8, "/");
	const char *domain = reference.resource + 8;
	if (strncasecmp(reference.url, "https://", 8) != 0 || host_size <= strlen(domain) + 1 ||
	        strncasecmp(reference.url + 8 + host_size - strlen(domain), domain,
	                strlen(domain)) != 0 ||
	        strpbrk(reference.url, "\r\n @") != NULL) {
		abort();
	}
	reference_finish(&reference);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct page *page = must_calloc(1, sizeof(*page));
	char error[300] = "";
	bool is_good = page_parse((const char *)bytes, size, 1000, page, error, sizeof(error));
	if (is_good == (error[0] != '\0')) {
		abort();
	}
	if (is_good && page->next != NULL && strncmp(page->next, "/kv?", 4) != 0) {
		abort();
	}
	if (is_good && !page_is_same(page, page)) {
		abort();
	}
	for (size_t i = 0; is_good && i < page->n_settings; i++) {
		free(setting_text(&page->settings[i]));
		check_reference(&page->settings[i]);
	}
	page_destroy(page);
	return 0;
}
