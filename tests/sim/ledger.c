/* SPDX-License-Identifier: MIT */
/* The model of the ledger; see the header. */
#include "tests/sim/ledger.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/rfc3339.h"

#define OK "{\"status\":\"ok\"}"

const char *const ledger_step_ids[LEDGER_MAX_STEPS] = { "ocr", "embedding", "sis" };

static const char *const row_names[] = { "PENDING", "INITIATED", "PROCESSING", "FAILED_RETRY",
	"SUCCEEDED", "FAILED_FINAL", "CANCELLED" };
static const char *const job_names[] = { "QUEUED", "IN_PROGRESS", "PAUSED", "CANCELLING",
	"SUCCEEDED", "FAILED_FINAL", "CANCELLED" };

__attribute__((format(printf, 2, 3))) static void write_answer(
        char *answer, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(answer, LEDGER_TEXT_SIZE, format, arguments);
	va_end(arguments);
}

static void violate(struct ledger *ledger, const char *rule)
{
	if (ledger->violation[0] == '\0') {
		(void)snprintf(ledger->violation, sizeof(ledger->violation), "%s", rule);
	}
}

const char *ledger_job_state(const struct ledger *ledger)
{
	return job_names[ledger->job];
}

bool ledger_is_closed(const struct ledger *ledger)
{
	return ledger->job >= JOB_SUCCEEDED;
}

static bool is_terminal(const struct ledger_step *step)
{
	return step->state >= ROW_SUCCEEDED;
}

static bool is_out(const struct ledger_step *step)
{
	return step->state == ROW_INITIATED || step->state == ROW_PROCESSING;
}

/* Every change of a row goes through here. */
static void set_step(struct ledger *ledger, size_t index, enum row_state state)
{
	struct ledger_step *step = &ledger->steps[index];
	if (is_terminal(step) && step->state != state) {
		violate(ledger, "a terminal step has changed");
	}
	step->state = state;
	size_t n_under_way = 0;
	for (size_t i = 0; i < ledger->n_steps; i++) {
		n_under_way += is_out(&ledger->steps[i]) ? 1 : 0;
		if (i < index && state == ROW_INITIATED &&
		        ledger->steps[i].state != ROW_SUCCEEDED) {
			violate(ledger, "a step was begun before the one before it had succeeded");
		}
	}
	if (n_under_way > 1) {
		violate(ledger, "two steps are under way");
	}
}

static void set_job(struct ledger *ledger, enum job_row_state state)
{
	if (ledger_is_closed(ledger)) {
		violate(ledger, "a terminal job has changed");
	}
	if (ledger->job == JOB_CANCELLING && state != JOB_CANCELLED) {
		violate(ledger, "a cancelling job became something else than cancelled");
	}
	ledger->job = state;
}

static void close_job(struct ledger *ledger, enum job_row_state state, size_t named)
{
	set_job(ledger, state);
	for (size_t i = 0; i < ledger->n_steps; i++) {
		struct ledger_step *step = &ledger->steps[i];
		bool is_meant = is_out(step) || step->state == ROW_FAILED_RETRY || i == named;
		if (!is_terminal(step)) {
			set_step(ledger, i,
			        is_meant && state == JOB_FAILED_FINAL ? ROW_FAILED_FINAL
			                                              : ROW_CANCELLED);
		}
	}
}

/* A 409, with its reason unless the invoker is one that gives none. */
static void refuse(struct ledger *ledger, const char *reason, size_t index, char *answer)
{
	const struct ledger_step *step = &ledger->steps[index];
	if (ledger->is_foreign) {
		write_answer(answer, "{\"status\": 409, \"detail\": \"%s\"}", reason);
		return;
	}
	write_answer(answer,
	        "{\"status\": 409, \"reason\": \"%s\", \"job\": {\"state\": \"%s\"}, \"step\": "
	        "{\"state\": \"%s\", \"attempt_no\": %u, \"lease_id\": \"%s\", \"result_ref\": "
	        "null, \"error\": null}}",
	        reason, job_names[ledger->job], row_names[step->state], (unsigned)step->attempt_no,
	        step->lease_id);
}

