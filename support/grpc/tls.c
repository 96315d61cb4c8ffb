/* SPDX-License-Identifier: MIT */
/* TLS as gRPC wants it: 1.2 or newer, ALPN h2, the server's name verified, perhaps a certificate.
 */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/grpc/private.h"

static const unsigned char alpn_h2[] = { 2, 'h', '2' };

CLEANUP_DEFINE(SSL_CTX *, tls, SSL_CTX_free)
CLEANUP_DEFINE(SSL *, ssl, SSL_free)

static bool refuse(char *error, size_t error_size, const char *what, const char *file)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	(void)snprintf(error, error_size, "%s '%s' cannot be used: %s", what, file,
	        reason != NULL ? reason : "an error of the TLS library");
	ERR_clear_error();
	return false;
}

static bool load_files(
        SSL_CTX *tls, const struct grpc_settings *settings, char *error, size_t error_size)
{
	if (settings->ca_file != NULL) {
		if (SSL_CTX_load_verify_locations(tls, settings->ca_file, NULL) != 1) {
			return refuse(error, error_size, "the CA file", settings->ca_file);
		}
	} else if (SSL_CTX_set_default_verify_paths(tls) != 1) {
		return refuse(error, error_size, "the CA store", "of the system");
	}
	if (settings->cert_file == NULL) {
		return true;
	}
	const char *key = settings->key_file != NULL ? settings->key_file : settings->cert_file;
	if (SSL_CTX_use_certificate_chain_file(tls, settings->cert_file) != 1) {
		return refuse(error, error_size, "the certificate file", settings->cert_file);
	}
	if (SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1 ||
	        SSL_CTX_check_private_key(tls) != 1) {
		return refuse(error, error_size, "the key file", key);
	}
	return true;
}

SSL_CTX *tls_create(const struct grpc_settings *settings, char *error, size_t error_size)
{
	CLEANUP(cleanup_tls) SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	if (tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1 ||
	        SSL_CTX_set_alpn_protos(tls, alpn_h2, sizeof(alpn_h2)) != 0) {
		(void)refuse(error, error_size, "TLS", "1.2");
		return NULL;
	}
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	return load_files(tls, settings, error, error_size) ? steal(tls) : NULL;
}

static bool set_name(SSL *ssl, const char *server_name)
{
	unsigned char address[sizeof(struct in6_addr)];
	bool is_address = inet_pton(AF_INET, server_name, address) == 1 ||
	        inet_pton(AF_INET6, server_name, address) == 1;
	if (is_address) {
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server_name) == 1;
	}
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set_tlsext_host_name(ssl, server_name) == 1 &&
	        SSL_set1_host(ssl, server_name) == 1;
}

SSL *tls_open(SSL_CTX *tls, const char *server_name)
{
	CLEANUP(cleanup_ssl) SSL *ssl = SSL_new(tls);
	if (ssl == NULL || !set_name(ssl, server_name)) {
		return NULL;
	}
	return steal(ssl);
}

bool tls_is_http2(const SSL *ssl)
{
	const unsigned char *chosen = NULL;
	unsigned int size = 0;
	SSL_get0_alpn_selected(ssl, &chosen, &size);
	return size == sizeof(alpn_h2) - 1 && memcmp(chosen, alpn_h2 + 1, size) == 0;
}
