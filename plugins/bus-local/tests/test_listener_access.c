/* SPDX-License-Identifier: MIT */
/* Who may do what at the listener: tokens, attaches, limits. */
#include "plugins/bus-local/tests/listener_world.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <proton/terminus.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/log.h"
#include "support/azure/sas.h"
#include "support/base/cleanup.h"

/* Tokens and access. */

static void wrong_plain_password_is_refused(void)
{
	struct world world;
	world_init(&world);
	struct client *client = connect_plain(&world, "another");
	WAIT(&world, client->is_closed);
	CHECK(!client->is_open);
	client_destroy(client);
	world_finish(&world);
}

static struct client *connect_anonymous(struct world *world)
{
	struct client *client = client_create(loop_base(world->loop), world->port, NULL, NULL);
	WAIT(world, client->is_open);
	return client;
}

/* The status of a put-token. */
static int64_t put_token(struct world *world, struct client *client, pn_session_t *session,
        const char *audience, const char *token)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer buffer = { 0 };
	struct end *requests = client_sender(client, session, "$cbs");
	struct end *replies =
	        client_receiver(client, session, "$cbs", PN_SND_SETTLED, PN_RCV_FIRST);
	WAIT(world, requests->is_attached && replies->is_attached);
	client_flow(replies, 1);
	client_write_token(&buffer, audience, token);
	client_send(requests, amqp_buffer_bytes(&buffer), false, true);
	WAIT(world, replies->n_arrivals == 1);
	CHECK(replies->arrivals->was_settled);
	CHECK_INT(pn_link_remote_snd_settle_mode(replies->proton), PN_SND_SETTLED);
	int64_t status = client_status(replies->arrivals, "status-code");
	pn_link_close(requests->proton);
	pn_link_close(replies->proton);
	client_wake(client);
	WAIT(world, requests->is_closed && replies->is_closed);
	return status;
}

static void attach_without_token_is_refused(void)
{
	struct world world;
	world_init(&world);
	struct client *client = connect_anonymous(&world);
	struct end *end = client_sender(client, client_session(client), TOPIC);
	WAIT(&world, end->is_closed);
	CHECK_TEXT(end->condition, "amqp:unauthorized-access");
	CHECK(end->is_attached);
	CHECK_INT(pn_terminus_get_type(pn_link_remote_target(end->proton)), PN_UNSPECIFIED);
	client_destroy(client);
	world_finish(&world);
}

static void token_opens_what_it_is_for_and_nothing_else(void)
{
	struct world world;
	world_init(&world);
	struct client *client = connect_anonymous(&world);
	pn_session_t *session = client_session(client);
	const char *audience = "sb://localhost:5672/" TOPIC;
	CLEANUP_FREE char *token =
	        azure_sas_make(audience, BUS_KEY_NAME, BUS_EMULATOR_KEY, START_S + 100);
	CHECK_INT(put_token(&world, client, session, audience, token), 202);
	struct end *end = client_sender(client, session, TOPIC);
	struct end *other = client_sender(client, session, "global-bus-p0");
	WAIT(&world, end->is_attached && other->is_closed);
	CHECK(!end->is_closed);
	CHECK_TEXT(other->condition, "amqp:unauthorized-access");
	client_destroy(client);
	world_finish(&world);
}

static void bad_tokens_are_refused(void)
{
	struct world world;
	world_init(&world);
	struct client *client = connect_anonymous(&world);
	pn_session_t *session = client_session(client);
	const char *audience = "amqp://localhost/" TOPIC;
	CLEANUP_FREE char *wrong_key =
	        azure_sas_make(audience, BUS_KEY_NAME, "another", START_S + 100);
	CLEANUP_FREE char *expired =
	        azure_sas_make(audience, BUS_KEY_NAME, BUS_EMULATOR_KEY, START_S);
	CLEANUP_FREE char *elsewhere = azure_sas_make(
	        "amqp://localhost/other", BUS_KEY_NAME, BUS_EMULATOR_KEY, START_S + 100);
	CHECK_INT(put_token(&world, client, session, audience, wrong_key), 401);
	CHECK_INT(put_token(&world, client, session, audience, expired), 401);
	CHECK_INT(put_token(&world, client, session, audience, elsewhere), 401);
	CHECK_INT(put_token(&world, client, session, audience, "nonsense"), 401);
	CHECK_INT(put_token(&world, client, session, audience, ""), 401);
	struct end *end = client_sender(client, session, TOPIC);
	WAIT(&world, end->is_closed);
	client_destroy(client);
	world_finish(&world);
}

