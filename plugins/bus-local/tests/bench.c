/* SPDX-License-Identifier: MIT */
/*
 * Messages a second: through the broker's model alone, through operations of the daemon, and over
 * AMQP on loopback (this process is the client then, the broker runs in the test host).
 * Usage: bench_bus_local PLUGINS_DIR HOST
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/backend.h"
#include "core/loader.h"
#include "core/loop.h"
#include "core/option_value.h"
#include "plugins/bus-local/options.h"
#include "plugins/bus-local/tests/client.h"
#include "support/base/memory.h"

enum { N_MESSAGES = 400000, N_AT_ONCE = 200, BODY_SIZE = 1000 };

static double seconds(void)
{
	struct timespec now;
	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
		abort();
	}
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Of the processor, which is another thing on a busy machine. */
static double used_seconds(void)
{
	struct rusage usage;
	if (getrusage(RUSAGE_SELF, &usage) != 0) {
		abort();
	}
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	        (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

struct stopwatch {
	double start;
	double used;
};

static struct stopwatch start_watch(void)
{
	return (struct stopwatch){ .start = seconds(), .used = used_seconds() };
}

static void tell(const char *what, long n, struct stopwatch watch)
{
	double taken = seconds() - watch.start;
	double used = used_seconds() - watch.used;
	printf("%-60s %7.0f messages/s, %5.2f us each of this process\n", what, (double)n / taken,
	        used * 1e6 / (double)n);
	fflush(stdout);
}

/* In-process: publish and settle by operations. */

struct local {
	struct loop *loop;
	struct backend *bus;
	long n_published;
	long n_settled;
	char body[BODY_SIZE];
};

static struct lucius_text text(const char *string)
{
	return (struct lucius_text){ .data = string, .size = strlen(string) };
}

static struct lucius_field field(const char *name, const char *value)
{
	return (struct lucius_field){
		.name = name, .value = value, .value_size = (uint32_t)strlen(value)
	};
}

static void publish(struct local *local);

static void on_published(void *user, uint32_t status, const char *sentence)
{
	struct local *local = user;
	if (status != LUCIUS_OK) {
		fprintf(stderr, "publish: %u %s\n", status, sentence != NULL ? sentence : "");
		abort();
	}
	if (local->n_published < N_MESSAGES) {
		publish(local);
	}
}

static void publish(struct local *local)
{
	char id[64];
	struct lucius_field fields[] = { field("tenant_id", "t1"),
		field("job_id", "0123456789abcdef0123456789abcdef"), field("step_id", "ocr"),
		field("step_type", "OCR"), field("service", "platform-ocr"), field("lane", "7"),
		field("mode", "DEFAULT"), field("attempt_no", "1"),
		field("lease_id", "0123456789abcdef0123456789abcdef") };
	struct op_caller caller = { .on_done = on_published, .user = local };
	snprintf(id, sizeof(id), "0123456789abcdef0123456789abcdef:ocr:%ld", local->n_published++);
	struct lucius_message message = { .size = sizeof(message),
		.body = { local->body, sizeof(local->body) },
		.message_id = text(id),
		.subject = text("OCR"),
		.content_type = text("application/json"),
		.properties = fields,
		.n_properties = sizeof(fields) / sizeof(fields[0]),
		.ttl_ms = 900000 };
	(void)bus_publish(local->bus, text("global-bus-p7"), &message, &caller);
}

static void on_settled(void *user, uint32_t status, const char *sentence)
{
	struct local *local = user;
	(void)sentence;
	if (status != LUCIUS_OK) {
		abort();
	}
	if (++local->n_settled == N_MESSAGES) {
		loop_break(local->loop);
	}
}

static void on_delivery(void *user, const void *item)
{
	struct local *local = user;
	const struct lucius_delivery *delivery = item;
	struct op_caller caller = { .on_done = on_settled, .user = local };
	struct lucius_settlement settlement = {
		.size = sizeof(settlement), .how = LUCIUS_SETTLE_COMPLETE, .token = delivery->token
	};
	(void)bus_settle(local->bus, &settlement, &caller);
}

static void bench_local(const struct lucius_plugin *plugin)
{
	char error[512] = "";
	struct local local = { .loop = loop_create() };
	struct bus_options *options = option_defaults(plugin, error, sizeof(error));
	struct lucius_subscription subscription = { .size = sizeof(subscription),
		.credit = N_AT_ONCE,
		.topic = text("global-bus-p7"),
		.name = text("distributed-ocr") };
	struct op_caller caller = {
		.on_item = on_delivery, .user = &local, .timeout_ms = OP_NO_DEADLINE
	};
	options->listen = "off";
	struct backend_parts parts = { .loop = local.loop, .plugin = plugin, .options = options };
	local.bus = backend_create(&parts, error, sizeof(error));
	if (local.bus == NULL) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	memset(local.body, 'x', sizeof(local.body));
	(void)bus_subscribe(local.bus, &subscription, &caller);
	struct stopwatch watch = start_watch();
	for (int i = 0; i < N_AT_ONCE; i++) {
		publish(&local);
	}
	loop_run(local.loop);
	tell("operations: publish, deliver, complete (1 kB, 9 properties)", N_MESSAGES, watch);
}

/* Over AMQP. */

struct remote {
	struct event_base *base;
	struct client *client;
	struct end *sender;
	struct end *receiver;
	struct amqp_buffer encoded;
	long n_sent;
	long n_done;
};

static void send_more(struct remote *remote)
{
	while (remote->n_sent < N_MESSAGES && pn_link_credit(remote->sender->proton) > 0) {
		client_send(remote->sender, amqp_buffer_bytes(&remote->encoded), false, false);
		remote->n_sent++;
	}
}

static void on_sent(void *user, struct end *end)
{
	struct remote *remote = user;
	if (end->outcome != PN_ACCEPTED) {
		abort();
	}
	send_more(remote);
	if (remote->receiver == NULL && ++remote->n_done == N_MESSAGES) {
		(void)event_base_loopbreak(remote->base);
	}
}

static void on_received(void *user, struct end *end, struct arrival *arrival)
{
	struct remote *remote = user;
	client_settle(arrival, PN_ACCEPTED, true);
	client_drop_arrival(end);
	if (++remote->n_done == N_MESSAGES) {
		(void)event_base_loopbreak(remote->base);
	}
	if (pn_link_credit(end->proton) < 500) {
		client_flow(end, 500);
	}
}

static void wait_for(struct remote *remote, const bool *flag)
{
	while (!*flag && !remote->client->is_closed) {
		(void)event_base_loop(remote->base, EVLOOP_ONCE);
	}
	if (remote->client->is_closed) {
		fprintf(stderr, "%s\n", remote->client->sentence);
		abort();
	}
}

static void write_message(struct remote *remote)
{
	char body[BODY_SIZE];
	struct amqp_application_property properties[] = {
		{ .name = amqp_text("tenant_id"), .text = amqp_text("t1") },
		{ .name = amqp_text("job_id"),
		        .text = amqp_text("0123456789abcdef0123456789abcdef") },
		{ .name = amqp_text("step_type"), .text = amqp_text("OCR") },
		{ .name = amqp_text("attempt_no"), .number = 1, .is_number = true },
	};
	memset(body, 'x', sizeof(body));
	struct amqp_draft draft = { .message_id = amqp_text("0123456789abcdef:ocr:1"),
		.subject = amqp_text("OCR"),
		.ttl_ms = 900000,
		.properties = properties,
		.n_properties = 4,
		.body = amqp_bytes(body, sizeof(body)) };
	amqp_message_write(&remote->encoded, &draft);
}

static void run_remote(struct remote *remote, const char *what)
{
	struct stopwatch watch = start_watch();
	remote->n_sent = 0;
	remote->n_done = 0;
	send_more(remote);
	(void)event_base_dispatch(remote->base);
	tell(what, N_MESSAGES, watch);
}

static void bench_remote(uint16_t port)
{
	struct remote remote = { .base = event_base_new() };
	remote.client = client_create(remote.base, port, BUS_KEY_NAME, BUS_EMULATOR_KEY);
	remote.client->on_outcome = on_sent;
	remote.client->on_arrival = on_received;
	remote.client->user = &remote;
	write_message(&remote);
	wait_for(&remote, &remote.client->is_open);
	pn_session_t *session = client_session(remote.client);
	remote.receiver = client_receiver(remote.client, session,
	        "global-bus-p7/Subscriptions/distributed-ocr", PN_SND_UNSETTLED, PN_RCV_SECOND);
	remote.sender = client_sender(remote.client, session, "global-bus-p7");
	wait_for(&remote, &remote.receiver->is_attached);
	wait_for(&remote, &remote.sender->is_attached);
	client_flow(remote.receiver, 1000);
	while (pn_link_credit(remote.sender->proton) == 0) {
		(void)event_base_loop(remote.base, EVLOOP_ONCE);
	}
	run_remote(&remote, "AMQP loopback: send, receive, complete (1 kB, one connection)");
	client_destroy(remote.client);
	amqp_buffer_finish(&remote.encoded);
	event_base_free(remote.base);
}

/* Starts the host; returns its port, 0 if it did not start. */
static uint16_t start_host(const char *program, const char *plugins_dir, pid_t *ret_pid)
{
	int ends[2];
	char line[512];
	unsigned port = 0;
	if (pipe(ends) != 0) {
		abort();
	}
	*ret_pid = fork();
	if (*ret_pid == 0) {
		(void)dup2(ends[1], STDERR_FILENO);
		(void)close(ends[0]);
		(void)execl(program, program, plugins_dir, "--bus-listen", "127.0.0.1:0", NULL);
		_exit(127);
	}
	(void)close(ends[1]);
	FILE *log = fdopen(ends[0], "r");
	while (port == 0 && log != NULL && fgets(line, sizeof(line), log) != NULL) {
		const char *found = strstr(line, ", port ");
		if (found != NULL) {
			port = (unsigned)strtoul(found + 7, NULL, 10);
		}
	}
	/* The pipe stays open: the host goes on writing to it. */
	return (uint16_t)port;
}

int main(int argc, char **argv)
{
	char error[512] = "";
	pid_t pid = 0;
	int status = 0;
	if (argc != 3) {
		fprintf(stderr, "usage: %s PLUGINS_DIR HOST\n", argv[0]);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	const struct lucius_plugin *plugin =
	        loader_load(argv[1], LUCIUS_KIND_BUS, "local", error, sizeof(error));
	if (plugin == NULL) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	bench_local(plugin);
	uint16_t port = start_host(argv[2], argv[1], &pid);
	if (port == 0) {
		return 1;
	}
	bench_remote(port);
	(void)kill(pid, SIGTERM);
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}
