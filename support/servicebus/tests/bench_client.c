/* SPDX-License-Identifier: MIT */
/*
 * How fast the client sends and receives over loopback, both ends on one thread: the broker's side
 * accepts what comes and gives out the same message without end. Prints, asserts nothing.
 * Arguments: messages, bytes a body; and, to measure a broker that runs instead, its port, a topic
 * and a subscription of it.
 */
#include "support/amqp/connection.h"
#include "support/amqp/link.h"
#include "support/amqp/message.h"
#include "support/servicebus/client.h"

#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <proton/session.h>
#include <proton/terminus.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PIPELINED 1000
#define CREDIT 1000

struct bench {
	struct event_base *base;
	struct servicebus_client *client;
	struct servicebus_sender *sender;
	struct servicebus_receiver *receiver;
	struct amqp_connection *accepted;
	struct amqp_buffer message; /* what is sent, and given out */
	struct amqp_buffer scratch;
	uint64_t last_tag;
	unsigned n_wanted;
	unsigned n_started;
	unsigned n_done;
	unsigned n_due_credit;
};

static double now_s(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The broker's side. */

static void give_out(struct bench *bench, pn_link_t *link)
{
	while (pn_link_credit(link) > 0 && bench->n_wanted > 0 &&
	        !amqp_connection_is_congested(bench->accepted)) {
		uint8_t tag[16] = { 0 };
		bench->last_tag++;
		memcpy(tag, &bench->last_tag, sizeof(bench->last_tag));
		(void)amqp_delivery_start(link, amqp_bytes(tag, sizeof(tag)), AMQP_MARK_PLAIN);
		(void)pn_link_send(link, (const char *)bench->message.start, bench->message.size);
		(void)pn_link_advance(link);
	}
}

static void on_delivery_event(struct bench *bench, pn_link_t *link, pn_delivery_t *delivery)
{
	if (pn_link_is_sender(link)) {
		if (pn_delivery_updated(delivery)) {
			pn_delivery_update(delivery, pn_delivery_remote_state(delivery));
			pn_delivery_settle(delivery);
		}
		return;
	}
	if (pn_delivery_readable(delivery) &&
	        amqp_delivery_read(delivery, 1 << 24, &bench->scratch) == AMQP_READ_WHOLE) {
		pn_delivery_update(delivery, PN_ACCEPTED);
		pn_delivery_settle(delivery);
		if (pn_link_credit(link) < PIPELINED / 2) {
			pn_link_flow(link, PIPELINED - pn_link_credit(link));
		}
	}
}

static void on_event(void *user, struct amqp_connection *connection, pn_event_t *event)
{
	struct bench *bench = user;
	(void)connection;
	switch (pn_event_type(event)) {
	case PN_SESSION_REMOTE_OPEN:
		pn_session_open(pn_event_session(event));
		break;
	case PN_LINK_REMOTE_OPEN:
		amqp_link_accept(pn_event_link(event), 0);
		if (pn_link_is_receiver(pn_event_link(event))) {
			pn_link_flow(pn_event_link(event), PIPELINED);
		}
		break;
	case PN_LINK_FLOW:
		if (pn_link_is_sender(pn_event_link(event))) {
			give_out(bench, pn_event_link(event));
		}
		break;
	case PN_DELIVERY:
		on_delivery_event(bench, pn_event_link(event), pn_event_delivery(event));
		break;
	default:
		break;
	}
}

static void on_closed(
        void *user, struct amqp_connection *connection, const struct amqp_closing *closing)
{
	(void)user;
	(void)connection;
	(void)closing;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
        int from_size, void *user)
{
	struct bench *bench = user;
	(void)listener;
	(void)from;
	(void)from_size;
	struct amqp_connection_settings settings = {
		.is_server = true,
		.container_id = "bench",
		.congested_above = 4 * 1024 * 1024,
	};
	struct amqp_connection_handler handler = {
		.on_event = on_event,
		.on_closed = on_closed,
		.user = bench,
	};
	bench->accepted = amqp_connection_create(bench->base,
	        bufferevent_socket_new(bench->base, fd, BEV_OPT_CLOSE_ON_FREE), &settings,
	        &handler);
}

/* The client's side. */

static void on_sent(void *user, enum servicebus_outcome outcome, const char *sentence);

static void send_more(struct bench *bench)
{
	while (bench->n_started < bench->n_wanted && bench->n_started - bench->n_done < PIPELINED) {
		bench->n_started++;
		servicebus_send(bench->sender, amqp_buffer_bytes(&bench->message), on_sent, bench);
	}
}

static void on_sent(void *user, enum servicebus_outcome outcome, const char *sentence)
{
	struct bench *bench = user;
	if (outcome != SERVICEBUS_DONE) {
		fprintf(stderr, "%s\n", sentence);
		exit(1);
	}
	if (++bench->n_done == bench->n_wanted) {
		(void)event_base_loopbreak(bench->base);
	} else if (bench->n_started - bench->n_done < PIPELINED / 2) {
		send_more(bench);
	}
}

static void on_settled(void *user, enum servicebus_outcome outcome, const char *sentence)
{
	struct bench *bench = user;
	if (outcome != SERVICEBUS_DONE) {
		fprintf(stderr, "%s\n", sentence);
		exit(1);
	}
	if (++bench->n_done == bench->n_wanted) {
		(void)event_base_loopbreak(bench->base);
	}
}

static void on_delivery(void *user, const struct servicebus_delivery *delivery)
{
	struct bench *bench = user;
	servicebus_settle(bench->client,
	        &(struct servicebus_settle){
	                .token = delivery->token,
	                .how = SERVICEBUS_COMPLETE,
	                .done = on_settled,
	                .user = bench,
	        });
}

static void measure(struct bench *bench, const char *what, unsigned n)
{
	double start = now_s();
	clock_t cpu = clock();
	bench->n_wanted = n;
	bench->n_started = 0;
	bench->n_done = 0;
	if (strcmp(what, "send") == 0) {
		send_more(bench);
	} else {
		servicebus_receiver_set_credit(bench->receiver, CREDIT);
	}
	(void)event_base_dispatch(bench->base);
	bench->n_wanted = 0;
	double seconds = now_s() - start;
	double cpu_us = (double)(clock() - cpu) / CLOCKS_PER_SEC * 1e6;
	printf("%-8s %7u messages of %zu bytes: %7.0f/s, %.2f us of this process each\n", what, n,
	        bench->message.size, n / seconds, cpu_us / n);
}

static void write_message(struct bench *bench, size_t body_size)
{
	static const char *const names[] = { "tenant_id", "job_id", "step_id", "step_type",
		"service", "lane", "mode", "attempt_no", "lease_id" };
	struct amqp_application_property properties[9];
	char *body = calloc(body_size + 1, 1);
	memset(body, 'x', body_size);
	for (int i = 0; i < 9; i++) {
		properties[i] = (struct amqp_application_property){
			.name = amqp_text(names[i]),
			.text = amqp_text("0123456789abcdef"),
		};
	}
	struct amqp_draft draft = {
		.message_id = amqp_text("0123456789abcdef0123456789abcdef:ocr:1"),
		.subject = amqp_text("OCR"),
		.content_type = amqp_text("application/json"),
		.properties = properties,
		.n_properties = 9,
		.body = amqp_text(body),
	};
	amqp_message_write(&bench->message, &draft);
	free(body);
}

static struct evconnlistener *listen_on(struct bench *bench, uint16_t *ret_port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);
	struct evconnlistener *listener = evconnlistener_new_bind(bench->base, on_accept, bench,
	        LEV_OPT_CLOSE_ON_FREE, 4, (struct sockaddr *)&address, sizeof(address));
	if (listener == NULL ||
	        getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&address, &size) !=
	                0) {
		exit(1);
	}
	*ret_port = ntohs(address.sin_port);
	return listener;
}