static void link_ends_with_its_token_unless_it_is_renewed(void)
{
	struct world world;
	world_init(&world);
	struct client *client = connect_anonymous(&world);
	pn_session_t *session = client_session(client);
	const char *audience = "sb://localhost/" TOPIC;
	CLEANUP_FREE char *first =
	        azure_sas_make(audience, BUS_KEY_NAME, BUS_EMULATOR_KEY, START_S + 10);
	CLEANUP_FREE char *second =
	        azure_sas_make(audience, BUS_KEY_NAME, BUS_EMULATOR_KEY, START_S + 20);
	CHECK_INT(put_token(&world, client, session, audience, first), 202);
	struct end *end = client_sender(client, session, TOPIC);
	WAIT(&world, end->is_attached);
	CHECK_INT(put_token(&world, client, session, audience, second), 202);
	loop_advance(world.loop, 15000);
	turn(&world);
	CHECK(!end->is_closed);
	loop_advance(world.loop, 5000);
	WAIT(&world, end->is_closed);
	CHECK_TEXT(end->condition, "amqp:unauthorized-access");
	CHECK(strstr(end->description, "ExpiredToken") != NULL);
	client_destroy(client);
	world_finish(&world);
}

/* Nothing wakes the broker then: it sees it when the link is used. */
static void link_ends_with_its_token_also_when_the_clock_is_set(void)
{
	struct world world;
	world_connect(&world);
	struct end *in = receiver(&world);
	client_flow(in, 10);
	struct client *client = connect_anonymous(&world);
	pn_session_t *session = client_session(client);
	const char *audience = "sb://localhost/" TOPIC;
	CLEANUP_FREE char *token =
	        azure_sas_make(audience, BUS_KEY_NAME, BUS_EMULATOR_KEY, START_S + 3600);
	CHECK_INT(put_token(&world, client, session, audience, token), 202);
	struct end *end = client_sender(client, session, TOPIC);
	WAIT(&world, end->is_attached && pn_link_credit(end->proton) > 0);
	loop_set_clock(world.loop, 3599 * 1000);
	send_message(&world, end, "in time");
	loop_set_clock(world.loop, 1000);
	CLEANUP(amqp_buffer_finish) struct amqp_buffer buffer = { 0 };
	write_message(&buffer, "late", 10);
	client_send(end, amqp_buffer_bytes(&buffer), false, false);
	WAIT(&world, end->is_closed);
	CHECK(strstr(end->description, "ExpiredToken") != NULL);
	CHECK_INT(end->n_outcomes, 1);
	CHECK_INT(in->n_arrivals, 1);
	struct end *again = client_sender(client, session, TOPIC);
	WAIT(&world, again->is_closed);
	CHECK_TEXT(again->condition, "amqp:unauthorized-access");
	client_destroy(client);
	world_finish(&world);
}

/* Attaches. */

static void refuse_attach(struct world *world, const char *address, bool is_receiver,
        const char *condition, const char *words)
{
	struct end *end = is_receiver ? client_receiver(world->client, world->session, address,
	                                        PN_SND_UNSETTLED, PN_RCV_SECOND)
	                              : client_sender(world->client, world->session, address);
	WAIT(world, end->is_closed);
	CHECK_TEXT(end->condition, condition);
	if (strstr(end->description, words) == NULL) {
		fprintf(stderr, "no '%s' in: %s\n", words, end->description);
		CHECK(false);
	}
}

static void attaches_that_make_no_sense_are_refused(void)
{
	struct world world;
	world_connect(&world);
	refuse_attach(&world, "nothing", false, "amqp:not-found",
	        "The messaging entity 'nothing' could not be found.");
	refuse_attach(&world, "nothing/Subscriptions/s", true, "amqp:not-found", "could not be");
	refuse_attach(&world, "", false, "amqp:not-found", "could not be found");
	refuse_attach(&world, "nothing/$management", false, "amqp:not-found", "could not be");
	refuse_attach(&world, TOPIC, true, "amqp:not-allowed", "subscriptions");
	refuse_attach(&world, SUBSCRIPTION, false, "amqp:not-allowed", "topic");
	refuse_attach(&world, SUBSCRIPTION "/$DeadLetterQueue", false, "amqp:not-allowed", "topic");
	world_finish(&world);
}

static void transactions_are_refused(void)
{
	struct world world;
	world_connect(&world);
	pn_link_t *proton = pn_sender(world.session, "tx");
	struct end *end = client_add(world.client, proton);
	(void)pn_terminus_set_type(pn_link_target(proton), PN_COORDINATOR);
	pn_link_open(proton);
	client_wake(world.client);
	WAIT(&world, end->is_closed);
	CHECK_TEXT(end->condition, "amqp:not-implemented");
	world_finish(&world);
}

static void attach_answer_echoes_modes_and_termini(void)
{
	struct world world;
	world_connect(&world);
	struct end *end = receiver(&world);
	CHECK_INT(pn_link_remote_snd_settle_mode(end->proton), PN_SND_UNSETTLED);
	CHECK_INT(pn_link_remote_rcv_settle_mode(end->proton), PN_RCV_SECOND);
	CHECK_TEXT(pn_terminus_get_address(pn_link_remote_source(end->proton)), SUBSCRIPTION);
	CHECK_INT(pn_link_remote_max_message_size(end->proton), 1048576);
	struct end *out = sender(&world);
	CHECK_TEXT(pn_terminus_get_address(pn_link_remote_target(out->proton)), TOPIC);
	CHECK_INT(pn_link_remote_max_message_size(out->proton), 1048576);
	CHECK(pn_link_credit(out->proton) >= 100);
	world_finish(&world);
}