static bool is_recorded(const struct ledger_step *step, const struct ledger_request *request)
{
	return step->attempt_no == request->attempt_no &&
	        strcmp(step->lease_id, request->lease_id) == 0;
}

static void send_control(struct ledger *ledger, const char *name, bool is_sure)
{
	char argument[64] = "{}";
	if (!ledger->is_foreign) {
		(void)snprintf(argument, sizeof(argument), "{\"seq\": %d}", ledger->control_seq);
	}
	ledger->on_signal(ledger->user, name, argument, is_sure);
}

static void record_lease(struct ledger *ledger, const struct ledger_request *request)
{
	struct ledger_step *step = &ledger->steps[request->step];
	if (request->attempt_no > ledger->max_attempts) {
		violate(ledger, "more attempts than allowed");
	}
	step->attempt_no = request->attempt_no;
	memcpy(step->lease_id, request->lease_id, sizeof(step->lease_id));
	step->lease_expires_ms = request->lease_expires_ms;
	step->timer_started_ms = 0;
	set_step(ledger, request->step, ROW_INITIATED);
	if (ledger->job == JOB_PAUSED) {
		send_control(ledger, "pause", true);
		/* Without `seq` an old resume is as good as a new one. */
		if (++ledger->n_leases_paused > 1 && !ledger->is_foreign) {
			violate(ledger, "a second attempt was started in a pause");
		}
	}
}

void ledger_lease(struct ledger *ledger, const struct ledger_request *request, char *ret_answer)
{
	const struct ledger_step *step = &ledger->steps[request->step];
	bool is_repeat = is_recorded(step, request);
	/* Which of the two comes first for a closed job is not said: either must do. */
	if (ledger_is_closed(ledger) && !(is_repeat && sim_random_is(ledger->random, 50))) {
		refuse(ledger, "job-closed", request->step, ret_answer);
	} else if (is_repeat) {
		write_answer(ret_answer, OK);
	} else if (is_terminal(step)) {
		refuse(ledger, "step-terminal", request->step, ret_answer);
	} else if (ledger->job == JOB_CANCELLING) {
		refuse(ledger, "job-cancelling", request->step, ret_answer);
	} else if (request->attempt_no <= step->attempt_no) {
		refuse(ledger, "superseded", request->step, ret_answer);
	} else {
		record_lease(ledger, request);
		write_answer(ret_answer, OK);
	}
}

bool ledger_publish(struct ledger *ledger, const struct ledger_request *request, uint64_t now_ms,
        char *ret_answer)
{
	struct ledger_step *step = &ledger->steps[request->step];
	if (!is_recorded(step, request)) {
		refuse(ledger,
		        ledger_is_closed(ledger)    ? "job-closed"
		                : is_terminal(step) ? "step-terminal"
		                                    : "superseded",
		        request->step, ret_answer);
		return false;
	}
	if (ledger_is_closed(ledger) && sim_random_is(ledger->random, 50)) {
		refuse(ledger, "job-closed", request->step, ret_answer);
		return false;
	}
	write_answer(ret_answer, OK);
	if (!is_out(step)) {
		return false;
	}
	if (step->timer_started_ms == 0) {
		step->timer_started_ms = now_ms;
	}
	if (request->attempt_no < step->published_attempt) {
		violate(ledger, "an older attempt was published after a newer one");
	}
	step->published_attempt = request->attempt_no;
	return true;
}

static bool have_all_succeeded(const struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->n_steps; i++) {
		if (ledger->steps[i].state != ROW_SUCCEEDED) {
			return false;
		}
	}
	return true;
}

static enum job_row_state job_state_of(const char *status)
{
	if (strcmp(status, "SUCCEEDED") == 0) {
		return JOB_SUCCEEDED;
	}
	return strcmp(status, "CANCELLED") == 0 ? JOB_CANCELLED : JOB_FAILED_FINAL;
}

