/* SPDX-License-Identifier: MIT */
/*
 * What worker and client say to a server and in which order, above all where something has gone
 * wrong: that a real server is not asked to do on demand.
 */
#include <stdlib.h>

#include "core/backend.h"
#include "core/loop.h"
#include "plugins/workflow-temporal/event-kinds.h"
#include "plugins/workflow-temporal/tests/worker-world.h"
#include "tests/support/suite.h"

#define POLL "PollWorkflowTaskQueue"
#define POLL_ACTIVITY "PollActivityTaskQueue"
#define COMPLETED "RespondWorkflowTaskCompleted"
#define FAILED "RespondWorkflowTaskFailed"
#define UNAVAILABLE 14u
#define INVALID 3u

static const Wire__Empty nothing = WIRE__EMPTY__INIT;

static void give(const char *method, const ProtobufCMessage *message)
{
	struct fake_request *request = world_await(method);
	if (request != NULL) {
		fake_answer(request, message);
	}
}

static void refuse(const char *method, unsigned status, const char *sentence)
{
	struct fake_request *request = world_await(method);
	if (request != NULL) {
		fake_fail(request, status, sentence);
	}
}

static void first_task_is_answered_with_the_first_activity(void)
{
	world_init();
	world_begin(true);
	give(POLL, &world_task(1, "run")->base);
	const Wire__WorkflowTaskCompletedRequest *completed = world_read(
	        world_await(COMPLETED), &wire__workflow_task_completed_request__descriptor);
	CHECK_INT(completed->n_commands, 1);
	CHECK_INT(completed->commands[0]->command_type, COMMAND_SCHEDULE_ACTIVITY);
	const Wire__ScheduleActivityAttributes *activity =
	        completed->commands[0]->schedule_activity;
	CHECK_TEXT(activity->activity_type->name, "record_attempt_lease");
	CHECK_TEXT(activity->task_queue->name, "lucius");
	CHECK_INT(duration_ms(activity->start_to_close_timeout), 30000);
	CHECK_INT(duration_ms(activity->schedule_to_close_timeout), 900000);
	CHECK_INT(duration_ms(activity->heartbeat_timeout), 10000);
	CHECK_INT(duration_ms(activity->retry_policy->initial_interval), 1000);
	CHECK_INT(duration_ms(activity->retry_policy->maximum_interval), 60000);
	CHECK_INT(activity->retry_policy->maximum_attempts, 0);
	CHECK_TEXT(completed->sdk_metadata->sdk_name, "lucius");
	const ProtobufCBinaryData *summary = &completed->commands[0]->user_metadata->summary->data;
	CHECK(summary->len == 21 && memcmp(summary->data, "\"lease ocr attempt 1\"", 21) == 0);
	give(COMPLETED, &nothing.base);
	world_finish();
}

static void answer_is_repeated_while_the_server_is_away(void)
{
	world_init();
	world_begin(true);
	give(POLL, &world_task(1, "run")->base);
	refuse(COMPLETED, UNAVAILABLE, "restarting");
	refuse(COMPLETED, UNAVAILABLE, "restarting");
	give(COMPLETED, &nothing.base);
	CHECK(world_await(POLL) != NULL);
	world_finish();
}

static void only_a_first_attempt_is_answered_as_failed(void)
{
	world_init();
	world_begin(true);
	Wire__WorkflowTask *task = world_task(2, "run");
	task->workflow_type->name = (char *)(uintptr_t) "Other";
	give(POLL, &task->base);
	struct fake_request *next = world_await(POLL);
	world_turn(100);
	CHECK(fake_find(&world.server, FAILED) == NULL);
	Wire__WorkflowTask *first = world_task(1, "other-run");
	first->workflow_type->name = (char *)(uintptr_t) "Other";
	fake_answer(next, &first->base);
	const Wire__WorkflowTaskFailedRequest *failed =
	        world_read(world_await(FAILED), &wire__workflow_task_failed_request__descriptor);
	CHECK_INT(failed->cause, TASK_FAILURE_UNHANDLED);
	CHECK(strstr(failed->failure->message, "unknown workflow type") != NULL);
	world_finish();
}