static void links_of_a_connection_are_bounded(void)
{
	struct world world;
	world_connect(&world);
	world.options->max_links = 3;
	for (int i = 0; i < 3; i++) {
		struct end *end = client_sender(world.client, world.session, TOPIC);
		WAIT(&world, end->is_attached);
		CHECK(!end->is_closed);
	}
	refuse_attach(&world, TOPIC, false, "amqp:resource-limit-exceeded", "bus-max-links");
	world_finish(&world);
}

static void connections_are_bounded(void)
{
	struct world world;
	world_connect(&world);
	world.options->max_connections = 1;
	struct client *second = connect_plain(&world, BUS_EMULATOR_KEY);
	WAIT(&world, second->is_closed);
	CHECK_TEXT(second->condition, "amqp:resource-limit-exceeded");
	CHECK(strstr(second->sentence, "bus-max-connections") != NULL);
	CHECK(!world.client->is_closed);
	client_destroy(second);
	client_destroy(world.client);
	/* Its place is free once the broker has seen that it is gone. */
	world.client = NULL;
	for (double end = seconds() + WAIT_SECONDS; seconds() < end && world.client == NULL;) {
		struct client *third = connect_plain(&world, BUS_EMULATOR_KEY);
		WAIT(&world, third->is_open);
		for (int i = 0; i < 20; i++) {
			turn(&world);
		}
		if (third->is_closed) {
			client_destroy(third);
		} else {
			world.client = third;
		}
	}
	CHECK(world.client != NULL);
	world_finish(&world);
}

static void connection_without_link_is_closed(void)
{
	struct world world;
	world_connect(&world);
	loop_advance(world.loop, 59999);
	turn(&world);
	CHECK(!world.client->is_closed);
	loop_advance(world.loop, 1);
	WAIT(&world, world.client->is_closed);
	CHECK_TEXT(world.client->condition, "amqp:connection:forced");
	world_finish(&world);
}

static void session_that_ends_without_detaches_takes_its_links_along(void)
{
	struct world world;
	world_connect(&world);
	world.options->max_links = 2;
	for (int i = 0; i < 5; i++) {
		pn_session_t *session = client_session(world.client);
		struct end *one = client_sender(world.client, session, TOPIC);
		struct end *two = client_receiver(
		        world.client, session, SUBSCRIPTION, PN_SND_UNSETTLED, PN_RCV_SECOND);
		WAIT(&world, one->is_attached && two->is_attached);
		CHECK(!one->is_closed && !two->is_closed);
		pn_session_close(session);
		client_wake(world.client);
		WAIT(&world, (pn_session_state(session) & PN_REMOTE_CLOSED) != 0);
	}
	world_finish(&world);
}

/* TLS. */

/* A certificate that has signed itself, with its key, in one file. */
static void write_certificate(const char *path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	(void)X509_NAME_add_entry_by_txt(
	        name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
	(void)X509_set_issuer_name(certificate, name);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	(void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	(void)X509_set_pubkey(certificate, key);
	CHECK(X509_sign(certificate, key, EVP_sha256()) != 0);
	FILE *file = fopen(path, "we");
	CHECK(file != NULL);
	CHECK(PEM_write_X509(file, certificate) == 1);
	CHECK(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
	CHECK_INT(fclose(file), 0);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static void certificate_puts_tls_on_the_listener(void)
{
	struct world world;
	char path[] = "/tmp/bus-local-tls-XXXXXX";
	int fd = mkstemp(path);
	CHECK(fd >= 0 && close(fd) == 0);
	write_certificate(path);
	world_prepare(&world);
	world.options->tls_cert = path;
	world.options->tls_key = path;
	world_start(&world);
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	struct client *client =
	        client_create_tls(loop_base(world.loop), world.port, SSL_new(context));
	WAIT(&world, client->is_open);
	struct client *plain = connect_plain(&world, BUS_EMULATOR_KEY);
	WAIT(&world, plain->is_closed);
	CHECK(!plain->is_open);
	CHECK(!client->is_closed);
	client_destroy(plain);
	client_destroy(client);
	SSL_CTX_free(context);
	world_finish(&world);
	CHECK_INT(unlink(path), 0);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(wrong_plain_password_is_refused),
		SUITE_TEST(attach_without_token_is_refused),
		SUITE_TEST(token_opens_what_it_is_for_and_nothing_else),
		SUITE_TEST(bad_tokens_are_refused),
		SUITE_TEST(link_ends_with_its_token_unless_it_is_renewed),
		SUITE_TEST(link_ends_with_its_token_also_when_the_clock_is_set),
		SUITE_TEST(attaches_that_make_no_sense_are_refused),
		SUITE_TEST(transactions_are_refused),
		SUITE_TEST(attach_answer_echoes_modes_and_termini),
		SUITE_TEST(links_of_a_connection_are_bounded),
		SUITE_TEST(connections_are_bounded),
		SUITE_TEST(connection_without_link_is_closed),
		SUITE_TEST(session_that_ends_without_detaches_takes_its_links_along),
		SUITE_TEST(certificate_puts_tls_on_the_listener),
	};
	log_set_level(LUCIUS_LOG_ERROR);
	return suite_run(
	        "bus-local listener: access", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
