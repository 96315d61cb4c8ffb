/* SPDX-License-Identifier: MIT */
/* The members of the host table: each finds its backend from the table and hands over. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/instance.h"
#include "core/loader.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/metrics.h"
#include "core/reserve.h"
#include "support/base/memory.h"

enum { N_LOG_FIELDS = 24 };

static struct backend *of(const struct lucius_host *host)
{
	return instance_of(host);
}

static struct log_field log_field_of(const struct lucius_field *field)
{
	struct log_field copy = LOG_TEXT(field->name, field->value, field->value_size);
	if (field->type == LUCIUS_FIELD_INTEGER && field->value != NULL) {
		char *end = NULL;
		errno = 0;
		int64_t integer = strtoll(field->value, &end, 10);
		if (errno == 0 && end != field->value && *end == '\0') {
			copy = LOG_INTEGER(field->name, integer);
		}
	}
	return copy;
}

static void host_log(const struct lucius_host *host, uint32_t level, const char *event,
        const char *sentence, const struct lucius_field *fields, uint64_t n_fields)
{
	if (level < LUCIUS_LOG_DEBUG || level > LUCIUS_LOG_ERROR) {
		level = LUCIUS_LOG_INFO;
	}
	if (!log_is_on(level)) {
		return;
	}
	struct log_field copies[N_LOG_FIELDS + 1] = { LOG_STRING("backend", of(host)->title) };
	size_t n = 1;
	for (uint64_t i = 0; fields != NULL && i < n_fields && i < N_LOG_FIELDS; i++) {
		copies[n++] = log_field_of(&fields[i]);
	}
	log_write(level, event, sentence, copies, n);
}

static void host_ready(const struct lucius_host *host, const char *sentence)
{
	struct backend *backend = of(host);
	bool was_ready = backend->not_ready == NULL;
	if (was_ready && sentence == NULL) {
		return;
	}
	bool is_same = !was_ready && sentence != NULL && strcmp(backend->not_ready, sentence) == 0;
	free(backend->not_ready);
	backend->not_ready = sentence != NULL ? must_copy(sentence, strlen(sentence)) : NULL;
	if (sentence == NULL) {
		LOG(LUCIUS_LOG_INFO, "backend.ready", NULL, LOG_STRING("backend", backend->title));
	} else if (!is_same) {
		LOG(LUCIUS_LOG_WARNING, "backend.not_ready", sentence,
		        LOG_STRING("backend", backend->title));
	}
}

static void host_give(const struct lucius_host *host, struct lucius_op op, const void *item)
{
	op_give_by(of(host), op, item);
}

static void host_finish(
        const struct lucius_host *host, struct lucius_op op, uint32_t status, const char *sentence)
{
	op_finish_by(of(host), op, status, sentence);
}

static void host_on_cancel(
        const struct lucius_host *host, struct lucius_op op, lucius_fn fn, void *user)
{
	op_on_cancel_by(of(host), op, fn, user);
}

static struct lucius_op host_open(
        const struct lucius_host *host, const struct lucius_question *given)
{
	struct lucius_question question;
	copy_into(&question, sizeof(question), given, given->size);
	struct backend *asker = of(host);
	const struct op_opening opening = {
		.operation = question.operation,
		.home = asker,
		.answerer = question.asked != NULL ? of(question.asked->host) : NULL,
		.asker = asker,
	};
	bool is_core = opening.answerer == NULL;
	if (op_contract(question.operation) == NULL ||
	        is_core != (question.operation == LUCIUS_OP_DEFINITION_RUN)) {
		instance_abort(asker, "open of an operation that nobody has");
	}
	const struct op_caller caller = {
		.on_item = question.on_item,
		.on_done = question.on_done,
		.user = question.user,
		.timeout_ms = question.timeout_ms != 0 ? question.timeout_ms : OP_NO_DEADLINE,
	};
	return op_handle(op_open(&opening, &caller));
}

static void host_cancel(const struct lucius_host *host, struct lucius_op op)
{
	(void)host;
	op_cancel(op);
}

static const struct lucius_backend *host_wrap(const struct lucius_host *host, const char *name)
{
	char error[512] = "";
	struct backend *wrapped = instance_wrap(of(host), name, error, sizeof(error));
	if (wrapped == NULL) {
		LOG(LUCIUS_LOG_ERROR, "backend.wrap", error, LOG_STRING("backend", of(host)->title),
		        LOG_STRING("wrapped", name));
		return NULL;
	}
	return &wrapped->shown;
}

/* A plugin's timer is the loop's; only the name of the type differs. */
static struct lucius_timer *host_timer_start(
        const struct lucius_host *host, uint64_t after_ms, lucius_fn fn, void *user)
{
	return (struct lucius_timer *)timer_start(of(host)->parts.loop, after_ms, fn, user);
}

static void host_timer_stop(const struct lucius_host *host, struct lucius_timer *timer)
{
	(void)host;
	timer_stop((struct timer *)timer);
}

static uint64_t host_now_ms(const struct lucius_host *host)
{
	return loop_now_ms(of(host)->parts.loop);
}

static int64_t host_clock_us(const struct lucius_host *host)
{
	return loop_clock_us(of(host)->parts.loop);
}

static void host_random(const struct lucius_host *host, void *bytes, size_t size)
{
	loop_random(of(host)->parts.loop, bytes, size);
}

static struct lucius_metric *host_metric(
        const struct lucius_host *host, const struct lucius_metric_spec *given)
{
	struct lucius_metric_spec spec;
	char name[256];
	copy_into(&spec, sizeof(spec), given, given->size);
	(void)snprintf(name, sizeof(name), "lucius_%s_%s", of(host)->title,
	        spec.name != NULL ? spec.name : "unnamed");
	return (struct lucius_metric *)metrics_series(
	        spec.type, name, spec.help, spec.label, spec.label_value);
}

static void host_record(const struct lucius_host *host, struct lucius_metric *metric, double value)
{
	(void)host;
	metric_record((struct metric *)metric, value);
}

static void host_post(const struct lucius_host *host, lucius_fn fn, void *user)
{
	loop_post(((const struct backend *)host)->parts.loop, fn, user);
}

static uint32_t host_regain_memory(const struct lucius_host *host)
{
	(void)host;
	return reserve_spend() ? 1 : 0;
}

void host_init(struct backend *backend)
{
	backend->host = (struct lucius_host){
		.size = sizeof(struct lucius_host),
		.abi_minor = LUCIUS_ABI_MINOR,
		.options = backend->parts.options,
		.event_base = loop_base(backend->parts.loop),
		.log = host_log,
		.ready = host_ready,
		.give = host_give,
		.finish = host_finish,
		.on_cancel = host_on_cancel,
		.open = host_open,
		.cancel = host_cancel,
		.wrap = host_wrap,
		.timer_start = host_timer_start,
		.timer_stop = host_timer_stop,
		.now_ms = host_now_ms,
		.clock_us = host_clock_us,
		.random = host_random,
		.metric = host_metric,
		.record = host_record,
		.post = host_post,
		.regain_memory = host_regain_memory,
	};
}
