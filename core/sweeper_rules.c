/* SPDX-License-Identifier: MIT */
/* The engine is believed about its runs, the ledger about everything else. */
#include "core/sweeper_rules.h"

#define FIRST_GAP_US INT64_C(60000000)
#define LAST_GAP_US INT64_C(900000000)

/* How many repeats are due at this age. */
static int64_t n_due(int64_t age_us)
{
	int64_t n = 0;
	int64_t at_us = 0;
	int64_t gap_us = FIRST_GAP_US;
	while (gap_us < LAST_GAP_US) {
		at_us += gap_us;
		if (age_us < at_us) {
			return n;
		}
		n++;
		gap_us = gap_us * 2 > LAST_GAP_US ? LAST_GAP_US : gap_us * 2;
	}
	return n + (age_us - at_us) / LAST_GAP_US;
}

bool sweep_is_due(int64_t age_us, int64_t age_at_last_pass_us)
{
	int64_t before = age_at_last_pass_us < 0 ? 0 : n_due(age_at_last_pass_us);
	return n_due(age_us) > before;
}

static struct sweep_decision decide_running(const struct job *job)
{
	const struct step *step = job_find_step(job, value_text(&job->current_step_id));
	bool is_answered =
	        step != NULL && (step->state == STEP_SUCCEEDED || step->state == STEP_FAILED_RETRY);
	bool is_out =
	        step != NULL && (step->state == STEP_INITIATED || step->state == STEP_PROCESSING);
	if (job->state == JOB_PAUSED || job->state == JOB_CANCELLING) {
		return (struct sweep_decision){ .action = SWEEP_TELL_CONTROL };
	}
	bool is_resumed = job->control_seq > 0 && !is_out;
	if (is_answered) {
		enum sweep_action action = is_resumed ? SWEEP_TELL_BOTH : SWEEP_TELL_RESULT;
		return (struct sweep_decision){ .action = action };
	}
	return (struct sweep_decision){ .action = is_resumed ? SWEEP_TELL_CONTROL : SWEEP_LEAVE };
}

static struct sweep_decision close_as(enum job_state state, const char *error_code)
{
	return (struct sweep_decision){ SWEEP_CLOSE, state, error_code };
}

static struct sweep_decision decide_unknown(const struct job *job)
{
	if (job->attempts_total == 0) {
		return (struct sweep_decision){ .action = SWEEP_START };
	}
	return close_as(JOB_FAILED_FINAL, "WORKFLOW_LOST");
}

struct sweep_decision sweep_decide(const struct job *job, uint32_t run_state, bool is_due)
{
	if (job_state_is_terminal(job->state)) {
		return (struct sweep_decision){ .action = SWEEP_TELL_END };
	}
	switch (run_state) {
	case 0:
		return decide_unknown(job);
	case LUCIUS_RUN_COMPLETED:
		return job_all_succeeded(job) ? close_as(JOB_SUCCEEDED, NULL)
		                              : close_as(JOB_FAILED_FINAL, "WORKFLOW_INCOMPLETE");
	case LUCIUS_RUN_CANCELLED:
		return close_as(JOB_CANCELLED, NULL);
	case LUCIUS_RUN_FAILED:
		return close_as(JOB_FAILED_FINAL, "WORKFLOW_FAILED");
	case LUCIUS_RUN_TIMED_OUT:
		return close_as(JOB_FAILED_FINAL, "WORKFLOW_TIMEOUT");
	case LUCIUS_RUN_TERMINATED:
		return close_as(JOB_FAILED_FINAL, "WORKFLOW_TERMINATED");
	default:
		break;
	}
	return is_due ? decide_running(job) : (struct sweep_decision){ .action = SWEEP_LEAVE };
}