static void run_that_has_just_failed_is_not_answered_again(void)
{
	world_init();
	world_begin(true);
	Wire__WorkflowTask *task = world_task(1, "run");
	task->workflow_type->name = (char *)(uintptr_t) "Other";
	give(POLL, &task->base);
	give(FAILED, &nothing.base);
	/* A signal has made the attempt a first one again. */
	give(POLL, &task->base);
	CHECK(world_await(POLL) != NULL);
	world_turn(100);
	CHECK(fake_find(&world.server, FAILED) == NULL);
	world_finish();
}

static void refusal_that_left_no_trace_is_told(void)
{
	world_init();
	world_begin(true);
	give(POLL, &world_task(1, "run")->base);
	refuse(COMPLETED, INVALID, "invalid TaskQueue on ScheduleActivityTaskCommand: x");
	CHECK(world_await(FAILED) != NULL);
	world_finish();
}

static void refusal_that_the_server_has_recorded_is_not(void)
{
	world_init();
	world_begin(true);
	give(POLL, &world_task(1, "run")->base);
	refuse(COMPLETED, INVALID, "UnhandledCommand");
	CHECK(world_await(POLL) != NULL);
	world_turn(100);
	CHECK(fake_find(&world.server, FAILED) == NULL);
	world_finish();
}

static void history_comes_in_pages_one_of_them_empty(void)
{
	static uint8_t page_token[] = { 'p' };
	const ProtobufCBinaryData page = { 1, page_token };
	world_init();
	world_begin(true);
	Wire__WorkflowTask *task = world_task(1, "run");
	Wire__History first = WIRE__HISTORY__INIT;
	Wire__GetHistoryResponse empty = WIRE__GET_HISTORY_RESPONSE__INIT;
	Wire__GetHistoryResponse last = WIRE__GET_HISTORY_RESPONSE__INIT;
	last.history = task->history;
	first.events = task->history->events;
	first.n_events = 2;
	task->history = &first;
	task->next_page_token = page;
	empty.next_page_token = page;
	give(POLL, &task->base);
	give("GetWorkflowExecutionHistory", &empty.base);
	/* The last page repeats what was there. */
	give("GetWorkflowExecutionHistory", &last.base);
	CHECK(world_await(COMPLETED) != NULL);
	world_finish();
}

static void history_that_stops_short_is_not_run(void)
{
	world_init();
	world_begin(true);
	Wire__WorkflowTask *task = world_task(1, "run");
	task->history->n_events = 2;
	give(POLL, &task->base);
	const Wire__WorkflowTaskFailedRequest *failed =
	        world_read(world_await(FAILED), &wire__workflow_task_failed_request__descriptor);
	CHECK_INT(failed->cause, TASK_FAILURE_UNHANDLED);
	world_finish();
}

static void query_alone_is_answered_as_one(void)
{
	world_init();
	world_begin(true);
	Wire__WorkflowTask *task = world_task(1, "run");
	Wire__Query query = WIRE__QUERY__INIT;
	query.query_type = (char *)(uintptr_t) "nonsense";
	task->query = &query;
	task->started_event_id = 0;
	give(POLL, &task->base);
	const Wire__QueryTaskCompletedRequest *answer =
	        world_read(world_await("RespondQueryTaskCompleted"),
	                &wire__query_task_completed_request__descriptor);
	CHECK_INT(answer->completed_type, 2);
	CHECK(answer->error_message[0] != '\0');
	world_finish();
}

static void query_with_a_task_is_answered_with_it(void)
{
	world_init();
	world_begin(true);
	Wire__WorkflowTask *task = world_task(1, "run");
	Wire__Query query = WIRE__QUERY__INIT;
	Wire__QueryEntry entry = WIRE__QUERY_ENTRY__INIT;
	Wire__QueryEntry *entries[] = { &entry };
	query.query_type = (char *)(uintptr_t) "state";
	entry.key = (char *)(uintptr_t) "q1";
	entry.value = &query;
	task->queries = entries;
	task->n_queries = 1;
	give(POLL, &task->base);
	const Wire__WorkflowTaskCompletedRequest *completed = world_read(
	        world_await(COMPLETED), &wire__workflow_task_completed_request__descriptor);
	CHECK_INT(completed->n_query_results, 1);
	CHECK_TEXT(completed->query_results[0]->key, "q1");
	CHECK_INT(completed->query_results[0]->value->result_type, 1);
	world_finish();
}

