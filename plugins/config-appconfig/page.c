/* SPDX-License-Identifier: MIT */
/* The service's JSON is taken as it comes; what is not as it should be makes the page unusable. */
#include "plugins/config-appconfig/page.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define VAULT_API "7.4"

CLEANUP_DEFINE(json_t *, json, json_decref)

static bool complain(char *error, size_t error_size, const char *sentence)
{
	(void)snprintf(error, error_size, "%s", sentence);
	return false;
}

/* The text of a member, null and absent ones as the empty text; NULL: it is none, or has a NUL. */
static char *copy_member(const json_t *object, const char *name)
{
	const json_t *member = json_object_get(object, name);
	if (member == NULL || json_is_null(member)) {
		return must_copy("", 0);
	}
	const char *text = json_string_value(member);
	if (text == NULL || strlen(text) != json_string_length(member)) {
		return NULL;
	}
	return must_copy(text, strlen(text));
}

static void finish_setting(struct setting *setting)
{
	free(setting->key);
	free(setting->label);
	free(setting->value);
	free(setting->content_type);
}

static bool read_setting(const json_t *item, struct setting *setting)
{
	setting->key = copy_member(item, "key");
	setting->label = copy_member(item, "label");
	setting->value = copy_member(item, "value");
	setting->content_type = copy_member(item, "content_type");
	return setting->key != NULL && setting->key[0] != '\0' && setting->label != NULL &&
	        setting->value != NULL && setting->content_type != NULL;
}

static bool read_settings(
        const json_t *items, size_t n_most, struct page *page, char *error, size_t size)
{
	size_t n = json_array_size(items);
	if (!json_is_array(items) || n > n_most) {
		return complain(error, size, "the answer has no list of items, or too long a one");
	}
	page->settings = must_calloc(n, sizeof(*page->settings));
	for (size_t i = 0; i < n; i++) {
		page->n_settings = i + 1;
		if (!read_setting(json_array_get(items, i), &page->settings[i])) {
			(void)snprintf(error, size,
			        "item %zu of the answer ('%.100s') is no key with texts", i,
			        page->settings[i].key != NULL ? page->settings[i].key : "");
			return false;
		}
	}
	return true;
}

/* A link leads to the same list and nowhere else. */
static bool read_next(const json_t *root, struct page *page)
{
	const char *next = json_string_value(json_object_get(root, "@nextLink"));
	if (next == NULL) {
		return true;
	}
	if (strncmp(next, "/kv?", 4) != 0 || strlen(next) > 8000 ||
	        strpbrk(next, " \r\n#\\\"") != NULL) {
		return false;
	}
	page->next = must_copy(next, strlen(next));
	return true;
}

bool page_parse(const char *body, size_t size, size_t n_most, struct page *ret_page, char *error,
        size_t error_size)
{
	CLEANUP(cleanup_json) json_t *root = json_loadb(body, size, JSON_ALLOW_NUL, NULL);
	if (!json_is_object(root)) {
		return complain(error, error_size, "the answer is no JSON object");
	}
	const char *etag = json_string_value(json_object_get(root, "etag"));
	if (etag != NULL && strpbrk(etag, "\r\n\"") == NULL && *etag != '\0') {
		ret_page->etag = must_copy(etag, strlen(etag));
	}
	if (!read_next(root, ret_page)) {
		return complain(error, error_size, "the answer's link to the next page is odd");
	}
	return read_settings(json_object_get(root, "items"), n_most, ret_page, error, error_size);
}

static bool is_text_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool page_is_same(const struct page *a, const struct page *b)
{
	bool is_same = a->n_settings == b->n_settings && is_text_same(a->next, b->next);
	for (size_t i = 0; is_same && i < a->n_settings; i++) {
		const struct setting *left = &a->settings[i];
		const struct setting *right = &b->settings[i];
		is_same = strcmp(left->key, right->key) == 0 &&
		        strcmp(left->label, right->label) == 0 &&
		        strcmp(left->value, right->value) == 0 &&
		        strcmp(left->content_type, right->content_type) == 0;
	}
	return is_same;
}

void page_destroy(struct page *page)
{
	if (page == NULL) {
		return;
	}
	for (size_t i = 0; i < page->n_settings; i++) {
		finish_setting(&page->settings[i]);
	}
	free(page->settings);
	free(page->target);
	free(page->etag);
	free(page->next);
	free(page);
}

/* What stands before parameters, without blanks. */
static size_t media_size(const char *content_type)
{
	size_t size = strcspn(content_type, ";");
	while (size != 0 && content_type[size - 1] == ' ') {
		size--;
	}
	return size;
}

bool setting_is_reference(const struct setting *setting)
{
	static const char type[] = "application/vnd.microsoft.appconfig.keyvaultref+json";
	return media_size(setting->content_type) == sizeof(type) - 1 &&
	        strncasecmp(setting->content_type, type, sizeof(type) - 1) == 0;
}

/* application/json, application/anything+json. */
static bool is_json(const char *content_type)
{
	size_t size = media_size(content_type);
	return (size == 16 && strncasecmp(content_type, "application/json", 16) == 0) ||
	        (size > 17 && strncasecmp(content_type, "application/", 12) == 0 &&
	                strncasecmp(content_type + size - 5, "+json", 5) == 0);
}