void ledger_outcome(struct ledger *ledger, size_t step, const char *status, char *ret_answer)
{
	enum job_row_state wanted = job_state_of(status);
	if (!ledger->has_outcome_path) {
		write_answer(ret_answer, "{\"status\": 404, \"detail\": \"Not Found\"}");
	} else if (ledger_is_closed(ledger) && ledger->job != wanted) {
		refuse(ledger, "job-closed", step, ret_answer);
	} else if (ledger_is_closed(ledger)) {
		write_answer(ret_answer, OK);
	} else if (is_terminal(&ledger->steps[step]) && !have_all_succeeded(ledger)) {
		refuse(ledger, "step-terminal", step, ret_answer);
	} else if (wanted == JOB_SUCCEEDED && !have_all_succeeded(ledger)) {
		violate(ledger, "SUCCEEDED was asked for before all steps had succeeded");
		refuse(ledger, "steps-open", step, ret_answer);
	} else if (ledger->job == JOB_CANCELLING && wanted != JOB_CANCELLED) {
		refuse(ledger, "job-cancelling", step, ret_answer);
	} else {
		close_job(ledger, wanted, step);
		write_answer(ret_answer, OK);
	}
}

/* A signal carries what the ledger holds of the step. */
static void send_step(struct ledger *ledger, const char *name, size_t index)
{
	const struct ledger_step *step = &ledger->steps[index];
	char argument[512];
	int n = snprintf(argument, sizeof(argument),
	        "{\"stepId\": \"%s\", \"attempt_no\": %u, \"lease_id\": \"%s\", \"status\": "
	        "\"%s\"",
	        ledger_step_ids[index], (unsigned)step->attempt_no, step->lease_id,
	        row_names[step->state]);
	if (!ledger->is_foreign && ledger_is_closed(ledger)) {
		n += snprintf(argument + n, sizeof(argument) - (size_t)n,
		        ", \"job_state\": \"%s\", \"output_ref\": \"r\"", job_names[ledger->job]);
	}
	(void)snprintf(argument + n, sizeof(argument) - (size_t)n, "}");
	ledger->on_signal(ledger->user, name, argument, false);
}

static void note_reply(struct ledger *ledger)
{
	ledger->has_had_reply = true;
	if (ledger->job == JOB_QUEUED) {
		set_job(ledger, JOB_IN_PROGRESS);
	}
}

void ledger_ack(struct ledger *ledger, const struct ledger_request *request, uint64_t now_ms)
{
	struct ledger_step *step = &ledger->steps[request->step];
	if (!is_recorded(step, request) || !is_out(step)) {
		return;
	}
	if (step->state == ROW_INITIATED) {
		set_step(ledger, request->step, ROW_PROCESSING);
		step->timer_started_ms = now_ms;
		note_reply(ledger);
	}
	send_step(ledger, "step_ack", request->step);
}

/* The RESULT is written; a foreign invoker leaves it to the workflow to close the job. */
static void record_result(struct ledger *ledger, size_t index, enum row_state state)
{
	bool is_last = index + 1 == ledger->n_steps;
	bool is_cancelling = ledger->job == JOB_CANCELLING;
	if (is_cancelling && state == ROW_FAILED_RETRY && !ledger->is_foreign) {
		state = ROW_CANCELLED;
	}
	set_step(ledger, index, state);
	note_reply(ledger);
	if (ledger->is_foreign) {
		return;
	}
	if (is_cancelling) {
		close_job(ledger, JOB_CANCELLED, index);
	} else if (state == ROW_FAILED_FINAL) {
		close_job(ledger, JOB_FAILED_FINAL, index);
	} else if (state == ROW_SUCCEEDED && is_last) {
		close_job(ledger, JOB_SUCCEEDED, index);
	}
}

static enum row_state row_state_of(const char *status)
{
	if (strcmp(status, "SUCCEEDED") == 0) {
		return ROW_SUCCEEDED;
	}
	return strcmp(status, "FAILED_RETRY") == 0 ? ROW_FAILED_RETRY : ROW_FAILED_FINAL;
}

