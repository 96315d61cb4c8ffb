/* SPDX-License-Identifier: MIT */
/*
 * A task that comes so is as one that a poll brings: where its answer is lost, the server gives it
 * out again when its time is over.
 */
#include "plugins/workflow-temporal/eager.h"

#include "plugins/workflow-temporal/activity-task.h"
#include "plugins/workflow-temporal/engine.h"
#include "plugins/workflow-temporal/pool.h"

size_t eager_ask(struct engine *engine, const struct command_list *commands)
{
	size_t n_slots = 0;
	for (size_t i = 0; i < commands->n_items; i++) {
		Wire__ScheduleActivityAttributes *activity = commands->items[i]->schedule_activity;
		if (activity != NULL && !engine->is_draining &&
		        poller_set_reserve(&engine->activities)) {
			activity->request_eager_execution = 1;
			n_slots++;
		}
	}
	return n_slots;
}

static bool take(struct engine *engine, const ProtobufCBinaryData *bytes)
{
	const struct grpc_answer task = {
		.status = GRPC_OK,
		.is_sent = true,
		.sentence = "",
		.message = bytes->data,
		.size = bytes->len,
	};
	if (!activity_task_take(engine, &task)) {
		return false;
	}
	engine_count(engine, METRIC_ACTIVITIES_EAGER);
	return true;
}

size_t eager_take(struct engine *engine, size_t n_slots, const struct grpc_answer *answer)
{
	struct pool pool = { 0 };
	size_t n_taken = 0;
	if (n_slots == 0) {
		return 0;
	}
	const Wire__WorkflowTaskCompletedResponse *response = pool_unpack(&pool,
	        &wire__workflow_task_completed_response__descriptor, answer->message, answer->size);
	for (size_t i = 0; response != NULL && i < response->n_activity_tasks; i++) {
		if (n_taken < n_slots && take(engine, &response->activity_tasks[i])) {
			n_taken++;
		}
	}
	pool_finish(&pool);
	return n_taken;
}

void eager_release(struct engine *engine, size_t n_slots)
{
	for (size_t i = 0; i < n_slots; i++) {
		poller_set_release(&engine->activities);
	}
}
