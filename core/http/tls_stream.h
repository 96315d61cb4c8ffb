/* SPDX-License-Identifier: MIT */
/* What stream.c needs of tls.c. */
#ifndef CORE_HTTP_TLS_STREAM_H
#define CORE_HTTP_TLS_STREAM_H

struct http_tls;
struct ssl_st;

/* One connection over that descriptor (borrowed), owned by the caller; NULL if out of memory.
 * host_name: for a client, whose certificate it must be; NULL for a server. */
struct ssl_st *http_tls_attach(struct http_tls *tls, int fd, const char *host_name);

#endif