void ledger_result(struct ledger *ledger, const struct ledger_request *request, const char *status,
        uint64_t now_ms)
{
	struct ledger_step *step = &ledger->steps[request->step];
	if (!is_recorded(step, request)) {
		return;
	}
	if (is_out(step) && !ledger_is_closed(ledger)) {
		record_result(ledger, request->step, row_state_of(status));
		step->timer_started_ms = now_ms;
	}
	if (is_terminal(step) || step->state == ROW_FAILED_RETRY) {
		send_step(ledger, "step_result", request->step);
	}
}

void ledger_pause(struct ledger *ledger)
{
	if (ledger->job == JOB_QUEUED || ledger->job == JOB_IN_PROGRESS) {
		set_job(ledger, JOB_PAUSED);
		ledger->control_seq++;
		ledger->n_leases_paused = 0;
	}
	if (ledger->job == JOB_PAUSED) {
		send_control(ledger, "pause", false);
	}
}

void ledger_resume(struct ledger *ledger)
{
	if (ledger->job == JOB_PAUSED) {
		set_job(ledger, ledger->has_had_reply ? JOB_IN_PROGRESS : JOB_QUEUED);
		ledger->control_seq++;
		send_control(ledger, "resume", false);
	}
}

void ledger_cancel(struct ledger *ledger)
{
	if (ledger_is_closed(ledger)) {
		return;
	}
	if (ledger->job != JOB_CANCELLING) {
		set_job(ledger, JOB_CANCELLING);
		ledger->control_seq++;
	}
	ledger->on_signal(ledger->user, "cancel", "", false);
}

static void sweep_control(struct ledger *ledger)
{
	if (ledger->job == JOB_CANCELLING) {
		ledger->on_signal(ledger->user, "cancel", "", false);
	} else if (ledger->control_seq > 0 || ledger->is_foreign) {
		send_control(ledger, ledger->job == JOB_PAUSED ? "pause" : "resume", false);
	}
}

void ledger_sweep(struct ledger *ledger)
{
	size_t newest = 0;
	for (size_t i = 0; i < ledger->n_steps; i++) {
		newest = ledger->steps[i].attempt_no != 0 ? i : newest;
	}
	const struct ledger_step *step = &ledger->steps[newest];
	if (!ledger_is_closed(ledger)) {
		sweep_control(ledger);
	}
	bool is_result = is_terminal(step) || step->state == ROW_FAILED_RETRY;
	if (ledger_is_closed(ledger) || (is_result && ledger->job != JOB_PAUSED)) {
		send_step(ledger, "step_result", newest);
	}
}

/* A time, or null. */
static const char *time_text(uint64_t time_ms, char text[RFC3339_SIZE + 2])
{
	if (time_ms == 0) {
		return "null";
	}
	text[0] = '"';
	rfc3339_print((int64_t)time_ms * 1000, text + 1);
	text[RFC3339_SIZE] = '"';
	text[RFC3339_SIZE + 1] = '\0';
	return text;
}

void ledger_snapshot(const struct ledger *ledger, bool is_bus_durable, char *ret_text)
{
	int n = snprintf(ret_text, LEDGER_TEXT_SIZE,
	        "{\"job\": {\"state\": \"%s\", \"control_seq\": %d}, \"bus_is_durable\": %s, "
	        "\"steps\": [",
	        job_names[ledger->job], ledger->control_seq, is_bus_durable ? "true" : "false");
	for (size_t i = 0; i < ledger->n_steps; i++) {
		const struct ledger_step *step = &ledger->steps[i];
		char expires[RFC3339_SIZE + 2];
		char started[RFC3339_SIZE + 2];
		n += snprintf(ret_text + n, LEDGER_TEXT_SIZE - (size_t)n,
		        "%s{\"step_id\": \"%s\", \"state\": \"%s\", \"attempt_no\": %u, "
		        "\"lease_id\": \"%s\", \"lease_expires_at\": %s, \"timer_started_at\": %s}",
		        i == 0 ? "" : ", ", ledger_step_ids[i], row_names[step->state],
		        (unsigned)step->attempt_no, step->lease_id,
		        time_text(step->lease_expires_ms, expires),
		        time_text(step->timer_started_ms, started));
	}
	(void)snprintf(ret_text + n, LEDGER_TEXT_SIZE - (size_t)n, "]}");
}
