/* SPDX-License-Identifier: MIT */
/* The client over TLS: against a certificate that it may trust, and ones that it must not. */
#include "support/servicebus/tests/world.h"
#include "tests/support/suite.h"

#include <event2/event.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

struct authority {
	EVP_PKEY *key;
	X509 *certificate;
	char path[64]; /* of the certificate, removed at the end */
	SSL_CTX *server;
};

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	CHECK(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

/* Signed by itself, for that name. */
static X509 *make_certificate(EVP_PKEY *key, const char *names)
{
	X509 *certificate = X509_new();
	X509_NAME *subject = X509_get_subject_name(certificate);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	(void)X509_set_version(certificate, 2);
	(void)X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	(void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	(void)X509_NAME_add_entry_by_txt(
	        subject, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
	(void)X509_set_issuer_name(certificate, subject);
	(void)X509_set_pubkey(certificate, key);
	add_extension(certificate, NID_subject_alt_name, names);
	add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
	CHECK(X509_sign(certificate, key, EVP_sha256()) != 0);
	return certificate;
}

static void authority_make(struct authority *authority, const char *names)
{
	*authority = (struct authority){ .key = EVP_EC_gen("P-256") };
	authority->certificate = make_certificate(authority->key, names);
	authority->server = SSL_CTX_new(TLS_server_method());
	CHECK_INT(SSL_CTX_use_certificate(authority->server, authority->certificate), 1);
	CHECK_INT(SSL_CTX_use_PrivateKey(authority->server, authority->key), 1);
	snprintf(authority->path, sizeof(authority->path), "/tmp/lucius-test-ca-XXXXXX");
	int fd = mkstemp(authority->path);
	FILE *file = fdopen(fd, "w");
	CHECK(file != NULL && PEM_write_X509(file, authority->certificate) == 1);
	CHECK_INT(fclose(file), 0);
}

static void authority_finish(struct authority *authority)
{
	(void)unlink(authority->path);
	SSL_CTX_free(authority->server);
	X509_free(authority->certificate);
	EVP_PKEY_free(authority->key);
}

/* Which of its names the broker is asked for before anything else is said. */
static int on_asked_for(SSL *ssl, int *alert, void *user)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	(void)alert;
	snprintf(user, 100, "%s", name != NULL ? name : "none");
	return SSL_TLSEXT_ERR_OK;
}

static void trusted_broker_is_used_over_tls(void)
{
	struct world w;
	struct authority authority;
	char asked_for[100] = "";
	authority_make(&authority, "DNS:localhost");
	(void)SSL_CTX_set_tlsext_servername_callback(authority.server, on_asked_for);
	(void)SSL_CTX_set_tlsext_servername_arg(authority.server, asked_for);
	world_start(&w);
	w.broker.tls = authority.server;
	w.settings.ca_file = authority.path;
	w.completes_at_once = true;
	world_client(&w, "");
	for (int i = 0; i < 500; i++) {
		fake_broker_put(&w.broker, "a message that is larger than nothing");
		world_send(&w, "topic", "another one");
	}
	(void)world_receive(&w, 100);
	CHECK(world_wait(&w, &w.n_done, 1000));
	CHECK_INT(w.n_given, 500);
	CHECK_TEXT(asked_for, "localhost");
	world_stop(&w, 5000);
	CHECK(world_wait_flag(&w, &w.is_stopped));
	world_finish(&w);
	authority_finish(&authority);
}

static void large_message_passes_over_tls(void)
{
	struct world w;
	struct authority authority;
	authority_make(&authority, "DNS:localhost");
	world_start(&w);
	w.broker.tls = authority.server;
	w.settings.ca_file = authority.path;
	world_client(&w, "");
	size_t size = 3 * 1000 * 1000;
	char *body = malloc(size + 1);
	memset(body, 'x', size);
	body[size] = '\0';
	world_send(&w, "topic", body);
	world_send(&w, "topic", "x");
	CHECK(world_wait(&w, &w.n_done, 2));
	CHECK_INT(w.outcomes[0], SERVICEBUS_DONE);
	free(body);
	world_finish(&w);
	authority_finish(&authority);
}

static void check_refused(struct world *w)
{
	char sentence[300];
	world_send(w, "topic", "x");
	CHECK(world_wait(w, &w->n_states, 1));
	CHECK(!w->is_ready);
	CHECK(!servicebus_client_is_ready(w->client, sentence, sizeof(sentence)));
	CHECK(strstr(sentence, "certificate") != NULL);
	if (strstr(sentence, "certificate") == NULL) {
		fprintf(stderr, "%s\n", sentence);
	}
	CHECK_INT(w->broker.n_received, 0);
}

static void broker_with_an_unknown_certificate_is_refused(void)
{
	struct world w;
	struct authority authority;
	authority_make(&authority, "DNS:localhost");
	world_start(&w);
	w.broker.tls = authority.server;
	world_client(&w, "");
	check_refused(&w);
	world_finish(&w);
	authority_finish(&authority);
}

static void broker_with_another_name_is_refused(void)
{
	struct world w;
	struct authority authority;
	authority_make(&authority, "DNS:elsewhere.example");
	world_start(&w);
	w.broker.tls = authority.server;
	w.settings.ca_file = authority.path;
	world_client(&w, "");
	check_refused(&w);
	world_finish(&w);
	authority_finish(&authority);
}

static void plain_broker_is_refused(void)
{
	struct world w;
	char sentence[300];
	world_start(&w);
	world_client(&w, "");
	CHECK(world_wait(&w, &w.n_states, 1));
	CHECK(!servicebus_client_is_ready(w.client, sentence, sizeof(sentence)));
	world_finish(&w);
}

static void unreadable_ca_file_is_an_error_at_once(void)
{
	struct azure_servicebus connection;
	struct servicebus_client *client = NULL;
	char error[300] = "";
	CHECK(azure_servicebus_parse("Endpoint=sb://h;SharedAccessKeyName=a;SharedAccessKey=b",
	        &connection, error, sizeof(error)));
	struct event_base *base = event_base_new();
	struct servicebus_settings settings = {
		.connection = &connection,
		.ca_file = "/nonexistent/ca.pem",
	};
	CHECK(!servicebus_client_create(base, &settings, &client, error, sizeof(error)));
	CHECK(strstr(error, "/nonexistent/ca.pem") != NULL);
	azure_servicebus_finish(&connection);
	event_base_free(base);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(trusted_broker_is_used_over_tls),
		SUITE_TEST(large_message_passes_over_tls),
		SUITE_TEST(broker_with_an_unknown_certificate_is_refused),
		SUITE_TEST(broker_with_another_name_is_refused),
		SUITE_TEST(plain_broker_is_refused),
		SUITE_TEST(unreadable_ca_file_is_an_error_at_once),
	};
	return suite_run("servicebus tls", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
