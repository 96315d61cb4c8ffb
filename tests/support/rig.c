/* SPDX-License-Identifier: MIT */
/* Fates, the list of what was asked, jobs, and the life of the whole. */
#include "tests/support/rig.h"

#include <stdarg.h>
#include <stdlib.h>

#include "core/loader.h"
#include "support/base/memory.h"
#include "tests/support/copy_command.h"
#include "tests/support/suite.h"

struct rig rig;

static const char sentence[] = "as the test has laid down";

static struct backend *make_backend(const struct lucius_plugin *plugin)
{
	char error[512] = "";
	const struct backend_parts parts = { .loop = rig.loop, .plugin = plugin };
	struct backend *backend = backend_create(&parts, error, sizeof(error));
	if (backend == NULL) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	backend_start(backend, NULL);
	return backend;
}

static const struct lucius_plugin *load_memory(void)
{
	char error[512] = "";
	const struct lucius_plugin *plugin =
	        loader_load(PLUGINS_DIR, LUCIUS_KIND_STORAGE, "memory", error, sizeof(error));
	if (plugin == NULL) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	return plugin;
}

void rig_begin(const struct rig_traits *traits)
{
	rig = (struct rig){ .traits = traits != NULL ? *traits : (struct rig_traits){ 0 } };
	rig.loop = loop_create_simulated(1, RIG_START_US);
	rig.memory = make_backend(load_memory());
	rig.storage =
	        make_backend(rig.traits.is_plain ? &rig_plain_storage_plugin : &rig_storage_plugin);
	rig.bus = make_backend(&rig_bus_plugin);
	rig.workflow = make_backend(&rig_workflow_plugin);
	rig.ledger = ledger_create(rig.loop, rig.storage);
	/* So that one turn is enough; how long it would wait is the ledger's own test. */
	ledger_hurry(rig.ledger);
	rig.signals = (struct signals){ rig.loop, rig.workflow };
	rig_turn();
}

static void end_backend(struct backend *backend)
{
	backend_stop(backend, NULL);
	rig_turn();
	CHECK_INT(backend_n_open(backend), 0);
	if (backend_destroy(backend) != 0) {
		fprintf(stderr, "'%s' is open\n", backend_open_operation(backend));
		abort();
	}
}

void rig_end(void)
{
	rig_http_finish();
	CHECK_INT(ledger_n_open(rig.ledger), 0);
	ledger_destroy(rig.ledger);
	end_backend(rig.workflow);
	end_backend(rig.bus);
	end_backend(rig.storage);
	end_backend(rig.memory);
	for (unsigned i = 0; i < rig.n_fates; i++) {
		CHECK(rig.fates[i].is_over);
	}
	loop_destroy(rig.loop);
}

void rig_advance(uint64_t ms)
{
	loop_advance(rig.loop, ms);
	loop_advance(rig.loop, 0);
}

void rig_turn(void)
{
	rig_advance(0);
}

/* Fates */

void rig_fate(enum rig_fate_kind kind, uint32_t operation, uint32_t status)
{
	if (rig.n_fates == RIG_N_FATES) {
		abort();
	}
	rig.fates[rig.n_fates++] = (struct rig_fate){ operation, status, kind, false };
}

void rig_refuse(uint32_t operation, uint32_t status)
{
	rig_fate(RIG_REFUSED, operation, status);
}

void rig_lose(uint32_t operation, uint32_t status)
{
	rig_fate(RIG_ANSWER_LOST, operation, status);
}

void rig_hold(uint32_t operation)
{
	rig_fate(RIG_HELD, operation, LUCIUS_OK);
}

static struct rig_fate *next_fate(uint32_t operation)
{
	for (unsigned i = 0; i < rig.n_fates; i++) {
		if (!rig.fates[i].is_over && rig.fates[i].operation == operation) {
			return &rig.fates[i];
		}
	}
	return NULL;
}

/* What is asked */

static struct rig_asked *find_open(const struct lucius_host *host, struct lucius_op op)
{
	for (unsigned i = 0; i < rig.n_asked; i++) {
		struct rig_asked *asked = &rig.asked[i];
		if (asked->is_open && asked->host == host && asked->op.id == op.id) {
			return asked;
		}
	}
	return NULL;
}

void rig_finish(const struct lucius_host *host, struct lucius_op op, uint32_t status)
{
	struct rig_asked *asked = find_open(host, op);
	if (asked != NULL) {
		asked->is_open = false;
	}
	host->finish(host, op, status, status == LUCIUS_OK || rig.is_silent ? NULL : sentence);
}

bool rig_ask(const struct lucius_host *host, uint32_t operation, struct lucius_op op,
        const char *format, ...)
{
	struct rig_fate *fate = next_fate(operation);
	if (rig.on_asked != NULL) {
		rig.on_asked(operation);
	}
	if (rig.is_quiet && operation >> 8 == LUCIUS_KIND_WORKFLOW && fate == NULL) {
		rig.n_quiet++;
		return false;
	}
	if (rig.n_asked == RIG_N_ASKED) {
		abort();
	}
	struct rig_asked *asked = &rig.asked[rig.n_asked++];
	*asked = (struct rig_asked){ operation, op, host, true, "" };
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(asked->text, sizeof(asked->text), format, arguments);
	va_end(arguments);
	if (fate == NULL || fate->kind == RIG_ANSWER_LOST) {
		return false;
	}
	fate->is_over = true;
	if (fate->kind == RIG_REFUSED) {
		rig_finish(host, op, fate->status);
	}
	return true;
}

