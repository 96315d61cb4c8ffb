/* SPDX-License-Identifier: MIT */
/* --provision: what is asked of the bus, and what of it decides the exit status. */
#include "core/provision.h"

#include <stdlib.h>

#include "tests/support/rig.h"
#include "tests/support/suite.h"

/* On a real loop, which provision_run turns itself; every answer comes in its first turns. */
static int run(void)
{
	const struct settings settings = {
		.servicebus_lanes = 3,
		.servicebus_reply_prefix = "replies-",
		.servicebus_reply_subscription = "invoker",
	};
	char error[256] = "";
	struct loop *loop = loop_create();
	const struct backend_parts parts = { .loop = loop, .plugin = &rig_bus_plugin };
	struct backend *bus = backend_create(&parts, error, sizeof(error));
	CHECK_TEXT(error, "");
	int is_done = provision_run(loop, &settings, bus);
	CHECK_TEXT(rig_last(LUCIUS_OP_STOP), "stop");
	CHECK_INT(backend_destroy(bus), 0);
	loop_destroy(loop);
	return is_done;
}

static void begin(void)
{
	rig = (struct rig){ 0 };
}

static void topics_and_subscriptions_of_all_lanes_are_made(void)
{
	begin();
	CHECK_INT(run(), 1);
	CHECK_TEXT(rig_last(LUCIUS_OP_BUS_PROVISION),
	        "provision global-bus-p0 to replies-2, replies-2/invoker");
}

static void what_the_bus_refuses_is_a_failure(void)
{
	static const uint32_t statuses[] = { LUCIUS_DENIED, LUCIUS_UNAVAILABLE,
		LUCIUS_UNSUPPORTED };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin();
		rig.is_silent = i == 0;
		rig_refuse(LUCIUS_OP_BUS_PROVISION, statuses[i]);
		CHECK_INT(run(), 0);
	}
}

static void bus_that_does_not_start_is_not_asked(void)
{
	begin();
	rig_refuse(LUCIUS_OP_START, LUCIUS_DENIED);
	CHECK_INT(run(), 0);
	CHECK_INT(rig_count(LUCIUS_OP_BUS_PROVISION), 0);
}

static void stop_that_fails_leaves_what_was_made(void)
{
	begin();
	rig_refuse(LUCIUS_OP_STOP, LUCIUS_UNAVAILABLE);
	CHECK_INT(run(), 1);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(topics_and_subscriptions_of_all_lanes_are_made),
		SUITE_TEST(what_the_bus_refuses_is_a_failure),
		SUITE_TEST(bus_that_does_not_start_is_not_asked),
		SUITE_TEST(stop_that_fails_leaves_what_was_made),
	};
	return suite_run("provision", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
