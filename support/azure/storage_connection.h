/* SPDX-License-Identifier: MIT */
/* The connection strings of Azure Storage (its tables), in every form that Microsoft's SDKs take.
 */
#ifndef SUPPORT_AZURE_STORAGE_CONNECTION_H
#define SUPPORT_AZURE_STORAGE_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>

/* All owned. Either key is set or signature. */
struct azure_storage {
	char *account;
	char *endpoint; /* of the table service, without a slash at its end; may have a path */
	unsigned char *key; /* decoded */
	size_t key_size;
	char *signature; /* a SAS as a query, without a question mark */
};

/*
 * AccountName and AccountKey with DefaultEndpointsProtocol, EndpointSuffix or TableEndpoint;
 * SharedAccessSignature with TableEndpoint or AccountName; UseDevelopmentStorage=true with or
 * without DevelopmentStorageProxyUri. Parts that belong to other services are left alone. False:
 * one sentence in `error` that says what is wrong and never holds a part of a secret.
 */
bool azure_storage_parse(
        const char *text, struct azure_storage *ret_storage, char *error, size_t error_size);

/* Frees all and wipes the secret ones; takes one that is all zero. */
void azure_storage_finish(struct azure_storage *storage);

#endif
