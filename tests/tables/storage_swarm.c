/* SPDX-License-Identifier: MIT */
/*
 * One process of several that share a store: clients that create jobs of one tenant up to its limit
 * and finish them, as fast as the backend goes. What a process that was killed left behind is
 * finished by another run. Who counts the live jobs meanwhile is the test that starts them.
 *
 *   --suite tenant=NAME --suite limit=N --only swarm, or --only finish, or --only repair
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sdk/conformance/storage_tests.h"
#include "sdk/conformance/storage_world.h"

#define N_CLIENTS 16u /* operations under way at most */
#define N_HELD 128u /* jobs that they hold at most */
#define HOLD_CHANCE 40 /* one in so many turns a held job is finished */
#define TURN_MS 10
#define YEAR_US INT64_C(31536000000000) /* by then every command of now is old */

/* One job that a client holds, or is about to create. */
struct hand {
	enum { IDLE, CREATING, HELD, LOADING, SAVING, LOADING_AGAIN, RELEASING } state;
	struct asked *asked; /* owned; NULL: nothing is under way */
	char job_id[33];
};

struct swarm {
	struct world world;
	struct hand hands[N_HELD];
	const char *tenant;
	uint32_t limit;
	unsigned n_open;
	unsigned n_created, n_refused, n_finished;
	bool is_ending;
};

/* Whoever started this closes standard input when it is time to finish. */
static bool is_told_to_end(void)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	return poll(&input, 1, 0) != 0;
}

static void begin_create(struct swarm *swarm, struct hand *hand)
{
	static struct draft draft;
	draft_init(&draft, &swarm->world, swarm->tenant);
	draft.max_inflight = swarm->limit;
	memcpy(hand->job_id, draft.job_id, sizeof(hand->job_id));
	hand->state = CREATING;
	hand->asked = ask_create(&swarm->world, swarm->world.instance, &draft);
}

static void begin_load(struct swarm *swarm, struct hand *hand, int state)
{
	hand->state = state;
	hand->asked = ask_load(&swarm->world, hand->job_id);
}

static void begin_save(struct swarm *swarm, struct hand *hand, struct asked *loaded)
{
	struct change change;
	change_init(&change, job_of(loaded));
	change_state(&change, "SUCCEEDED", true);
	hand->state = SAVING;
	hand->asked = ask_save(&swarm->world, swarm->world.instance, &change.job);
}

/* Starts what the hand is to do next, if it is to do anything now. */
static void start(struct swarm *swarm, struct hand *hand)
{
	if (hand->state == IDLE && !swarm->is_ending) {
		begin_create(swarm, hand);
	} else if (hand->state == HELD && (swarm->is_ending || random() % HOLD_CHANCE == 0)) {
		begin_load(swarm, hand, LOADING);
	}
	swarm->n_open += hand->asked != NULL ? 1 : 0;
}

static void on_created(struct swarm *swarm, struct hand *hand, struct asked *asked)
{
	hand->state = asked_status(asked) == LUCIUS_OK ? HELD : IDLE;
	if (asked_status(asked) == LUCIUS_TENANT_FULL) {
		if (swarm->n_refused++ == 0) {
			printf("refused\n");
			(void)fflush(stdout);
		}
	} else {
		CHECK_STATUS(asked, LUCIUS_OK);
		swarm->n_created++;
	}
}

static void go_on(struct swarm *swarm, struct hand *hand, struct asked *asked)
{
	switch (hand->state) {
	case CREATING:
		on_created(swarm, hand, asked);
		break;
	case LOADING:
		CHECK_STATUS(asked, LUCIUS_OK);
		begin_save(swarm, hand, asked);
		break;
	case SAVING:
		CHECK_STATUS(asked, LUCIUS_OK);
		begin_load(swarm, hand, LOADING_AGAIN);
		break;
	case LOADING_AGAIN:
		CHECK_STATUS(asked, LUCIUS_OK);
		hand->state = RELEASING;
		hand->asked = ask_release(&swarm->world, job_of(asked));
		break;
	case RELEASING:
		CHECK_STATUS(asked, LUCIUS_OK);
		swarm->n_finished++;
		hand->state = IDLE;
		break;
	case IDLE:
	case HELD:
		CHECK_FAILED("a hand that does nothing has an answer");
		break;
	}
}

