/* SPDX-License-Identifier: MIT */
/* The actions of the step logic with their payloads, written as text without a tree. */
#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#include "core/json_composed.h"
#include "core/json_writer.h"
#include "core/rfc3339.h"
#include "core/step_logic_state.h"
#include "support/base/cleanup.h"
#include "support/base/decimal.h"
#include "support/base/fault.h"

#define START_TO_CLOSE_MS 30000
#define RETRY_INITIAL_MS 1000
#define RETRY_MAX_MS 60000
#define LEASE_ID_BYTES 16u
#define LEASE_ID_DIGITS 32u
#define SUMMARY_SIZE 160u
#define SUMMARY_STEP_MAX 64u /* bytes; more of a step's name is cut */

static struct lucius_text text_of(const char *text)
{
	return (struct lucius_text){ text, text != NULL ? strlen(text) : 0 };
}

static void emit(struct lucius_machine *machine, struct lucius_action *action)
{
	action->size = sizeof(*action);
	machine->on_action(machine->user, action);
}

/* What is under way, as one line for people. */
static const char *phase_summary(enum machine_phase phase)
{
	switch (phase) {
	case PHASE_LEASING:
		return "lease";
	case PHASE_PUBLISHING:
		return "publish";
	case PHASE_WAITING:
		return "wait for the RESULT";
	case PHASE_BACKOFF:
		return "wait after";
	case PHASE_CLOSING:
		return "outcome after";
	case PHASE_REFUSED:
		return "wait, as the outcome was refused, after";
	case PHASE_NEW:
	case PHASE_PAUSED:
	case PHASE_OVER:
		break;
	}
	return "";
}

static void emit_summed_up(struct lucius_machine *machine, struct lucius_action *action)
{
	char summary[SUMMARY_SIZE];
	bool has_step = machine->step_index < machine->n_steps;
	const char *step = has_step ? machine_step(machine)->step_id : "all steps,";
	char *end = stpcpy(stpcpy(summary, phase_summary(machine->phase)), " ");
	end = stpcpy(mempcpy(end, step, strnlen(step, SUMMARY_STEP_MAX)), " attempt ");
	end += decimal_print_unsigned(end, machine->attempt.number);
	action->summary = (struct lucius_text){ summary, (size_t)(end - summary) };
	emit(machine, action);
}

void machine_arm(struct lucius_machine *machine, uint64_t after_ms)
{
	machine->timer = ++machine->last_number;
	emit_summed_up(machine,
	        &(struct lucius_action){
	                .type = LUCIUS_ACTION_START_TIMER,
	                .number = machine->timer,
	                .after_ms = after_ms,
	        });
}

void machine_disarm(struct lucius_machine *machine)
{
	if (machine->timer == 0) {
		return;
	}
	uint64_t timer = machine->timer;
	machine->timer = 0;
	if (FAULT(timer_not_cancelled)) {
		return;
	}
	emit(machine,
	        &(struct lucius_action){ .type = LUCIUS_ACTION_CANCEL_TIMER, .number = timer });
}

/* Give_up_after_ms: 0 for never. */
static void run_activity(struct lucius_machine *machine, const char *name,
        struct json_writer *payload, uint64_t give_up_after_ms)
{
	machine->activity = ++machine->last_number;
	/* Its parts are texts that were escaped here and values of the input and of signals, which
	 * were checked when they were read. */
	json_composed_keep(json_writer_text(payload), payload->size);
	emit_summed_up(machine,
	        &(struct lucius_action){
	                .type = LUCIUS_ACTION_RUN_ACTIVITY,
	                .number = machine->activity,
	                .start_to_close_ms = START_TO_CLOSE_MS,
	                .retry_initial_ms = RETRY_INITIAL_MS,
	                .retry_max_ms = RETRY_MAX_MS,
	                .give_up_after_ms = give_up_after_ms,
	                .name = text_of(name),
	                .payload = { json_writer_text(payload), payload->size },
	        });
}

/* One try is always made, also when the lease ends just now: 0 would mean for ever. */
static uint64_t until_lease_ends_ms(const struct lucius_machine *machine)
{
	return machine->lease_expires_ms > machine->now_ms
	        ? machine->lease_expires_ms - machine->now_ms
	        : 1;
}

/* Members attempt_no, lease_id and lease_expires_at; the first one's name is written already. */
static void write_attempt(const struct lucius_machine *machine, struct json_writer *writer)
{
	char expires_at[RFC3339_SIZE];
	rfc3339_print((int64_t)machine->lease_expires_ms * 1000, expires_at);
	json_writer_int(writer, machine->attempt.number);
	json_writer_string_member(writer, "lease_id", machine->attempt.lease_id);
	json_writer_string_member(writer, "lease_expires_at", expires_at);
}

