/* SPDX-License-Identifier: MIT */
/*
 * A history for the step logic, one event a line: `s<name> <argument>` a signal, `d<payload>` the
 * running activity is done, `f<sentence>` it has failed, `t` the timer fires, `c` cancel, `w` a
 * minute goes by; `@` stands for the newest lease id. A first line `r<snapshot>` restores. The
 * machine may never sleep for ever (it checks that itself), and a second one fed the same must
 * want the same.
 */
#include <stdlib.h>
#include <string.h>

#include "core/json_slice.h"
#include "core/step_logic.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/history.h"

#define EPOCH_MS UINT64_C(1772366400000)
#define LEASE_SIZE 32

struct player {
	struct step_logic logic;
	struct lucius_machine *machine;
	struct history *history;
	uint64_t now_ms;
	uint64_t activity;
	uint64_t timer;
	uint64_t timer_ms;
	char lease_id[LEASE_SIZE + 1];
};

static const char input[] =
        "{\"job_id\":\"j\",\"tenant_id\":\"t\",\"lane\":1,\"options\":{\"max_attempts\":2},"
        "\"steps\":[{\"step_id\":\"a\"},{\"step_id\":\"b\"}]}";

static void keep_lease(struct player *player, struct lucius_text payload)
{
	static const char name[] = "\"lease_id\":\"";
	const char *at = memmem(payload.data, payload.size, name, sizeof(name) - 1);
	size_t before = at != NULL ? (size_t)(at - payload.data) + sizeof(name) - 1 : payload.size;
	if (payload.size - before > LEASE_SIZE) {
		memcpy(player->lease_id, payload.data + before, LEASE_SIZE);
	}
}

static void on_action(void *user, const struct lucius_action *action)
{
	struct player *player = user;
	history_add_action(player->history, action);
	if (action->type == LUCIUS_ACTION_RUN_ACTIVITY) {
		player->activity = action->number;
		/* Who takes the same bytes over does not check them again (json_composed.h). */
		if (!json_slice_is_object(
		            json_slice_of(action->payload.data, action->payload.size))) {
			abort();
		}
		keep_lease(player, action->payload);
	} else if (action->type == LUCIUS_ACTION_START_TIMER) {
		player->timer = action->number;
		player->timer_ms = action->after_ms;
	} else if (action->type == LUCIUS_ACTION_CANCEL_TIMER) {
		player->timer = 0;
	}
}

static void feed(struct player *player, struct lucius_event event)
{
	event.size = sizeof(event);
	event.time_ms = player->now_ms;
	history_add_event(player->history, &event);
	player->logic.table.feed(player->machine, &event, on_action, player);
}

/* The rest of a line with each `@` replaced; owned. */
static char *fill_in(const struct player *player, const char *line, size_t size, size_t *ret_size)
{
	char *filled = must_calloc(size * LEASE_SIZE + 1, 1);
	size_t n = 0;
	for (size_t i = 0; i < size; i++) {
		if (line[i] == '@') {
			memcpy(filled + n, player->lease_id, strlen(player->lease_id));
			n += strlen(player->lease_id);
		} else {
			filled[n++] = line[i];
		}
	}
	*ret_size = n;
	return filled;
}

static void signal(struct player *player, const char *text, size_t size)
{
	const char *space = size != 0 ? memchr(text, ' ', size) : NULL;
	size_t name_size = space != NULL ? (size_t)(space - text) : size;
	size_t skipped = space != NULL ? name_size + 1 : name_size;
	feed(player,
	        (struct lucius_event){
	                .type = LUCIUS_EVENT_SIGNAL,
	                .name = { text, name_size },
	                .payload = { text + skipped, size - skipped },
	        });
}

static void play_line(struct player *player, char kind, const char *line, size_t line_size)
{
	size_t size;
	CLEANUP_FREE char *text = fill_in(player, line, line_size, &size);
	struct lucius_event event = { .number = player->activity, .payload = { text, size } };
	switch (kind) {
	case 's':
		signal(player, text, size);
		break;
	case 'd':
	case 'f':
		event.type =
		        kind == 'd' ? LUCIUS_EVENT_ACTIVITY_DONE : LUCIUS_EVENT_ACTIVITY_FAILED;
		feed(player, event);
		break;
	case 't':
		player->now_ms += player->timer_ms;
		feed(player,
		        (struct lucius_event){
		                .type = LUCIUS_EVENT_TIMER_FIRED, .number = player->timer });
		break;
	case 'c':
		feed(player, (struct lucius_event){ .type = LUCIUS_EVENT_CANCEL_ASKED });
		break;
	default:
		player->now_ms += 60000;
		break;
	}
}

static void play(struct player *player, const char *at, const char *end)
{
	feed(player,
	        (struct lucius_event){ .type = LUCIUS_EVENT_STARTED, .payload = { "seed", 4 } });
	while (at < end) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		next = next != NULL ? next : end;
		if (next > at) {
			play_line(player, *at, at + 1, (size_t)(next - at) - 1);
		}
		at = next + 1;
	}
}

static void check(struct player *player)
{
	char difference[200];
	if (!history_replays(player->history, &player->logic, difference, sizeof(difference))) {
		abort();
	}
	history_destroy(player->history);
	player->logic.table.close(player->machine);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct step_options defaults = { 3, 900, 900, 1, 60 };
	struct player player = { .now_ms = EPOCH_MS };
	char error[200];
	const char *at = (const char *)bytes;
	const char *end = at + size;
	struct lucius_run run = { .size = sizeof(run), .input = { input, sizeof(input) - 1 } };
	if (size != 0 && *at == 'r') {
		const char *next = memchr(at, '\n', size);
		next = next != NULL ? next : end;
		run.is_restored = 1;
		run.snapshot = (struct lucius_text){ at + 1, (size_t)(next - at) - 1 };
		at = next;
	}
	step_logic_init(&player.logic, &defaults);
	player.machine = player.logic.table.open(&player.logic.table, &run, error, sizeof(error));
	if (player.machine != NULL) {
		player.history = history_create(&run);
		play(&player, at, end);
		check(&player);
	}
	return 0;
}
