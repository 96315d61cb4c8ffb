/* SPDX-License-Identifier: MIT */
/* Texts to sign, and HMAC-SHA256 over them in base64. */
#include "support/azure/shared_key.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/azure/storage_connection.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define SIGNATURE_TEXT 45 /* base64 of 32 bytes, with a NUL */

void azure_date_write(char date[AZURE_DATE_SIZE], int64_t unix_s)
{
	/* Not strftime: names of days and months must not follow the locale. */
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t)unix_s;
	struct tm utc;
	if (gmtime_r(&seconds, &utc) == NULL) {
		abort(); /* a year beyond an int */
	}
	(void)snprintf(date, AZURE_DATE_SIZE, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
	        days + (size_t)utc.tm_wday * 3, utc.tm_mday, months + (size_t)utc.tm_mon * 3,
	        utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

static void sign(
        const struct azure_storage *storage, const char *text, char signature[SIGNATURE_TEXT])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_size = 0;
	if (HMAC(EVP_sha256(), storage->key, (int)storage->key_size, (const unsigned char *)text,
	            strlen(text), digest, &digest_size) == NULL) {
		abort(); /* out of memory, or a libcrypto without SHA-256 */
	}
	(void)EVP_EncodeBlock((unsigned char *)signature, digest, (int)digest_size);
}

char *azure_shared_key(const struct azure_storage *storage, const struct azure_signed *request)
{
	char signature[SIGNATURE_TEXT];
	CLEANUP_FREE char *text = must_print("%s\n\n%s\n%s\n/%s%s", request->verb,
	        request->content_type, request->date, storage->account, request->path);
	sign(storage, text, signature);
	return must_print("SharedKey %s:%s", storage->account, signature);
}

char *azure_shared_key_lite(const struct azure_storage *storage, const struct azure_signed *request)
{
	char signature[SIGNATURE_TEXT];
	CLEANUP_FREE char *text =
	        must_print("%s\n/%s%s", request->date, storage->account, request->path);
	sign(storage, text, signature);
	return must_print("SharedKeyLite %s:%s", storage->account, signature);
}

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

/* Appends "name=value" with the value percent-encoded; nothing for an empty one. */
static void add_parameter(char **query, const char *name, const char *value)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	                            "0123456789-_.~";
	if (or_empty(value)[0] == '\0') {
		return;
	}
	CLEANUP_FREE char *encoded = must_calloc(strlen(value) + 1, 3);
	char *at = encoded;
	for (; *value != '\0'; value++) {
		if (strchr(plain, *value) != NULL) {
			*at++ = *value;
		} else {
			at += snprintf(at, 4, "%%%02X", (unsigned char)*value);
		}
	}
	CLEANUP_FREE char *before = *query;
	*query = must_print("%s%s%s=%s", before, before[0] != '\0' ? "&" : "", name, encoded);
}

char *azure_account_sas_make(
        const struct azure_storage *storage, const struct azure_account_sas *sas)
{
	char signature[SIGNATURE_TEXT];
	bool has_scope_line = strcmp(sas->version, "2020-12-06") >= 0;
	CLEANUP_FREE char *text = must_print("%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s",
	        storage->account, sas->permissions, sas->services, sas->resource_types,
	        or_empty(sas->start), sas->expiry, or_empty(sas->ip), or_empty(sas->protocol),
	        sas->version, has_scope_line ? "\n" : "");
	sign(storage, text, signature);
	char *query = must_print("%s", "");
	add_parameter(&query, "sv", sas->version);
	add_parameter(&query, "ss", sas->services);
	add_parameter(&query, "srt", sas->resource_types);
	add_parameter(&query, "sp", sas->permissions);
	add_parameter(&query, "st", sas->start);
	add_parameter(&query, "se", sas->expiry);
	add_parameter(&query, "sip", sas->ip);
	add_parameter(&query, "spr", sas->protocol);
	add_parameter(&query, "sig", signature);
	return query;
}