/* Whether any hand is still at something. */
static bool turn(struct swarm *swarm)
{
	bool is_busy = false;
	for (size_t i = 0; i < N_HELD; i++) {
		struct hand *hand = &swarm->hands[i];
		if (hand->asked != NULL && asked_is_finished(hand->asked)) {
			struct asked *asked = hand->asked;
			hand->asked = NULL;
			go_on(swarm, hand, asked);
			asked_free(asked);
			swarm->n_open -= hand->asked == NULL ? 1 : 0;
		} else if (hand->asked == NULL && swarm->n_open < N_CLIENTS) {
			start(swarm, hand);
		}
		is_busy = is_busy || hand->state != IDLE;
	}
	(void)host_turn(swarm->world.host, TURN_MS);
	return is_busy;
}

static void swarm_until_told_to_end(void)
{
	static struct swarm swarm;
	const char *limit = conformance_parameter("limit");
	swarm.tenant = conformance_parameter("tenant");
	if (limit == NULL || swarm.tenant == NULL) {
		conformance_skip("no tenant and limit are given");
	}
	swarm.limit = (uint32_t)strtoul(limit, NULL, 10);
	world_open(&swarm.world);
	srandom((unsigned)getpid());
	printf("swarming\n");
	(void)fflush(stdout);
	while (turn(&swarm) || !swarm.is_ending) {
		swarm.is_ending = swarm.is_ending || is_told_to_end();
	}
	printf("created %u finished %u refused %u\n", swarm.n_created, swarm.n_finished,
	        swarm.n_refused);
	world_close(&swarm.world);
}

/* As the core's sweeper would: whoever holds a slot is brought to its end. True: there was one. */
static bool finish_a_page(struct world *world, unsigned *n_finished)
{
	struct asked *scan = ask_scan(world, "", 100);
	CHECK_STATUS(scan, LUCIUS_OK);
	size_t n_found = 0;
	for (size_t i = 0; i < asked_n_items(scan); i++) {
		const struct lucius_found *found = asked_item(scan, i);
		if (found->job != NULL) {
			if (found->job->is_terminal == 0) {
				end_job(world, found->job->job_id.data, "SUCCEEDED");
			}
			release_job(world, found->job->job_id.data);
			n_found++;
		}
	}
	*n_finished += (unsigned)n_found;
	return n_found != 0 && check_n_failed() == 0;
}

static void repair_all(struct world *world)
{
	struct lucius_repair repair = { .size = sizeof(repair), .limit = 1000 };
	unsigned n_quiet = 0;
	repair.now_us = host_clock_us(world->host) + YEAR_US;
	/* It goes through slots and jobs in turn: quiet for a whole round. */
	while (n_quiet < 4 && check_n_failed() == 0) {
		struct asked *asked = ask_repair(world, &repair);
		CHECK_STATUS(asked, LUCIUS_OK);
		const struct lucius_repair_report *report = asked_item(asked, 0);
		CHECK(report != NULL);
		n_quiet = report != NULL && report->n_orphans + report->n_slots == 0 ? n_quiet + 1
		                                                                     : 0;
	}
}

static void repair_as_if_a_year_had_passed(void)
{
	struct world world;
	world_open(&world);
	repair_all(&world);
	world_close(&world);
}

static void finish_what_others_left(void)
{
	struct world world;
	unsigned n_finished = 0;
	world_open(&world);
	while (finish_a_page(&world, &n_finished)) {
	}
	repair_all(&world);
	printf("finished %u\n", n_finished);
	world_close(&world);
}

static const struct conformance_test tests[] = {
	CONFORMANCE_TEST(swarm_until_told_to_end),
	CONFORMANCE_TEST(finish_what_others_left),
	CONFORMANCE_TEST(repair_as_if_a_year_had_passed),
	{ NULL, NULL },
};
static const struct conformance_test *const tables[] = { tests, NULL };

extern const struct conformance_suite storage_swarm;
const struct conformance_suite storage_swarm = {
	.name = "storage swarm",
	.kind = LUCIUS_KIND_STORAGE,
	.tables = tables,
};
