/* SPDX-License-Identifier: MIT */
/* A small interpreter; one activity or timer at a time. */
#include "sdk/conformance/workflow_script.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"

#define N_EARLY 8u
#define TEXT_SIZE 512u
#define START_TO_CLOSE_MS 30000u
#define RETRY_MS 100u
#define RETRY_MAX_MS 1000u

struct early_signal {
	char name[32];
	char argument[TEXT_SIZE];
};

struct lucius_machine {
	char *script; /* owned */
	const char *at; /* the step that is next */
	char seed[64];
	char last[TEXT_SIZE]; /* JSON */
	uint64_t last_number;
	uint64_t activity; /* number; 0: none, as the timer */
	uint64_t timer;
	char wanted[32]; /* the signal that is waited for; "": none */
	struct early_signal early[N_EARLY];
	size_t n_early;
	bool is_over;
	lucius_action_fn on_action; /* for the length of a feed */
	void *user;
};

static size_t n_open;

size_t workflow_script_n_open(void)
{
	return n_open;
}

static struct lucius_text text_of(const char *text)
{
	return (struct lucius_text){ text, strlen(text) };
}

static void copy_text(char *to, size_t room, struct lucius_text text)
{
	(void)snprintf(to, room, "%.*s", (int)text.size, text.size != 0 ? text.data : "");
}

static struct lucius_machine *script_open(const struct lucius_definition *definition,
        const struct lucius_run *run, char *error, size_t error_size)
{
	const struct lucius_text *input = &run->input;
	(void)definition;
	if (input->size < 2 || input->data[0] != '"') {
		(void)snprintf(error, error_size, "The input is no script.");
		return NULL;
	}
	struct lucius_machine *machine = must_calloc(1, sizeof(*machine));
	machine->script = must_copy(input->data + 1, input->size - 2);
	machine->at = machine->script;
	(void)snprintf(machine->last, sizeof(machine->last), "null");
	n_open++;
	return machine;
}

static void script_close(struct lucius_machine *machine)
{
	free(machine->script);
	free(machine);
	n_open--;
}

static void emit(struct lucius_machine *machine, struct lucius_action *action)
{
	action->size = sizeof(*action);
	machine->on_action(machine->user, action);
}

static void end(struct lucius_machine *machine, uint32_t type, const char *code)
{
	machine->is_over = true;
	machine->activity = machine->timer = 0;
	emit(machine,
	        &(struct lucius_action){
	                .type = type,
	                .name = text_of(code),
	                .payload = text_of(type == LUCIUS_ACTION_COMPLETE ? "{}" : "the end"),
	        });
}

static void start_timer(struct lucius_machine *machine, uint64_t after_ms)
{
	machine->timer = ++machine->last_number;
	emit(machine,
	        &(struct lucius_action){
	                .type = LUCIUS_ACTION_START_TIMER,
	                .number = machine->timer,
	                .after_ms = after_ms,
	        });
}

static void run_activity(struct lucius_machine *machine, char *name)
{
	char payload[2 * TEXT_SIZE];
	char *retry = strchr(name, '@');
	char *give_up = retry != NULL ? strchr(retry + 1, '@') : NULL;
	uint64_t retry_ms = retry != NULL ? strtoull(retry + 1, NULL, 10) : RETRY_MS;
	(void)snprintf(payload, sizeof(payload), "{\"seed\":\"%s\",\"last\":%s}", machine->seed,
	        machine->last);
	if (retry != NULL) {
		*retry = '\0';
	}
	machine->activity = ++machine->last_number;
	emit(machine,
	        &(struct lucius_action){
	                .type = LUCIUS_ACTION_RUN_ACTIVITY,
	                .number = machine->activity,
	                .start_to_close_ms = START_TO_CLOSE_MS,
	                .retry_initial_ms = retry_ms,
	                .retry_max_ms = RETRY_MAX_MS,
	                .give_up_after_ms = give_up != NULL ? strtoull(give_up + 1, NULL, 10) : 0,
	                .name = text_of(name),
	                .payload = text_of(payload),
	        });
}

static bool take_early(struct lucius_machine *machine, const char *name)
{
	for (size_t i = 0; i < machine->n_early; i++) {
		if (strcmp(machine->early[i].name, name) == 0) {
			(void)snprintf(machine->last, sizeof(machine->last), "%s",
			        machine->early[i].argument);
			machine->n_early--;
			memmove(&machine->early[i], &machine->early[i + 1],
			        (machine->n_early - i) * sizeof(machine->early[0]));
			return true;
		}
	}
	return false;
}

