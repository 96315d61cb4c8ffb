/* SPDX-License-Identifier: MIT */
/*
 * Histories that were recorded, ours and those of other SDKs' workers, through the step logic; and
 * each of ours cut at every task, where the commands must be those that came next. The folder of
 * histories is the first argument of this program.
 */
#include <lucius/workflow.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/step_logic.h"
#include "plugins/workflow-temporal/commands.h"
#include "plugins/workflow-temporal/event-kinds.h"
#include "plugins/workflow-temporal/payload.h"
#include "plugins/workflow-temporal/query.h"
#include "plugins/workflow-temporal/replay.h"
#include "plugins/workflow-temporal/tests/history-json.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/support/suite.h"

static const char *folder;

/* Other defaults than those that the histories were made with: they may not matter. */
static const struct step_options defaults = { 7, 11, 13, 17, 19 };

struct world {
	struct step_logic logic;
	struct pool pool;
	Wire__History *history;
	struct replay replay;
};

static void set_up(struct world *world, const char *name)
{
	char *path CLEANUP_FREE = must_print("%s/%s.json", folder, name);
	*world = (struct world){ 0 };
	step_logic_init(&world->logic, &defaults);
	world->history = history_json_load(&world->pool, path);
	if (world->history == NULL) {
		exit(2);
	}
}

static void tear_down(struct world *world)
{
	replay_finish(&world->replay, &world->logic.table);
	pool_finish(&world->pool);
}

static void run(struct world *world, size_t n_events, int64_t started_event_id)
{
	const struct replay_input input = {
		.definition = &world->logic.table,
		.workflow_id = "job",
		.events = world->history->events,
		.n_events = n_events,
		.started_event_id = started_event_id,
	};
	replay_finish(&world->replay, &world->logic.table);
	replay_run(&world->replay, &world->pool, &input);
}

static void run_all(struct world *world)
{
	run(world, world->history->n_events, 0);
}

static void check_done(const struct world *world)
{
	CHECK_INT(world->replay.outcome, REPLAY_DONE);
	CHECK_TEXT(world->replay.sentence, "");
}

static int32_t command_of(const Wire__HistoryEvent *event)
{
	switch (event->event_type) {
	case EVENT_ACTIVITY_SCHEDULED:
		return COMMAND_SCHEDULE_ACTIVITY;
	case EVENT_TIMER_STARTED:
		return COMMAND_START_TIMER;
	case EVENT_TIMER_CANCELED:
		return COMMAND_CANCEL_TIMER;
	case EVENT_RUN_COMPLETED:
		return COMMAND_COMPLETE;
	case EVENT_RUN_FAILED:
		return COMMAND_FAIL;
	case EVENT_RUN_CANCELED:
		return COMMAND_CANCEL;
	case EVENT_MARKER:
		return COMMAND_RECORD_MARKER;
	default:
		return 0;
	}
}

static void check_payload(const Wire__Command *command, const Wire__HistoryEvent *event)
{
	struct lucius_text sent;
	struct lucius_text recorded;
	if (command->schedule_activity == NULL) {
		return;
	}
	CHECK(payload_read(command->schedule_activity->input, &sent));
	CHECK(payload_read(event->activity_scheduled->input, &recorded));
	CHECK(sent.size == recorded.size && memcmp(sent.data, recorded.data, sent.size) == 0);
	CHECK_TEXT(command->schedule_activity->activity_id, event->activity_scheduled->activity_id);
}

/* What is wanted at that task, against the events that it has left. */
static void check_task(struct world *world, size_t started, size_t completed)
{
	Wire__HistoryEvent *const *events = world->history->events;
	size_t at = completed + 1;
	run(world, started + 1, events[started]->event_id);
	check_done(world);
	struct lucius_text pinned = world->replay.n_tasks == 0
	        ? query_pinned(&world->pool, &world->replay, &world->logic.table)
	        : (struct lucius_text){ "", 0 };
	struct command_list commands =
	        commands_build(&world->pool, &world->replay, "lucius", pinned);
	CHECK(commands.fault == NULL);
	for (size_t i = 0; i < commands.n_items; i++, at++) {
		CHECK(at < world->history->n_events);
		if (at >= world->history->n_events) {
			return;
		}
		CHECK_INT(commands.items[i]->command_type, command_of(events[at]));
		if (pinned.size == 0) {
			/* Else the options of this process are used: nothing is pinned yet. */
			check_payload(commands.items[i], events[at]);
		}
	}
	CHECK(at == world->history->n_events || command_of(events[at]) == 0);
}

