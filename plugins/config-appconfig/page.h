/* SPDX-License-Identifier: MIT */
/* Pages of key-values as the service lists them, and what the content type makes of a value. */
#ifndef PLUGINS_CONFIG_APPCONFIG_PAGE_H
#define PLUGINS_CONFIG_APPCONFIG_PAGE_H

#include <stdbool.h>
#include <stddef.h>

/* All owned. */
struct setting {
	char *key;
	char *label; /* empty: none */
	char *value;
	char *content_type;
};

/* One answer to GET /kv. All owned. */
struct page {
	size_t selector; /* that it belongs to */
	char *target; /* that it was asked with */
	char *etag; /* may be NULL: then it is fetched anew each time */
	struct setting *settings;
	size_t n_settings;
	char *next; /* the target of the page behind it; NULL: it is the last */
};

/* Fills etag, settings (n_most at most) and next; false: a sentence. */
bool page_parse(const char *body, size_t size, size_t n_most, struct page *ret_page, char *error,
        size_t error_size);
/* The same settings, and the same page behind them; whatever their ETags are. */
bool page_is_same(const struct page *a, const struct page *b);
void page_destroy(struct page *page);

/* True for a value that says where in a Key Vault the real one is. */
bool setting_is_reference(const struct setting *setting);
/* The value as an option takes it: of JSON content types, a text without its quotes, a list of
 * simple things as a comma list, all else as it stands. Owned. */
char *setting_text(const struct setting *setting);

/* Where a secret is. All owned. */
struct reference {
	char *url; /* of the secret, with the version of the API */
	char *shown; /* of the secret, for sentences */
	char *resource; /* that a token must be for: https://vault.azure.net */
};
/* False: a sentence (no JSON, or not a vault of Azure's). */
bool reference_parse(const char *value, struct reference *ret_reference, char *error, size_t size);
void reference_finish(struct reference *reference);

#endif
