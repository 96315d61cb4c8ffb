/* SPDX-License-Identifier: MIT */
/*
 * Signatures of Azure Storage: SharedKey and SharedKeyLite of single requests to the Table service
 * ("Authorize with Shared Key"), and account SAS ("Create an account SAS").
 */
#ifndef SUPPORT_AZURE_SHARED_KEY_H
#define SUPPORT_AZURE_SHARED_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AZURE_DATE_SIZE 30 /* "Mon, 01 Jan 2024 00:00:00 GMT" with its NUL */

struct azure_storage;

/* What of a request is signed. */
struct azure_signed {
	const char *verb;
	const char *content_type; /* as in the header; empty: none */
	const char *date; /* as in x-ms-date */
	const char *path; /* of the URL as sent, from its first slash up to the query */
};

/* Unix seconds as x-ms-date wants them. */
void azure_date_write(char date[AZURE_DATE_SIZE], int64_t unix_s);

/* The value of the Authorization header; the storage has a key. Owned. */
char *azure_shared_key(const struct azure_storage *storage, const struct azure_signed *request);
char *azure_shared_key_lite(
        const struct azure_storage *storage, const struct azure_signed *request);

/* What an account SAS allows. Texts as in the query: services "t", resource types "sco",
 * permissions "raud"; start, ip and protocol may be NULL. */
struct azure_account_sas {
	const char *permissions;
	const char *services;
	const char *resource_types;
	const char *start;
	const char *expiry; /* "2030-01-01T00:00:00Z" */
	const char *ip;
	const char *protocol;
	const char *version; /* "2019-02-02"; from "2020-12-06" on one more line is signed */
};
/* The SAS as a query without a question mark, values percent-encoded; needs a key. Owned. */
char *azure_account_sas_make(
        const struct azure_storage *storage, const struct azure_account_sas *sas);

#endif