static size_t check_all_tasks(struct world *world)
{
	size_t n_tasks = 0;
	for (size_t i = 0; i + 1 < world->history->n_events; i++) {
		Wire__HistoryEvent *const *events = world->history->events;
		if (events[i]->event_type == EVENT_TASK_STARTED &&
		        events[i + 1]->event_type == EVENT_TASK_COMPLETED) {
			check_task(world, i, i + 1);
			n_tasks++;
		}
	}
	return n_tasks;
}

static void check_own(const char *name)
{
	struct world world;
	set_up(&world, name);
	run_all(&world);
	check_done(&world);
	CHECK(world.replay.is_over);
	CHECK(world.replay.is_closed);
	CHECK(!world.replay.ends_otherwise);
	CHECK(check_all_tasks(&world) >= 2);
	tear_down(&world);
}

static void own_history_of_two_steps_replays(void)
{
	check_own("v1-two-steps");
}

static void own_history_of_retries_and_a_failure_replays(void)
{
	check_own("v1-failed-final");
}

static void own_history_of_pause_and_resume_replays(void)
{
	check_own("v1-paused");
}

static void own_history_of_a_cancel_replays(void)
{
	check_own("v1-cancelled");
}

static void own_history_of_a_reset_replays(void)
{
	check_own("v1-reset");
}

static void own_history_without_options_keeps_those_it_was_begun_with(void)
{
	check_own("v1-without-options");
}

/* They are of a trial whose signals name no lease: to follow them would be to guess. */
static void check_refused(const char *name)
{
	struct world world;
	set_up(&world, name);
	run_all(&world);
	CHECK_INT(world.replay.outcome, REPLAY_DIFFERS);
	CHECK_TEXT(
	        world.replay.sentence, "Event 22 is TimerCanceled, the definition wants nothing.");
	run(&world, 17, 0);
	check_done(&world);
	tear_down(&world);
}

static void history_of_a_python_worker_is_followed_up_to_where_it_differs(void)
{
	check_refused("python-two-steps");
}

static void history_of_a_go_worker_is_followed_up_to_where_it_differs(void)
{
	check_refused("go-two-steps");
}

/* Of a worker that does what the contract says, with ids and leases of its own. */
static void check_taken_over(const char *name)
{
	struct world world;
	set_up(&world, name);
	run_all(&world);
	check_done(&world);
	CHECK(world.replay.is_over);
	CHECK(world.replay.is_closed);
	CHECK(!world.replay.ends_otherwise);
	tear_down(&world);
}

static void python_history_of_two_steps_and_a_retry_replays_to_its_end(void)
{
	check_taken_over("python-retry");
}

static void python_history_of_timeouts_and_a_failure_replays_to_its_end(void)
{
	check_taken_over("python-timeouts");
}

static void python_history_of_an_early_reply_replays_to_its_end(void)
{
	check_taken_over("python-early");
}

/* Its signals name no job_state, so ours would record the outcome before it ends. */
static void go_history_is_followed_to_where_it_ends_sooner_than_ours(void)
{
	struct world world;
	set_up(&world, "go-leases");
	run(&world, 39, 0);
	CHECK_INT(world.replay.outcome, REPLAY_DIFFERS); /* cut before its commands */
	run_all(&world);
	check_done(&world);
	CHECK(world.replay.is_closed);
	CHECK(world.replay.ends_otherwise);
	tear_down(&world);
}

static void lease_of_another_worker_is_gone_on_with(void)
{
	struct world world;
	struct lucius_text input;
	set_up(&world, "go-two-steps");
	/* The second task of the run, which publishes what the first has leased. */
	run(&world, 9, 9);
	check_done(&world);
	struct command_list commands =
	        commands_build(&world.pool, &world.replay, "lucius", (struct lucius_text){ "", 0 });
	CHECK_INT(commands.n_items, 1);
	CHECK(payload_read(commands.items[0]->schedule_activity->input, &input));
	CHECK(memmem(input.data, input.size, "\"lease-ocr\"", 11) != NULL);
	tear_down(&world);
}

/* Runs up to that task, which is made of the one that was recorded; the commands it gives. */
static struct command_list commands_at(struct world *world, int64_t started_event_id)
{
	run(world, (size_t)started_event_id, started_event_id);
	check_done(world);
	return commands_build(
	        &world->pool, &world->replay, "lucius", (struct lucius_text){ "", 0 });
}

