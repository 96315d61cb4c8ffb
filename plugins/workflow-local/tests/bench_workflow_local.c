/* SPDX-License-Identifier: MIT */
/*
 * What a run of two steps costs in the engine and in the step logic, over the daemon's runtime,
 * with activities that are answered at once and each RESULT and ACK as a signal.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/backend.h"
#include "core/loop.h"
#include "core/step_logic.h"

#define EPOCH_US INT64_C(1772366400000000)
#define N_RUNS 20000
#define N_AT_ONCE 100

struct bench {
	struct loop *loop;
	struct backend *engine;
	struct step_logic logic; /* with run_at_once */
	unsigned n_ended;
	char attempts[N_AT_ONCE][512]; /* the signals' argument, but for its end */
};

static struct bench bench;

static const char input_format[] =
        "{\"job_id\":\"%032u\",\"tenant_id\":\"tenant-1\",\"protocol_id\":\"ocr-embedding.v1\","
        "\"lane\":7,\"routing_key_used\":\"tenant-1\",\"mode\":\"DEFAULT\",\"correlation_id\":"
        "\"c-1\",\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\","
        "\"options\":{\"definition\":1,\"max_attempts\":3,\"step_result_timeout_seconds\":900,"
        "\"lease_seconds\":900,\"retry_initial_seconds\":1,\"retry_max_seconds\":60,"
        "\"execution_timeout_seconds\":3600},\"steps\":["
        "{\"step_id\":\"ocr\",\"step_type\":\"OCR\",\"service\":\"platform-ocr\",\"payload\":"
        "{\"language_hint\":\"de\",\"output_format\":\"TEXT\"},\"input_ref\":{\"uri\":"
        "\"https://a/b\"},\"workspace_ref\":null,\"output_ref\":{\"uri\":\"https://a/c\"}},"
        "{\"step_id\":\"embedding\",\"step_type\":\"EMBEDDING\",\"service\":"
        "\"platform-embedding\",\"payload\":{\"model\":\"m\"},\"input_ref\":{\"uri\":"
        "\"https://a/b\"},\"workspace_ref\":null,\"output_ref\":{\"uri\":\"https://a/c\"}}]}";

static const char *member(struct lucius_text payload, const char *name, size_t *ret_size)
{
	const char *at = memmem(payload.data, payload.size, name, strlen(name));
	at = at != NULL ? at + strlen(name) : payload.data + payload.size;
	*ret_size = strcspn(at, ",\"}");
	return at;
}

/* Of a lease, what its ACK and RESULT will say. */
static void remember_attempt(struct lucius_text payload)
{
	size_t job_size;
	size_t step_size;
	size_t lease_size;
	const char *job = member(payload, "\"jobId\":\"", &job_size);
	const char *step = member(payload, "\"stepId\":\"", &step_size);
	const char *lease = member(payload, "\"lease_id\":\"", &lease_size);
	unsigned slot = (unsigned)strtoul(job + 24, NULL, 10) % N_AT_ONCE;
	(void)snprintf(bench.attempts[slot], sizeof(bench.attempts[slot]),
	        "{\"type\":\"RESULT\",\"stepId\":\"%.*s\",\"attempt_no\":1,\"lease_id\":\"%.*s\","
	        "\"output_ref\":{\"uri\":\"https://a/result\"},\"status\":\"SUCCEEDED\"",
	        (int)step_size, step, (int)lease_size, lease);
}

static void run_at_once(const struct lucius_definition *definition, struct lucius_text name,
        struct lucius_text payload, struct lucius_op op)
{
	static const struct lucius_text ok = { "{\"status\":\"ok\"}", 15 };
	(void)definition;
	if (name.size == sizeof(STEP_ACTIVITY_LEASE) - 1) {
		remember_attempt(payload);
	}
	op_give(op, &ok);
	op_finish(op, LUCIUS_OK, NULL);
}

