/* SPDX-License-Identifier: MIT */
/* Signing and checking; the text that is signed is the encoded resource and the expiry. */
#include "support/azure/sas.h"

#include "support/base/cleanup.h"
#include "support/base/memory.h"

#include <ctype.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#define SIGNATURE_SIZE 32
/* Base64 of the signature: 44 characters and a NUL. */
#define SIGNATURE_TEXT 45

static const char scheme[] = "SharedAccessSignature ";

/* Unreserved characters as encodeURIComponent has them; that is what the SDKs' tokens look like. */
static bool is_unreserved(unsigned char c)
{
	return isalnum(c) || (c != '\0' && strchr("-_.!~*'()", c) != NULL);
}

static char *percent_encode(const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	char *encoded = must_calloc(strlen(text) + 1, 3);
	char *at = encoded;
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (is_unreserved(c)) {
			*at++ = (char)c;
		} else {
			*at++ = '%';
			*at++ = digits[c >> 4];
			*at++ = digits[c & 15];
		}
	}
	return encoded;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %xx; what is no such escape stays as it is. Owned. */
static char *percent_decode(const char *text, size_t size)
{
	char *decoded = must_copy(text, size);
	char *to = decoded;
	for (size_t i = 0; i < size; i++) {
		int high = text[i] == '%' && i + 2 < size ? hex_digit(text[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
		if (low >= 0) {
			*to++ = (char)(high << 4 | low);
			i += 2;
		} else {
			*to++ = text[i];
		}
	}
	*to = '\0';
	return decoded;
}

static void sign(const char *resource, const char *expiry, const char *key, char *ret_text)
{
	unsigned char signature[EVP_MAX_MD_SIZE];
	unsigned signature_size = 0;
	size_t size = strlen(resource) + 1 + strlen(expiry);
	CLEANUP_FREE char *text = must_calloc(size + 1, 1);
	snprintf(text, size + 1, "%s\n%s", resource, expiry);
	if (HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)text, size, signature,
	            &signature_size) == NULL) {
		abort(); /* out of memory, or a libcrypto without SHA-256 */
	}
	(void)EVP_EncodeBlock((unsigned char *)ret_text, signature, SIGNATURE_SIZE);
}

char *azure_sas_make(
        const char *audience, const char *key_name, const char *key, int64_t expires_at)
{
	char expiry[24];
	char signature[SIGNATURE_TEXT];
	CLEANUP_FREE char *resource = percent_encode(audience);
	CLEANUP_FREE char *name = percent_encode(key_name);
	snprintf(expiry, sizeof(expiry), "%" PRId64, expires_at);
	sign(resource, expiry, key, signature);
	CLEANUP_FREE char *encoded = percent_encode(signature);
	size_t size = strlen(scheme) + strlen(resource) + strlen(encoded) + strlen(expiry) +
	        strlen(name) + sizeof("sr=&sig=&se=&skn=");
	char *token = must_calloc(size, 1);
	snprintf(token, size, "%ssr=%s&sig=%s&se=%s&skn=%s", scheme, resource, encoded, expiry,
	        name);
	return token;
}

/* The fields of a token, owned and as they came, still encoded. */
struct fields {
	char *resource;
	char *signature;
	char *expiry;
	char *key_name;
};

static void fields_finish(struct fields *fields)
{
	free(fields->resource);
	free(fields->signature);
	free(fields->expiry);
	free(fields->key_name);
}

static char **field(struct fields *fields, const char *name, size_t size)
{
	if (size == 2 && memcmp(name, "sr", 2) == 0) {
		return &fields->resource;
	}
	if (size == 3 && memcmp(name, "sig", 3) == 0) {
		return &fields->signature;
	}
	if (size == 2 && memcmp(name, "se", 2) == 0) {
		return &fields->expiry;
	}
	if (size == 3 && memcmp(name, "skn", 3) == 0) {
		return &fields->key_name;
	}
	return NULL;
}

/* In any order, each once; others are left alone. */
static bool split(const char *text, struct fields *fields)
{
	while (*text != '\0') {
		size_t size = strcspn(text, "&");
		const char *equals = memchr(text, '=', size);
		if (equals == NULL) {
			return false;
		}
		char **place = field(fields, text, (size_t)(equals - text));
		if (place != NULL) {
			if (*place != NULL) {
				return false;
			}
			*place = must_copy(equals + 1, size - (size_t)(equals - text) - 1);
		}
		text += size;
		text += *text == '&' ? 1 : 0;
	}
	return fields->resource != NULL && fields->signature != NULL && fields->expiry != NULL &&
	        fields->key_name != NULL;
}

