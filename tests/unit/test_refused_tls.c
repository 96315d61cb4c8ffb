/* SPDX-License-Identifier: MIT */
/* TLS where OpenSSL or the socket refuses something: contexts, connections, and pieces of writes.
 */
#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/http/client.h"
#include "core/http/stream.h"
#include "core/http/tls.h"
#include "core/http/tls_stream.h"
#include "support/base/cleanup.h"
#include "tests/support/http_world.h"
#include "tests/support/papers.h"
#include "tests/support/refusals.h"
#include "tests/support/suite.h"

static struct papers papers;
static struct world world;
static struct http_tls *server_tls;
static struct http_tls *client_tls;
static struct http_client *client;
static uint32_t timeout_ms = 20000; /* of a call */

static struct http_tls *make_client(const char *ca, char **ret_error)
{
	const struct http_tls_files files = { .ca = ca };
	return http_tls_create_client(&files, ret_error);
}

static void begin(void)
{
	char *error = NULL;
	papers_make(&papers);
	/* Certificate and key in one file, named once. */
	const struct http_tls_files files = { .certificate = papers.server };
	server_tls = http_tls_create_server(&files, &error);
	CHECK_TEXT(error, NULL);
	client_tls = make_client(papers.ca, &error);
	CHECK_TEXT(error, NULL);
	struct http_settings settings = world_settings();
	settings.tls = server_tls;
	world_start(&world, &settings);
	struct http_client_settings client_settings = http_client_settings_default();
	client_settings.tls = client_tls;
	client = http_client_create(world.base, &client_settings);
}

static void end(void)
{
	http_client_destroy(client);
	world_stop(&world);
	http_tls_destroy(server_tls);
	http_tls_destroy(client_tls);
	papers_remove(&papers);
}

struct outcome {
	bool is_done;
	unsigned status;
	size_t body_size;
	char error[256];
};

static void on_response(void *user, const struct http_response *response)
{
	struct outcome *outcome = user;
	outcome->is_done = true;
	outcome->status = response->status;
	outcome->body_size = response->body_size;
	(void)snprintf(outcome->error, sizeof(outcome->error), "%s",
	        response->error != NULL ? response->error : "");
}

static bool is_done(void *subject)
{
	return ((const struct outcome *)subject)->is_done;
}

static struct outcome call(const char *path)
{
	char url[128];
	(void)snprintf(
	        url, sizeof(url), "https://127.0.0.1:%u%s", http_server_port(world.server), path);
	const struct http_call_options options = {
		.method = "GET", .url = url, .timeout_ms = timeout_ms
	};
	struct outcome outcome = { 0 };
	http_client_call(client, &options, on_response, &outcome);
	CHECK(world_wait(&world, is_done, &outcome));
	return outcome;
}

static void a_context_that_cannot_be_made_is_a_sentence(void)
{
	static const char *const names[] = { "SSL_CTX_new", "BIO_meth_new", "BIO_meth_set_write",
		"BIO_meth_set_read", "BIO_meth_set_ctrl", "SSL_CTX_ctrl" };
	begin();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *error = NULL;
		const struct http_tls_files files = { .certificate = papers.server };
		refuse(names[i], ENOMEM);
		CHECK(http_tls_create_server(&files, &error) == NULL);
		CHECK(refuse_end());
		CHECK_TEXT(error, "OpenSSL cannot be set up (no reason given)");
		free(steal(error));
		refuse(names[i], ENOMEM);
		CHECK(make_client(papers.ca, &error) == NULL);
		CHECK(refuse_end());
		free(error);
	}
	end();
}

static void a_client_trusts_the_system_or_a_file_and_nothing_else(void)
{
	char *error = NULL;
	begin();
	struct http_tls *tls = make_client(NULL, &error);
	CHECK(tls != NULL);
	http_tls_destroy(tls);
	refuse("SSL_CTX_set_default_verify_paths", ENOMEM);
	CHECK(make_client(NULL, &error) == NULL);
	CHECK(refuse_end());
	CHECK(error != NULL && strstr(error, "the system's CA certificates") != NULL);
	free(steal(error));
	CHECK(make_client("/no/such/ca", &error) == NULL);
	CHECK(error != NULL && strstr(error, "'/no/such/ca' is not a file of CA") != NULL);
	free(steal(error));
	const struct http_tls_files odd = { .certificate = "/no/such/file", .ca = papers.ca };
	CHECK(http_tls_create_client(&odd, &error) == NULL);
	CHECK(error != NULL && strstr(error, "is not a certificate chain") != NULL);
	free(error);
	end();
}