static void send(unsigned number, const char *name, const char *more)
{
	char id[33];
	char argument[600];
	char request_id[48];
	static unsigned n_sent;
	(void)snprintf(id, sizeof(id), "%032u", number);
	(void)snprintf(
	        argument, sizeof(argument), "%s%s}", bench.attempts[number % N_AT_ONCE], more);
	(void)snprintf(request_id, sizeof(request_id), "%s%u", name, n_sent++);
	const struct lucius_signal signal = {
		.size = sizeof(signal),
		.workflow_id = { id, 32 },
		.name = { name, strlen(name) },
		.argument = { argument, strlen(argument) },
		.request_id = { request_id, strlen(request_id) },
	};
	(void)workflow_signal(bench.engine, &signal, &(struct op_caller){ 0 });
}

static void start(unsigned number)
{
	char id[33];
	char input[2048];
	(void)snprintf(id, sizeof(id), "%032u", number);
	(void)snprintf(input, sizeof(input), input_format, number);
	const struct lucius_run run = {
		.size = sizeof(run),
		.workflow_id = { id, 32 },
		.input = { input, strlen(input) },
		.started_at_ms = EPOCH_US / 1000,
		.execution_timeout_ms = 3600000,
	};
	(void)workflow_start(bench.engine, &run, &(struct op_caller){ 0 });
}

static void run_batch(unsigned first)
{
	for (unsigned i = 0; i < N_AT_ONCE; i++) {
		start(first + i);
	}
	loop_advance(bench.loop, 0);
	for (unsigned step = 0; step < 2; step++) {
		for (unsigned i = 0; i < N_AT_ONCE; i++) {
			send(first + i, "step_ack", "");
		}
		loop_advance(bench.loop, 0);
		for (unsigned i = 0; i < N_AT_ONCE; i++) {
			send(first + i, "step_result",
			        step == 1 ? ",\"job_state\":\"SUCCEEDED\"" : "");
		}
		loop_advance(bench.loop, 0);
	}
}

static void on_state(void *user, const void *item)
{
	const struct lucius_run_state *state = item;
	(void)user;
	bench.n_ended += state->state == LUCIUS_RUN_COMPLETED ? 1 : 0;
}

static void count_ended(void)
{
	const struct op_caller caller = { .on_item = on_state };
	for (unsigned i = 0; i < N_RUNS; i++) {
		char id[33];
		(void)snprintf(id, sizeof(id), "%032u", i);
		(void)workflow_describe(bench.engine, (struct lucius_text){ id, 32 }, &caller);
		loop_advance(bench.loop, 0);
	}
}

static double cpu_us(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* The same input read into a tree once, which no run can do without. */
static double parse_us(void)
{
	char input[2048];
	(void)snprintf(input, sizeof(input), input_format, 1U);
	double began_us = cpu_us();
	for (unsigned i = 0; i < N_RUNS; i++) {
		json_decref(json_loads(input, 0, NULL));
	}
	return (cpu_us() - began_us) / N_RUNS;
}

int main(void)
{
	static const struct step_options defaults = { 3, 900, 900, 1, 60 };
	char error[256] = "";
	bench.loop = loop_create_simulated(1, EPOCH_US);
	const struct backend_parts parts = { .loop = bench.loop, .plugin = &lucius_plugin };
	bench.engine = backend_create(&parts, error, sizeof(error));
	if (bench.engine == NULL) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	step_logic_init(&bench.logic, &defaults);
	bench.logic.table.run = run_at_once;
	(void)workflow_work(bench.engine, &bench.logic.table, &(struct op_caller){ 0 });
	double began_us = cpu_us();
	for (unsigned i = 0; i < N_RUNS; i += N_AT_ONCE) {
		run_batch(i);
	}
	double run_us = (cpu_us() - began_us) / N_RUNS;
	count_ended();
	printf("run of two steps (start, 4 activities, 4 signals): %.1f us CPU; reading its input "
	       "into a tree alone: %.1f us; %u of %u completed\n",
	        run_us, parse_us(), bench.n_ended, N_RUNS);
	(void)backend_stop(bench.engine, &(struct op_caller){ 0 });
	loop_advance(bench.loop, 0);
	int is_open = backend_destroy(bench.engine);
	loop_destroy(bench.loop);
	return bench.n_ended == N_RUNS && is_open == 0 ? 0 : 1;
}
