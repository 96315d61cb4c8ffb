/* SPDX-License-Identifier: MIT */
/* Takes the service's place: logs its stages and ends each at once; refuses the mode BURST. In the
 * environment BARE_FAILS names a stage that fails, BARE_WAITS one that ends when it is stopped, or
 * never. */
#include "core/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/settings.h"
#include "support/base/memory.h"

struct service {
	struct service_parts parts;
	const char *stage; /* under way */
	bool is_waiting;
	lucius_done_fn on_done;
	void *user;
};

static void say(const char *event)
{
	log_write(LUCIUS_LOG_INFO, event, NULL, NULL, 0);
}

static bool is_told(const char *variable, const char *stage)
{
	const char *named = getenv(variable);
	return named != NULL && strcmp(named, stage) == 0;
}

static void on_turn(void *user)
{
	struct service *service = user;
	if (is_told("BARE_FAILS", service->stage)) {
		service->on_done(service->user, LUCIUS_DENIED, "as the variable says");
		return;
	}
	service->on_done(service->user, LUCIUS_OK, NULL);
}

static void end_later(
        struct service *service, const char *stage, lucius_done_fn on_done, void *user)
{
	lucius_done_fn waits = service->on_done;
	void *waiting = service->user;
	bool is_waiting = service->is_waiting;
	service->stage = stage;
	service->on_done = on_done;
	service->user = user;
	service->is_waiting = is_told("BARE_WAITS", stage);
	if (is_waiting) {
		waits(waiting, LUCIUS_OK, NULL);
	}
	if (!service->is_waiting) {
		loop_defer(service->parts.loop, on_turn, service);
	}
}

struct service *service_create(const struct service_parts *parts, char *error, size_t error_size)
{
	if (strcmp(parts->settings->default_mode, "BURST") == 0) {
		(void)snprintf(error, error_size, "the service does not like this mode");
		return NULL;
	}
	struct service *service = must_calloc(1, sizeof(*service));
	service->parts = *parts;
	say("service.create");
	return service;
}

void service_start(struct service *service, lucius_done_fn on_started, void *user)
{
	say("service.start");
	end_later(service, "start", on_started, user);
}

void service_listen(struct service *service, lucius_done_fn on_listening, void *user)
{
	say("service.listen");
	end_later(service, "listen", on_listening, user);
}

void service_stop(struct service *service, lucius_done_fn on_stopped, void *user)
{
	say("service.stop");
	end_later(service, "stop", on_stopped, user);
}

void service_destroy(struct service *service)
{
	say("service.destroy");
	free(service);
}

bool service_prepare(struct service *service, const char *protocols, const char *where, char *error,
        size_t error_size)
{
	(void)service;
	(void)where;
	if (protocols != NULL && strcmp(protocols, "wrong") == 0) {
		(void)snprintf(error, error_size, "the service does not like these protocols");
		return false;
	}
	return true;
}

void service_reconfigure(struct service *service)
{
	(void)service;
	say("service.reconfigure");
}