static void use(const char *own)
{
	char *error = NULL;
	const struct http_tls_files files = { .ca = own, .is_own = true };
	http_client_destroy(client);
	http_tls_destroy(client_tls);
	client_tls = http_tls_create_client(&files, &error);
	CHECK_TEXT(error, NULL);
	struct http_client_settings settings = http_client_settings_default();
	settings.tls = client_tls;
	client = http_client_create(world.base, &settings);
}

static void a_client_that_is_told_one_certificate_takes_that_and_no_other(void)
{
	begin();
	use(papers.server);
	CHECK_INT(call("/hello").status, 200);
	/* By whatever name it is called: none is looked at. */
	refuse("SSL_set1_host", ENOMEM);
	SSL *ssl = http_tls_attach(client_tls, -1, "another.example");
	CHECK(ssl != NULL);
	CHECK(!refuse_end());
	SSL_free(ssl);
	use(papers.client); /* of the same CA */
	struct outcome outcome = call("/hello");
	CHECK_INT(outcome.status, 0);
	CHECK(strstr(outcome.error, "TLS handshake") != NULL);
	use(papers.ca);
	/* The CA itself is one that may sign: what it has signed is taken as well. */
	CHECK_INT(call("/hello").status, 200);
	end();
}

static void a_connection_that_openssl_has_no_memory_for_fails_and_the_next_one_works(void)
{
	static const struct {
		const char *name;
		unsigned nth;
	} cases[] = { { "SSL_new", 1 }, { "BIO_new", 1 }, { "SSL_new", 2 }, { "BIO_new", 2 } };
	begin();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* The first is the client's, the second the server's. */
		refuse_nth(cases[i].name, cases[i].nth, 1, ENOMEM);
		struct outcome outcome = call("/hello");
		CHECK(refuse_end());
		CHECK_INT(outcome.status, 0);
		CHECK(strlen(outcome.error) != 0);
		outcome = call("/hello");
		CHECK_INT(outcome.status, 200);
		/* A new connection for the next case. */
		http_client_destroy(client);
		struct http_client_settings settings = http_client_settings_default();
		settings.tls = client_tls;
		client = http_client_create(world.base, &settings);
	}
	end();
}

static void a_name_that_cannot_be_expected_makes_no_connection(void)
{
	begin();
	SSL *ssl = http_tls_attach(client_tls, -1, "::1");
	CHECK(ssl != NULL);
	SSL_free(ssl);
	refuse("SSL_ctrl", ENOMEM);
	CHECK(http_tls_attach(client_tls, -1, "localhost") == NULL);
	CHECK(refuse_end());
	refuse("SSL_set1_host", ENOMEM);
	CHECK(http_tls_attach(client_tls, -1, "localhost") == NULL);
	CHECK(refuse_end());
	end();
}

/* What is interrupted or has no room is tried again: nothing is lost of either side's bytes. */
static void interrupted_reads_and_writes_are_tried_again(void)
{
	static const int passing[] = { EAGAIN, EINTR };
	begin();
	CHECK_INT(call("/hello").status, 200);
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		refuse_nth("send", 1 + (unsigned)i, 2, passing[i]);
		struct outcome outcome = call("/big");
		CHECK(refuse_end());
		CHECK_TEXT(outcome.error, "");
		CHECK_INT(outcome.body_size, 1048576);
		refuse_nth("recv", 2, 2, passing[i]);
		outcome = call("/big");
		CHECK(refuse_end());
		CHECK_TEXT(outcome.error, "");
		CHECK_INT(outcome.body_size, 1048576);
	}
	CHECK_INT(http_server_counters(world.server)->connections, 1);
	end();
}

static void a_handshake_without_room_goes_on_when_there_is_some(void)
{
	begin();
	for (unsigned nth = 1; nth <= 4; nth++) {
		refuse_nth("send", nth, 1, EAGAIN);
		struct outcome outcome = call("/hello");
		(void)refuse_end();
		CHECK_INT(outcome.status, 200);
		http_client_destroy(client);
		struct http_client_settings settings = http_client_settings_default();
		settings.tls = client_tls;
		client = http_client_create(world.base, &settings);
	}
	end();
}