static void timer_that_has_fired_is_not_taken_back(void)
{
	struct world world;
	set_up(&world, "v1-two-steps");
	/* The RESULT is event 24; the timer of event 23 fires before the task of event 26. */
	Wire__TimerEndedAttributes fired = WIRE__TIMER_ENDED_ATTRIBUTES__INIT;
	Wire__HistoryEvent *event = world.history->events[24];
	fired.started_event_id = 23;
	event->event_type = EVENT_TIMER_FIRED;
	event->timer_fired = &fired;
	struct command_list commands = commands_at(&world, 26);
	CHECK_INT(commands.n_items, 1);
	CHECK_INT(commands.items[0]->command_type, COMMAND_SCHEDULE_ACTIVITY);
	tear_down(&world);
}

static void timer_that_one_task_starts_and_takes_back_never_was(void)
{
	struct world world;
	set_up(&world, "v1-two-steps");
	/* The ACK of event 18 starts the time anew; the RESULT comes to the same task. */
	Wire__HistoryEvent *event = world.history->events[18];
	event->event_type = EVENT_SIGNALED;
	event->signaled = world.history->events[23]->signaled;
	struct command_list commands = commands_at(&world, 20);
	CHECK_INT(commands.n_items, 2);
	CHECK_INT(commands.items[0]->command_type, COMMAND_CANCEL_TIMER);
	CHECK_TEXT(commands.items[0]->cancel_timer->timer_id,
	        world.history->events[16]->timer_started->timer_id);
	CHECK_INT(commands.items[1]->command_type, COMMAND_SCHEDULE_ACTIVITY);
	tear_down(&world);
}

/* What must differ is refused: the history has an activity where the definition has another. */
static void history_with_another_activity_is_refused(void)
{
	struct world world;
	set_up(&world, "v1-two-steps");
	for (size_t i = 0; i < world.history->n_events; i++) {
		Wire__HistoryEvent *event = world.history->events[i];
		if (event->activity_scheduled != NULL) {
			event->activity_scheduled->activity_type->name =
			        (char *)(uintptr_t) "other";
			break;
		}
	}
	run_all(&world);
	CHECK_INT(world.replay.outcome, REPLAY_DIFFERS);
	CHECK(strstr(world.replay.sentence, "'other'") != NULL);
	tear_down(&world);
}

static void replace(struct world *world, enum event_type type, int32_t other, size_t skipped)
{
	for (size_t i = 0; i < world->history->n_events; i++) {
		Wire__HistoryEvent *event = world->history->events[i];
		if (event->event_type == (int32_t)type && skipped-- == 0) {
			event->event_type = other;
			return;
		}
	}
	CHECK(false);
}

static void history_that_lacks_a_command_is_refused(void)
{
	struct world world;
	set_up(&world, "v1-two-steps");
	replace(&world, EVENT_TIMER_STARTED, EVENT_OPTIONS_UPDATED, 0);
	run_all(&world);
	CHECK_INT(world.replay.outcome, REPLAY_DIFFERS);
	tear_down(&world);
}

static void history_with_a_command_too_many_is_refused(void)
{
	struct world world;
	set_up(&world, "v1-two-steps");
	replace(&world, EVENT_ACTIVITY_STARTED, 29, 1);
	run_all(&world);
	CHECK_INT(world.replay.outcome, REPLAY_DIFFERS);
	CHECK(strstr(world.replay.sentence, "StartChildWorkflow") != NULL);
	tear_down(&world);
}

static void event_of_an_unknown_type_fails_the_task(void)
{
	struct world world;
	set_up(&world, "v1-two-steps");
	replace(&world, EVENT_ACTIVITY_STARTED, 999, 0);
	run_all(&world);
	CHECK_INT(world.replay.outcome, REPLAY_STUCK);
	tear_down(&world);
}

static void unknown_event_that_may_be_ignored_is(void)
{
	struct world world;
	set_up(&world, "v1-two-steps");
	replace(&world, EVENT_ACTIVITY_STARTED, 999, 0);
	for (size_t i = 0; i < world.history->n_events; i++) {
		world.history->events[i]->worker_may_ignore = 1;
	}
	run_all(&world);
	check_done(&world);
	tear_down(&world);
}

static void history_that_ends_before_its_task_is_not_run(void)
{
	struct world world;
	set_up(&world, "v1-two-steps");
	run(&world, 8, 9);
	CHECK_INT(world.replay.outcome, REPLAY_STUCK);
	tear_down(&world);
}

