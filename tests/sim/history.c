/* SPDX-License-Identifier: MIT */
/* The history of one machine; actions are kept as text, which is easy to compare and to print. */
#include "tests/sim/history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"

struct script {
	char *text; /* owned */
	size_t size;
};

struct history {
	struct lucius_run run; /* owned texts */
	struct lucius_event *events; /* owned, with their texts */
	size_t n_events;
	struct script actions;
};

static struct lucius_text copy(struct lucius_text text)
{
	return (struct lucius_text){ must_copy(text.data, text.size), text.size };
}

static void free_text(struct lucius_text text)
{
	free((void *)(uintptr_t)text.data);
}

struct history *history_create(const struct lucius_run *run)
{
	struct history *history = must_calloc(1, sizeof(*history));
	history->run = *run;
	history->run.workflow_id = copy(run->workflow_id);
	history->run.input = copy(run->input);
	history->run.snapshot = copy(run->snapshot);
	return history;
}

void history_destroy(struct history *history)
{
	if (history == NULL) {
		return;
	}
	for (size_t i = 0; i < history->n_events; i++) {
		free_text(history->events[i].name);
		free_text(history->events[i].payload);
	}
	free_text(history->run.workflow_id);
	free_text(history->run.input);
	free_text(history->run.snapshot);
	free(history->events);
	free(history->actions.text);
	free(history);
}

void history_add_event(struct history *history, const struct lucius_event *event)
{
	history->events =
	        must_resize(history->events, history->n_events + 1, sizeof(history->events[0]));
	struct lucius_event *kept = &history->events[history->n_events++];
	*kept = *event;
	kept->name = copy(event->name);
	kept->payload = copy(event->payload);
}

static void write_action(struct script *script, const struct lucius_action *action)
{
	size_t room = action->name.size + action->payload.size + 200;
	script->text = must_resize(script->text, script->size + room, 1);
	int n = snprintf(script->text + script->size, room,
	        "%" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %.*s %.*s\n", action->type,
	        action->number, action->after_ms, action->give_up_after_ms, (int)action->name.size,
	        action->name.size != 0 ? action->name.data : "", (int)action->payload.size,
	        action->payload.size != 0 ? action->payload.data : "");
	script->size += (size_t)n;
}

void history_add_action(struct history *history, const struct lucius_action *action)
{
	write_action(&history->actions, action);
}

static void on_action(void *user, const struct lucius_action *action)
{
	write_action(user, action);
}

bool history_replays(const struct history *history, const struct step_logic *logic,
        char *difference, size_t difference_size)
{
	struct script script = { 0 };
	struct lucius_machine *machine =
	        logic->table.open(&logic->table, &history->run, difference, difference_size);
	if (machine == NULL) {
		return false;
	}
	for (size_t i = 0; i < history->n_events; i++) {
		logic->table.feed(machine, &history->events[i], on_action, &script);
	}
	bool is_same = script.size == history->actions.size &&
	        (script.size == 0 || memcmp(script.text, history->actions.text, script.size) == 0);
	if (!is_same) {
		(void)snprintf(difference, difference_size,
		        "a replay wanted other things than the first run");
	}
	logic->table.close(machine);
	free(script.text);
	return is_same;
}
