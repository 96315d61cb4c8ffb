/* SPDX-License-Identifier: MIT */
/* One connection after the other: TLS, sessions, the way of events to links, loss and reconnection.
 */
#include "support/servicebus/private.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <proton/condition.h>

bool servicebus_make_tls(struct servicebus_client *client, char *error, size_t error_size)
{
	if (client->target.is_emulator) {
		return true;
	}
	client->tls = SSL_CTX_new(TLS_client_method());
	if (client->tls == NULL ||
	        SSL_CTX_set_min_proto_version(client->tls, TLS1_2_VERSION) != 1) {
		snprintf(error, error_size, "TLS could not be set up");
		return false;
	}
	SSL_CTX_set_verify(client->tls, SSL_VERIFY_PEER, NULL);
	(void)SSL_CTX_set_default_verify_paths(client->tls);
	const char *ca_file = client->settings.ca_file;
	client->settings.ca_file = NULL;
	if (ca_file != NULL && SSL_CTX_load_verify_locations(client->tls, ca_file, NULL) != 1) {
		snprintf(error, error_size, "the CA file '%s' cannot be read: %s", ca_file,
		        ERR_reason_error_string(ERR_peek_last_error()));
		ERR_clear_error();
		return false;
	}
	return true;
}

/* Name and certificate of the host must match; an address is held against the certificate's. */
static SSL *make_ssl(struct servicebus_client *client)
{
	const char *host = client->target.host;
	SSL *ssl = SSL_new(client->tls);
	if (ssl == NULL) {
		return NULL;
	}
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	bool is_set = X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	if (!is_set) {
		X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
		is_set = SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
	}
	if (!is_set) {
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}

static struct bufferevent *make_stream(struct servicebus_client *client)
{
	if (client->tls == NULL) {
		return bufferevent_socket_new(client->base, -1, BEV_OPT_CLOSE_ON_FREE);
	}
	SSL *ssl = make_ssl(client);
	if (ssl == NULL) {
		return NULL;
	}
	return bufferevent_openssl_socket_new(
	        client->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
}

pn_session_t *servicebus_session(struct servicebus_client *client, enum servicebus_session purpose)
{
	if (client->sessions[purpose] == NULL) {
		pn_session_t *session = pn_session(amqp_connection_proton(client->connection));
		pn_session_open(session);
		client->sessions[purpose] = session;
	}
	return client->sessions[purpose];
}

static void drop_management(struct servicebus_client *client, const char *description)
{
	for (struct servicebus_link *link = client->links; link != NULL; link = link->next) {
		if (!link->is_sender) {
			servicebus_management_drop((struct servicebus_receiver *)link, description);
		}
	}
}

static void drop_cbs(struct servicebus_client *client, const char *description)
{
	if (client->cbs != NULL) {
		struct amqp_rpc *cbs = client->cbs;
		client->cbs = NULL;
		amqp_rpc_abandon(cbs, "", description);
		amqp_rpc_destroy(cbs);
	}
}

void servicebus_drop_connection(struct servicebus_client *client)
{
	const char *why = "the connection was lost";
	for (int i = 0; i < N_SESSIONS; i++) {
		client->sessions[i] = NULL;
	}
	struct amqp_connection *connection = client->connection;
	client->connection = NULL;
	client->waits_for_room = false;
	client->last_sent_on = NULL;
	drop_cbs(client, why);
	drop_management(client, why);
	for (struct servicebus_link *link = client->links; link != NULL;) {
		struct servicebus_link *next = link->next; /* link may go to the gone ones */
		link->has_token = false;
		servicebus_link_lost(link, NULL, why);
		link = next;
	}
	amqp_connection_destroy(connection);
}

static void lose_links(
        struct servicebus_client *client, bool are_senders, const char *condition, const char *why)
{
	for (struct servicebus_link *link = client->links; link != NULL;) {
		struct servicebus_link *next = link->next; /* link may go to the gone ones */
		if (link->is_sender == are_senders && link->pn != NULL) {
			servicebus_link_lost(link, condition, why);
		}
		link = next;
	}
}

static void on_session_gone(struct servicebus_client *client, pn_session_t *session)
{
	char why[200];
	char condition[80];
	pn_condition_t *given = pn_session_remote_condition(session);
	const char *name = pn_condition_get_name(given);
	const char *text = pn_condition_get_description(given);
	snprintf(condition, sizeof(condition), "%s", name != NULL ? name : "");
	snprintf(why, sizeof(why), "the broker ended the session: %s",
	        text != NULL ? text : "no reason given");
	for (int i = 0; i < N_SESSIONS; i++) {
		if (client->sessions[i] == session) {
			client->sessions[i] = NULL;
			if (i == SESSION_CONTROL) {
				drop_cbs(client, why);
				drop_management(client, why);
			} else {
				lose_links(client, i == SESSION_SENDERS, condition, why);
			}
		}
	}
	pn_session_close(session);
	pn_session_free(session);
}

static void give_to_rpc(struct servicebus_client *client, pn_event_t *event)
{
	if (client->cbs != NULL && amqp_rpc_handle(client->cbs, event)) {
		return;
	}
	for (struct servicebus_link *link = client->links; link != NULL; link = link->next) {
		struct servicebus_receiver *receiver = (struct servicebus_receiver *)link;
		if (!link->is_sender && receiver->management != NULL &&
		        amqp_rpc_handle(receiver->management, event)) {
			return;
		}
	}
}

static void on_open(struct servicebus_client *client)
{
	client->open_since_ms = servicebus_now_ms();
	servicebus_log(client, SERVICEBUS_LOG_INFO, "servicebus.connected", "connected to %s",
	        client->target.host);
	servicebus_set_state(client, SERVICEBUS_OPEN, "");
	servicebus_links_advance(client);
}

static void on_event(void *user, struct amqp_connection *connection, pn_event_t *event)
{
	struct servicebus_client *client = user;
	if (connection != client->connection) {
		return;
	}
	servicebus_enter(client);
	pn_link_t *link = pn_event_link(event);
	if (link != NULL) {
		struct servicebus_link *ours = pn_link_get_context(link);
		if (ours != NULL) {
			(void)servicebus_link_handle(ours, event);
		} else {
			give_to_rpc(client, event);
		}
	} else if (pn_event_type(event) == PN_CONNECTION_REMOTE_OPEN) {
		on_open(client);
	} else if (pn_event_type(event) == PN_SESSION_REMOTE_CLOSE) {
		on_session_gone(client, pn_event_session(event));
	}
	servicebus_leave(client);
}

static void on_turn(void *user, struct amqp_connection *connection)
{
	struct servicebus_client *client = user;
	(void)connection;
	servicebus_enter(client);
	for (struct servicebus_link *link = client->links; link != NULL;) {
		struct servicebus_link *next = link->next;
		if (!link->is_sender) {
			servicebus_receiver_turn((struct servicebus_receiver *)link);
		}
		link = next;
	}
	/* A send that was given up may have left room. */
	servicebus_senders_advance(client, NULL);
	servicebus_leave(client);
}

static void on_writable(void *user, struct amqp_connection *connection)
{
	struct servicebus_client *client = user;
	(void)connection;
	servicebus_enter(client);
	servicebus_senders_advance(client, NULL);
	servicebus_leave(client);
}

/* An idle connection is closed by the service after a few minutes: that is no trouble. */
static bool is_normal_end(const char *condition)
{
	return strcmp(condition, "amqp:connection:forced") == 0 ||
	        strcmp(condition, "com.microsoft:container-close") == 0;
}

static void reconnect_later(struct servicebus_client *client, const struct amqp_closing *closing)
{
	bool is_normal = is_normal_end(closing->condition);
	if (client->open_since_ms != 0) {
		(void)servicebus_backoff_lived(&client->backoff,
		        servicebus_now_ms() - client->open_since_ms, is_normal, &client->settings);
	}
	client->open_since_ms = 0;
	uint32_t wait = servicebus_backoff_next(&client->backoff, &client->settings);
	servicebus_log(client, is_normal ? SERVICEBUS_LOG_INFO : SERVICEBUS_LOG_WARNING,
	        "servicebus.disconnected", "no connection to %s: %s; trying again in %u ms",
	        client->target.host, closing->sentence, wait);
	char trouble[280];
	snprintf(trouble, sizeof(trouble), "not connected to %s: %s", client->target.host,
	        closing->sentence);
	servicebus_set_state(client, SERVICEBUS_WAITING, trouble);
	client->counts.n_reconnects++;
	servicebus_arm(client->reconnect, wait);
}

static void on_closed(
        void *user, struct amqp_connection *connection, const struct amqp_closing *closing)
{
	struct servicebus_client *client = user;
	if (connection != client->connection) {
		return;
	}
	servicebus_enter(client);
	struct amqp_closing why = *closing;
	servicebus_drop_connection(client);
	if (!client->is_stopping) {
		reconnect_later(client, &why);
	}
	servicebus_leave(client);
}

static void fail_to_start(struct servicebus_client *client, const char *sentence)
{
	reconnect_later(client, &(struct amqp_closing){ .condition = "", .sentence = sentence });
}

void servicebus_connect(struct servicebus_client *client)
{
	struct bufferevent *stream = make_stream(client);
	if (stream == NULL) {
		fail_to_start(client, "no socket could be made");
		return;
	}
	client->state = SERVICEBUS_CONNECTING;
	struct amqp_connection_settings settings = {
		.container_id = client->container_id,
		.hostname = client->target.is_emulator ? "localhost" : client->target.host,
		.idle_timeout_ms = client->settings.idle_timeout_ms,
		.handshake_timeout_ms = client->settings.connect_timeout_ms,
	};
	struct amqp_connection_handler handler = {
		.on_event = on_event,
		.on_turn = on_turn,
		.on_writable = on_writable,
		.on_closed = on_closed,
		.user = client,
	};
	client->connection = amqp_connection_create(client->base, stream, &settings, &handler);
	if (bufferevent_socket_connect_hostname(stream, client->dns, AF_UNSPEC, client->target.host,
	            azure_servicebus_port(&client->target)) != 0) {
		amqp_connection_destroy(client->connection);
		client->connection = NULL;
		fail_to_start(client, "the address cannot be connected to");
	}
}
