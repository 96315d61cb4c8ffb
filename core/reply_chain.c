/* SPDX-License-Identifier: MIT */
/*
 * One reply from delivery to settlement:
 *
 *   begin ─ no reply ──────────────────────────────────────────────→ dead-letter (NotAReply)
 *     └→ ledger → on_recorded ─ no such job ───────────────────────→ dead-letter (JobUnknown)
 *           ^          ├─ stale, ACK seen before, makes no sense ──→ complete
 *           |          └→ signal → on_signalled ─ OK, no such run ─→ complete → release the slot
 *           |                          └─ failure: keep, back off, ─┐
 *           └─ failure: keep, back off ─────────────────────────────┘ again from the ledger
 *
 * A settlement that a backend did not carry out is repeated: the bus would renew the message's lock
 * for ever. A stop ends the waiting: the message is released.
 */
#include <stdlib.h>
#include <string.h>

#include "core/backend.h"
#include "core/job_log.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/metrics.h"
#include "core/replies_internal.h"
#include "support/base/fault.h"
#include "support/base/memory.h"

#define BACKOFF_FIRST_MS 200u
#define BACKOFF_MAX_MS 15000u

struct reply_chain {
	struct replies *replies;
	struct reply_chain *next, **link;
	uint64_t token;
	struct reply reply;
	struct timer *backoff; /* while it waits */
	uint32_t backoff_ms;
	struct job *closed; /* owned; the job whose slot is to be freed */
	/* The settlement that is under way or to be repeated; 0: none yet. Texts are static. */
	uint32_t how;
	const char *reason;
	const char *description; /* static, or in the reply */
};

static void record(struct reply_chain *chain);
static void send_settlement(struct reply_chain *chain);

static void count(const char *result)
{
	metric_record(metrics_series(LUCIUS_METRIC_COUNTER, "lucius_replies_total",
	                      "Replies of consumers, by what became of them.", "result", result),
	        1);
}

static void chain_end(struct reply_chain *chain)
{
	struct replies *replies = chain->replies;
	*chain->link = chain->next;
	if (chain->next != NULL) {
		chain->next->link = chain->link;
	}
	reply_finish(&chain->reply);
	job_destroy(chain->closed);
	free(chain);
	replies_ended(replies);
}

/* A slot that cannot be freed now is the sweeper's. */
static void on_released(void *user, uint32_t status, const char *sentence)
{
	(void)status;
	(void)sentence;
	chain_end(user);
}

static uint32_t next_wait_ms(struct reply_chain *chain)
{
	uint32_t jitter = 0;
	loop_random(chain->replies->parts.loop, &jitter, sizeof(jitter));
	uint32_t wait_ms = chain->backoff_ms / 2 + jitter % (chain->backoff_ms / 2 + 1);
	chain->backoff_ms =
	        chain->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : chain->backoff_ms * 2;
	return wait_ms;
}

static void settle_again(void *user)
{
	struct reply_chain *chain = user;
	chain->backoff = NULL;
	send_settlement(chain);
}

/* A lock that was lost means that the message comes again, as a repeat. */
static void on_settled(void *user, uint32_t status, const char *sentence)
{
	struct reply_chain *chain = user;
	if (status != LUCIUS_OK) {
		LOG(LUCIUS_LOG_WARNING, "reply.unsettled", sentence,
		        LOG_STRING("job_id", chain->reply.job_id),
		        LOG_STRING("status", status_name(status)));
	}
	bool may_be_held = status == LUCIUS_UNAVAILABLE || status == LUCIUS_UNKNOWN;
	bool is_left = chain->how == LUCIUS_SETTLE_RELEASE ? FAULT(giving_back_not_repeated)
	                                                   : FAULT(settlement_not_repeated);
	if (may_be_held && !is_left && !chain->replies->is_stopping) {
		chain->backoff = timer_start(
		        chain->replies->parts.loop, next_wait_ms(chain), settle_again, chain);
	} else if (chain->closed == NULL) {
		chain_end(chain);
	} else {
		const struct op_caller caller = { NULL, on_released, chain, 0 };
		ledger_release(chain->replies->parts.ledger, chain->closed, &caller);
	}
}