void machine_ask_lease(struct lucius_machine *machine)
{
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	json_writer_begin_object(&writer);
	json_writer_string_member(&writer, "jobId", machine->job_id);
	json_writer_string_member(&writer, "stepId", machine_step(machine)->step_id);
	json_writer_string_member(&writer, "tenant_id", machine->tenant_id);
	json_writer_name(&writer, "attempt_no");
	write_attempt(machine, &writer);
	json_writer_end_object(&writer);
	machine->phase = PHASE_LEASING;
	run_activity(machine, STEP_ACTIVITY_LEASE, &writer, until_lease_ends_ms(machine));
}

void machine_ask_publish(struct lucius_machine *machine)
{
	const struct machine_step *step = machine_step(machine);
	const char *before = machine->previous_result_ref;
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	json_writer_append(&writer, step->head, step->head_size);
	write_attempt(machine, &writer);
	json_writer_append(&writer, step->tail, step->tail_size);
	before = before != NULL ? before : "null";
	json_writer_append(&writer, before, strlen(before));
	json_writer_append(&writer, "}}", 2);
	machine->phase = PHASE_PUBLISHING;
	run_activity(machine, STEP_ACTIVITY_PUBLISH, &writer, until_lease_ends_ms(machine));
}

static const char *end_name(enum job_end end)
{
	switch (end) {
	case END_SUCCEEDED:
		return "SUCCEEDED";
	case END_CANCELLED:
		return "CANCELLED";
	case END_FAILED:
	case END_NONE:
		break;
	}
	return "FAILED_FINAL";
}

void machine_ask_outcome(struct lucius_machine *machine)
{
	size_t last = machine->n_steps - 1;
	size_t named = machine->step_index < last ? machine->step_index : last;
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	json_writer_begin_object(&writer);
	json_writer_string_member(&writer, "jobId", machine->job_id);
	json_writer_string_member(&writer, "tenant_id", machine->tenant_id);
	json_writer_string_member(&writer, "stepId", machine->steps[named].step_id);
	json_writer_string_member(&writer, "status", end_name(machine->outcome));
	json_writer_name(&writer, "error");
	if (machine->error.code == NULL) {
		json_writer_null(&writer);
	} else {
		json_writer_begin_object(&writer);
		json_writer_string_member(&writer, "code", machine->error.code);
		json_writer_string_member(&writer, "message", machine->error.message);
		json_writer_end_object(&writer);
	}
	json_writer_end_object(&writer);
	machine->phase = PHASE_CLOSING;
	run_activity(machine, STEP_ACTIVITY_OUTCOME, &writer, 0);
}

void machine_end(struct lucius_machine *machine, enum job_end end)
{
	const struct fault *error = &machine->error;
	struct lucius_action action = { .type = LUCIUS_ACTION_CANCEL };
	machine->phase = PHASE_OVER;
	machine->activity = 0;
	machine->timer = 0;
	switch (end) {
	case END_SUCCEEDED:
		action.type = LUCIUS_ACTION_COMPLETE;
		action.payload = text_of("{\"status\":\"SUCCEEDED\"}");
		break;
	case END_FAILED:
	case END_NONE:
		action.type = LUCIUS_ACTION_FAIL;
		action.name = text_of(error->code != NULL ? error->code : "STEP_FAILED");
		action.payload = text_of(error->message);
		break;
	case END_CANCELLED:
		break;
	}
	emit(machine, &action);
}

/* Fetched once: a fetch costs more than the digest. */
static const EVP_MD *sha256(void)
{
	static EVP_MD *algorithm;
	if (algorithm == NULL) {
		algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	}
	assert(algorithm != NULL);
	return algorithm;
}

void machine_make_lease(struct lucius_machine *machine)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int digest_size;
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	json_writer_begin_array(&writer);
	json_writer_string(&writer, machine->seed);
	json_writer_string(&writer, machine->job_id);
	json_writer_string(&writer, machine_step(machine)->step_id);
	json_writer_int(&writer, machine->attempt.number);
	json_writer_end_array(&writer);
	int is_done = EVP_Digest(
	        json_writer_text(&writer), writer.size, digest, &digest_size, sha256(), NULL);
	assert(is_done == 1 && digest_size >= LEASE_ID_BYTES);
	for (size_t i = 0; i < LEASE_ID_BYTES; i++) {
		machine->attempt.lease_id[2 * i] = digits[digest[i] >> 4];
		machine->attempt.lease_id[2 * i + 1] = digits[digest[i] & 15];
	}
	machine->attempt.lease_id[LEASE_ID_DIGITS] = '\0';
	machine->lease_expires_ms =
	        machine->now_ms + (uint64_t)machine_step(machine)->lease_seconds * 1000;
}
