/* SPDX-License-Identifier: MIT */
/* TLS 1.2 and newer; the files are read once, when a listener opens. */
#include "plugins/bus-local/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "plugins/bus-local/options.h"

static bool use_files(SSL_CTX *tls, const struct bus_options *options, const char **ret_file)
{
	*ret_file = options->tls_cert;
	if (SSL_CTX_use_certificate_chain_file(tls, options->tls_cert) != 1) {
		return false;
	}
	*ret_file = options->tls_key;
	return SSL_CTX_use_PrivateKey_file(tls, options->tls_key, SSL_FILETYPE_PEM) == 1 &&
	        SSL_CTX_check_private_key(tls) == 1;
}

bool tls_load(const struct bus_options *options, SSL_CTX **ret_tls, char *error, size_t error_size)
{
	const char *file = NULL;
	*ret_tls = NULL;
	if (options->tls_cert == NULL || options->tls_cert[0] == '\0') {
		return true;
	}
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	if (tls == NULL) {
		snprintf(error, error_size, "TLS cannot be set up");
		return false;
	}
	(void)SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	if (!use_files(tls, options, &file)) {
		const char *reason = ERR_reason_error_string(ERR_get_error());
		snprintf(error, error_size, "bus-tls-cert or bus-tls-key: '%s' cannot be used: %s",
		        file, reason != NULL ? reason : "not a PEM file, or another key's");
		ERR_clear_error();
		SSL_CTX_free(tls);
		return false;
	}
	*ret_tls = tls;
	return true;
}