static void connect_client(
        struct bench *bench, uint16_t port, bool has_cbs, const char *topic, const char *name)
{
	char text[200];
	char error[200];
	struct azure_servicebus connection;
	snprintf(text, sizeof(text),
	        "Endpoint=sb://127.0.0.1:%u;SharedAccessKeyName="
	        "RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;"
	        "UseDevelopmentEmulator=true",
	        port);
	struct servicebus_settings settings = { .connection = &connection, .has_no_cbs = !has_cbs };
	if (!azure_servicebus_parse(text, &connection, error, sizeof(error)) ||
	        !servicebus_client_create(
	                bench->base, &settings, &bench->client, error, sizeof(error))) {
		exit(1);
	}
	azure_servicebus_finish(&connection);
	servicebus_client_start(bench->client);
	bench->sender = servicebus_sender(bench->client, topic);
	bench->receiver = servicebus_receiver(bench->client,
	        &(struct servicebus_receiver_settings){
	                .topic = topic,
	                .subscription = name,
	                .on_delivery = on_delivery,
	                .user = bench,
	        });
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 200000;
	size_t size = argc > 2 ? strtoul(argv[2], NULL, 10) : 500;
	bool is_foreign = argc > 5;
	uint16_t port = is_foreign ? (uint16_t)strtoul(argv[3], NULL, 10) : 0;
	struct bench bench = { .base = event_base_new() };
	write_message(&bench, size);
	struct evconnlistener *listener = is_foreign ? NULL : listen_on(&bench, &port);
	connect_client(&bench, port, is_foreign, is_foreign ? argv[4] : "topic",
	        is_foreign ? argv[5] : "sub");
	measure(&bench, "send", 1000); /* warm, and both links up */
	measure(&bench, "send", n);
	measure(&bench, "receive", n);
	servicebus_client_destroy(bench.client);
	amqp_connection_destroy(bench.accepted);
	if (listener != NULL) {
		evconnlistener_free(listener);
	}
	event_base_free(bench.base);
	amqp_buffer_finish(&bench.message);
	amqp_buffer_finish(&bench.scratch);
	return 0;
}