static void history_with_a_gap_is_not_run(void)
{
	struct world world;
	set_up(&world, "v1-two-steps");
	world.history->events[5]->event_id = 99;
	run_all(&world);
	CHECK_INT(world.replay.outcome, REPLAY_STUCK);
	tear_down(&world);
}

static void job_for_a_newer_definition_fails_the_task(void)
{
	struct world world;
	set_up(&world, "v1-two-steps");
	Wire__Payload *payload = world.history->events[0]->started->input->payloads[0];
	char *at = memmem(payload->data.data, payload->data.len, "\"definition\":1", 14);
	CHECK(at != NULL);
	if (at != NULL) {
		at[13] = '2';
	}
	run(&world, 3, 3);
	CHECK_INT(world.replay.outcome, REPLAY_STUCK);
	CHECK(strstr(world.replay.sentence, "version '2'") != NULL);
	tear_down(&world);
}

static void task_that_failed_before_did_not_run(void)
{
	struct world world;
	set_up(&world, "v1-two-steps");
	/* The second task fails, and its events are told with the third. */
	replace(&world, EVENT_TASK_COMPLETED, EVENT_TASK_FAILED, 0);
	run(&world, 4, 0);
	check_done(&world);
	CHECK(world.replay.machine == NULL);
	CHECK_INT(world.replay.n_tasks, 0);
	tear_down(&world);
}

static void query_tells_where_the_run_stands(void)
{
	struct world world;
	Wire__Query query = WIRE__QUERY__INIT;
	struct lucius_text text;
	set_up(&world, "v1-two-steps");
	run(&world, 17, 0);
	check_done(&world);
	query.query_type = (char *)(uintptr_t) "state";
	Wire__QueryResult *result =
	        query_answer(&world.pool, &world.replay, &world.logic.table, &query);
	CHECK_INT(result->result_type, 1);
	CHECK(payload_read(result->answer, &text));
	CHECK(memmem(text.data, text.size, "\"phase\":\"waiting\"", 17) != NULL);
	query.query_type = (char *)(uintptr_t) "weather";
	result = query_answer(&world.pool, &world.replay, &world.logic.table, &query);
	CHECK_INT(result->result_type, 2);
	CHECK(strstr(result->error_message, "'state'") != NULL);
	tear_down(&world);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(own_history_of_two_steps_replays),
		SUITE_TEST(own_history_of_retries_and_a_failure_replays),
		SUITE_TEST(own_history_of_pause_and_resume_replays),
		SUITE_TEST(own_history_of_a_cancel_replays),
		SUITE_TEST(own_history_of_a_reset_replays),
		SUITE_TEST(own_history_without_options_keeps_those_it_was_begun_with),
		SUITE_TEST(history_of_a_python_worker_is_followed_up_to_where_it_differs),
		SUITE_TEST(history_of_a_go_worker_is_followed_up_to_where_it_differs),
		SUITE_TEST(python_history_of_two_steps_and_a_retry_replays_to_its_end),
		SUITE_TEST(python_history_of_timeouts_and_a_failure_replays_to_its_end),
		SUITE_TEST(python_history_of_an_early_reply_replays_to_its_end),
		SUITE_TEST(go_history_is_followed_to_where_it_ends_sooner_than_ours),
		SUITE_TEST(lease_of_another_worker_is_gone_on_with),
		SUITE_TEST(timer_that_has_fired_is_not_taken_back),
		SUITE_TEST(timer_that_one_task_starts_and_takes_back_never_was),
		SUITE_TEST(history_with_another_activity_is_refused),
		SUITE_TEST(history_that_lacks_a_command_is_refused),
		SUITE_TEST(history_with_a_command_too_many_is_refused),
		SUITE_TEST(event_of_an_unknown_type_fails_the_task),
		SUITE_TEST(unknown_event_that_may_be_ignored_is),
		SUITE_TEST(history_that_ends_before_its_task_is_not_run),
		SUITE_TEST(history_with_a_gap_is_not_run),
		SUITE_TEST(job_for_a_newer_definition_fails_the_task),
		SUITE_TEST(task_that_failed_before_did_not_run),
		SUITE_TEST(query_tells_where_the_run_stands),
	};
	if (argc < 2) {
		fprintf(stderr, "usage: %s FOLDER-OF-HISTORIES [TEST]\n", argv[0]);
		return 2;
	}
	folder = argv[1];
	return suite_run(
	        "temporal_replay", tests, sizeof(tests) / sizeof(tests[0]), argc - 1, argv + 1);
}
