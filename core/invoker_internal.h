/* SPDX-License-Identifier: MIT */
/* One call to the invoker, as core/invoker*.c share it. */
#ifndef CORE_INVOKER_INTERNAL_H
#define CORE_INVOKER_INTERNAL_H

#include "core/arena.h"
#include "core/invoker.h"
#include "core/job_rules.h"
#include "core/json_slice.h"
#include "core/ledger.h"
#include "core/signals.h"

struct invoker {
	struct invoker_parts parts;
	size_t n_open;
};

/* What a directive says; a text that is NULL is missing. */
struct invoker_directive {
	struct json_slice json; /* as it came */
	int64_t lane;
	const char *step_type;
	const char *service;
	const char *mode;
	const char *correlation_id;
	const char *traceparent;
};

struct invoker_chain {
	struct arena arena; /* holds the chain itself, the request and all texts below */
	struct invoker *invoker;
	enum invoker_call call;
	const char *job_id;
	struct lease_request lease;
	struct outcome_request outcome;
	struct invoker_directive directive;
	int64_t control_seq; /* of the pause that is to be told, or was */
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