/* The other end knows nothing of it, so that the time of the call may have to end it. */
static void call_without_writing(unsigned nth)
{
	timeout_ms = 100;
	refuse_nth("SSL_write_ex", nth, 1, EPIPE);
	struct outcome outcome = call("/hello");
	(void)refuse_end();
	CHECK(outcome.status == 200 || outcome.error[0] != '\0');
	timeout_ms = 20000;
	CHECK_INT(call("/hello").status, 200);
}

static void a_connection_that_breaks_in_a_write_is_closed_and_told_of(void)
{
	begin();
	CHECK_INT(call("/hello").status, 200);
	call_without_writing(1);
	call_without_writing(2); /* the server's answer */
	end();
}

/* Both ends of one connection, as streams. */
static void turn_hands(struct http_stream *a, struct http_stream *b)
{
	int is_a = HTTP_STREAM_AGAIN;
	int is_b = HTTP_STREAM_AGAIN;
	for (int i = 0; i < 100 && (is_a != 1 || is_b != 1); i++) {
		is_a = is_a != 1 ? http_stream_handshake(a) : is_a;
		is_b = is_b != 1 ? http_stream_handshake(b) : is_b;
	}
	CHECK_INT(is_a, 1);
	CHECK_INT(is_b, 1);
}

static void make_streams(struct http_stream *ret_server, struct http_stream *ret_client)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
		abort();
	}
	CHECK_INT(http_stream_init(ret_server, ends[0], server_tls, NULL), 0);
	CHECK_INT(http_stream_init(ret_client, ends[1], client_tls, "127.0.0.1"), 0);
}

static void streams_say_how_they_end(void)
{
	struct http_stream server;
	struct http_stream peer;
	char bytes[16];
	char empty[1] = "";
	begin();
	make_streams(&server, &peer);
	turn_hands(&server, &peer);
	const struct iovec pieces[3] = { { empty, 0 }, { (char *)"ab", 2 }, { empty, 0 } };
	CHECK_INT(http_stream_write(&server, pieces, 3), 2);
	CHECK(http_stream_has_unread(&peer));
	CHECK(!http_stream_is_broken(&peer));
	CHECK_INT(http_stream_read(&peer, bytes, sizeof(bytes)), 2);
	CHECK_INT(http_stream_read(&peer, bytes, sizeof(bytes)), HTTP_STREAM_AGAIN);
	/* The first piece goes out, the second does not. */
	const struct iovec two[2] = { { (char *)"c", 1 }, { (char *)"d", 1 } };
	refuse_nth("SSL_write_ex", 2, 1, EPIPE);
	CHECK_INT(http_stream_write(&server, two, 2), 1);
	CHECK(refuse_end());
	CHECK_INT(http_stream_read(&peer, bytes, sizeof(bytes)), 1);
	http_stream_shutdown(&server);
	CHECK_INT(http_stream_read(&peer, bytes, sizeof(bytes)), HTTP_STREAM_END);
	http_stream_finish(&server);
	http_stream_finish(&peer);
	/* An end in the middle of a handshake is none that can be gone on from. */
	make_streams(&server, &peer);
	http_stream_shutdown(&peer);
	http_stream_finish(&peer);
	CHECK_INT(http_stream_handshake(&server), HTTP_STREAM_FAILED);
	http_stream_finish(&server);
	end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(a_context_that_cannot_be_made_is_a_sentence),
		SUITE_TEST(a_client_trusts_the_system_or_a_file_and_nothing_else),
		SUITE_TEST(a_client_that_is_told_one_certificate_takes_that_and_no_other),
		SUITE_TEST(
		        a_connection_that_openssl_has_no_memory_for_fails_and_the_next_one_works),
		SUITE_TEST(a_name_that_cannot_be_expected_makes_no_connection),
		SUITE_TEST(interrupted_reads_and_writes_are_tried_again),
		SUITE_TEST(a_handshake_without_room_goes_on_when_there_is_some),
		SUITE_TEST(a_connection_that_breaks_in_a_write_is_closed_and_told_of),
		SUITE_TEST(streams_say_how_they_end),
	};
	return suite_run("refused_tls", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
