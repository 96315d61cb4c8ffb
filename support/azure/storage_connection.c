/* SPDX-License-Identifier: MIT */
/* Reads `Name=value;…` of Azure Storage and completes what the short forms leave out. */
#include "support/azure/storage_connection.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"

/* Of the emulators; published by Microsoft, the same everywhere. */
#define EMULATOR_ACCOUNT "devstoreaccount1"
#define EMULATOR_KEY                                    \
	"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6I" \
	"FsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
#define EMULATOR_HOST "http://127.0.0.1"
#define EMULATOR_PORT "10002"
#define MAX_KEY 512 /* bytes of a key in base64 */

enum part {
	PROTOCOL,
	ACCOUNT,
	KEY,
	SUFFIX,
	ENDPOINT,
	SIGNATURE,
	DEVELOPMENT,
	PROXY,
	N_PARTS,
};

static const char *const part_names[N_PARTS] = {
	[PROTOCOL] = "DefaultEndpointsProtocol",
	[ACCOUNT] = "AccountName",
	[KEY] = "AccountKey",
	[SUFFIX] = "EndpointSuffix",
	[ENDPOINT] = "TableEndpoint",
	[SIGNATURE] = "SharedAccessSignature",
	[DEVELOPMENT] = "UseDevelopmentStorage",
	[PROXY] = "DevelopmentStorageProxyUri",
};

/* The parts as they came; owned, NULL where there is none. */
struct parts {
	char *of[N_PARTS];
};

static void wipe(char *secret)
{
	if (secret != NULL) {
		OPENSSL_cleanse(secret, strlen(secret));
	}
	free(secret);
}

static void parts_finish(struct parts *parts)
{
	for (size_t i = 0; i < N_PARTS; i++) {
		wipe(parts->of[i]);
	}
}

struct text {
	const char *start;
	size_t size;
};

static struct text trim(const char *start, size_t size)
{
	while (size > 0 && isspace((unsigned char)start[0])) {
		start++;
		size--;
	}
	while (size > 0 && isspace((unsigned char)start[size - 1])) {
		size--;
	}
	return (struct text){ start, size };
}

static bool take_part(struct parts *parts, struct text part, char *error, size_t error_size)
{
	const char *equals = memchr(part.start, '=', part.size);
	if (equals == NULL) {
		/* Quoting it could print a piece of a key. */
		(void)snprintf(error, error_size,
		        "The connection string has a part without an equals sign; parts are "
		        "Name=value, separated by semicolons.");
		return false;
	}
	struct text name = trim(part.start, (size_t)(equals - part.start));
	struct text value = trim(equals + 1, part.size - (size_t)(equals - part.start) - 1);
	for (size_t i = 0; i < N_PARTS; i++) {
		if (name.size != strlen(part_names[i]) ||
		        strncasecmp(name.start, part_names[i], name.size) != 0) {
			continue;
		}
		if (parts->of[i] != NULL || value.size == 0) {
			(void)snprintf(error, error_size, "The connection string has %s %s.",
			        part_names[i], parts->of[i] != NULL ? "twice" : "without a value");
			return false;
		}
		parts->of[i] = must_copy(value.start, value.size);
	}
	return true;
}

static bool split(const char *text, struct parts *parts, char *error, size_t error_size)
{
	while (*text != '\0') {
		size_t size = strcspn(text, ";");
		struct text part = trim(text, size);
		if (part.size != 0 && !take_part(parts, part, error, error_size)) {
			return false;
		}
		text += size;
		text += *text == ';' ? 1 : 0;
	}
	return true;
}

static bool is_url(const char *text)
{
	bool is_http = strncasecmp(text, "http://", 7) == 0;
	bool is_https = strncasecmp(text, "https://", 8) == 0;
	const char *host = text + (is_https ? 8 : 7);
	return (is_http || is_https) && *host != '\0' && *host != '/' &&
	        strpbrk(host, "?# \t\r\n") == NULL;
}

static void strip_slashes(char *text)
{
	for (size_t size = strlen(text); size > 0 && text[size - 1] == '/'; size--) {
		text[size - 1] = '\0';
	}
}

static bool is_true(const char *text)
{
	return text != NULL && strcasecmp(text, "true") == 0;
}

/* What UseDevelopmentStorage=true stands for. */
static void fill_development(struct parts *parts)
{
	const char *host = parts->of[PROXY] != NULL ? parts->of[PROXY] : EMULATOR_HOST;
	CLEANUP_FREE char *base = must_copy(host, strlen(host));
	strip_slashes(base);
	parts->of[ACCOUNT] = must_print("%s", EMULATOR_ACCOUNT);
	parts->of[KEY] = must_print("%s", EMULATOR_KEY);
	if (parts->of[ENDPOINT] == NULL) {
		parts->of[ENDPOINT] = must_print("%s:%s/%s", base, EMULATOR_PORT, EMULATOR_ACCOUNT);
	}
}

