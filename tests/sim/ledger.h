/* SPDX-License-Identifier: MIT */
/*
 * A model of the ledger for one job: its rows, what the invoker does to them (SPEC 3, 4, 5), and
 * the rules that no sequence of calls may break. Or, as a foreign one, of an invoker that gives no
 * reasons and closes no job by itself (SPEC 10).
 */
#ifndef TESTS_SIM_LEDGER_H
#define TESTS_SIM_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/random.h"

#define LEDGER_MAX_STEPS 3
#define LEDGER_TEXT_SIZE 4096

enum row_state {
	ROW_PENDING,
	ROW_INITIATED,
	ROW_PROCESSING,
	ROW_FAILED_RETRY,
	ROW_SUCCEEDED,
	ROW_FAILED_FINAL,
	ROW_CANCELLED
};

enum job_row_state {
	JOB_QUEUED,
	JOB_IN_PROGRESS,
	JOB_PAUSED,
	JOB_CANCELLING,
	JOB_SUCCEEDED,
	JOB_FAILED_FINAL,
	JOB_CANCELLED
};

struct ledger_step {
	enum row_state state;
	uint32_t attempt_no;
	char lease_id[65];
	uint64_t lease_expires_ms;
	uint64_t timer_started_ms;
	uint32_t published_attempt; /* the highest; for the rule that they grow */
};

struct ledger {
	struct sim_random *random; /* borrowed */
	bool is_foreign;
	bool has_outcome_path;
	uint32_t max_attempts;
	enum job_row_state job;
	int control_seq;
	bool has_had_reply;
	unsigned n_leases_paused; /* accepted since the row became PAUSED */
	struct ledger_step steps[LEDGER_MAX_STEPS];
	size_t n_steps;
	/* Sends a signal to the workflow. Is_sure: it is taken before the call returns; else it may
	 * be late or lost. */
	void (*on_signal)(void *user, const char *name, const char *argument, bool is_sure);
	void *user;
	char violation[256]; /* the first broken rule */
};

/* One of the requests that name an attempt. */
struct ledger_request {
	size_t step;
	uint32_t attempt_no;
	char lease_id[65];
	uint64_t lease_expires_ms;
};

extern const char *const ledger_step_ids[LEDGER_MAX_STEPS];

/* "SUCCEEDED"; static storage. */
const char *ledger_job_state(const struct ledger *ledger);
bool ledger_is_closed(const struct ledger *ledger);
/* The internal API: each writes its answer (ok or a refusal) into a text of LEDGER_TEXT_SIZE. */
void ledger_lease(struct ledger *ledger, const struct ledger_request *request, char *ret_answer);
/* True: the directive goes onto the bus. */
bool ledger_publish(struct ledger *ledger, const struct ledger_request *request, uint64_t now_ms,
        char *ret_answer);
void ledger_outcome(struct ledger *ledger, size_t step, const char *status, char *ret_answer);
/* Replies of consumers. Status: SUCCEEDED, FAILED_RETRY, FAILED_FINAL. */
void ledger_ack(struct ledger *ledger, const struct ledger_request *request, uint64_t now_ms);
void ledger_result(struct ledger *ledger, const struct ledger_request *request, const char *status,
        uint64_t now_ms);
/* Control calls; each signals. */
void ledger_pause(struct ledger *ledger);
void ledger_resume(struct ledger *ledger);
void ledger_cancel(struct ledger *ledger);
/* What the sweeper signals again for a job whose workflow runs. */
void ledger_sweep(struct ledger *ledger);
/* The rows as a snapshot for a restored machine, into a text of LEDGER_TEXT_SIZE. */
void ledger_snapshot(const struct ledger *ledger, bool is_bus_durable, char *ret_text);

#endif