uint32_t rig_outcome(uint32_t operation, uint32_t status)
{
	struct rig_fate *fate = next_fate(operation);
	if (fate == NULL || fate->kind != RIG_ANSWER_LOST) {
		return status;
	}
	fate->is_over = true;
	return fate->status;
}

struct rig_asked *rig_find_open(uint32_t operation)
{
	for (unsigned i = 0; i < rig.n_asked; i++) {
		if (rig.asked[i].is_open && rig.asked[i].operation == operation) {
			return &rig.asked[i];
		}
	}
	return NULL;
}

void rig_answer(uint32_t operation, uint32_t status)
{
	const struct rig_asked *asked = rig_find_open(operation);
	CHECK(asked != NULL);
	if (asked != NULL) {
		rig_finish(asked->host, asked->op, status);
		rig_turn();
	}
}

static void on_given_up(void *user)
{
	struct rig_asked *asked = user;
	rig_finish(asked->host, asked->op, LUCIUS_OK);
}

void rig_stay_open(const struct lucius_host *host, struct lucius_op op)
{
	host->on_cancel(host, op, on_given_up, find_open(host, op));
}

void rig_end_all(const struct lucius_host *host)
{
	for (unsigned i = 0; i < rig.n_asked; i++) {
		if (rig.asked[i].is_open && rig.asked[i].host == host) {
			rig_finish(host, rig.asked[i].op, LUCIUS_UNAVAILABLE);
		}
	}
}

unsigned rig_count(uint32_t operation)
{
	unsigned n = 0;
	for (unsigned i = 0; i < rig.n_asked; i++) {
		n += rig.asked[i].operation == operation ? 1 : 0;
	}
	return n;
}

const char *rig_last(uint32_t operation)
{
	for (unsigned i = rig.n_asked; i-- > 0;) {
		if (rig.asked[i].operation == operation) {
			return rig.asked[i].text;
		}
	}
	return "";
}

const char *rig_all(unsigned kinds)
{
	static char text[RIG_N_ASKED * sizeof(rig.asked[0].text)];
	char *end = text;
	*end = '\0';
	for (unsigned i = 0; i < rig.n_asked; i++) {
		if ((kinds >> (rig.asked[i].operation >> 8) & 1) != 0) {
			end = stpcpy(end, rig.asked[i].text);
			end = stpcpy(end, "\n");
		}
	}
	return text;
}

/* What is open stays known. */
void rig_forget(void)
{
	for (unsigned i = 0; i < rig.n_asked; i++) {
		if (!rig.asked[i].is_open) {
			rig.asked[i].operation = 0;
		}
	}
}

/* Jobs */

struct job *rig_make_job(const char *job_id, const char *tenant_id, size_t n_steps)
{
	static const char *const names[] = { "ocr", "embedding" };
	char now[RFC3339_SIZE];
	struct job *job = job_create();
	rfc3339_print(loop_clock_us(rig.loop), now);
	job_set(job, &job->job_id, job_id);
	job_set(job, &job->tenant_id, tenant_id);
	job_set(job, &job->tenant_bucket, arena_join(&job->arena, tenant_id, "#202611", NULL));
	job_set(job, &job->request_type, "OCR");
	job_set(job, &job->idempotency_hash,
	        arena_join(&job->arena, job_id, "0123456789abcdef0123456789abcdef", NULL));
	job_set(job, &job->created_at, now);
	job_set(job, &job->updated_at, now);
	job->n_steps = n_steps;
	job->steps = arena_zalloc(&job->arena, n_steps * sizeof(*job->steps));
	for (size_t i = 0; i < n_steps; i++) {
		struct step *step = &job->steps[i];
		step->step_index = (int64_t)i;
		step->job_id = job->job_id;
		job_set(job, &step->step_id, names[i]);
		job_set(job, &step->output_ref, "out");
		step->created_at = job->created_at;
		step->updated_at = job->created_at;
	}
	return job;
}

void rig_put_job(const struct job *job)
{
	CLEANUP_ARENA struct arena arena = { 0 };
	const struct lucius_command command = {
		.size = sizeof(command),
		.max_inflight = 100000,
		.idempotency_hash = value_as_text(&job->idempotency_hash),
		.job = job_encode_new(job, &arena),
	};
	storage_create(rig.memory, &arena, copy_command(&arena, &command), NULL);
	rig_turn();
}

static void on_loaded_row(void *user, const void *item)
{
	struct job **job = user;
	*job = job_decode(item);
}

struct job *rig_load_job(const char *job_id)
{
	struct job *job = NULL;
	const struct op_caller caller = { on_loaded_row, NULL, &job, 0 };
	storage_load(rig.memory, (struct lucius_text){ job_id, strlen(job_id) }, &caller);
	rig_turn();
	return job;
}

void rig_change_job(const char *job_id, ledger_change_fn change, void *user)
{
	char now[RFC3339_SIZE];
	CLEANUP_ARENA struct arena arena = { 0 };
	CLEANUP(cleanup_job) struct job *job = rig_load_job(job_id);
	rfc3339_print(loop_clock_us(rig.loop), now);
	(void)change(user, job, now);
	storage_save(rig.memory, &arena, job_encode_change(job, &arena), NULL);
	rig_turn();
}

static enum rule control(void *user, struct job *job, const char *now)
{
	return rule_control(job, *(enum control *)user, now);
}

void rig_control_job(const char *job_id, enum control what)
{
	rig_change_job(job_id, control, &what);
}

static enum rule fail(void *user, struct job *job, const char *now)
{
	(void)user;
	return rule_close(job, JOB_FAILED_FINAL, "STEP_FAILED", "it failed", now);
}

void rig_fail_job(const char *job_id)
{
	rig_change_job(job_id, fail, NULL);
}
