/* SPDX-License-Identifier: MIT */
/* Client and server connections against each other, and a server against raw bytes. */
#include "support/amqp/link.h"
#include "support/amqp/message.h"
#include "support/amqp/tests/pair.h"
#include "tests/support/suite.h"

#include <proton/session.h>
#include <unistd.h>

static bool is_set(const void *user)
{
	return *(const bool *)user;
}

static void both_sides_open_and_close(void)
{
	struct pair pair;
	pair_start(&pair, &(struct pair_options){ .client.hostname = "bus.example" });
	CHECK(pair_open(&pair));
	pn_connection_t *server = amqp_connection_proton(pair.server.connection);
	CHECK_TEXT(pn_connection_remote_hostname(server), "bus.example");
	CHECK_TEXT(pn_connection_remote_container(server), "client");
	amqp_connection_close(pair.client.connection, "amqp:connection:forced", "enough");
	CHECK(!pair.client.is_closed);
	CHECK(pair_run_until(&pair, is_set, &pair.client.is_closed));
	CHECK(pair_run_until(&pair, is_set, &pair.server.is_closed));
	CHECK(pair.server.is_by_peer);
	CHECK(!pair.client.is_by_peer);
	CHECK_TEXT(pair.server.condition, "amqp:connection:forced");
	CHECK_TEXT(pair.server.sentence, "enough");
	pair_finish(&pair);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(both_sides_open_and_close),
	};
	return suite_run("connection", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
