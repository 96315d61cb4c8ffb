/* SPDX-License-Identifier: MIT */
/* The connection string of an App Configuration store, and the signatures that it allows. */
#ifndef PLUGINS_CONFIG_APPCONFIG_CONNECTION_H
#define PLUGINS_CONFIG_APPCONFIG_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_ENDPOINTS 8
#define MAX_SYNC_TOKENS 8

/* How far an endpoint was when it answered; the service has several kinds of them. */
struct sync_token {
	char *pair; /* owned; "id=value" */
	size_t id_size;
	uint64_t number; /* sn: of one id, the higher is the newer */
};

/* The store itself, or a replica of it. */
struct endpoint {
	char *url; /* owned; scheme, host and port, without a slash at its end */
	char *host; /* owned; as the Host header has it: without a port that goes without saying */
	struct sync_token sync[MAX_SYNC_TOKENS];
	size_t n_sync;
	uint64_t bad_until_ms; /* on the host's clock */
	uint32_t n_failed; /* in a row */
};

/* All owned. */
struct connection {
	char *id;
	unsigned char *key; /* decoded */
	size_t key_size;
	struct endpoint endpoints[MAX_ENDPOINTS];
	size_t n_endpoints; /* 1 at least */
};

/* More: further endpoints, a comma list; may be NULL. False: a sentence that holds no secret. */
bool connection_parse(const char *text, const char *more, struct connection *ret_connection,
        char *error, size_t error_size);
/* Frees all and wipes the key; takes one that is all zero. */
void connection_finish(struct connection *connection);

/*
 * The three headers of a request without a body ("Authentication with HMAC-SHA256" of the REST
 * reference): x-ms-date, x-ms-content-sha256, Authorization. Owned. Target: path and query as they
 * go over the wire.
 */
struct signature {
	char *date, *hash, *authorization;
};
void signature_make(const struct connection *connection, const char *host, const char *target,
        int64_t now_s, struct signature *ret_signature);
void signature_finish(struct signature *signature);

/* sync_token.c: takes over what a Sync-Token header says ("id=value;sn=7", a comma list). Header
 * NULL: an answer had none, and what was there before is of no use. */
void endpoint_take_tokens(struct endpoint *endpoint, const char *header, size_t size);
/* What to send back, "id=value,id2=value2"; owned. NULL: nothing. */
char *endpoint_tokens(const struct endpoint *endpoint);

#endif
