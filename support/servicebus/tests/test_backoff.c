/* SPDX-License-Identifier: MIT */
/* How long the client waits after a loss: hardly after one that is normal, longer and longer else.
 */
#include "support/servicebus/tests/world.h"
#include "tests/support/suite.h"

#define FIRST_MS 5
#define N_LOSSES 10
/* Far apart, so that a machine with much to do does not make what lived seem short-lived. */
#define WORKED_MS 10
#define LIVES_MS 80

/* Waits may grow to what a test would not sit through, but not past one that escalates for sure:
 * that ten random waits all stay within the first limit happens once in some thousand million runs.
 */
static void start(struct world *world, uint32_t worked_ms)
{
	world_start(world);
	world->settings.backoff_first_ms = FIRST_MS;
	world->settings.backoff_max_ms = 200;
	world->settings.worked_ms = worked_ms;
	world_client(world, "UseDevelopmentEmulator=true");
	world_send(world, "topic", "x");
	CHECK(world_wait(world, &world->n_done, 1));
}

static void close_often(struct world *world, unsigned lives_ms, const char *condition)
{
	for (unsigned i = 1; i <= N_LOSSES; i++) {
		CHECK(world_wait(world, &world->broker.n_attached, i));
		world_pass(world, lives_ms);
		fake_broker_close(&world->broker, condition);
		CHECK(world_wait(world, &world->n_waits, i));
	}
}

static void detach_often(struct world *world, unsigned lives_ms, const char *condition)
{
	for (unsigned i = 1; i <= N_LOSSES; i++) {
		CHECK(world_wait(world, &world->broker.n_attached, i));
		world_pass(world, lives_ms);
		fake_broker_detach(&world->broker, "topic", condition);
		CHECK(world_wait(world, &world->n_waits, i));
	}
}

static void normal_closes_of_connections_that_worked_never_lengthen_the_wait(void)
{
	struct world w;
	start(&w, WORKED_MS);
	close_often(&w, LIVES_MS, "amqp:connection:forced");
	CHECK(w.longest_wait_ms <= FIRST_MS);
	world_finish(&w);
}

static void connection_that_is_closed_at_once_is_tried_less_and_less_often(void)
{
	struct world w;
	start(&w, 60000);
	close_often(&w, 1, "amqp:connection:forced");
	CHECK(w.longest_wait_ms > FIRST_MS);
	world_finish(&w);
}

static void connection_closed_for_an_error_is_tried_less_and_less_often(void)
{
	struct world w;
	start(&w, WORKED_MS);
	close_often(&w, LIVES_MS, "amqp:internal-error");
	CHECK(w.longest_wait_ms > FIRST_MS);
	world_finish(&w);
}

static void wait_that_has_grown_is_short_again_after_a_normal_close(void)
{
	struct world w;
	start(&w, WORKED_MS);
	close_often(&w, 1, "amqp:internal-error");
	CHECK(w.longest_wait_ms > FIRST_MS);
	CHECK(world_wait(&w, &w.broker.n_attached, N_LOSSES + 1));
	world_pass(&w, LIVES_MS);
	w.longest_wait_ms = 0;
	fake_broker_close(&w.broker, "amqp:connection:forced");
	CHECK(world_wait(&w, &w.n_waits, N_LOSSES + 1));
	CHECK(w.longest_wait_ms <= FIRST_MS);
	world_finish(&w);
}

/* All lanes of a daemon: none of the broker's answers has come when the next ones are due. */
static void links_of_all_lanes_come_up_a_few_at_a_time_on_one_connection(void)
{
	struct world w;
	char topic[20];
	world_start(&w);
	world_client(&w, "UseDevelopmentEmulator=true");
	w.broker.answers_attach_never = true;
	for (int i = 0; i < 31; i++) {
		snprintf(topic, sizeof(topic), "topic-%d", i);
		(void)servicebus_sender(w.client, topic);
	}
	(void)world_receive(&w, 5);
	CHECK(world_wait(&w, &w.broker.n_attaches, 8));
	world_pass(&w, 100);
	CHECK_INT(w.broker.n_attaches, 8);
	w.broker.answers_attach_never = false;
	fake_broker_kill(&w.broker);
	CHECK(world_wait(&w, &w.broker.n_attached, 32));
	CHECK_INT(w.broker.n_connected, 2);
	world_finish(&w);
}

static void normal_detaches_of_links_that_worked_never_lengthen_the_wait(void)
{
	struct world w;
	start(&w, WORKED_MS);
	detach_often(&w, LIVES_MS, "amqp:link:detach-forced");
	CHECK(w.longest_wait_ms <= FIRST_MS);
	CHECK_INT(w.broker.n_connected, 1);
	world_finish(&w);
}

static void link_that_is_detached_at_once_is_tried_less_and_less_often(void)
{
	struct world w;
	start(&w, 60000);
	detach_often(&w, 1, "amqp:link:detach-forced");
	CHECK(w.longest_wait_ms > FIRST_MS);
	CHECK_INT(w.broker.n_connected, 1);
	world_finish(&w);
}

static void link_detached_for_an_error_is_tried_less_and_less_often(void)
{
	struct world w;
	start(&w, WORKED_MS);
	detach_often(&w, LIVES_MS, "amqp:internal-error");
	CHECK(w.longest_wait_ms > FIRST_MS);
	world_finish(&w);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(normal_closes_of_connections_that_worked_never_lengthen_the_wait),
		SUITE_TEST(connection_that_is_closed_at_once_is_tried_less_and_less_often),
		SUITE_TEST(connection_closed_for_an_error_is_tried_less_and_less_often),
		SUITE_TEST(wait_that_has_grown_is_short_again_after_a_normal_close),
		SUITE_TEST(links_of_all_lanes_come_up_a_few_at_a_time_on_one_connection),
		SUITE_TEST(normal_detaches_of_links_that_worked_never_lengthen_the_wait),
		SUITE_TEST(link_that_is_detached_at_once_is_tried_less_and_less_often),
		SUITE_TEST(link_detached_for_an_error_is_tried_less_and_less_often),
	};
	return suite_run("servicebus backoff", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
