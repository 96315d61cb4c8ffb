/* SPDX-License-Identifier: MIT */
/* TLS 1.2 and later for the server (certificate, key, client CA) and for the client. */
#ifndef CORE_HTTP_TLS_H
#define CORE_HTTP_TLS_H

#include <stdbool.h>

struct http_tls;

/* Files in PEM format. */
struct http_tls_files {
	const char *certificate; /* with its chain; NULL only for a client */
	const char *key;
	const char *ca; /* server: clients must show a certificate of it. NULL: none is asked for.
	                 * client: whom to trust. NULL: the system's. */
	bool is_own; /* client: `ca` begins with the one certificate that the server may show; who
	              * has signed it and the name in it do not matter */
};

/* NULL and a sentence (owned, from malloc) that names the file if something does not fit. */
struct http_tls *http_tls_create_server(const struct http_tls_files *files, char **ret_error);
struct http_tls *http_tls_create_client(const struct http_tls_files *files, char **ret_error);

/* Takes NULL. After the servers and clients that use it. */
void http_tls_destroy(struct http_tls *tls);

#endif