/* Texts as they are, numbers and truth values as JSON has them; NULL: it is something else. */
static char *simple_text(const json_t *value)
{
	if (json_is_string(value)) {
		return must_copy(json_string_value(value), json_string_length(value));
	}
	if (json_is_null(value)) {
		return must_copy("", 0);
	}
	return json_is_object(value) || json_is_array(value)
	        ? NULL
	        : must_have(json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT));
}

static char *list_text(const json_t *list)
{
	char *joined = must_copy("", 0);
	for (size_t i = 0; i < json_array_size(list); i++) {
		CLEANUP_FREE char *text = simple_text(json_array_get(list, i));
		if (text == NULL) {
			free(joined);
			return NULL;
		}
		char *longer = must_print("%s%s%s", joined, i != 0 ? "," : "", text);
		free(joined);
		joined = longer;
	}
	return joined;
}

/* The end of a comment that begins here; NULL: none does. */
static const char *comment_end(const char *text)
{
	if (strncmp(text, "//", 2) == 0) {
		return text + strcspn(text, "\r\n");
	}
	if (strncmp(text, "/*", 2) != 0) {
		return NULL;
	}
	const char *end = strstr(text + 2, "*/");
	return end != NULL ? end + 2 : text + strlen(text);
}

/* Blanks in the place of comments, as Microsoft's providers take them. Owned. */
static char *without_comments(const char *text)
{
	char *plain = must_copy(text, strlen(text));
	bool is_inside = false; /* of a text */
	for (size_t i = 0; text[i] != '\0'; i++) {
		const char *end = is_inside ? NULL : comment_end(text + i);
		if (end != NULL) {
			memset(plain + i, ' ', (size_t)(end - text) - i);
			i = (size_t)(end - text) - 1;
		} else if (is_inside && text[i] == '\\' && text[i + 1] != '\0') {
			i++;
		} else if (text[i] == '"') {
			is_inside = !is_inside;
		}
	}
	return plain;
}

char *setting_text(const struct setting *setting)
{
	if (!is_json(setting->content_type)) {
		return must_copy(setting->value, strlen(setting->value));
	}
	CLEANUP_FREE char *plain = without_comments(setting->value);
	CLEANUP(cleanup_json) json_t *value = json_loads(plain, JSON_DECODE_ANY, NULL);
	char *text = NULL;
	if (value != NULL) {
		text = json_is_array(value) ? list_text(value) : simple_text(value);
		text = text != NULL ? text : must_copy(plain, strlen(plain));
	}
	return text != NULL ? text : must_copy(setting->value, strlen(setting->value));
}

/* The vaults' domains in Azure's clouds; a token is sent nowhere else. */
static const char *vault_domain(const char *host, size_t size)
{
	static const char *const domains[] = { "vault.azure.net", "vault.azure.cn",
		"vault.usgovcloudapi.net", "vault.microsoftazure.de" };
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		size_t n = strlen(domains[i]);
		if (size > n + 1 && host[size - n - 1] == '.' &&
		        strncasecmp(host + size - n, domains[i], n) == 0) {
			return domains[i];
		}
	}
	return NULL;
}

static bool is_host(const char *host, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		bool is_fine = (host[i] >= 'a' && host[i] <= 'z') ||
		        (host[i] >= 'A' && host[i] <= 'Z') || (host[i] >= '0' && host[i] <= '9') ||
		        host[i] == '-' || host[i] == '.';
		if (!is_fine) {
			return false;
		}
	}
	return true;
}

/* secrets/name or secrets/name/version. */
static bool is_secret_path(const char *path)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                              "0123456789-";
	if (strncmp(path, "/secrets/", 9) != 0) {
		return false;
	}
	size_t name_size = strspn(path + 9, letters);
	const char *rest = path + 9 + name_size;
	if (*rest == '/') {
		rest += 1 + strspn(rest + 1, letters);
	}
	return name_size != 0 && *rest == '\0';
}

bool reference_parse(const char *value, struct reference *ret_reference, char *error, size_t size)
{
	CLEANUP(cleanup_json) json_t *root = json_loads(value, 0, NULL);
	const char *uri = json_string_value(json_object_get(root, "uri"));
	if (uri == NULL || strncasecmp(uri, "https://", 8) != 0) {
		return complain(error, size,
		        "the Key Vault reference is not of the form "
		        "{\"uri\": \"https://name.vault.azure.net/secrets/name\"}");
	}
	const char *host = uri + 8;
	size_t host_size = strcspn(host, "/");
	const char *domain = is_host(host, host_size) ? vault_domain(host, host_size) : NULL;
	if (domain == NULL) {
		(void)snprintf(error, size,
		        "the Key Vault reference leads to '%.*s', which is no vault of Azure's",
		        (int)(host_size < 200 ? host_size : 200), host);
		return false;
	}
	if (!is_secret_path(host + host_size)) {
		return complain(error, size,
		        "the Key Vault reference names no secret (/secrets/name[/version])");
	}
	ret_reference->shown = must_copy(uri, strlen(uri));
	ret_reference->url = must_print("%s?api-version=" VAULT_API, uri);
	ret_reference->resource = must_print("https://%s", domain);
	return true;
}

void reference_finish(struct reference *reference)
{
	free(reference->url);
	free(reference->shown);
	free(reference->resource);
	*reference = (struct reference){ 0 };
}
