/* SPDX-License-Identifier: MIT */
/*
 * Shared access signatures of Service Bus ("Service Bus access control with Shared Access
 * Signatures"): made by clients, verified by the local broker.
 */
#ifndef SUPPORT_AZURE_SAS_H
#define SUPPORT_AZURE_SAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A token for the audience (a URI such as amqps://host/topic), signed with the key's text, good
 * until expires_at (seconds since 1970 UTC). Owned. */
char *azure_sas_make(
        const char *audience, const char *key_name, const char *key, int64_t expires_at);

enum azure_sas_result {
	AZURE_SAS_GOOD,
	AZURE_SAS_MALFORMED,
	AZURE_SAS_UNKNOWN_KEY,
	AZURE_SAS_BAD_SIGNATURE,
	AZURE_SAS_EXPIRED,
	AZURE_SAS_WRONG_AUDIENCE,
};

/* What a token is held against. */
struct azure_sas_rule {
	const char *key_name;
	const char *key;
	const char *audience; /* what the client wants to use; NULL: any */
	int64_t now; /* seconds since 1970 UTC */
};

/*
 * The signature is compared in constant time, and over the token's own text, still encoded. Once
 * good, ret_expires_at (may be NULL) has the second in which the token ends. The sentence for a
 * result is azure_sas_sentence.
 */
enum azure_sas_result azure_sas_verify(const char *token, size_t token_size,
        const struct azure_sas_rule *rule, int64_t *ret_expires_at);
const char *azure_sas_sentence(enum azure_sas_result result);

/*
 * The part of an audience or address that counts when two are compared: without scheme, port and
 * query, %xx decoded, lower case, no slash at either end: "host/topic/subscriptions/s". Owned.
 */
char *azure_audience_normal(const char *text, size_t size);

/* True if what is granted is the wanted one or a parent of it; both in the form above. */
bool azure_audience_covers(const char *granted, const char *wanted);

#endif
