/* SPDX-License-Identifier: MIT */
/* Server and client over TLS, with certificates that are made here. */
#include <openssl/ssl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/http/client.h"
#include "core/http/tls.h"
#include "support/base/memory.h"
#include "tests/support/http_world.h"
#include "tests/support/papers.h"
#include "tests/support/suite.h"

struct secure_world {
	struct papers papers;
	struct http_tls *server_tls;
	struct http_tls *client_tls;
	struct world world;
	struct http_client *client;
};

static struct http_tls *server_tls(const struct papers *papers, bool asks_client)
{
	const struct http_tls_files files = {
		.certificate = papers->server,
		.key = papers->server,
		.ca = asks_client ? papers->ca : NULL,
	};
	char *error = NULL;
	struct http_tls *tls = http_tls_create_server(&files, &error);
	CHECK_TEXT(error, NULL);
	return tls;
}

static struct http_tls *client_tls(const struct papers *papers, bool shows_certificate)
{
	const struct http_tls_files files = {
		.certificate = shows_certificate ? papers->client : NULL,
		.key = papers->client,
		.ca = papers->ca,
	};
	char *error = NULL;
	struct http_tls *tls = http_tls_create_client(&files, &error);
	CHECK_TEXT(error, NULL);
	return tls;
}

static void secure_start(struct secure_world *secure, bool asks_client, bool shows_certificate,
        struct http_settings settings)
{
	papers_make(&secure->papers);
	secure->server_tls = server_tls(&secure->papers, asks_client);
	secure->client_tls = client_tls(&secure->papers, shows_certificate);
	settings.tls = secure->server_tls;
	world_start(&secure->world, &settings);
	struct http_client_settings client_settings = http_client_settings_default();
	client_settings.tls = secure->client_tls;
	secure->client = http_client_create(secure->world.base, &client_settings);
}

static void secure_stop(struct secure_world *secure)
{
	http_client_destroy(secure->client);
	world_stop(&secure->world);
	http_tls_destroy(secure->server_tls);
	http_tls_destroy(secure->client_tls);
	papers_remove(&secure->papers);
}

struct outcome {
	bool is_done;
	unsigned status;
	size_t body_size;
	char first_of_body;
	char error[256];
};

static void on_response(void *user, const struct http_response *response)
{
	struct outcome *outcome = user;
	outcome->is_done = true;
	outcome->status = response->status;
	outcome->body_size = response->body_size;
	if (response->body != NULL) {
		outcome->first_of_body = response->body[0];
	}
	snprintf(outcome->error, sizeof(outcome->error), "%s",
	        response->error != NULL ? response->error : "");
}

static bool is_done(void *subject)
{
	return ((const struct outcome *)subject)->is_done;
}

static struct outcome call(struct secure_world *secure, const char *host, const char *path,
        const char *body, size_t body_size)
{
	char url[128];
	snprintf(url, sizeof(url), "https://%s:%u%s", host, http_server_port(secure->world.server),
	        path);
	const struct http_call_options options = {
		.method = body != NULL ? "POST" : "GET",
		.url = url,
		.content_type = body != NULL ? "text/plain" : NULL,
		.body = body,
		.body_size = body_size,
		.timeout_ms = 8000,
	};
	struct outcome outcome = { 0 };
	http_client_call(secure->client, &options, on_response, &outcome);
	CHECK(world_wait(&secure->world, is_done, &outcome));
	return outcome;
}

static void requests_and_large_bodies_pass_both_ways(void)
{
	struct secure_world secure;
	secure_start(&secure, false, false, world_settings());
	struct outcome outcome = call(&secure, "127.0.0.1", "/hello", NULL, 0);
	CHECK_TEXT(outcome.error, "");
	CHECK_INT(outcome.status, 200);
	CHECK_INT(outcome.body_size, 5);
	size_t size = 900000;
	char *body = must_calloc(1, size);
	memset(body, 'y', size);
	outcome = call(&secure, "127.0.0.1", "/echo", body, size);
	CHECK_INT(outcome.status, 200);
	CHECK_INT(outcome.body_size, size);
	CHECK_INT(outcome.first_of_body, 'y');
	free(body);
	outcome = call(&secure, "127.0.0.1", "/big", NULL, 0);
	CHECK_INT(outcome.body_size, 1048576);
	CHECK_INT(http_server_counters(secure.world.server)->connections, 1);
	secure_stop(&secure);
}

static void certificate_must_name_the_host(void)
{
	struct secure_world secure;
	secure_start(&secure, false, false, world_settings());
	struct outcome outcome = call(&secure, "localhost", "/hello", NULL, 0);
	CHECK_INT(outcome.status, 0);
	CHECK(strstr(outcome.error, "TLS handshake") != NULL);
	CHECK_INT(secure.world.n_handled, 0);
	secure_stop(&secure);
}

