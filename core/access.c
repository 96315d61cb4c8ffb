/* SPDX-License-Identifier: MIT */
/* Tokens are kept as SHA-256, so that comparing takes as long for any token. */
#include "core/access.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define MAX_ENTRIES 10000u

struct access_entry {
	struct access_entry *next;
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char *tenants; /* owned; comma list, or "*" */
};

struct access_list {
	struct access_entry *entries; /* owned */
};

static void digest_of(const char *token, size_t size, unsigned char *ret_digest)
{
	(void)SHA256((const unsigned char *)token, size, ret_digest);
}

/* The token of `Bearer <token>`; NULL: it is none. */
static const char *bearer(const char *authorization)
{
	if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0) {
		return NULL;
	}
	authorization += 7;
	return authorization + strspn(authorization, " ");
}

bool access_is_token(const char *authorization, const char *token)
{
	unsigned char sent[SHA256_DIGEST_LENGTH];
	unsigned char wanted[SHA256_DIGEST_LENGTH];
	const char *text = bearer(authorization);
	if (text == NULL) {
		return false;
	}
	digest_of(text, strlen(text), sent);
	digest_of(token, strlen(token), wanted);
	return CRYPTO_memcmp(sent, wanted, sizeof(sent)) == 0;
}

const struct access_entry *access_find(const struct access_list *list, const char *authorization)
{
	unsigned char sent[SHA256_DIGEST_LENGTH];
	const struct access_entry *found = NULL;
	const char *token = bearer(authorization);
	if (token == NULL) {
		return NULL;
	}
	digest_of(token, strlen(token), sent);
	for (const struct access_entry *e = list->entries; e != NULL; e = e->next) {
		if (CRYPTO_memcmp(sent, e->digest, sizeof(sent)) == 0) {
			found = e;
		}
	}
	return found;
}

bool access_may(const struct access_entry *entry, const char *tenant_id)
{
	size_t size = strlen(tenant_id);
	const char *at = entry->tenants;
	while (*at != '\0') {
		size_t n = strcspn(at, ",");
		if ((n == 1 && *at == '*') || (n == size && memcmp(at, tenant_id, n) == 0)) {
			return true;
		}
		at += n;
		at += *at == ',' ? 1 : 0;
	}
	return false;
}

/* True also for a line without an entry. */
static bool read_line(struct access_list *list, char *line)
{
	line[strcspn(line, "\r\n")] = '\0';
	char *token = line + strspn(line, " \t");
	if (*token == '\0' || *token == '#') {
		return true;
	}
	size_t size = strcspn(token, " \t");
	char *tenants = token + size + strspn(token + size, " \t");
	if (token[size] == '\0' || *tenants == '\0') {
		return false;
	}
	struct access_entry *entry = must_calloc(1, sizeof(*entry));
	digest_of(token, size, entry->digest);
	entry->tenants = must_copy(tenants, strlen(tenants));
	entry->next = list->entries;
	list->entries = entry;
	return true;
}

static bool read_lines(struct access_list *list, FILE *file, unsigned *ret_line)
{
	char line[4096];
	*ret_line = 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		(*ret_line)++;
		bool is_whole = strchr(line, '\n') != NULL || feof(file);
		if (!is_whole || *ret_line > MAX_ENTRIES || !read_line(list, line)) {
			OPENSSL_cleanse(line, sizeof(line));
			return false;
		}
	}
	OPENSSL_cleanse(line, sizeof(line));
	return true;
}

struct access_list *access_load(const char *path, char *error, size_t error_size)
{
	unsigned line = 0;
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		(void)snprintf(error, error_size, "cannot read the tokens file '%s': %s", path,
		        strerror(errno));
		return NULL;
	}
	struct access_list *list = must_calloc(1, sizeof(*list));
	bool is_good = read_lines(list, file, &line);
	(void)fclose(file);
	if (!is_good) {
		(void)snprintf(error, error_size,
		        "%s:%u: expected `token tenant[,tenant…]` (up to %u lines of 4 KiB)", path,
		        line, MAX_ENTRIES);
		access_destroy(list);
		return NULL;
	}
	return list;
}

void access_destroy(struct access_list *list)
{
	if (list == NULL) {
		return;
	}
	for (struct access_entry *entry = list->entries; entry != NULL;) {
		struct access_entry *next = entry->next;
		free(entry->tenants);
		free(entry);
		entry = next;
	}
	free(list);
}
