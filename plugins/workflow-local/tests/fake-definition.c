/* SPDX-License-Identifier: MIT */
/* The definition for tests; see the header. */
#include "plugins/workflow-local/tests/fake-definition.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/op.h"
#include "support/base/memory.h"

struct lucius_machine {
	char id[64];
};

struct fake_definition fake;

static void add(char *text, size_t size, const char *more)
{
	size_t used = strlen(text);
	(void)snprintf(text + used, size - used, "%s", more);
}

static struct lucius_machine *fake_open(const struct lucius_definition *definition,
        const struct lucius_run *run, char *error, size_t error_size)
{
	char line[128];
	(void)definition;
	if (fake.is_refusing) {
		(void)snprintf(error, error_size, "not this one");
		return NULL;
	}
	struct lucius_machine *machine = must_calloc(1, sizeof(*machine));
	(void)snprintf(machine->id, sizeof(machine->id), "%.*s", (int)run->workflow_id.size,
	        run->workflow_id.data);
	(void)snprintf(line, sizeof(line), "%s%s%.*s;", machine->id,
	        run->is_restored != 0 ? "+" : "", (int)run->snapshot.size,
	        run->snapshot.size != 0 ? run->snapshot.data : "");
	add(fake.opened, sizeof(fake.opened), line);
	fake.n_machines++;
	return machine;
}

static void hear(const struct lucius_event *event)
{
	char line[256];
	int name_size = (int)event->name.size;
	int size = (int)event->payload.size;
	const char *payload = size != 0 ? event->payload.data : "";
	switch (event->type) {
	case LUCIUS_EVENT_STARTED:
		(void)snprintf(line, sizeof(line), "started;");
		break;
	case LUCIUS_EVENT_ACTIVITY_DONE:
		(void)snprintf(
		        line, sizeof(line), "done %" PRIu64 " %.*s;", event->number, size, payload);
		break;
	case LUCIUS_EVENT_ACTIVITY_FAILED:
		(void)snprintf(line, sizeof(line), "failed %" PRIu64 " %.*s;", event->number, size,
		        payload);
		break;
	case LUCIUS_EVENT_SIGNAL:
		(void)snprintf(line, sizeof(line), "%.*s %.*s;", name_size, event->name.data, size,
		        payload);
		break;
	case LUCIUS_EVENT_TIMER_FIRED:
		(void)snprintf(line, sizeof(line), "timer %" PRIu64 ";", event->number);
		break;
	default:
		(void)snprintf(line, sizeof(line), "cancel;");
		break;
	}
	add(fake.heard, sizeof(fake.heard), line);
}

static void fake_feed(struct lucius_machine *machine, const struct lucius_event *event,
        lucius_action_fn on_action, void *user)
{
	(void)machine;
	hear(event);
	size_t n_wanted = fake.n_wanted;
	fake.n_wanted = 0;
	for (size_t i = 0; i < n_wanted; i++) {
		on_action(user, &fake.wanted[i]);
	}
	if (fake.on_feed != NULL) {
		fake.on_feed();
		add(fake.heard, sizeof(fake.heard), "fed;");
	}
}

static void fake_close(struct lucius_machine *machine)
{
	fake.n_machines -= machine != NULL ? 1 : 0;
	free(machine);
}

static void fake_inspect(const struct lucius_machine *machine, lucius_text_fn on_text, void *user)
{
	on_text(user, (struct lucius_text){ machine->id, strlen(machine->id) });
}

static void fake_run(const struct lucius_definition *definition, struct lucius_text name,
        struct lucius_text payload, struct lucius_op op)
{
	(void)definition;
	if (fake.n_tries == FAKE_MAX) {
		abort();
	}
	struct fake_try *try = &fake.tries[fake.n_tries++];
	try->op = op;
	(void)snprintf(try->name, sizeof(try->name), "%.*s", (int)name.size, name.data);
	(void)snprintf(try->payload, sizeof(try->payload), "%.*s", (int)payload.size, payload.data);
	if (fake.on_run != NULL) {
		fake.on_run();
	}
}

void fake_reset(void)
{
	fake = (struct fake_definition){
		.table = {
			.size = sizeof(fake.table),
			.open = fake_open,
			.feed = fake_feed,
			.close = fake_close,
			.inspect = fake_inspect,
			.run = fake_run,
		},
	};
}

void fake_wants(struct lucius_action action)
{
	action.size = sizeof(action);
	fake.wanted[fake.n_wanted++] = action;
}

void fake_wants_activity(uint64_t number, const char *name, uint64_t give_up_after_ms)
{
	fake_wants((struct lucius_action){
	        .type = LUCIUS_ACTION_RUN_ACTIVITY,
	        .number = number,
	        .start_to_close_ms = 30000,
	        .retry_initial_ms = 1000,
	        .retry_max_ms = 60000,
	        .give_up_after_ms = give_up_after_ms,
	        .name = { name, strlen(name) },
	        .payload = { "{}", 2 },
	});
}

void fake_wants_timer(uint64_t number, uint64_t after_ms)
{
	fake_wants((struct lucius_action){
	        .type = LUCIUS_ACTION_START_TIMER, .number = number, .after_ms = after_ms });
}

void fake_wants_end(uint32_t type)
{
	fake_wants((struct lucius_action){ .type = type });
}

void fake_answer_try(size_t index, uint32_t status, const char *text)
{
	struct fake_try *try = &fake.tries[index];
	struct lucius_text result = { text, strlen(text) };
	try->is_answered = true;
	if (status == LUCIUS_OK) {
		op_give(try->op, &result);
	}
	op_finish(try->op, status, status == LUCIUS_OK ? NULL : text);
}

void fake_answer(uint32_t status, const char *text)
{
	fake_answer_try(fake.n_tries - 1, status, text);
}

void fake_answer_all(void)
{
	for (size_t i = 0; i < fake.n_tries; i++) {
		if (!fake.tries[i].is_answered) {
			fake_answer_try(i, LUCIUS_UNAVAILABLE, "no");
		}
	}
}

void fake_forget(void)
{
	fake.heard[0] = '\0';
}
