/* SPDX-License-Identifier: MIT */
/* Activities that come with the answer to a workflow task, and the slots that are kept for them. */
#include <stdlib.h>

#include "core/backend.h"
#include "plugins/workflow-temporal/tests/worker-world.h"
#include "tests/support/suite.h"

#define POLL "PollWorkflowTaskQueue"
#define COMPLETED "RespondWorkflowTaskCompleted"
#define NOT_FOUND 5u

static const Wire__Empty nothing = WIRE__EMPTY__INIT;

static bool is_eager(const struct fake_request *completed)
{
	const Wire__WorkflowTaskCompletedRequest *request =
	        world_read(completed, &wire__workflow_task_completed_request__descriptor);
	CHECK_INT(request->n_commands, 1);
	return request->commands[0]->schedule_activity->request_eager_execution != 0;
}

/* The first task of a run comes; what the worker answers. */
static struct fake_request *await_completed(const char *run_id)
{
	struct fake_request *poll = world_await(POLL);
	if (poll != NULL) {
		fake_answer(poll, &world_task(1, run_id)->base);
	}
	return world_await(COMPLETED);
}

static void begin(int64_t max_activities)
{
	world_init();
	world.options.max_activities = max_activities;
	world_begin(true);
	CHECK(world_await("PollActivityTaskQueue") != NULL);
}

/* The server's answer with so many times the same activity. */
static void answer_with(struct fake_request *completed, size_t n_activities)
{
	Wire__ActivityTask *activity = world_activity(0);
	size_t size = protobuf_c_message_get_packed_size(&activity->base);
	ProtobufCBinaryData tasks[2] = { { size, pool_take(&world.pool, size) } };
	Wire__WorkflowTaskCompletedResponse response = WIRE__WORKFLOW_TASK_COMPLETED_RESPONSE__INIT;
	(void)protobuf_c_message_pack(&activity->base, tasks[0].data);
	tasks[1] = tasks[0];
	response.activity_tasks = tasks;
	response.n_activity_tasks = n_activities;
	fake_answer(completed, &response.base);
}

static bool has_run_one(void)
{
	return world.n_activities == 1;
}

static void activity_that_comes_with_the_answer_is_run_without_a_poll(void)
{
	begin(10);
	struct fake_request *completed = await_completed("run");
	CHECK(is_eager(completed));
	answer_with(completed, 1);
	CHECK(world_until(has_run_one));
	op_finish(world.activity, LUCIUS_OK, NULL);
	world.activity.id = 0;
	CHECK(world_await("RespondActivityTaskCompleted") != NULL);
	CHECK_INT(fake_count(&world.server, "PollActivityTaskQueue"), 1);
	world_finish();
}

static void none_is_asked_for_while_no_slot_is_free(void)
{
	begin(1); /* the open poll has it */
	CHECK(!is_eager(await_completed("run")));
	world_finish();
}

static void slot_is_free_again_when_none_has_come(void)
{
	begin(2); /* one beside the open poll */
	for (unsigned i = 0; i < 3; i++) {
		struct fake_request *completed = await_completed("run");
		CHECK(is_eager(completed));
		answer_with(completed, 0);
	}
	CHECK(world_await(POLL) != NULL);
	CHECK_INT(world.n_activities, 0);
	world_finish();
}

static void slot_is_free_again_when_the_answer_is_lost(void)
{
	begin(2);
	fake_fail(await_completed("run"), NOT_FOUND, "Workflow task not found.");
	CHECK(is_eager(await_completed("other")));
	world_finish();
}

static void slot_is_taken_while_the_activity_runs(void)
{
	begin(2);
	answer_with(await_completed("run"), 1);
	CHECK(world_until(has_run_one));
	struct fake_request *completed = await_completed("other");
	CHECK(!is_eager(completed));
	answer_with(completed, 0);
	op_finish(world.activity, LUCIUS_OK, NULL);
	world.activity.id = 0;
	fake_answer(world_await("RespondActivityTaskCompleted"), &nothing.base);
	bool is_free = false;
	for (unsigned i = 0; i < 100 && !is_free; i++) {
		completed = await_completed("later");
		is_free = is_eager(completed);
		answer_with(completed, 0);
	}
	CHECK(is_free);
	world_finish();
}

static void more_than_were_asked_for_are_not_run(void)
{
	begin(10);
	answer_with(await_completed("run"), 2);
	CHECK(world_until(has_run_one));
	world_turn(50);
	CHECK_INT(world.n_activities, 1);
	world_finish();
}

static void answer_that_is_no_message_costs_no_slot(void)
{
	static uint8_t bytes[] = { 0xff, 0xff };
	ProtobufCBinaryData task = { sizeof(bytes), bytes };
	Wire__WorkflowTaskCompletedResponse response = WIRE__WORKFLOW_TASK_COMPLETED_RESPONSE__INIT;
	response.activity_tasks = &task;
	response.n_activity_tasks = 1;
	begin(2);
	fake_answer(await_completed("run"), &response.base);
	CHECK(is_eager(await_completed("other")));
	CHECK_INT(world.n_activities, 0);
	world_finish();
}

static bool is_stopped(void)
{
	return world.stop_status != NOT_YET;
}

static void stop_awaits_the_activity_that_comes_with_the_answer(void)
{
	begin(10);
	struct fake_request *completed = await_completed("run");
	world_stop();
	answer_with(completed, 1);
	CHECK(world_until(has_run_one));
	world_turn(100);
	CHECK_INT(world.stop_status, NOT_YET);
	op_finish(world.activity, LUCIUS_OK, NULL);
	world.activity.id = 0;
	fake_answer(world_await("RespondActivityTaskCompleted"), &nothing.base);
	fake_answer(world_await("PollActivityTaskQueue"), &nothing.base);
	fake_answer(world_await(POLL), &nothing.base);
	CHECK(world_until(is_stopped));
	world_finish();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(activity_that_comes_with_the_answer_is_run_without_a_poll),
		SUITE_TEST(none_is_asked_for_while_no_slot_is_free),
		SUITE_TEST(slot_is_free_again_when_none_has_come),
		SUITE_TEST(slot_is_free_again_when_the_answer_is_lost),
		SUITE_TEST(slot_is_taken_while_the_activity_runs),
		SUITE_TEST(more_than_were_asked_for_are_not_run),
		SUITE_TEST(answer_that_is_no_message_costs_no_slot),
		SUITE_TEST(stop_awaits_the_activity_that_comes_with_the_answer),
	};
	return suite_run("temporal_eager", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