static void polls_are_never_more_than_free_slots(void)
{
	world_init();
	world.options.workflow_pollers = 3;
	world.options.max_workflow_tasks = 2;
	world_begin(true);
	CHECK(world_await(POLL) != NULL);
	world_turn(50);
	CHECK_INT(fake_count(&world.server, POLL), 2);
	give(POLL, &world_task(1, "run")->base);
	CHECK(world_await(COMPLETED) != NULL);
	world_turn(50);
	CHECK_INT(fake_count(&world.server, POLL), 1);
	give(COMPLETED, &nothing.base);
	world_turn(50);
	CHECK_INT(fake_count(&world.server, POLL), 2);
	world_finish();
}

static void poll_that_is_answered_empty_at_once_does_not_spin(void)
{
	world_init();
	world_begin(true);
	unsigned n_polls = 0;
	uint64_t end_ms = loop_now_ms(world.loop) + 1000;
	while (loop_now_ms(world.loop) < end_ms) {
		struct fake_request *poll = fake_find(&world.server, POLL);
		if (poll != NULL) {
			fake_answer(poll, &nothing.base);
			n_polls++;
		}
		world_turn(1);
	}
	CHECK(n_polls > 0);
	CHECK(n_polls < 60);
	world_finish();
}

static bool has_activity(void)
{
	return world.n_activities != 0;
}

static void begin_activity(uint64_t heartbeat_ms)
{
	world_init();
	world_begin(true);
	give(POLL_ACTIVITY, &world_activity(heartbeat_ms)->base);
	CHECK(world_until(has_activity));
}

static void end_activity(uint32_t status, const char *text)
{
	struct lucius_text result = { text, strlen(text) };
	if (status == LUCIUS_OK) {
		op_give(world.activity, &result);
	}
	op_finish(world.activity, status, status == LUCIUS_OK ? NULL : text);
	world.activity.id = 0;
}

static void result_of_an_activity_is_told(void)
{
	struct lucius_text result;
	begin_activity(0);
	end_activity(LUCIUS_OK, "{\"status\":\"ok\"}");
	const Wire__ActivityCompletedRequest *completed =
	        world_read(world_await("RespondActivityTaskCompleted"),
	                &wire__activity_completed_request__descriptor);
	CHECK(payload_read(completed->result, &result));
	CHECK(result.size == 15 && memcmp(result.data, "{\"status\":\"ok\"}", 15) == 0);
	world_finish();
}

static void check_failure(uint32_t status, bool is_final)
{
	begin_activity(0);
	end_activity(status, "bus down");
	const Wire__ActivityFailedRequest *failed =
	        world_read(world_await("RespondActivityTaskFailed"),
	                &wire__activity_failed_request__descriptor);
	CHECK_TEXT(failed->failure->message, "bus down");
	CHECK(failed->failure->application_failure_info != NULL);
	CHECK_INT(failed->failure->application_failure_info->non_retryable, is_final);
	world_finish();
}

static void activity_that_may_work_later_is_to_be_tried_again(void)
{
	check_failure(LUCIUS_UNAVAILABLE, false);
	check_failure(LUCIUS_UNKNOWN, false);
}

static void activity_that_never_works_is_not(void)
{
	check_failure(LUCIUS_UNSUPPORTED, true);
}

static void activity_that_lasts_sends_heartbeats(void)
{
	begin_activity(200);
	give("RecordActivityTaskHeartbeat", &nothing.base);
	give("RecordActivityTaskHeartbeat", &nothing.base);
	end_activity(LUCIUS_OK, "{}");
	give("RespondActivityTaskCompleted", &nothing.base);
	world_turn(300);
	CHECK(fake_find(&world.server, "RecordActivityTaskHeartbeat") == NULL);
	world_finish();
}

