/* SPDX-License-Identifier: MIT */
/* Runs the consumer beside a broker on the test's loop; see consumer_world.h. */
#include "consumers/tests/consumer_world.h"

#include "support/amqp/message.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LONGEST_WAIT_MS = 20000, TICK_MS = 20 };

const char *world_program;

static void copy_bytes(char *to, size_t size, struct amqp_bytes bytes)
{
	(void)snprintf(to, size, "%.*s", (int)bytes.size, (const char *)bytes.start);
}

static void on_received(void *user, const char *address, struct amqp_bytes encoded)
{
	struct consumer_world *world = user;
	struct world_reply *reply = &world->replies[world->n_replies];
	struct amqp_message message;
	struct amqp_properties properties;
	struct amqp_buffer scratch = { 0 };
	struct amqp_bytes body;
	if (world->n_replies == WORLD_MAX_REPLIES || !amqp_message_parse(encoded, &message) ||
	        !amqp_properties_parse(message.properties, &properties) ||
	        !amqp_message_read_body(&message, &scratch, &body)) {
		abort();
	}
	(void)snprintf(reply->topic, sizeof(reply->topic), "%s", address);
	copy_bytes(
	        reply->message_id, sizeof(reply->message_id), properties.at[AMQP_MESSAGE_ID].bytes);
	reply->body = json_loadb((const char *)body.start, body.size, 0, NULL);
	reply->n_settled_before = world->broker.n_settled;
	world->n_replies++;
	amqp_buffer_finish(&scratch);
}

void world_open(struct consumer_world *world)
{
	*world = (struct consumer_world){ .base = event_base_new(), .topic = "global-bus-p3" };
	(void)snprintf(world->directory, sizeof(world->directory), "/tmp/consumer-test-XXXXXX");
	if (world->base == NULL || mkdtemp(world->directory) == NULL) {
		abort();
	}
	world->broker.on_received = on_received;
	world->broker.received_user = world;
	fake_broker_start(&world->broker, world->base);
}

static void set_environment(const struct consumer_world *world)
{
	char connection[256];
	(void)snprintf(connection, sizeof(connection),
	        "Endpoint=sb://127.0.0.1:%u;SharedAccessKeyName=name;SharedAccessKey=key;"
	        "UseDevelopmentEmulator=true;",
	        world->broker.port);
	if (setenv("SERVICEBUS_CONNECTION", connection, 1) != 0 ||
	        setenv("SERVICEBUS_TOPIC", world->topic, 1) != 0 ||
	        setenv("SERVICEBUS_SUBSCRIPTION", "group", 1) != 0 ||
	        setenv("LUCIUS_LOG_LEVEL", "error", 1) != 0 ||
	        setenv("W", world->directory, 1) != 0) {
		_exit(99);
	}
}

void world_start(struct consumer_world *world, const char *const arguments[])
{
	const char *argv[WORLD_MAX_ARGUMENTS + 2] = { world_program };
	for (size_t i = 0; arguments[i] != NULL && i < WORLD_MAX_ARGUMENTS; i++) {
		argv[i + 1] = arguments[i];
	}
	world->pid = fork();
	if (world->pid < 0) {
		abort();
	}
	if (world->pid == 0) {
		set_environment(world);
		execv(world_program, (char *const *)argv);
		_exit(98);
	}
}

void world_start_script(struct consumer_world *world, const char *script)
{
	world_start(world, (const char *const[]){ "--", "/bin/sh", "-c", script, NULL });
}

static int64_t now_ms(void)
{
	struct timespec now = { 0 };
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void reap(struct consumer_world *world)
{
	int status = 0;
	if (world->pid > 0 && waitpid(world->pid, &status, WNOHANG) == world->pid) {
		world->pid = 0;
		world->exit_status =
		        WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

bool world_wait(struct consumer_world *world, bool (*is_so)(struct consumer_world *world))
{
	int64_t deadline_ms = now_ms() + LONGEST_WAIT_MS;
	while (!is_so(world)) {
		if (now_ms() > deadline_ms) {
			return false;
		}
		/* Files and processes are no descriptors: the loop is left to look at them. */
		struct timeval tick = { .tv_usec = TICK_MS * 1000L };
		(void)event_base_loopexit(world->base, &tick);
		(void)event_base_loop(world->base, EVLOOP_ONCE);
		reap(world);
	}
	return true;
}

static unsigned wanted_number;
static const char *wanted_name;

static bool has_replies(struct consumer_world *world)
{
	return world->n_replies >= wanted_number;
}

bool world_wait_replies(struct consumer_world *world, unsigned n_replies)
{
	wanted_number = n_replies;
	return world_wait(world, has_replies);
}

static bool has_settled(struct consumer_world *world)
{
	return world->broker.n_settled >= wanted_number;
}

bool world_wait_settled(struct consumer_world *world, unsigned n_settled)
{
	wanted_number = n_settled;
	return world_wait(world, has_settled);
}

static bool has_file(struct consumer_world *world)
{
	return world_file_size(world, wanted_name) > 0;
}

bool world_wait_file(struct consumer_world *world, const char *name)
{
	wanted_name = name;
	return world_wait(world, has_file);
}

static bool has_ended(struct consumer_world *world)
{
	return world->pid == 0;
}

bool world_wait_end(struct consumer_world *world)
{
	return world_wait(world, has_ended);
}

static void path_of(const struct consumer_world *world, const char *name, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/%s", world->directory, name);
}

long world_file_size(const struct consumer_world *world, const char *name)
{
	char path[128];
	struct stat entry;
	path_of(world, name, path, sizeof(path));
	return stat(path, &entry) == 0 ? (long)entry.st_size : 0;
}

void world_make_file(const struct consumer_world *world, const char *name)
{
	char path[128];
	path_of(world, name, path, sizeof(path));
	FILE *file = fopen(path, "w");
	if (file == NULL || fputs("x", file) < 0 || fclose(file) != 0) {
		abort();
	}
}

const char *world_text(const struct consumer_world *world, unsigned reply, const char *name)
{
	return json_string_value(json_object_get(world->replies[reply].body, name));
}

const char *world_error(const struct consumer_world *world, unsigned reply, const char *name)
{
	const json_t *error = json_object_get(world->replies[reply].body, "error");
	return json_string_value(json_object_get(error, name));
}

void world_close(struct consumer_world *world)
{
	if (world->pid > 0) {
		(void)kill(world->pid, SIGKILL);
		(void)waitpid(world->pid, NULL, 0);
	}
	for (unsigned i = 0; i < world->n_replies; i++) {
		json_decref(world->replies[i].body);
	}
	fake_broker_stop(&world->broker);
	event_base_free(world->base);
	char command[128];
	(void)snprintf(command, sizeof(command), "rm -rf %s", world->directory);
	if (system(command) != 0) {
		fprintf(stderr, "%s: failed\n", command);
	}
}
