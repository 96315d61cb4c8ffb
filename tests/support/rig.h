/* SPDX-License-Identifier: MIT */
/*
 * The core over backends that do what a test has laid down: storage (real storage-memory behind
 * it), bus and workflow engine on one simulated loop. Every operation succeeds, unless a fate waits
 * for it; what was asked is kept as text, in order.
 */
#ifndef TESTS_SUPPORT_RIG_H
#define TESTS_SUPPORT_RIG_H

#include <jansson.h>
#include <stdbool.h>

#include <lucius/bus.h>
#include <lucius/storage.h>
#include <lucius/workflow.h>

#include "core/api.h"
#include "core/backend.h"
#include "core/invoker.h"
#include "core/job.h"
#include "core/ledger.h"
#include "core/loop.h"
#include "core/settings.h"
#include "core/signals.h"

enum { RIG_N_ASKED = 512, RIG_N_FATES = 64, RIG_N_CALLS = 64 };
#define RIG_START_US INT64_C(1795521600000000) /* 2026-11-24T12:00:00Z */

struct rig_asked {
	uint32_t operation; /* LUCIUS_OP_… */
	struct lucius_op op;
	const struct lucius_host *host;
	bool is_open;
	char text[512]; /* what it was asked, in words */
};

enum rig_fate_kind {
	RIG_REFUSED, /* nothing is done */
	RIG_ANSWER_LOST, /* it is done, and the answer is another */
	RIG_HELD /* nothing is done, and nothing is answered until the test does */
};

struct rig_fate {
	uint32_t operation;
	uint32_t status;
	enum rig_fate_kind kind;
	bool is_over;
};

/* What backends say of themselves. */
struct rig_traits {
	bool is_shared, is_durable; /* storage */
	bool is_plain; /* storage without list and events */
	bool is_bus_shared, is_bus_durable;
	bool is_in_process; /* engine */
	uint64_t max_message_size, max_input_size;
};

/* An HTTP request and its answer. */
struct rig_call {
	struct http_request *request; /* owned */
	char *bytes; /* owned */
	size_t size;
	bool is_handling;
	bool is_answered;
	unsigned status;
	char *headers; /* owned; lines */
	char *body; /* owned */
	json_t *json; /* owned; NULL: the body is none */
};

struct rig {
	struct rig_traits traits;
	struct loop *loop;
	struct backend *memory; /* the store itself, for looks past the script */
	struct backend *storage, *bus, *workflow;
	struct ledger *ledger;
	struct signals signals;
	struct settings settings;
	struct api api;
	struct invoker *invoker;
	struct http_router *router;
	const struct lucius_host *workflow_host;
	uint32_t run_state; /* LUCIUS_RUN_… that describe gives; 0: NOT_FOUND */
	struct rig_asked asked[RIG_N_ASKED];
	unsigned n_asked;
	void (*on_asked)(uint32_t operation); /* as it is asked; NULL: nothing */
	bool has_gaps; /* pages begin with an item that has no job */
	bool is_quiet; /* the engine's part is counted, not written down */
	unsigned n_quiet;
	uint64_t n_expected; /* topics that the bus has been told of */
	bool is_silent; /* failures come without a sentence */
	struct rig_fate fates[RIG_N_FATES];
	unsigned n_fates;
	struct rig_call calls[RIG_N_CALLS];
	unsigned n_calls;
	const struct lucius_repair_report *repair_report; /* NULL: the store's */
};

extern struct rig rig;

/* Traits: NULL for none. */
void rig_begin(const struct rig_traits *traits);
/* Ends what is open and checks that the core has nothing left. */
void rig_end(void);
/* Runs all that is due, up to so many milliseconds from now. */
void rig_advance(uint64_t ms);
void rig_turn(void);

/* The next operation of this number that no fate waits for already. */
void rig_fate(enum rig_fate_kind kind, uint32_t operation, uint32_t status);
void rig_refuse(uint32_t operation, uint32_t status);
void rig_lose(uint32_t operation, uint32_t status);
void rig_hold(uint32_t operation);
/* Ends the oldest open operation of this number. */
void rig_answer(uint32_t operation, uint32_t status);

/* The oldest open one; NULL: none is. */
struct rig_asked *rig_find_open(uint32_t operation);

/* How often it was asked; and the text of the last time, "" if never. */
unsigned rig_count(uint32_t operation);
const char *rig_last(uint32_t operation);
/* The texts of all, one a line, of the kinds in the mask (1 << LUCIUS_KIND_…); static. */
const char *rig_all(unsigned kinds);
void rig_forget(void);

/* A delivery on the subscription whose topic ends so; reason: of a dead letter, or NULL. */
void rig_deliver(const char *topic, uint64_t token, const char *body, const char *reason);
/* Such a subscription ends by itself. */
void rig_end_subscription(const char *topic, uint32_t status);
/* The job with one step "ocr" or, with two, "embedding" behind it, created in the store. */
struct job *rig_make_job(const char *job_id, const char *tenant_id, size_t n_steps);
void rig_put_job(const struct job *job);
/* As it stands in the store. Owned; NULL: it is not there. */
struct job *rig_load_job(const char *job_id);
/* Changes it there by a rule, as another process would. */
void rig_change_job(const char *job_id, ledger_change_fn change, void *user);
void rig_control_job(const char *job_id, enum control what);
/* It has failed for good, with STEP_FAILED. */
void rig_fail_job(const char *job_id);

/* The routes of the API over the rig's backends. */
void rig_serve(void);
/* Authorization and body may be NULL. The answer may come later. */
struct rig_call *rig_call(
        const char *method, const char *target, const char *authorization, const char *body);
/* Called and answered. */
struct rig_call *rig_get(const char *target);
/* What stands there in the answer ("job.state"); "" if it is no text. */
const char *rig_text(const struct rig_call *call, const char *name);

/* For rig_*.c alone. */
extern const struct lucius_plugin rig_storage_plugin, rig_plain_storage_plugin;
extern const struct lucius_plugin rig_bus_plugin;
extern const struct lucius_plugin rig_workflow_plugin;
/* Writes down what is asked. True: a fate takes it, and it has been answered, or is held. */
bool rig_ask(const struct lucius_host *host, uint32_t operation, struct lucius_op op,
        const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The status to answer with instead of this one, if the answer is to be lost. */
uint32_t rig_outcome(uint32_t operation, uint32_t status);
void rig_finish(const struct lucius_host *host, struct lucius_op op, uint32_t status);
/* A stream stays open until the core gives it up. */
void rig_stay_open(const struct lucius_host *host, struct lucius_op op);
void rig_end_all(const struct lucius_host *host);
void rig_http_finish(void);

#endif
