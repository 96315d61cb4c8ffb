/* SPDX-License-Identifier: MIT */
/*
 * Contexts for both sides, and the socket BIO beneath: OpenSSL's own writes without MSG_NOSIGNAL,
 * which would make every program that uses it ignore SIGPIPE.
 */
#include "core/http/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "core/http/tls_stream.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

struct http_tls {
	SSL_CTX *settings; /* owned */
	BIO_METHOD *method; /* owned */
	bool is_own; /* of a client: no name is looked at */
};

CLEANUP_DEFINE(struct http_tls *, http_tls, http_tls_destroy)

static bool is_temporary(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static int socket_of(BIO *bio)
{
	return (int)(intptr_t)BIO_get_data(bio);
}

static int bio_write(BIO *bio, const char *bytes, int size)
{
	BIO_clear_retry_flags(bio);
	ssize_t n_bytes = send(socket_of(bio), bytes, (size_t)size, MSG_NOSIGNAL);
	if (n_bytes < 0 && is_temporary(errno)) {
		BIO_set_retry_write(bio);
	}
	return (int)n_bytes;
}

static int bio_read(BIO *bio, char *bytes, int size)
{
	BIO_clear_retry_flags(bio);
	ssize_t n_bytes = recv(socket_of(bio), bytes, (size_t)size, 0);
	if (n_bytes < 0 && is_temporary(errno)) {
		BIO_set_retry_read(bio);
	}
	if (n_bytes == 0) {
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	}
	return (int)n_bytes;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
	(void)number;
	(void)pointer;
	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	}
	return 0;
}

static BIO_METHOD *make_method(void)
{
	BIO_METHOD *method =
	        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "lucius socket");
	if (method == NULL || BIO_meth_set_write(method, bio_write) != 1 ||
	        BIO_meth_set_read(method, bio_read) != 1 ||
	        BIO_meth_set_ctrl(method, bio_control) != 1) {
		BIO_meth_free(method);
		return NULL;
	}
	return method;
}

/* The sentence for a file, with what OpenSSL says about it. */
__attribute__((format(printf, 2, 3))) static void explain(char **ret_error, const char *format, ...)
{
	char reason[160] = "no reason given";
	unsigned long code = ERR_peek_last_error();
	if (code != 0) {
		ERR_error_string_n(code, reason, sizeof(reason));
	}
	ERR_clear_error();
	va_list arguments;
	va_start(arguments, format);
	char *fact CLEANUP_FREE = must_vprint(format, arguments);
	va_end(arguments);
	*ret_error = must_print("%s (%s)", fact, reason);
}

static struct http_tls *make(const SSL_METHOD *side, char **ret_error)
{
	CLEANUP(cleanup_http_tls) struct http_tls *tls = must_calloc(1, sizeof(*tls));
	tls->settings = SSL_CTX_new(side);
	tls->method = make_method();
	if (tls->settings == NULL || tls->method == NULL ||
	        SSL_CTX_set_min_proto_version(tls->settings, TLS1_2_VERSION) != 1) {
		explain(ret_error, "OpenSSL cannot be set up");
		return NULL;
	}
	SSL_CTX_set_options(tls->settings, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(tls->settings,
	        SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	                SSL_MODE_RELEASE_BUFFERS);
	return steal(tls);
}

static int load_pair(struct http_tls *tls, const struct http_tls_files *files, char **ret_error)
{
	if (SSL_CTX_use_certificate_chain_file(tls->settings, files->certificate) != 1) {
		explain(ret_error, "'%s' is not a certificate chain in PEM format",
		        files->certificate);
		return -1;
	}
	const char *key = files->key != NULL ? files->key : files->certificate;
	if (SSL_CTX_use_PrivateKey_file(tls->settings, key, SSL_FILETYPE_PEM) != 1) {
		explain(ret_error, "'%s' is not the private key of '%s' in PEM format", key,
		        files->certificate);
		return -1;
	}
	return 0;
}

static int load_ca(struct http_tls *tls, const char *file, char **ret_error)
{
	if (SSL_CTX_load_verify_file(tls->settings, file) != 1) {
		explain(ret_error, "'%s' is not a file of CA certificates in PEM format", file);
		return -1;
	}
	return 0;
}

/* The first certificate of the file and nothing else, whoever has signed it. */
static int load_own(struct http_tls *tls, const char *file, char **ret_error)
{
	X509_STORE *store = SSL_CTX_get_cert_store(tls->settings);
	BIO *bio = BIO_new_file(file, "r");
	X509 *certificate = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	bool is_added = certificate != NULL && X509_STORE_add_cert(store, certificate) == 1;
	X509_free(certificate);
	BIO_free(bio);
	if (!is_added) {
		explain(ret_error, "'%s' is not a certificate in PEM format", file);
		return -1;
	}
	(void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	tls->is_own = true;
	return 0;
}

struct http_tls *http_tls_create_server(const struct http_tls_files *files, char **ret_error)
{
	CLEANUP(cleanup_http_tls) struct http_tls *tls = make(TLS_server_method(), ret_error);
	if (tls == NULL || load_pair(tls, files, ret_error) != 0) {
		return NULL;
	}
	if (files->ca != NULL) {
		if (load_ca(tls, files->ca, ret_error) != 0) {
			return NULL;
		}
		SSL_CTX_set_client_CA_list(tls->settings, SSL_load_client_CA_file(files->ca));
		SSL_CTX_set_verify(
		        tls->settings, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	static const unsigned char session_name[] = "lucius";
	(void)SSL_CTX_set_session_id_context(tls->settings, session_name, sizeof(session_name) - 1);
	return steal(tls);
}

struct http_tls *http_tls_create_client(const struct http_tls_files *files, char **ret_error)
{
	CLEANUP(cleanup_http_tls) struct http_tls *tls = make(TLS_client_method(), ret_error);
	if (tls == NULL || (files->certificate != NULL && load_pair(tls, files, ret_error) != 0)) {
		return NULL;
	}
	SSL_CTX_set_verify(tls->settings, SSL_VERIFY_PEER, NULL);
	if (files->ca != NULL) {
		int loaded = files->is_own ? load_own(tls, files->ca, ret_error)
		                           : load_ca(tls, files->ca, ret_error);
		return loaded == 0 ? steal(tls) : NULL;
	}
	if (SSL_CTX_set_default_verify_paths(tls->settings) != 1) {
		explain(ret_error, "the system's CA certificates cannot be read");
		return NULL;
	}
	return steal(tls);
}

void http_tls_destroy(struct http_tls *tls)
{
	if (tls == NULL) {
		return;
	}
	SSL_CTX_free(tls->settings);
	BIO_meth_free(tls->method);
	free(tls);
}

/* Whose certificate it must be: a name (sent as SNI too) or an address. */
static bool expect_host(SSL *ssl, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];
	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1) {
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	}
	return SSL_set_tlsext_host_name(ssl, host) == 1 && SSL_set1_host(ssl, host) == 1;
}

struct ssl_st *http_tls_attach(struct http_tls *tls, int fd, const char *host_name)
{
	SSL *ssl = SSL_new(tls->settings);
	BIO *bio = BIO_new(tls->method);
	if (ssl == NULL || bio == NULL) {
		SSL_free(ssl);
		BIO_free(bio);
		return NULL;
	}
	BIO_set_data(bio, (void *)(intptr_t)fd);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	if (host_name == NULL) {
		SSL_set_accept_state(ssl);
		return ssl;
	}
	SSL_set_connect_state(ssl);
	if (!tls->is_own && !expect_host(ssl, host_name)) {
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}