static void send_settlement(struct reply_chain *chain)
{
	struct lucius_settlement settlement = {
		.size = sizeof(settlement),
		.how = chain->how,
		.token = chain->token,
		.reason = { chain->reason, strlen(chain->reason) },
		.description = { chain->description, strlen(chain->description) },
	};
	const struct op_caller caller = { NULL, on_settled, chain, 0 };
	(void)bus_settle(chain->replies->parts.bus, &settlement, &caller);
}

static void settle(
        struct reply_chain *chain, uint32_t how, const char *reason, const char *description)
{
	chain->how = how;
	chain->reason = reason;
	chain->description = description;
	chain->backoff_ms = BACKOFF_FIRST_MS;
	send_settlement(chain);
}

static void dead_letter(struct reply_chain *chain, const char *reason, const char *description)
{
	count("dead_lettered");
	LOG(LUCIUS_LOG_WARNING, "reply.dead_lettered", description, LOG_STRING("reason", reason),
	        LOG_STRING("job_id", chain->reply.job_id));
	settle(chain, LUCIUS_SETTLE_DEAD_LETTER, reason, description);
}

static void on_backed_off(void *user)
{
	struct reply_chain *chain = user;
	chain->backoff = NULL;
	record(chain);
}

static void keep(struct reply_chain *chain, uint32_t status, const char *sentence)
{
	LOG(LUCIUS_LOG_WARNING, "reply.kept", sentence, LOG_STRING("job_id", chain->reply.job_id),
	        LOG_STRING("status", status_name(status)),
	        LOG_INTEGER("retry_ms", chain->backoff_ms));
	if (chain->replies->is_stopping) {
		settle(chain, LUCIUS_SETTLE_RELEASE, "", "");
		return;
	}
	if (FAULT(kept_reply_forgotten)) {
		return;
	}
	chain->backoff =
	        timer_start(chain->replies->parts.loop, next_wait_ms(chain), on_backed_off, chain);
}

static void on_signalled(void *user, uint32_t status, const char *sentence)
{
	struct reply_chain *chain = user;
	if (status == LUCIUS_NOT_FOUND || FAULT(failed_signal_taken_as_done)) {
		/* Whether the run has ended or was never known, the sweeper will say. */
		job_destroy(steal(chain->closed));
	} else if (status != LUCIUS_OK) {
		job_destroy(steal(chain->closed));
		keep(chain, status, sentence);
		return;
	}
	settle(chain, LUCIUS_SETTLE_COMPLETE, "", "");
}

static void tell_workflow(struct reply_chain *chain, struct job *job)
{
	const struct op_caller caller = { NULL, on_signalled, chain, 0 };
	const struct step *step = job_find_step(job, chain->reply.facts.step_id);
	if (chain->reply.facts.kind == REPLY_ACK) {
		signals_ack(chain->replies->parts.signals, job, step, &caller);
	} else {
		signals_result(chain->replies->parts.signals, job, step, &caller);
	}
}

/* The closed job is kept for the release: a copy of its head and fields is all that it needs. */
static void keep_if_closed(struct reply_chain *chain, struct job *job)
{
	if (job_state_is_terminal(job->state) && chain->reply.facts.kind != REPLY_ACK) {
		CLEANUP_ARENA struct arena arena = { 0 };
		chain->closed = job_decode(job_encode_loaded(job, &arena));
	}
}

static void log_reply(
        const struct reply_chain *chain, const struct job *job, const char *event, uint32_t level)
{
	const struct step *step = job_find_step(job, chain->reply.facts.step_id);
	job_log_step(level, event, job, step, NULL);
}

static void on_changed(struct reply_chain *chain, struct job *job)
{
	bool is_ack = chain->reply.facts.kind == REPLY_ACK;
	count(is_ack ? "ack" : "result");
	log_reply(chain, job, is_ack ? "reply.ack" : "reply.result", LUCIUS_LOG_INFO);
	if (job_state_is_terminal(job->state)) {
		job_log_finished(job);
	}
	keep_if_closed(chain, job);
	if (FAULT(slot_freed_before_signal) && chain->closed != NULL) {
		ledger_release(chain->replies->parts.ledger, chain->closed, NULL);
	}
	tell_workflow(chain, job);
}