static void fill_endpoint(struct parts *parts)
{
	if (parts->of[ENDPOINT] == NULL && parts->of[ACCOUNT] != NULL) {
		const char *protocol = parts->of[PROTOCOL];
		const char *suffix = parts->of[SUFFIX];
		parts->of[ENDPOINT] =
		        must_print("%s://%s.table.%s", protocol != NULL ? protocol : "https",
		                parts->of[ACCOUNT], suffix != NULL ? suffix : "core.windows.net");
	}
}

static bool is_numeric_host(struct text host)
{
	bool is_number = host.size != 0;
	for (size_t i = 0; i < host.size; i++) {
		is_number = is_number &&
		        (isdigit((unsigned char)host.start[i]) ||
		                strchr(".:[]", host.start[i]) != NULL);
	}
	return is_number || (host.size > 0 && host.start[0] == '[') ||
	        memchr(host.start, '.', host.size) == NULL;
}

/* The account that an endpoint is of: the host's first label, or the path of an emulator. */
static char *account_of(const char *endpoint)
{
	const char *host = strstr(endpoint, "://") + 3;
	size_t size = strcspn(host, "/");
	size_t name_size = strcspn(host, ":/");
	if (!is_numeric_host((struct text){ host, name_size })) {
		return must_copy(host, strcspn(host, ".:/"));
	}
	const char *path = host + size;
	path += *path == '/' ? 1 : 0;
	return must_copy(path, strcspn(path, "/"));
}

static const char *find_fault(const struct parts *parts)
{
	if (parts->of[KEY] != NULL && parts->of[SIGNATURE] != NULL) {
		return "The connection string has both AccountKey and SharedAccessSignature; leave "
		       "one out.";
	}
	if (parts->of[KEY] == NULL && parts->of[SIGNATURE] == NULL) {
		return "The connection string has neither AccountKey nor SharedAccessSignature.";
	}
	if (parts->of[KEY] != NULL && parts->of[ACCOUNT] == NULL) {
		return "The connection string has an AccountKey without AccountName.";
	}
	if (parts->of[ENDPOINT] == NULL) {
		return "The connection string has neither TableEndpoint nor AccountName.";
	}
	if (!is_url(parts->of[ENDPOINT])) {
		return "The table endpoint is not of the form https://account.table.suffix or "
		       "http://host:port/account.";
	}
	return NULL;
}

/* False: it is no base64, or nothing. */
static bool decode_key(const char *text, struct azure_storage *storage)
{
	size_t size = strlen(text);
	if (size == 0 || size % 4 != 0 || size > MAX_KEY) {
		return false;
	}
	storage->key = must_calloc(size, 1);
	int decoded = EVP_DecodeBlock(storage->key, (const unsigned char *)text, (int)size);
	if (decoded < 0) {
		return false;
	}
	storage->key_size =
	        (size_t)decoded - (text[size - 1] == '=' ? 1 : 0) - (text[size - 2] == '=' ? 1 : 0);
	return storage->key_size != 0;
}

static bool build(
        struct parts *parts, struct azure_storage *storage, char *error, size_t error_size)
{
	if (is_true(parts->of[DEVELOPMENT]) && parts->of[ACCOUNT] == NULL &&
	        parts->of[KEY] == NULL && parts->of[SIGNATURE] == NULL) {
		fill_development(parts);
	}
	fill_endpoint(parts);
	const char *fault = find_fault(parts);
	if (fault != NULL) {
		(void)snprintf(error, error_size, "%s", fault);
		return false;
	}
	storage->endpoint = steal(parts->of[ENDPOINT]);
	strip_slashes(storage->endpoint);
	storage->account = parts->of[ACCOUNT] != NULL ? steal(parts->of[ACCOUNT])
	                                              : account_of(storage->endpoint);
	if (parts->of[SIGNATURE] != NULL) {
		const char *signature = parts->of[SIGNATURE];
		signature += *signature == '?' ? 1 : 0;
		storage->signature = must_copy(signature, strlen(signature));
	} else if (!decode_key(parts->of[KEY], storage)) {
		(void)snprintf(error, error_size,
		        "The connection string's AccountKey is no base64; copy it whole from the "
		        "storage account's access keys.");
		return false;
	}
	return true;
}

bool azure_storage_parse(
        const char *text, struct azure_storage *ret_storage, char *error, size_t error_size)
{
	struct azure_storage storage = { 0 };
	struct parts parts = { { NULL } };
	bool is_good = split(text, &parts, error, error_size) &&
	        build(&parts, &storage, error, error_size);
	parts_finish(&parts);
	if (!is_good) {
		azure_storage_finish(&storage);
		return false;
	}
	*ret_storage = storage;
	return true;
}

void azure_storage_finish(struct azure_storage *storage)
{
	if (storage->key != NULL) {
		OPENSSL_cleanse(storage->key, storage->key_size);
	}
	free(storage->account);
	free(storage->endpoint);
	free(storage->key);
	wipe(storage->signature);
	*storage = (struct azure_storage){ 0 };
}
