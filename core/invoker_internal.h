/* SPDX-License-Identifier: MIT */
/* One call to the invoker, as core/invoker*.c share it. */
#ifndef CORE_INVOKER_INTERNAL_H
#define CORE_INVOKER_INTERNAL_H

#include <jansson.h>

#include "core/invoker.h"
#include "core/job_rules.h"
#include "core/ledger.h"
#include "core/signals.h"

struct invoker {
	struct invoker_parts parts;
	size_t n_open;
};

struct invoker_chain {
	struct invoker *invoker;
	enum invoker_call call;
	json_t *request; /* owned; the texts below live in it */
	const char *job_id;
	struct lease_request lease;
	struct outcome_request outcome;
	int64_t lane;
	const json_t *directive;
	bool is_pause_told; /* a paused job's workflow was told so, the lease may be taken */
	bool needs_pause;
	unsigned failure; /* HTTP status, if the request cannot be read */
	const char *failure_detail;
	invoker_done_fn done;
	void *user;
};

/* Reads the request into the chain, or sets failure. */
void invoker_read(struct invoker_chain *chain, const char *body, size_t size);

/* Each answers and frees the chain. */
void invoker_finish_ok(struct invoker_chain *chain);
/* The refusal that the rule stands for; job may be NULL where the rule needs none. */
void invoker_refuse(struct invoker_chain *chain, enum rule rule, const struct job *job);
/* 422 with a reason. */
void invoker_refuse_reason(struct invoker_chain *chain, const char *reason, const char *detail);
/* 404 if the status is NOT_FOUND, else 503. */
void invoker_fail(struct invoker_chain *chain, uint32_t status, const char *sentence);

/* The publish chain begins. */
void invoker_publish(struct invoker_chain *chain);

#endif
