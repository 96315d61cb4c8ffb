/* SPDX-License-Identifier: MIT */
/* The loop, the peer and the client of a test, and waiting for what is to happen. */
#include "support/grpc/tests/world.h"

#include <signal.h>
#include <time.h>

#include "tests/support/suite.h"

#define BOUND_S 20 /* that anything may take */

static void on_state(void *user, const char *sentence)
{
	struct world *world = user;
	world->n_states++;
	(void)snprintf(world->state, sizeof(world->state), "%s", sentence != NULL ? sentence : "");
}

void world_init(struct world *world)
{
	(void)signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	memset(world, 0, sizeof(*world));
	world->base = event_base_new();
	peer_init(&world->peer, world->base);
	world->settings = (struct grpc_settings){
		.base = world->base,
		.host = "127.0.0.1",
		.port = world->peer.port,
		.on_state = on_state,
		.user = world,
	};
}

void world_start(struct world *world)
{
	char error[200] = "";
	world->client = grpc_client_create(&world->settings, error, sizeof(error));
	CHECK_TEXT(error, "");
}

void world_finish(struct world *world)
{
	grpc_client_destroy(world->client);
	peer_finish(&world->peer);
	/* Deferred frees of libevent. */
	(void)event_base_loop(world->base, EVLOOP_NONBLOCK);
	event_base_free(world->base);
}

void world_on_answer(void *user, const struct grpc_answer *answer)
{
	struct made *made = user;
	made->is_answered = true;
	made->n_answers++;
	made->status = answer->status;
	made->is_sent = answer->is_sent;
	made->size = answer->size;
	(void)snprintf(made->sentence, sizeof(made->sentence), "%s", answer->sentence);
	(void)snprintf(made->message, sizeof(made->message), "%.*s",
	        answer->size < 15 ? (int)answer->size : 15,
	        answer->size != 0 ? (const char *)answer->message : "");
	made->details_size = answer->details_size;
	if (answer->details_size != 0 && answer->details_size <= sizeof(made->details)) {
		memcpy(made->details, answer->details, answer->details_size);
	}
}

struct made *world_call_with(struct world *world, const char *path, uint32_t timeout_ms)
{
	struct made *made = &world->made[world->n_made++];
	const struct grpc_request request = {
		.path = path,
		.message = "hello",
		.size = 5,
		.timeout_ms = timeout_ms,
		.is_patient = timeout_ms != 0,
	};
	made->call = grpc_client_call(world->client, &request, world_on_answer, made);
	CHECK(!made->is_answered);
	return made;
}

struct made *world_call(struct world *world, const char *path)
{
	return world_call_with(world, path, 0);
}

static void on_bound(evutil_socket_t fd, short what, void *user)
{
	struct world *world = user;
	(void)fd;
	(void)what;
	world->is_timed_out = true;
}

void world_wait(struct world *world, condition_fn holds, const char *what)
{
	const struct timeval bound = { BOUND_S, 0 };
	world->is_timed_out = false;
	struct event *timer = evtimer_new(world->base, on_bound, world);
	(void)event_add(timer, &bound);
	while (!holds(world) && !world->is_timed_out) {
		(void)event_base_loop(world->base, EVLOOP_ONCE);
	}
	event_free(timer);
	if (world->is_timed_out) {
		fprintf(stderr, "still not so: %s\n", what);
	}
	CHECK(!world->is_timed_out);
}
bool all_are_answered(const struct world *world)
{
	for (size_t i = 0; i < world->n_made; i++) {
		if (!world->made[i].is_answered) {
			return false;
		}
	}
	return true;
}

bool last_is_answered(const struct world *world)
{
	return world->made[world->n_made - 1].is_answered;
}

bool all_are_held(const struct world *world)
{
	return world->peer.n_open == world->n_made;
}

void world_turn(struct world *world, unsigned ms)
{
	const struct timeval wait = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000 };
	world->is_timed_out = false;
	struct event *timer = evtimer_new(world->base, on_bound, world);
	(void)event_add(timer, &wait);
	while (!world->is_timed_out) {
		(void)event_base_loop(world->base, EVLOOP_ONCE);
	}
	event_free(timer);
}

const struct made *world_answered(struct world *world, const char *path)
{
	struct made *made = world_call(world, path);
	WAIT(world, all_are_answered);
	CHECK_INT(made->n_answers, 1);
	return made;
}

bool unreachable_is_told(const struct world *world)
{
	return world->state[0] != '\0';
}