static bool is_stopped(void)
{
	return world.stop_status != NOT_YET;
}

static void stop_awaits_open_polls_and_what_they_bring(void)
{
	world_init();
	world_begin(true);
	struct fake_request *poll = world_await(POLL);
	CHECK(world_await(POLL_ACTIVITY) != NULL);
	world_stop();
	world_turn(200);
	CHECK(!is_stopped());
	CHECK_INT(world.server.n_cancelled, 0);
	fake_answer(poll, &world_task(1, "run")->base);
	fake_answer(world_await(POLL_ACTIVITY), &nothing.base);
	struct fake_request *completed = world_await(COMPLETED);
	CHECK(!is_stopped());
	CHECK(fake_find(&world.server, POLL) == NULL);
	fake_answer(completed, &nothing.base);
	CHECK(world_until(is_stopped));
	CHECK_INT(world.work_status, LUCIUS_OK);
	world_finish();
}

static void stop_while_the_server_is_away_does_not_wait(void)
{
	world_init();
	world_begin(true);
	CHECK(world_await(POLL) != NULL);
	fake_server_stop(&world.server);
	uint64_t begun_ms = loop_now_ms(world.loop);
	world_stop();
	CHECK(world_until(is_stopped));
	CHECK(loop_now_ms(world.loop) - begun_ms < 5000);
	fake_server_start(&world.server, loop_base(world.loop));
	world_finish();
}

static void signal_keeps_its_request_id_over_repeats(void)
{
	world_init();
	world_begin(false);
	world_signal("id-1");
	for (unsigned i = 0; i < 3; i++) {
		struct fake_request *request = world_await("SignalWorkflowExecution");
		const Wire__SignalRequest *signal =
		        world_read(request, &wire__signal_request__descriptor);
		CHECK_TEXT(signal->request_id, "id-1");
		CHECK_TEXT(signal->workflow_execution->workflow_id, "job");
		if (i < 2) {
			fake_fail(request, UNAVAILABLE, "restarting");
		} else {
			fake_answer(request, &nothing.base);
		}
	}
	CHECK_INT(world_await_status(), LUCIUS_OK);
	world_finish();
}

static Wire__StartRequest *await_start(void)
{
	return world_read(world_await("StartWorkflowExecution"), &wire__start_request__descriptor);
}

static void start_says_what_the_server_needs_to_know(void)
{
	world_init();
	world.options.api_key = "k";
	world_begin(false);
	world_start("job");
	const Wire__StartRequest *start = await_start();
	CHECK_TEXT(start->workflow_id, "job");
	CHECK_TEXT(start->request_id, "job");
	CHECK_TEXT(start->workflow_type->name, "LuciusWorkflow");
	CHECK_TEXT(start->task_queue->name, "lucius");
	CHECK_INT(start->workflow_id_reuse_policy, 3);
	CHECK(duration_ms(start->workflow_execution_timeout) > 3590000);
	CHECK(start->search_attributes == NULL);
	CHECK(start->user_metadata != NULL);
	CHECK_TEXT(world.server.authorization, "Bearer k");
	CHECK_TEXT(world.server.namespace, "default");
	give("StartWorkflowExecution", &nothing.base);
	CHECK_INT(world_await_status(), LUCIUS_OK);
	world_finish();
}

static void start_is_made_without_attributes_that_are_refused(void)
{
	world_init();
	world.server.hides_attributes = true;
	world_begin(false);
	world_start("job");
	CHECK_INT(await_start()->search_attributes->n_indexed_fields, 2);
	refuse("StartWorkflowExecution", INVALID,
	        "Namespace default has no mapping defined for search attribute LuciusTenant");
	CHECK(await_start()->search_attributes == NULL);
	give("StartWorkflowExecution", &nothing.base);
	CHECK_INT(world_await_status(), LUCIUS_OK);
	/* And they are not tried again. */
	world_start("other");
	CHECK(await_start()->search_attributes == NULL);
	give("StartWorkflowExecution", &nothing.base);
	CHECK_INT(world_await_status(), LUCIUS_OK);
	world_finish();
}

