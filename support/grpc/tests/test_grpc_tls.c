/* SPDX-License-Identifier: MIT */
/* The gRPC client over TLS: whom it trusts, whom it does not, and its own certificate. */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/base/memory.h"
#include "support/grpc/tests/world.h"
#include "tests/support/suite.h"

/* A certificate that signs itself, with its key, in files too. */
struct identity {
	EVP_PKEY *key;
	X509 *certificate;
	char path[64]; /* key and certificate */
};

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	CHECK(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

static void identity_init(struct identity *identity, const char *names, long valid_s)
{
	static const unsigned char name[] = "test";
	*identity = (struct identity){ .key = EVP_EC_gen("P-256"), .certificate = X509_new() };
	X509 *certificate = identity->certificate;
	X509_NAME *subject = X509_get_subject_name(certificate);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	(void)X509_set_version(certificate, 2);
	(void)X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
	(void)X509_gmtime_adj(X509_getm_notAfter(certificate), valid_s);
	(void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0);
	(void)X509_set_issuer_name(certificate, subject);
	(void)X509_set_pubkey(certificate, identity->key);
	add_extension(certificate, NID_subject_alt_name, names);
	add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
	CHECK(X509_sign(certificate, identity->key, EVP_sha256()) != 0);
	(void)snprintf(identity->path, sizeof(identity->path), "/tmp/lucius-grpc-XXXXXX");
	FILE *file = fdopen(mkstemp(identity->path), "w");
	CHECK(file != NULL && PEM_write_X509(file, certificate) == 1 &&
	        PEM_write_PrivateKey(file, identity->key, NULL, NULL, 0, NULL, NULL) == 1);
	CHECK_INT(fclose(file), 0);
}

static void identity_finish(struct identity *identity)
{
	(void)unlink(identity->path);
	X509_free(identity->certificate);
	EVP_PKEY_free(identity->key);
}

static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *out_size,
        const unsigned char *in, unsigned int in_size, void *user)
{
	static const unsigned char h2[] = "\2h2";
	(void)ssl;
	(void)user;
	int chosen = SSL_select_next_proto(
	        (unsigned char **)(uintptr_t)out, out_size, h2, 3, in, in_size);
	return chosen == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* Client: whom it demands a certificate of; NULL: of nobody. */
static SSL_CTX *make_server(const struct identity *identity, const struct identity *client)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	CHECK_INT(SSL_CTX_use_certificate(tls, identity->certificate), 1);
	CHECK_INT(SSL_CTX_use_PrivateKey(tls, identity->key), 1);
	SSL_CTX_set_alpn_select_cb(tls, choose_h2, NULL);
	if (client != NULL) {
		CHECK_INT(SSL_CTX_load_verify_locations(tls, client->path, NULL), 1);
		SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	return tls;
}

struct tls_world {
	struct world world;
	struct identity server;
	struct identity client;
	SSL_CTX *tls;
};

static void set_up(struct tls_world *tls, const char *names, long valid_s, bool is_mutual)
{
	identity_init(&tls->server, names, valid_s);
	identity_init(&tls->client, "DNS:client", 3600);
	tls->tls = make_server(&tls->server, is_mutual ? &tls->client : NULL);
	world_init(&tls->world);
	tls->world.peer.tls = tls->tls;
	tls->world.settings.is_tls = true;
	tls->world.settings.ca_file = tls->server.path;
	tls->world.settings.retry_max_ms = 50;
}

static void tear_down(struct tls_world *tls)
{
	world_finish(&tls->world);
	SSL_CTX_free(tls->tls);
	identity_finish(&tls->server);
	identity_finish(&tls->client);
}

static void check_served(struct tls_world *tls)
{
	CHECK_INT(world_answered(&tls->world, "/ok")->status, GRPC_OK);
	CHECK_TEXT(world_answered(&tls->world, "/split")->message, "hello");
	CHECK_INT(world_answered(&tls->world, "/large")->size, 100000);
	CHECK_INT(tls->world.peer.n_accepted, 1);
}

static void check_refused(struct tls_world *tls, const char *words)
{
	WAIT(&tls->world, unreachable_is_told);
	CHECK(strstr(tls->world.state, words) != NULL);
	if (strstr(tls->world.state, words) == NULL) {
		fprintf(stderr, "it says: %s\n", tls->world.state);
	}
	CHECK_INT(world_answered(&tls->world, "/ok")->status, GRPC_UNAVAILABLE);
	CHECK_INT(tls->world.peer.n_requests, 0);
}

static void trusted_server_is_called_by_its_address(void)
{
	struct tls_world tls;
	set_up(&tls, "IP:127.0.0.1", 3600, false);
	world_start(&tls.world);
	check_served(&tls);
	tear_down(&tls);
}

static void server_name_stands_for_the_host(void)
{
	struct tls_world tls;
	set_up(&tls, "DNS:temporal.example", 3600, false);
	tls.world.settings.server_name = "temporal.example";
	world_start(&tls.world);
	check_served(&tls);
	CHECK(strncmp(tls.world.peer.authority, "temporal.example:", 17) == 0);
	tear_down(&tls);
}

static void server_of_another_name_is_refused(void)
{
	struct tls_world tls;
	set_up(&tls, "DNS:other.example", 3600, false);
	world_start(&tls.world);
	check_refused(&tls, "certificate");
	tear_down(&tls);
}

static void server_that_nobody_vouches_for_is_refused(void)
{
	struct tls_world tls;
	set_up(&tls, "IP:127.0.0.1", 3600, false);
	tls.world.settings.ca_file = tls.client.path;
	world_start(&tls.world);
	check_refused(&tls, "certificate");
	tear_down(&tls);
}

static void certificate_that_has_run_out_is_refused(void)
{
	struct tls_world tls;
	set_up(&tls, "IP:127.0.0.1", -3600, false);
	world_start(&tls.world);
	check_refused(&tls, "expired");
	tear_down(&tls);
}

static void server_without_h2_is_refused(void)
{
	struct tls_world tls;
	set_up(&tls, "IP:127.0.0.1", 3600, false);
	SSL_CTX_set_alpn_select_cb(tls.tls, NULL, NULL);
	world_start(&tls.world);
	check_refused(&tls, "ALPN");
	tear_down(&tls);
}

static void server_in_the_clear_is_refused(void)
{
	struct tls_world tls;
	set_up(&tls, "IP:127.0.0.1", 3600, false);
	tls.world.peer.tls = NULL;
	tls.world.peer.raw = "HTTP/1.1 400 Bad Request\r\n\r\n";
	tls.world.peer.raw_size = 28;
	world_start(&tls.world);
	check_refused(&tls, "TLS");
	tear_down(&tls);
}

static void client_shows_its_certificate(void)
{
	struct tls_world tls;
	set_up(&tls, "IP:127.0.0.1", 3600, true);
	tls.world.settings.cert_file = tls.client.path;
	world_start(&tls.world);
	check_served(&tls);
	tear_down(&tls);
}

static void client_without_the_certificate_that_is_demanded_is_refused(void)
{
	struct tls_world tls;
	set_up(&tls, "IP:127.0.0.1", 3600, true);
	world_start(&tls.world);
	check_refused(&tls, "");
	tear_down(&tls);
}

static void large_request_passes_in_full(void)
{
	struct tls_world tls;
	const size_t size = 3u << 20;
	uint8_t *bytes = must_calloc(1, size);
	set_up(&tls, "IP:127.0.0.1", 3600, false);
	world_start(&tls.world);
	struct made *made = &tls.world.made[tls.world.n_made++];
	const struct grpc_request request = { .path = "/ok", .message = bytes, .size = size };
	made->call = grpc_client_call(tls.world.client, &request, world_on_answer, made);
	WAIT(&tls.world, all_are_answered);
	CHECK_INT(made->status, GRPC_OK);
	CHECK_INT(made->size, size);
	free(bytes);
	tear_down(&tls);
}

static void check_file_refused(struct tls_world *tls, const char *words)
{
	char error[300] = "";
	CHECK(grpc_client_create(&tls->world.settings, error, sizeof(error)) == NULL);
	CHECK(strstr(error, words) != NULL);
}

static void file_that_is_missing_or_wrong_is_named(void)
{
	struct tls_world tls;
	set_up(&tls, "IP:127.0.0.1", 3600, false);
	tls.world.settings.cert_file = "/nonexistent/cert.pem";
	check_file_refused(&tls, "'/nonexistent/cert.pem'");
	tls.world.settings.cert_file = tls.client.path;
	tls.world.settings.key_file = tls.server.path;
	check_file_refused(&tls, tls.server.path);
	tls.world.settings.cert_file = tls.world.settings.key_file = NULL;
	tls.world.settings.ca_file = "/nonexistent/ca.pem";
	check_file_refused(&tls, "'/nonexistent/ca.pem'");
	tear_down(&tls);
}

static const struct suite_test tests[] = {
	SUITE_TEST(trusted_server_is_called_by_its_address),
	SUITE_TEST(server_name_stands_for_the_host),
	SUITE_TEST(server_of_another_name_is_refused),
	SUITE_TEST(server_that_nobody_vouches_for_is_refused),
	SUITE_TEST(certificate_that_has_run_out_is_refused),
	SUITE_TEST(server_without_h2_is_refused),
	SUITE_TEST(server_in_the_clear_is_refused),
	SUITE_TEST(client_shows_its_certificate),
	SUITE_TEST(client_without_the_certificate_that_is_demanded_is_refused),
	SUITE_TEST(large_request_passes_in_full),
	SUITE_TEST(file_that_is_missing_or_wrong_is_named),
};

int main(int argc, char **argv)
{
	return suite_run("grpc tls", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