/* True: the step is over at once. */
static bool begin_step(struct lucius_machine *machine, const char *step)
{
	char word[16] = "";
	char first[64] = "";
	char second[64] = "";
	(void)sscanf(step, "%15s %63s %63s", word, first, second);
	if (strcmp(word, "run") == 0) {
		run_activity(machine, first);
	} else if (strcmp(word, "timer") == 0) {
		start_timer(machine, strtoull(first, NULL, 10));
	} else if (strcmp(word, "signal") == 0) {
		(void)snprintf(machine->wanted, sizeof(machine->wanted), "%.31s", first);
	} else if (strcmp(word, "either") == 0) {
		(void)snprintf(machine->wanted, sizeof(machine->wanted), "%.31s", second);
		start_timer(machine, strtoull(first, NULL, 10));
	} else if (strcmp(word, "fail") == 0) {
		end(machine, LUCIUS_ACTION_FAIL, first);
	} else {
		end(machine, LUCIUS_ACTION_COMPLETE, "");
	}
	return machine->wanted[0] != '\0' && take_early(machine, machine->wanted);
}

static void disarm(struct lucius_machine *machine)
{
	if (machine->timer != 0) {
		emit(machine,
		        &(struct lucius_action){
		                .type = LUCIUS_ACTION_CANCEL_TIMER, .number = machine->timer });
		machine->timer = 0;
	}
}

static void go_on(struct lucius_machine *machine)
{
	bool is_over_at_once = true;
	while (is_over_at_once && !machine->is_over) {
		char step[160];
		size_t size = strcspn(machine->at, ";");
		(void)snprintf(step, sizeof(step), "%.*s", (int)size, machine->at);
		machine->at += size;
		machine->at += *machine->at == ';';
		machine->wanted[0] = '\0';
		is_over_at_once = begin_step(machine, step);
		if (is_over_at_once) {
			disarm(machine);
		}
	}
}

static void on_activity(struct lucius_machine *machine, const struct lucius_event *event)
{
	if (machine->activity == 0 || machine->activity != event->number) {
		return;
	}
	machine->activity = 0;
	if (event->type == LUCIUS_EVENT_ACTIVITY_DONE) {
		copy_text(machine->last, sizeof(machine->last), event->payload);
	} else {
		(void)snprintf(machine->last, sizeof(machine->last), "\"%.*s\"",
		        (int)event->payload.size, event->payload.data);
	}
	go_on(machine);
}

static void on_signal(struct lucius_machine *machine, const struct lucius_event *event)
{
	if (machine->n_early == N_EARLY) {
		return;
	}
	struct early_signal *early = &machine->early[machine->n_early++];
	copy_text(early->name, sizeof(early->name), event->name);
	copy_text(early->argument, sizeof(early->argument), event->payload);
	if (machine->wanted[0] != '\0' && take_early(machine, machine->wanted)) {
		disarm(machine);
		go_on(machine);
	}
}

static void on_timer(struct lucius_machine *machine, const struct lucius_event *event)
{
	if (machine->timer == 0 || machine->timer != event->number) {
		return;
	}
	machine->timer = 0;
	(void)snprintf(machine->last, sizeof(machine->last), "\"timer\"");
	go_on(machine);
}

static void script_feed(struct lucius_machine *machine, const struct lucius_event *event,
        lucius_action_fn on_action, void *user)
{
	machine->on_action = on_action;
	machine->user = user;
	if (machine->is_over) {
		return;
	}
	switch (event->type) {
	case LUCIUS_EVENT_STARTED:
		copy_text(machine->seed, sizeof(machine->seed), event->payload);
		go_on(machine);
		break;
	case LUCIUS_EVENT_ACTIVITY_DONE:
	case LUCIUS_EVENT_ACTIVITY_FAILED:
		on_activity(machine, event);
		break;
	case LUCIUS_EVENT_SIGNAL:
		on_signal(machine, event);
		break;
	case LUCIUS_EVENT_TIMER_FIRED:
		on_timer(machine, event);
		break;
	case LUCIUS_EVENT_CANCEL_ASKED:
		end(machine, LUCIUS_ACTION_CANCEL, "");
		break;
	default:
		break;
	}
}

static void script_inspect(const struct lucius_machine *machine, lucius_text_fn on_text, void *user)
{
	(void)machine;
	on_text(user, text_of("{\"pinned\":null}"));
}

void workflow_script_fill(struct lucius_definition *definition)
{
	definition->size = sizeof(*definition);
	definition->open = script_open;
	definition->feed = script_feed;
	definition->close = script_close;
	definition->inspect = script_inspect;
}