static bool parse_expiry(const char *text, int64_t *ret_expires_at)
{
	int64_t seconds = 0;
	size_t n = strlen(text);
	if (n == 0 || n > 15) {
		return false;
	}
	for (; *text != '\0'; text++) {
		if (!isdigit((unsigned char)*text)) {
			return false;
		}
		seconds = seconds * 10 + (*text - '0');
	}
	*ret_expires_at = seconds;
	return true;
}

static bool is_equal_constant_time(const char *a, const char *b, size_t size)
{
	return strlen(a) == size && strlen(b) == size && CRYPTO_memcmp(a, b, size) == 0;
}

static enum azure_sas_result check(
        const struct fields *fields, const struct azure_sas_rule *rule, int64_t *ret_expires_at)
{
	char expected[SIGNATURE_TEXT];
	CLEANUP_FREE char *name = percent_decode(fields->key_name, strlen(fields->key_name));
	CLEANUP_FREE char *given = percent_decode(fields->signature, strlen(fields->signature));
	CLEANUP_FREE char *resource = percent_decode(fields->resource, strlen(fields->resource));
	if (!parse_expiry(fields->expiry, ret_expires_at)) {
		return AZURE_SAS_MALFORMED;
	}
	if (strcmp(name, rule->key_name) != 0) {
		return AZURE_SAS_UNKNOWN_KEY;
	}
	sign(fields->resource, fields->expiry, rule->key, expected);
	if (!is_equal_constant_time(given, expected, SIGNATURE_TEXT - 1)) {
		return AZURE_SAS_BAD_SIGNATURE;
	}
	if (*ret_expires_at <= rule->now) {
		return AZURE_SAS_EXPIRED;
	}
	if (rule->audience == NULL) {
		return AZURE_SAS_GOOD;
	}
	CLEANUP_FREE char *granted = azure_audience_normal(resource, strlen(resource));
	CLEANUP_FREE char *wanted = azure_audience_normal(rule->audience, strlen(rule->audience));
	return azure_audience_covers(granted, wanted) ? AZURE_SAS_GOOD : AZURE_SAS_WRONG_AUDIENCE;
}

enum azure_sas_result azure_sas_verify(const char *token, size_t token_size,
        const struct azure_sas_rule *rule, int64_t *ret_expires_at)
{
	struct fields fields = { 0 };
	int64_t expires_at = 0;
	CLEANUP_FREE char *text = must_copy(token, token_size);
	if (strlen(text) != token_size || strncmp(text, scheme, strlen(scheme)) != 0) {
		return AZURE_SAS_MALFORMED;
	}
	enum azure_sas_result result = AZURE_SAS_MALFORMED;
	if (split(text + strlen(scheme), &fields)) {
		result = check(&fields, rule, &expires_at);
	}
	fields_finish(&fields);
	if (result == AZURE_SAS_GOOD && ret_expires_at != NULL) {
		*ret_expires_at = expires_at;
	}
	return result;
}

const char *azure_sas_sentence(enum azure_sas_result result)
{
	switch (result) {
	case AZURE_SAS_GOOD:
		return "the token is good";
	case AZURE_SAS_MALFORMED:
		return "the token is no shared access signature with sr, sig, se and skn";
	case AZURE_SAS_UNKNOWN_KEY:
		return "the token names a key that is not known here";
	case AZURE_SAS_BAD_SIGNATURE:
		return "the token's signature does not match: the key is another one";
	case AZURE_SAS_EXPIRED:
		return "the token has expired";
	case AZURE_SAS_WRONG_AUDIENCE:
		return "the token is for another resource";
	}
	return "unknown";
}

/* ASCII only, in every locale. */
static void lower_case(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text >= 'A' && *text <= 'Z') {
			*text = (char)(*text - 'A' + 'a');
		}
	}
}

char *azure_audience_normal(const char *text, size_t size)
{
	char *decoded = percent_decode(text, size);
	char *start = strstr(decoded, "://");
	start = start != NULL ? start + 3 : decoded;
	while (*start == '/') {
		start++;
	}
	memmove(decoded, start, strlen(start) + 1);
	decoded[strcspn(decoded, "?")] = '\0';
	size_t host = strcspn(decoded, "/");
	char *colon = memchr(decoded, ':', host);
	if (colon != NULL) {
		memmove(colon, decoded + host, strlen(decoded + host) + 1);
	}
	lower_case(decoded);
	for (size_t n = strlen(decoded); n > 0 && decoded[n - 1] == '/'; n--) {
		decoded[n - 1] = '\0';
	}
	return decoded;
}

bool azure_audience_covers(const char *granted, const char *wanted)
{
	size_t n = strlen(granted);
	return n != 0 && strncmp(granted, wanted, n) == 0 &&
	        (wanted[n] == '\0' || wanted[n] == '/');
}