static void client_certificate_is_required_where_a_ca_is_set(void)
{
	struct secure_world secure;
	secure_start(&secure, true, false, world_settings());
	struct outcome outcome = call(&secure, "127.0.0.1", "/hello", NULL, 0);
	CHECK_INT(outcome.status, 0);
	CHECK_INT(secure.world.n_handled, 0);
	CHECK_INT(http_server_counters(secure.world.server)->refused[HTTP_REFUSED_TLS], 1);
	secure_stop(&secure);
	secure_start(&secure, true, true, world_settings());
	outcome = call(&secure, "127.0.0.1", "/hello", NULL, 0);
	CHECK_TEXT(outcome.error, "");
	CHECK_INT(outcome.status, 200);
	secure_stop(&secure);
}

static void plain_text_and_silence_are_cut_off(void)
{
	struct secure_world secure;
	struct http_settings settings = world_settings();
	settings.header_ms = 50;
	secure_start(&secure, false, false, settings);
	struct peer *plain = peer_create(&secure.world);
	peer_send(plain, "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
	CHECK(peer_wait_closed(plain));
	CHECK_INT(peer_count(plain, "HTTP/"), 0);
	struct peer *silent = peer_create(&secure.world);
	CHECK(peer_wait_closed(silent));
	CHECK_INT(http_server_counters(secure.world.server)->refused[HTTP_REFUSED_TLS], 1);
	CHECK_INT(http_server_counters(secure.world.server)->refused[HTTP_REFUSED_TIMEOUT], 1);
	CHECK_INT(secure.world.n_handled, 0);
	peer_destroy(plain);
	peer_destroy(silent);
	secure_stop(&secure);
}

/* Drives one handshake in memory of OpenSSL's own, at that version. */
static bool can_handshake(struct secure_world *secure, int version)
{
	struct peer *peer = peer_create(&secure->world);
	event_del(peer->readable);
	SSL_CTX *settings = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_security_level(settings, 0);
	SSL_CTX_set_min_proto_version(settings, version);
	SSL_CTX_set_max_proto_version(settings, version);
	SSL *ssl = SSL_new(settings);
	SSL_set_fd(ssl, peer->fd);
	int result = -1;
	int wanted = SSL_ERROR_WANT_READ;
	for (int i = 0; i < 100000 && result != 1 && wanted == SSL_ERROR_WANT_READ; i++) {
		result = SSL_connect(ssl);
		wanted = SSL_get_error(ssl, result);
		event_base_loop(secure->world.base, EVLOOP_NONBLOCK);
	}
	SSL_free(ssl);
	SSL_CTX_free(settings);
	peer_destroy(peer);
	return result == 1;
}

static void versions_before_1_2_are_refused(void)
{
	struct secure_world secure;
	secure_start(&secure, false, false, world_settings());
	CHECK(!can_handshake(&secure, TLS1_1_VERSION));
	CHECK(can_handshake(&secure, TLS1_2_VERSION));
	CHECK(can_handshake(&secure, TLS1_3_VERSION));
	secure_stop(&secure);
}

static void expect_error(const struct http_tls_files *files, const char *words)
{
	char *error = NULL;
	struct http_tls *tls = http_tls_create_server(files, &error);
	CHECK(tls == NULL);
	if (error == NULL || strstr(error, words) == NULL) {
		CHECK_TEXT(error, words);
	}
	free(error);
	http_tls_destroy(tls);
}

static void files_that_do_not_fit_are_named(void)
{
	struct papers papers;
	papers_make(&papers);
	expect_error(
	        &(struct http_tls_files){ .certificate = "/no/such/file", .key = papers.server },
	        "'/no/such/file' is not a certificate chain");
	expect_error(&(struct http_tls_files){ .certificate = papers.server, .key = papers.client },
	        papers.client);
	expect_error(&(struct http_tls_files){ .certificate = papers.server, .key = papers.ca },
	        "is not the private key of");
	expect_error(
	        &(struct http_tls_files){
	                .certificate = papers.server, .key = papers.server, .ca = "/no/such/ca" },
	        "'/no/such/ca' is not a file of CA certificates");
	papers_remove(&papers);
}

static const struct suite_test tests[] = {
	SUITE_TEST(requests_and_large_bodies_pass_both_ways),
	SUITE_TEST(certificate_must_name_the_host),
	SUITE_TEST(client_certificate_is_required_where_a_ca_is_set),
	SUITE_TEST(plain_text_and_silence_are_cut_off),
	SUITE_TEST(versions_before_1_2_are_refused),
	SUITE_TEST(files_that_do_not_fit_are_named),
};

int main(int argc, char **argv)
{
	return suite_run("http_tls", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
