/* SPDX-License-Identifier: MIT */
/* The certificate that both listeners show. */
#ifndef BUS_LOCAL_TLS_H
#define BUS_LOCAL_TLS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

struct bus_options;

/* Owned in ret_tls, NULL if the options ask for none. False: a sentence in error. */
bool tls_load(const struct bus_options *options, SSL_CTX **ret_tls, char *error, size_t error_size);

#endif