static void start_of_what_exists_is_a_duplicate_and_one_too_large_is_told(void)
{
	world_init();
	world_begin(false);
	world_start("job");
	refuse("StartWorkflowExecution", 6, "Workflow execution is already running.");
	CHECK_INT(world_await_status(), LUCIUS_DUPLICATE);
	world_start("job");
	refuse("StartWorkflowExecution", INVALID, "Blob data size exceeds limit.");
	CHECK_INT(world_await_status(), LUCIUS_TOO_LARGE);
	world_finish();
}

static void check_described(int32_t status, uint32_t state)
{
	Wire__ExecutionInfo info = WIRE__EXECUTION_INFO__INIT;
	Wire__DescribeResponse response = WIRE__DESCRIBE_RESPONSE__INIT;
	info.status = status;
	response.workflow_execution_info = &info;
	world_describe();
	give("DescribeWorkflowExecution", &response.base);
	CHECK_INT(world_await_status(), LUCIUS_OK);
	CHECK_INT(world.state, state);
}

static void states_of_runs_are_told(void)
{
	world_init();
	world_begin(false);
	check_described(1, LUCIUS_RUN_RUNNING);
	check_described(2, LUCIUS_RUN_COMPLETED);
	check_described(3, LUCIUS_RUN_FAILED);
	check_described(4, LUCIUS_RUN_CANCELLED);
	check_described(5, LUCIUS_RUN_TERMINATED);
	check_described(7, LUCIUS_RUN_TIMED_OUT);
	world_describe();
	refuse("DescribeWorkflowExecution", 5, "workflow not found for ID: job");
	CHECK_INT(world_await_status(), LUCIUS_NOT_FOUND);
	world_finish();
}

static void namespace_that_is_missing_is_said_and_no_run_is_lost(void)
{
	world_init();
	world.server.has_no_namespace = true;
	world_begin(false);
	CHECK_INT(world.start_status, LUCIUS_UNAVAILABLE);
	CHECK(strstr(world.sentence, "namespace 'default'") != NULL);
	world_describe();
	CHECK_INT(world_await_status(), LUCIUS_UNAVAILABLE);
	world_finish();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(first_task_is_answered_with_the_first_activity),
		SUITE_TEST(answer_is_repeated_while_the_server_is_away),
		SUITE_TEST(only_a_first_attempt_is_answered_as_failed),
		SUITE_TEST(run_that_has_just_failed_is_not_answered_again),
		SUITE_TEST(refusal_that_left_no_trace_is_told),
		SUITE_TEST(refusal_that_the_server_has_recorded_is_not),
		SUITE_TEST(history_comes_in_pages_one_of_them_empty),
		SUITE_TEST(history_that_stops_short_is_not_run),
		SUITE_TEST(query_alone_is_answered_as_one),
		SUITE_TEST(query_with_a_task_is_answered_with_it),
		SUITE_TEST(polls_are_never_more_than_free_slots),
		SUITE_TEST(poll_that_is_answered_empty_at_once_does_not_spin),
		SUITE_TEST(result_of_an_activity_is_told),
		SUITE_TEST(activity_that_may_work_later_is_to_be_tried_again),
		SUITE_TEST(activity_that_never_works_is_not),
		SUITE_TEST(activity_that_lasts_sends_heartbeats),
		SUITE_TEST(stop_awaits_open_polls_and_what_they_bring),
		SUITE_TEST(stop_while_the_server_is_away_does_not_wait),
		SUITE_TEST(signal_keeps_its_request_id_over_repeats),
		SUITE_TEST(start_says_what_the_server_needs_to_know),
		SUITE_TEST(start_is_made_without_attributes_that_are_refused),
		SUITE_TEST(start_of_what_exists_is_a_duplicate_and_one_too_large_is_told),
		SUITE_TEST(states_of_runs_are_told),
		SUITE_TEST(namespace_that_is_missing_is_said_and_no_run_is_lost),
	};
	return suite_run("temporal_worker", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