static void on_nothing_changed(
        struct reply_chain *chain, const char *event, const char *result, const struct job *job)
{
	count(result);
	log_reply(chain, job, event, LUCIUS_LOG_WARNING);
	settle(chain, LUCIUS_SETTLE_COMPLETE, "", "");
}

/* A repeat of what the ledger holds: the crash may have come between ledger write and signal. */
static void on_duplicate(struct reply_chain *chain, struct job *job)
{
	if (FAULT(repeat_not_signalled)) {
		on_nothing_changed(chain, "reply.duplicate", "duplicate", job);
		return;
	}
	count("duplicate");
	log_reply(chain, job, "reply.duplicate", LUCIUS_LOG_INFO);
	keep_if_closed(chain, job);
	tell_workflow(chain, job);
}

static void on_recorded(void *user, const struct ledger_result *result)
{
	struct reply_chain *chain = user;
	if (result->status == LUCIUS_NOT_FOUND) {
		dead_letter(chain, "JobUnknown", "the ledger has no such job");
	} else if (result->status != LUCIUS_OK) {
		keep(chain, result->status, result->sentence);
	} else if (result->rule == RULE_CHANGED) {
		on_changed(chain, result->job);
	} else if (result->rule == RULE_DUPLICATE) {
		on_duplicate(chain, result->job);
	} else if (result->rule == RULE_STALE) {
		on_nothing_changed(chain, "reply.stale", "stale", result->job);
	} else {
		on_nothing_changed(chain, "reply.invalid", "invalid", result->job);
	}
}

static enum rule change(void *user, struct job *job, const char *now)
{
	struct reply_chain *chain = user;
	enum rule rule = rule_reply(job, &chain->reply.facts, now);
	if (FAULT(slot_freed_before_write) && job_state_is_terminal(job->state)) {
		ledger_release(chain->replies->parts.ledger, job, NULL);
	}
	return rule;
}

/* Of an ACK nobody makes anything; often the RESULT is right behind it. */
static void record(struct reply_chain *chain)
{
	struct ledger *ledger = chain->replies->parts.ledger;
	if (chain->reply.facts.kind == REPLY_ACK) {
		ledger_update_patiently(ledger, chain->reply.job_id, change, on_recorded, chain);
	} else {
		ledger_update(ledger, chain->reply.job_id, change, on_recorded, chain);
	}
}

static struct reply_chain *chain_begin(struct replies *replies, uint64_t token)
{
	struct reply_chain *chain = must_calloc(1, sizeof(*chain));
	chain->replies = replies;
	chain->token = token;
	chain->backoff_ms = BACKOFF_FIRST_MS;
	chain->next = replies->chains;
	chain->link = &replies->chains;
	if (chain->next != NULL) {
		chain->next->link = &chain->next;
	}
	replies->chains = chain;
	replies->n_open++;
	return chain;
}

void reply_chain_begin(struct replies *replies, const struct lucius_delivery *delivery)
{
	struct reply_chain *chain = chain_begin(replies, delivery->token);
	if (FAULT(settled_before_write)) {
		settle(chain, LUCIUS_SETTLE_COMPLETE, "", "");
	} else if (reply_read(delivery->message->body, &chain->reply)) {
		record(chain);
	} else {
		dead_letter(chain, "NotAReply", chain->reply.sentence);
	}
}

void reply_chain_give_back(struct replies *replies, uint64_t token)
{
	settle(chain_begin(replies, token), LUCIUS_SETTLE_RELEASE, "", "");
}

void reply_chains_stop(struct replies *replies)
{
	for (struct reply_chain *chain = replies->chains; chain != NULL; chain = chain->next) {
		if (chain->backoff == NULL) {
			continue;
		}
		timer_stop(steal(chain->backoff));
		if (chain->how != 0) {
			send_settlement(chain);
		} else {
			settle(chain, LUCIUS_SETTLE_RELEASE, "", "");
		}
	}
}
