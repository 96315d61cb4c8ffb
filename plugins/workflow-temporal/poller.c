/* SPDX-License-Identifier: MIT */
/*
 *   open → on_polled → (take) → open … ; after a failure a wait, without a free slot until one is
 *
 * An empty answer is the usual one. What a poll meets that passes (a new connection, a server that
 * restarts) is no event worth telling but a count.
 */
#include "plugins/workflow-temporal/poller.h"

#include <stdlib.h>

#include "messages.pb-c.h"
#include "plugins/workflow-temporal/call.h"
#include "plugins/workflow-temporal/engine.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define RETRY_FIRST_MS 200u
#define RETRY_MAX_MS 10000u
#define BUSY_FIRST_MS 1000u
#define MS_PER_SECOND 1000u
/* A poll that ends sooner without a task than this after its beginning is not asked again at once,
 * whatever the server says: nothing may spin. */
#define SOON_MS 500u

struct poller {
	struct poller_set *set; /* borrowed */
	struct grpc_call *call; /* the open poll */
	struct lucius_timer *wait;
	uint64_t begun_ms;
	unsigned n_failures; /* in a row */
};

static void poll(struct poller *poller);

size_t poller_set_free(const struct poller_set *set)
{
	size_t n_taken = set->n_used + set->n_open;
	return set->n_slots > n_taken ? set->n_slots - n_taken : 0;
}

static void on_wait_over(void *user)
{
	struct poller *poller = user;
	poller->wait = NULL;
	poll(poller);
}

static void poll_later(struct poller *poller, uint64_t first_ms)
{
	struct engine *engine = poller->set->engine;
	uint64_t wait_ms = engine_backoff_ms(engine, ++poller->n_failures, first_ms, RETRY_MAX_MS);
	poller->wait = engine->host->timer_start(engine->host, wait_ms, on_wait_over, poller);
}

/* Only what a person should know is logged, and by the server's check, once. */
static void on_failed(struct poller *poller, const struct grpc_answer *answer)
{
	struct engine *engine = poller->set->engine;
	uint64_t lasted_ms = engine->host->now_ms(engine->host) - poller->begun_ms;
	bool is_over = answer->status == GRPC_DEADLINE_EXCEEDED ||
	        answer->status == GRPC_CANCELLED || answer->status == GRPC_UNAVAILABLE;
	if (is_over && lasted_ms >= SOON_MS) {
		/* A poll that was cut: by its time, a connection that aged, a restart. */
		poller->n_failures = 0;
	}
	engine_count(engine, METRIC_POLL_FAILURES);
	if (fault_of(answer) == FAULT_SETUP || fault_of(answer) == FAULT_DENIED) {
		server_check(engine);
	}
	poll_later(
	        poller, answer->status == GRPC_RESOURCE_EXHAUSTED ? BUSY_FIRST_MS : RETRY_FIRST_MS);
}

static void on_polled(void *user, const struct grpc_answer *answer)
{
	struct poller *poller = user;
	struct poller_set *set = poller->set;
	struct engine *engine = set->engine;
	uint64_t lasted_ms = engine->host->now_ms(engine->host) - poller->begun_ms;
	poller->call = NULL;
	set->n_open--;
	if (answer->status != GRPC_OK) {
		on_failed(poller, answer);
		return;
	}
	set->n_used++;
	bool is_task = set->take(engine, answer);
	if (!is_task) {
		set->n_used--;
	}
	if (!is_task && lasted_ms < SOON_MS) {
		poll_later(poller, RETRY_FIRST_MS);
	} else {
		poller->n_failures = 0;
		poll(poller);
	}
}

static uint8_t *pack_poll(const struct engine *engine, size_t *ret_size)
{
	Wire__TaskQueue queue = WIRE__TASK_QUEUE__INIT;
	Wire__PollRequest request = WIRE__POLL_REQUEST__INIT;
	queue.name = (char *)(uintptr_t)engine->options->task_queue;
	queue.kind = 1;
	request.namespace_ = (char *)(uintptr_t)engine->options->namespace;
	request.task_queue = &queue;
	request.identity = engine->identity;
	return message_pack(&request.base, ret_size);
}

/* Unless one is open or waited for, no slot is free, or no more tasks are wanted. */
static void poll(struct poller *poller)
{
	struct poller_set *set = poller->set;
	struct engine *engine = set->engine;
	char path[METHOD_PATH_SIZE];
	if (poller->call != NULL || poller->wait != NULL || engine->is_draining ||
	        poller_set_free(set) == 0) {
		return;
	}
	size_t size;
	uint8_t *message CLEANUP_FREE = pack_poll(engine, &size);
	method_path(set->method, path);
	const struct grpc_request request = {
		.path = path,
		.message = message,
		.size = size,
		.timeout_ms = (uint32_t)engine->options->poll_seconds * MS_PER_SECOND,
		.is_patient = true,
	};
	set->n_open++;
	poller->begun_ms = engine->host->now_ms(engine->host);
	poller->call = grpc_client_call(engine->grpc, &request, on_polled, poller);
}

void poller_set_start(struct poller_set *set, size_t n_pollers, size_t n_slots)
{
	set->pollers = must_calloc(n_pollers, sizeof(*set->pollers));
	set->n_pollers = n_pollers;
	set->n_slots = n_slots;
	for (size_t i = 0; i < n_pollers; i++) {
		set->pollers[i].set = set;
		poll(&set->pollers[i]);
	}
}

bool poller_set_reserve(struct poller_set *set)
{
	if (poller_set_free(set) == 0) {
		return false;
	}
	set->n_used++;
	return true;
}

void poller_set_release(struct poller_set *set)
{
	set->n_used--;
	for (size_t i = 0; i < set->n_pollers; i++) {
		poll(&set->pollers[i]);
	}
}

void poller_set_cancel(struct poller_set *set, bool is_all)
{
	for (size_t i = 0; i < set->n_pollers; i++) {
		struct poller *poller = &set->pollers[i];
		if (poller->wait != NULL) {
			set->engine->host->timer_stop(set->engine->host, steal(poller->wait));
		}
		if (poller->call != NULL && (is_all || !grpc_call_is_sent(poller->call))) {
			grpc_call_cancel(steal(poller->call));
			set->n_open--;
		}
	}
}

void poller_set_finish(struct poller_set *set)
{
	poller_set_cancel(set, true);
	free(steal(set->pollers));
	set->n_pollers = 0;
}
